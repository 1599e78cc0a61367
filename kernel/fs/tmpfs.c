/* tmpfs: a file system that is nothing but memory.
 *
 * Inode     what a file is, with its contents behind it: a page cache, a list of entries, or a
 *           link's target.  Its names are entries (tmpfs_entry.c).
 * Life      Each entry holds a reference to its inode, and so does everybody who has it open or stands
 *           in it.  When the last one goes, so does the inode; but a regular file's memory stays
 *           until its page cache has no user either, for a program may still map it.
 * readdir   Each entry has a position that grows with each new entry: a walk that is interrupted goes
 *           on behind the last position, whatever came and went meanwhile.  0 is ".", 1 is "..".
 * Limits    What files hold is limited by the page cache (pagecache_is_full); inodes and names are
 *           kernel memory, which does not come back when programs end either: together they get an
 *           eighth of memory.
 * Sizes     A directory says 40 bytes and 20 for each entry, as Linux's tmpfs does.
 * Changes   Everything that can fail comes first: checks in Linux's order, then memory.  The change
 *           itself cannot fail.
 * Lock      "fs", a mutex of inode.c, is held by whoever calls an operation. */
#include "kernel/fs/tmpfs.h"

#include "kernel/cpu/cpu.h"
#include "kernel/fs/file.h"
#include "kernel/fs/tmpfs_internal.h"
#include "kernel/lib/errno.h"
#include "kernel/lib/string.h"
#include "mm/buddy.h"
#include "mm/kmalloc.h"
#include "mm/slab.h"

static struct slab_cache *node_cache;
static uint32_t last_number;                /* of an inode; fs lock */
static uint32_t tree_bytes, tree_bytes_max; /* of inodes and names; interrupts off */

static void tmpfs_release(struct inode *inode);

bool is_node(const struct inode *inode)
{
    return inode->ops->release == tmpfs_release;
}

void tmpfs_count_bytes(int32_t nbytes)
{
    uint32_t irq = irq_save();

    tree_bytes += (uint32_t)nbytes;
    irq_restore(irq);
}

/* ---- inodes ---- */

static const struct inode_ops directory_ops, regular_ops, symlink_ops, special_ops;

/* The file is gone; now its memory goes.  A removed directory was perhaps held by nothing but the
 * name of this file, and so on upwards: a loop, for that may be far. */
static void node_free(struct node *node)
{
    while (node) {
        struct entry *name = node->name;
        struct node *dir = name ? name->dir : NULL;
        slab_free(node_cache, node);
        tmpfs_count_bytes(-(int32_t)sizeof(*node));
        if (name)
            entry_free(name);
        node = dir && inode_drop(&dir->inode) ? dir : NULL;
    }
}

static void cache_release(struct page_cache *cache)
{
    node_free(container_of(cache, struct node, cache));
}

static void cache_get_name(const struct page_cache *cache, struct page_cache_name *name)
{
    const struct node *node = container_of(cache, struct node, cache);

    name->device = node->inode.device;
    name->inode = node->inode.number;
    inode_path(&node->inode, name->path, sizeof(name->path));
}

static void tmpfs_release(struct inode *inode)
{
    struct node *node = node_of(inode);

    if (inode->cache) {
        pagecache_put(inode->cache); /* cache_release() when nobody maps it */
        return;
    }
    if (inode_is(inode, S_IFLNK)) {
        kfree(node->target);
        tmpfs_count_bytes(-(int32_t)inode->size);
    }
    node_free(node);
}

static void setup_regular(struct node *node)
{
    static const struct page_cache_ops cache_ops = {
        .release = cache_release,
        .get_name = cache_get_name,
    };

    node->inode.ops = &regular_ops;
    node->inode.file_ops = &tmpfs_file_ops;
    pagecache_setup(&node->cache, &cache_ops, NULL, 0);
    node->cache.limited = true;
    node->inode.cache = &node->cache;
}

static int32_t read_directory(struct file *file, uaddr_t buffer, uint32_t nbytes,
                              uint64_t *offset)
{
    (void)file, (void)buffer, (void)nbytes, (void)offset;
    return -EISDIR; /* getdents(2) goes through inode_ops.readdir */
}

