/* sigaltstack: handlers run there, cannot change it meanwhile, and come back. */
#include "tests/abi/abi.h"

static char second[32768];

static void on_signal(int signal)
{
    stack_t now, other = { .ss_sp = second, .ss_size = sizeof second };
    char here;

    (void)signal;
    MUST(sigaltstack(NULL, &now));
    judge("on the second stack", &here >= second && &here < second + sizeof second);
    judge("SS_ONSTACK", now.ss_flags & SS_ONSTACK);
    if (now.ss_flags & SS_ONSTACK)
        outcome("change it meanwhile", sigaltstack(&other, NULL));
}

int main(void)
{
    stack_t stack = { .ss_sp = second, .ss_size = sizeof second }, asked;
    stack_t small = { .ss_sp = second, .ss_size = 1000 };
    stack_t strange = { .ss_sp = second, .ss_size = sizeof second, .ss_flags = 0x40 };
    stack_t disabled = { .ss_flags = SS_DISABLE };

    MUST(sigaltstack(NULL, &asked));
    judge("none at first", asked.ss_flags == SS_DISABLE);
    outcome("too small", sigaltstack(&small, NULL));
    outcome("unknown flag", sigaltstack(&strange, NULL));
    outcome("bad pointer", sigaltstack(BAD_POINTER, NULL));
    outcome("set", sigaltstack(&stack, NULL));
    handle(SIGUSR1, on_signal, SA_ONSTACK);
    MUST(raise(SIGUSR1));
    handle(SIGUSR1, on_signal, 0);
    MUST(raise(SIGUSR1));
    MUST(sigaltstack(&disabled, &asked));
    judge("as set", asked.ss_sp == second && asked.ss_size == sizeof second && !asked.ss_flags);
    handle(SIGUSR1, on_signal, SA_ONSTACK);
    MUST(raise(SIGUSR1));
    return 0;
}
