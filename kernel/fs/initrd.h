/* kernel/fs/initrd.h - the files that came with the kernel: boot modules that are cpio archives.
 * Below: tmpfs, path, lib/cpio.  Above: inode.c's fs_init(). */
#pragma once

#include "kernel/lib/types.h"

/* Unpack every boot module into the tree, later ones over earlier ones; log what was found.  Contents
 * are not copied: a file's page cache reads them from the archive, page by page, when they are
 * wanted. */
void initrd_unpack(void);

/* One archive, which must stay where it is; for tests.  `lost` bytes more of it found no memory.  The
 * tree must have no other user. */
void initrd_unpack_archive(const char *name, const uint8_t *archive, size_t size, size_t lost);
