/* System calls on names: open(2), directories, links, attributes.
 *
 * The user is root, and so permissions refuse nothing; only executing needs an x bit, as for root on
 * Linux. */
#include "kernel/cpu/cpu.h"
#include "kernel/lib/errno.h"
#include "kernel/lib/string.h"
#include "kernel/syscall/sys_args.h"
#include "kernel/syscall/syscall.h"
#include "mm/kmalloc.h"
#include "mm/uaccess.h"

#define PERMISSIONS 07777u
#define X_BITS 0111u

/* The root, "." and ".." cannot be made or removed. */
static bool is_dots(const char *name)
{
    return name[0] == '\0' || !strcmp(name, ".") || !strcmp(name, "..");
}

/* ---- open ---- */

/* May an inode that exists be opened like this? */
static int check_open(const struct inode *inode, uint32_t flags)
{
    bool writes = (flags & O_ACCMODE) != O_RDONLY || (flags & O_TRUNC);

    if ((flags & O_CREAT) && (flags & O_EXCL))
        return -EEXIST;
    if (inode_is(inode, S_IFLNK) && !(flags & O_PATH))
        return -ELOOP;
    if ((flags & O_DIRECTORY) && !inode_is(inode, S_IFDIR))
        return -ENOTDIR;
    if (inode_is(inode, S_IFDIR) && (writes || (flags & O_CREAT)) && !(flags & O_PATH))
        return -EISDIR;
    return 0;
}

/* The inode of the path's last component, made if it is missing. */
static int create_missing(struct inode *start, const char *path, uint32_t mode,
                          struct inode **created)
{
    char name[NAME_MAX + 1];
    struct inode *dir;
    int error = path_lookup_create(start, path, &dir, name);

    if (error)
        return error;
    if (!dir->ops->create)
        error = -ENOENT; /* /proc: nothing can be made there */
    if (!error) {
        fs_lock();
        error = dir->ops->create(
            dir, name, S_IFREG | (mode & PERMISSIONS & ~process_current()->umask), 0, created);
        fs_unlock();
    }
    inode_put(dir);
    return error;
}

/* O_CREAT: what it would make is a file, so no slash may stand behind the name, whatever has it. */
static int refuse_slash(struct inode *start, const char *path)
{
    char name[NAME_MAX + 1];
    struct inode *dir;

    if (!path_has_slash(path))
        return 0;
    int error = path_lookup_parent(start, path, &dir, name);
    if (error)
        return error;
    inode_put(dir);
    return is_dots(name) ? 0 : -EISDIR;
}

static int open_inode(struct inode *start, const char *path, uint32_t flags, uint32_t mode,
                      struct inode **found)
{
    bool nofollow = (flags & O_NOFOLLOW) || ((flags & O_CREAT) && (flags & O_EXCL));
    enum path_links links = nofollow ? PATH_NOFOLLOW : PATH_FOLLOW;
    int error = flags & O_CREAT ? refuse_slash(start, path) : 0;

    if (error)
        return error;
    while ((error = path_lookup(start, path, links, found)) == -ENOENT && (flags & O_CREAT)) {
        error = create_missing(start, path, mode, found);
        if (error != -EEXIST) /* else somebody was faster: see what it is */
            return error;
    }
    if (error)
        return error;
    error = check_open(*found, flags);
    if (!error && (flags & O_TRUNC) && inode_is(*found, S_IFREG) && (*found)->ops->truncate) {
        fs_lock();
        error = (*found)->ops->truncate(*found, 0);
        fs_unlock();
    }
    if (error)
        inode_put(*found);
    return error;
}

static int32_t open_file(struct inode *inode, uint32_t flags)
{
    struct file *file;
    int error = file_open(inode, flags, &file);

    if (error)
        return error;
    int32_t fd = file_table_add(process_current()->files, file, 0,
                                flags & O_CLOEXEC ? FILE_CLOEXEC : FILE_KEEP);
    if (fd < 0)
        file_release(file);
    return fd;
}

