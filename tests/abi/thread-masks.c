/* Each thread has its own signal mask and second stack; a new one inherits the mask only. */
#include "tests/abi/abi.h"
#include <pthread.h>

static char second[32768];

static void show(const char *who)
{
    stack_t stack;
    sigset_t set;

    MUST_0(pthread_sigmask(SIG_BLOCK, NULL, &set));
    MUST(sigaltstack(NULL, &stack));
    say("%s: HUP %d, USR1 %d, second stack %s", who, sigismember(&set, SIGHUP),
        sigismember(&set, SIGUSR1), stack.ss_flags == SS_DISABLE ? "none" : "set");
}

static void *work(void *argument)
{
    sigset_t set = set_of(SIGUSR1);

    show("thread");
    MUST_0(pthread_sigmask(SIG_SETMASK, &set, NULL));
    show("thread, changed");
    return argument;
}

int main(void)
{
    stack_t stack = { .ss_sp = second, .ss_size = sizeof second };
    pthread_t thread;

    mask(SIG_BLOCK, SIGHUP);
    MUST(sigaltstack(&stack, NULL));
    show("main");
    MUST_0(pthread_create(&thread, NULL, work, NULL));
    MUST_0(pthread_join(thread, NULL));
    show("main, afterwards");
    return 0;
}
