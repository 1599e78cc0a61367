/* The buddy allocator.
 *
 * Problem     Hand out contiguous, aligned runs of frames quickly, and rebuild large runs as
 *             they come back.
 * Words       order k = a block of 2^k frames; the buddy of a block is the one whose frame
 *             number differs in bit k only: together they are a block of order k+1.  head = the
 *             first frame of a block, tail = any other.
 * State       for each zone: a list of free blocks for each order, and a word whose bit k says
 *             that list k is not empty.  The head's struct page holds kind and order, for free
 *             and for used blocks; every tail is PAGE_TAIL.
 * Invariants  1. A block of order k starts at a frame number divisible by 2^k.
 *             2. Two free buddies of one order never coexist below the maximum order.
 *             3. Sum over k of blocks(k) * 2^k equals the zone's free frames.
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
 * Zones       DMA (below 16 MiB), Normal (below 896 MiB, in the direct map), HighMem.  Their
 *             bounds are multiples of 4 MiB, so no block and no pair of buddies lies in two
 *             zones.
 * Cost        At most 10 steps for either operation, independent of the size of memory.
 * Limits      4 MiB a block; up to half of a block is wasted for sizes just above a power of
 *             two.
 * Lock        one for each zone.
 * Reading     K. Knowlton, "A Fast Storage Allocator", CACM 1965; Knuth, TAOCP vol. 1, 2.5. */
#include "mm/buddy.h"

#include "kernel/cpu/spinlock.h"
#include "kernel/lib/bitops.h"
#include "kernel/lib/format.h"
#include "kernel/lib/string.h"
#include "kernel/log.h"

#define ORDER_COUNT (BUDDY_MAX_ORDER + 1)

struct zone {
    struct spinlock lock;
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

static uint32_t managed; /* frames, all zones */

static struct zone *zone_of(pfn_t pfn)
{
    return &zones[pfn < DMA_MAX_PFN      ? ZONE_DMA
                  : pfn < LOWMEM_MAX_PFN ? ZONE_NORMAL
                                         : ZONE_HIGHMEM];
}

static void put_free_block(struct zone *zone, struct page *page, unsigned order)
{
    page->kind = PAGE_FREE;
    page->order = (uint8_t)order;
    list_add_head(&zone->free_lists[order], &page->node);
    zone->nonempty |= 1u << order;
}

static void take_free_block(struct zone *zone, struct page *page, unsigned order)
{
    list_remove(&page->node);
    if (list_is_empty(&zone->free_lists[order]))
        zone->nonempty &= ~(1u << order);
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
    while (have > order) {
        have--;
        put_free_block(zone, page + (1u << have), have);
        zone->stats.splits++;
    }
    return page;
}

/* Lock held.  Put a block back, joined with its buddy as often as that is free too. */
static void zone_free(struct zone *zone, struct page *page, unsigned order)
{
    pfn_t pfn = page_to_pfn(page);

    for (; order < BUDDY_MAX_ORDER; order++) {
        pfn_t buddy_pfn = pfn ^ (1u << order);
        struct page *buddy = pfn_to_page(buddy_pfn);
        if (buddy_pfn >= max_pfn || buddy->kind != PAGE_FREE || buddy->order != order)
            break;
        take_free_block(zone, buddy, order);
        pfn_to_page(pfn | (1u << order))->kind =
            PAGE_TAIL; /* the upper one is no head any more */
        pfn &= ~(1u << order);
        zone->stats.merges++;
    }
    put_free_block(zone, pfn_to_page(pfn), order);
}

static struct page *zone_alloc_block(struct zone *zone, unsigned order, enum page_kind kind)
{
    /* A look without the lock: if the zone seems to have nothing, leave it alone. */
    if (!(zone->nonempty & (~0u << order)))
        return NULL;
    uint32_t irq = spin_lock(&zone->lock);
    struct page *page = zone_alloc(zone, order);

    if (likely(page)) {
        page->kind = (uint8_t)kind;
        page->order = (uint8_t)order;
        page->entries = 0;
        page->refs = 0;
        zone->frames[PAGE_FREE] -= 1u << order;
        zone->frames[kind] += 1u << order;
        zone->stats.allocs++;
    }
    spin_unlock(&zone->lock, irq);
    return page;
}

struct page *buddy_alloc(unsigned order, enum page_kind kind, unsigned flags)
{
    unsigned best = flags & PAGE_DMA          ? ZONE_DMA
                    : flags & PAGE_HIGHMEM_OK ? ZONE_HIGHMEM
                                              : ZONE_NORMAL;
    struct page *page = NULL;

