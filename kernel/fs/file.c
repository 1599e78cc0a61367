/* Open files and descriptors.
 *
 * Words     inode       what a file is: contents, type, permissions (inode.h)
 *           file        one open(2) of it: position and flags; dup(2) and fork(2) share it
 *           descriptor  a small number by which one process names a file
 *
 *             process A          process B (forked)
 *             fd 0 1 2 3         fd 0 1 2 3
 *                  | |  \______________|  \
 *                  v v                 v   v
 *                 file (offset)      file  file       counted references
 *                    \                 /    |
 *                     `----> inode <--'     inode
 *
 * Table     An array of slots that doubles when it is full.  The lowest free descriptor is found by
 *           walking: programs have few.
 * Lock      "files" in each table, for its slots only: what file_release() does when the last
 *           reference goes may sleep, so it is called with the lock open. */
#include "kernel/fs/file.h"

#include "kernel/cpu/spinlock.h"
#include "kernel/lib/errno.h"
#include "kernel/lib/string.h"
#include "mm/kmalloc.h"
#include "mm/slab.h"

#define FIRST_SLOTS 8u /* most programs have no more */

struct slot {
    struct file *file; /* NULL: free */
    bool cloexec;
};

struct file_table {
    struct spinlock lock;
    uint32_t refs;
    unsigned limit;     /* RLIMIT_NOFILE: descriptors are below it */
    unsigned count;     /* slots */
    struct slot *slots; /* `first`, or a kmalloc block */
    struct slot first[FIRST_SLOTS];
};

static struct {
    struct slab_cache *file_cache, *table_cache;
} files;

void file_init(void)
{
    files.file_cache = slab_cache_create("file", sizeof(struct file), 0, NULL, 0);
    files.table_cache = slab_cache_create("file_table", sizeof(struct file_table), 0, NULL, 0);
    ASSERT(files.file_cache && files.table_cache, "no memory for the caches of files");
}

/* ---- files ---- */

int file_open(struct inode *inode, unsigned flags, struct file **opened)
{
    static const struct file_ops no_ops; /* O_PATH, and types that cannot be read or written */
    struct file *file = slab_alloc(files.file_cache, PAGE_ZERO);

    if (!file)
        return -ENOMEM;
    mutex_init(&file->position, "position");
    file->refs = 1;
    file->ops = (flags & O_PATH) || !inode->file_ops ? &no_ops : inode->file_ops;
    file->flags = flags & ~(O_CREAT | O_EXCL | O_NOCTTY | O_TRUNC | O_CLOEXEC);
    file->inode = inode_get(inode);
    int error = file->ops->open ? file->ops->open(file) : 0;
    if (error) {
        inode_put(inode);
        slab_free(files.file_cache, file);
        return error;
    }
    *opened = file;
    return 0;
}

struct file *file_hold(struct file *file)
{
    uint32_t irq = irq_save();
    file->refs++;
    irq_restore(irq);
    return file;
}

void file_release(struct file *file)
{
    uint32_t irq = irq_save();
    bool last = --file->refs == 0;
    irq_restore(irq);

    if (!last)
        return;
    if (file->ops->release)
        file->ops->release(file);
    inode_put(file->inode);
    slab_free(files.file_cache, file);
}

static bool has_position(const struct file *file)
{
    return inode_is(file->inode, S_IFREG) || inode_is(file->inode, S_IFDIR);
}

void file_lock_position(struct file *file)
{
    if (has_position(file))
        mutex_lock(&file->position);
}

void file_unlock_position(struct file *file)
{
    if (has_position(file))
        mutex_unlock(&file->position);
}

int64_t file_seek_in_size(struct file *file, int64_t offset, int whence)
{
    int64_t base = whence == SEEK_CUR   ? (int64_t)file->offset
                   : whence == SEEK_END ? (int64_t)inode_size(file->inode)
                                        : 0;

    if (whence < SEEK_SET || whence > SEEK_END ||
        __builtin_add_overflow(base, offset, &offset) || offset < 0)
        return -EINVAL;
    file->offset = (uint64_t)offset;
    return offset;
}

/* ---- tables ---- */

struct file_table *file_table_create(void)
{
    struct file_table *table = slab_alloc(files.table_cache, PAGE_ZERO);

    if (!table)
        return NULL;
    table->lock = (struct spinlock)SPINLOCK_INIT("files");
    table->refs = 1;
    table->limit = FILE_TABLE_MAX;
    table->slots = table->first;
    table->count = FIRST_SLOTS;
    return table;
}

static void free_slots(struct file_table *table)
{
    if (table->slots != table->first)
        kfree(table->slots);
}

/* Room for `count` slots at least: 0, -ENOMEM.  The new array is allocated before the lock is
 * taken; if another thread was faster, it is not needed. */
static int make_room(struct file_table *table, unsigned count)
{
    unsigned new_count = table->count;

    while (new_count < count)
        new_count *= 2;
    struct slot *slots = kmalloc(new_count * sizeof(*slots), PAGE_ZERO);
    if (!slots)
        return -ENOMEM;
    uint32_t irq = spin_lock(&table->lock);
    struct slot *unused = slots;
    if (new_count > table->count) { /* nobody was faster */
        memcpy(slots, table->slots, table->count * sizeof(*slots));
        unused = table->slots == table->first ? NULL : table->slots;
        table->slots = slots;
        table->count = new_count;
    }
    spin_unlock(&table->lock, irq);
    kfree(unused);
    return 0;
}

