/* The buddy allocator.
 *
 * Problem     Hand out contiguous, aligned runs of frames quickly, and rebuild large runs as
 *             they come back.
 * Words       order k = a block of 2^k frames; the buddy of a block is the one whose frame
 *             number differs in bit k only: together they are a block of order k+1.  head = the
 *             first frame of a block, tail = any other.
 * State       for each zone: a list of free blocks for each order, and a word whose bit k says
 *             that list k is not empty.  The head's struct page holds kind and order, for free
 *             and for used blocks; every tail is PAGE_TAIL.  In front of the lists of the small
 *             orders lies a hot list each.
 * Invariants  1. A block of order k starts at a frame number divisible by 2^k.
 *             2. Two buddies of one order on the free lists never coexist below the maximum
 *                order.
 *             3. Sum over k of blocks(k) * 2^k, free and hot, equals the zone's free frames.
 *             4. Free frames + frames of each kind of use = frames managed.
 * Alloc       The lowest set bit at or above k gives the smallest block that is large enough.
 *             While it is too large, its upper half goes to the list one order below.
 * Free        While the buddy is free and of the same order, take it off its list and go on
 *             with the pair as one block.
 * Example     16 frames, all free, alloc order 1:
 *
 *                 order 4  [0..............15]        split
 *                 order 3  [8......15]                upper halves stay free
 *                 order 2  [4..7]
 *                 order 1  [2,3]     and [0,1] is handed out
 *
 *             Freeing [0,1] finds its buddy 0^2 = 2 free at order 1, then 4 at order 2, 8 at
 *             order 3: one block of order 4 again.
 * Hot lists   Most frames come back soon and are asked for again soon; to join them and to split
 *             them each time is work for nothing.  So a freed block of a small order (0 .. 3)
 *             first goes on top of its hot list and is not joined, and a request takes the block
 *             on top, which was freed last: its bytes may still be in the processor's cache.
 *
 *                 buddy_free  --> | newest: 0 .. n | --> | older: 0 or n | --> joined, to the
 *                 buddy_alloc <-- |     blocks     | <-- |    blocks     | <-- free lists
 *
 *             The list is in two parts, so that blocks move to and from the free lists n at a
 *             time, the ones freed longest ago first, and a list that is just full or just empty
 *             does not make each operation expensive.  If both parts are empty, one larger block
 *             is cut up.  A hot block is free: it is PAGE_FREE and counted so; only `refs` in
 *             its struct page tells that it must not be joined where it is.  Before a zone is
 *             given up its hot lists are drained, so they never cost anybody a large block.
 *             (Linux has such lists for each processor, "pcplists"; the two parts are Bonwick's
 *             two magazines, which slab.c has too.)
 * Reclaim     Behind the last zone stands a hook: upper layers give back what they only keep in
 *             case it is needed.
 * Zones       DMA (below 16 MiB), Normal (below 896 MiB, in the direct map), HighMem.  Their
 *             bounds are multiples of 4 MiB, so no block and no pair of buddies lies in two
 *             zones.
 * Cost        Hot: constant.  Else at most 10 steps for either operation, independent of the
 *             size of memory.
 * Limits      4 MiB a block; up to half of a block is wasted for sizes just above a power of
 *             two.
 * Lock        one for each zone.
 * Reading     K. Knowlton, "A Fast Storage Allocator", CACM 1965; Knuth, TAOCP vol. 1, 2.5;
 *             Bonwick and Adams, "Magazines and Vmem", USENIX 2001, section 3. */
#include "mm/buddy.h"

#include "kernel/cpu/spinlock.h"
#include "kernel/lib/bitops.h"
#include "kernel/lib/string.h"
#include "kernel/log.h"
#include "mm/inject.h"
#include "mm/kasan.h"
#include "mm/track.h"

#define ORDER_COUNT (BUDDY_MAX_ORDER + 1)

#define HOT_BATCH_ORDER 5u /* frames in one part of a hot list, as an order */

