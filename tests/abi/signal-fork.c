/* A child has its parent's handlers and mask, but not its pending signals and alarms. */
#include "tests/abi/abi.h"

static void on_signal(int signal)
{
    say("SIG%s handled by the %s", sigabbrev_np(signal), alarm(0) ? "parent" : "child");
}

static void child(void)
{
    sigset_t set;

    MUST(sigpending(&set));
    say("child: pending USR1 %d", sigismember(&set, SIGUSR1));
    MUST(sigprocmask(SIG_BLOCK, NULL, &set));
    say("child: blocked USR1 %d, USR2 %d", sigismember(&set, SIGUSR1),
        sigismember(&set, SIGUSR2));
    judge("child: no alarm", alarm(0) == 0);
    MUST(raise(SIGUSR2));
}

int main(void)
{
    handle(SIGUSR1, on_signal, 0);
    handle(SIGUSR2, on_signal, 0);
    mask(SIG_BLOCK, SIGUSR1);
    MUST(raise(SIGUSR1));
    alarm(1000);
    in_child("child", child);
    mask(SIG_UNBLOCK, SIGUSR1);
    return 0;
}
