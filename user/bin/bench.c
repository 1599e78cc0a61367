/* bench - what system calls, the heap and malloc cost, seen from ring 3.  Mappings are measured by
 * benchvm, processes and signals by benchproc. */
#include "user/bin/bench.h"

#include <time.h>
#include <unistd.h>

#include "user/lib/syscall.h"

#define RANGE_PAGES 256
#define RANGE_SAMPLES 100
#define SYS_invalid 0x7FFF
#define IDLE_NS 50000000 /* time for the kernel to prepare something */
#define TICK_SAMPLES 20
#define PIECE_TURNS 5000u  /* of a loop: short against the time between two ticks ... */
#define PIECES_MAX 100000u /* ... of which many in vain mean that there are none */
#define NOTICEABLE 20u     /* instructions: what takes longer by that was interrupted */

static char *heap; /* page-aligned end of the heap when we start */

static char *page_above(uintptr_t address)
{
    return (char *)((address + PAGE - 1) & ~(uintptr_t)(PAGE - 1));
}

static void set_end(const void *end)
{
    syscall_raw(SYS_brk, (long)end, 0, 0);
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

/* The same after the machine had nothing to do: frames may have been zeroed meanwhile.  All of them are
 * used up here. */
static void measure_touch_after_idle(void)
{
    static const struct row row = { "heap_first_touch_idle", sample_touch, SAMPLES, 1, "page" };
    const struct timespec idle = { .tv_nsec = IDLE_NS };

    nanosleep(&idle, NULL);
    run_row(&row);
}

/* A loop of which the number of instructions is known by measuring it. */
static uint32_t spin_piece(void)
{
    uint32_t turns = PIECE_TURNS, from = now();
    __asm__ volatile("1: decl %0; jnz 1b" : "+r"(turns));
    return elapsed(from, now());
}

/* Spin until a piece takes longer: the timer's interrupt came. */
static uint32_t sample_tick(void)
{
    uint32_t usual = spin_piece();
    for (unsigned n = 0; n < PIECES_MAX; n++) {
        uint32_t ticks = spin_piece();
        if (ticks > usual + NOTICEABLE)
            return ticks - usual;
        usual = ticks;
    }
    return UNSUPPORTED;
}

static const struct row tick_row = { "timer_tick", sample_tick, TICK_SAMPLES, 1, "tick" };

static const struct row rows[] = {
    { "null_syscall", sample_null_call, SAMPLES, 1, "call" },
    { "invalid_syscall", sample_invalid_call, SAMPLES, 1, "call" },
    { "brk_grow_untouched", sample_grow, SAMPLES, 1, "page" },
    { "brk_shrink_untouched", sample_shrink_untouched, SAMPLES, 1, "page" },
    { "heap_first_touch", sample_touch, SAMPLES, 1, "page" },
    { "brk_shrink_touched", sample_shrink_touched, SAMPLES, 1, "page" },
    { "heap_grow_touch_free_256", sample_range, RANGE_SAMPLES, RANGE_PAGES, "page" },
    { "zero_page_read_fault", sample_read_fault, SAMPLES, 1, "page" },
};

static void measure_calls_and_heap(void)
{
    uintptr_t end = (uintptr_t)syscall_raw(SYS_brk, 0, 0, 0);
    heap = page_above(end);
    run_rows(rows, LENGTH(rows));
    set_end((void *)end);
}

static void measure_time(void)
{
    run_row(&tick_row);
    heap = page_above((uintptr_t)syscall_raw(SYS_brk, 0, 0, 0));
    measure_touch_after_idle();
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
    if (!bench_begin())
        return 1;
    measure_calls_and_heap();
    run_malloc("malloc_pair_64", PAIRS, SMALL_SIZE, SMALL_SIZE);
    run_malloc("malloc_64_random_free", SHUFFLED, SMALL_SIZE, SMALL_SIZE);
    run_malloc("malloc_lifo_16_512", STACK, 16, 512);
    run_malloc("malloc_fifo_16_512", QUEUE, 16, 512);
    run_malloc("malloc_random_1_1024", SHUFFLED, 1, 1024);
    measure_time();
    return 0;
}