static void setup_directory(struct node *node)
{
    static const struct file_ops directory_file_ops = {
        .read = read_directory,
        .seek = file_seek_in_size,
    };

    node->inode.ops = &directory_ops;
    node->inode.file_ops = &directory_file_ops;
    node->inode.nlink = 1; /* its own "."; the entry counts when it is made */
    node->inode.size = FIRST_POSITION * ENTRY_BYTES;
    node->next_position = FIRST_POSITION;
    list_init(&node->entries);
}

static void setup_special(struct node *node, uint32_t device)
{
    bool fifo = inode_is(&node->inode, S_IFIFO);

    node->inode.ops = &special_ops;
    node->inode.rdev = fifo ? 0 : device;
    node->inode.file_ops = fifo ? &fifo_file_ops : fs_device_ops(node->inode.mode, device);
}

/* An inode of any type but a symbolic link, with one reference and no entry.  NULL: no memory. */
static struct node *node_create(uint32_t mode, uint32_t device)
{
    struct node *node = slab_alloc(node_cache, PAGE_ZERO);

    if (!node)
        return NULL;
    tmpfs_count_bytes(sizeof(*node));
    node->inode.number = ++last_number;
    node->inode.device = TMPFS_DEVICE;
    node->inode.mode = mode;
    node->inode.refs = 1;
    node->inode.atime = node->inode.mtime = node->inode.ctime = fs_now();
    if (inode_is(&node->inode, S_IFREG))
        setup_regular(node);
    else if (inode_is(&node->inode, S_IFDIR))
        setup_directory(node);
    else
        setup_special(node, device);
    return node;
}

/* ---- operations: looking ---- */

static int tmpfs_lookup(struct inode *inode, const char *name, struct inode **found)
{
    struct node *dir = node_of(inode);
    struct entry *entry = entry_find(dir, name);

    if (entry)
        *found = inode_get(entry->inode);
    else if (strcmp(name, ".") == 0)
        *found = inode_get(inode);
    else if (strcmp(name, "..") == 0)
        *found = inode_get(dir->name ? &dir->name->dir->inode : inode);
    else
        return -ENOENT;
    return 0;
}

/* The first entry at or behind a position; NULL: none.  Walks that go on where they stopped are the
 * rule: the cursor saves them the way from the start. */
static struct entry *entry_at(struct node *dir, uint64_t position)
{
    bool near = dir->cursor && dir->cursor->position <= position;
    struct list_node *node = near ? &dir->cursor->siblings : dir->entries.next;

    for (; node != &dir->entries; node = node->next) {
        struct entry *entry = list_entry(node, struct entry, siblings);
        if (entry->position >= position)
            return entry;
    }
    return NULL;
}

static void fill_dir_entry(struct dir_entry *dir_entry, const struct inode *inode,
                           const char *name)
{
    dir_entry->number = inode->number;
    dir_entry->mode = inode->mode & S_IFMT;
    strlcpy(dir_entry->name, name, sizeof(dir_entry->name));
}

static int tmpfs_readdir(struct inode *inode, uint64_t *position, struct dir_entry *dir_entry)
{
    struct node *dir = node_of(inode);

    if (*position < FIRST_POSITION) {
        bool up = *position > 0 && dir->name;
        fill_dir_entry(dir_entry, up ? &dir->name->dir->inode : inode,
                       *position > 0 ? ".." : ".");
        ++*position;
        return 1;
    }
    struct entry *entry = entry_at(dir, *position);
    if (!entry)
        return 0;
    fill_dir_entry(dir_entry, entry->inode, entry->name);
    dir->cursor = entry;
    *position = (uint64_t)entry->position + 1;
    return 1;
}

static int tmpfs_readlink(struct inode *inode, char *target, size_t size)
{
    return (int)strlcpy(target, node_of(inode)->target, size);
}

/* ---- operations: making ---- */

/* "", "." and ".." are there already, in every directory. */
static bool is_special_name(const char *name)
{
    return !*name || strcmp(name, ".") == 0 || strcmp(name, "..") == 0;
}

/* May an entry of this name be made?  If so, here it is. */
static int prepare_entry(struct inode *dir, const char *name, struct entry **entry)
{
    if (is_special_name(name) || entry_find(node_of(dir), name))
        return -EEXIST;
    if (dir->nlink == 0)
        return -ENOENT; /* a removed directory in which somebody still stands */
    if (strlen(name) > NAME_MAX)
        return -ENAMETOOLONG;
    if (tree_bytes >= tree_bytes_max)
        return -ENOSPC;
    *entry = entry_alloc(name);
    return *entry ? 0 : -ENOMEM;
}

