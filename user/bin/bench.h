/* user/bin/bench.h - how bench, benchvm and benchproc measure, and how they print what they found.
 *
 * The unit is the tick of the time-stamp counter.  In an emulator that counts one tick for each
 * instruction the figures are exact.  The time of taking the time is subtracted.  A row is
 *     bench: NAME min=N median=N unit=WHAT        or, where the kernel lacks a call for it,
 *     bench: NAME unsupported
 * The programs are small on purpose: what a fork costs depends on the size of who forks. */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#define PAGE 4096
#define SAMPLES 1000
#define UNSUPPORTED UINT32_MAX /* instead of a sample */
#define EFLAGS_ID (1u << 21)
#define CPUID_TSC (1u << 4)
#define LENGTH(array) (sizeof(array) / sizeof((array)[0]))

struct row {
    const char *name;
    uint32_t (*sample)(
        void); /* what is not to be measured it does before or after its now()s */
    unsigned count, divisor;
    const char *unit;
};

static uint32_t samples[SAMPLES];
static uint32_t overhead; /* of taking the time itself */

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

/* Ready to measure?  Says so if not. */
static bool bench_begin(void)
{
    if (!has_tsc()) {
        puts("bench: this processor has no time-stamp counter");
        return false;
    }
    overhead = UINT32_MAX;
    for (unsigned i = 0; i < SAMPLES; i++) {
        uint32_t from = now(), ticks = now() - from;
        overhead = ticks < overhead ? ticks : overhead;
    }
    return true;
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

static void print_unsupported(const char *name)
{
    printf("bench: %s unsupported\n", name);
}

static inline void run_row(const struct row *row)
{
    if (row->sample() ==
        UNSUPPORTED) { /* the first run takes the code's own page faults, too */
        print_unsupported(row->name);
        return;
    }
    for (unsigned n = 0; n < row->count; n++)
        samples[n] = row->sample();
    print_row(row->name, row->count, row->divisor, row->unit);
}

static inline void run_rows(const struct row *rows, unsigned count)
{
    for (unsigned i = 0; i < count; i++)
        run_row(&rows[i]);
}
