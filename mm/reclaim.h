/* mm/reclaim.h - what happens when a request for frames finds none: memory that can be had back is
 * taken back, cheapest first.
 * Below: pagecache, shrinker, slab, space.  Above: buddy (by its hook), fault, the idle loop, procfs,
 * the shell.
 * May run inside any allocation, with locks held and interrupts off: it sleeps never, and skips
 * whatever is locked. */
#pragma once

#include "kernel/lib/types.h"

void reclaim_init(void); /* registers with buddy_set_reclaim_hook() */

/* Free frames for a request of 2^order below frame number `below`: clean page-cache pages, empty slabs,
 * then clean file pages that programs map.  Returns the number of frames freed. */
uint32_t reclaim_frames(unsigned order, pfn_t below);

/* For the idle loop: if a zone is below its low watermark, a batch; true: some frames came back, call
 * again. */
bool reclaim_ahead(void);

/* For who holds no lock, before the out-of-memory killer is asked: what nobody would miss (not more: a
 * program whose own pages are dropped while it waits for one would never get on).  Returns how many. */
uint32_t reclaim_unlocked(void);

/* Everything that can be had: for `drop_caches` and tests. */
uint32_t reclaim_all(void);

struct reclaim_stats {
    uint64_t runs, failures;                     /* calls; calls that freed nothing */
    uint64_t ahead;                              /* frames freed by reclaim_ahead() */
    uint64_t cache_pages, slab_frames, unmapped; /* freed; file pages taken from page tables */
};
void reclaim_get_stats(struct reclaim_stats *stats);
