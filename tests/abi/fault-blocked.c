/* A fault cannot be blocked or ignored: it kills; a SIGSEGV from kill(2) can. */
#include "tests/abi/abi.h"

static void on_segv(int signal)
{
    (void)signal;
    say("handler called");
    *(volatile char *)BAD_POINTER = 2; /* while the signal is blocked */
}

static void blocked(void)
{
    handle(SIGSEGV, on_segv, 0);
    mask(SIG_BLOCK, SIGSEGV);
    *(volatile char *)BAD_POINTER = 1;
}

static void ignored(void)
{
    handle(SIGSEGV, SIG_IGN, 0);
    *(volatile char *)BAD_POINTER = 1;
}

static void in_handler(void)
{
    handle(SIGSEGV, on_segv, 0);
    *(volatile char *)BAD_POINTER = 1;
}

static void sent_while_ignored(void)
{
    handle(SIGSEGV, SIG_IGN, 0);
    MUST(kill(getpid(), SIGSEGV));
    say("not killed");
}

static void no_stack(void)
{
    handle(SIGUSR1, on_segv, 0);
    __asm__ volatile("movl $0x100, %%esp; int $0x80"
                     :
                     : "a"(SYS_kill), "b"(getpid()), "c"(SIGUSR1)
                     : "memory");
}

int main(void)
{
    in_child("blocked", blocked);
    in_child("ignored", ignored);
    in_child("in the handler", in_handler);
    in_child("sent while ignored", sent_while_ignored);
    in_child("no stack for the handler", no_stack);
    return 0;
}
