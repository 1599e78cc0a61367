/* user/lib/mman.c - the system calls about mappings. */
#include <errno.h>
#include <stdarg.h>
#include <stdint.h>
#include <sys/mman.h>

#include "user/lib/syscall.h"

#define MMAP2_UNIT 4096 /* of the offset, whatever the page size */

static long range_call(long number, void *start, size_t nbytes, long c)
{
    return syscall3(number, (long)start, (long)nbytes, c);
}

void *mmap(void *start, size_t nbytes, int protection, int flags, int fd, off_t offset)
{
    if (offset % MMAP2_UNIT != 0 || offset < 0 || offset / MMAP2_UNIT > UINT32_MAX) {
        errno = EINVAL;
        return MAP_FAILED;
    }
    long result = syscall_raw6(SYS_mmap2, (long)start, (long)nbytes, protection, flags, fd,
                               (long)(offset / MMAP2_UNIT));
    return (void *)syscall_result(result);
}

int munmap(void *start, size_t nbytes)
{
    return range_call(SYS_munmap, start, nbytes, 0);
}

int mprotect(void *start, size_t nbytes, int protection)
{
    return range_call(SYS_mprotect, start, nbytes, protection);
}

void *mremap(void *start, size_t old_nbytes, size_t nbytes, int flags, ...)
{
    va_list args;
    va_start(args, flags);
    void *wanted = (flags & MREMAP_FIXED) != 0 ? va_arg(args, void *) : NULL;
    va_end(args);
    long result = syscall_raw6(SYS_mremap, (long)start, (long)old_nbytes, (long)nbytes, flags,
                               (long)wanted, 0);
    return (void *)syscall_result(result);
}

int madvise(void *start, size_t nbytes, int advice)
{
    return range_call(SYS_madvise, start, nbytes, advice);
}

int mincore(void *start, size_t nbytes, unsigned char *resident)
{
    return range_call(SYS_mincore, start, nbytes, (long)resident);
}

int msync(void *start, size_t nbytes, int flags)
{
    return range_call(SYS_msync, start, nbytes, flags);
}
