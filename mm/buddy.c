/* The buddy allocator.
 *
 * Problem     Hand out contiguous, aligned runs of frames quickly, and rebuild large runs as
 *             they come back.
 * Words       order k = a block of 2^k frames; the buddy of a block is the one whose frame
 *             number differs in bit k only: together they are a block of order k+1.  head = the
 *             first frame of a block, tail = any other.
 * State       for each zone, three pools (mobility.c says why); in a pool a list of free blocks
 *             for each order, and a word whose bit k says that list k is not empty.  The head's
 *             struct page holds kind and order, for free and for used blocks; every tail is
 *             PAGE_TAIL.  In front of the lists of the small orders lies a hot list each.
 * Invariants  1. A block of order k starts at a frame number divisible by 2^k.
 *             2. Two buddies of one order on the free lists never coexist below the maximum
 *                order.
 *             3. Sum over k of blocks(k) * 2^k, free, hot and zeroed, equals the zone's free
 *                frames.
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
 *             them each time is work for nothing.  So a freed block of a small order (0 .. 4)
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
 * Watermarks  Each zone keeps its last `min` frames for PAGE_ATOMIC.  Frames leave through the hot
 *             lists unseen, so while a zone has little more than that, the short way of
 *             buddy_alloc() is closed (by `hot_orders` = 0) and each request is weighed.  Below
 *             `low` the zone should be helped when there is time (buddy_is_short), to `high`.
 *             A request that could have had a higher zone leaves `min` and some more, so that
 *             programs do not fill the memory that only the kernel's own requests depend on
 *             (Linux's lowmem_reserve_ratio).
 * Reclaim     Behind the last zone stand two hooks: small blocks are moved together (compact.c),
 *             and upper layers give back what they only keep in case it is needed (reclaim.c).
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
#include "kernel/cpu/spinlock.h"
#include "kernel/lib/bitops.h"
#include "kernel/lib/string.h"
#include "mm/buddy_internal.h"
#include "mm/inject.h"
#include "mm/kasan.h"
#include "mm/track.h"
#include "mm/zeroed.h"

#define HOT_BATCH_ORDER 6u /* frames in one part of a hot list, as an order */

/* The most frames that all hot lists of a zone can hold: two parts each. */
#define HOT_FRAMES_MAX (MOBILITY_COUNT * BUDDY_HOT_ORDERS * 2 << HOT_BATCH_ORDER)

#define RECLAIM_ROUNDS 4u

#define POOL_INIT(id, mobility)   \
    [mobility] = {                \
        .zone = &buddy_zones[id], \
    }
#define ZONE_INIT(id, zone_name, first, last)                                          \
    [id] = {                                                                           \
        .lock = SPINLOCK_INIT("zone " zone_name),                                      \
        .stats = { .name = zone_name, .start = first, .end = last },                   \
        .pools = { POOL_INIT(id, MOBILITY_UNMOVABLE), POOL_INIT(id, MOBILITY_MOVABLE), \
                   POOL_INIT(id, MOBILITY_RECLAIMABLE) },                              \
    }

struct zone buddy_zones[ZONE_COUNT] = {
    ZONE_INIT(ZONE_DMA, "DMA", 0, DMA_MAX_PFN),
    ZONE_INIT(ZONE_NORMAL, "Normal", DMA_MAX_PFN, LOWMEM_MAX_PFN),
    ZONE_INIT(ZONE_HIGHMEM, "HighMem", LOWMEM_MAX_PFN, 1u << (32 - PAGE_SHIFT)),
};

const uint32_t frames_in[] = { 1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024 };

#define FIRST_POOL(id) (&buddy_zones[id].pools[MOBILITY_UNMOVABLE])
#define BLOCK(pfn) ((pfn) >> BLOCK_SHIFT)
struct pool *buddy_best_pools[] = { [0 ... PLACE_FLAGS] = FIRST_POOL(ZONE_DMA) };
struct pool *buddy_pools[] = {
    [0 ... BLOCK(DMA_MAX_PFN) - 1] = FIRST_POOL(ZONE_DMA),
    [BLOCK(DMA_MAX_PFN)... BLOCK(LOWMEM_MAX_PFN) - 1] = FIRST_POOL(ZONE_NORMAL),
    [BLOCK(LOWMEM_MAX_PFN)... BLOCK_COUNT - 1] = FIRST_POOL(ZONE_HIGHMEM),
};
_Static_assert(DMA_MAX_PFN % BLOCK_FRAMES == 0 && LOWMEM_MAX_PFN % BLOCK_FRAMES == 0,
               "a zone ends within a block");

