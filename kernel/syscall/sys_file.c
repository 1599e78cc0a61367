/* System calls on open files: read(2), write(2) and their family, descriptors, pipes.
 *
 * Order of the checks, as on Linux: descriptor (EBADF), its mode (EBADF), can it at all (EINVAL,
 * EISDIR), the range of the buffer (EFAULT), its length (EINVAL). */
#include "kernel/lib/errno.h"
#include "kernel/lib/string.h"
#include "kernel/syscall/sys_args.h"
#include "kernel/syscall/syscall.h"
#include "mm/uaccess.h"

#define MAX_RW_BYTES 0x7FFFF000u /* what one read or write moves at most, read(2) */
#define MAX_IOVECS 1024          /* UIO_MAXIOV */

enum direction { READING, WRITING };

static bool is_open_for(const struct file *file, enum direction direction)
{
    unsigned mode = file->flags & O_ACCMODE;
    return mode == O_RDWR || mode == (unsigned)direction;
}
_Static_assert(O_RDONLY == READING && O_WRONLY == WRITING, "access modes are directions");

/* 0 if bytes can be moved at all. */
static int check_direction(const struct file *file, enum direction direction)
{
    if (!is_open_for(file, direction))
        return -EBADF;
    if (inode_is(file->inode, S_IFDIR))
        return -EISDIR;
    return (direction == READING ? file->ops->read : file->ops->write) ? 0 : -EINVAL;
}

static void raise_sigpipe(void)
{
    const struct signal_info info = {
        .signal = SIGPIPE,
        .code = SI_USER,
        .pid = (int32_t)process_current()->pid,
    };
    signal_send_task(task_current(), &info);
}

/* One piece; the file is open for it. */
static int32_t move_piece(struct file *file, enum direction direction, uaddr_t buffer,
                          uint32_t nbytes, uint64_t *offset)
{
    if (!user_range_is_valid(buffer, nbytes))
        return -EFAULT;
    if ((int32_t)nbytes < 0)
        return -EINVAL;
    nbytes = MIN(nbytes, MAX_RW_BYTES);
    if (direction == READING)
        return file->ops->read(file, buffer, nbytes, offset);
    int32_t result = file->ops->write(file, buffer, nbytes, offset);
    if (result == -EPIPE)
        raise_sigpipe();
    return result;
}

/* read(2), write(2). */
static int32_t transfer(struct trap_frame *frame, enum direction direction)
{
    struct file *file = file_get((int)ARG1(frame));

    if (!file)
        return -EBADF;
    int32_t result = check_direction(file, direction);
    if (!result) {
        file_lock_position(file);
        result = move_piece(file, direction, ARG2(frame), ARG3(frame), &file->offset);
        file_unlock_position(file);
    }
    file_put(file);
    return result;
}

static int32_t sys_read(struct trap_frame *frame)
{
    return transfer(frame, READING);
}

static int32_t sys_write(struct trap_frame *frame)
{
    return transfer(frame, WRITING);
}

/* pread64(2), pwrite64(2): the offset is in two registers. */
static int32_t transfer_at(struct trap_frame *frame, enum direction direction)
{
    uint64_t offset = ARG4(frame) | (uint64_t)ARG5(frame) << 32;

    if ((int64_t)offset < 0)
        return -EINVAL;
    struct file *file = file_get((int)ARG1(frame));
    if (!file)
        return -EBADF;
    int32_t result = !file->ops->seek ? -ESPIPE : check_direction(file, direction);
    if (!result)
        result = move_piece(file, direction, ARG2(frame), ARG3(frame), &offset);
    file_put(file);
    return result;
}

static int32_t sys_pread64(struct trap_frame *frame)
{
    return transfer_at(frame, READING);
}

static int32_t sys_pwrite64(struct trap_frame *frame)
{
    return transfer_at(frame, WRITING);
}

struct linux_iovec {
    uaddr_t base;
    uint32_t nbytes;
};

static int get_iovec(uaddr_t vector, uint32_t index, struct linux_iovec *piece)
{
    uaddr_t address = vector + index * (uint32_t)sizeof(*piece);
    return copy_from_user(piece, address, sizeof(*piece)) ? -EFAULT : 0;
}

