/* kernel/dev/rtc.h - what time it is: the battery clock (MC146818), read once at boot, and the timer.
 * Below: cpu/timer.  Above: fs (times of files), clock system calls. */
#pragma once

#include "kernel/lib/types.h"

/* Read the clock.  After timer_init(). */
void rtc_init(void);

/* Nanoseconds since 1970-01-01 00:00:00 UTC (the battery clock is taken to run on UTC).  Any context. */
uint64_t rtc_now_ns(void);

/* From now on it is `now`.  The battery clock is not changed. */
void rtc_set_ns(uint64_t now);
