/* Endless recursion ends at RLIMIT_STACK with SIGSEGV, which a second stack can take. */
#include "tests/abi/abi.h"
#include <sys/resource.h>

static char second_stack[32768];
static volatile uintptr_t deepest;
static uintptr_t start;

static unsigned recurse(unsigned level)
{
    volatile char frame[1000];

    deepest = (uintptr_t)frame;
    frame[0] = level;
    return level == UINT32_MAX ? 0 : recurse(level + 1) + frame[0];
}

static void on_overflow(int signal, siginfo_t *info, void *context)
{
    char here;
    uintptr_t used = start - deepest, address = (uintptr_t)info->si_addr;

    (void)context;
    say("SIG%s on the second stack: %s", sigabbrev_np(signal),
        &here > second_stack && &here < second_stack + sizeof second_stack ? "yes" : "no");
    judge("fault near the deepest frame",
          address > deepest - 3 * PAGE && address < deepest + PAGE);
    judge("at the limit", used > 1900 * 1024 && used < 2100 * 1024);
    _exit(3);
}

static void overflow_with(int flags)
{
    struct sigaction action = { .sa_sigaction = on_overflow, .sa_flags = SA_SIGINFO | flags };
    stack_t stack = { .ss_sp = second_stack, .ss_size = sizeof second_stack };
    char here;

    start = (uintptr_t)&here;
    MUST(sigaltstack(&stack, NULL));
    MUST(sigaction(SIGSEGV, &action, NULL));
    recurse(0);
}

static void overflow(void)
{
    overflow_with(SA_ONSTACK);
}

static void overflow_unprepared(void)
{
    overflow_with(0);
}

int main(void)
{
    struct rlimit limit = { 2048 * 1024, RLIM_INFINITY };

    MUST(setrlimit(RLIMIT_STACK, &limit));
    in_child("with a second stack", overflow);
    in_child("handler without a stack to run on", overflow_unprepared);
    return 0;
}