/* All pieces must be valid before the first is moved (readv(2)): 0, -EFAULT, -EINVAL. */
static int32_t check_iovecs(uaddr_t vector, uint32_t count)
{
    struct linux_iovec piece;

    if (count > MAX_IOVECS)
        return -EINVAL;
    for (uint32_t i = 0; i < count; i++) {
        if (get_iovec(vector, i, &piece) != 0)
            return -EFAULT;
        if ((int32_t)piece.nbytes < 0)
            return -EINVAL;
        if (!user_range_is_valid(piece.base, piece.nbytes))
            return -EFAULT;
    }
    return 0;
}

/* A read that has got something does not wait for more. */
static bool would_wait(struct file *file, enum direction direction)
{
    return direction == READING && file->ops->poll && !(file->ops->poll(file) & POLLIN);
}

static int32_t move_pieces(struct file *file, enum direction direction, uaddr_t vector,
                           uint32_t count, uint64_t *offset)
{
    uint32_t done = 0;

    for (uint32_t i = 0; i < count; i++) {
        struct linux_iovec piece;
        if (get_iovec(vector, i, &piece) != 0)
            return done ? (int32_t)done : -EFAULT;
        uint32_t nbytes = MIN(piece.nbytes, MAX_RW_BYTES - done);
        int32_t moved = nbytes ? move_piece(file, direction, piece.base, nbytes, offset) : 0;
        if (moved < 0)
            return done ? (int32_t)done : moved;
        done += (uint32_t)moved;
        if ((uint32_t)moved < piece.nbytes || (done > 0 && would_wait(file, direction)))
            break;
    }
    return (int32_t)done;
}

/* readv, writev (offset NULL: the file's own), preadv, pwritev. */
static int32_t transfer_vector(struct trap_frame *frame, enum direction direction,
                               uint64_t *offset)
{
    struct file *file = file_get((int)ARG1(frame));

    if (!file)
        return -EBADF;
    int32_t result = offset && !file->ops->seek ? -ESPIPE : check_direction(file, direction);
    if (!result)
        result = check_iovecs(ARG2(frame), ARG3(frame));
    if (!result && offset) {
        result = move_pieces(file, direction, ARG2(frame), ARG3(frame), offset);
    } else if (!result) {
        file_lock_position(file);
        result = move_pieces(file, direction, ARG2(frame), ARG3(frame), &file->offset);
        file_unlock_position(file);
    }
    file_put(file);
    return result;
}

static int32_t sys_readv(struct trap_frame *frame)
{
    return transfer_vector(frame, READING, NULL);
}

static int32_t sys_writev(struct trap_frame *frame)
{
    return transfer_vector(frame, WRITING, NULL);
}

static int32_t transfer_vector_at(struct trap_frame *frame, enum direction direction)
{
    uint64_t offset = ARG4(frame) | (uint64_t)ARG5(frame) << 32;
    return (int64_t)offset < 0 ? -EINVAL : transfer_vector(frame, direction, &offset);
}

static int32_t sys_preadv(struct trap_frame *frame)
{
    return transfer_vector_at(frame, READING);
}

static int32_t sys_pwritev(struct trap_frame *frame)
{
    return transfer_vector_at(frame, WRITING);
}

/* ---- positions and sizes ---- */

static int64_t seek(int fd, int64_t offset, uint32_t whence)
{
    struct file *file = file_get(fd);

    if (!file)
        return -EBADF;
    file_lock_position(file);
    int64_t result = whence > SEEK_END  ? -EINVAL
                     : !file->ops->seek ? -ESPIPE
                                        : file->ops->seek(file, offset, (int)whence);
    file_unlock_position(file);
    file_put(file);
    return result;
}

static int32_t sys_lseek(struct trap_frame *frame)
{
    int64_t result = seek((int)ARG1(frame), (int32_t)ARG2(frame), ARG3(frame));
    return result > INT32_MAX ? -EOVERFLOW : (int32_t)result;
}

