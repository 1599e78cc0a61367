/* System calls on what a file is: stat(2) in its four forms, owner, permissions, times, statfs(2).
 * The structures are those of i386. */
#include "kernel/cpu/timer.h"
#include "kernel/dev/rtc.h"
#include "kernel/lib/errno.h"
#include "kernel/lib/string.h"
#include "kernel/syscall/sys_args.h"
#include "kernel/syscall/syscall.h"
#include "mm/pagecache.h"
#include "mm/uaccess.h"

#define PERMISSIONS 07777u
#define BLOCK_SIZE PAGE_SIZE

/* What all forms tell, gathered once. */
struct attributes {
    uint32_t device, mode, nlink, uid, gid, rdev;
    uint32_t number;
    uint64_t size, blocks;
    uint64_t atime, mtime, ctime; /* ns since 1970 */
};

static void get_attributes(const struct inode *inode, struct attributes *attributes)
{
    *attributes = (struct attributes){
        .device = inode->device,
        .mode = inode->mode,
        .nlink = inode->nlink,
        .uid = inode->uid,
        .gid = inode->gid,
        .rdev = inode->rdev,
        .number = inode->number,
        .size = inode_size(inode),
        .blocks = inode_blocks(inode),
        .atime = inode->atime,
        .mtime = inode->mtime,
        .ctime = inode->ctime,
    };
}

static int attributes_of_fd(int fd, struct attributes *attributes)
{
    struct file *file = file_get_any(fd);

    if (!file)
        return -EBADF;
    get_attributes(file->inode, attributes);
    file_put(file);
    return 0;
}

static int attributes_of_path(int dirfd, uaddr_t path, uint32_t flags,
                              struct attributes *attributes)
{
    struct inode *inode;
    int error = inode_of_path(
        dirfd, path, flags & AT_SYMLINK_NOFOLLOW ? PATH_NOFOLLOW : PATH_FOLLOW, flags, &inode);

    if (error)
        return error;
    get_attributes(inode, attributes);
    inode_put(inode);
    return 0;
}

/* ---- the four forms ---- */

struct linux_stat {
    uint32_t dev, ino;
    uint16_t mode, nlink, uid, gid;
    uint32_t rdev, size, blksize, blocks;
    uint32_t atime, atime_ns, mtime, mtime_ns, ctime, ctime_ns, unused[2];
};
_Static_assert(sizeof(struct linux_stat) == 64, "struct stat of i386");

struct linux_stat64 {
    uint64_t dev;
    uint32_t pad0, ino32, mode, nlink, uid, gid;
    uint32_t rdev_low, rdev_high, pad3;
    uint32_t size_low, size_high, blksize;
    uint32_t blocks_low, blocks_high;
    uint32_t atime, atime_ns, mtime, mtime_ns, ctime, ctime_ns;
    uint32_t ino_low, ino_high;
};
_Static_assert(sizeof(struct linux_stat64) == 96, "struct stat64 of i386");

struct statx_time {
    int64_t seconds;
    uint32_t nanoseconds;
    int32_t pad;
};

struct linux_statx {
    uint32_t mask, blksize;
    uint64_t attributes;
    uint32_t nlink, uid, gid;
    uint16_t mode, pad;
    uint64_t ino, size, blocks, attributes_mask;
    struct statx_time atime, btime, ctime, mtime;
    uint32_t rdev_major, rdev_minor, dev_major, dev_minor;
    uint64_t mnt_id, spare[13];
};
_Static_assert(sizeof(struct linux_statx) == 256, "struct statx");

#define STATX_BASIC_STATS 0x7FFu

static int32_t put_stat(const struct attributes *from, uaddr_t address)
{
    if (from->size > INT32_MAX)
        return -EOVERFLOW;
    const struct linux_stat stat = {
        .dev = from->device,
        .ino = from->number,
        .mode = (uint16_t)from->mode,
        .nlink = (uint16_t)from->nlink,
        .uid = (uint16_t)from->uid,
        .gid = (uint16_t)from->gid,
        .rdev = from->rdev,
        .size = (uint32_t)from->size,
        .blksize = BLOCK_SIZE,
        .blocks = (uint32_t)from->blocks,
        .atime = (uint32_t)(from->atime / NS_PER_SECOND),
        .atime_ns = (uint32_t)(from->atime % NS_PER_SECOND),
        .mtime = (uint32_t)(from->mtime / NS_PER_SECOND),
        .mtime_ns = (uint32_t)(from->mtime % NS_PER_SECOND),
        .ctime = (uint32_t)(from->ctime / NS_PER_SECOND),
        .ctime_ns = (uint32_t)(from->ctime % NS_PER_SECOND),
    };
    return copy_to_user(address, &stat, sizeof(stat)) ? -EFAULT : 0;
}

