/* Who sent it: si_signo, si_code, si_pid of kill, tgkill and raise. */
#include "tests/abi/abi.h"

static volatile siginfo_t got;

static void on_signal(int signal, siginfo_t *info, void *context)
{
    (void)signal, (void)context;
    got = *info;
}

static void tell(const char *what, pid_t sender)
{
    siginfo_t info = got;

    say("%s: SIG%s, %s, sender %s", what, sigabbrev_np(info.si_signo),
        info.si_code == SI_USER    ? "SI_USER"
        : info.si_code == SI_TKILL ? "SI_TKILL"
                                   : "other code",
        info.si_pid == sender ? "right" : "wrong");
}

static void signal_parent(void)
{
    MUST(kill(getppid(), SIGUSR2));
}

int main(void)
{
    struct sigaction action = { .sa_sigaction = on_signal, .sa_flags = SA_SIGINFO };

    MUST(sigaction(SIGUSR1, &action, NULL));
    MUST(sigaction(SIGUSR2, &action, NULL));
    MUST(kill(getpid(), SIGUSR1));
    tell("kill", getpid());
    MUST(syscall(SYS_tgkill, getpid(), gettid(), SIGUSR2));
    tell("tgkill", getpid());
    MUST(raise(SIGUSR1));
    tell("raise", getpid());
    pid_t child = start_child(signal_parent);
    wait_for("child", child);
    tell("from the child", child);
    return 0;
}