#define RECLAIM_ROUNDS 4u

/* struct page.refs of a free block: its order if it may be joined with its buddy, else this. */
#define NOT_JOINABLE ~0u

struct hot_list {
    struct list_node *newest; /* a chain through node.next, the block freed last first */
    uint32_t count;           /* blocks in it */
    struct list_node *older;  /* another one; NULL, or with `batch` blocks */
    uint32_t batch;           /* most blocks in either */
};

struct zone {
    struct spinlock lock;
    struct hot_list hot[BUDDY_HOT_ORDERS];
    struct list_node free_lists[ORDER_COUNT];
    uint32_t nonempty;                /* bit k: free_lists[k] has a block */
    uint32_t frames[PAGE_KIND_COUNT]; /* managed frames by kind; [PAGE_FREE] = free */
    uint64_t failures;                /* requests that began here and found no block anywhere */
    struct zone_stats stats;
};

#define ZONE_INIT(zone_name, first, last)                            \
    {                                                                \
        .lock = SPINLOCK_INIT("zone " zone_name),                    \
        .stats = { .name = zone_name, .start = first, .end = last }, \
    }

static struct zone zones[ZONE_COUNT] = {
    [ZONE_DMA] = ZONE_INIT("DMA", 0, DMA_MAX_PFN),
    [ZONE_NORMAL] = ZONE_INIT("Normal", DMA_MAX_PFN, LOWMEM_MAX_PFN),
    [ZONE_HIGHMEM] = ZONE_INIT("HighMem", LOWMEM_MAX_PFN, 1u << (32 - PAGE_SHIFT)),
};

/* By PAGE_DMA and PAGE_HIGHMEM_OK of a request: where to look first.  Of the zones that it may
 * use, the highest one that has memory. */
static struct zone *best_zones[] = {
    [PAGE_ANY] = &zones[ZONE_DMA],
    [PAGE_DMA] = &zones[ZONE_DMA],
    [PAGE_HIGHMEM_OK] = &zones[ZONE_DMA],
    [PAGE_DMA | PAGE_HIGHMEM_OK] = &zones[ZONE_DMA],
};
#define ZONE_FLAGS (PAGE_DMA | PAGE_HIGHMEM_OK)
_Static_assert(ZONE_FLAGS < ARRAY_SIZE(best_zones), "the zone flags are not the lowest bits");

static uint32_t managed; /* frames, all zones */

static struct {
    uint32_t (*hook)(unsigned order);
    uint64_t calls;
} reclaim;

/* The zone of each 16 MiB, for the bounds of the zones are multiples of that. */
#define STRIPE_SHIFT 12u /* in frames */
#define STRIPE(pfn) ((pfn) >> STRIPE_SHIFT)
static struct zone *const zone_of_stripe[] = {
    [0] = &zones[ZONE_DMA],
    [STRIPE(DMA_MAX_PFN)... STRIPE(LOWMEM_MAX_PFN) - 1] = &zones[ZONE_NORMAL],
    [STRIPE(LOWMEM_MAX_PFN)... STRIPE((1u << (32 - PAGE_SHIFT)) - 1)] = &zones[ZONE_HIGHMEM],
};
_Static_assert(STRIPE(DMA_MAX_PFN) == 1 && LOWMEM_MAX_PFN % (1u << STRIPE_SHIFT) == 0,
               "a zone ends within a stripe");

/* The frame exists. */
static struct zone *zone_of(pfn_t pfn)
{
    return zone_of_stripe[STRIPE(pfn)];
}

static void put_free_block(struct zone *zone, struct page *page, unsigned order)
{
    page->kind = PAGE_FREE;
    page->order = (uint8_t)order;
    page->refs = order;
    list_add_head(&zone->free_lists[order], &page->node);
}

static void take_free_block(struct zone *zone, struct page *page, unsigned order)
{
    list_remove(&page->node);
    if (list_is_empty(&zone->free_lists[order]))
        zone->nonempty &= ~(1u << order);
}

