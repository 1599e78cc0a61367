/* A blocked signal is pending, once however often it is sent, and comes when it is unblocked. */
#include "tests/abi/abi.h"

static volatile int count;

static void on_signal(int signal)
{
    (void)signal;
    count++;
}

static void show_pending(const char *what)
{
    sigset_t set;

    MUST(sigpending(&set));
    say("%s: USR1 %d, USR2 %d, TERM %d, handled %d", what, sigismember(&set, SIGUSR1),
        sigismember(&set, SIGUSR2), sigismember(&set, SIGTERM), count);
}

int main(void)
{
    handle(SIGUSR1, on_signal, 0);
    handle(SIGUSR2, SIG_IGN, 0);
    mask(SIG_BLOCK, SIGUSR1);
    mask(SIG_BLOCK, SIGUSR2);
    mask(SIG_BLOCK, SIGTERM);
    show_pending("at first");
    for (int i = 0; i < 3; i++)
        MUST(kill(getpid(), SIGUSR1));
    MUST(kill(getpid(), SIGTERM));
    show_pending("three USR1 and a TERM sent");
    mask(SIG_UNBLOCK, SIGUSR1);
    show_pending("USR1 unblocked");
    handle(SIGTERM, SIG_IGN, 0);
    show_pending("TERM ignored");
    mask(SIG_UNBLOCK, SIGTERM);
    show_pending("TERM unblocked");
    MUST(kill(getpid(), 0));
    show_pending("signal 0 sent");
    return 0;
}
