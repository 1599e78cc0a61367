/* user/lib/unistd.c - the system calls about files, the heap's end and the system, one function for
 * each, with C's convention: -1 and errno.  Their siblings are in process.c, mman.c, signal.c and
 * time.c; user/lib/include/ has their contracts, which are POSIX's and Linux's. */
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/ioctl.h>
#include <sys/random.h>
#include <sys/reboot.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/sysinfo.h>
#include <sys/uio.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "user/lib/syscall.h"

#define ERRNO_MAX 4095 /* results from -4095 to -1 are errors, everything else is a value */

int errno;

long syscall_result(long result)
{
    if ((unsigned long)result >= (unsigned long)-ERRNO_MAX) {
        errno = (int)-result;
        return -1;
    }
    return result;
}

/* Nobody knows how many arguments were passed.  Reading too many yields whatever lies above them on
 * the stack, which a system call with fewer does not look at. */
long syscall(long number, ...)
{
    va_list args;
    va_start(args, number);
    long a = va_arg(args, long), b = va_arg(args, long), c = va_arg(args, long);
    long d = va_arg(args, long), e = va_arg(args, long), f = va_arg(args, long);
    va_end(args);
    return syscall_result(syscall_raw6(number, a, b, c, d, e, f));
}

_Noreturn void _exit(int status)
{
    for (;;) {
        syscall_raw(SYS_exit_group, status, 0, 0);
        syscall_raw(SYS_exit, status, 0, 0);
    }
}

/* --- files -------------------------------------------------------------------------------------- */

int open(const char *path, int flags, ...)
{
    va_list args;
    va_start(args, flags);
    mode_t mode = (flags & O_CREAT) != 0 ? va_arg(args, mode_t) : 0;
    va_end(args);
    return syscall3(SYS_open, (long)path, flags, (long)mode);
}

int close(int fd)
{
    return syscall3(SYS_close, fd, 0, 0);
}

ssize_t read(int fd, void *buffer, size_t nbytes)
{
    return syscall3(SYS_read, fd, (long)buffer, (long)nbytes);
}

ssize_t write(int fd, const void *buffer, size_t nbytes)
{
    return syscall3(SYS_write, fd, (long)buffer, (long)nbytes);
}

ssize_t writev(int fd, const struct iovec *vector, int count)
{
    return syscall3(SYS_writev, fd, (long)vector, count);
}

/* The kernel takes the offset in two halves and stores the 64-bit result. */
off_t lseek(int fd, off_t offset, int whence)
{
    off_t result;
    long error = syscall_raw6(SYS__llseek, fd, (long)(offset >> 32), (long)offset,
                              (long)&result, whence, 0);
    return syscall_result(error) == -1 ? -1 : result;
}

int fstat(int fd, struct stat *status)
{
    return syscall3(SYS_fstat64, fd, (long)status, 0);
}

int fstatat(int folder, const char *path, struct stat *status, int flags)
{
    return syscall(SYS_fstatat64, folder, path, status, flags);
}

int unlink(const char *path)
{
    return syscall3(SYS_unlink, (long)path, 0, 0);
}

int mkdir(const char *path, mode_t mode)
{
    return syscall3(SYS_mkdir, (long)path, (long)mode, 0);
}

int rmdir(const char *path)
{
    return syscall3(SYS_rmdir, (long)path, 0, 0);
}

int chdir(const char *path)
{
    return syscall3(SYS_chdir, (long)path, 0, 0);
}

int dup(int fd)
{
    return syscall3(SYS_dup, fd, 0, 0);
}

int dup2(int fd, int wanted)
{
    return syscall3(SYS_dup2, fd, wanted, 0);
}

int pipe(int ends[2])
{
    return syscall3(SYS_pipe, (long)ends, 0, 0);
}

int fcntl(int fd, int command, ...)
{
    va_list args;
    va_start(args, command);
    long argument = va_arg(args, long); /* whatever it is: see syscall() */
    va_end(args);
    return syscall3(SYS_fcntl64, fd, command, argument);
}

int ioctl(int fd, unsigned long request, ...)
{
    va_list args;
    va_start(args, request);
    long argument = va_arg(args, long);
    va_end(args);
    return syscall3(SYS_ioctl, fd, (long)request, argument);
}

/* --- heap --------------------------------------------------------------------------------------- */

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

/* --- system ------------------------------------------------------------------------------------- */

int uname(struct utsname *name)
{
    return syscall3(SYS_uname, (long)name, 0, 0);
}

int sysinfo(struct sysinfo *info)
{
    return syscall3(SYS_sysinfo, (long)info, 0, 0);
}

int getrusage(int who, struct rusage *usage)
{
    return syscall3(SYS_getrusage, who, (long)usage, 0);
}

int prlimit(pid_t pid, int resource, const struct rlimit *wanted, struct rlimit *old)
{
    return syscall(SYS_prlimit64, pid, resource, wanted, old);
}

int setrlimit(int resource, const struct rlimit *wanted)
{
    return prlimit(0, resource, wanted, NULL);
}

int getrlimit(int resource, struct rlimit *limit)
{
    return prlimit(0, resource, NULL, limit);
}

ssize_t getrandom(void *buffer, size_t nbytes, unsigned flags)
{
    return syscall3(SYS_getrandom, (long)buffer, (long)nbytes, (long)flags);
}

int reboot(int what)
{
    return syscall3(SYS_reboot, (long)REBOOT_MAGIC1, REBOOT_MAGIC2, what);
}