    ASSERT(kind >= PAGE_KIND_FIRST_USED && kind < PAGE_KIND_COUNT, "no owner: kind %u", kind);
    for (unsigned id = best + 1; !page && order <= BUDDY_MAX_ORDER && id-- > 0;)
        page = zone_alloc_block(&zones[id], order, kind);
    if (unlikely(!page)) {
        uint32_t irq = spin_lock(&zones[best].lock);
        zones[best].failures++;
        spin_unlock(&zones[best].lock, irq);
        return NULL;
    }
    if (flags & PAGE_ZERO) {
        ASSERT(page_is_lowmem(page), "PAGE_ZERO with PAGE_HIGHMEM_OK");
        memset(page_to_virt(page), 0, PAGE_SIZE << order);
    }
    return page;
}

/* Lock held.  Is this a block that may be freed?  Else describe what is wrong with it. */
static bool may_be_freed(struct page *page, unsigned order, char *problem, size_t size)
{
    pfn_t pfn = page_to_pfn(page);

    if (likely(page->kind >= PAGE_KIND_FIRST_USED && page->order == order))
        return true;
    if (page->kind == PAGE_FREE) {
        snprintf(problem, size, "double free of pfn %#x (order %u)", pfn, order);
    } else if (page->kind == PAGE_RESERVED) {
        snprintf(problem, size, "free of reserved pfn %#x", pfn);
    } else if (page->kind == PAGE_TAIL) {
        struct page *head = page_block_head(page);
        snprintf(problem, size, "free of pfn %#x inside a block (head pfn %#x, order %u, %s)",
                 pfn, page_to_pfn(head), head->order, page_kind_name(head->kind));
    } else {
        snprintf(problem, size, "free of pfn %#x with order %u, allocated with order %u", pfn,
                 order, page->order);
    }
    return false;
}

void buddy_free(struct page *page, unsigned order)
{
    pfn_t pfn = page_to_pfn(page);
    struct zone *zone = zone_of(pfn);
    char problem[96];

    ASSERT(pfn < max_pfn, "free of a frame that does not exist: pfn %#x", pfn);
    uint32_t irq = spin_lock(&zone->lock);
    bool good = may_be_freed(page, order, problem, sizeof(problem));
    if (likely(good)) {
        zone->frames[page->kind] -= 1u << order;
        zone->frames[PAGE_FREE] += 1u << order;
        zone->stats.frees++;
        zone_free(zone, page, order);
    }
    spin_unlock(&zone->lock, irq);
    ASSERT(good, "%s", problem);
}

/* The largest block that starts at `start` and does not reach beyond `end`. */
static unsigned largest_order(pfn_t start, pfn_t end)
{
    unsigned by_alignment = start == 0 ? BUDDY_MAX_ORDER : bit_lowest(start);
    return MIN(MIN(by_alignment, bit_highest(end - start)), BUDDY_MAX_ORDER);
}

void buddy_add_range(pfn_t start, pfn_t end)
{
    ASSERT(start <= end && end <= max_pfn, "frames %#x-%#x are not in mem_map", start, end);
    while (start < end) {
        unsigned order = largest_order(start, end);
        struct zone *zone = zone_of(start);
        uint32_t irq = spin_lock(&zone->lock);

        if (!zone->free_lists[0].next)
            for (unsigned k = 0; k < ORDER_COUNT; k++)
                list_init(&zone->free_lists[k]);
        for (pfn_t pfn = start; pfn < start + (1u << order); pfn++) {
            ASSERT(mem_map[pfn].kind == PAGE_RESERVED, "pfn %#x is managed already", pfn);
            mem_map[pfn].kind = PAGE_TAIL;
        }
        zone->stats.managed += 1u << order;
        managed += 1u << order;
        zone->frames[PAGE_FREE] += 1u << order;
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
}

void buddy_get_stats(struct buddy_stats *stats)
{
    memset(stats, 0, sizeof(*stats));
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

/* Lock held. */
static bool check_list(struct zone *zone, unsigned order, uint32_t *free_frames)
{
    if (((zone->nonempty >> order) & 1) == list_is_empty(&zone->free_lists[order]))
        return violated("order bitmap", zone->stats.start, zone->nonempty, order);
    list_for_each(node, &zone->free_lists[order]) {
        struct page *page = list_entry(node, struct page, node);
        pfn_t pfn = page_to_pfn(page);
        pfn_t buddy = pfn ^ (1u << order);

        if (page->kind != PAGE_FREE || page->order != order)
            return violated("block on a free list", pfn, page->order, order);
        if (zone_of(pfn) != zone || !IS_ALIGNED(pfn, 1u << order))
            return violated("block's place", pfn, pfn & ((1u << order) - 1), 0);
        if (order < BUDDY_MAX_ORDER && buddy < max_pfn && mem_map[buddy].kind == PAGE_FREE &&
            mem_map[buddy].order == order)
            return violated("free buddies not joined", pfn, order, order + 1);
        *free_frames += 1u << order;
    }
    return true;
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
    for (unsigned id = 0; id < ZONE_COUNT; id++) {
        struct zone *zone = &zones[id];
        struct zone_stats bounds = { .name = zone->stats.name,
                                     .start = zone->stats.start,
                                     .end = zone->stats.end };
        *zone = (struct zone){ .lock = zone->lock, .stats = bounds };
    }
}
#endif
