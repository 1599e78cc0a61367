// sources: user/lib/malloc.c user/lib/malloc_more.c
// cflags: -D_GNU_SOURCE -pthread -include tests/host/malloc_names.h
/* tests/host/test_malloc.c - the user heap against a model, over an sbrk() and an mmap() of our
 * own that refuse now and then; a foreign caller moves sbrk(), too.  Then every crime that malloc.c
 * says it detects, with the exact report; guard pages, quarantine, and several threads.  Usage: test_malloc [SEED [OPERATIONS]] */
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

#undef mmap
#undef munmap
#undef mremap
#undef mprotect
#include <pthread.h>
#include <sys/mman.h>

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
static size_t mapped; /* bytes that strata_mmap() gave and did not get back */
static const char *options;
static char message[1024] __attribute__((aligned(16)));
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

void *strata_mmap(void *at, size_t nbytes, int protection, int flags, int fd, off_t offset)
{
    if (arena_limit != sizeof(arena) && mapped > 4 * MIB) {
        errno = ENOMEM;
        return MAP_FAILED;
    }
    mapped += nbytes;
    return mmap(at, nbytes, protection, flags, fd, offset);
}

int strata_munmap(void *at, size_t nbytes)
{
    mapped -= nbytes;
    errno = E2BIG; /* free() must not let it through */
    return munmap(at, nbytes);
}

void *strata_mremap(void *at, size_t before, size_t nbytes, int flags)
{
    mapped += nbytes - before;
    return mremap(at, before, nbytes, flags);
}

int strata_mprotect(void *at, size_t nbytes, int protection)
{
    return mprotect(at, nbytes, protection);
}

char *strata_getenv(const char *name)
{
    return strcmp(name, "STRATA_MALLOC") == 0 ? (char *)options : NULL;
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
    return random_below(1 + (8u << random_below(random_below(8) == 0 ? 17 : 14)));
}

static void verify(const struct slot *slot, size_t nbytes, unsigned char byte)
{
    for (size_t i = 0; i < nbytes; i++)
        CHECK(slot->block[i] == byte, "byte %zu of %zu", i, slot->nbytes);
}

static bool in_heap(const void *block)
{
    return (char *)block >= arena && (char *)block < arena + sizeof(arena);
}

static void adopt(struct slot *slot, void *block, size_t nbytes)
{
    size_t usable = malloc_usable_size(block);

    CHECK((uintptr_t)block % 16 == 0, "%p", block);
    CHECK(usable >= nbytes, "%zu < %zu", usable, nbytes);
    if (in_heap(block))
        CHECK((char *)block + usable <= arena + arena_used, "outside");
    else
        CHECK(mapped >= usable, "no mapping");
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
    errno = ENXIO;
    free(slot->block);
    CHECK(errno == ENXIO, "free() changed errno to %d", errno);
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
    CHECK(stats.used_bytes + stats.held_bytes + stats.free_bytes + stats.top_bytes ==
              stats.heap_bytes,
          "sum");
    CHECK(options != NULL || stats.mapped_bytes == mapped, "%zu, %zu", stats.mapped_bytes,
          mapped);
    for (unsigned i = 0; i < SLOTS; i++)
        used += slots[i].block != NULL && in_heap(slots[i].block) ? slots[i].nbytes + 4 : 0;
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

    char *behind = malloc(900), *next = malloc(900);
    free(behind);
    malloc_trim(0); /* until it is merged, it is not free */
    CHECK(realloc(block, 100) == block, "into the free chunk behind");
    free(block);
    free(next);
    malloc_trim(0);
    struct malloc_stats stats;
    malloc_get_stats(&stats);
    CHECK(stats.used_bytes <= foreign_count * 256 && stats.held_bytes == 0,
          "something is left");
    CHECK(malloc_check(), "%s", message);
}

/* Large blocks: pages of their own, zero, moved without copying, given back at once. */
static void test_mappings(void)
{
    size_t before = mapped;
    char *block = calloc(1, MIB), *heap_block = malloc(MIB / 16);

    CHECK(!in_heap(block) && in_heap(heap_block), "where");
    CHECK(block[0] == 0 && block[MIB - 1] == 0, "calloc");
    block[MIB - 1] = 'x';
    block = realloc(block, 16 * MIB);
    CHECK(block[MIB - 1] == 'x' && block[16 * MIB - 1] == 0, "grown");
    block = realloc(block, 100);
    CHECK(in_heap(block) && mapped == before, "small again");
    free(block);
    block = aligned_alloc(MIB, 3 * MIB);
    CHECK((uintptr_t)block % MIB == 0 && malloc_usable_size(block) >= 3 * MIB, "aligned");
    memset(block, 1, 3 * MIB);
    free(block);
    free(heap_block);
    CHECK(mapped == before, "%zu mapped", mapped - before);
}

