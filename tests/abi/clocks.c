/* The clocks run forward and agree with each other. */
#include "tests/abi/abi.h"
#include <sys/resource.h>
#include <sys/times.h>

int main(void)
{
    struct timespec a, b, bad;
    struct timeval day;
    struct rusage used;
    struct tms ticks;
    int forward = 1;

    MUST(clock_gettime(CLOCK_MONOTONIC, &a));
    for (int i = 0; i < 1000; i++) {
        MUST(clock_gettime(CLOCK_MONOTONIC, &b));
        forward &= b.tv_sec > a.tv_sec || (b.tv_sec == a.tv_sec && b.tv_nsec >= a.tv_nsec);
        forward &= b.tv_nsec >= 0 && b.tv_nsec < 1000000000;
        a = b;
    }
    judge("monotonic", forward);
    MUST(clock_gettime(CLOCK_REALTIME, &a));
    MUST(gettimeofday(&day, NULL));
    judge("gettimeofday agrees", day.tv_sec - a.tv_sec >= 0 && day.tv_sec - a.tv_sec <= 5);
    time_t seconds = time(NULL);
    judge("time agrees", seconds - a.tv_sec >= -1 && seconds - a.tv_sec <= 5);
    judge("after 2020", a.tv_sec > 1577836800);
    MUST(clock_getres(CLOCK_MONOTONIC, &b));
    judge("resolution", b.tv_sec == 0 && b.tv_nsec > 0 && b.tv_nsec <= 10000000);
    outcome("no such clock", clock_gettime(9999, &bad));
    outcome("bad pointer", syscall(SYS_clock_gettime, CLOCK_REALTIME, BAD_POINTER));
    MUST(getrusage(RUSAGE_SELF, &used));
    judge("rusage",
          used.ru_utime.tv_sec >= 0 && used.ru_utime.tv_usec < 1000000 && used.ru_minflt > 0);
    judge("times", times(&ticks) != -1 && ticks.tms_utime >= 0 && ticks.tms_cutime == 0);
    outcome("no such rusage", getrusage(77, &used));
    return 0;
}
