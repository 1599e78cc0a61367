/* What all file systems share: references, the lock of the tree, the root, mounts, devices.
 *
 * Tree      The root is tmpfs.  Another file system (/proc) is mounted by putting its root directory
 *           where tmpfs had an empty one: lookups then walk into it without knowing.  Only the way up
 *           needs care, see path.c.
 * Order     fs_init() makes the standard directories and links, then the devices, then unpacks the
 *           boot modules over them.
 * Lock      "fs", one mutex for the whole tree: lookups are short, and a tree of a few hundred names
 *           on one processor has no use for more. */
#include "kernel/fs/inode.h"

#include "kernel/cpu/cpu.h"
#include "kernel/cpu/timer.h"
#include "kernel/dev/rtc.h"
#include "kernel/fs/devices.h"
#include "kernel/fs/file.h"
#include "kernel/fs/initrd.h"
#include "kernel/fs/tmpfs.h"
#include "kernel/lib/errno.h"
#include "kernel/lib/string.h"
#include "kernel/sched/mutex.h"

#define MAX_DEVICES 16u
#define STAT_BLOCK 512u

static struct {
    struct mutex mutex;
    struct inode *root;
    uint64_t tick, now; /* the time at that tick */
    unsigned device_count;
    struct {
        uint32_t rdev;
        const struct file_ops *ops;
    } devices[MAX_DEVICES]; /* character devices */
} fs = { .mutex = MUTEX_INIT(fs.mutex, "fs") };

void fs_lock(void)
{
    mutex_lock(&fs.mutex);
}

void fs_unlock(void)
{
    mutex_unlock(&fs.mutex);
}

struct inode *fs_root(void)
{
    return fs.root;
}

/* ---- references ---- */

struct inode *inode_get(struct inode *inode)
{
    uint32_t irq = irq_save();

    inode->refs++;
    irq_restore(irq);
    return inode;
}

bool inode_drop(struct inode *inode)
{
    uint32_t irq = irq_save();

    ASSERT(inode->refs > 0, "inode %u has no user left", inode->number);
    bool last = --inode->refs == 0;
    irq_restore(irq);
    return last;
}

void inode_put(struct inode *inode)
{
    if (inode_drop(inode))
        inode->ops->release(inode);
}

/* ---- properties ---- */

uint64_t inode_blocks(const struct inode *inode)
{
    const struct page_cache *cache = inode->cache;

    if (!cache)
        return 0;
    uint32_t npages = MAX(cache->npages, DIV_ROUND_UP(cache->source_bytes, PAGE_SIZE));
    return (uint64_t)npages * (PAGE_SIZE / STAT_BLOCK);
}

const char *inode_path(const struct inode *inode, char *text, size_t size)
{
    if (inode->ops->path)
        inode->ops->path(inode, text, size);
    else if (!tmpfs_mount_path(inode, text, size))
        strlcpy(text, "?", size);
    return text;
}

/* ---- time ---- */

/* The hardware's clock is slow to read, so it is read once a tick. */
uint64_t fs_now(void)
{
    uint64_t tick = timer_ticks();
    uint32_t irq = irq_save();

    if (fs.tick != tick || fs.now == 0) {
        fs.tick = tick;
        fs.now = rtc_now_ns();
    }
    uint64_t now = fs.now;
    irq_restore(irq);
    return now;
}

/* ---- the tree ---- */

/* fs lock held.  A directory in the root; one that is there already will do. */
static int make_directory(const char *name, uint32_t mode)
{
    struct inode *made;
    int error = fs.root->ops->create(fs.root, name, S_IFDIR | mode, 0, &made);

    if (!error)
        inode_put(made);
    return error == -EEXIST ? 0 : error;
}

int fs_mount(const char *name, struct inode *dir)
{
    fs_lock();
    int error = make_directory(name, 0755);
    if (!error)
        error = tmpfs_mount(fs.root, name, dir);
    fs_unlock();
    return error;
}

static void make_standard_directories(void)
{
    static const struct {
        const char *name;
        uint32_t mode;
    } directories[] = { { "bin", 0755 },  { "dev", 0755 },  { "etc", 0755 },
                        { "proc", 0555 }, { "root", 0700 }, { "tmp", 01777 } };

    fs_lock();
    for (unsigned i = 0; i < ARRAY_SIZE(directories); i++) {
        int error = make_directory(directories[i].name, directories[i].mode);
        ASSERT(!error, "no memory for /%s", directories[i].name);
    }
    fs_unlock();
}

/* Names in /dev for what the reader has open. */
static void make_standard_links(void)
{
    static const struct {
        const char *name, *target;
    } links[] = { { "fd", "/proc/self/fd" },
                  { "stdin", "fd/0" },
                  { "stdout", "fd/1" },
                  { "stderr", "fd/2" } };
    struct inode *dev;

    fs_lock();
    int error = fs.root->ops->lookup(fs.root, "dev", &dev);
    for (unsigned i = 0; !error && i < ARRAY_SIZE(links); i++)
        error = dev->ops->symlink(dev, links[i].name, links[i].target);
    ASSERT(!error, "no memory for the links in /dev");
    inode_put(dev);
    fs_unlock();
}

void fs_init(void)
{
    file_init();
    fs.root = tmpfs_init();
    make_standard_directories();
    make_standard_links();
    devices_init();
    initrd_unpack();
}

/* ---- devices ---- */

static int open_nothing(struct file *file)
{
    (void)file;
    return -ENXIO;
}

const struct file_ops *fs_device_ops(uint32_t mode, uint32_t rdev)
{
    static const struct file_ops no_device = { .open = open_nothing };

    if ((mode & S_IFMT) == S_IFCHR)
        for (unsigned i = 0; i < fs.device_count; i++)
            if (fs.devices[i].rdev == rdev)
                return fs.devices[i].ops;
    return &no_device;
}

/* fs lock held.  A node made before its driver came gets the driver's ops. */
static int make_device_node(struct inode *dev, const char *name, uint32_t rdev)
{
    struct inode *node;
    int error = dev->ops->create(dev, name, S_IFCHR | 0666, rdev, &node);

    if (error == -EEXIST)
        error = dev->ops->lookup(dev, name, &node);
    if (error)
        return error;
    node->file_ops = fs_device_ops(node->mode, node->rdev);
    inode_put(node);
    return 0;
}

int fs_add_device(const char *name, uint32_t rdev, const struct file_ops *ops)
{
    struct inode *dev;

    if (fs.device_count == MAX_DEVICES)
        return -ENOSPC;
    fs.devices[fs.device_count].rdev = rdev;
    fs.devices[fs.device_count++].ops = ops;
    fs_lock();
    int error = fs.root->ops->lookup(fs.root, "dev", &dev);
    if (!error) {
        error = make_device_node(dev, name, rdev);
        inode_put(dev);
    }
    fs_unlock();
    return error;
}
