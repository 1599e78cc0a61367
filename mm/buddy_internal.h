/* mm/buddy_internal.h - what the files of the buddy allocator share: buddy.c (the blocks),
 * mobility.c (which 4 MiB serve whom), buddy_range.c (blocks in a place, or of any length),
 * buddy_check.c (figures, validator), zeroed.c (frames zeroed in advance).  For nobody else.
 * "Lock held" means the zone's. */
#pragma once

#include "kernel/cpu/spinlock.h"
#include "kernel/lib/bitops.h"
#include "mm/buddy.h"
#include "mm/kasan.h"

#define ORDER_COUNT (BUDDY_MAX_ORDER + 1)

/* Memory is dealt out to its users in units of 2^10 frames: the largest block. */
#define BLOCK_SHIFT 10u
_Static_assert(BUDDY_MAX_ORDER <= BLOCK_SHIFT, "a block lies in two units");

/* struct page.refs of a free block: its order if it may be joined with its buddy, else this. */
#define NOT_JOINABLE ~0u

/* struct zone.weigh_below: more than any zone has. */
#define ALWAYS_WEIGH (1u << 31)

struct hot_list {
    struct list_node *newest; /* a chain through node.next, the block freed last first */
    uint32_t count;           /* blocks in it */
    struct list_node *older;  /* another one; NULL, or with `batch` blocks */
    uint32_t batch;           /* most blocks in either */
};

/* The free memory of one mobility in one zone. */
struct pool {
    struct hot_list hot[BUDDY_HOT_ORDERS];
    struct zone *zone;
    uint32_t nonempty; /* bit k: free_lists[k] has a block */
    struct list_node free_lists[ORDER_COUNT];
    struct list_node *zeroed; /* a chain as the hot lists': free frames full of zeros */
    uint32_t zeroed_count;
};

struct zone {
    struct spinlock lock;
    uint32_t frames[PAGE_KIND_COUNT]; /* managed frames by kind; [PAGE_FREE] = free */
    /* Requests of the orders below may go the short way through the hot lists: BUDDY_HOT_ORDERS,
     * or 0 while some are to fail on purpose, or while the zone is near its watermark. */
    uint32_t hot_orders;
    bool is_near_min;
    uint32_t weigh_below; /* with fewer frames free behind it, a request is weighed */
    uint32_t unweighed;   /* that is min and so many */
    uint64_t failures;    /* requests that began here and found no block anywhere */
    struct zone_stats stats;
    struct pool pools[MOBILITY_COUNT];
};

extern struct zone buddy_zones[ZONE_COUNT];

/* 2^order: where each instruction counts, one less than the shift. */
extern const uint32_t frames_in[BLOCK_SHIFT + 1];

/* By the flags of a request that choose a place: where to look first.  Of the zones that it may
 * use, the highest one that has memory. */
#define PLACE_FLAGS (PAGE_DMA | PAGE_HIGHMEM_OK | PAGE_MOVABLE | PAGE_RECLAIMABLE)
extern struct pool *buddy_best_pools[PLACE_FLAGS + 1];

/* The pool of each 4 MiB of physical memory: no block and no pair of buddies is in two of them. */
#define BLOCK_FRAMES (1u << BLOCK_SHIFT)
#define BLOCK_COUNT (1u << (32 - PAGE_SHIFT - BLOCK_SHIFT))
extern struct pool *buddy_pools[BLOCK_COUNT];

/* The frame exists. */
static inline struct pool *pool_of(pfn_t pfn)
{
    return buddy_pools[pfn >> BLOCK_SHIFT];
}

static inline struct zone *zone_of(pfn_t pfn)
{
    return pool_of(pfn)->zone;
}

static inline enum mobility mobility_of(const struct pool *pool)
{
    return (enum mobility)(pool - pool->zone->pools);
}

/* The largest block that begins at a frame number, or at an offset in an aligned run, and does not
 * reach beyond `end`. */
static inline unsigned largest_order(pfn_t start, pfn_t end)
{
    unsigned by_alignment = start == 0 ? BUDDY_MAX_ORDER : bit_lowest(start);
    return MIN(MIN(by_alignment, bit_highest(end - start)), BUDDY_MAX_ORDER);
}

static ALWAYS_INLINE void put_free_block(struct pool *pool, struct page *page, unsigned order)
{
    page->kind = PAGE_FREE;
    page->order = (uint8_t)order;
    page->refs = order;
    list_add_head(&pool->free_lists[order], &page->node);
}

static ALWAYS_INLINE void take_free_block(struct pool *pool, struct page *page, unsigned order)
{
    list_remove(&page->node);
    if (list_is_empty(&pool->free_lists[order]))
        pool->nonempty &= ~(1u << order);
}

/* Is it the head of a block of this order on a free list? */
static ALWAYS_INLINE bool is_joinable(const struct page *page, unsigned order)
{
    return page->kind == PAGE_FREE && page->refs == order;
}

/* Lock held.  A block changes hands: from free to used. */
static ALWAYS_INLINE void account_alloc(struct zone *zone, struct page *page, unsigned order,
                                        enum page_kind kind)
{
    page->kind = (uint8_t)kind;
    page->entries = 0;
    page->refs = 0;
    zone->frames[PAGE_FREE] -= frames_in[order];
    zone->frames[kind] += frames_in[order];
    zone->stats.allocs++;
    kasan_frames_allocated(page, order);
}

static inline uint32_t hot_blocks(const struct hot_list *hot)
{
    return hot->count + (hot->older ? hot->batch : 0);
}

/* ---- buddy.c ---- */

/* Lock held.  The smallest block of the pool that is large enough, cut down to `order`; NULL. */
struct page *pool_alloc(struct pool *pool, unsigned order);

/* Lock held.  Put a block into the free lists of the pool it lies in, joined as far as it goes; what
 * it was accounted to is the caller's business. */
void pool_free(struct page *page, unsigned order);

/* Lock held.  Hot and zeroed blocks back to the free lists; how many frames that were. */
uint32_t zone_drain(struct zone *zone);

/* How many frames a request with these flags must leave in the zone. */
uint32_t buddy_kept_frames(const struct zone *zone, unsigned flags);

/* A frame of this zone for what was in another one, down to its last; no reclaim, no compaction. */
struct page *buddy_alloc_moved(struct zone *zone, enum page_kind kind);

/* The pool of the zone that user frames come from. */
struct pool *buddy_user_pool(struct zone *zone);

/* ---- mobility.c ---- */

/* Lock held.  The pool has no block of `order` or more: make it have one, or name a pool of the zone
 * that has.  NULL: none has. */
struct pool *mobility_fall_back(struct pool *pool, unsigned order);

/* The zone gets its first memory: whose are its 4 MiB blocks? */
void mobility_open_zone(struct zone *zone);

/* ---- buddy_range.c ---- */

/* What a window of 2^order frames, aligned, would take to be one free block. */
enum window_state {
    WINDOW_FREE,    /* is a free block, or a part of one */
    WINDOW_MOVABLE, /* only free blocks and user frames are in it */
    WINDOW_STUCK    /* something in it cannot move */
};
enum window_state window_look(pfn_t start, unsigned order, uint32_t *used);

/* Interrupts off, the zone drained.  Take the free blocks of a WINDOW_MOVABLE window off their lists,
 * so that nothing new comes into it: they become user frames without a reference. */
void window_close(pfn_t start, unsigned order);

/* Give all its frames that have no reference back. */
void window_open(pfn_t start, unsigned order);