/* _llseek(fd, offset_high, offset_low, result, whence) */
static int32_t sys_llseek(struct trap_frame *frame)
{
    int64_t offset = (int64_t)((uint64_t)ARG2(frame) << 32 | ARG3(frame));
    int64_t result = seek((int)ARG1(frame), offset, ARG5(frame));

    if (result < 0)
        return (int32_t)result;
    return copy_to_user(ARG4(frame), &result, sizeof(result)) ? -EFAULT : 0;
}

static int32_t truncate_inode(struct inode *inode, int64_t size)
{
    if (size < 0)
        return -EINVAL;
    if (inode_is(inode, S_IFDIR))
        return -EISDIR;
    if (!inode->ops->truncate)
        return -EINVAL;
    fs_lock();
    int error = inode->ops->truncate(inode, (uint64_t)size);
    fs_unlock();
    return error;
}

static int32_t truncate_path(uaddr_t path, int64_t size)
{
    struct inode *inode;

    if (size < 0)
        return -EINVAL;
    int error = inode_of_path(AT_FDCWD, path, PATH_FOLLOW, 0, &inode);
    if (error)
        return error;
    error = truncate_inode(inode, size);
    inode_put(inode);
    return error;
}

static int32_t truncate_file(int fd, int64_t size)
{
    struct file *file;

    if (size < 0)
        return -EINVAL;
    file = file_get(fd);
    if (!file)
        return -EBADF;
    bool regular = inode_is(file->inode, S_IFREG);
    int32_t error = !regular || !is_open_for(file, WRITING) ? -EINVAL
                                                            : truncate_inode(file->inode, size);
    file_put(file);
    return error;
}

static int32_t sys_truncate(struct trap_frame *frame)
{
    return truncate_path(ARG1(frame), (int32_t)ARG2(frame));
}

static int32_t sys_truncate64(struct trap_frame *frame)
{
    return truncate_path(ARG1(frame), (int64_t)(ARG2(frame) | (uint64_t)ARG3(frame) << 32));
}

static int32_t sys_ftruncate(struct trap_frame *frame)
{
    return truncate_file((int)ARG1(frame), (int32_t)ARG2(frame));
}

static int32_t sys_ftruncate64(struct trap_frame *frame)
{
    return truncate_file((int)ARG1(frame),
                         (int64_t)(ARG2(frame) | (uint64_t)ARG3(frame) << 32));
}

#define FALLOC_FL_KEEP_SIZE 1u

/* Memory for a part of a file, so that writes there cannot fail for want of it. */
static int32_t allocate(struct file *file, uint32_t mode, int64_t offset, int64_t nbytes)
{
    struct inode *inode = file->inode;
    int64_t end;

    if (offset < 0 || nbytes <= 0)
        return -EINVAL;
    if (mode & ~FALLOC_FL_KEEP_SIZE)
        return -EOPNOTSUPP;
    if (!is_open_for(file, WRITING))
        return -EBADF;
    if (inode_is(inode, S_IFIFO))
        return -ESPIPE;
    if (!inode_is(inode, S_IFREG))
        return inode_is(inode, S_IFDIR) ? -EISDIR : -ENODEV;
    if (__builtin_add_overflow(offset, nbytes, &end))
        return -EFBIG;
    if (!inode->ops->allocate)
        return -EOPNOTSUPP;
    fs_lock();
    int error = inode->ops->allocate(inode, (uint64_t)offset, (uint64_t)end,
                                     mode & FALLOC_FL_KEEP_SIZE ? INODE_KEEP_SIZE : INODE_GROW);
    fs_unlock();
    return error;
}

/* fallocate(fd, mode, offset, length): the last two in two registers each. */
static int32_t sys_fallocate(struct trap_frame *frame)
{
    int64_t offset = (int64_t)(ARG3(frame) | (uint64_t)ARG4(frame) << 32);
    int64_t nbytes = (int64_t)(ARG5(frame) | (uint64_t)ARG6(frame) << 32);
    struct file *file = file_get((int)ARG1(frame));

    if (!file)
        return -EBADF;
    int32_t error = allocate(file, ARG2(frame), offset, nbytes);
    file_put(file);
    return error;
}

