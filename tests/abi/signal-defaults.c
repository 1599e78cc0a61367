/* What signals do by default: some kill, some are ignored. */
#include "tests/abi/abi.h"

static const int signals[] = { SIGHUP,  SIGINT,  SIGQUIT, SIGILL,  SIGTRAP,   SIGABRT,  SIGBUS,
                               SIGFPE,  SIGKILL, SIGUSR1, SIGSEGV, SIGUSR2,   SIGPIPE,  SIGALRM,
                               SIGTERM, SIGCHLD, SIGCONT, SIGURG,  SIGVTALRM, SIGWINCH, SIGIO };
static int signal_now;

static void send_it(void)
{
    signal(signal_now, SIG_DFL); /* whoever started us may have ignored it */
    MUST(kill(getpid(), signal_now));
}

int main(void)
{
    char name[16];

    for (unsigned i = 0; i < LENGTH(signals); i++) {
        signal_now = signals[i];
        snprintf(name, sizeof name, "SIG%s", sigabbrev_np(signal_now));
        in_child(name, send_it);
    }
    return 0;
}
