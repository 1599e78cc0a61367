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
    { E2BIG, "E2BIG", "Argument list too long" },
    { ENOEXEC, "ENOEXEC", "Exec format error" },
    { EBADF, "EBADF", "Bad file descriptor" },
    { ECHILD, "ECHILD", "No child processes" },
    { EAGAIN, "EAGAIN", "Resource temporarily unavailable" },
    { ENOMEM, "ENOMEM", "Cannot allocate memory" },
    { EACCES, "EACCES", "Permission denied" },
    { EFAULT, "EFAULT", "Bad address" },
    { EBUSY, "EBUSY", "Device or resource busy" },
    { EEXIST, "EEXIST", "File exists" },
    { EINVAL, "EINVAL", "Invalid argument" },
    { ENOTTY, "ENOTTY", "Inappropriate ioctl for device" },
    { ESPIPE, "ESPIPE", "Illegal seek" },
    { ERANGE, "ERANGE", "Numerical result out of range" },
    { ENAMETOOLONG, "ENAMETOOLONG", "File name too long" },
    { ENOSYS, "ENOSYS", "Function not implemented" },
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
