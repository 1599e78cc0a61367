/* mm/buddy.h - page frames in power-of-two blocks, in three zones.
 * Below: memmap, page (which frames exist), inject.  Above: paging, slab, vmalloc, fault.
 * Lock: one per zone ("zone DMA", ...), taken inside; no function sleeps; any context. */
#pragma once

#include "mm/page.h"

#define BUDDY_MAX_ORDER 10u /* 2^10 frames = 4 MiB */
#define BUDDY_HOT_ORDERS 4u /* blocks of the orders below are kept in hot lists, see buddy.c */

enum zone_id { ZONE_DMA, ZONE_NORMAL, ZONE_HIGHMEM, ZONE_COUNT };

/* What a request needs or can live with.  The best zone is tried first, then the ones below
 * it. */
#define PAGE_ANY 0u        /* NORMAL, then DMA: memory that the kernel can touch directly */
#define PAGE_DMA (1u << 0) /* below 16 MiB only */
#define PAGE_HIGHMEM_OK (1u << 1) /* HIGHMEM first: the caller uses kmap */
#define PAGE_ZERO (1u << 2) /* filled with zeros; not with PAGE_HIGHMEM_OK (kmap_zero_frame) */
#define PAGE_NO_RECLAIM (1u << 3) /* nice to have: fails where reclaim would have to run */

/* Take 2^order contiguous frames, aligned to their size, from the zones that `flags` allow.
 * The block is accounted to `kind` (PAGE_KIND_FIRST_USED ..) and its first frame has kind,
 * order, entries = 0 and refs = 0; the contents are undefined unless PAGE_ZERO.  The caller
 * owns it until buddy_free().  NULL if no allowed zone has such a block and reclaim (below)
 * makes none, or order > BUDDY_MAX_ORDER. */
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
 * by itself before a request fails; who wants to see or to compare the free lists does it first. */
void buddy_drain(void);

/* What to do when no allowed zone can serve a request: `reclaim` frees what it can, best with a
 * block of `order` in mind, and returns the number of frames freed.  As long as it frees some,
 * the request is tried again, a few times.  The hook is called with no zone's lock held, but the
 * caller of buddy_alloc() may hold others (a slab cache's, a space's, paging's) and have
 * interrupts off: it must not sleep, must not allocate, and must leave alone what is locked
 * (spin_is_held).  NULL: none. */
void buddy_set_reclaim_hook(uint32_t (*reclaim)(unsigned order));

/* Change what a used block is accounted to. */
void buddy_set_kind(struct page *page, enum page_kind kind);

struct zone_stats {
    const char *name; /* "DMA", "Normal", "HighMem" */
    pfn_t start, end; /* frames that belong to the zone, present or not */
    uint32_t managed; /* frames ever handed to it */
    uint32_t free;    /* frames free now, those in the hot lists too */
    uint32_t hot;     /* frames in the hot lists */
    uint32_t free_blocks[BUDDY_MAX_ORDER + 1]; /* without those in the hot lists */
    uint64_t allocs, frees;                    /* blocks */
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
