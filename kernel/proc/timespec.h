/* kernel/proc/timespec.h - times of programs and sleeps until a time: what futex(2), clock_nanosleep(2)
 * and sigtimedwait(2) have in common. */
#pragma once

#include "kernel/cpu/timer.h"
#include "kernel/sched/thread.h"

#define NS_PER_US 1000u
#define US_PER_SECOND 1000000u
#define NEVER UINT64_MAX

/* i386 has two of them: fields of 32 bits, and (since 2038 is near) of 64. */
enum time_format { TIME_32, TIME_64 };

/* A struct timespec of the running program in nanoseconds; what does not fit becomes very long.
 * -EFAULT; -EINVAL (negative, or a second or more of nanoseconds). */
int timespec_get(uaddr_t address, enum time_format format, uint64_t *ns);
int timespec_put(uaddr_t address, enum time_format format, uint64_t ns); /* 0 or -EFAULT */

/* The same for struct timeval (32-bit fields). */
int timeval_get(uaddr_t address, uint64_t *ns);
int timeval_put(uaddr_t address, uint64_t ns);

/* now + delay, or NEVER. */
uint64_t time_after(uint64_t now, uint64_t delay);

/* Sleep in `queue` (NULL: in none) until somebody wakes it, until `deadline` (timer_ns(), or NEVER), or
 * until a signal comes.  Interrupts off, before and after.  Who is woken looks whether what it waits
 * for has happened, and calls again. */
enum sleep_end { SLEEP_WOKEN, SLEEP_TIMED_OUT, SLEEP_INTERRUPTED };
enum sleep_end sleep_until(struct wait_queue *queue, uint64_t deadline);
