/* Several pending signals are delivered the lowest number first, if handlers are not interrupted. */
#include "tests/abi/abi.h"

static const int sent[] = { SIGTERM, SIGHUP, SIGUSR2, SIGINT, SIGALRM, SIGUSR1, SIGCHLD };

static void on_signal(int signal)
{
    say("SIG%s", sigabbrev_np(signal));
}

int main(void)
{
    struct sigaction action = { .sa_handler = on_signal };
    sigset_t all, none;

    sigfillset(&all);
    sigemptyset(&none);
    action.sa_mask = all;
    MUST(sigprocmask(SIG_SETMASK, &all, NULL));
    for (unsigned i = 0; i < LENGTH(sent); i++) {
        MUST(sigaction(sent[i], &action, NULL));
        MUST(kill(getpid(), sent[i]));
    }
    say("unblocked:");
    MUST(sigprocmask(SIG_SETMASK, &none, NULL));
    say("done");
    return 0;
}
