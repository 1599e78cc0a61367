/* SIGCHLD tells who ended and how; SIG_IGN and SA_NOCLDWAIT leave nothing to wait for. */
#include "tests/abi/abi.h"

static volatile siginfo_t got;
static pid_t expected;

static void on_child(int signal, siginfo_t *info, void *context)
{
    (void)signal, (void)context;
    got = *info;
}

static void run(const char *what, int signal)
{
    sigset_t none;

    sigemptyset(&none);
    memset((siginfo_t *)&got, 0, sizeof got);
    expected = MUST(fork());
    if (expected == 0) {
        if (signal)
            kill(getpid(), signal);
        _exit(42);
    }
    while (got.si_signo == 0)
        sigsuspend(&none);
    say("%s: %s, status %d, child %s", what,
        got.si_code == CLD_EXITED   ? "CLD_EXITED"
        : got.si_code == CLD_KILLED ? "CLD_KILLED"
                                    : "other code",
        got.si_status, got.si_pid == expected ? "right" : "wrong");
    wait_for("  and wait", expected);
}

static void end_at_once(void)
{
}

int main(void)
{
    struct sigaction action = { .sa_sigaction = on_child, .sa_flags = SA_SIGINFO };

    mask(SIG_BLOCK, SIGCHLD);
    MUST(sigaction(SIGCHLD, &action, NULL));
    run("exit", 0);
    run("kill", SIGKILL);
    handle(SIGCHLD, SIG_IGN, 0);
    start_child(end_at_once);
    outcome("ignored", wait(NULL));
    handle(SIGCHLD, SIG_DFL, SA_NOCLDWAIT);
    start_child(end_at_once);
    outcome("SA_NOCLDWAIT", wait(NULL));
    return 0;
}
