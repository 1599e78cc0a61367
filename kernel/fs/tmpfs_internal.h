/* kernel/fs/tmpfs_internal.h - what tmpfs.c (inodes and their operations) and tmpfs_entry.c (names)
 * share.  For nobody else. */
#pragma once

#include "kernel/fs/tmpfs.h"

#define SHORT_NAME 20u    /* bytes with the NUL; longer names take a block of their own */
#define ENTRY_BYTES 20u   /* what an entry adds to its directory's size */
#define FIRST_POSITION 2u /* behind "." and ".." */

struct entry {
    struct list_node siblings; /* in `dir`, by position */
    struct list_node bucket;   /* in the hash table */
    struct node *dir;          /* in which it is; after removal: was, and holds a reference */
    struct inode *inode;       /* a node's, or the root of another file system; NULL: removed */
    uint32_t position;
    char *name; /* short_name, or a kmalloc block */
    char short_name[SHORT_NAME];
};

struct node {
    struct inode inode;
    struct entry *name; /* one of its entries; NULL: the root, and what has no entry yet */
    union {
        struct page_cache cache; /* regular files */
        struct {                 /* directories */
            struct list_node entries;
            struct entry *cursor; /* where readdir stopped last; NULL: nowhere */
            uint32_t next_position;
        };
        char *target; /* symbolic links: a kmalloc block */
    };
};

/* The node of an inode, which must be one of tmpfs's. */
static inline struct node *node_of(struct inode *inode)
{
    return container_of(inode, struct node, inode);
}

/* Bytes of kernel memory that inodes and names take (more) or give back (less than 0).  Any context. */
void tmpfs_count_bytes(int32_t nbytes);

/* Ours, or of another file system? */
bool is_node(const struct inode *inode);

void entries_init(void);

/* The entry of this name in a directory, or NULL. */
struct entry *entry_find(const struct node *dir, const char *name);

/* An entry that is in no directory yet; NULL: no memory. */
struct entry *entry_alloc(const char *name);
void entry_free(struct entry *entry);

/* Put an entry into a directory; it takes over a reference to `inode`. */
void entry_insert(struct node *dir, struct entry *entry, struct inode *inode);

/* Take an entry out of its directory.  Returns its inode, with the entry's reference. */
struct inode *entry_remove(struct entry *entry);

/* `entry` takes over from `old` as the way to the inode. */
void entry_replace(struct entry *old, struct node *new_dir, struct entry *entry);

/* An entry leads to `dir` of another file system now; the node it led to is returned. */
struct node *entry_mount(struct entry *entry, struct inode *dir);

/* The path of a node's inode, for inode_ops. */
void entry_path(const struct inode *inode, char *text, size_t size);