static int32_t put_stat64(const struct attributes *from, uaddr_t address)
{
    const struct linux_stat64 stat = {
        .dev = from->device,
        .ino32 = from->number,
        .mode = from->mode,
        .nlink = from->nlink,
        .uid = from->uid,
        .gid = from->gid,
        .rdev_low = from->rdev,
        .size_low = (uint32_t)from->size,
        .size_high = (uint32_t)(from->size >> 32),
        .blksize = BLOCK_SIZE,
        .blocks_low = (uint32_t)from->blocks,
        .atime = (uint32_t)(from->atime / NS_PER_SECOND),
        .atime_ns = (uint32_t)(from->atime % NS_PER_SECOND),
        .mtime = (uint32_t)(from->mtime / NS_PER_SECOND),
        .mtime_ns = (uint32_t)(from->mtime % NS_PER_SECOND),
        .ctime = (uint32_t)(from->ctime / NS_PER_SECOND),
        .ctime_ns = (uint32_t)(from->ctime % NS_PER_SECOND),
        .ino_low = from->number,
    };
    return copy_to_user(address, &stat, sizeof(stat)) ? -EFAULT : 0;
}

static struct statx_time to_statx_time(uint64_t ns)
{
    return (struct statx_time){ .seconds = (int64_t)(ns / NS_PER_SECOND),
                                .nanoseconds = (uint32_t)(ns % NS_PER_SECOND) };
}

static uint32_t major_of(uint32_t device)
{
    return device >> 8;
}

static uint32_t minor_of(uint32_t device)
{
    return device & 0xFF;
}

static int32_t put_statx(const struct attributes *from, uaddr_t address)
{
    const struct linux_statx stat = {
        .mask = STATX_BASIC_STATS,
        .blksize = BLOCK_SIZE,
        .nlink = from->nlink,
        .uid = from->uid,
        .gid = from->gid,
        .mode = (uint16_t)from->mode,
        .ino = from->number,
        .size = from->size,
        .blocks = from->blocks,
        .atime = to_statx_time(from->atime),
        .ctime = to_statx_time(from->ctime),
        .mtime = to_statx_time(from->mtime),
        .rdev_major = major_of(from->rdev),
        .rdev_minor = minor_of(from->rdev),
        .dev_major = major_of(from->device),
        .dev_minor = minor_of(from->device),
    };
    return copy_to_user(address, &stat, sizeof(stat)) ? -EFAULT : 0;
}

typedef int32_t (*put_function)(const struct attributes *from, uaddr_t address);

static int32_t stat_path(uaddr_t path, uint32_t flags, uaddr_t buffer, put_function put)
{
    struct attributes attributes;
    int error = attributes_of_path(AT_FDCWD, path, flags, &attributes);
    return error ? error : put(&attributes, buffer);
}

static int32_t stat_fd(struct trap_frame *frame, put_function put)
{
    struct attributes attributes;
    int error = attributes_of_fd((int)ARG1(frame), &attributes);
    return error ? error : put(&attributes, ARG2(frame));
}

static int32_t sys_stat(struct trap_frame *frame)
{
    return stat_path(ARG1(frame), 0, ARG2(frame), put_stat);
}

static int32_t sys_lstat(struct trap_frame *frame)
{
    return stat_path(ARG1(frame), AT_SYMLINK_NOFOLLOW, ARG2(frame), put_stat);
}

static int32_t sys_fstat(struct trap_frame *frame)
{
    return stat_fd(frame, put_stat);
}

static int32_t sys_stat64(struct trap_frame *frame)
{
    return stat_path(ARG1(frame), 0, ARG2(frame), put_stat64);
}

static int32_t sys_lstat64(struct trap_frame *frame)
{
    return stat_path(ARG1(frame), AT_SYMLINK_NOFOLLOW, ARG2(frame), put_stat64);
}

static int32_t sys_fstat64(struct trap_frame *frame)
{
    return stat_fd(frame, put_stat64);
}

#define STAT_FLAGS (AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT | AT_EMPTY_PATH)

