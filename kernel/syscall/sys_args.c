/* The arguments of system calls on files: see sys_args.h. */
#include "kernel/syscall/sys_args.h"

#include "kernel/cpu/cpu.h"
#include "kernel/lib/errno.h"
#include "kernel/lib/string.h"
#include "mm/kmalloc.h"
#include "mm/uaccess.h"

struct file *file_get(int fd)
{
    struct file *file = file_get_any(fd);

    if (!file || !(file->flags & O_PATH))
        return file;
    file_put(file);
    return NULL;
}

int path_get(uaddr_t address, char **path)
{
    char *copy = kmalloc(PATH_MAX, PAGE_ANY);

    if (!copy)
        return -ENOMEM;
    int length = copy_string_from_user(copy, address, PATH_MAX);
    if (length < 0) {
        kfree(copy);
        return length;
    }
    *path = copy;
    return 0;
}

void path_free(char *path)
{
    kfree(path);
}

static struct inode *working_directory(void)
{
    uint32_t irq = irq_save(); /* another thread may be in chdir() */
    struct inode *cwd = inode_get(process_current()->cwd);
    irq_restore(irq);
    return cwd;
}

int start_directory(int dirfd, const char *path, struct inode **start)
{
    if (dirfd == AT_FDCWD || path[0] == '/') {
        *start = working_directory();
        return 0;
    }
    struct file *file = file_get_any(dirfd);
    if (!file)
        return -EBADF;
    bool directory = inode_is(file->inode, S_IFDIR);
    if (directory)
        *start = inode_get(file->inode);
    file_put(file);
    return directory ? 0 : -ENOTDIR;
}

/* AT_EMPTY_PATH with an empty path. */
static int inode_of_fd(int dirfd, struct inode **found)
{
    if (dirfd == AT_FDCWD) {
        *found = working_directory();
        return 0;
    }
    struct file *file = file_get_any(dirfd);
    if (!file)
        return -EBADF;
    *found = inode_get(file->inode);
    file_put(file);
    return 0;
}

int inode_of_path(int dirfd, uaddr_t address, enum path_links links, unsigned flags,
                  struct inode **found)
{
    struct inode *start;
    char *path;
    int error = path_get(address, &path);

    if (error)
        return error;
    if (path[0] == '\0' && (flags & AT_EMPTY_PATH)) {
        error = inode_of_fd(dirfd, found);
    } else {
        error = start_directory(dirfd, path, &start);
        if (!error) {
            error = path_lookup(start, path, links, found);
            inode_put(start);
        }
    }
    path_free(path);
    return error;
}

int path_end_get(int dirfd, uaddr_t address, struct path_end *end)
{
    struct inode *start;
    char *path;
    int error = path_get(address, &path);

    if (error)
        return error;
    error = start_directory(dirfd, path, &start);
    if (!error) {
        error = path_lookup_parent(start, path, &end->dir, end->name);
        inode_put(start);
    }
    end->slash = path_has_slash(path);
    path_free(path);
    return error;
}
