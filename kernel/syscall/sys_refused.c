/* System calls that only say no.
 *
 * C libraries try these first and go another way when they are refused: name services ask for a
 * daemon through a socket, threads are begun with clone3.  They stand here so that the answer is the
 * one for which there is another way, and so that the log need not complain of each program. */
#include "kernel/lib/errno.h"
#include "kernel/syscall/sys_args.h"
#include "kernel/syscall/syscall.h"
#include "mm/uaccess.h"

static int32_t sys_absent(struct trap_frame *frame)
{
    (void)frame;
    return -ENOSYS;
}

/* Files give their bytes to programs, not to one another: as on Linux for a pair that cannot. */
static int32_t sys_sendfile(struct trap_frame *frame)
{
    (void)frame;
    return -EINVAL;
}

static int32_t sys_socket(struct trap_frame *frame)
{
    (void)frame;
    return -EAFNOSUPPORT;
}

/* No descriptor is a socket. */
static int32_t refuse_descriptor(int fd)
{
    struct file *file = file_get(fd);

    if (!file)
        return -EBADF;
    file_put(file);
    return -ENOTSOCK;
}

static int32_t sys_connect(struct trap_frame *frame)
{
    return refuse_descriptor((int)ARG1(frame));
}

/* socketcall(call, arguments): all of them behind one number. */
#define SOCKETCALL_SOCKET 1
#define SOCKETCALL_SOCKETPAIR 8
#define SOCKETCALL_LAST 20

static int32_t sys_socketcall(struct trap_frame *frame)
{
    uint32_t call = ARG1(frame);
    int fd;

    if (call < SOCKETCALL_SOCKET || call > SOCKETCALL_LAST)
        return -EINVAL;
    if (copy_from_user(&fd, ARG2(frame), sizeof(fd)) != 0)
        return -EFAULT;
    return call == SOCKETCALL_SOCKET || call == SOCKETCALL_SOCKETPAIR ? -EAFNOSUPPORT
                                                                      : refuse_descriptor(fd);
}

#define NO_SOCKETS "there are no sockets: EAFNOSUPPORT, or ENOTSOCK for a descriptor"

const struct syscall_entry refused_syscalls[] = {
    { 102, "socketcall", sys_socketcall, NO_SOCKETS },
    { 187, "sendfile", sys_sendfile, "EINVAL: programs go on with read and write" },
    { 239, "sendfile64", sys_sendfile, "EINVAL: programs go on with read and write" },
    { 359, "socket", sys_socket, NO_SOCKETS },
    { 362, "connect", sys_connect, NO_SOCKETS },
    { 377, "copy_file_range", sys_absent, "ENOSYS: programs go on with read and write" },
    { 386, "rseq", sys_absent, "ENOSYS: C libraries do without it" },
    { 435, "clone3", sys_absent, "ENOSYS: C libraries use clone" },
    { 0 },
};
