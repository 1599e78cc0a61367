/* A read that a handler interrupts: EINTR, or begun again with SA_RESTART. */
#include "tests/abi/abi.h"

static int data[2];
static volatile int handled;

static void on_signal(int signal)
{
    (void)signal;
    handled++;
    if (handled == 2) /* the read that was begun again now finds something */
        MUST(write(data[1], "x", 1));
}

/* Again and again: the first may come before the read has begun. */
static void send_signals(void)
{
    pid_t parent = getppid();

    while (getppid() == parent) {
        sleep_ms(30);
        MUST(kill(parent, SIGUSR1));
    }
}

static void test_read(const char *what, int flags)
{
    char byte;

    handle(SIGUSR1, on_signal, flags);
    pid_t child = start_child(send_signals);
    ssize_t got = read(data[0], &byte, 1);
    int error = errno;
    MUST(kill(child, SIGKILL));
    wait_for("child", child);
    errno = error;
    outcome(what, got);
}

int main(void)
{
    MUST(pipe(data));
    test_read("SA_RESTART", SA_RESTART);
    judge("two signals were handled", handled >= 2);
    test_read("plain", 0);
    return 0;
}
