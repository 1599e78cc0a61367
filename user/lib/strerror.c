/* user/lib/strerror.c - errors in words. */
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

static const struct {
    int number;
    const char *name, *text;
} errors[] = {
    { EPERM, "EPERM", "Operation not permitted" },
    { ENOENT, "ENOENT", "No such file or directory" },
    { ESRCH, "ESRCH", "No such process" },
    { EINTR, "EINTR", "Interrupted system call" },
    { EIO, "EIO", "Input/output error" },
    { ENXIO, "ENXIO", "No such device or address" },
    { E2BIG, "E2BIG", "Argument list too long" },
    { ENOEXEC, "ENOEXEC", "Exec format error" },
    { EBADF, "EBADF", "Bad file descriptor" },
    { ECHILD, "ECHILD", "No child processes" },
    { EAGAIN, "EAGAIN", "Resource temporarily unavailable" },
    { ENOMEM, "ENOMEM", "Cannot allocate memory" },
    { EACCES, "EACCES", "Permission denied" },
    { EFAULT, "EFAULT", "Bad address" },
    { ENOTBLK, "ENOTBLK", "Block device required" },
    { EBUSY, "EBUSY", "Device or resource busy" },
    { EEXIST, "EEXIST", "File exists" },
    { EXDEV, "EXDEV", "Invalid cross-device link" },
    { ENODEV, "ENODEV", "No such device" },
    { ENOTDIR, "ENOTDIR", "Not a directory" },
    { EISDIR, "EISDIR", "Is a directory" },
    { EINVAL, "EINVAL", "Invalid argument" },
    { ENFILE, "ENFILE", "Too many open files in system" },
    { EMFILE, "EMFILE", "Too many open files" },
    { ENOTTY, "ENOTTY", "Inappropriate ioctl for device" },
    { ETXTBSY, "ETXTBSY", "Text file busy" },
    { EFBIG, "EFBIG", "File too large" },
    { ENOSPC, "ENOSPC", "No space left on device" },
    { ESPIPE, "ESPIPE", "Illegal seek" },
    { EROFS, "EROFS", "Read-only file system" },
    { EMLINK, "EMLINK", "Too many links" },
    { EPIPE, "EPIPE", "Broken pipe" },
    { EDOM, "EDOM", "Numerical argument out of domain" },
    { ERANGE, "ERANGE", "Numerical result out of range" },
    { EDEADLK, "EDEADLK", "Resource deadlock avoided" },
    { ENAMETOOLONG, "ENAMETOOLONG", "File name too long" },
    { ENOLCK, "ENOLCK", "No locks available" },
    { ENOSYS, "ENOSYS", "Function not implemented" },
    { ENOTEMPTY, "ENOTEMPTY", "Directory not empty" },
    { ELOOP, "ELOOP", "Too many levels of symbolic links" },
    { EOVERFLOW, "EOVERFLOW", "Value too large for defined data type" },
    { ENOTSOCK, "ENOTSOCK", "Socket operation on non-socket" },
    { EOPNOTSUPP, "EOPNOTSUPP", "Operation not supported" },
    { EAFNOSUPPORT, "EAFNOSUPPORT", "Address family not supported by protocol" },
    { ETIMEDOUT, "ETIMEDOUT", "Connection timed out" },
};

const char *strerrorname_np(int error)
{
    for (size_t i = 0; i < sizeof(errors) / sizeof(errors[0]); i++) {
        if (errors[i].number == error)
            return errors[i].name;
    }
    return NULL;
}

char *strerror(int error)
{
    static char unknown[sizeof("Unknown error -2147483648")];

    for (size_t i = 0; i < sizeof(errors) / sizeof(errors[0]); i++) {
        if (errors[i].number == error)
            return (char *)(uintptr_t)errors[i].text;
    }
    snprintf(unknown, sizeof(unknown), "Unknown error %d", error);
    return unknown;
}