/* A block that shrinks is never refused, even if there is no memory to move it to. */
static void test_shrinks_without_memory(void)
{
    enum { SMALL = 20000 };
    char *block = malloc(16 * MIB), *fill = NULL, *more;

    CHECK(!in_heap(block), "where");
    memset(block, 'x', 2 * SMALL);
    arena_limit = arena_used; /* and mmap() refuses, too */
    while ((more = malloc(SMALL)) != NULL) {
        *(char **)more = fill;
        fill = more;
    }
    CHECK(realloc(block, SMALL) == block, "moved, or refused");
    CHECK(block[0] == 'x' && block[SMALL - 1] == 'x', "changed");
    arena_limit = sizeof(arena);
    for (; fill != NULL; fill = more) {
        more = *(char **)fill;
        free(fill);
    }
    block = realloc(block, SMALL);
    CHECK(in_heap(block) && block[SMALL - 1] == 'x', "not moved");
    free(block);
}

/* The rest of the family, and the edges that POSIX names. */
static void test_family(void)
{
    void *block = NULL, *other = &block;

    CHECK(posix_memalign(&block, 64, 10) == 0 && (uintptr_t)block % 64 == 0, "posix_memalign");
    free(block);
    CHECK(posix_memalign(&other, 2, 10) == EINVAL && other == &block, "posix_memalign");
    CHECK(posix_memalign(&other, 24, 10) == EINVAL, "posix_memalign");
    CHECK(posix_memalign(&other, 64, SIZE_MAX / 2) == ENOMEM, "posix_memalign");
    block = pvalloc(1);
    CHECK((uintptr_t)block % 4096 == 0 && malloc_usable_size(block) >= 4096, "pvalloc");
    free(block);
    block = valloc(5000);
    CHECK((uintptr_t)block % 4096 == 0, "valloc");
    free(block);
    block = memalign(256, 0);
    CHECK(block != NULL && (uintptr_t)block % 256 == 0, "memalign");
    block = reallocarray(block, 10, 20);
    CHECK(malloc_usable_size(block) >= 200, "reallocarray");
    volatile size_t half = 65536;
    CHECK(reallocarray(block, half, half) == NULL && errno == ENOMEM, "reallocarray");
    block = realloc(block, 0);
    CHECK(block != NULL, "realloc to 0");
    other = malloc(0);
    CHECK(other != NULL && other != block, "malloc(0)");
    free(other);
    free(block);
    struct mallinfo2 info = mallinfo2();
    CHECK(info.uordblks + info.fordblks == info.arena, "mallinfo2");
    message_length = 0;
    malloc_stats();
    CHECK(strstr(message, "heap ") == message && strstr(message, "\ntop "), "%s", message);
    message_length = 0;
    memset(message, 0, sizeof(message));
}

static void *hammer(void *seed)
{
    uint32_t state = (uint32_t)(uintptr_t)seed;
    unsigned char *blocks[64] = { 0 };

    for (unsigned i = 0; i < 50000; i++) {
        state = state * 1664525 + 1013904223; /* Knuth, TAOCP vol. 2, 3.3.4 */
        unsigned slot = state >> 8 & 63, nbytes = 1 + (state >> 16) % 700;
        if (blocks[slot] != NULL) {
            CHECK(blocks[slot][0] == slot + 1, "another thread's block");
            free(blocks[slot]);
            blocks[slot] = NULL;
        } else {
            blocks[slot] = malloc(nbytes);
            memset(blocks[slot], (int)slot + 1, nbytes);
        }
    }
    for (unsigned slot = 0; slot < 64; slot++)
        free(blocks[slot]);
    return NULL;
}

