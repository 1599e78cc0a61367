/* A handler's own signal waits for its end, unless SA_NODEFER; sa_mask makes others wait. */
#include "tests/abi/abi.h"

static volatile int depth, deepest, calls;

static void on_usr1(int signal)
{
    depth++;
    calls++;
    deepest = depth > deepest ? depth : deepest;
    if (calls < 4)
        MUST(raise(signal));
    depth--;
}

static void on_usr2(int signal)
{
    (void)signal;
    say("USR2 while USR1's handler is %s", depth ? "running" : "not running");
}

static void on_usr1_raising_usr2(int signal)
{
    (void)signal;
    depth++;
    MUST(raise(SIGUSR2));
    depth--;
}

static void test_recursion(const char *what, int flags)
{
    calls = deepest = 0;
    handle(SIGUSR1, on_usr1, flags);
    MUST(raise(SIGUSR1));
    say("%s: %d calls, %d deep", what, calls, deepest);
}

int main(void)
{
    struct sigaction masked = { .sa_handler = on_usr1_raising_usr2 };

    test_recursion("plain", 0);
    test_recursion("SA_NODEFER", SA_NODEFER);
    handle(SIGUSR2, on_usr2, 0);
    handle(SIGUSR1, on_usr1_raising_usr2, 0);
    MUST(raise(SIGUSR1));
    masked.sa_mask = set_of(SIGUSR2);
    MUST(sigaction(SIGUSR1, &masked, NULL));
    MUST(raise(SIGUSR1));
    return 0;
}
