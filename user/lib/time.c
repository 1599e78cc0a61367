/* user/lib/time.c - the system calls about time. */
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#include "user/lib/syscall.h"

int clock_gettime(clockid_t clock, struct timespec *now)
{
    return syscall3(SYS_clock_gettime, clock, (long)now, 0);
}

int gettimeofday(struct timeval *now, void *zone)
{
    return syscall3(SYS_gettimeofday, (long)now, (long)zone, 0);
}

int nanosleep(const struct timespec *wanted, struct timespec *remaining)
{
    return syscall3(SYS_nanosleep, (long)wanted, (long)remaining, 0);
}

unsigned sleep(unsigned seconds)
{
    struct timespec left = { .tv_sec = (time_t)seconds };
    return nanosleep(&left, &left) == 0 ? 0 : (unsigned)left.tv_sec;
}