static bool is_valid_type(uint32_t mode)
{
    switch (mode & S_IFMT) {
    case S_IFREG:
    case S_IFDIR:
    case S_IFCHR:
    case S_IFBLK:
    case S_IFIFO:
    case S_IFSOCK:
        return true;
    default:
        return false;
    }
}

static int tmpfs_create(struct inode *dir, const char *name, uint32_t mode, uint32_t device,
                        struct inode **created)
{
    struct entry *entry;

    if (!(mode & S_IFMT))
        mode |= S_IFREG;
    if (!is_valid_type(mode))
        return -EINVAL;
    int error = prepare_entry(dir, name, &entry);
    if (error)
        return error;
    struct node *node = node_create(mode, device);
    if (!node) {
        entry_free(entry);
        return -ENOSPC;
    }
    node->inode.nlink++;
    entry_insert(node_of(dir), entry, inode_get(&node->inode));
    *created = &node->inode;
    return 0;
}

static struct node *symlink_create(const char *target)
{
    size_t size = strlen(target) + 1;
    struct node *node = node_create(S_IFLNK | 0777, 0);

    if (!node)
        return NULL;
    node->target = kmalloc(size, PAGE_ANY);
    if (!node->target) {
        inode_put(&node->inode);
        return NULL;
    }
    memcpy(node->target, target, size);
    node->inode.size = (uint32_t)size - 1;
    tmpfs_count_bytes((int32_t)node->inode.size);
    node->inode.nlink = 1;
    node->inode.ops = &symlink_ops;
    return node;
}

static int tmpfs_symlink(struct inode *dir, const char *name, const char *target)
{
    struct entry *entry;
    int error = !*target ? -ENOENT : prepare_entry(dir, name, &entry);

    if (error)
        return error;
    struct node *node = symlink_create(target);
    if (!node) {
        entry_free(entry);
        return -ENOSPC;
    }
    entry_insert(node_of(dir), entry, &node->inode);
    return 0;
}

static int tmpfs_link(struct inode *dir, const char *name, struct inode *inode)
{
    struct entry *entry;

    if (!is_node(inode))
        return -EXDEV;
    if (inode_is(inode, S_IFDIR))
        return -EPERM;
    int error = prepare_entry(dir, name, &entry);
    if (error)
        return error;
    if (inode->nlink == 0) { /* removed: it does not come back */
        entry_free(entry);
        return -ENOENT;
    }
    inode->nlink++;
    inode->ctime = fs_now();
    entry_insert(node_of(dir), entry, inode_get(inode));
    return 0;
}

/* ---- operations: removing and renaming ---- */

/* Remove an entry, and what it leads to if nothing else does. */
static void drop_entry(struct entry *entry)
{
    struct inode *inode = entry_remove(entry);

    inode->nlink = inode_is(inode, S_IFDIR) ? 0 : inode->nlink - 1;
    inode->ctime = fs_now();
    inode_put(inode);
}

static int tmpfs_unlink(struct inode *dir, const char *name)
{
    struct entry *entry = entry_find(node_of(dir), name);

    if (is_special_name(name) || (entry && inode_is(entry->inode, S_IFDIR)))
        return -EISDIR;
    if (!entry)
        return -ENOENT;
    drop_entry(entry);
    return 0;
}

/* A directory that may go, in favour of nothing or of another one: 0, -EBUSY, -ENOTEMPTY. */
static int check_removable(struct inode *inode)
{
    if (!is_node(inode))
        return -EBUSY; /* something is mounted there */
    return list_is_empty(&node_of(inode)->entries) ? 0 : -ENOTEMPTY;
}

static int tmpfs_rmdir(struct inode *dir, const char *name)
{
    struct entry *entry = entry_find(node_of(dir), name);

    if (is_special_name(name))
        return !*name ? -EBUSY : strcmp(name, ".") == 0 ? -EINVAL : -ENOTEMPTY;
    if (!entry)
        return -ENOENT;
    int error = inode_is(entry->inode, S_IFDIR) ? check_removable(entry->inode) : -ENOTDIR;
    if (!error)
        drop_entry(entry);
    return error;
}

