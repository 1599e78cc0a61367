/* mm/kmalloc.h - memory by size: slab caches up to 8 KiB, buddy above.
 * Below: slab, buddy.  Any context; does not sleep. */
#pragma once

#include "mm/buddy.h"

#define KMALLOC_MAX (4u * MiB)

void kmalloc_init(void);

/* nbytes, aligned to 8 (and to its size for powers of two up to 8 KiB).  There may be more,
 * which is not the caller's: slab_debug=Z and KASAN report who writes there.  `flags` as for
 * buddy_alloc.  NULL if nbytes is 0 or above KMALLOC_MAX, or there is no memory. */
void *kmalloc(size_t nbytes, unsigned flags);

/* The layout form: size and alignment (a power of two up to 4 MiB) when taking and when
 * giving. */
void *kmalloc_aligned(size_t nbytes, size_t align, unsigned flags);
void kfree_aligned(void *pointer, size_t nbytes, size_t align);

/* Give back what kmalloc() returned; NULL is allowed; anything else that kmalloc() did not
 * return is a bug and panics. */
void kfree(void *pointer);

/* All bytes that there are at `pointer` (>= what was asked for).  From now on they are the
 * caller's: the redzone begins behind them. */
size_t kmalloc_usable_size(const void *pointer);
