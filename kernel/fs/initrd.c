/* The initrd: boot modules that are cpio archives become the first files of the tree.
 *
 * Contents  are left where the loader put them; each file's page cache has them as its source.  A
 *           program of 400 KiB costs no memory until somebody runs it.
 * Links     Hard links are entries with one inode number.  As cpio writes them, all but the last have
 *           no contents; here whichever has some gives them to all.
 * Order     Later modules replace files of earlier ones; directories are joined.
 * Small     A machine may have too little memory for a module.  Files of which a part is missing are
 *           left out.
 * Trust     An archive comes from outside, and may be damaged or have odd names.  What cannot be
 *           made is left out with a line in the log; what was read before stays.
 * Early     Runs when nobody uses the tree yet: the operations are called without its lock. */
#include "kernel/fs/initrd.h"

#include "kernel/cpu/timer.h"
#include "kernel/fs/path.h"
#include "kernel/fs/tmpfs.h"
#include "kernel/lib/cpio.h"
#include "kernel/lib/errno.h"
#include "kernel/lib/string.h"
#include "kernel/log.h"
#include "mm/kmalloc.h"
#include "mm/memmap.h"
#include "mm/page.h"

#define MODE_PERMISSIONS 07777u

/* A file of the archive that has several names. */
struct link_group {
    struct link_group *next;
    uint32_t number, dev_major, dev_minor;
    struct inode *inode; /* with a reference */
};

struct unpack {
    struct link_group *groups;
    unsigned files, failures;
};

/* ---- hard links ---- */

static struct link_group *find_group(const struct unpack *unpack, const struct cpio_entry *file)
{
    struct link_group *group = unpack->groups;

    while (group && (group->number != file->inode || group->dev_major != file->dev_major ||
                     group->dev_minor != file->dev_minor))
        group = group->next;
    return group;
}

static int add_group(struct unpack *unpack, const struct cpio_entry *file, struct inode *inode)
{
    struct link_group *group = kmalloc(sizeof(*group), PAGE_ANY);

    if (!group)
        return -ENOMEM;
    *group = (struct link_group){
        .next = unpack->groups,
        .number = file->inode,
        .dev_major = file->dev_major,
        .dev_minor = file->dev_minor,
        .inode = inode_get(inode),
    };
    unpack->groups = group;
    return 0;
}

static void free_groups(struct unpack *unpack)
{
    for (struct link_group *group = unpack->groups, *next; group; group = next) {
        next = group->next;
        inode_put(group->inode);
        kfree(group);
    }
}

/* ---- directories above ---- */

/* Make the directories before the last component of `path`, as far as they are missing. */
static int make_parents(const char *path)
{
    char *prefix = kmalloc(PATH_MAX, PAGE_ANY);
    int error = 0;

    if (!prefix)
        return -ENOMEM;
    for (const char *slash = strchr(path, '/'); slash && !error;
         slash = strchr(slash + 1, '/')) {
        char name[NAME_MAX + 1];
        struct inode *dir, *made;
        strlcpy(prefix, path, (size_t)(slash - path) + 1);
        error = *prefix ? path_lookup_parent(fs_root(), prefix, &dir, name) : -EEXIST;
        if (!error) {
            error = dir->ops->create ? dir->ops->create(dir, name, S_IFDIR | 0755, 0, &made)
                                     : -EACCES;
            inode_put(dir);
        }
        if (!error)
            inode_put(made);
        else if (error == -EEXIST) /* perhaps as a link to a directory */
            error = 0;
    }
    kfree(prefix);
    return error;
}

/* The directory for a file, and the file's name in it. */
static int find_place(const char *path, struct inode **dir, char *name)
{
    if (strlen(path) >= PATH_MAX)
        return -ENAMETOOLONG;
    int error = path_lookup_parent(fs_root(), path, dir, name);
    if (error != -ENOENT)
        return error;
    error = make_parents(path);
    return error ? error : path_lookup_parent(fs_root(), path, dir, name);
}

/* ---- entries ---- */

static void set_attributes(struct inode *inode, const struct cpio_entry *file)
{
    inode->mode = (inode->mode & S_IFMT) | (file->mode & MODE_PERMISSIONS);
    inode->uid = file->uid;
    inode->gid = file->gid;
    inode->atime = inode->mtime = inode->ctime = (uint64_t)file->mtime * NS_PER_SECOND;
}

/* A directory: one that is there already gets the archive's attributes. */
static int unpack_directory(struct inode *dir, const char *name, const struct cpio_entry *file,
                            struct inode **inode)
{
    int error = *name ? dir->ops->create(dir, name, file->mode, 0, inode) : -EEXIST;

    if (error != -EEXIST)
        return error;
    error = path_lookup(dir, *name ? name : "/", PATH_FOLLOW, inode);
    if (!error && !inode_is(*inode, S_IFDIR)) {
        inode_put(*inode);
        error = -ENOTDIR;
    }
    return error;
}

static int unpack_regular(struct unpack *unpack, struct inode *dir, const char *name,
                          const struct cpio_entry *file, struct inode **inode)
{
    struct link_group *group = file->nlink > 1 ? find_group(unpack, file) : NULL;
    int error;

    if (group) {
        *inode = inode_get(group->inode);
        error = dir->ops->link(dir, name, *inode);
    } else {
        error = dir->ops->create(dir, name, file->mode, 0, inode);
        if (error)
            return error;
        if (file->nlink > 1)
            error = add_group(unpack, file, *inode);
    }
    if (!error && file->nbytes > 0)
        tmpfs_set_contents(*inode, file->data, file->nbytes);
    if (error)
        inode_put(*inode);
    return error;
}

