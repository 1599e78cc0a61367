/* Bad arguments of the signal calls. */
#include "tests/abi/abi.h"

#define SIGSET_BYTES 8 /* the kernel's */

int main(void)
{
    struct sigaction action = { .sa_handler = SIG_IGN };
    sigset_t set = set_of(SIGUSR1);

    outcome("handle KILL", sigaction(SIGKILL, &action, NULL));
    outcome("handle STOP", sigaction(SIGSTOP, &action, NULL));
    outcome("ask for KILL", sigaction(SIGKILL, NULL, &action));
    outcome("handle 0", sigaction(0, &action, NULL));
    outcome("handle 65", sigaction(65, &action, NULL));
    outcome("handle, bad pointer",
            syscall(SYS_rt_sigaction, SIGUSR1, BAD_POINTER, NULL, SIGSET_BYTES));
    outcome("ask, bad pointer",
            syscall(SYS_rt_sigaction, SIGUSR1, NULL, BAD_POINTER, SIGSET_BYTES));
    outcome("set of another size", syscall(SYS_rt_sigaction, SIGUSR1, NULL, NULL, 4));
    outcome("mask, unknown way", sigprocmask(17, &set, NULL));
    outcome("mask, unknown way, only asking", sigprocmask(17, NULL, &set));
    outcome("mask, bad pointer",
            syscall(SYS_rt_sigprocmask, SIG_BLOCK, BAD_POINTER, NULL, SIGSET_BYTES));
    outcome("pending, bad pointer", syscall(SYS_rt_sigpending, BAD_POINTER, SIGSET_BYTES));
    outcome("suspend, bad pointer", syscall(SYS_rt_sigsuspend, BAD_POINTER, SIGSET_BYTES));
    outcome("kill, no such process", kill(0x3fffffff, 0));
    outcome("kill, no such group", kill(-0x3fffffff, 0));
    outcome("kill, no such signal", kill(getpid(), 65));
    outcome("kill, negative signal", kill(getpid(), -1));
    outcome("tgkill, thread of another process", syscall(SYS_tgkill, getppid(), gettid(), 0));
    outcome("tgkill, thread 0", syscall(SYS_tgkill, getpid(), 0, 0));
    return 0;
}
