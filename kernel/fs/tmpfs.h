/* kernel/fs/tmpfs.h - the file system in memory: what inode.c and initrd.c need of it.
 * Below: inode.h, mm/pagecache.  Above: inode.c.
 * Locks: "fs" (inode.h) for the tree; "names" for the way from an inode up to its name. */
#pragma once

#include "kernel/fs/inode.h"

#define TMPFS_DEVICE DEVICE_NUMBER(0, 1) /* st_dev */

/* Size limits: of a file, by 32-bit page numbers; of one that was opened without O_LARGEFILE. */
#define TMPFS_FILE_MAX ((uint64_t)UINT32_MAX << PAGE_SHIFT)
#define TMPFS_SMALL_FILE_MAX ((uint64_t)INT32_MAX)

/* The caches, and a root directory with one reference. */
struct inode *tmpfs_init(void);

/* Replace the empty directory `name` of `root` by somebody else's; see fs_mount().  fs lock held. */
int tmpfs_mount(struct inode *root, const char *name, struct inode *dir);

/* The contents of a regular file nobody has used yet: bytes that stay where they are. */
void tmpfs_set_contents(struct inode *inode, const uint8_t *data, uint32_t nbytes);

/* The name under which a directory of somebody else is mounted: "/proc".  Any context. */
bool tmpfs_mount_path(const struct inode *dir, char *text, size_t size);

/* tmpfs_file.c: contents of regular files. */
extern const struct file_ops tmpfs_file_ops;
int tmpfs_truncate(struct inode *inode, uint64_t size);
int tmpfs_allocate(struct inode *inode, uint64_t start, uint64_t end,
                   enum inode_size_rule rule);