/* Is it the head of a block of this order on a free list? */
static bool is_joinable(const struct page *page, unsigned order)
{
    return page->kind == PAGE_FREE && page->refs == order;
}

/* Lock held.  The smallest block that is large enough, cut down to `order`. */
static struct page *zone_alloc(struct zone *zone, unsigned order)
{
    uint32_t candidates = zone->nonempty & (~0u << order);
    if (candidates == 0)
        return NULL;

    unsigned have = bit_lowest(candidates);
    struct page *page = list_first(&zone->free_lists[have], struct page, node);
    take_free_block(zone, page, have);
    for (unsigned k = have; k-- > order;)
        put_free_block(zone, page + (1u << k), k);
    zone->nonempty |= (1u << have) - (1u << order); /* the orders order .. have - 1 */
    zone->stats.splits += have - order;
    return page;
}

/* Lock held.  Put a block back, joined with its buddy as often as that is free too. */
static ALWAYS_INLINE void zone_free(struct zone *zone, struct page *page, unsigned order)
{
    pfn_t pfn = page_to_pfn(page);
    unsigned k = order;

    for (; k < BUDDY_MAX_ORDER; k++) {
        pfn_t bit = 1u << k;
        struct page *buddy = pfn_to_page(pfn ^ bit);
        if ((pfn ^ bit) >= max_pfn || !is_joinable(buddy, k))
            break;
        take_free_block(zone, buddy, k);
        pfn_to_page(pfn | bit)->kind = PAGE_TAIL; /* the upper one is no head any more */
        pfn &= ~bit;
        zone->stats.merges++;
    }
    put_free_block(zone, pfn_to_page(pfn), k);
    zone->nonempty |= 1u << k;
}

/* ---- hot lists ---- */

static ALWAYS_INLINE void hot_push(struct hot_list *hot, struct page *page)
{
    page->kind = PAGE_FREE;
    page->refs = NOT_JOINABLE;
    page->node.next = hot->newest;
    hot->newest = &page->node;
    hot->count++;
}

/* Not empty. */
static ALWAYS_INLINE struct page *hot_pop(struct hot_list *hot)
{
    struct page *page = list_entry(hot->newest, struct page, node);

    hot->newest = page->node.next;
    hot->count--;
    return page;
}

static uint32_t hot_blocks(const struct hot_list *hot)
{
    return hot->count + (hot->older ? hot->batch : 0);
}

/* Lock held.  Give a chain of blocks back to the free lists. */
static void drain_chain(struct zone *zone, unsigned order, struct list_node *chain)
{
    zone->stats.drains += chain != NULL;
    while (chain) {
        struct page *page = list_entry(chain, struct page, node);
        chain = chain->next;
        zone_free(zone, page, order);
    }
}

/* Lock held.  The newer part is full: it becomes the older one. */
static __attribute__((noinline)) void hot_make_room(struct zone *zone, unsigned order)
{
    struct hot_list *hot = &zone->hot[order];

    drain_chain(zone, order, hot->older);
    hot->older = hot->newest;
    hot->newest = NULL;
    hot->count = 0;
}

/* Lock held.  Cut the smallest block that will do, or what there is room for, into blocks of `order` for
 * the hot list, in order of address.  False: there is none. */
static bool hot_add_block(struct zone *zone, unsigned order)
{
    struct hot_list *hot = &zone->hot[order];
    uint32_t candidates = zone->nonempty & (~0u << order);
    if (candidates == 0)
        return false;

    unsigned room = bit_highest((hot->batch - hot->count) << order);
    unsigned have = MIN(bit_lowest(candidates), room);
    struct page *block = zone_alloc(zone, have);
    for (uint32_t i = 1u << have; i > 0;) {
        i -= 1u << order;
        block[i].order = (uint8_t)order;
        hot_push(hot, &block[i]);
    }
    zone->stats.splits += (1u << (have - order)) - 1;
    return true;
}