static uint32_t managed; /* frames, all zones */

static struct {
    uint32_t (*hook)(unsigned order, pfn_t below);
    bool (*compact)(unsigned order, unsigned flags);
    uint64_t calls;
} reclaim;

/* Lock held.  The smallest block of the pool that is large enough, cut down to `order`. */
static ALWAYS_INLINE struct page *cut_block(struct pool *pool, unsigned order)
{
    uint32_t candidates = pool->nonempty & (~0u << order);
    if (candidates == 0)
        return NULL;

    unsigned have = bit_lowest(candidates);
    struct page *page = list_first(&pool->free_lists[have], struct page, node);
    take_free_block(pool, page, have);
    for (unsigned k = have; k-- > order;)
        put_free_block(pool, page + (1u << k), k);
    pool->nonempty |= (1u << have) - (1u << order); /* the orders order .. have - 1 */
    pool->zone->stats.splits += have - order;
    return page;
}

struct page *pool_alloc(struct pool *pool, unsigned order)
{
    return cut_block(pool, order);
}

/* Lock held.  Put a block back, joined with its buddy as often as that is free too. */
static ALWAYS_INLINE void free_block(struct zone *zone, struct pool *pool, struct page *page,
                                     unsigned order)
{
    pfn_t pfn = page_to_pfn(page);
    unsigned k = order;

    for (; k < BUDDY_MAX_ORDER; k++) {
        pfn_t buddy = pfn ^ frames_in[k];
        if (buddy >= max_pfn || !is_joinable(pfn_to_page(buddy), k))
            break;
        take_free_block(pool, pfn_to_page(buddy), k);
        pfn_to_page(pfn | buddy)->kind = PAGE_TAIL; /* the upper one is no head any more */
        pfn &= buddy;
        zone->stats.merges++;
    }
    put_free_block(pool, pfn_to_page(pfn), k);
    pool->nonempty |= 1u << k;
}