static int32_t sys_fstatat64(struct trap_frame *frame)
{
    struct attributes attributes;

    if (ARG4(frame) & ~STAT_FLAGS)
        return -EINVAL;
    int error = attributes_of_path((int)ARG1(frame), ARG2(frame), ARG4(frame), &attributes);
    return error ? error : put_stat64(&attributes, ARG3(frame));
}

#define STATX_SYNC_TYPE 0x6000u
#define STATX_RESERVED 0x80000000u

static int32_t sys_statx(struct trap_frame *frame)
{
    uint32_t flags = ARG3(frame), mask = ARG4(frame);
    struct attributes attributes;

    if ((mask & STATX_RESERVED) || (flags & STATX_SYNC_TYPE) == STATX_SYNC_TYPE ||
        (flags & ~(STAT_FLAGS | STATX_SYNC_TYPE)))
        return -EINVAL;
    int error = attributes_of_path((int)ARG1(frame), ARG2(frame), flags & STAT_FLAGS,
                                   &attributes);
    return error ? error : put_statx(&attributes, ARG5(frame));
}

/* ---- permissions and owners ---- */

/* Apply `change` to the inode of a path or, with path 0, of a descriptor. */
struct change {
    enum { CHANGE_MODE, CHANGE_OWNER, CHANGE_TIMES } what;
    uint32_t mode, uid, gid;
    uint64_t atime, mtime;
    bool set_atime, set_mtime;
};
#define KEEP_ID UINT32_MAX

static void apply(struct inode *inode, const struct change *change)
{
    fs_lock();
    switch (change->what) {
    case CHANGE_MODE:
        inode->mode = (inode->mode & S_IFMT) | (change->mode & PERMISSIONS);
        break;
    case CHANGE_OWNER:
        inode->uid = change->uid == KEEP_ID ? inode->uid : change->uid;
        inode->gid = change->gid == KEEP_ID ? inode->gid : change->gid;
        break;
    case CHANGE_TIMES:
        inode->atime = change->set_atime ? change->atime : inode->atime;
        inode->mtime = change->set_mtime ? change->mtime : inode->mtime;
        break;
    }
    inode->ctime = rtc_now_ns();
    fs_unlock();
}

static int32_t change_path(int dirfd, uaddr_t path, uint32_t flags, const struct change *change)
{
    struct inode *inode;
    int error = inode_of_path(
        dirfd, path, flags & AT_SYMLINK_NOFOLLOW ? PATH_NOFOLLOW : PATH_FOLLOW, flags, &inode);

    if (error)
        return error;
    apply(inode, change);
    inode_put(inode);
    return 0;
}

static int32_t change_fd(int fd, const struct change *change)
{
    struct file *file = file_get(fd);

    if (!file)
        return -EBADF;
    apply(file->inode, change);
    file_put(file);
    return 0;
}

static struct change mode_change(uint32_t mode)
{
    return (struct change){ .what = CHANGE_MODE, .mode = mode };
}

static struct change owner_change(uint32_t uid, uint32_t gid)
{
    return (struct change){ .what = CHANGE_OWNER, .uid = uid, .gid = gid };
}

static int32_t sys_chmod(struct trap_frame *frame)
{
    struct change change = mode_change(ARG2(frame));
    return change_path(AT_FDCWD, ARG1(frame), 0, &change);
}

static int32_t sys_fchmod(struct trap_frame *frame)
{
    struct change change = mode_change(ARG2(frame));
    return change_fd((int)ARG1(frame), &change);
}

static int32_t sys_fchmodat(struct trap_frame *frame)
{
    struct change change = mode_change(ARG3(frame));
    return change_path((int)ARG1(frame), ARG2(frame), 0, &change);
}

static int32_t sys_chown32(struct trap_frame *frame)
{
    struct change change = owner_change(ARG2(frame), ARG3(frame));
    return change_path(AT_FDCWD, ARG1(frame), 0, &change);
}

static int32_t sys_lchown32(struct trap_frame *frame)
{
    struct change change = owner_change(ARG2(frame), ARG3(frame));
    return change_path(AT_FDCWD, ARG1(frame), AT_SYMLINK_NOFOLLOW, &change);
}

static int32_t sys_fchown32(struct trap_frame *frame)
{
    struct change change = owner_change(ARG2(frame), ARG3(frame));
    return change_fd((int)ARG1(frame), &change);
}

static int32_t sys_fchownat(struct trap_frame *frame)
{
    struct change change = owner_change(ARG3(frame), ARG4(frame));

    if (ARG5(frame) & ~(AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH))
        return -EINVAL;
    return change_path((int)ARG1(frame), ARG2(frame), ARG5(frame), &change);
}