/* Lock held.  The newer part is empty: it gets the older one or, if that is empty too, a good
 * part of a batch from the free lists. */
static void hot_refill(struct zone *zone, unsigned order)
{
    struct hot_list *hot = &zone->hot[order];

    if (hot->older) {
        hot->newest = hot->older;
        hot->count = hot->batch;
        hot->older = NULL;
        return;
    }
    zone->stats.refills++;
    do {
        if (!hot_add_block(zone, order))
            return;
    } while (hot->count < hot->batch / 2);
}

/* Lock held.  All hot lists; true if there was anything in them. */
static bool zone_drain(struct zone *zone)
{
    bool drained = false;

    for (unsigned order = 0; order < BUDDY_HOT_ORDERS; order++) {
        struct hot_list *hot = &zone->hot[order];
        drained |= hot->newest || hot->older;
        drain_chain(zone, order, hot->older);
        drain_chain(zone, order, hot->newest);
        hot->newest = hot->older = NULL;
        hot->count = 0;
    }
    return drained;
}

/* ---- blocks ---- */

static void zero_block(struct page *page, unsigned order)
{
    ASSERT(page_is_lowmem(page), "PAGE_ZERO with PAGE_HIGHMEM_OK");
    memset(page_to_virt(page), 0, PAGE_SIZE << order);
}

/* Lock held.  A block changes hands: from free to used. */
static ALWAYS_INLINE void account_alloc(struct zone *zone, struct page *page, unsigned order,
                                        enum page_kind kind)
{
    page->kind = (uint8_t)kind;
    page->entries = 0;
    page->refs = 0;
    zone->frames[PAGE_FREE] -= 1u << order;
    zone->frames[kind] += 1u << order;
    zone->stats.allocs++;
    kasan_frames_allocated(page, order);
}

/* Lock held.  From the hot list or, above its orders, from the free lists. */
static struct page *take_block(struct zone *zone, unsigned order)
{
    if (order >= BUDDY_HOT_ORDERS)
        return zone_alloc(zone, order);
    struct hot_list *hot = &zone->hot[order];
    if (!hot->newest)
        hot_refill(zone, order);
    return hot->newest ? hot_pop(hot) : NULL;
}

/* Before it gives up, all hot blocks are joined. */
static struct page *zone_alloc_block(struct zone *zone, unsigned order, enum page_kind kind)
{
    /* A look without the lock: if the zone has not enough, leave it alone. */
    if (zone->frames[PAGE_FREE] >> order == 0)
        return NULL;
    uint32_t irq = spin_lock(&zone->lock);
    struct page *page = take_block(zone, order);
    if (!page && zone_drain(zone))
        page = take_block(zone, order);
    if (page) {
        page->order = (uint8_t)order;
        account_alloc(zone, page, order, kind);
    }
    spin_unlock(&zone->lock, irq);
    return page;
}

/* From the best zone or one below it. */
static struct page *zones_alloc(struct zone *best, unsigned order, enum page_kind kind)
{
    struct zone *zone = best;
    struct page *page = zone_alloc_block(zone, order, kind);

    while (!page && zone > zones)
        page = zone_alloc_block(--zone, order, kind);
    return page;
}

/* Whatever the request, and wherever a block for it can come from. */
static __attribute__((noinline)) struct page *alloc_slowly(unsigned order, enum page_kind kind,
                                                           unsigned flags)
{
    struct zone *best = best_zones[flags & ZONE_FLAGS];
    struct page *page = NULL;

    if (order <= BUDDY_MAX_ORDER && !inject_hits(INJECT_PAGE)) {
        page = zones_alloc(best, order, kind);
        bool may_reclaim = reclaim.hook && !(flags & PAGE_NO_RECLAIM);
        for (unsigned round = 0; !page && may_reclaim && round < RECLAIM_ROUNDS; round++) {
            reclaim.calls++;
            if (reclaim.hook(order) == 0)
                break;
            page = zones_alloc(best, order, kind);
        }
    }
    if (!page) {
        uint32_t irq = spin_lock(&best->lock);
        best->failures++;
        spin_unlock(&best->lock, irq);
        return NULL;
    }
    if (track_pages)
        track_page_alloc(page);
    if (flags & PAGE_ZERO)
        zero_block(page, order);
    return page;
}