/* Is `node` the directory, or one of those above it? */
static bool is_at_or_above(const struct inode *inode, const struct node *dir)
{
    while (&dir->inode != inode && dir->name)
        dir = dir->name->dir;
    return &dir->inode == inode;
}

/* May `old` replace `target` (NULL: nothing there)?  In Linux's order of checks. */
static int check_rename(const struct entry *old, const struct node *old_dir,
                        const struct node *new_dir, const struct entry *target)
{
    bool directory = inode_is(old->inode, S_IFDIR);

    if (!is_node(old->inode))
        return -EBUSY;
    if (directory && is_at_or_above(old->inode, new_dir))
        return -EINVAL;
    if (new_dir->inode.nlink == 0)
        return -ENOENT;
    if (!target)
        return 0;
    if (is_at_or_above(target->inode, old_dir))
        return -ENOTEMPTY;
    if (directory && !inode_is(target->inode, S_IFDIR))
        return -ENOTDIR;
    if (!directory && inode_is(target->inode, S_IFDIR))
        return -EISDIR;
    return directory ? check_removable(target->inode) : 0;
}

static int tmpfs_rename(struct inode *old_dir, const char *old_name, struct inode *new_dir,
                        const char *new_name)
{
    if (is_special_name(old_name) || is_special_name(new_name))
        return -EBUSY;
    struct entry *old = entry_find(node_of(old_dir), old_name);
    struct entry *target = entry_find(node_of(new_dir), new_name);
    if (!old)
        return -ENOENT;
    if (target && target->inode == old->inode)
        return 0; /* two names of one file: as POSIX has it, both stay */
    int error = check_rename(old, node_of(old_dir), node_of(new_dir), target);
    if (error)
        return error;
    if (strlen(new_name) > NAME_MAX)
        return -ENAMETOOLONG;
    struct entry *entry = entry_alloc(new_name);
    if (!entry)
        return -ENOMEM;
    if (target)
        drop_entry(target);
    entry_replace(old, node_of(new_dir), entry);
    return 0;
}

/* ---- tables, start ---- */

static const struct inode_ops directory_ops = {
    .lookup = tmpfs_lookup,
    .readdir = tmpfs_readdir,
    .create = tmpfs_create,
    .symlink = tmpfs_symlink,
    .link = tmpfs_link,
    .unlink = tmpfs_unlink,
    .rmdir = tmpfs_rmdir,
    .rename = tmpfs_rename,
    .path = entry_path,
    .release = tmpfs_release,
};

static const struct inode_ops regular_ops = {
    .truncate = tmpfs_truncate,
    .allocate = tmpfs_allocate,
    .path = entry_path,
    .release = tmpfs_release,
};

static const struct inode_ops symlink_ops = {
    .readlink = tmpfs_readlink,
    .path = entry_path,
    .release = tmpfs_release,
};

static const struct inode_ops special_ops = {
    .path = entry_path,
    .release = tmpfs_release,
};

void tmpfs_set_contents(struct inode *inode, const uint8_t *data, uint32_t nbytes)
{
    inode->cache->source = data;
    inode->cache->source_bytes = nbytes;
    inode->cache->size = nbytes;
}

int tmpfs_mount(struct inode *root, const char *name, struct inode *dir)
{
    struct entry *entry = entry_find(node_of(root), name);

    if (!entry)
        return -ENOENT;
    if (!inode_is(entry->inode, S_IFDIR))
        return -ENOTDIR;
    int error = check_removable(entry->inode);
    if (error)
        return error;
    struct node *covered = entry_mount(entry, dir);
    covered->inode.nlink = 0;
    inode_put(&covered->inode);
    return 0;
}

struct inode *tmpfs_init(void)
{
    node_cache = slab_cache_create("inode", sizeof(struct node), 0, NULL, 0);
    ASSERT(node_cache, "no memory for the cache of inodes");
    tree_bytes_max = buddy_managed_frames() * (PAGE_SIZE / 8);
    entries_init();
    struct node *root = node_create(S_IFDIR | 0755, 0);
    ASSERT(root, "no memory for the root directory");
    root->inode.nlink++; /* ".." */
    return &root->inode;
}
