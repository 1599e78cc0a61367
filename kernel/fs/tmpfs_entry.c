/* The names of tmpfs.
 *
 * Words     entry    one name in one directory; several may lead to one inode (hard links)
 *           node     an inode of tmpfs
 *
 *               directory /bin          directory /tmp
 *                 entries                 entries
 *                  |                        |
 *                "busybox" --> node  <--- "mine"        nlink 2
 *                  ^____________|
 *                     its name
 *
 * Lookup    All entries are in one hash table by directory and name, so that a directory of 400
 *           programs costs no more than one of 4.  The list in the directory is for readdir.
 * Names     A node knows one of its entries, from which its path is made, upwards.  The last
 *           entry of a file that is removed stays with it, out of the tree and holding its
 *           directory: "/tmp/x (deleted)".
 * Lock      "fs" is held by whoever changes or looks up.  What leads upwards (a node's name, an
 *           entry's directory) changes under the spin lock "names" as well, for paths are asked for
 *           in places that cannot sleep: `maps`, reports. */
#include "kernel/cpu/spinlock.h"
#include "kernel/fs/tmpfs_internal.h"
#include "kernel/lib/string.h"
#include "mm/kmalloc.h"
#include "mm/slab.h"

#define BUCKETS 128u /* a power of two */
#define FNV_PRIME 16777619u

static struct {
    struct spinlock lock;
    struct slab_cache *cache;
    struct list_node buckets[BUCKETS];
} names = { .lock = SPINLOCK_INIT("names") };

void entries_init(void)
{
    names.cache = slab_cache_create("dirent", sizeof(struct entry), 0, NULL, 0);
    ASSERT(names.cache, "no memory for the cache of directory entries");
    for (unsigned i = 0; i < BUCKETS; i++)
        list_init(&names.buckets[i]);
}

static void note_change(struct node *dir)
{
    dir->inode.mtime = dir->inode.ctime = fs_now();
}

static struct list_node *bucket_of(const struct node *dir, const char *name)
{
    uint32_t hash = (uint32_t)(uintptr_t)dir >> 4;

    for (; *name; name++)
        hash = (hash ^ (uint8_t)*name) * FNV_PRIME; /* FNV-1a */
    return &names.buckets[(hash ^ hash >> 16) % BUCKETS];
}

struct entry *entry_find(const struct node *dir, const char *name)
{
    struct list_node *bucket = bucket_of(dir, name);

    list_for_each(list_node, bucket) {
        struct entry *entry = list_entry(list_node, struct entry, bucket);
        if (entry->dir == dir && strcmp(entry->name, name) == 0)
            return entry;
    }
    return NULL;
}

static int32_t bytes_of(const struct entry *entry)
{
    bool outside = entry->name != entry->short_name;
    return (int32_t)(sizeof(*entry) + (outside ? strlen(entry->name) + 1 : 0));
}

struct entry *entry_alloc(const char *name)
{
    size_t size = strlen(name) + 1;
    struct entry *entry = slab_alloc(names.cache, PAGE_ZERO);

    if (!entry)
        return NULL;
    entry->name = size <= SHORT_NAME ? entry->short_name : kmalloc(size, PAGE_ANY);
    if (!entry->name) {
        slab_free(names.cache, entry);
        return NULL;
    }
    memcpy(entry->name, name, size);
    tmpfs_count_bytes(bytes_of(entry));
    return entry;
}

void entry_free(struct entry *entry)
{
    tmpfs_count_bytes(-bytes_of(entry));
    if (entry->name != entry->short_name)
        kfree(entry->name);
    slab_free(names.cache, entry);
}

void entry_insert(struct node *dir, struct entry *entry, struct inode *inode)
{
    uint32_t irq = spin_lock(&names.lock);

    entry->dir = dir;
    entry->inode = inode;
    entry->position = dir->next_position++;
    list_add_tail(&dir->entries, &entry->siblings);
    list_add_head(bucket_of(dir, entry->name), &entry->bucket);
    if (is_node(inode) && !node_of(inode)->name)
        node_of(inode)->name = entry;
    spin_unlock(&names.lock, irq);
    dir->inode.size += ENTRY_BYTES;
    if (inode_is(inode, S_IFDIR))
        dir->inode.nlink++;
    note_change(dir);
}

