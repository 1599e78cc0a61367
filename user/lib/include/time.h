/* time.h - POSIX clocks and sleep; times are 32-bit seconds, as in Linux' i386 calls of these
 * names. */
#pragma once

#include <sys/types.h>

typedef int clockid_t;

#define CLOCK_REALTIME 0
#define CLOCK_MONOTONIC 1

struct timespec {
    time_t tv_sec;
    long tv_nsec;
};

int clock_gettime(clockid_t clock, struct timespec *now);
int nanosleep(const struct timespec *wanted, struct timespec *remaining);