/* Advice on how a file will be read: its pages are in memory, or wait in the boot modules. */
#define POSIX_FADV_LAST 5u

static int32_t advise(int fd, int64_t nbytes, uint32_t advice)
{
    struct file *file = file_get(fd);

    if (!file)
        return -EBADF;
    int32_t error = inode_is(file->inode, S_IFIFO)           ? -ESPIPE
                    : nbytes < 0 || advice > POSIX_FADV_LAST ? -EINVAL
                                                             : 0;
    file_put(file);
    return error;
}

/* fadvise64(fd, offset, length, advice): the offset is in two registers, ... */
static int32_t sys_fadvise64(struct trap_frame *frame)
{
    return advise((int)ARG1(frame), ARG4(frame), ARG5(frame));
}

/* ... and here the length, too. */
static int32_t sys_fadvise64_64(struct trap_frame *frame)
{
    int64_t nbytes = (int64_t)(ARG4(frame) | (uint64_t)ARG5(frame) << 32);
    return advise((int)ARG1(frame), nbytes, ARG6(frame));
}

/* fsync and fdatasync: memory is the only medium. */
static int32_t sys_fsync(struct trap_frame *frame)
{
    struct file *file = file_get((int)ARG1(frame));

    if (!file)
        return -EBADF;
    int32_t error = inode_is(file->inode, S_IFREG) || inode_is(file->inode, S_IFDIR) ? 0
                                                                                     : -EINVAL;
    file_put(file);
    return error;
}

static int32_t sys_sync(struct trap_frame *frame)
{
    (void)frame;
    return 0;
}

/* ---- descriptors ---- */

static int32_t sys_close(struct trap_frame *frame)
{
    return file_table_close(process_current()->files, (int)ARG1(frame));
}

static enum file_cloexec cloexec_of(uint32_t flags)
{
    return flags & O_CLOEXEC ? FILE_CLOEXEC : FILE_KEEP;
}

/* A new descriptor, not below `least`, for an open one's file. */
static int32_t duplicate(int fd, int least, enum file_cloexec cloexec)
{
    struct file *file = file_get_any(fd);

    if (!file)
        return -EBADF;
    int32_t result = file_table_add(process_current()->files, file, least, cloexec);
    if (result < 0)
        file_put(file);
    return result;
}

static int32_t duplicate_to(int fd, int new_fd, enum file_cloexec cloexec)
{
    struct file *file = file_get_any(fd);

    if (!file)
        return -EBADF;
    int error = file_table_set(process_current()->files, new_fd, file, cloexec);
    if (error)
        file_put(file);
    return error ? error : new_fd;
}

static int32_t sys_dup(struct trap_frame *frame)
{
    return duplicate((int)ARG1(frame), 0, FILE_KEEP);
}

static int32_t sys_dup2(struct trap_frame *frame)
{
    int fd = (int)ARG1(frame), new_fd = (int)ARG2(frame);

    if (fd != new_fd)
        return duplicate_to(fd, new_fd, FILE_KEEP);
    return file_table_get_cloexec(process_current()->files, fd) < 0 ? -EBADF : new_fd;
}

static int32_t sys_dup3(struct trap_frame *frame)
{
    if ((ARG3(frame) & ~O_CLOEXEC) || ARG1(frame) == ARG2(frame))
        return -EINVAL;
    return duplicate_to((int)ARG1(frame), (int)ARG2(frame), cloexec_of(ARG3(frame)));
}

/* Both ends get descriptors, or nothing has happened. */
static int32_t make_pipe(uaddr_t fds, uint32_t flags)
{
    struct file_table *table = process_current()->files;
    enum file_cloexec cloexec = cloexec_of(flags);
    struct file *ends[2];
    int numbers[2];

    int error = pipe_create(flags & O_NONBLOCK, &ends[0], &ends[1]);
    if (error)
        return error;
    error = numbers[0] = file_table_add(table, ends[0], 0, cloexec);
    if (error < 0)
        goto release_ends;
    error = numbers[1] = file_table_add(table, ends[1], 0, cloexec);
    if (error < 0)
        goto close_first;
    if (copy_to_user(fds, numbers, sizeof(numbers)) == 0)
        return 0;
    file_table_close(table, numbers[1]);
    file_table_close(table, numbers[0]);
    return -EFAULT;
close_first:
    file_release(ends[1]);
    file_table_close(table, numbers[0]);
    return error;
release_ends:
    file_release(ends[0]);
    file_release(ends[1]);
    return error;
}

