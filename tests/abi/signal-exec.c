/* exec: handlers become the default, what is ignored stays so, mask and pending signals stay. */
#include "tests/abi/abi.h"

static const int signals[] = { SIGUSR1, SIGUSR2, SIGHUP };

static void on_signal(int signal)
{
    (void)signal;
}

static void show(const char *when)
{
    sigset_t blocked, pending;
    struct sigaction action;

    MUST(sigprocmask(SIG_BLOCK, NULL, &blocked));
    MUST(sigpending(&pending));
    for (unsigned i = 0; i < LENGTH(signals); i++) {
        MUST(sigaction(signals[i], NULL, &action));
        say("%s: SIG%s %s, blocked %d, pending %d", when, sigabbrev_np(signals[i]),
            action.sa_handler == SIG_DFL   ? "default"
            : action.sa_handler == SIG_IGN ? "ignored"
                                           : "handled",
            sigismember(&blocked, signals[i]), sigismember(&pending, signals[i]));
    }
}

int main(int argc, char **argv)
{
    char path[256];
    stack_t stack = { .ss_sp = path, .ss_size = 32768 };

    if (argc > 1) {
        show("after");
        MUST(sigaltstack(NULL, &stack));
        judge("no second stack", stack.ss_flags == SS_DISABLE);
        return 0;
    }
    own_path(path, sizeof path);
    handle(SIGUSR1, on_signal, 0);
    handle(SIGUSR2, SIG_IGN, 0);
    handle(SIGHUP, SIG_DFL, 0);
    mask(SIG_BLOCK, SIGHUP);
    MUST(raise(SIGHUP));
    MUST(sigaltstack(&stack, NULL));
    show("before");
    execl(path, argv[0], "again", NULL);
    return STATUS_BROKEN;
}