struct file_table *file_table_copy(struct file_table *table)
{
    struct file_table *copy = file_table_create();

    if (!copy)
        return NULL;
    copy->limit = table->limit;
    uint32_t irq = spin_lock(&table->lock);
    while (copy->count < table->count) { /* another thread may let it grow meanwhile */
        unsigned count = table->count;
        spin_unlock(&table->lock, irq);
        if (make_room(copy, count) != 0) {
            file_table_release(copy);
            return NULL;
        }
        irq = spin_lock(&table->lock);
    }
    for (unsigned fd = 0; fd < table->count; fd++) {
        copy->slots[fd] = table->slots[fd];
        if (copy->slots[fd].file)
            copy->slots[fd].file->refs++;
    }
    spin_unlock(&table->lock, irq);
    return copy;
}

struct file_table *file_table_hold(struct file_table *table)
{
    uint32_t irq = irq_save();
    table->refs++;
    irq_restore(irq);
    return table;
}

/* Empty a slot and return what was in it. */
static struct file *take(struct file_table *table, unsigned fd)
{
    uint32_t irq = spin_lock(&table->lock);
    struct file *file = fd < table->count ? table->slots[fd].file : NULL;

    if (file)
        table->slots[fd] = (struct slot){ 0 };
    spin_unlock(&table->lock, irq);
    return file;
}

void file_table_release(struct file_table *table)
{
    uint32_t irq = irq_save();
    bool last = --table->refs == 0;
    irq_restore(irq);

    if (!last)
        return;
    for (unsigned fd = 0; fd < table->count; fd++)
        file_table_close(table, (int)fd);
    free_slots(table);
    slab_free(files.table_cache, table);
}

void file_table_close_on_exec(struct file_table *table)
{
    for (unsigned fd = 0; fd < table->count; fd++)
        if (table->slots[fd].cloexec)
            file_table_close(table, (int)fd);
}

struct file *file_table_get(struct file_table *table, int fd)
{
    if (!table)
        return NULL;
    uint32_t irq = spin_lock(&table->lock);
    struct file *file = (unsigned)fd < table->count ? table->slots[fd].file : NULL;

    if (file)
        file->refs++;
    spin_unlock(&table->lock, irq);
    return file;
}

int file_table_add(struct file_table *table, struct file *file, int least,
                   enum file_cloexec cloexec)
{
    for (;;) {
        uint32_t irq = spin_lock(&table->lock);
        unsigned fd = (unsigned)least, count = table->count;
        while (fd < count && table->slots[fd].file)
            fd++;
        bool allowed = fd < table->limit;
        if (allowed && fd < count)
            table->slots[fd] = (struct slot){ .file = file, .cloexec = cloexec };
        spin_unlock(&table->lock, irq);
        if (!allowed)
            return -EMFILE;
        if (fd < count)
            return (int)fd;
        if (make_room(table, fd + 1) != 0)
            return -ENOMEM;
    }
}

int file_table_set(struct file_table *table, int fd, struct file *file,
                   enum file_cloexec cloexec)
{
    if ((unsigned)fd >= table->limit)
        return -EBADF;
    while ((unsigned)fd >= table->count)
        if (make_room(table, (unsigned)fd + 1) != 0)
            return -ENOMEM;
    uint32_t irq = spin_lock(&table->lock);
    struct file *old = table->slots[fd].file;
    table->slots[fd] = (struct slot){ .file = file, .cloexec = cloexec };
    spin_unlock(&table->lock, irq);
    if (old)
        file_release(old);
    return 0;
}

int file_table_close(struct file_table *table, int fd)
{
    struct file *file = take(table, (unsigned)fd);

    if (!file)
        return -EBADF;
    file_release(file);
    return 0;
}

bool file_table_is_full(struct file_table *table)
{
    uint32_t irq = spin_lock(&table->lock);
    unsigned fd = 0;

    while (fd < table->count && table->slots[fd].file)
        fd++;
    bool full = fd >= table->limit;
    spin_unlock(&table->lock, irq);
    return full;
}

int file_table_get_cloexec(struct file_table *table, int fd)
{
    uint32_t irq = spin_lock(&table->lock);
    bool open = (unsigned)fd < table->count && table->slots[fd].file;
    int cloexec = open ? table->slots[fd].cloexec : -EBADF;
    spin_unlock(&table->lock, irq);
    return cloexec;
}

int file_table_set_cloexec(struct file_table *table, int fd, enum file_cloexec cloexec)
{
    uint32_t irq = spin_lock(&table->lock);
    bool open = (unsigned)fd < table->count && table->slots[fd].file;
    if (open)
        table->slots[fd].cloexec = cloexec;
    spin_unlock(&table->lock, irq);
    return open ? 0 : -EBADF;
}

int file_table_next(struct file_table *table, int fd)
{
    uint32_t irq = spin_lock(&table->lock);
    unsigned next = (unsigned)fd;

    while (next < table->count && !table->slots[next].file)
        next++;
    int found = next < table->count ? (int)next : -1;
    spin_unlock(&table->lock, irq);
    return found;
}

uint32_t file_table_limit(const struct file_table *table)
{
    return table->limit;
}

void file_table_set_limit(struct file_table *table, uint32_t limit)
{
    table->limit = MIN(limit, FILE_TABLE_MAX);
}
