/* user/lib/unistd.c - one function for each system call, with C's convention: -1 and errno. */
#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/sysinfo.h>
#include <sys/uio.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

#include "user/lib/syscall.h"

#define ERRNO_MAX 4095 /* results from -4095 to -1 are errors, everything else is a value */

int errno;

static long check(long result)
{
    if ((unsigned long)result >= (unsigned long)-ERRNO_MAX) {
        errno = (int)-result;
        return -1;
    }
    return result;
}

long syscall(long number, long a, long b, long c)
{
    return check(syscall_raw(number, a, b, c));
}

_Noreturn void _exit(int status)
{
    for (;;) {
        syscall_raw(SYS_exit_group, status, 0, 0);
        syscall_raw(SYS_exit, status, 0, 0);
    }
}

ssize_t read(int fd, void *buffer, size_t nbytes)
{
    return syscall(SYS_read, fd, (long)buffer, (long)nbytes);
}

ssize_t write(int fd, const void *buffer, size_t nbytes)
{
    return syscall(SYS_write, fd, (long)buffer, (long)nbytes);
}

ssize_t writev(int fd, const struct iovec *vector, int count)
{
    return syscall(SYS_writev, fd, (long)vector, count);
}

/* The kernel answers every brk call with the break as it is now: unchanged means refused. */
static uintptr_t current_break;

static uintptr_t set_break(uintptr_t wanted)
{
    current_break = (uintptr_t)syscall_raw(SYS_brk, (long)wanted, 0, 0);
    return current_break;
}

int brk(void *end)
{
    if (set_break((uintptr_t)end) == (uintptr_t)end)
        return 0;
    errno = ENOMEM;
    return -1;
}

void *sbrk(intptr_t increment)
{
    if (current_break == 0)
        set_break(0);
    uintptr_t old = current_break, wanted = old + (uintptr_t)increment;
    bool wraps = increment > 0 ? wanted < old : wanted > old;

    if (increment == 0)
        return (void *)old;
    if (wraps || set_break(wanted) != wanted) {
        errno = ENOMEM;
        return (void *)-1;
    }
    return (void *)old;
}

pid_t getpid(void)
{
    return syscall(SYS_getpid, 0, 0, 0);
}

int kill(pid_t pid, int signal)
{
    return syscall(SYS_kill, pid, signal, 0);
}

int sched_yield(void)
{
    return syscall(SYS_sched_yield, 0, 0, 0);
}

int nanosleep(const struct timespec *wanted, struct timespec *remaining)
{
    return syscall(SYS_nanosleep, (long)wanted, (long)remaining, 0);
}

unsigned sleep(unsigned seconds)
{
    struct timespec left = { .tv_sec = (time_t)seconds };
    return nanosleep(&left, &left) == 0 ? 0 : (unsigned)left.tv_sec;
}

int uname(struct utsname *name)
{
    return syscall(SYS_uname, (long)name, 0, 0);
}

int sysinfo(struct sysinfo *info)
{
    return syscall(SYS_sysinfo, (long)info, 0, 0);
}

int getrusage(int who, struct rusage *usage)
{
    return syscall(SYS_getrusage, who, (long)usage, 0);
}

int mincore(void *start, size_t nbytes, unsigned char *resident)
{
    return syscall(SYS_mincore, (long)start, (long)nbytes, (long)resident);
}