static int32_t sys_pipe(struct trap_frame *frame)
{
    return make_pipe(ARG1(frame), 0);
}

static int32_t sys_pipe2(struct trap_frame *frame)
{
    if (ARG2(frame) & ~(O_CLOEXEC | O_NONBLOCK | O_DIRECT))
        return -EINVAL;
    return make_pipe(ARG1(frame), ARG2(frame));
}

/* ---- fcntl ---- */

enum {
    F_DUPFD = 0,
    F_GETFD = 1,
    F_SETFD = 2,
    F_GETFL = 3,
    F_SETFL = 4,
    F_GETLK = 5,
    F_SETLK = 6,
    F_SETLKW = 7,
    F_SETOWN = 8,
    F_GETOWN = 9,
    F_GETLK64 = 12,
    F_SETLK64 = 13,
    F_SETLKW64 = 14,
    F_DUPFD_CLOEXEC = 1030,
    F_SETPIPE_SZ = 1031,
    F_GETPIPE_SZ = 1032,
};
#define FD_CLOEXEC 1u
#define F_UNLCK 2
#define SETTABLE_FLAGS (O_APPEND | O_NONBLOCK | O_DIRECT)
#define PIPE_SIZE (64 * 1024)

static int32_t set_flags(struct file *file, uint32_t flags)
{
    file->flags = (file->flags & ~SETTABLE_FLAGS) | (flags & SETTABLE_FLAGS);
    return 0;
}

/* Record locks are granted and not kept: struct flock's type becomes "unlocked". */
static int32_t get_lock(uaddr_t flock)
{
    const int16_t type = F_UNLCK;
    return copy_to_user(flock, &type, sizeof(type)) ? -EFAULT : 0;
}

static int32_t dup_above(int fd, uint32_t least, enum file_cloexec cloexec)
{
    return least >= file_table_limit(process_current()->files)
               ? -EINVAL
               : duplicate(fd, (int)least, cloexec);
}

/* A pipe's size cannot be changed. */
static int32_t pipe_size(const struct file *file, uint32_t wanted)
{
    if (!inode_is(file->inode, S_IFIFO))
        return -EBADF;
    return wanted > PIPE_SIZE ? -EPERM : PIPE_SIZE;
}

/* What needs the file, not only the descriptor. */
static int32_t control_file(struct file *file, uint32_t command, uint32_t argument)
{
    int32_t result = -EINVAL;

    switch (command) {
    case F_SETFL:
        result = set_flags(file, argument);
        break;
    case F_GETLK:
    case F_GETLK64:
        result = get_lock(argument);
        break;
    case F_SETLK:
    case F_SETLKW:
    case F_SETLK64:
    case F_SETLKW64:
    case F_SETOWN:
    case F_GETOWN:
        result = 0;
        break;
    case F_SETPIPE_SZ:
        result = pipe_size(file, argument);
        break;
    case F_GETPIPE_SZ:
        result = pipe_size(file, 0);
        break;
    }
    return result;
}

static int32_t sys_fcntl(struct trap_frame *frame)
{
    struct file_table *table = process_current()->files;
    int fd = (int)ARG1(frame);
    struct file *file = file_get_any(fd);
    int32_t result;

    if (!file)
        return -EBADF;
    switch (ARG2(frame)) {
    case F_DUPFD:
        result = dup_above(fd, ARG3(frame), FILE_KEEP);
        break;
    case F_DUPFD_CLOEXEC:
        result = dup_above(fd, ARG3(frame), FILE_CLOEXEC);
        break;
    case F_GETFD:
        result = file_table_get_cloexec(table, fd);
        break;
    case F_SETFD:
        result = file_table_set_cloexec(table, fd,
                                        ARG3(frame) & FD_CLOEXEC ? FILE_CLOEXEC : FILE_KEEP);
        break;
    case F_GETFL:
        result = (int32_t)(file->flags);
        break;
    default:
        result = file->flags & O_PATH ? -EBADF : control_file(file, ARG2(frame), ARG3(frame));
        break;
    }
    file_put(file);
    return result;
}

