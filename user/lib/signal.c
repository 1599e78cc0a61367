/* user/lib/signal.c - the system calls about signals.
 * The kernel enters a handler as if it had been called from the place of the interruption, with
 * sa_restorer as the return address: that asks it to put every register back. */
#include <signal.h>
#include <stddef.h>
#include <sys/time.h>
#include <unistd.h>

#include "user/lib/syscall.h"

#define SA_RESTORER 0x04000000ul

/* syscall.S */
void signal_return(void);
void signal_return_info(void);

int kill(pid_t pid, int signal)
{
    return syscall3(SYS_kill, pid, signal, 0);
}

int raise(int signal)
{
    return syscall3(SYS_tgkill, getpid(), gettid(), signal);
}

int sigaction(int signal, const struct sigaction *wanted, struct sigaction *old)
{
    struct sigaction action;

    if (wanted != NULL) {
        action = *wanted;
        action.sa_flags |= SA_RESTORER;
        action.sa_restorer = (action.sa_flags & SA_SIGINFO) != 0 ? signal_return_info
                                                                 : signal_return;
        wanted = &action;
    }
    return syscall(SYS_rt_sigaction, signal, wanted, old, sizeof(sigset_t));
}

int sigprocmask(int how, const sigset_t *set, sigset_t *old)
{
    return syscall(SYS_rt_sigprocmask, how, set, old, sizeof(sigset_t));
}

int sigaltstack(const stack_t *wanted, stack_t *old)
{
    return syscall3(SYS_sigaltstack, (long)wanted, (long)old, 0);
}

int setitimer(int which, const struct itimerval *wanted, struct itimerval *old)
{
    return syscall3(SYS_setitimer, which, (long)wanted, (long)old);
}

unsigned alarm(unsigned seconds)
{
    return (unsigned)syscall3(SYS_alarm, (long)seconds, 0, 0);
}

int pause(void)
{
    return syscall3(SYS_pause, 0, 0, 0);
}