static int32_t open_at(int dirfd, uaddr_t address, uint32_t flags, uint32_t mode)
{
    struct inode *start, *inode;
    char *path;
    int32_t result = path_get(address, &path);

    if (result)
        return result;
    if (path[0] == '\0') {
        result = -ENOENT;
        goto free_path;
    }
    if (file_table_is_full(process_current()->files)) { /* before anything is made or cut */
        result = -EMFILE;
        goto free_path;
    }
    if (flags & O_PATH) /* the other flags mean nothing then */
        flags &= O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
    result = start_directory(dirfd, path, &start);
    if (result)
        goto free_path;
    result = open_inode(start, path, flags, mode, &inode);
    inode_put(start);
    if (result)
        goto free_path;
    result = open_file(inode, flags);
    inode_put(inode);
free_path:
    path_free(path);
    return result;
}

static int32_t sys_open(struct trap_frame *frame)
{
    return open_at(AT_FDCWD, ARG1(frame), ARG2(frame), ARG3(frame));
}

static int32_t sys_creat(struct trap_frame *frame)
{
    return open_at(AT_FDCWD, ARG1(frame), O_CREAT | O_WRONLY | O_TRUNC, ARG2(frame));
}

static int32_t sys_openat(struct trap_frame *frame)
{
    return open_at((int)ARG1(frame), ARG2(frame), ARG3(frame), ARG4(frame));
}

/* ---- making and removing names ---- */

/* fs lock held.  The type (S_IFMT) of what has this name; 0: nothing. */
static uint32_t type_of_name(struct inode *dir, const char *name)
{
    struct inode *inode;

    if (dir->ops->lookup(dir, name, &inode) != 0)
        return 0;
    uint32_t type = inode->mode & S_IFMT;
    inode_put(inode);
    return type;
}

/* fs lock held.  May something of this type be made there?  -EEXIST; -ENOENT (a slash behind what is
 * to be no directory; /proc, where nothing can be made; a directory that was removed). */
static int check_new_name(const struct path_end *end, uint32_t type)
{
    if (is_dots(end->name) || type_of_name(end->dir, end->name))
        return -EEXIST;
    bool refused = (end->slash && type != S_IFDIR) || !end->dir->ops->create;
    return refused || end->dir->nlink == 0 ? -ENOENT : 0;
}

static int make_node(int dirfd, uaddr_t path, uint32_t mode, uint32_t device)
{
    struct path_end end;
    struct inode *created;
    int error = path_end_get(dirfd, path, &end);

    if (error)
        return error;
    uint32_t mask = process_current()->umask & PERMISSIONS;
    fs_lock();
    error = check_new_name(&end, mode & S_IFMT);
    if (!error)
        error = end.dir->ops->create(end.dir, end.name, mode & ~mask, device, &created);
    fs_unlock();
    if (!error)
        inode_put(created);
    inode_put(end.dir);
    return error;
}

static int32_t sys_mkdir(struct trap_frame *frame)
{
    return make_node(AT_FDCWD, ARG1(frame), S_IFDIR | (ARG2(frame) & PERMISSIONS), 0);
}

static int32_t sys_mkdirat(struct trap_frame *frame)
{
    return make_node((int)ARG1(frame), ARG2(frame), S_IFDIR | (ARG3(frame) & PERMISSIONS), 0);
}

static int32_t make_special(int dirfd, uaddr_t path, uint32_t mode, uint32_t device)
{
    uint32_t type = mode & S_IFMT;

    if (type == S_IFDIR)
        return -EPERM;
    if (type != 0 && type != S_IFREG && type != S_IFIFO && type != S_IFCHR && type != S_IFBLK &&
        type != S_IFSOCK)
        return -EINVAL;
    return make_node(dirfd, path, type ? mode : mode | S_IFREG, device);
}

static int32_t sys_mknod(struct trap_frame *frame)
{
    return make_special(AT_FDCWD, ARG1(frame), ARG2(frame), ARG3(frame));
}

static int32_t sys_mknodat(struct trap_frame *frame)
{
    return make_special((int)ARG1(frame), ARG2(frame), ARG3(frame), ARG4(frame));
}