struct page *buddy_alloc(unsigned order, enum page_kind kind, unsigned flags)
{
    struct zone *zone = best_zones[flags & ZONE_FLAGS];

    ASSERT(kind >= PAGE_KIND_FIRST_USED && kind < PAGE_KIND_COUNT, "no owner: kind %u", kind);
    if (unlikely(order >= BUDDY_HOT_ORDERS || inject_armed))
        return alloc_slowly(order, kind, flags);

    /* Nearly always enough: what lies on top of the best zone's hot list. */
    uint32_t irq = spin_lock(&zone->lock);
    if (unlikely(!zone->hot[order].newest)) {
        spin_unlock(&zone->lock, irq);
        return alloc_slowly(order, kind, flags);
    }
    struct page *page = hot_pop(&zone->hot[order]);
    account_alloc(zone, page, order, kind);
    spin_unlock(&zone->lock, irq);
    if (flags & PAGE_ZERO)
        zero_block(page, order);
    return page;
}

/* It counts as if the frames had been asked for one by one: as many will be freed. */
void buddy_split_block(struct page *page, unsigned order)
{
    struct page *end = page + (1u << order);
    struct zone *zone = zone_of(page_to_pfn(page));
    uint32_t irq = spin_lock(&zone->lock);

    ASSERT(page->kind >= PAGE_KIND_FIRST_USED && page->order == order,
           "split of pfn %#x (%s, order %u) as order %u", page_to_pfn(page),
           page_kind_name((enum page_kind)page->kind), page->order, order);
    for (struct page *frame = page; frame < end; frame++) {
        frame->kind = page->kind;
        frame->order = 0;
        frame->entries = 0;
        frame->refs = 0;
    }
    for (struct page *frame = page; track_pages && frame < end; frame++)
        track_page_alloc(frame);
    zone->stats.allocs += (1u << order) - 1;
    spin_unlock(&zone->lock, irq);
}

void buddy_join_block(struct page *page, unsigned order)
{
    struct zone *zone = zone_of(page_to_pfn(page));
    uint32_t irq = spin_lock(&zone->lock);

    ASSERT(IS_ALIGNED(page_to_pfn(page), 1u << order), "pfn %#x begins no block of order %u",
           page_to_pfn(page), order);
    for (uint32_t i = 1; i < 1u << order; i++) {
        ASSERT(page[i].kind == page->kind && page[i].order == 0, "pfn %#x is %s, order %u",
               page_to_pfn(&page[i]), page_kind_name((enum page_kind)page[i].kind),
               page[i].order);
        page[i].kind = PAGE_TAIL;
    }
    page->order = (uint8_t)order;
    zone->stats.allocs -= (1u << order) - 1;
    spin_unlock(&zone->lock, irq);
}

void buddy_set_reclaim_hook(uint32_t (*hook)(unsigned order))
{
    reclaim.hook = hook;
}

/* Say what is wrong with a block that may not be freed.  Lock no longer held. */
static __attribute__((cold, noinline)) void refuse_free(struct page *page, unsigned order)
{
    pfn_t pfn = page_to_pfn(page);

    track_log_page(page);
    ASSERT(page->kind != PAGE_FREE, "double free of pfn %#x (order %u)", pfn, order);
    ASSERT(page->kind != PAGE_RESERVED, "free of reserved pfn %#x", pfn);
    if (page->kind == PAGE_TAIL) {
        struct page *head = page_block_head(page);
        ASSERT(false, "free of pfn %#x inside a block (head pfn %#x, order %u, %s)", pfn,
               page_to_pfn(head), head->order, page_kind_name(head->kind));
    }
    ASSERT(false, "free of pfn %#x with order %u, allocated with order %u", pfn, order,
           page->order);
}

