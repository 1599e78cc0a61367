/* driver WORKLOAD|TRACE.trace [memory] - use malloc as a program of one kind does.
 *
 * The same object file is linked with every malloc library.  Only the bench_ functions call it, so
 * that callgrind can be told to count inside them.  Without `memory`, blocks are not touched: what
 * counts are instructions.  With it, each block is filled as a program would, and the resident
 * memory is sampled.  The driver itself allocates nothing.  Output, on one line:
 *
 *     PAIRS operations, PEAK_LIVE bytes, PEAK_TOUCHED bytes, KEPT bytes after the last free, MOVES */
#include <fcntl.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "trace.h"

#define SLOTS (1u << 20)
#define NUMBER_MAX 12
#define KIB 1024u
#define MIB (KIB * KIB)
#define PAGE (4 * KIB)
#define HEAP_MAX (256 * MIB)

struct slot {
    void *block;
    size_t nbytes;
};

static struct slot *slots;
static bool touching;
static unsigned long pairs, moves;
static size_t live, peak_live, peak_touched, baseline, sampled_live;
static uint32_t random_state = 1;

/* ---- Calls that are counted -------------------------------------------------------------- */

__attribute__((noinline)) void *bench_malloc(size_t nbytes)
{
    void *volatile block = malloc(nbytes);
    return block;
}

__attribute__((noinline)) void *bench_calloc(size_t nbytes)
{
    void *volatile block = calloc(1, nbytes);
    return block;
}

__attribute__((noinline)) void *bench_realloc(void *block, size_t nbytes)
{
    void *volatile moved = realloc(block, nbytes);
    return moved;
}

__attribute__((noinline)) void bench_free(void *block)
{
    free(block);
    __asm__ volatile("");
}

/* The heap of a library that is compiled with -Dsbrk=bench_sbrk: valgrind lets brk grow by 8 MiB
 * only.  Counts as the kernel does: not. */
void *bench_sbrk(intptr_t increment)
{
    static char *start, *end;

    if (start == NULL)
        start = end = mmap(NULL, HEAP_MAX, PROT_READ | PROT_WRITE,
                           MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    char *old = end;
    if (start == MAP_FAILED || end + increment < start || end + increment > start + HEAP_MAX)
        return (void *)-1;
    end += increment;
    if (increment < 0) {
        char *page = (char *)(((uintptr_t)end + PAGE - 1) & ~(uintptr_t)(PAGE - 1));
        madvise(page, (size_t)(old - page), MADV_DONTNEED);
    }
    return old;
}

/* ---- Memory ------------------------------------------------------------------------------ */

/* Resident pages that belong to this process alone. */
static size_t touched_bytes(void)
{
    static char text[4096];
    static int fd = -1;

    if (fd < 0)
        fd = open("/proc/self/smaps_rollup", O_RDONLY);
    lseek(fd, 0, SEEK_SET);
    ssize_t length = read(fd, text, sizeof(text) - 1);
    if (length <= 0)
        _exit(3);
    text[length] = '\0';
    const char *line = strstr(text, "\nAnonymous:");
    return line == NULL ? 0 : strtoul(line + sizeof("\nAnonymous:"), NULL, 10) * KIB;
}

static void sample(void)
{
    if (touching) {
        size_t touched = touched_bytes() - baseline;
        peak_touched = touched > peak_touched ? touched : peak_touched;
    }
    sampled_live = live;
}

/* A sample for every percent or so that the program grew beyond its last peak. */
static void account(struct slot *slot, size_t nbytes, size_t filled)
{
    if (touching && nbytes > filled)
        memset((char *)slot->block + filled, 0x5A, nbytes - filled);
    live += nbytes - slot->nbytes;
    slot->nbytes = nbytes;
    if (live > peak_live) {
        peak_live = live;
        if (live > sampled_live + sampled_live / 128)
            sample();
    }
}

/* ---- Operations on slots ----------------------------------------------------------------- */

static void take(struct slot *slot, size_t nbytes)
{
    slot->block = bench_malloc(nbytes);
    if (slot->block == NULL)
        _exit(4);
    account(slot, nbytes, 0);
    pairs++;
}

static void take_zeroed(struct slot *slot, size_t nbytes)
{
    slot->block = bench_calloc(nbytes);
    if (slot->block == NULL)
        _exit(4);
    account(slot, nbytes, 0);
    pairs++;
}

static void resize(struct slot *slot, size_t nbytes)
{
    void *before = slot->block;
    size_t filled = slot->nbytes;

    slot->block = bench_realloc(before, nbytes);
    if (slot->block == NULL)
        _exit(4);
    moves += slot->block != before;
    account(slot, nbytes, filled);
    pairs++;
}

static void drop(struct slot *slot)
{
    bench_free(slot->block);
    live -= slot->nbytes;
    *slot = (struct slot){ 0 };
}

/* xorshift32 (Marsaglia 2003). */
static uint32_t random_below(uint32_t limit)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 17;
    random_state ^= random_state << 5;
    return random_state % limit;
}

static void shuffle(unsigned count)
{
    for (unsigned i = count - 1; i > 0; i--) {
        unsigned other = random_below(i + 1);
        struct slot kept = slots[i];
        slots[i] = slots[other];
        slots[other] = kept;
    }
}

static void drop_all(unsigned count)
{
    sample();
    for (unsigned i = 0; i < count; i++) {
        if (slots[i].block != NULL)
            drop(&slots[i]);
    }
}

/* ---- Workloads --------------------------------------------------------------------------- */

static void fixed_pairs(void)
{
    for (unsigned i = 0; i < 20000; i++) {
        take(&slots[0], 64);
        drop(&slots[0]);
    }
}

