/* mm/compact.h - compaction: user frames are moved together, so that free memory is in large blocks.
 * Below: migrate, buddy.  Above: buddy (by its hook, before a request of order 1 or more fails;
 * buddy_range.c, for runs, directly), space_huge, the shell.
 * Context: any; sleeps never, passes over what is locked. */
#pragma once

#include "mm/page.h"

void compact_init(void); /* registers with buddy_set_compact_hook() */

/* Make a free block of `order` where buddy_alloc() with these flags would look for one, at the least
 * cost.  True: there is one now. */
bool compact_for(unsigned order, unsigned flags);

/* Make the window [start, start + 2^order), aligned, a free block (or a part of one).  True: it is. */
bool compact_window(pfn_t start, unsigned order);

/* Make `units` blocks of 4 MiB side by side, in one zone, free blocks.  True: they are. */
bool compact_units(pfn_t start, uint32_t units);

/* Make as many free 4 MiB blocks as there is room for.  Returns how many there are more. */
uint32_t compact_all(void);

struct compact_stats {
    uint64_t requests, successes, failures; /* compact_for() */
    uint64_t frames_moved;
    uint64_t windows, pinned; /* emptied; given up because a frame in them could not move */
};
void compact_get_stats(struct compact_stats *stats);
