/* mm/buddy.h - page frames in power-of-two blocks, in three zones.
 * Below: memmap, page (which frames exist), inject.  Above: paging, slab, vmalloc, fault.
 * Lock: one per zone ("zone DMA", ...), taken inside; no function sleeps; any context. */
#pragma once

#include "mm/page.h"

#ifndef BUDDY_MAX_ORDER     /* a proof may choose smaller ones (docs/proofs.md) */
#define BUDDY_MAX_ORDER 10u /* 2^10 frames = 4 MiB */
#define BUDDY_HOT_ORDERS 5u /* blocks of the orders below are kept in hot lists, see buddy.c */
#endif

enum zone_id { ZONE_DMA, ZONE_NORMAL, ZONE_HIGHMEM, ZONE_COUNT };

/* What a request needs or can live with.  The best zone is tried first, then the ones below
 * it. */
#define PAGE_ANY 0u        /* NORMAL, then DMA: memory that the kernel can touch directly */
#define PAGE_DMA (1u << 0) /* below 16 MiB only */
#define PAGE_HIGHMEM_OK (1u << 1)  /* HIGHMEM first: the caller uses kmap */
#define PAGE_MOVABLE (1u << 2)     /* a user frame: compaction may put another in its place */
#define PAGE_RECLAIMABLE (1u << 3) /* will be given back when memory is short */
#define PAGE_ZERO \
    (1u << 4) /* filled with zeros; not with PAGE_HIGHMEM_OK (user_frame_alloc_zeroed) */
/* May use what a zone keeps back (min): for requests by which memory comes back, as migration's. */
#define PAGE_ATOMIC (1u << 5)
#define PAGE_NO_RECLAIM \
    (1u << 6) /* nice to have: fails where reclaim or compaction would have to run */

/* What can be done about a block that is in the way.  Free memory is kept apart by it, in units of
 * 4 MiB, so that what cannot move does not get everywhere (mobility.c). */
enum mobility {
    MOBILITY_UNMOVABLE, /* the kernel has pointers to it */
    MOBILITY_MOVABLE,   /* user frames: only page-table entries and the page cache know them */
    MOBILITY_RECLAIMABLE, /* clean pages of files: can be dropped */
    MOBILITY_COUNT
};
const char *mobility_name(enum mobility mobility); /* "Unmovable" ... */

/* Take 2^order contiguous frames, aligned to their size, from the zones that `flags` allow.
 * The block is accounted to `kind` (PAGE_KIND_FIRST_USED ..) and its first frame has kind,
 * order, entries = 0 and refs = 0; the contents are undefined unless PAGE_ZERO.  The caller
 * owns it until buddy_free().  NULL if no allowed zone has such a block (without its last `min`
 * frames, which are for PAGE_ATOMIC) and neither compaction nor reclaim (below) make one, or
 * order > BUDDY_MAX_ORDER. */
struct page *buddy_alloc(unsigned order, enum page_kind kind, unsigned flags);

/* Give back a block that buddy_alloc() handed out, with its order.  Freeing a free block, the
 * inside of a block, a reserved frame, a frame that does not exist or a wrong order is a bug in
 * the caller: panics with a message that names the frame; nothing was changed then. */
void buddy_free(struct page *page, unsigned order);

/* From now on the frames of a used block are blocks of order 0 each, of its kind and with refs = 0, to
 * be freed one by one.  The caller owns the block. */
void buddy_split_block(struct page *page, unsigned order);

/* The other way round: 2^order blocks of order 0 and of one kind, from a multiple of their number on, all
 * of them the caller's, are one block. */
void buddy_join_block(struct page *page, unsigned order);

/* Hand a range of frames to the allocator; used at boot, and for boot memory that is no longer
 * needed.  The frames must be PAGE_RESERVED in mem_map. */
void buddy_add_range(pfn_t start, pfn_t end);

/* Put all blocks of the hot lists back among the others, joined as far as they go.  That happens
 * by itself before a request fails; who wants to see or to compare the free lists does it first.
 * Frames zeroed in advance go back, too.  Returns how many frames went. */
uint32_t buddy_drain(void);

/* What to do when no allowed zone can serve a request: `reclaim` frees what it can, best with a
 * block of `order` below frame number `below` in mind, and returns the number of frames freed.  As long as it frees some,
 * the request is tried again, a few times.  The hook is called with no zone's lock held, but the
 * caller of buddy_alloc() may hold others (a slab cache's, a space's, paging's) and have
 * interrupts off: it must not sleep, must not allocate, and must leave alone what is locked
 * (spin_is_held).  NULL: none. */
