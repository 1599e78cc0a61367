/* The futex call itself: values that differ, time-outs, wake-ups across processes, errors. */
#include "tests/abi/abi.h"
#include <linux/futex.h>

static volatile int *word;

static long futex(volatile int *at, int operation, int value, const struct timespec *time)
{
    return syscall(SYS_futex, at, operation, value, time, NULL, 0);
}

static void wait_in_child(void)
{
    while (*word == 0)
        futex(word, FUTEX_WAIT, 0, NULL);
    say("woken, value %d", *word);
}

int main(void)
{
    struct timespec soon = { 0, 30000000 }, bad = { 0, -1 };

    word = (int *)map_shared(1);
    outcome("another value", futex(word, FUTEX_WAIT, 5, NULL));
    outcome("time-out", futex(word, FUTEX_WAIT, 0, &soon));
    outcome("bad time", futex(word, FUTEX_WAIT, 0, &bad));
    say("nobody to wake: %ld", futex(word, FUTEX_WAKE, 1, NULL));
    outcome("not aligned", futex((int *)((char *)word + 1), FUTEX_WAIT, 0, NULL));
    outcome("bad pointer", futex(BAD_POINTER, FUTEX_WAIT, 0, NULL));
    outcome("unknown operation", futex(word, 99, 0, NULL));
    pid_t child = start_child(wait_in_child);
    sleep_ms(30);
    *word = 1;
    while (waitpid(child, NULL, WNOHANG) == 0) {
        futex(word, FUTEX_WAKE, 1, NULL);
        sleep_ms(5);
    }
    say("child ended");
    return 0;
}