static void test_threads(void)
{
    pthread_t threads[4];

    for (uintptr_t i = 0; i < 4; i++)
        CHECK(pthread_create(&threads[i], NULL, hammer, (void *)(i + 1)) == 0,
              "pthread_create");
    for (unsigned i = 0; i < 4; i++)
        pthread_join(threads[i], NULL);
    check_heap();
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

/* Merged into top, it begins where top does. */
static void double_free_of_top(void)
{
    char *volatile large = malloc(20000);
    free(large);
    free(large);
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
    free(message + 512);
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

static void write_to_merged(void)
{
    char *volatile large = malloc(5000), *behind = malloc(100);
    free(large);
    memcpy(large, &(char *){ arena }, 4);
    free(malloc(5000));
    free(behind);
}

static void overrun_into_top(void)
{
    char *volatile large = malloc(20000); /* the compiler knows how large it is */
    large[malloc_usable_size(large)] = 0;
    free(large);
}

/* Behind the block that was cut off last is what is cut off next. */
static void overrun_into_carved(void)
{
    malloc_trim(0);
    char *volatile last = malloc(100);
    last[malloc_usable_size(last)] = 0;
    free(last);
}

static void free_of_carved(void)
{
    malloc_trim(0);
    char *volatile last = malloc(100);
    free(last + malloc_usable_size(last) + 4);
}

static void header_overwritten(void)
{
    memset(second - 2, 0x7F, 2); /* the size, neither the mark nor the flags */
    free(second);
}

static void stack_free(void)
{
    char bytes[64] __attribute__((aligned(16))) = "";
    free(bytes + 16);
}

static void mapping_freed_twice(void)
{
    char *volatile large = malloc(MIB);
    free(large);
    free(large);
}

static void mapping_interior(void)
{
    char *volatile large = malloc(MIB);
    free(large + 4096 + 16);
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
    { "double free", double_free, "block is free already" },
    { "double free of a merged block", double_free_of_merged, "block is free already" },
    { "double free of the block before top", double_free_of_top, "block is free already" },
    { "interior free", interior_free, "not a block, or " },
    { "misaligned free", misaligned_free, "not a block of the heap" },
    { "foreign free", foreign_free, "outside the heap: not a block of the heap" },
    { "free of the stack", stack_free, "outside the heap: not a block of the heap" },
    { "overrun by one byte", overrun_by_one, "not a block, or written past its end" },
    { "overrun into top", overrun_into_top, "not a block, or written past its end" },
    { "overrun into what is carved", overrun_into_carved,
      "not a block, or written past its end" },
    { "free of what is carved", free_of_carved, "block is free already" },
    { "underrun", underrun, "not a block, or " },
    { "header overwritten", header_overwritten, "not a block, or its header was overwritten" },
    { "realloc of a freed block", realloc_of_freed, "block is free already" },
    { "write to a freed block", write_to_freed, "a block was written to after it was freed" },
    { "write to a merged block", write_to_merged, "a free block was overwritten" },
    { "double free of a mapping", mapping_freed_twice, "block is free already" },
    { "interior free of a mapping", mapping_interior, "not a block of the heap" },
};

static void late_write(void)
{
    free(first);
    first[50] = 1;
    for (unsigned i = 0; i < 10; i++)
        free(malloc(100));
}

static void overrun_of_slack(void)
{
    first[100] = 1; /* 112 bytes up to the guard page */
    free(first);
}

/* In a child, whose heap has not started yet: the options are read once. */
static void test_with_options(const char *what, void (*commit)(void), const char *report)
{
    int status;
    pid_t child = fork();

    if (child == 0) {
        options = what;
        if (commit == NULL) {
            random_operations(5000);
            _exit(0);
        }
        commit_crime(commit);
        CHECK(strstr(message, report) != NULL, "%s: \"%s\"", what, message);
        _exit(0);
    }
    CHECK(child > 0 && waitpid(child, &status, 0) == child && status == 0, "%s", what);
}

static void nothing(void)
{
}

/* Both are off in this one: an overrun into what alignment leaves, and a late write. */
static void overrun_and_late_write(void)
{
    first[100] = 1;
    late_write();
    strata_write(2, "not noticed", strlen("not noticed"));
}

static void test_wrong_options(void)
{
    static const struct {
        const char *text, *report;
    } rows[] = {
        { "noguard", "neither guard nor quarantine=N: 'noguard'\n" },
        { "guard,quarantines=5", "neither guard nor quarantine=N: 'quarantines=5'\n" },
        { "quarantine=", "neither guard nor quarantine=N: 'quarantine='\n" },
        { "quarantine=5x", "neither guard nor quarantine=N: 'quarantine=5x'\n" },
        { "quarantine=-1,guard", "neither guard nor quarantine=N: 'quarantine=-1'\n" },
        { "quarantine=4000000000", "no memory for the list of 'quarantine=4000000000'\n" },
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        test_with_options(rows[i].text, nothing, rows[i].report);
    test_with_options("noguard", overrun_and_late_write, "not noticed");
    test_with_options(",quarantine=0,", overrun_and_late_write, "not noticed");
}

static void test_options(void)
{
    test_wrong_options();
    test_with_options("quarantine=5", late_write, "a block was written to after it was freed");
    test_with_options("quarantine=5", double_free, "block is free already");
    test_with_options("guard", overrun_of_slack, "not a block, or written past its end");
    test_with_options("guard", double_free, "block is free already");
    test_with_options("quarantine=9,guard", double_free, "block is free already");
    test_with_options("quarantine=50", NULL, NULL);
    test_with_options("guard", NULL, NULL);
    test_with_options("guard,quarantine=20", NULL, NULL);
}

int main(int argc, char **argv)
{
    random_state = argc > 1 ? (uint32_t)strtoul(argv[1], NULL, 0) : 1;
    unsigned operations = argc > 2 ? (unsigned)strtoul(argv[2], NULL, 0) : 200000;
    if (random_state == 0)
        random_state = 1; /* the one state that xorshift never leaves */

    CHECK(malloc_trim(0) == 0 && malloc_check(), "trimmed before the first request");
    test_options();
    test_calloc_over_used_memory();
    test_nearly_2_gib();
    test_limits();
    test_in_place();
    test_mappings();
    test_shrinks_without_memory();
    test_family();
    test_threads();
    random_operations(operations);
    for (size_t i = 0; i < sizeof(crimes) / sizeof(crimes[0]); i++)
        test_crime(crimes[i].name, crimes[i].commit, crimes[i].report);
    printf("ok %u operations\n", operations);
    return 0;
}
