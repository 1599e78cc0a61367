// sources: user/lib/malloc.c
// cflags: -include tests/host/malloc_names.h
/* tests/host/test_malloc.c - the user heap against a model, over an sbrk() of our own that
 * refuses now and then, and that a foreign caller moves too.  Then every crime that malloc.c
 * says it detects.  Usage: test_malloc [SEED [OPERATIONS]] */
#include <errno.h>
#include <setjmp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "user/lib/include/malloc.h"

#define CHECK(condition, ...)                                               \
    do {                                                                    \
        if (!(condition)) {                                                 \
            fprintf(stderr, "%s:%d: %s: ", __FILE__, __LINE__, #condition); \
            fprintf(stderr, __VA_ARGS__);                                   \
            fprintf(stderr, "\n");                                          \
            exit(1);                                                        \
        }                                                                   \
    } while (0)

#define MIB (1024u * 1024)

/* ---- What malloc.c asks for -------------------------------------------------------------- */

static char arena[64 * MIB] __attribute__((aligned(4096)));
static size_t arena_used, arena_limit = sizeof(arena);
static char message[256];
static size_t message_length;
static jmp_buf *after_abort;

void *strata_sbrk(intptr_t increment)
{
    size_t old = arena_used;

    if (increment > 0 && (size_t)increment > arena_limit - arena_used) {
        errno = ENOMEM;
        return (void *)-1;
    }
    CHECK(increment >= 0 || (size_t)-increment <= arena_used, "sbrk(%ld) below the start",
          (long)increment);
    arena_used += (size_t)increment;
    if (increment < 0) { /* whole pages come back fresh, as from the kernel; the rest stays */
        size_t fresh = (arena_used + 4095) & ~(size_t)4095;
        if (fresh < old)
            memset(arena + fresh, 0, old - fresh);
    }
    return arena + old;
}

ssize_t strata_write(int fd, const void *bytes, size_t nbytes)
{
    (void)fd;
    size_t room = sizeof(message) - 1 - message_length;
    size_t copied = nbytes < room ? nbytes : room;
    memcpy(message + message_length, bytes, copied);
    message_length += copied;
    return (ssize_t)nbytes;
}

_Noreturn void strata_abort(void)
{
    CHECK(after_abort != NULL, "unexpected: %s", message);
    longjmp(*after_abort, 1);
}

/* ---- The model --------------------------------------------------------------------------- */

#define SLOTS 600
#define FOREIGN 8

struct slot {
    unsigned char *block;
    size_t nbytes;
    unsigned char byte;
};

static struct slot slots[SLOTS];
static char *foreign[FOREIGN];
static unsigned foreign_count;
static uint32_t random_state;

/* xorshift32 (Marsaglia 2003). */
static uint32_t random_below(uint32_t limit)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 17;
    random_state ^= random_state << 5;
    return random_state % limit;
}

static size_t random_size(void)
{
    return random_below(1 + (8u << random_below(15)));
}

static void verify(const struct slot *slot, size_t nbytes, unsigned char byte)
{
    for (size_t i = 0; i < nbytes; i++)
        CHECK(slot->block[i] == byte, "byte %zu of %zu", i, slot->nbytes);
}

static void adopt(struct slot *slot, void *block, size_t nbytes)
{
    size_t usable = malloc_usable_size(block);

    CHECK((uintptr_t)block % 16 == 0, "%p", block);
    CHECK(usable >= nbytes, "%zu < %zu", usable, nbytes);
    CHECK((char *)block >= arena && (char *)block + usable <= arena + arena_used, "outside");
    slot->block = block;
    slot->nbytes = usable; /* all of it may be written */
    slot->byte = (unsigned char)random_below(256);
    memset(block, slot->byte, usable);
}

static void try_allocate(struct slot *slot)
{
    size_t nbytes = random_size(), alignment = 1u << random_below(14);
    unsigned kind = random_below(5);
    void *block;

    errno = 0;
    if (kind == 0)
        block = calloc(nbytes, 1);
    else if (kind == 1)
        block = aligned_alloc(alignment, nbytes);
    else
        block = malloc(nbytes);
    if (block == NULL) {
        CHECK(errno == ENOMEM, "%d", errno);
        return;
    }
    if (kind == 0) {
        slot->block = block;
        verify(slot, nbytes, 0);
    }
    CHECK(kind != 1 || (uintptr_t)block % alignment == 0, "%p not at %zu", block, alignment);
    adopt(slot, block, nbytes);
}

