/* siglongjmp out of a handler, many times: the mask comes back, no stack is used up. */
#include "tests/abi/abi.h"

static volatile int faults;
static volatile uintptr_t lowest, highest;

static void on_segv(int signal, siginfo_t *info, void *context)
{
    char here;

    (void)signal, (void)info, (void)context;
    faults++;
    lowest = (uintptr_t)&here < lowest ? (uintptr_t)&here : lowest;
    highest = (uintptr_t)&here > highest ? (uintptr_t)&here : highest;
    siglongjmp(fault_return, faults);
}

int main(void)
{
    struct sigaction action = { .sa_sigaction = on_segv, .sa_flags = SA_SIGINFO };
    sigset_t now;

    lowest = UINT32_MAX;
    MUST(sigaction(SIGSEGV, &action, NULL));
    while (sigsetjmp(fault_return, 1) < 200)
        *(volatile char *)BAD_POINTER = 1;
    say("%d faults", faults);
    judge("always at the same depth", highest == lowest);
    MUST(sigprocmask(SIG_BLOCK, NULL, &now));
    judge("not blocked", !sigismember(&now, SIGSEGV));
    return 0;
}
