/* ITIMER_REAL fires again and again, in time and not before. */
#include "tests/abi/abi.h"

static volatile int fired;

static void on_alarm(int signal)
{
    (void)signal;
    fired++;
}

static long now_ms(void)
{
    struct timespec now;

    MUST(clock_gettime(CLOCK_MONOTONIC, &now));
    return now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

int main(void)
{
    struct itimerval timer = { { 0, 20000 }, { 0, 40000 } }, left;
    long start = now_ms();

    handle(SIGALRM, on_alarm, 0);
    MUST(setitimer(ITIMER_REAL, &timer, NULL));
    MUST(getitimer(ITIMER_REAL, &left));
    judge("interval kept", left.it_interval.tv_sec == 0 && left.it_interval.tv_usec >= 20000 &&
                               left.it_interval.tv_usec <= 30000);
    judge("some time left", left.it_value.tv_sec == 0 && left.it_value.tv_usec > 0 &&
                                left.it_value.tv_usec <= 50000);
    while (fired < 4)
        pause();
    judge("not before its time", now_ms() - start >= 99);
    memset(&timer, 0, sizeof timer);
    MUST(setitimer(ITIMER_REAL, &timer, &left));
    judge("stopped: was running", left.it_value.tv_usec > 0);
    MUST(getitimer(ITIMER_REAL, &left));
    judge("stopped: nothing left", left.it_value.tv_sec == 0 && left.it_value.tv_usec == 0);
    int then = fired;
    sleep_ms(60);
    judge("fires no more", fired == then);
    return 0;
}
