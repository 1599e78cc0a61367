/* nanosleep: long enough; interrupted, it says what is left; bad times are refused. */
#include "tests/abi/abi.h"

static void on_alarm(int signal)
{
    (void)signal;
}

int main(void)
{
    struct timespec before, after, left = { 7, 7 }, wish = { 0, 30000000 };
    struct itimerval timer = { { 0, 50000 }, { 0, 50000 } }, off = { 0 };

    MUST(clock_gettime(CLOCK_MONOTONIC, &before));
    outcome("30 ms", nanosleep(&wish, &left));
    MUST(clock_gettime(CLOCK_MONOTONIC, &after));
    judge("slept long enough",
          (after.tv_sec - before.tv_sec) * 1000000000ll + after.tv_nsec - before.tv_nsec >=
              30000000);
    handle(SIGALRM, on_alarm, 0);
    MUST(setitimer(ITIMER_REAL, &timer, NULL));
    wish.tv_sec = 1000;
    outcome("interrupted", nanosleep(&wish, &left));
    MUST(setitimer(ITIMER_REAL, &off, NULL));
    judge("the rest", left.tv_sec >= 900 && left.tv_sec <= 1000);
    wish.tv_nsec = 1000000000;
    outcome("a billion nanoseconds", nanosleep(&wish, NULL));
    wish.tv_nsec = -1;
    outcome("negative", nanosleep(&wish, NULL));
    outcome("bad pointer", syscall(SYS_nanosleep, BAD_POINTER, NULL));
    wish = (struct timespec){ 0, 0 };
    outcome("nothing", nanosleep(&wish, NULL));
    return 0;
}
