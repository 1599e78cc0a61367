/* sys/resource.h - what a program has used so far. */
#pragma once

#include <sys/types.h>

#define RUSAGE_SELF 0

struct timeval {
    time_t tv_sec;
    long tv_usec;
};

struct rusage {
    struct timeval ru_utime, ru_stime;
    long ru_maxrss; /* KiB */
    long ru_ixrss, ru_idrss, ru_isrss;
    long ru_minflt; /* page faults answered without a device */
    long ru_majflt;
    long ru_nswap, ru_inblock, ru_oublock, ru_msgsnd, ru_msgrcv, ru_nsignals;
    long ru_nvcsw, ru_nivcsw;
};

int getrusage(int who, struct rusage *usage);
