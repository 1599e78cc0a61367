/* tests/kernel/bench.h - how the files of the benchmark kernel measure; the rows they print are
 * described in bench.c. */
#pragma once

#include "kernel/cpu/cpu.h"
#include "tests/kernel/test.h"

#define SAMPLES 200u
#define WARM_UP 8u         /* runs before the first sample */
#define RANGE_SAMPLES 100u /* for rows with many operations each */
#define MANY_PAGES 1000u
#define MANY_OBJECTS 10000u
#define PAGE_FILL (PAGE_SIZE / 4) /* iterations of REP STOSL */

extern uint32_t samples[SAMPLES];
extern void *held[MANY_OBJECTS]; /* what is allocated now */

/* Before the first sample: what does it cost to take the time? */
void measure_overhead(void);

/* Instructions since a tsc_read(), without those. */
uint32_t since(uint64_t start);

/* Sort samples[], and print the row; a sample has `divisor` operations. */
void report(const char *name, unsigned count, unsigned divisor, unsigned fill,
            const char *unit);

/* Leave the case on a processor that cannot tell the time. */
#define NEED_TSC(t)                           \
    do {                                      \
        if (!cpu_has(CPU_TSC))                \
            SKIP(t, "no time-stamp counter"); \
    } while (0)

/* Run `statement` until it is hot, then take samples of it. */
#define MEASURE(name, count, divisor, fill, unit, statement)           \
    do {                                                               \
        uint32_t irq_state = irq_save();                               \
        measure_overhead();                                            \
        for (unsigned round = 0; round < (count) + WARM_UP; round++) { \
            uint64_t begin = tsc_read();                               \
            statement;                                                 \
            uint32_t ticks = since(begin);                             \
            if (round >= WARM_UP)                                      \
                samples[round - WARM_UP] = ticks;                      \
        }                                                              \
        irq_restore(irq_state);                                        \
        report(name, count, divisor, fill, unit);                      \
    } while (0)

/* Cases of bench_rare.c. */
void exact_runs(struct test *t);
void reserve_pairs(struct test *t);
void steals(struct test *t);
void compaction(struct test *t);
void slab_refill(struct test *t);
void mapped_frames(struct test *t);
void leak_scan(struct test *t);