/* fs lock held. */
static int remove_locked(const struct path_end *end, bool directory)
{
    if (end->name[0] == '\0') /* the root */
        return directory ? -EBUSY : -EISDIR;
    if (!strcmp(end->name, "."))
        return directory ? -EINVAL : -EISDIR;
    if (!strcmp(end->name, ".."))
        return directory ? -ENOTEMPTY : -EISDIR;
    uint32_t type = type_of_name(end->dir, end->name);
    if (!type)
        return -ENOENT;
    if (!directory && end->slash)
        return type == S_IFDIR ? -EISDIR : -ENOTDIR;
    int (*remove)(struct inode *, const char *) = directory ? end->dir->ops->rmdir
                                                            : end->dir->ops->unlink;
    return remove ? remove(end->dir, end->name) : -EPERM;
}

static int remove_name(int dirfd, uaddr_t path, bool directory)
{
    struct path_end end;
    int error = path_end_get(dirfd, path, &end);

    if (error)
        return error;
    fs_lock();
    error = remove_locked(&end, directory);
    fs_unlock();
    inode_put(end.dir);
    return error;
}

static int32_t sys_unlink(struct trap_frame *frame)
{
    return remove_name(AT_FDCWD, ARG1(frame), false);
}

static int32_t sys_rmdir(struct trap_frame *frame)
{
    return remove_name(AT_FDCWD, ARG1(frame), true);
}

static int32_t sys_unlinkat(struct trap_frame *frame)
{
    if (ARG3(frame) & ~AT_REMOVEDIR)
        return -EINVAL;
    return remove_name((int)ARG1(frame), ARG2(frame), ARG3(frame) & AT_REMOVEDIR);
}

#define RENAME_NOREPLACE 1u

/* fs lock held.  In Linux's order of checks. */
static int rename_locked(const struct path_end *old, const struct path_end *new, uint32_t flags)
{
    const struct inode_ops *ops = old->dir->ops;

    if (old->dir->device != new->dir->device)
        return -EXDEV;
    if (is_dots(old->name) || is_dots(new->name))
        return -EBUSY;
    uint32_t type = type_of_name(old->dir, old->name);
    if (!type)
        return -ENOENT;
    if ((flags & RENAME_NOREPLACE) && type_of_name(new->dir, new->name))
        return -EEXIST;
    if (type != S_IFDIR && (old->slash || new->slash))
        return -ENOTDIR;
    return ops->rename ? ops->rename(old->dir, old->name, new->dir, new->name) : -EPERM;
}

static int rename_at(int old_dirfd, uaddr_t old_path, int new_dirfd, uaddr_t new_path,
                     uint32_t flags)
{
    struct path_end *ends = kmalloc(2 * sizeof(*ends), PAGE_ANY); /* old and new */

    if (!ends)
        return -ENOMEM;
    int error = flags & ~RENAME_NOREPLACE ? -EINVAL
                                          : path_end_get(old_dirfd, old_path, &ends[0]);
    if (error)
        goto free_ends;
    error = path_end_get(new_dirfd, new_path, &ends[1]);
    if (error)
        goto put_old;
    fs_lock();
    error = rename_locked(&ends[0], &ends[1], flags);
    fs_unlock();
    inode_put(ends[1].dir);
put_old:
    inode_put(ends[0].dir);
free_ends:
    kfree(ends);
    return error;
}

static int32_t sys_rename(struct trap_frame *frame)
{
    return rename_at(AT_FDCWD, ARG1(frame), AT_FDCWD, ARG2(frame), 0);
}

static int32_t sys_renameat(struct trap_frame *frame)
{
    return rename_at((int)ARG1(frame), ARG2(frame), (int)ARG3(frame), ARG4(frame), 0);
}

static int32_t sys_renameat2(struct trap_frame *frame)
{
    return rename_at((int)ARG1(frame), ARG2(frame), (int)ARG3(frame), ARG4(frame), ARG5(frame));
}

