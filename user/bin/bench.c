/* bench - what the kernel's services and malloc cost, seen from ring 3, in ticks of the
 * time-stamp counter.  In an emulator that counts one tick for each instruction the figures are
 * exact.  One line for each row:  bench: NAME min=N median=N unit=WHAT */
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "user/lib/syscall.h"

#define PAGE 4096
#define RANGE_PAGES 256
#define SAMPLES 1000
#define RANGE_SAMPLES 100
#define SYS_invalid 0x7FFF
#define EFLAGS_ID (1u << 21)
#define CPUID_TSC (1u << 4)

static uint32_t samples[SAMPLES];
static uint32_t overhead; /* of taking the time itself */
static char *heap;        /* page-aligned end of the heap when we start */

/* CPUID is there if EFLAGS.ID can be changed (SDM vol. 1, 20.1.2); it tells about RDTSC. */
static bool has_tsc(void)
{
    uint32_t changed, features = 0, eax = 1, ecx;

    __asm__ volatile("pushfl; popl %0; movl %0, %%ecx; xorl %1, %0; pushl %0; popfl;"
                     "pushfl; popl %0; pushl %%ecx; popfl; xorl %%ecx, %0"
                     : "=&a"(changed)
                     : "i"(EFLAGS_ID)
                     : "ecx", "cc", "memory");
    if ((changed & EFLAGS_ID) == 0)
        return false;
    __asm__ volatile("cpuid" : "+a"(eax), "=d"(features), "=c"(ecx) : : "ebx");
    return (features & CPUID_TSC) != 0;
}

/* Differences of nearby times fit 32 bits. */
static inline uint32_t now(void)
{
    uint32_t low, high;
    __asm__ volatile("rdtsc" : "=a"(low), "=d"(high) : : "memory");
    return low;
}

static uint32_t elapsed(uint32_t from, uint32_t to)
{
    uint32_t ticks = to - from;
    return ticks > overhead ? ticks - overhead : 0;
}

static int compare(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return (x > y) - (x < y);
}

static void print_row(const char *name, unsigned count, unsigned divisor, const char *unit)
{
    qsort(samples, count, sizeof(samples[0]), compare);
    printf("bench: %s min=%u median=%u unit=%s\n", name, samples[0] / divisor,
           samples[count / 2] / divisor, unit);
}

static void set_end(const void *end)
{
    syscall_raw(SYS_brk, (long)end, 0, 0);
}

/* One sample each.  What is not to be measured is done before or after the two now(). */

static uint32_t sample_nothing(void)
{
    uint32_t from = now();
    return now() - from;
}

static uint32_t sample_null_call(void)
{
    uint32_t from = now();
    syscall_raw(SYS_getpid, 0, 0, 0);
    return elapsed(from, now());
}

static uint32_t sample_invalid_call(void)
{
    uint32_t from = now();
    syscall_raw(SYS_invalid, 0, 0, 0);
    return elapsed(from, now());
}

static uint32_t sample_grow(void)
{
    uint32_t from = now();
    set_end(heap + PAGE);
    uint32_t to = now();
    set_end(heap);
    return elapsed(from, to);
}

static uint32_t sample_shrink_untouched(void)
{
    set_end(heap + PAGE);
    uint32_t from = now();
    set_end(heap);
    return elapsed(from, now());
}

static uint32_t sample_touch(void)
{
    set_end(heap + PAGE);
    uint32_t from = now();
    *(volatile char *)heap = 1;
    uint32_t to = now();
    set_end(heap);
    return elapsed(from, to);
}

static uint32_t sample_read_fault(void)
{
    set_end(heap + PAGE);
    uint32_t from = now();
    (void)*(volatile char *)heap;
    uint32_t to = now();
    set_end(heap);
    return elapsed(from, to);
}

static uint32_t sample_shrink_touched(void)
{
    set_end(heap + PAGE);
    *(volatile char *)heap = 1;
    uint32_t from = now();
    set_end(heap);
    return elapsed(from, now());
}

static uint32_t sample_range(void)
{
    uint32_t from = now();
    set_end(heap + RANGE_PAGES * PAGE);
    for (unsigned i = 0; i < RANGE_PAGES; i++)
        *(volatile char *)(heap + i * PAGE) = 1;
    set_end(heap);
    return elapsed(from, now());
}

