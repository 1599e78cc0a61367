/* kernel/syscall/sys_args.h - what system calls on files have in common: their arguments.
 * All of these are for the running process, in thread context. */
#pragma once

#include "kernel/fs/path.h"
#include "kernel/lib/string.h"
#include "kernel/proc/process.h"

#define AT_FDCWD (-100)
#define AT_SYMLINK_NOFOLLOW 0x100u
#define AT_REMOVEDIR 0x200u
#define AT_EACCESS 0x200u
#define AT_SYMLINK_FOLLOW 0x400u
#define AT_NO_AUTOMOUNT 0x800u
#define AT_EMPTY_PATH 0x1000u

/* The file of a descriptor, with a reference; NULL: -EBADF. */
struct file *file_get(int fd); /* not of one that was opened with O_PATH */
static inline struct file *file_get_any(int fd)
{
    return file_table_get(process_current()->files, fd);
}

static inline void file_put(struct file *file)
{
    file_release(file);
}

/* A path from user memory, in a block of its own (path_free).  0; -EFAULT, -ENAMETOOLONG, -ENOMEM. */
int path_get(uaddr_t address, char **path);
void path_free(char *path);

/* Where relative paths start: the working directory (AT_FDCWD) or the directory of `dirfd`, with a
 * reference.  0; -EBADF, -ENOTDIR (not looked at if `path` is absolute). */
int start_directory(int dirfd, const char *path, struct inode **start);

/* The inode that a system call's dirfd and path mean, with a reference.  `flags`: AT_EMPTY_PATH (then
 * an empty path means dirfd itself).  0 or path_get()'s, start_directory()'s, path_lookup()'s
 * errors. */
int inode_of_path(int dirfd, uaddr_t path, enum path_links links, unsigned flags,
                  struct inode **found);

/* Does it end with a slash?  Then it can only mean a directory. */
static inline bool path_has_slash(const char *path)
{
    size_t length = strlen(path);

    return length > 0 && path[length - 1] == '/';
}

/* The last component of a path, and where it is or would be. */
struct path_end {
    struct inode *dir; /* with a reference */
    bool slash;        /* path_has_slash() */
    char name[NAME_MAX + 1];
};
int path_end_get(int dirfd, uaddr_t path, struct path_end *end);