void pool_free(struct page *page, unsigned order)
{
    struct pool *pool = pool_of(page_to_pfn(page));

    free_block(pool->zone, pool, page, order);
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

/* Lock held.  Give a chain of blocks back to the free lists, each to the pool that it lies in: that may
 * be another one than the list's. */
static void drain_chain(struct zone *zone, unsigned order, struct list_node *chain)
{
    zone->stats.drains += chain != NULL;
    while (chain) {
        struct page *page = list_entry(chain, struct page, node);
        chain = chain->next;
        free_block(zone, pool_of(page_to_pfn(page)), page, order);
    }
}

/* Lock held.  The newer part is full: it becomes the older one. */
static __attribute__((noinline)) void hot_make_room(struct pool *pool, unsigned order)
{
    struct hot_list *hot = &pool->hot[order];

    drain_chain(pool->zone, order, hot->older);
    hot->older = hot->newest;
    hot->newest = NULL;
    hot->count = 0;
}

/* Lock held.  Cut the smallest block that will do, or what there is room for, into blocks of `order` for
 * the hot list, in order of address; but of another pool's memory not more than one block.  False:
 * there is none. */
static bool hot_add_block(struct pool *pool, unsigned order)
{
    struct hot_list *hot = &pool->hot[order];
    struct pool *source = pool->nonempty >> order ? pool : mobility_fall_back(pool, order);
    if (!source)
        return false;

    unsigned room = bit_highest((hot->batch - hot->count) << order);
    unsigned have = MIN(bit_lowest(source->nonempty & (~0u << order)), room);
    if (source != pool)
        have = order;
    struct page *block = cut_block(source, have);
    for (uint32_t i = 1u << have; i > 0;) {
        i -= 1u << order;
        block[i].order = (uint8_t)order;
        hot_push(hot, &block[i]);
    }
    pool->zone->stats.splits += (1u << (have - order)) - 1;
    return true;
}

/* Lock held.  The newer part is empty: it gets the older one or, if that is empty too, a good
 * part of a batch from the free lists. */
static void hot_refill(struct pool *pool, unsigned order)
{
    struct hot_list *hot = &pool->hot[order];

    if (hot->older) {
        hot->newest = hot->older;
        hot->count = hot->batch;
        hot->older = NULL;
        return;
    }
    pool->zone->stats.refills++;
    do {
        if (!hot_add_block(pool, order))
            return;
    } while (hot->count < hot->batch / 2);
}

/* Lock held. */
static uint32_t pool_drain(struct pool *pool)
{
    uint32_t frames = pool->zeroed_count;

    drain_chain(pool->zone, 0, pool->zeroed);
    zeroed_forget(pool);
    for (unsigned order = 0; order < BUDDY_HOT_ORDERS; order++) {
        struct hot_list *hot = &pool->hot[order];
        frames += hot_blocks(hot) << order;
        drain_chain(pool->zone, order, hot->older);
        drain_chain(pool->zone, order, hot->newest);
        hot->newest = hot->older = NULL;
        hot->count = 0;
    }
    return frames;
}

uint32_t zone_drain(struct zone *zone)
{
    uint32_t frames = 0;

    for (unsigned mobility = 0; mobility < MOBILITY_COUNT; mobility++)
        frames += pool_drain(&zone->pools[mobility]);
    return frames;
}

/* ---- watermarks ---- */

/* A zone came near its watermark, or left it; or allocations may have to fail on purpose, or need
 * not any more. */
static void choose_way(struct zone *zone)
{
    zone->hot_orders = inject_armed || zone->is_near_min ? 0 : BUDDY_HOT_ORDERS;
}

static void choose_ways(void)
{
    for (unsigned id = 0; id < ZONE_COUNT; id++)
        choose_way(&buddy_zones[id]);
}

uint32_t buddy_kept_frames(const struct zone *zone, unsigned flags)
{
    const struct zone *best = buddy_best_pools[flags & PLACE_FLAGS]->zone;

    return flags & PAGE_ATOMIC ? 0
                               : zone->stats.min + zone->stats.kept_from[best - buddy_zones];
}

/* Lock held.  The zone has less than it should have for requests to be served unweighed, or had not
 * enough last time.  May this request be served? */
static __attribute__((noinline)) bool weigh(struct zone *zone, unsigned order, unsigned flags)
{
    uint32_t free = zone->frames[PAGE_FREE];
    bool near = zone->stats.min > 0 &&
                free < zone->stats.min + HOT_FRAMES_MAX + frames_in[order];

    zone->weigh_below = near ? ALWAYS_WEIGH : zone->stats.min + zone->unweighed;
    if (near != zone->is_near_min) {
        zone->is_near_min = near;
        choose_way(zone);
    }
    return free >= buddy_kept_frames(zone, flags) + frames_in[order];
}

/* Linux's rule: all zones together keep 4 * sqrt(KiB of low memory) KiB, each its share; HighMem by its
 * size alone.  But never more than 1/64 of a zone: a machine of 4 MiB keeps 40 KiB. */
#define MIN_FREE_FACTOR 16u /* 4 * sqrt(x) = sqrt(16 x) */
#define MIN_SHARE_SHIFT 6u
#define HIGH_SHARE_SHIFT 10u
#define HIGH_MIN_FLOOR 32u
#define HIGH_MIN_CEILING 128u
#define DISTANCE_DIVISOR \
    1000u /* low - min: a thousandth of the zone, at least a quarter of min */

static uint32_t square_root(uint32_t square)
{
    uint32_t root = 0;

    for (uint32_t bit = 1u << 15; bit > 0; bit >>= 1)
        if ((root + bit) * (root + bit) <= square)
            root += bit;
    return root;
}

static uint32_t zone_min(const struct zone *zone, uint32_t low_frames)
{
    uint32_t frames = zone->stats.managed;
    uint32_t all = square_root(low_frames * (PAGE_SIZE / KiB) * MIN_FREE_FACTOR) * KiB /
                   PAGE_SIZE;

    if (zone == &buddy_zones[ZONE_HIGHMEM])
        return MIN(MAX(frames >> HIGH_SHARE_SHIFT, HIGH_MIN_FLOOR),
                   MIN(HIGH_MIN_CEILING, frames >> MIN_SHARE_SHIFT));
    /* In units of 64 frames, so that the product has room. */
    uint32_t share = all * (frames >> MIN_SHARE_SHIFT) / MAX(low_frames >> MIN_SHARE_SHIFT, 1u);
    return MIN(share, frames >> MIN_SHARE_SHIFT);
}

/* Linux's rule and figures: of DMA a 256th, of Normal a 32nd of the memory of the zones above it that
 * the request could have had. */
static void set_kept_from(struct zone *zone)
{
    static const uint32_t ratio[ZONE_COUNT] = { [ZONE_DMA] = 256, [ZONE_NORMAL] = 32 };
    enum zone_id id = zone - buddy_zones;
    uint32_t above = 0;

    for (unsigned best = id + 1; best < ZONE_COUNT; best++) {
        above += buddy_zones[best].stats.managed;
        zone->stats.kept_from[best] = MIN(above / ratio[id], zone->stats.managed / 2);
    }
    zone->unweighed = MAX(HOT_FRAMES_MAX, zone->stats.kept_from[ZONE_HIGHMEM]);
}

static void set_watermarks(void)
{
    uint32_t low_frames = managed - buddy_zones[ZONE_HIGHMEM].stats.managed;

    for (unsigned id = 0; id < ZONE_COUNT; id++) {
        struct zone_stats *stats = &buddy_zones[id].stats;
        stats->min = zone_min(&buddy_zones[id], low_frames);
        uint32_t distance = MAX(stats->min / 4, stats->managed / DISTANCE_DIVISOR);
        stats->low = stats->min + distance;
        stats->high = stats->low + distance;
        set_kept_from(&buddy_zones[id]);
        buddy_zones[id].weigh_below = ALWAYS_WEIGH;
    }
}

bool buddy_is_short(void)
{
    for (unsigned id = 0; id < ZONE_COUNT; id++)
        if (buddy_zones[id].frames[PAGE_FREE] < buddy_zones[id].stats.low)
            return true;
    return false;
}

uint32_t buddy_shortage(pfn_t *below)
{
    uint32_t frames = 0;

    *below = 0;
    for (unsigned id = 0; id < ZONE_COUNT; id++) {
        const struct zone *zone = &buddy_zones[id];
        if (zone->frames[PAGE_FREE] >= zone->stats.high)
            continue;
        frames += zone->stats.high - zone->frames[PAGE_FREE];
        *below = zone->stats.end;
    }
    return frames;
}

/* ---- blocks ---- */

/* Zero a block that was allocated just now, or exchange it for one that is zeroed already. */
static ALWAYS_INLINE struct page *zero_block(struct page *page, unsigned order)
{
    if (unlikely(zeroed_frames > 0) && order == 0) {
        struct page *zeroed = zeroed_exchange(page);
        if (zeroed)
            return zeroed;
    }
    ASSERT(page_is_lowmem(page), "PAGE_ZERO with PAGE_HIGHMEM_OK");
    memset(page_to_virt(page), 0, PAGE_SIZE << order);
    return page;
}

/* Lock held.  From the hot list or, above its orders, from the free lists. */
static struct page *take_block(struct pool *pool, unsigned order)
{
    if (order >= BUDDY_HOT_ORDERS) {
        if (unlikely(pool->nonempty >> order == 0))
            pool = mobility_fall_back(pool, order);
        return pool ? cut_block(pool, order) : NULL;
    }
    struct hot_list *hot = &pool->hot[order];
    if (!hot->newest)
        hot_refill(pool, order);
    return hot->newest ? hot_pop(hot) : NULL;
}

/* From one zone.  Before it gives up, all hot blocks are joined. */
static struct page *pool_alloc_block(struct pool *pool, unsigned order, enum page_kind kind,
                                     unsigned flags)
{
    struct zone *zone = pool->zone;
    struct page *page = NULL;
    uint32_t irq = spin_lock(&zone->lock);

    if (likely(zone->frames[PAGE_FREE] >= zone->weigh_below + frames_in[order]) ||
        weigh(zone, order, flags)) {
        page = take_block(pool, order);
        if (unlikely(!page) && zone_drain(zone) > 0)
            page = take_block(pool, order);
    }
    if (page) {
        page->order = (uint8_t)order;
        account_alloc(zone, page, order, kind);
    }
    spin_unlock(&zone->lock, irq);
    return page;
}

/* From the best zone or one below it. */
static ALWAYS_INLINE struct page *zones_alloc(unsigned order, enum page_kind kind,
                                              unsigned flags)
{
    struct pool *pool = buddy_best_pools[flags & PLACE_FLAGS];
    struct page *page = pool_alloc_block(pool, order, kind, flags);

    while (unlikely(!page) && pool->zone > buddy_zones) {
        pool = &(pool->zone - 1)->pools[mobility_of(pool)];
        page = pool_alloc_block(pool, order, kind, flags);
    }
    return page;
}

struct pool *buddy_user_pool(struct zone *zone)
{
    return &zone->pools[mobility_of(buddy_best_pools[PAGE_HIGHMEM_OK | PAGE_MOVABLE])];
}

struct page *buddy_alloc_moved(struct zone *zone, enum page_kind kind)
{
    return pool_alloc_block(buddy_user_pool(zone), 0, kind, PAGE_ATOMIC);
}

/* A block that compaction has made. */
static struct page *alloc_compacted(unsigned order, enum page_kind kind, unsigned flags)
{
    bool made = order > 0 && reclaim.compact && reclaim.compact(order, flags);
    return made ? zones_alloc(order, kind, flags) : NULL;
}

/* No zone has such a block.  First those frames are moved that can be, then some are taken back. */
static __attribute__((noinline)) struct page *
alloc_after_reclaim(unsigned order, enum page_kind kind, unsigned flags)
{
    const struct zone *best = buddy_best_pools[flags & PLACE_FLAGS]->zone;
    struct page *page = alloc_compacted(order, kind, flags);

    for (unsigned round = 0; !page && reclaim.hook && round < RECLAIM_ROUNDS; round++) {
        reclaim.calls++;
        if (reclaim.hook(order, best->stats.end) == 0)
            break;
        page = zones_alloc(order, kind, flags);
        if (!page)
            page = alloc_compacted(order, kind, flags);
    }
    return page;
}

/* Whatever the request, and wherever a block for it can come from. */
static __attribute__((noinline)) struct page *alloc_slowly(unsigned order, enum page_kind kind,
                                                           unsigned flags)
{
    struct zone *best = buddy_best_pools[flags & PLACE_FLAGS]->zone;
    struct page *page = NULL;

    if (order <= BUDDY_MAX_ORDER && !inject_hits(INJECT_PAGE)) {
        page = zones_alloc(order, kind, flags);
        if (!page && !(flags & PAGE_NO_RECLAIM))
            page = alloc_after_reclaim(order, kind, flags);
    }
    if (!page) {
        uint32_t irq = spin_lock(&best->lock);
        best->failures++;
        spin_unlock(&best->lock, irq);
        return NULL;
    }
    if (flags & PAGE_ZERO)
        page = zero_block(page, order);
    if (track_pages)
        track_page_alloc(page);
    return page;
}

struct page *buddy_alloc(unsigned order, enum page_kind kind, unsigned flags)
{
    struct pool *pool = buddy_best_pools[flags & PLACE_FLAGS];
    struct zone *zone = pool->zone;

    ASSERT(kind >= PAGE_KIND_FIRST_USED && kind < PAGE_KIND_COUNT, "no owner: kind %u", kind);
    if (unlikely(order >= zone->hot_orders))
        return alloc_slowly(order, kind, flags);

    /* Nearly always enough: what lies on top of the best pool's hot list. */
    uint32_t irq = spin_lock(&zone->lock);
    if (unlikely(!pool->hot[order].newest)) {
        spin_unlock(&zone->lock, irq);
        return alloc_slowly(order, kind, flags);
    }
    struct page *page = hot_pop(&pool->hot[order]);
    account_alloc(zone, page, order, kind);
    spin_unlock(&zone->lock, irq);
    if (flags & PAGE_ZERO)
        page = zero_block(page, order);
    return page;
}

void buddy_set_reclaim_hook(uint32_t (*hook)(unsigned order, pfn_t below))
{
    reclaim.hook = hook;
}

void buddy_set_compact_hook(bool (*hook)(unsigned order, unsigned flags))
{
    reclaim.compact = hook;
}

uint64_t buddy_reclaim_calls(void)
{
    return reclaim.calls;
}

/* Lock held.  Say what is wrong with a block that may not be freed. */
static __attribute__((cold, noinline)) void refuse_free(struct page *page, unsigned order,
                                                        uint32_t irq)
{
    pfn_t pfn = page_to_pfn(page);

    spin_unlock(&zone_of(pfn)->lock, irq);
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
    struct pool *pool = pool_of(pfn);
    struct zone *zone = pool->zone;
    uint32_t irq = spin_lock(&zone->lock);
    if (unlikely(page->kind < PAGE_KIND_FIRST_USED || page->order != order)) {
        refuse_free(page, order, irq);
        return;
    }
    zone->frames[page->kind] -= frames_in[order];
    zone->frames[PAGE_FREE] += frames_in[order];
    zone->stats.frees++;
    kasan_frames_freed(page, order);
    if (likely(order < BUDDY_HOT_ORDERS)) {
        struct hot_list *hot = &pool->hot[order];
        if (unlikely(hot->count == hot->batch))
            hot_make_room(pool, order);
        hot_push(hot, page);
    } else {
        free_block(zone, pool, page, order);
    }
    spin_unlock(&zone->lock, irq);
}

uint32_t buddy_drain(void)
{
    uint32_t frames = 0;

    for (unsigned id = 0; id < ZONE_COUNT; id++) {
        uint32_t irq = spin_lock(&buddy_zones[id].lock);
        frames += zone_drain(&buddy_zones[id]);
        spin_unlock(&buddy_zones[id].lock, irq);
    }
    return frames;
}

/* The zone is to have memory: called before its first frame. */
static void zone_open(struct zone *zone)
{
    if (zone->pools[0].free_lists[0].next)
        return;
    inject_set_notice(choose_ways);
    choose_way(zone);
    for (unsigned mobility = 0; mobility < MOBILITY_COUNT; mobility++) {
        struct pool *pool = &zone->pools[mobility];
        for (unsigned k = 0; k < ORDER_COUNT; k++)
            list_init(&pool->free_lists[k]);
        for (unsigned k = 0; k < BUDDY_HOT_ORDERS; k++)
            pool->hot[k].batch = 1u << (HOT_BATCH_ORDER - k);
    }
    mobility_open_zone(zone);
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
        pool_free(pfn_to_page(start), order);
        spin_unlock(&zone->lock, irq);
        start += 1u << order;
    }
    set_watermarks();
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

uint32_t buddy_managed_frames(void)
{
    return managed;
}

#ifdef STRATA_HOST
void buddy_reset(void)
{
    managed = 0;
    reclaim.hook = NULL;
    reclaim.compact = NULL;
    for (unsigned i = 0; i < ARRAY_SIZE(buddy_best_pools); i++)
        buddy_best_pools[i] = FIRST_POOL(ZONE_DMA);
    for (unsigned id = 0; id < ZONE_COUNT; id++) {
        struct zone *zone = &buddy_zones[id];
        struct zone_stats bounds = { .name = zone->stats.name,
                                     .start = zone->stats.start,
                                     .end = zone->stats.end };
        *zone = (struct zone){ .lock = zone->lock, .stats = bounds };
        for (unsigned mobility = 0; mobility < MOBILITY_COUNT; mobility++)
            zone->pools[mobility].zone = zone;
    }
}
#endif
