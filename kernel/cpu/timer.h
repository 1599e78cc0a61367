/* kernel/cpu/timer.h - time, from the 8254 PIT's channel 0. */
#pragma once

#include "kernel/lib/types.h"

#define TIMER_HZ 100u /* ticks a second */
#define TIMER_PIT_HZ 1193182u

#define NS_PER_SECOND 1000000000u
#define NS_PER_TICK (NS_PER_SECOND / TIMER_HZ)

/* Program the PIT and start ticking. */
void timer_init(void);

/* Register what runs at each tick, in interrupt context (the scheduler's accounting). */
void timer_set_tick_handler(void (*handler)(void));

/* Ticks since timer_init(). */
uint64_t timer_ticks(void);

/* Nanoseconds since timer_init(), monotonic, with the PIT counter's resolution (838 ns).  0
 * before timer_init().  Any context. */
uint64_t timer_ns(void);