/* fs lock held. */
static int link_locked(const struct path_end *end, struct inode *inode)
{
    int error = check_new_name(end, S_IFREG); /* no slash behind it, whatever the inode is */

    if (error == -EEXIST)
        return error;
    if (end->dir->device != inode->device)
        return -EXDEV;
    if (error)
        return error;
    return inode_is(inode, S_IFDIR) || !end->dir->ops->link
               ? -EPERM
               : end->dir->ops->link(end->dir, end->name, inode);
}

static int link_at(int old_dirfd, uaddr_t old_path, int new_dirfd, uaddr_t new_path,
                   uint32_t flags)
{
    struct path_end end;
    struct inode *inode;

    if (flags & ~(AT_SYMLINK_FOLLOW | AT_EMPTY_PATH))
        return -EINVAL;
    int error = inode_of_path(old_dirfd, old_path,
                              flags & AT_SYMLINK_FOLLOW ? PATH_FOLLOW : PATH_NOFOLLOW, flags,
                              &inode);
    if (error)
        return error;
    error = path_end_get(new_dirfd, new_path, &end);
    if (!error) {
        fs_lock();
        error = link_locked(&end, inode);
        fs_unlock();
        inode_put(end.dir);
    }
    inode_put(inode);
    return error;
}

static int32_t sys_link(struct trap_frame *frame)
{
    return link_at(AT_FDCWD, ARG1(frame), AT_FDCWD, ARG2(frame), 0);
}

static int32_t sys_linkat(struct trap_frame *frame)
{
    return link_at((int)ARG1(frame), ARG2(frame), (int)ARG3(frame), ARG4(frame), ARG5(frame));
}

static int symlink_at(uaddr_t target_address, int dirfd, uaddr_t path)
{
    struct path_end end;
    char *target;
    int error = path_get(target_address, &target);

    if (error)
        return error;
    error = target[0] == '\0' ? -ENOENT : path_end_get(dirfd, path, &end);
    if (error)
        goto free_target;
    fs_lock();
    error = check_new_name(&end, S_IFLNK);
    if (!error)
        error = end.dir->ops->symlink(end.dir, end.name, target);
    fs_unlock();
    inode_put(end.dir);
free_target:
    path_free(target);
    return error;
}

static int32_t sys_symlink(struct trap_frame *frame)
{
    return symlink_at(ARG1(frame), AT_FDCWD, ARG2(frame));
}

static int32_t sys_symlinkat(struct trap_frame *frame)
{
    return symlink_at(ARG1(frame), (int)ARG2(frame), ARG3(frame));
}

static bool is_empty_string(uaddr_t address)
{
    char first;

    return copy_from_user(&first, address, 1) == 0 && first == '\0';
}

static int32_t readlink_at(int dirfd, uaddr_t path, uaddr_t buffer, uint32_t size)
{
    struct inode *inode;
    char *target;

    if ((int32_t)size <= 0)
        return -EINVAL;
    int32_t result = inode_of_path(dirfd, path, PATH_NOFOLLOW, AT_EMPTY_PATH, &inode);
    if (result)
        return result;
    target = kmalloc(PATH_MAX, PAGE_ANY);
    if (!target)
        result = -ENOMEM;
    else if (!inode_is(inode, S_IFLNK))
        result = is_empty_string(path) ? -ENOENT : -EINVAL;
    else {
        fs_lock();
        result = inode->ops->readlink(inode, target, PATH_MAX);
        fs_unlock();
    }
    inode_put(inode);
    if (result > 0) {
        result = (int32_t)MIN((uint32_t)result, size);
        if (copy_to_user(buffer, target, (uint32_t)result) != 0)
            result = -EFAULT;
    }
    kfree(target);
    return result;
}

static int32_t sys_readlink(struct trap_frame *frame)
{
    return readlink_at(AT_FDCWD, ARG1(frame), ARG2(frame), ARG3(frame));
}

static int32_t sys_readlinkat(struct trap_frame *frame)
{
    return readlink_at((int)ARG1(frame), ARG2(frame), ARG3(frame), ARG4(frame));
}

/* ---- the working directory ---- */

