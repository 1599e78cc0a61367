/* kernel/lib/cpio.h - reads "newc" cpio archives (the initrd's format; see cpio(5)). */
#pragma once

#include "kernel/lib/types.h"

struct cpio_entry {
    const char *name;    /* inside the archive, NUL-terminated, without a leading "./" or "/" */
    const uint8_t *data; /* inside the archive */
    uint32_t nbytes;
    uint32_t mode; /* st_mode of stat(2) */
    uint32_t uid, gid;
    uint32_t mtime;                              /* seconds since 1970 */
    uint32_t inode, dev_major, dev_minor, nlink; /* entries with equal ones are one file */
    uint32_t rdev_major, rdev_minor;             /* of device nodes */
};

/* Read the entry at *offset of an archive of `size` bytes and move *offset to the next.
 * 1: *entry is valid.  0: end of the archive (TRAILER!!!).  -EINVAL: the archive is damaged
 * there; no byte outside the archive is ever read. */
int cpio_next(const uint8_t *archive, size_t size, size_t *offset, struct cpio_entry *entry);
