/* The mask inside a handler, and after it: what it was before, whatever the handler did to it. */
#include "tests/abi/abi.h"

static void show_mask(const char *what)
{
    sigset_t set;

    MUST(sigprocmask(SIG_BLOCK, NULL, &set));
    say("%s: HUP %d, USR1 %d, USR2 %d, TERM %d, KILL %d", what, sigismember(&set, SIGHUP),
        sigismember(&set, SIGUSR1), sigismember(&set, SIGUSR2), sigismember(&set, SIGTERM),
        sigismember(&set, SIGKILL));
}

static void on_signal(int signal)
{
    (void)signal;
    show_mask("in the handler");
    mask(SIG_BLOCK, SIGTERM);
    mask(SIG_UNBLOCK, SIGHUP);
    show_mask("changed there");
}

int main(void)
{
    struct sigaction action = { .sa_handler = on_signal };
    sigset_t all;

    action.sa_mask = set_of(SIGUSR2);
    MUST(sigaction(SIGUSR1, &action, NULL));
    mask(SIG_BLOCK, SIGHUP);
    show_mask("before");
    MUST(raise(SIGUSR1));
    show_mask("after");
    sigfillset(&all);
    MUST(sigprocmask(SIG_SETMASK, &all, NULL));
    show_mask("all blocked");
    return 0;
}