static const struct row {
    const char *name;
    uint32_t (*sample)(void);
    unsigned count, divisor;
    const char *unit;
} rows[] = {
    { "null_syscall", sample_null_call, SAMPLES, 1, "call" },
    { "invalid_syscall", sample_invalid_call, SAMPLES, 1, "call" },
    { "brk_grow_untouched", sample_grow, SAMPLES, 1, "page" },
    { "brk_shrink_untouched", sample_shrink_untouched, SAMPLES, 1, "page" },
    { "heap_first_touch", sample_touch, SAMPLES, 1, "page" },
    { "brk_shrink_touched", sample_shrink_touched, SAMPLES, 1, "page" },
    { "heap_grow_touch_free_256", sample_range, RANGE_SAMPLES, RANGE_PAGES, "page" },
    { "zero_page_read_fault", sample_read_fault, SAMPLES, 1, "page" },
};

static void run_rows(void)
{
    overhead = UINT32_MAX;
    for (unsigned i = 0; i < SAMPLES; i++) {
        uint32_t ticks = sample_nothing();
        overhead = ticks < overhead ? ticks : overhead;
    }
    uintptr_t end = (uintptr_t)syscall_raw(SYS_brk, 0, 0, 0);
    heap = (char *)((end + PAGE - 1) & ~(uintptr_t)(PAGE - 1));
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        rows[i].sample(); /* the code's own page faults */
        for (unsigned n = 0; n < rows[i].count; n++)
            samples[n] = rows[i].sample();
        print_row(rows[i].name, rows[i].count, rows[i].divisor, rows[i].unit);
    }
    set_end((void *)end);
}

/* malloc: a sample is the time of one malloc() and of the free() of the same block. */

#define BLOCKS SAMPLES
#define SMALL_SIZE 64

enum order { PAIRS, STACK, QUEUE, SHUFFLED };

static void *blocks[BLOCKS];
static unsigned sequence[BLOCKS];

static void timed_malloc(unsigned i, size_t nbytes)
{
    uint32_t from = now();
    blocks[i] = malloc(nbytes);
    samples[i] = elapsed(from, now());
    if (blocks[i] == NULL)
        abort();
}

static void timed_free(unsigned i)
{
    uint32_t from = now();
    free(blocks[i]);
    samples[i] += elapsed(from, now());
}

static void order_frees(enum order order)
{
    for (unsigned i = 0; i < BLOCKS; i++)
        sequence[i] = order == STACK ? BLOCKS - 1 - i : i;
    for (unsigned i = BLOCKS - 1; order == SHUFFLED && i > 0; i--) {
        unsigned other = (unsigned)rand() % (i + 1), kept = sequence[i];
        sequence[i] = sequence[other];
        sequence[other] = kept;
    }
}

static void run_malloc(const char *name, enum order order, size_t min, size_t max)
{
    srand(1);
    order_frees(order);
    for (unsigned i = 0; i < BLOCKS; i++) {
        timed_malloc(i, min + (size_t)rand() % (max - min + 1));
        if (order == PAIRS)
            timed_free(i);
    }
    for (unsigned i = 0; order != PAIRS && i < BLOCKS; i++)
        timed_free(sequence[i]);
    print_row(name, BLOCKS, 1, "pair");
}

int main(int argc, char **argv)
{
    (void)argv;
    if (argc > 1) {
        puts("usage: bench");
        return 2;
    }
    if (!has_tsc()) {
        puts("bench: this processor has no time-stamp counter");
        return 1;
    }
    run_rows();
    run_malloc("malloc_pair_64", PAIRS, SMALL_SIZE, SMALL_SIZE);
    run_malloc("malloc_64_random_free", SHUFFLED, SMALL_SIZE, SMALL_SIZE);
    run_malloc("malloc_lifo_16_512", STACK, 16, 512);
    run_malloc("malloc_fifo_16_512", QUEUE, 16, 512);
    run_malloc("malloc_random_1_1024", SHUFFLED, 1, 1024);
    return 0;
}
