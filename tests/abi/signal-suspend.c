/* sigsuspend unblocks and waits in one step: a signal sent before it is not lost. */
#include "tests/abi/abi.h"

static volatile int handled;

static void on_signal(int signal)
{
    (void)signal;
    handled++;
}

static void answer_all(void)
{
    sigset_t none;

    sigemptyset(&none);
    for (int i = 0; i < 20; i++) {
        MUST(kill(getppid(), SIGUSR1));
        while (handled == i)
            sigsuspend(&none);
    }
}

int main(void)
{
    sigset_t none, now;

    sigemptyset(&none);
    handle(SIGUSR1, on_signal, 0);
    mask(SIG_BLOCK, SIGUSR1);
    pid_t child = start_child(answer_all);
    for (int i = 0; i < 20; i++) {
        while (handled == i)
            sigsuspend(&none);
        MUST(kill(child, SIGUSR1));
    }
    wait_for("child", child);
    say("handled %d", handled);
    MUST(sigprocmask(SIG_BLOCK, NULL, &now));
    judge("blocked again", sigismember(&now, SIGUSR1));
    return 0;
}
