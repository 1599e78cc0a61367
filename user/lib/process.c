/* user/lib/process.c - the system calls about processes: start, replace, wait, who am I. */
#include <sched.h>
#include <sys/wait.h>
#include <unistd.h>

#include "user/lib/syscall.h"

pid_t fork(void)
{
    return syscall3(SYS_fork, 0, 0, 0);
}

int execve(const char *path, char *const argv[], char *const envp[])
{
    return syscall3(SYS_execve, (long)path, (long)argv, (long)envp);
}

int execv(const char *path, char *const argv[])
{
    return execve(path, argv, environ);
}

pid_t wait4(pid_t pid, int *status, int options, struct rusage *usage)
{
    return syscall(SYS_wait4, pid, status, options, usage);
}

pid_t waitpid(pid_t pid, int *status, int options)
{
    return wait4(pid, status, options, NULL);
}

pid_t wait(int *status)
{
    return wait4(-1, status, 0, NULL);
}

pid_t getpid(void)
{
    return syscall3(SYS_getpid, 0, 0, 0);
}

pid_t getppid(void)
{
    return syscall3(SYS_getppid, 0, 0, 0);
}

pid_t gettid(void)
{
    return syscall3(SYS_gettid, 0, 0, 0);
}

int sched_yield(void)
{
    return syscall3(SYS_sched_yield, 0, 0, 0);
}
