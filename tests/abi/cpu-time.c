/* Time spent calculating is counted for the process, and for the parent when it has waited. */
#include "tests/abi/abi.h"
#include <sys/resource.h>

static long long used_us(int who)
{
    struct rusage used;

    MUST(getrusage(who, &used));
    return (used.ru_utime.tv_sec + used.ru_stime.tv_sec) * 1000000ll + used.ru_utime.tv_usec +
           used.ru_stime.tv_usec;
}

static void calculate(void)
{
    struct timespec now;

    while (used_us(RUSAGE_SELF) < 500000)
        MUST(clock_gettime(CLOCK_MONOTONIC, &now));
}

int main(void)
{
    struct rusage used;
    int status;

    judge("nothing for children yet", used_us(RUSAGE_CHILDREN) == 0);
    pid_t child = start_child(calculate);
    judge("wait4", wait4(child, &status, 0, &used) == child);
    ending("child", status);
    judge("told by wait4", used.ru_utime.tv_sec + used.ru_stime.tv_sec > 0 ||
                               used.ru_utime.tv_usec + used.ru_stime.tv_usec >= 400000);
    judge("counted for children", used_us(RUSAGE_CHILDREN) >= 400000);
    judge("not for the parent", used_us(RUSAGE_SELF) < used_us(RUSAGE_CHILDREN));
    return 0;
}