static void random_free(void)
{
    for (unsigned round = 0; round < 10; round++) {
        for (unsigned i = 0; i < 2000; i++)
            take(&slots[i], 64);
        shuffle(2000);
        drop_all(2000);
    }
}

static void lifo(void)
{
    for (unsigned round = 0; round < 20; round++) {
        for (unsigned i = 0; i < 1000; i++)
            take(&slots[i], 16 + random_below(497));
        sample();
        for (unsigned i = 1000; i-- > 0;)
            drop(&slots[i]);
    }
}

static void fifo(void)
{
    for (unsigned i = 0; i < 20000; i++) {
        struct slot *oldest = &slots[i % 1000];
        if (oldest->block != NULL)
            drop(oldest);
        take(oldest, 16 + random_below(497));
        if (i % 1000 == 0)
            sample();
    }
    drop_all(1000);
}

static void replace_at_random(unsigned count, unsigned operations, size_t (*size)(void))
{
    for (unsigned i = 0; i < count; i++)
        take(&slots[i], size());
    for (unsigned i = 0; i < operations; i++) {
        struct slot *slot = &slots[random_below(count)];
        drop(slot);
        take(slot, size());
        if (i % (operations / 64) == 0)
            sample();
    }
    drop_all(count);
}

static size_t uniform_size(void)
{
    return 1 + random_below(1024);
}

/* 8 B to 128 KiB: an octave at random, and within it a size at random. */
static size_t log_uniform_size(void)
{
    size_t octave = (size_t)8 << random_below(14);
    return octave + random_below((uint32_t)octave);
}

static void random_small(void)
{
    replace_at_random(10000, 50000, uniform_size);
}

static void log_uniform(void)
{
    replace_at_random(1000, 20000, log_uniform_size);
}

static void bursts(void)
{
    static const size_t sizes[] = { 16, 24, 40, 64, 96, 128, 200, 320, 512, 48, 20, 100 };

    for (unsigned n = 0; n < sizeof(sizes) / sizeof(sizes[0]); n++) {
        for (unsigned i = 0; i < 2000; i++)
            take(&slots[i], sizes[n]);
        drop_all(2000);
    }
}

static void every_second(void)
{
    for (unsigned i = 0; i < 10000; i++)
        take(&slots[i], 64);
    for (unsigned i = 0; i < 10000; i += 2)
        drop(&slots[i]);
    for (unsigned i = 0; i < 10000; i += 2)
        take(&slots[i], 112);
    drop_all(10000);
}

static void vector_doubling(void)
{
    take(&slots[0], 16);
    for (size_t nbytes = 32; nbytes <= 4 * MIB; nbytes *= 2)
        resize(&slots[0], nbytes);
    drop_all(1);
}

static void vector_steps(void)
{
    take(&slots[0], KIB);
    for (size_t nbytes = 2 * KIB; nbytes <= 4 * MIB; nbytes += KIB)
        resize(&slots[0], nbytes);
    drop_all(1);
}

static void replay(const char *path)
{
    int fd = open(path, O_RDONLY);
    off_t nbytes = fd < 0 ? -1 : lseek(fd, 0, SEEK_END);
    const struct trace_record *records =
        nbytes <= 0 ? MAP_FAILED : mmap(NULL, (size_t)nbytes, PROT_READ, MAP_SHARED, fd, 0);

    if (records == MAP_FAILED)
        _exit(2);
    for (size_t i = 0; i < (size_t)nbytes / sizeof(*records); i++) {
        struct slot *slot = &slots[records[i].slot];
        switch (records[i].operation) {
        case TRACE_MALLOC:
            take(slot, records[i].nbytes);
            break;
        case TRACE_CALLOC:
            take_zeroed(slot, records[i].nbytes);
            break;
        case TRACE_REALLOC:
            resize(slot, records[i].nbytes);
            break;
        default:
            drop(slot);
        }
    }
    sample();
    for (unsigned i = 0; i < SLOTS; i++) { /* what the program left to its exit */
        if (slots[i].block != NULL)
            drop(&slots[i]);
    }
}

static const struct workload {
    const char *name;
    void (*run)(void);
} workloads[] = {
    { "fixed-pairs", fixed_pairs },
    { "random-free", random_free },
    { "lifo", lifo },
    { "fifo", fifo },
    { "random-small", random_small },
    { "log-uniform", log_uniform },
    { "bursts", bursts },
    { "every-second", every_second },
    { "vector-doubling", vector_doubling },
    { "vector-steps", vector_steps },
};

static void print(unsigned long number, char end)
{
    char text[NUMBER_MAX], *at = text + sizeof(text);

    *--at = end;
    do {
        *--at = (char)('0' + number % 10);
        number /= 10;
    } while (number != 0);
    if (write(STDOUT_FILENO, at, (size_t)(text + sizeof(text) - at)) < 0)
        _exit(3);
}

static void run(const char *name)
{
    for (size_t i = 0; i < sizeof(workloads) / sizeof(workloads[0]); i++) {
        if (strcmp(workloads[i].name, name) == 0) {
            workloads[i].run();
            return;
        }
    }
    replay(name);
}

int main(int argc, char **argv)
{
    if (argc < 2)
        return 2;
    slots = mmap(NULL, SLOTS * sizeof(*slots), PROT_READ | PROT_WRITE,
                 MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (slots == MAP_FAILED)
        return 2;
    touching = argc > 2;
    if (touching) {
        memset(slots, 0, SLOTS * sizeof(*slots));
        touched_bytes();
        baseline = touched_bytes();
    }
    run(argv[1]);
    size_t kept = touching ? touched_bytes() - baseline : 0;
    print(pairs, ' ');
    print(peak_live, ' ');
    print(peak_touched, ' ');
    print(kept, ' ');
    print(moves, '\n');
    return 0;
}