static void try_resize(struct slot *slot)
{
    size_t old = slot->nbytes,
           nbytes = random_below(3) ? random_size() : old + random_below(64);
    void *block = realloc(slot->block, nbytes);

    if (block == NULL) {
        verify(slot, old, slot->byte);
        return;
    }
    slot->block = block;
    verify(slot, old < nbytes ? old : nbytes, slot->byte);
    adopt(slot, block, nbytes);
}

static void give_back(struct slot *slot)
{
    verify(slot, slot->nbytes, slot->byte);
    free(slot->block);
    slot->block = NULL;
}

/* Somebody else uses a part of a page and gives it back: calloc() must not trust the rest. */
static void test_calloc_over_used_memory(void)
{
    strata_sbrk(100); /* kept, so that the page stays */
    char *dirty = strata_sbrk(3000);
    memset(dirty, 0xAA, 3000);
    strata_sbrk(-3000);
    unsigned char *block = calloc(1, 2000);
    for (size_t i = 0; i < 2000; i++)
        CHECK(block[i] == 0, "calloc: byte %zu is %#x", i, block[i]);
    free(block);
}

/* Nearly 2 GiB: refused, and the break stays where it is. */
static void test_nearly_2_gib(void)
{
    size_t before = arena_used;
    void *volatile block = malloc((size_t)PTRDIFF_MAX - 4096);

    CHECK(block == NULL && errno == ENOMEM, "malloc of nearly 2 GiB: %p", block);
    CHECK(arena_used == before, "the break moved by %ld", (long)(arena_used - before));
}

/* Somebody else calls sbrk(), keeps the memory, and never gives it back. */
static void foreign_sbrk(void)
{
    if (foreign_count == FOREIGN || arena_limit - arena_used < 100)
        return;
    char *memory = strata_sbrk(100 - (intptr_t)random_below(99));
    *memory = 'f';
    foreign[foreign_count++] = memory;
}

static void check_heap(void)
{
    struct malloc_stats stats;
    size_t used = 0;

    CHECK(malloc_check(), "%s", message);
    malloc_get_stats(&stats);
    CHECK(stats.used_bytes + stats.free_bytes + stats.top_bytes == stats.heap_bytes, "sum");
    for (unsigned i = 0; i < SLOTS; i++)
        used += slots[i].block != NULL ? slots[i].nbytes + 4 : 0;
    CHECK(stats.used_bytes >= used && stats.used_bytes <= used + foreign_count * 256,
          "%zu, %zu", stats.used_bytes, used);
    for (unsigned i = 0; i < foreign_count; i++)
        CHECK(*foreign[i] == 'f', "foreign memory %u", i);
}

static void random_operations(unsigned operations)
{
    for (unsigned i = 0; i < operations; i++) {
        struct slot *slot = &slots[random_below(SLOTS)];
        if (i % 20000 == 0)
            arena_limit = random_below(2) ? sizeof(arena) : arena_used + random_below(MIB);
        if (i % 10000 == 5000)
            foreign_sbrk();
        if (slot->block == NULL)
            try_allocate(slot);
        else if (random_below(3) == 0)
            try_resize(slot);
        else
            give_back(slot);
        if (i % 500 == 0)
            check_heap();
    }
    for (unsigned i = 0; i < SLOTS; i++) {
        if (slots[i].block != NULL)
            give_back(&slots[i]);
    }
    check_heap();
    arena_limit = sizeof(arena);
}

/* ---- Single cases ------------------------------------------------------------------------ */