/* ---- times ---- */

#define UTIME_NOW 0x3FFFFFFFu
#define UTIME_OMIT 0x3FFFFFFEu

struct timespec64 {
    int64_t seconds;
    uint32_t nanoseconds, pad;
};

/* One time of utimensat(2); false: it is bad. */
static bool parse_time(const struct timespec64 *time, uint64_t *ns, bool *set)
{
    *set = time->nanoseconds != UTIME_OMIT;
    if (time->nanoseconds == UTIME_NOW)
        *ns = rtc_now_ns();
    else
        *ns = (uint64_t)time->seconds * NS_PER_SECOND + time->nanoseconds;
    return time->nanoseconds == UTIME_OMIT || time->nanoseconds == UTIME_NOW ||
           time->nanoseconds < NS_PER_SECOND;
}

/* path 0: the descriptor itself. */
static int32_t set_times(int dirfd, uaddr_t path, const struct timespec64 times[2],
                         uint32_t flags)
{
    struct change change = { .what = CHANGE_TIMES };

    if (!parse_time(&times[0], &change.atime, &change.set_atime) ||
        !parse_time(&times[1], &change.mtime, &change.set_mtime))
        return -EINVAL;
    if (!change.set_atime && !change.set_mtime)
        return 0;
    if (flags & ~(AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH))
        return -EINVAL;
    if (path || dirfd == AT_FDCWD)
        return change_path(dirfd, path, flags, &change);
    return flags ? -EINVAL : change_fd(dirfd, &change);
}

static const struct timespec64 now_twice[2] = { { .nanoseconds = UTIME_NOW },
                                                { .nanoseconds = UTIME_NOW } };

/* utimensat with 32-bit times: pairs of seconds and nanoseconds. */
static int32_t sys_utimensat(struct trap_frame *frame)
{
    int32_t words[4];
    struct timespec64 times[2];

    if (ARG3(frame) == 0)
        return set_times((int)ARG1(frame), ARG2(frame), now_twice, ARG4(frame));
    if (copy_from_user(words, ARG3(frame), sizeof(words)) != 0)
        return -EFAULT;
    for (unsigned i = 0; i < 2; i++)
        times[i] = (struct timespec64){ .seconds = words[2 * i],
                                        .nanoseconds = (uint32_t)words[2 * i + 1] };
    return set_times((int)ARG1(frame), ARG2(frame), times, ARG4(frame));
}

static int32_t sys_utimensat_time64(struct trap_frame *frame)
{
    struct timespec64 times[2];

    if (ARG3(frame) == 0)
        return set_times((int)ARG1(frame), ARG2(frame), now_twice, ARG4(frame));
    if (copy_from_user(times, ARG3(frame), sizeof(times)) != 0)
        return -EFAULT;
    return set_times((int)ARG1(frame), ARG2(frame), times, ARG4(frame));
}

/* utime(2): whole seconds.  utimes(2): microseconds. */
static int32_t sys_utime(struct trap_frame *frame)
{
    int32_t seconds[2];

    if (ARG2(frame) == 0)
        return set_times(AT_FDCWD, ARG1(frame), now_twice, 0);
    if (copy_from_user(seconds, ARG2(frame), sizeof(seconds)) != 0)
        return -EFAULT;
    const struct timespec64 times[2] = { { .seconds = seconds[0] }, { .seconds = seconds[1] } };
    return set_times(AT_FDCWD, ARG1(frame), times, 0);
}

#define US_PER_SECOND 1000000
#define NS_PER_US 1000u

static int32_t sys_utimes(struct trap_frame *frame)
{
    int32_t words[4];
    struct timespec64 times[2];

    if (ARG2(frame) == 0)
        return set_times(AT_FDCWD, ARG1(frame), now_twice, 0);
    if (copy_from_user(words, ARG2(frame), sizeof(words)) != 0)
        return -EFAULT;
    for (unsigned i = 0; i < 2; i++) {
        if (words[2 * i + 1] < 0 || words[2 * i + 1] >= US_PER_SECOND)
            return -EINVAL;
        times[i] = (struct timespec64){ .seconds = words[2 * i],
                                        .nanoseconds = (uint32_t)words[2 * i + 1] * NS_PER_US };
    }
    return set_times(AT_FDCWD, ARG1(frame), times, 0);
}

/* ---- statfs: everything is tmpfs ---- */

#define TMPFS_MAGIC 0x01021994u

