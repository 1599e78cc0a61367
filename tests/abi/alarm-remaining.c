/* alarm returns what is left of the one before; an alarm nobody handles kills. */
#include "tests/abi/abi.h"

static void die_by_alarm(void)
{
    struct itimerval timer = { { 0, 0 }, { 0, 10000 } };

    MUST(setitimer(ITIMER_REAL, &timer, NULL));
    for (;;)
        pause();
}

static void die_calculating(void)
{
    struct itimerval timer = { { 0, 0 }, { 0, 10000 } };

    MUST(setitimer(ITIMER_REAL, &timer, NULL));
    for (;;)
        ;
}

int main(void)
{
    struct itimerval nonsense = { { 0, 0 }, { 0, 1000000 } }, old;

    say("first: %u", alarm(100));
    say("second: %u", alarm(50));
    judge("it is the same timer",
          getitimer(ITIMER_REAL, &old) == 0 && old.it_value.tv_sec >= 40);
    judge("off: about 50", alarm(0) >= 49);
    say("now none: %u", alarm(0));
    in_child("unhandled, waiting", die_by_alarm);
    in_child("unhandled, calculating", die_calculating);
    outcome("a million microseconds", setitimer(ITIMER_REAL, &nonsense, NULL));
    outcome("no such timer", syscall(SYS_setitimer, 7, &old, NULL));
    outcome("bad pointer", syscall(SYS_setitimer, ITIMER_REAL, BAD_POINTER, NULL));
    outcome("get, bad pointer", syscall(SYS_getitimer, ITIMER_REAL, BAD_POINTER));
    return 0;
}