static void test_limits(void)
{
    volatile size_t huge = SIZE_MAX, half = 65536; /* the compiler warns of constants */
    void *volatile block = malloc(100);

    errno = 0;
    CHECK(malloc(huge) == NULL && errno == ENOMEM, "malloc");
    CHECK(malloc(huge / 2 - 100) == NULL, "malloc");
    CHECK(calloc(huge / 2, 3) == NULL && calloc(half, half) == NULL, "calloc");
    CHECK(realloc(block, huge) == NULL && realloc(block, huge / 2 - 20) == NULL, "realloc");
    CHECK(aligned_alloc(64, huge - 10) == NULL && aligned_alloc(1u << 31, 16) == NULL,
          "aligned");
    errno = 0;
    CHECK(aligned_alloc(3, 16) == NULL && errno == EINVAL, "aligned");
    free(block);
    free(NULL);
    CHECK(malloc_usable_size(NULL) == 0, "usable");
}

/* A block at the heap's end grows without being copied, and shrinking gives its end back. */
static void test_in_place(void)
{
    char *block = malloc(16);
    char *grown = block;
    for (size_t nbytes = 16; nbytes <= 8 * MIB; nbytes *= 2)
        grown = realloc(grown, nbytes);
    CHECK(grown == block, "moved");
    CHECK(realloc(block, 16) == block, "moved");
    CHECK(arena_used < MIB + (size_t)(block - arena), "not trimmed");

    char *behind = malloc(100), *pin = malloc(16);
    free(behind);
    CHECK(realloc(block, 100) == block, "into the free chunk behind");
    free(block);
    free(pin);
    CHECK(malloc_check(), "%s", message);
}

static char *first, *second, *pin;

static void double_free(void)
{
    free(first);
    free(first);
}

static void double_free_of_merged(void)
{
    free(first);
    free(second);
    free(second);
}

static void interior_free(void)
{
    memset(second, 0, 100);
    free(second + 16);
}

static void misaligned_free(void)
{
    free(first + 8);
}

static void foreign_free(void)
{
    free(message);
}

static void overrun_by_one(void)
{
    first[malloc_usable_size(first)] = 0;
    free(first);
}

static void underrun(void)
{
    memset(second - 4, 0, 4);
    free(second);
}

static void write_to_freed(void)
{
    free(first);
    memcpy(first, &(char *){ arena }, 4);
    free(malloc(100));
}

static void realloc_of_freed(void)
{
    free(first);
    first = realloc(first, 200);
}

static void commit_crime(void (*commit)(void))
{
    jmp_buf back;

    first = malloc(100);
    second = malloc(100);
    pin = malloc(100); /* keeps the second from top */
    after_abort = &back;
    if (setjmp(back) == 0)
        commit();
    after_abort = NULL;
}

/* In a child: the heap is not fit for use afterwards. */
static void test_crime(const char *name, void (*commit)(void), const char *report)
{
    int status;
    pid_t child = fork();

    if (child == 0) {
        commit_crime(commit);
        CHECK(strstr(message, report) != NULL, "%s: \"%s\"", name, message);
        _exit(0);
    }
    CHECK(child > 0 && waitpid(child, &status, 0) == child && status == 0, "%s", name);
}

static const struct crime {
    const char *name;
    void (*commit)(void);
    const char *report;
} crimes[] = {
    { "double free", double_free, "free already" },
    { "double free of a merged block", double_free_of_merged, "free already" },
    { "interior free", interior_free, "not a block" },
    { "misaligned free", misaligned_free, "not a block of the heap" },
    { "foreign free", foreign_free, "outside the heap: not a block" },
    { "overrun by one byte", overrun_by_one, "past its end" },
    { "underrun", underrun, "header was overwritten" },
    { "realloc of a freed block", realloc_of_freed, "free already" },
    { "write to a freed block", write_to_freed, "a free block was overwritten" },
};

int main(int argc, char **argv)
{
    random_state = argc > 1 ? (uint32_t)strtoul(argv[1], NULL, 0) : 1;
    unsigned operations = argc > 2 ? (unsigned)strtoul(argv[2], NULL, 0) : 200000;
    if (random_state == 0)
        random_state = 1; /* the one state that xorshift never leaves */

    test_calloc_over_used_memory();
    test_nearly_2_gib();
    test_limits();
    test_in_place();
    random_operations(operations);
    for (size_t i = 0; i < sizeof(crimes) / sizeof(crimes[0]); i++)
        test_crime(crimes[i].name, crimes[i].commit, crimes[i].report);
    printf("ok %u operations\n", operations);
    return 0;
}
