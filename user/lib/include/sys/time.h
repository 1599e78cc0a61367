/* sys/time.h - time in microseconds, and interval timers. */
#pragma once

#include <sys/types.h>

struct timeval {
    time_t tv_sec;
    long tv_usec;
};

struct itimerval {
    struct timeval it_interval, it_value;
};

#define ITIMER_REAL 0 /* SIGALRM when it has run down */

int gettimeofday(struct timeval *now, void *zone);
int setitimer(int which, const struct itimerval *wanted, struct itimerval *old);