static int32_t sys_flock(struct trap_frame *frame)
{
    struct file *file = file_get((int)ARG1(frame));

    if (!file)
        return -EBADF;
    file_put(file);
    return 0;
}

/* ---- ioctl: what works on every descriptor; the rest is the file's ---- */

#define FIONBIO 0x5421u
#define FIONCLEX 0x5450u
#define FIOCLEX 0x5451u

static int32_t set_nonblocking(struct file *file, uaddr_t argument)
{
    int32_t on;

    if (copy_from_user(&on, argument, sizeof(on)) != 0)
        return -EFAULT;
    file->flags = on ? file->flags | O_NONBLOCK : file->flags & ~O_NONBLOCK;
    return 0;
}

static int32_t sys_ioctl(struct trap_frame *frame)
{
    struct file_table *table = process_current()->files;
    int fd = (int)ARG1(frame);
    uint32_t request = ARG2(frame);
    struct file *file = file_get(fd);
    int32_t result;

    if (!file)
        return -EBADF;
    if (request == FIOCLEX || request == FIONCLEX)
        result = file_table_set_cloexec(table, fd,
                                        request == FIOCLEX ? FILE_CLOEXEC : FILE_KEEP);
    else if (request == FIONBIO)
        result = set_nonblocking(file, ARG3(frame));
    else
        result = file->ops->ioctl ? file->ops->ioctl(file, request, ARG3(frame)) : -ENOTTY;
    file_put(file);
    return result;
}

#define RECORD_LOCKS "record locks are granted always and not kept"

const struct syscall_entry file_syscalls[] = {
    { 3, "read", sys_read, NULL },
    { 4, "write", sys_write, NULL },
    { 6, "close", sys_close, NULL },
    { 19, "lseek", sys_lseek, "SEEK_SET, SEEK_CUR, SEEK_END" },
    { 36, "sync", sys_sync, NULL },
    { 41, "dup", sys_dup, NULL },
    { 42, "pipe", sys_pipe, NULL },
    { 54, "ioctl", sys_ioctl, "FIOCLEX, FIONCLEX, FIONBIO, FIONREAD; the terminal's" },
    { 55, "fcntl", sys_fcntl, RECORD_LOCKS },
    { 63, "dup2", sys_dup2, NULL },
    { 92, "truncate", sys_truncate, NULL },
    { 93, "ftruncate", sys_ftruncate, NULL },
    { 118, "fsync", sys_fsync, NULL },
    { 140, "_llseek", sys_llseek, "SEEK_SET, SEEK_CUR, SEEK_END" },
    { 143, "flock", sys_flock, "locks are granted always and not kept" },
    { 145, "readv", sys_readv, NULL },
    { 146, "writev", sys_writev, NULL },
    { 148, "fdatasync", sys_fsync, NULL },
    { 180, "pread64", sys_pread64, NULL },
    { 181, "pwrite64", sys_pwrite64, NULL },
    { 193, "truncate64", sys_truncate64, NULL },
    { 194, "ftruncate64", sys_ftruncate64, NULL },
    { 221, "fcntl64", sys_fcntl, RECORD_LOCKS },
    { 250, "fadvise64", sys_fadvise64, "checked; changes nothing" },
    { 272, "fadvise64_64", sys_fadvise64_64, "checked; changes nothing" },
    { 324, "fallocate", sys_fallocate, "mode 0 and FALLOC_FL_KEEP_SIZE" },
    { 330, "dup3", sys_dup3, NULL },
    { 331, "pipe2", sys_pipe2, "O_DIRECT is accepted and does nothing" },
    { 333, "preadv", sys_preadv, NULL },
    { 334, "pwritev", sys_pwritev, NULL },
    { 0 },
};