void buddy_free(struct page *page, unsigned order)
{
    pfn_t pfn = page_to_pfn(page);

    ASSERT(pfn < max_pfn, "free of a frame that does not exist: pfn %#x", pfn);
    struct zone *zone = zone_of(pfn);
    uint32_t irq = spin_lock(&zone->lock);
    if (unlikely(page->kind < PAGE_KIND_FIRST_USED || page->order != order)) {
        spin_unlock(&zone->lock, irq);
        refuse_free(page, order);
        return;
    }
    zone->frames[page->kind] -= 1u << order;
    zone->frames[PAGE_FREE] += 1u << order;
    zone->stats.frees++;
    kasan_frames_freed(page, order);
    if (likely(order < BUDDY_HOT_ORDERS)) {
        struct hot_list *hot = &zone->hot[order];
        if (unlikely(hot->count == hot->batch))
            hot_make_room(zone, order);
        hot_push(hot, page);
    } else {
        zone_free(zone, page, order);
    }
    spin_unlock(&zone->lock, irq);
}

void buddy_drain(void)
{
    for (unsigned id = 0; id < ZONE_COUNT; id++) {
        uint32_t irq = spin_lock(&zones[id].lock);
        zone_drain(&zones[id]);
        spin_unlock(&zones[id].lock, irq);
    }
}

/* The largest block that starts at `start` and does not reach beyond `end`. */
static unsigned largest_order(pfn_t start, pfn_t end)
{
    unsigned by_alignment = start == 0 ? BUDDY_MAX_ORDER : bit_lowest(start);
    return MIN(MIN(by_alignment, bit_highest(end - start)), BUDDY_MAX_ORDER);
}

/* The zone is to have memory: called before its first frame. */
static void zone_open(struct zone *zone)
{
    if (zone->free_lists[0].next)
        return;
    if (zone != &zones[ZONE_HIGHMEM])
        best_zones[PAGE_ANY] = MAX(best_zones[PAGE_ANY], zone);
    best_zones[PAGE_HIGHMEM_OK] = MAX(best_zones[PAGE_HIGHMEM_OK], zone);
    for (unsigned k = 0; k < ORDER_COUNT; k++)
        list_init(&zone->free_lists[k]);
    for (unsigned k = 0; k < BUDDY_HOT_ORDERS; k++)
        zone->hot[k].batch = 1u << (HOT_BATCH_ORDER - k);
}

void buddy_add_range(pfn_t start, pfn_t end)
{
    ASSERT(start <= end && end <= max_pfn, "frames %#x-%#x are not in mem_map", start, end);
    while (start < end) {
        unsigned order = largest_order(start, end);
        struct zone *zone = zone_of(start);
        uint32_t irq = spin_lock(&zone->lock);

        zone_open(zone);
        for (pfn_t pfn = start; pfn < start + (1u << order); pfn++) {
            ASSERT(mem_map[pfn].kind == PAGE_RESERVED, "pfn %#x is managed already", pfn);
            mem_map[pfn].kind = PAGE_TAIL;
        }
        zone->stats.managed += 1u << order;
        managed += 1u << order;
        zone->frames[PAGE_FREE] += 1u << order;
        kasan_frames_freed(pfn_to_page(start), order);
        zone_free(zone, pfn_to_page(start), order);
        spin_unlock(&zone->lock, irq);
        start += 1u << order;
    }
}

void buddy_set_kind(struct page *page, enum page_kind kind)
{
    struct zone *zone = zone_of(page_to_pfn(page));
    uint32_t irq = spin_lock(&zone->lock);

    ASSERT(page->kind >= PAGE_KIND_FIRST_USED, "pfn %#x is not in use", page_to_pfn(page));
    zone->frames[page->kind] -= 1u << page->order;
    zone->frames[kind] += 1u << page->order;
    page->kind = (uint8_t)kind;
    spin_unlock(&zone->lock, irq);
}