static int32_t sys_getcwd(struct trap_frame *frame)
{
    uint32_t size = ARG2(frame);
    char *path = kmalloc(PATH_MAX, PAGE_ANY);
    struct inode *cwd;

    if (!path)
        return -ENOMEM;
    start_directory(AT_FDCWD, "", &cwd);
    inode_path(cwd, path, PATH_MAX);
    bool removed = cwd->nlink == 0;
    inode_put(cwd);
    uint32_t nbytes = (uint32_t)strlen(path) + 1;
    int32_t result = removed ? -ENOENT : nbytes > size ? -ERANGE : (int32_t)nbytes;
    if (result > 0 && copy_to_user(ARG1(frame), path, nbytes) != 0)
        result = -EFAULT;
    kfree(path);
    return result;
}

/* Takes the reference. */
static int32_t change_directory(struct inode *inode)
{
    struct process *process = process_current();

    if (!inode_is(inode, S_IFDIR)) {
        inode_put(inode);
        return -ENOTDIR;
    }
    uint32_t irq = irq_save();
    struct inode *old = process->cwd;
    process->cwd = inode;
    irq_restore(irq);
    inode_put(old);
    return 0;
}

static int32_t sys_chdir(struct trap_frame *frame)
{
    struct inode *inode;
    int error = inode_of_path(AT_FDCWD, ARG1(frame), PATH_FOLLOW, 0, &inode);
    return error ? error : change_directory(inode);
}

static int32_t sys_fchdir(struct trap_frame *frame)
{
    struct file *file = file_get_any((int)ARG1(frame));

    if (!file)
        return -EBADF;
    int32_t result = change_directory(inode_get(file->inode));
    file_put(file);
    return result;
}

/* ---- reading directories ---- */

/* struct linux_dirent64, and the older one whose type is its last byte. */
#define DIRENT64_NAME 19u
#define DIRENT_NAME 10u

enum dirent_form { DIRENT, DIRENT64 };

/* One entry in the form asked for; its length, or 0 if it does not fit into `size`. */
static uint32_t format_dirent(uint8_t *out, uint32_t size, const struct dir_entry *entry,
                              uint64_t next, enum dirent_form form)
{
    uint32_t length = (uint32_t)strlen(entry->name) + 1;
    uint8_t type = (uint8_t)(entry->mode >> 12); /* DT_DIR ... are the mode's type bits */
    uint64_t number64 = entry->number;
    uint32_t next32 = (uint32_t)next;
    uint32_t name_at = form == DIRENT64 ? DIRENT64_NAME : DIRENT_NAME;
    uint32_t record = ALIGN_UP(name_at + length + (form == DIRENT), form == DIRENT64 ? 8u : 4u);
    uint16_t record16 = (uint16_t)record;

    if (record > size)
        return 0;
    memset(out, 0, record);
    if (form == DIRENT64) {
        memcpy(out, &number64, 8);
        memcpy(out + 8, &next, 8);
        memcpy(out + 16, &record16, 2);
        out[18] = type;
    } else {
        memcpy(out, &entry->number, 4);
        memcpy(out + 4, &next32, 4);
        memcpy(out + 8, &record16, 2);
        out[record - 1] = type;
    }
    memcpy(out + name_at, entry->name, length);
    return record;
}

#define DIRENT_MAX (DIRENT64_NAME + NAME_MAX + 1 + 8)

/* Entries one by one until the buffer is full: bytes; -EINVAL if not even one fits. */
static int32_t read_entries(struct file *file, uaddr_t buffer, uint32_t size,
                            enum dirent_form form, struct dir_entry *entry, uint8_t *record)
{
    uint32_t done = 0;

    for (;;) {
        uint64_t next = file->offset;
        fs_lock();
        int more = file->inode->ops->readdir(file->inode, &next, entry);
        fs_unlock();
        if (more <= 0)
            return done || more == 0 ? (int32_t)done : more;
        uint32_t length = format_dirent(record, MIN(size - done, DIRENT_MAX), entry, next,
                                        form);
        if (length == 0)
            return done ? (int32_t)done : -EINVAL;
        if (copy_to_user(buffer + done, record, length) != 0)
            return done ? (int32_t)done : -EFAULT;
        done += length;
        file->offset = next;
    }
}

