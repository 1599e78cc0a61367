/* Pending signals whose handlers do not block each other: all frames are built before any handler
 * runs, so that the last one delivered runs first. */
#include "tests/abi/abi.h"

static const int sent[] = { SIGUSR1, SIGTERM, SIGHUP };

static void on_signal(int signal)
{
    say("SIG%s", sigabbrev_np(signal));
}

int main(void)
{
    sigset_t all, none;

    sigfillset(&all);
    sigemptyset(&none);
    MUST(sigprocmask(SIG_SETMASK, &all, NULL));
    for (unsigned i = 0; i < LENGTH(sent); i++) {
        handle(sent[i], on_signal, 0);
        MUST(kill(getpid(), sent[i]));
    }
    MUST(sigprocmask(SIG_SETMASK, &none, NULL));
    say("done");
    return 0;
}
