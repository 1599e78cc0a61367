/* Handlers run in between as often as they like: a long calculation in registers does not notice. */
#include "tests/abi/abi.h"

static volatile int ticks;

static void on_alarm(int signal)
{
    volatile int rubbish[200];

    (void)signal;
    for (unsigned i = 0; i < LENGTH(rubbish); i++)
        rubbish[i] = i * ticks;
    ticks++;
}

static uint32_t calculate(void)
{
    uint32_t a = 1, b = 2, c = 3, d = 4;

    for (int i = 0; i < 200000; i++) {
        a = a * 1664525 + b;
        b ^= c >> 3;
        c += d << 1 | d >> 31;
        d = d * 22695477 + a;
    }
    return a ^ b ^ c ^ d;
}

int main(void)
{
    struct itimerval timer = { { 0, 10000 }, { 0, 10000 } }, off = { 0 };
    uint32_t expected = calculate();
    int same = 1;

    handle(SIGALRM, on_alarm, SA_RESTART);
    MUST(setitimer(ITIMER_REAL, &timer, NULL));
    while (ticks < 5)
        same &= calculate() == expected;
    MUST(setitimer(ITIMER_REAL, &off, NULL));
    judge("always the same result", same);
    return 0;
}