static int32_t get_entries(struct trap_frame *frame, enum dirent_form form)
{
    struct file *file = file_get((int)ARG1(frame));
    int32_t result = -ENOTDIR;

    if (!file)
        return -EBADF;
    uint8_t *scratch = kmalloc(sizeof(struct dir_entry) + DIRENT_MAX, PAGE_ANY);
    if (!scratch)
        result = -ENOMEM;
    else if (file->inode->nlink == 0)
        result = inode_is(file->inode, S_IFDIR) ? -ENOENT : -ENOTDIR;
    else if (file->inode->ops->readdir && inode_is(file->inode, S_IFDIR)) {
        file_lock_position(file);
        result = read_entries(file, ARG2(frame), ARG3(frame), form, (struct dir_entry *)scratch,
                              scratch + sizeof(struct dir_entry));
        file_unlock_position(file);
    }
    kfree(scratch);
    file_put(file);
    return result;
}

static int32_t sys_getdents(struct trap_frame *frame)
{
    return get_entries(frame, DIRENT);
}

static int32_t sys_getdents64(struct trap_frame *frame)
{
    return get_entries(frame, DIRENT64);
}

/* ---- permissions ---- */

#define X_OK 1u
#define ACCESS_MODES 7u

static int32_t check_access(int dirfd, uaddr_t path, uint32_t mode, uint32_t flags)
{
    struct inode *inode;

    if ((mode & ~ACCESS_MODES) || (flags & ~(AT_EACCESS | AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH)))
        return -EINVAL;
    int error = inode_of_path(
        dirfd, path, flags & AT_SYMLINK_NOFOLLOW ? PATH_NOFOLLOW : PATH_FOLLOW, flags, &inode);
    if (error)
        return error;
    bool refused = (mode & X_OK) && inode_is(inode, S_IFREG) && !(inode->mode & X_BITS);
    inode_put(inode);
    return refused ? -EACCES : 0;
}

static int32_t sys_access(struct trap_frame *frame)
{
    return check_access(AT_FDCWD, ARG1(frame), ARG2(frame), 0);
}

static int32_t sys_faccessat(struct trap_frame *frame)
{
    return check_access((int)ARG1(frame), ARG2(frame), ARG3(frame), 0);
}

static int32_t sys_faccessat2(struct trap_frame *frame)
{
    return check_access((int)ARG1(frame), ARG2(frame), ARG3(frame), ARG4(frame));
}

const struct syscall_entry directory_syscalls[] = {
    { 5, "open", sys_open, NULL },
    { 8, "creat", sys_creat, NULL },
    { 9, "link", sys_link, NULL },
    { 10, "unlink", sys_unlink, NULL },
    { 12, "chdir", sys_chdir, NULL },
    { 14, "mknod", sys_mknod, NULL },
    { 33, "access", sys_access, "the user is root" },
    { 38, "rename", sys_rename, NULL },
    { 39, "mkdir", sys_mkdir, NULL },
    { 40, "rmdir", sys_rmdir, NULL },
    { 83, "symlink", sys_symlink, NULL },
    { 85, "readlink", sys_readlink, NULL },
    { 133, "fchdir", sys_fchdir, NULL },
    { 141, "getdents", sys_getdents, NULL },
    { 183, "getcwd", sys_getcwd, NULL },
    { 220, "getdents64", sys_getdents64, NULL },
    { 295, "openat", sys_openat, NULL },
    { 296, "mkdirat", sys_mkdirat, NULL },
    { 297, "mknodat", sys_mknodat, NULL },
    { 301, "unlinkat", sys_unlinkat, NULL },
    { 302, "renameat", sys_renameat, NULL },
    { 303, "linkat", sys_linkat, NULL },
    { 304, "symlinkat", sys_symlinkat, NULL },
    { 305, "readlinkat", sys_readlinkat, NULL },
    { 307, "faccessat", sys_faccessat, "the user is root" },
    { 353, "renameat2", sys_renameat2, "RENAME_NOREPLACE" },
    { 439, "faccessat2", sys_faccessat2, "the user is root" },
    { 0 },
};