static void count_blocks(struct zone *zone)
{
    for (unsigned k = 0; k < ORDER_COUNT; k++) {
        zone->stats.free_blocks[k] = 0;
        if (zone->nonempty & (1u << k))
            list_for_each(node, &zone->free_lists[k])
                zone->stats.free_blocks[k]++;
    }
    zone->stats.free = zone->frames[PAGE_FREE];
    zone->stats.hot = 0;
    for (unsigned k = 0; k < BUDDY_HOT_ORDERS; k++)
        zone->stats.hot += hot_blocks(&zone->hot[k]) << k;
}

void buddy_get_stats(struct buddy_stats *stats)
{
    memset(stats, 0, sizeof(*stats));
    stats->reclaims = reclaim.calls;
    for (unsigned id = 0; id < ZONE_COUNT; id++) {
        struct zone *zone = &zones[id];
        uint32_t irq = spin_lock(&zone->lock);

        count_blocks(zone);
        stats->zones[id] = zone->stats;
        stats->managed += zone->stats.managed;
        stats->free += zone->stats.free;
        stats->failures += zone->failures;
        for (unsigned kind = 0; kind < PAGE_KIND_COUNT; kind++)
            stats->frames[kind] += zone->frames[kind];
        spin_unlock(&zone->lock, irq);
    }
}

void buddy_peek_frames(uint32_t frames[PAGE_KIND_COUNT], uint32_t *high_free)
{
    for (unsigned kind = 0; kind < PAGE_KIND_COUNT; kind++) {
        frames[kind] = 0;
        for (unsigned id = 0; id < ZONE_COUNT; id++)
            frames[kind] += zones[id].frames[kind];
    }
    *high_free = zones[ZONE_HIGHMEM].frames[PAGE_FREE];
}

uint32_t buddy_free_frames(void)
{
    uint32_t free = 0;
    for (unsigned id = 0; id < ZONE_COUNT; id++)
        free += zones[id].frames[PAGE_FREE];
    return free;
}

uint32_t buddy_managed_frames(void)
{
    return managed;
}

/* Report a violation by its values; always false, for `return violated(...)`. */
static bool violated(const char *invariant, pfn_t pfn, uint32_t is, uint32_t should_be)
{
    log_err("buddy: %s: pfn %#x: %u, should be %u", invariant, pfn, is, should_be);
    return false;
}

/* Lock held.  A free block in its place, of the right order and on the right list? */
static bool check_free_block(struct zone *zone, struct page *page, unsigned order,
                             uint32_t refs)
{
    pfn_t pfn = page_to_pfn(page);

    if (page->kind != PAGE_FREE || page->order != order)
        return violated("block on a free list", pfn, page->order, order);
    if (page->refs != refs)
        return violated("joinable or not", pfn, page->refs, refs);
    if (zone_of(pfn) != zone || !IS_ALIGNED(pfn, 1u << order))
        return violated("block's place", pfn, pfn & ((1u << order) - 1), 0);
    return true;
}

/* Lock held. */
static bool check_list(struct zone *zone, unsigned order, uint32_t *free_frames)
{
    if (((zone->nonempty >> order) & 1) == list_is_empty(&zone->free_lists[order]))
        return violated("order bitmap", zone->stats.start, zone->nonempty, order);
    list_for_each(node, &zone->free_lists[order]) {
        struct page *page = list_entry(node, struct page, node);
        pfn_t pfn = page_to_pfn(page);

        if (!check_free_block(zone, page, order, order))
            return false;
        pfn_t buddy = pfn ^ (1u << order);
        if (order < BUDDY_MAX_ORDER && buddy < max_pfn &&
            is_joinable(pfn_to_page(buddy), order))
            return violated("free buddies not joined", pfn, order, order + 1);
        *free_frames += 1u << order;
    }
    return true;
}

