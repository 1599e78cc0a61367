/* record.so - LD_PRELOAD it to write what a program does with its heap to $MALLOC_TRACE_FILE.
 *
 * Sizes are those of the program: record i386 programs to compare i386 libraries.  Blocks are known
 * by slots; a hash table leads from the address to the slot.  The recorder allocates with mmap only,
 * takes one process (not its children) and no threads, and stops after RECORDS_MAX operations. */
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "trace.h"

void *__libc_malloc(size_t nbytes);
void *__libc_calloc(size_t count, size_t nbytes);
void *__libc_realloc(void *block, size_t nbytes);
void *__libc_memalign(size_t alignment, size_t nbytes);
void __libc_free(void *block);

#define TABLE_LOG2 20
#define TABLE_SIZE (1u << TABLE_LOG2)
#define RECORDS_MAX 400000u
#define BUFFER_RECORDS 4096u
#define HASH_FACTOR 2654435769u /* 2^32 / golden ratio (Knuth, TAOCP vol. 3, 6.4) */
#define GONE ((void *)1) /* an entry whose block was freed: the search goes on behind it */

static struct entry {
    void *block;
    uint32_t slot;
} * table;
static uint32_t *free_slots, free_count, slot_count, record_count, buffered;
static struct trace_record buffer[BUFFER_RECORDS];
static int trace_fd = -1;
static pid_t recorded_process;

static void flush(void)
{
    if (trace_fd >= 0 && getpid() == recorded_process && buffered > 0 &&
        write(trace_fd, buffer, buffered * sizeof(*buffer)) < 0)
        trace_fd = -1;
    buffered = 0;
}

__attribute__((constructor)) static void start(void)
{
    const char *path = getenv("MALLOC_TRACE_FILE");
    size_t nbytes = TABLE_SIZE * (sizeof(*table) + sizeof(*free_slots));

    if (path == NULL)
        return;
    table = mmap(NULL, nbytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (table == MAP_FAILED)
        return;
    free_slots = (uint32_t *)(table + TABLE_SIZE);
    recorded_process = getpid();
    trace_fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    unsetenv("LD_PRELOAD");
}

__attribute__((destructor)) static void stop(void)
{
    flush();
}

static bool recording(void)
{
    return trace_fd >= 0 && record_count < RECORDS_MAX;
}

static void append(uint32_t operation, uint32_t slot, size_t nbytes)
{
    buffer[buffered++] = (struct trace_record){ operation, slot, (uint32_t)nbytes };
    record_count++;
    if (buffered == BUFFER_RECORDS || record_count == RECORDS_MAX)
        flush();
}

static uint32_t place_of(const void *block)
{
    return (uint32_t)(uintptr_t)block * HASH_FACTOR >> (32 - TABLE_LOG2);
}

static struct entry *find(const void *block)
{
    for (uint32_t i = place_of(block); table[i].block != NULL; i = (i + 1) % TABLE_SIZE) {
        if (table[i].block == block)
            return &table[i];
    }
    return NULL;
}

static void enter(void *block, uint32_t slot)
{
    uint32_t i = place_of(block);
    while (table[i].block != NULL && table[i].block != GONE)
        i = (i + 1) % TABLE_SIZE;
    table[i] = (struct entry){ block, slot };
}

static void *taken(uint32_t operation, void *block, size_t nbytes)
{
    if (recording() && block != NULL) {
        uint32_t slot = free_count > 0 ? free_slots[--free_count] : slot_count++;
        enter(block, slot);
        append(operation, slot, nbytes);
    }
    return block;
}

void *malloc(size_t nbytes)
{
    return taken(TRACE_MALLOC, __libc_malloc(nbytes), nbytes);
}

void *calloc(size_t count, size_t nbytes)
{
    return taken(TRACE_CALLOC, __libc_calloc(count, nbytes), count * nbytes);
}

void *memalign(size_t alignment, size_t nbytes)
{
    return taken(TRACE_MALLOC, __libc_memalign(alignment, nbytes), nbytes);
}

void *aligned_alloc(size_t alignment, size_t nbytes)
{
    return memalign(alignment, nbytes);
}

int posix_memalign(void **block, size_t alignment, size_t nbytes)
{
    *block = memalign(alignment, nbytes);
    return *block == NULL ? ENOMEM : 0;
}

void free(void *block)
{
    struct entry *entry = recording() && block != NULL ? find(block) : NULL;

    if (entry != NULL) {
        append(TRACE_FREE, entry->slot, 0);
        free_slots[free_count++] = entry->slot;
        entry->block = GONE;
    }
    __libc_free(block);
}

void *realloc(void *block, size_t nbytes)
{
    struct entry *entry = recording() && block != NULL ? find(block) : NULL;

    if (entry == NULL)
        return taken(TRACE_MALLOC, __libc_realloc(block, nbytes), nbytes);
    void *moved = __libc_realloc(block, nbytes);
    if (moved == NULL && nbytes == 0) { /* glibc: it was freed */
        append(TRACE_FREE, entry->slot, 0);
        free_slots[free_count++] = entry->slot;
        entry->block = GONE;
    } else if (moved != NULL) {
        append(TRACE_REALLOC, entry->slot, nbytes);
        uint32_t slot = entry->slot;
        entry->block = GONE;
        enter(moved, slot);
    }
    return moved;
}