void buddy_set_reclaim_hook(uint32_t (*reclaim)(unsigned order, pfn_t below));

/* Asked before that, if the order is not 0: move frames so that a free block of `order` comes into
 * being where `flags` allow; true: try again.  The same context. */
void buddy_set_compact_hook(bool (*compact)(unsigned order, unsigned flags));

/* ---- blocks of any length (buddy_range.c) ---- */

/* Take `npages` contiguous frames, not more, the first one at a multiple of 2^align_order frames
 * (npages = 1 .. 2^20, align_order <= BUDDY_MAX_ORDER).  They are several blocks, of which each first
 * frame has `kind`; runs above 4 MiB are put together from free 4 MiB blocks side by side, for which
 * user frames are moved out of the way.  NULL: no memory, or not in one piece. */
struct page *buddy_alloc_exact(uint32_t npages, unsigned align_order, enum page_kind kind,
                               unsigned flags);
void buddy_free_exact(struct page *page, uint32_t npages);

/* ---- how short memory is ---- */

/* Has a zone less than `low`?  And how many frames would bring all of them to `high`?  Those are wanted
 * below `*below`: where the highest of such zones ends. */
bool buddy_is_short(void);
uint32_t buddy_shortage(pfn_t *below);

/* Change what a used block is accounted to. */
void buddy_set_kind(struct page *page, enum page_kind kind);

struct mobility_stats {
    uint32_t blocks;                           /* of 4 MiB that serve it */
    uint32_t free_blocks[BUDDY_MAX_ORDER + 1]; /* in these */
};

struct zone_stats {
    const char *name;        /* "DMA", "Normal", "HighMem" */
    pfn_t start, end;        /* frames that belong to the zone, present or not */
    uint32_t managed;        /* frames ever handed to it */
    uint32_t free;           /* frames free now, those in the hot lists too */
    uint32_t hot;            /* frames in the hot lists */
    uint32_t zeroed;         /* of the free: full of zeros, for PAGE_ZERO and first touches */
    uint32_t min, low, high; /* watermarks, in frames */
    uint32_t kept_from[ZONE_COUNT]; /* by the best zone of a request: left besides min */
    uint32_t free_blocks[BUDDY_MAX_ORDER + 1]; /* without those in the hot lists */
    struct mobility_stats by_mobility[MOBILITY_COUNT];
    uint64_t claims;        /* 4 MiB blocks that changed their mobility */
    uint64_t allocs, frees; /* blocks */
    uint64_t splits, merges;
    uint64_t refills, drains; /* of the hot lists: batches moved */
};

struct buddy_stats {
    struct zone_stats zones[ZONE_COUNT];
    uint32_t managed, free;           /* frames, sum over the zones */
    uint32_t frames[PAGE_KIND_COUNT]; /* by kind; [PAGE_FREE] == free */
    uint64_t failures;                /* requests that no zone could serve */
    uint64_t reclaims;                /* calls of the reclaim hook */
};

/* A consistent copy of the figures. */
void buddy_get_stats(struct buddy_stats *stats);
uint64_t buddy_reclaim_calls(void); /* = stats.reclaims */

/* Linux's measures of fragmentation, in thousandths.  Index: why a request of this order would fail:
 * near 0 for lack of memory, near 1000 because it is in pieces; -1000: it would not fail.  Unusable:
 * the part of free memory that is of no use to it. */
int buddy_fragmentation_index(const struct zone_stats *zone, unsigned order);
int buddy_unusable_index(const struct zone_stats *zone, unsigned order);

/* Frames by kind, and free frames of HIGHMEM: counters only, no lock, no list.  For the panic
 * report, which may come at any moment. */
void buddy_peek_frames(uint32_t frames[PAGE_KIND_COUNT], uint32_t *high_free);

/* Free frames now, and frames managed, all zones. */
uint32_t buddy_free_frames(void);
uint32_t buddy_managed_frames(void);

/* Walk every list and every frame and check the invariants in buddy.c; logs the first
 * violation. */
bool buddy_check(void);

#ifdef STRATA_HOST
void buddy_reset(void); /* forget everything: the next test has another machine */
#endif
