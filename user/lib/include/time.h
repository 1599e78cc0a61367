/* time.h - POSIX sleep; times are 32-bit seconds, as in Linux' i386 calls of these names. */
#pragma once

#include <sys/types.h>

struct timespec {
    time_t tv_sec;
    long tv_nsec;
};

int nanosleep(const struct timespec *wanted, struct timespec *remaining);
