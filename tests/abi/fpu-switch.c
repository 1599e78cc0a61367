/* Floating-point sums of processes that run in turns are not mixed up. */
#include "tests/abi/abi.h"
#include <sched.h>

static double harmonic(int start)
{
    long double sum = 0;

    for (int i = 1; i < 3000; i++) {
        sum += 1.0L / (start + i);
        if (i % 100 == 0)
            sched_yield(); /* with the sum in a register */
    }
    return sum;
}

static double expected[4];
static int number;

static void calculate(void)
{
    for (int i = 0; i < 10; i++)
        if (harmonic(number) != expected[number])
            _exit(1);
}

int main(void)
{
    pid_t children[4];

    for (int i = 0; i < 4; i++)
        expected[i] = harmonic(i);
    for (number = 0; number < 4; number++)
        children[number] = start_child(calculate);
    for (int i = 0; i < 4; i++)
        wait_for("child", children[i]);
    return 0;
}
