/* kernel/fs/file.h - open files, and the tables of descriptors that name them.
 * Below: inode.  Above: system calls, process.
 * Locks: "files" in each table; "position" (a mutex) in each file, see file_lock_position(). */
#pragma once

#include "kernel/fs/inode.h"
#include "kernel/sched/mutex.h"

/* open(2), Linux i386. */
#define O_ACCMODE 03u
#define O_RDONLY 00u
#define O_WRONLY 01u
#define O_RDWR 02u
#define O_CREAT 0100u
#define O_EXCL 0200u
#define O_NOCTTY 0400u
#define O_TRUNC 01000u
#define O_APPEND 02000u
#define O_NONBLOCK 04000u
#define O_DIRECT 040000u
#define O_LARGEFILE 0100000u
#define O_DIRECTORY 0200000u
#define O_NOFOLLOW 0400000u
#define O_CLOEXEC 02000000u
#define O_PATH 010000000u

/* lseek(2). */
#define SEEK_SET 0
#define SEEK_CUR 1
#define SEEK_END 2

/* poll(2). */
#define POLLIN 0x001u
#define POLLPRI 0x002u
#define POLLOUT 0x004u
#define POLLERR 0x008u
#define POLLHUP 0x010u
#define POLLNVAL 0x020u
#define POLLRDNORM 0x040u
#define POLLWRNORM 0x100u

struct file {
    uint32_t refs;
    unsigned flags; /* O_ACCMODE, O_APPEND, O_NONBLOCK, O_PATH ...; not O_CLOEXEC */
    uint64_t offset;
    struct mutex position; /* held while the offset is used and moved on */
    struct inode *inode;
    const struct file_ops *ops;
    void *private; /* the ops' */
};

/* Buffers are the running process's, and untrusted: -EFAULT if nothing could be copied, else the
 * number of bytes that were.  May sleep; -ERESTARTSYS when a signal comes first. */
struct file_ops {
    int (*open)(struct file *file); /* NULL: nothing to do */
    int32_t (*read)(struct file *file, uaddr_t buffer, uint32_t nbytes, uint64_t *offset);
    int32_t (*write)(struct file *file, uaddr_t buffer, uint32_t nbytes, uint64_t *offset);
    unsigned (*poll)(struct file *file); /* what is possible now; NULL: POLLIN | POLLOUT */
    int32_t (*ioctl)(struct file *file, uint32_t request, uaddr_t argument); /* NULL: -ENOTTY */
    int64_t (*seek)(struct file *file, int64_t offset, int whence);          /* NULL: -ESPIPE */
    void (*release)(struct file *file); /* the last reference is gone */
};

/* The caches; called by fs_init(). */
void file_init(void);

/* A new file with one reference for an inode (takes a reference to it) and calls ops->open.  0 or
 * -Exxx. */
int file_open(struct inode *inode, unsigned flags, struct file **opened);
struct file *file_hold(struct file *file);
void file_release(struct file *file); /* one reference less; may sleep */

/* Who reads or writes at the file's own offset, or moves it: processes and threads that share a file
 * get places one after the other (POSIX, 2.9.7).  Only for what has a position; others may sleep for
 * long in a read. */
void file_lock_position(struct file *file);
void file_unlock_position(struct file *file);

/* Directories and regular files: an lseek(2) that suits both. */
int64_t file_seek_in_size(struct file *file, int64_t offset, int whence);

/* ---- descriptors ---- */

#define FILE_TABLE_MAX 1024u /* RLIMIT_NOFILE's ceiling */

struct file_table; /* refs, slots; shared by threads, copied by fork */

enum file_cloexec { FILE_KEEP, FILE_CLOEXEC }; /* over execve */

struct file_table *file_table_create(void);
struct file_table *file_table_copy(struct file_table *table); /* NULL: no memory */
struct file_table *file_table_hold(struct file_table *table);
void file_table_release(struct file_table *table); /* closes all when it was the last */
void file_table_close_on_exec(struct file_table *table);

/* The file of a descriptor, with a reference; NULL: none (-EBADF).  `table` NULL: an empty one. */
struct file *file_table_get(struct file_table *table, int fd);

/* The lowest free descriptor >= least gets `file` (the caller's reference goes to the table);
 * -EMFILE, -ENOMEM (the reference stays the caller's). */
int file_table_add(struct file_table *table, struct file *file, int least,
                   enum file_cloexec cloexec);

/* Put `file` at exactly fd (dup2), closing what was there; 0, -EBADF, -ENOMEM. */
int file_table_set(struct file_table *table, int fd, struct file *file,
                   enum file_cloexec cloexec);
int file_table_close(struct file_table *table, int fd); /* 0, -EBADF */

/* Would file_table_add() say -EMFILE now?  For who must not act in vain. */
bool file_table_is_full(struct file_table *table);

/* FD_CLOEXEC of a descriptor: get (0, 1, -EBADF) and set. */
int file_table_get_cloexec(struct file_table *table, int fd);
int file_table_set_cloexec(struct file_table *table, int fd, enum file_cloexec cloexec);

/* The smallest open descriptor >= fd, or -1: for /proc/PID/fd. */
int file_table_next(struct file_table *table, int fd);

/* RLIMIT_NOFILE: descriptors from here on are not given out.  At most FILE_TABLE_MAX. */
void file_table_set_limit(struct file_table *table, uint32_t limit);
uint32_t file_table_limit(const struct file_table *table);

/* ---- readiness ---- */

/* Something may have become readable or writable: whoever polls looks again.  Any context. */
void poll_notify(void);

struct poll_request {
    struct file *file; /* NULL: none */
    unsigned events, result;
};
/* Wait until at least one file has one of its events (or POLLERR, POLLHUP), at most nticks
 * (UINT64_MAX: for ever).  Number of files with a result; -EINTR. */
int poll_wait(struct poll_request *requests, unsigned count, uint64_t nticks);

/* ---- pipes ---- */

#define PIPE_DEVICE DEVICE_NUMBER(0, 0x0B) /* st_dev of pipes without a name */

/* The two ends of a new pipe, one reference each; flags: O_NONBLOCK.  Its inode has no name but
 * "pipe:[NUMBER]".  0, -ENOMEM. */
int pipe_create(unsigned flags, struct file **read_end, struct file **write_end);

/* For inodes of type S_IFIFO, whose `private` belongs to these. */
extern const struct file_ops fifo_file_ops;