struct linux_statfs64 {
    uint32_t type, bsize;
    uint64_t blocks, bfree, bavail, files, ffree;
    uint32_t fsid[2], namelen, frsize, flags, spare[4];
} __attribute__((packed));
_Static_assert(sizeof(struct linux_statfs64) == 84, "struct statfs64 of i386");

struct linux_statfs {
    uint32_t type, bsize, blocks, bfree, bavail, files, ffree, fsid[2], namelen, frsize, flags;
    uint32_t spare[4];
};
_Static_assert(sizeof(struct linux_statfs) == 64, "struct statfs of i386");

static void get_statfs(struct linux_statfs64 *out)
{
    struct pagecache_stats stats;

    pagecache_get_stats(&stats);
    uint32_t left = stats.limit - MIN(stats.limit, stats.limited_pages);
    *out = (struct linux_statfs64){
        .type = TMPFS_MAGIC,
        .bsize = BLOCK_SIZE,
        .blocks = stats.limit,
        .bfree = left,
        .bavail = left,
        .namelen = NAME_MAX,
        .frsize = BLOCK_SIZE,
    };
}

static int32_t put_statfs64(uint32_t size, uaddr_t buffer)
{
    struct linux_statfs64 out;

    if (size != sizeof(out))
        return -EINVAL;
    get_statfs(&out);
    return copy_to_user(buffer, &out, sizeof(out)) ? -EFAULT : 0;
}

static int32_t put_statfs(uaddr_t buffer)
{
    struct linux_statfs64 from;

    get_statfs(&from);
    const struct linux_statfs out = {
        .type = from.type,
        .bsize = from.bsize,
        .blocks = (uint32_t)from.blocks,
        .bfree = (uint32_t)from.bfree,
        .bavail = (uint32_t)from.bavail,
        .namelen = from.namelen,
        .frsize = from.frsize,
    };
    return copy_to_user(buffer, &out, sizeof(out)) ? -EFAULT : 0;
}

static int check_path(uaddr_t path)
{
    struct attributes attributes;
    return attributes_of_path(AT_FDCWD, path, 0, &attributes);
}

static int check_fd(int fd)
{
    struct attributes attributes;
    return attributes_of_fd(fd, &attributes);
}

static int32_t sys_statfs(struct trap_frame *frame)
{
    int error = check_path(ARG1(frame));
    return error ? error : put_statfs(ARG2(frame));
}

static int32_t sys_fstatfs(struct trap_frame *frame)
{
    int error = check_fd((int)ARG1(frame));
    return error ? error : put_statfs(ARG2(frame));
}

static int32_t sys_statfs64(struct trap_frame *frame)
{
    int error = check_path(ARG1(frame));
    return error ? error : put_statfs64(ARG2(frame), ARG3(frame));
}

static int32_t sys_fstatfs64(struct trap_frame *frame)
{
    int error = check_fd((int)ARG1(frame));
    return error ? error : put_statfs64(ARG2(frame), ARG3(frame));
}

const struct syscall_entry stat_syscalls[] = {
    { 15, "chmod", sys_chmod, NULL },
    { 30, "utime", sys_utime, NULL },
    { 94, "fchmod", sys_fchmod, NULL },
    { 99, "statfs", sys_statfs, "everything is tmpfs" },
    { 100, "fstatfs", sys_fstatfs, "everything is tmpfs" },
    { 106, "stat", sys_stat, NULL },
    { 107, "lstat", sys_lstat, NULL },
    { 108, "fstat", sys_fstat, NULL },
    { 195, "stat64", sys_stat64, NULL },
    { 196, "lstat64", sys_lstat64, NULL },
    { 197, "fstat64", sys_fstat64, NULL },
    { 198, "lchown32", sys_lchown32, NULL },
    { 207, "fchown32", sys_fchown32, NULL },
    { 212, "chown32", sys_chown32, NULL },
    { 268, "statfs64", sys_statfs64, "everything is tmpfs" },
    { 269, "fstatfs64", sys_fstatfs64, "everything is tmpfs" },
    { 271, "utimes", sys_utimes, NULL },
    { 298, "fchownat", sys_fchownat, NULL },
    { 300, "fstatat64", sys_fstatat64, NULL },
    { 306, "fchmodat", sys_fchmodat, NULL },
    { 320, "utimensat", sys_utimensat, NULL },
    { 383, "statx", sys_statx, "STATX_BASIC_STATS" },
    { 412, "utimensat_time64", sys_utimensat_time64, NULL },
    { 0 },
};
