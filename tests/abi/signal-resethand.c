/* SA_RESETHAND: the handler is called once, then the default is back. */
#include "tests/abi/abi.h"

static void on_signal(int signal)
{
    struct sigaction now;

    MUST(sigaction(signal, NULL, &now));
    say("SIG%s, handler now %s", sigabbrev_np(signal),
        now.sa_handler == SIG_DFL ? "default" : "set");
}

static void twice(void)
{
    handle(SIGUSR1, on_signal, SA_RESETHAND);
    MUST(raise(SIGUSR1));
    say("still alive");
    MUST(raise(SIGUSR1));
    say("not reached");
}

static void fault(void)
{
    handle(SIGSEGV, on_signal, SA_RESETHAND);
    *(volatile char *)BAD_POINTER = 1; /* the handler returns, and it faults again */
}

int main(void)
{
    in_child("twice", twice);
    in_child("fault", fault);
    return 0;
}