/* Another entry of this inode, of which there are several. */
static struct entry *other_entry(const struct inode *inode)
{
    for (unsigned i = 0; i < BUCKETS; i++)
        list_for_each(list_node, &names.buckets[i]) {
            struct entry *entry = list_entry(list_node, struct entry, bucket);
            if (entry->inode == inode)
                return entry;
        }
    return NULL;
}

/* "names" held, the entry is out of the tree.  Does it stay as the name of a file that has no other? */
static bool stays_as_name(struct entry *entry, struct inode *inode)
{
    if (!is_node(inode) || node_of(inode)->name != entry)
        return false;
    struct entry *other = inode->nlink > 1 && !inode_is(inode, S_IFDIR) ? other_entry(inode)
                                                                        : NULL;
    if (other)
        node_of(inode)->name = other;
    else
        inode_get(&entry->dir->inode);
    return !other;
}

struct inode *entry_remove(struct entry *entry)
{
    struct node *dir = entry->dir;
    struct inode *inode = entry->inode;
    uint32_t irq = spin_lock(&names.lock);

    list_remove(&entry->siblings);
    list_remove(&entry->bucket);
    entry->inode = NULL;
    if (dir->cursor == entry)
        dir->cursor = NULL;
    bool stays = stays_as_name(entry, inode);
    spin_unlock(&names.lock, irq);
    if (!stays)
        entry_free(entry);
    dir->inode.size -= ENTRY_BYTES;
    if (inode_is(inode, S_IFDIR))
        dir->inode.nlink--;
    note_change(dir);
    return inode;
}

void entry_replace(struct entry *old, struct node *new_dir, struct entry *entry)
{
    struct inode *inode = inode_get(old->inode);
    struct node *node = node_of(inode);

    entry_insert(new_dir, entry, inode);
    uint32_t irq = spin_lock(&names.lock);
    if (node->name == old)
        node->name = entry;
    spin_unlock(&names.lock, irq);
    inode_put(entry_remove(old));
    inode->ctime = fs_now();
}

struct node *entry_mount(struct entry *entry, struct inode *dir)
{
    struct node *covered = node_of(entry->inode);
    uint32_t irq = spin_lock(&names.lock);

    entry->inode = inode_get(dir);
    covered->name = NULL;
    spin_unlock(&names.lock, irq);
    return covered;
}

/* ---- paths ---- */

/* Put text before what is in the buffer from `at` on; what does not fit is lost. */
static char *prepend(char *start, char *at, const char *text)
{
    size_t length = strlen(text), room = (size_t)(at - start);
    size_t fits = MIN(length, room);

    memcpy(at - fits, text + length - fits, fits);
    return at - fits;
}

void entry_path(const struct inode *inode, char *text, size_t size)
{
    const struct node *node = container_of(inode, const struct node, inode);
    uint32_t irq = spin_lock(&names.lock);
    char *at = text + size - 1;
    bool removed = false;

    *at = '\0';
    for (; node->name; node = node->name->dir) {
        removed |= !node->name->inode;
        at = prepend(text, at, node->name->name);
        at = prepend(text, at, "/");
    }
    spin_unlock(&names.lock, irq);
    if (!*at)
        at = prepend(text, at, "/"); /* the root */
    size_t length = strlen(at);
    memmove(text, at, length + 1);
    if (removed)
        strlcpy(text + length, " (deleted)", size - length);
}

bool tmpfs_mount_path(const struct inode *dir, char *text, size_t size)
{
    uint32_t irq = spin_lock(&names.lock);
    const struct entry *entry = other_entry(dir);

    if (entry && size > 0) {
        text[0] = '/';
        strlcpy(text + 1, entry->name, size - 1);
    }
    spin_unlock(&names.lock, irq);
    return entry != NULL;
}