/* Lock held.  One part of a hot list. */
static bool check_chain(struct zone *zone, unsigned order, const struct list_node *chain,
                        uint32_t count)
{
    uint32_t found = 0;

    for (; chain && found <= count; chain = chain->next, found++)
        if (!check_free_block(zone, list_entry(chain, struct page, node), order, NOT_JOINABLE))
            return false;
    if (found != count)
        return violated("blocks on a hot list", zone->stats.start, found, count);
    return true;
}

/* Lock held. */
static bool check_hot_list(struct zone *zone, unsigned order, uint32_t *free_frames)
{
    const struct hot_list *hot = &zone->hot[order];

    *free_frames += hot_blocks(hot) << order;
    return check_chain(zone, order, hot->newest, hot->count) &&
           check_chain(zone, order, hot->older, hot->older ? hot->batch : 0);
}

/* Lock held.  Walk the zone's frames block by block and count them by kind. */
static bool check_frames(struct zone *zone, uint32_t frames[PAGE_KIND_COUNT])
{
    pfn_t end = MIN(zone->stats.end, max_pfn);

    for (pfn_t pfn = zone->stats.start; pfn < end;) {
        struct page *head = pfn_to_page(pfn);
        uint32_t nframes = head->kind == PAGE_RESERVED ? 1 : 1u << head->order;

        if (head->kind == PAGE_TAIL || head->kind >= PAGE_KIND_COUNT)
            return violated("block without a head", pfn, head->kind, PAGE_FREE);
        for (uint32_t i = 1; i < nframes; i++)
            if (pfn + i >= end || head[i].kind != PAGE_TAIL)
                return violated("inside of a block", pfn + i, head[i].kind, PAGE_TAIL);
        frames[head->kind] += nframes;
        pfn += nframes;
    }
    return true;
}

static bool check_zone(struct zone *zone)
{
    uint32_t listed = 0, sum = 0, frames[PAGE_KIND_COUNT] = { 0 };

    if (zone->stats.managed == 0)
        return true;
    for (unsigned k = 0; k < ORDER_COUNT; k++)
        if (!check_list(zone, k, &listed))
            return false;
    for (unsigned k = 0; k < BUDDY_HOT_ORDERS; k++)
        if (!check_hot_list(zone, k, &listed))
            return false;
    if (!check_frames(zone, frames))
        return false;
    for (unsigned kind = PAGE_FREE; kind < PAGE_KIND_COUNT; kind++) {
        if (frames[kind] != zone->frames[kind])
            return violated(page_kind_name(kind), zone->stats.start, zone->frames[kind],
                            frames[kind]);
        sum += frames[kind];
    }
    if (listed != frames[PAGE_FREE])
        return violated("frames on the lists", zone->stats.start, listed, frames[PAGE_FREE]);
    if (sum != zone->stats.managed)
        return violated("managed frames", zone->stats.start, sum, zone->stats.managed);
    return true;
}

bool buddy_check(void)
{
    bool good = true;

    for (unsigned id = 0; id < ZONE_COUNT; id++) {
        uint32_t irq = spin_lock(&zones[id].lock);
        good &= check_zone(&zones[id]);
        spin_unlock(&zones[id].lock, irq);
    }
    return good;
}

#ifdef STRATA_HOST
void buddy_reset(void)
{
    managed = 0;
    reclaim.hook = NULL;
    for (unsigned i = 0; i < ARRAY_SIZE(best_zones); i++)
        best_zones[i] = &zones[ZONE_DMA];
    for (unsigned id = 0; id < ZONE_COUNT; id++) {
        struct zone *zone = &zones[id];
        struct zone_stats bounds = { .name = zone->stats.name,
                                     .start = zone->stats.start,
                                     .end = zone->stats.end };
        *zone = (struct zone){ .lock = zone->lock, .stats = bounds };
    }
}
#endif