static int unpack_symlink(struct inode *dir, const char *name, const struct cpio_entry *file,
                          struct inode **inode)
{
    if (file->nbytes >= PATH_MAX)
        return -ENAMETOOLONG;
    char *target = kmalloc(file->nbytes + 1, PAGE_ANY);
    if (!target)
        return -ENOMEM;
    memcpy(target, file->data, file->nbytes);
    target[file->nbytes] = '\0';
    int error = dir->ops->symlink(dir, name, target);
    kfree(target);
    return error ? error : path_lookup(dir, name, PATH_NOFOLLOW, inode);
}

/* Character devices and FIFOs.  There are no block devices and no sockets. */
static int unpack_special(struct inode *dir, const char *name, const struct cpio_entry *file,
                          struct inode **inode)
{
    uint32_t type = file->mode & S_IFMT;

    if (type != S_IFIFO && (type != S_IFCHR || file->uid != 0))
        return -EINVAL;
    return dir->ops->create(dir, name, file->mode,
                            DEVICE_NUMBER(file->rdev_major, file->rdev_minor), inode);
}

static int unpack_into(struct unpack *unpack, struct inode *dir, const char *name,
                       const struct cpio_entry *file)
{
    uint32_t type = file->mode & S_IFMT;
    struct inode *inode;

    if (!dir->ops->create)
        return -EACCES;
    if (type != S_IFDIR)
        dir->ops->unlink(dir, name); /* an earlier module's; -ENOENT is the rule */
    int error = type == S_IFDIR   ? unpack_directory(dir, name, file, &inode)
                : type == S_IFREG ? unpack_regular(unpack, dir, name, file, &inode)
                : type == S_IFLNK ? unpack_symlink(dir, name, file, &inode)
                                  : unpack_special(dir, name, file, &inode);
    if (error)
        return error;
    set_attributes(inode, file);
    inode_put(inode);
    return 0;
}

static void unpack_file(struct unpack *unpack, const struct cpio_entry *file)
{
    char name[NAME_MAX + 1];
    struct inode *dir;
    /* "." is the root: its entry carries the root's attributes. */
    const char *path = *file->name && strcmp(file->name, ".") != 0 ? file->name : "/";
    int error = find_place(path, &dir, name);

    if (!error) {
        error = unpack_into(unpack, dir, name, file);
        inode_put(dir);
    }
    unpack->files++;
    if (!error)
        return;
    log_warning("initrd: \"%s\" (mode %o) is left out: error %d", file->name, file->mode,
                -error);
    unpack->failures++;
}

/* ---- archives ---- */

/* Whatever was made in a directory has changed its time: now it gets the archive's. */
static void set_directory_time(const struct cpio_entry *file)
{
    struct inode *dir;

    if ((file->mode & S_IFMT) != S_IFDIR ||
        path_lookup(fs_root(), *file->name ? file->name : "/", PATH_FOLLOW, &dir) != 0)
        return;
    if (inode_is(dir, S_IFDIR))
        dir->mtime = (uint64_t)file->mtime * NS_PER_SECOND;
    inode_put(dir);
}

/* The archive ends at `offset`, before its end. */
static void log_early_end(const char *name, size_t offset, size_t size, size_t lost)
{
    if (lost)
        log_err("initrd: of module \"%s\" only %u of %u KiB are in memory, files are missing",
                name, (unsigned)(size / KiB), (unsigned)((size + lost) / KiB));
    else
        log_err("initrd: module \"%s\" is no cpio archive, or damaged at byte %u", name,
                (unsigned)offset);
}

void initrd_unpack_archive(const char *name, const uint8_t *archive, size_t size, size_t lost)
{
    struct unpack unpack = { .groups = NULL };
    struct cpio_entry file;
    size_t offset = 0;
    int more;

    while ((more = cpio_next(archive, size, &offset, &file)) == 1)
        unpack_file(&unpack, &file);
    free_groups(&unpack);
    if (more < 0)
        log_early_end(name, offset, size, lost);
    for (offset = 0; cpio_next(archive, size, &offset, &file) == 1;)
        set_directory_time(&file);
    log_info("initrd: %u files in %u KiB", unpack.files - unpack.failures,
             (unsigned)(size / KiB));
}

void initrd_unpack(void)
{
    /* An archive must be in the direct map to be read. */
    uint64_t reach = MIN(memmap_end(), (uint64_t)LOWMEM_MAX_BYTES);

    for (unsigned i = 0; i < memmap_module_count(); i++) {
        const struct memmap_module *module = memmap_module(i);
        size_t size = module->end - module->start;
        if (size == 0)
            log_early_end(module->name, 0, 0, module->lost);
        else if (module->end <= reach)
            initrd_unpack_archive(module->name, paddr_to_virt(module->start), size,
                                  module->lost);
        else
            log_err("initrd: module \"%s\" lies above low memory, ignored", module->name);
    }
    if (memmap_module_count() == 0)
        log_warning("initrd: no boot module: there are no programs to run");
}
