/* kernel/fs/inode.h - files and directories, whatever is behind them: tmpfs, devices, /proc.
 * Below: mm/pagecache, sched (mutex).  Above: path, file, proc.
 * Lock: "fs" (a mutex, fs_lock()) for the tree: names, links, sizes of directories.  Operations of
 * struct inode_ops are called with it held unless they say otherwise. */
#pragma once

#include "kernel/lib/list.h"
#include "mm/pagecache.h"

/* Types and permissions, as in stat(2). */
#define S_IFMT 0170000u
#define S_IFSOCK 0140000u
#define S_IFLNK 0120000u
#define S_IFREG 0100000u
#define S_IFBLK 0060000u
#define S_IFDIR 0040000u
#define S_IFCHR 0020000u
#define S_IFIFO 0010000u

#define DEVICE_NUMBER(major, minor) ((uint32_t)((major) << 8 | (minor)))

#define NAME_MAX 255u
#define PATH_MAX 4096u

struct inode;
struct file;
struct file_ops;

/* One name in a directory, for getdents. */
struct dir_entry {
    uint32_t number;
    uint32_t mode; /* type bits */
    char name[NAME_MAX + 1];
};

enum inode_size_rule { INODE_GROW, INODE_KEEP_SIZE };

/* Results: 0 or -Exxx.  An inode that is returned has a reference for the caller. */
struct inode_ops {
    /* Directories.  NULL: -ENOTDIR (lookup, readdir) or -EPERM/-EROFS (the others). */
    int (*lookup)(struct inode *dir, const char *name, struct inode **found);
    /* The entry at *position (0 = the first; "." and ".." included), moving it on: 1; 0 at the end. */
    int (*readdir)(struct inode *dir, uint64_t *position, struct dir_entry *entry);
    /* A new entry: file, directory, device, FIFO (by the type in `mode`). */
    int (*create)(struct inode *dir, const char *name, uint32_t mode, uint32_t device,
                  struct inode **created);
    int (*symlink)(struct inode *dir, const char *name, const char *target);
    int (*link)(struct inode *dir, const char *name, struct inode *inode);
    int (*unlink)(struct inode *dir, const char *name); /* not a directory */
    int (*rmdir)(struct inode *dir, const char *name);
    int (*rename)(struct inode *old_dir, const char *old_name, struct inode *new_dir,
                  const char *new_name);
    /* Symbolic links: the target, NUL-terminated; its length, or -Exxx. */
    int (*readlink)(struct inode *inode, char *target, size_t size);
    /* Magic links (/proc/PID/exe, fd/N): straight to the inode; NULL: follow the text. */
    int (*follow)(struct inode *inode, struct inode **target);
    /* Regular files: a new size.  NULL: -EINVAL. */
    int (*truncate)(struct inode *inode, uint64_t size);
    /* Regular files: memory for the bytes [start, end), end <= INT64_MAX; the file gets as long, or
     * keeps its size.  -ENOSPC: there is none; -EFBIG; -EINTR: a signal came first (what was taken
     * stays).  NULL: -EOPNOTSUPP. */
    int (*allocate)(struct inode *inode, uint64_t start, uint64_t end,
                    enum inode_size_rule rule);
    /* Any inode.  Its absolute path (see inode_path); NULL: nobody knows.  Any context. */
    void (*path)(const struct inode *inode, char *text, size_t size);
    /* The last reference is gone (a name in a directory is one, too).  The fs lock may be held or not:
     * do not take it. */
    void (*release)(struct inode *inode);
};

struct inode {
    uint32_t number, device; /* of the file system it is in: st_ino, st_dev */
    uint32_t mode;           /* type and permissions */
    uint32_t rdev;           /* device files: st_rdev */
    uint32_t nlink, uid, gid;
    uint32_t refs;
    uint32_t size;                /* st_size of what has no page cache: directories, links */
    uint64_t atime, mtime, ctime; /* nanoseconds since 1970 */
    const struct inode_ops *ops;
    const struct file_ops *file_ops; /* what open() gives a file of it */
    struct page_cache *cache;        /* regular files of tmpfs: the contents; else NULL */
    void *private;                   /* the owner's */
};

static inline bool inode_is(const struct inode *inode, uint32_t type)
{
    return (inode->mode & S_IFMT) == type;
}

static inline uint64_t inode_size(const struct inode *inode)
{
    return inode->cache ? inode->cache->size : inode->size;
}

/* st_blocks, in units of 512 bytes: the pages in memory, and those that wait in the source. */
uint64_t inode_blocks(const struct inode *inode);

void fs_init(void); /* tmpfs with the boot modules' files, /dev, /tmp, /proc's place */
void fs_lock(void);
void fs_unlock(void);

struct inode *inode_get(struct inode *inode); /* any context */
void inode_put(struct inode *inode);          /* thread context; may free it */
bool inode_drop(struct inode *inode); /* the same without ops->release; was it the last? */

/* What time it is for atime, mtime and ctime: that of the last timer tick.  Any context. */
uint64_t fs_now(void);

/* The root directory (one reference stays with the module). */
struct inode *fs_root(void);

/* Put a directory of somebody else ("proc") into the root, where it takes the place of an empty
 * directory; the tree takes a reference.  0, -ENOTDIR, -ENOTEMPTY, -EBUSY (mounted already), -ENOMEM,
 * -ENOSPC.  Takes the fs lock.  Its ".." is the root, and needs no entry for lookup (readdir
 * lists it). */
int fs_mount(const char *name, struct inode *dir);

/* Read bytes of a regular file into kernel memory: for exec.  Number of bytes (short at the end), or
 * -ENOMEM, -EINVAL (no regular file). */
int32_t inode_read(struct inode *inode, uint64_t offset, void *dst, uint32_t nbytes);

/* The other direction, for tests: the file grows as it must.  Number of bytes, or -ENOSPC,
 * -EINVAL. */
int32_t inode_write(struct inode *inode, uint64_t offset, const void *src, uint32_t nbytes);

/* The absolute path of an inode ("/bin/hello", "/tmp/x (deleted)"), for maps, exe links, getcwd; one of
 * several if it has hard links.  Of a path too long for `text`, the end.  Returns text.  Any context. */
const char *inode_path(const struct inode *inode, char *text, size_t size);

/* Make a character device /dev/NAME whose files have these ops: for devices above fs (the console).
 * 0, -ENOMEM, -ENOSPC (too many devices, or no memory).  Takes the fs lock. */
int fs_add_device(const char *name, uint32_t rdev, const struct file_ops *ops);

/* The ops of a device number: for files of device nodes.  Where nobody has registered it, open() is
 * -ENXIO. */
const struct file_ops *fs_device_ops(uint32_t mode, uint32_t rdev);
