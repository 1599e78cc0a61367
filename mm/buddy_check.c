/* The buddy allocator's figures, and its validator: every list and every frame against the invariants in
 * buddy.c. */
#include "kernel/lib/string.h"
#include "kernel/log.h"
#include "mm/buddy_internal.h"

/* Lock held. */
static void count_pool(const struct pool *pool, struct zone_stats *stats)
{
    struct mobility_stats *of = &stats->by_mobility[mobility_of(pool)];

    for (unsigned k = 0; k < ORDER_COUNT; k++) {
        uint32_t blocks = 0;
        if (pool->nonempty & (1u << k))
            list_for_each(node, &pool->free_lists[k])
                blocks++;
        of->free_blocks[k] = blocks;
        stats->free_blocks[k] += blocks;
    }
    for (unsigned k = 0; k < BUDDY_HOT_ORDERS; k++)
        stats->hot += hot_blocks(&pool->hot[k]) << k;
    stats->zeroed += pool->zeroed_count;
}

/* Lock held. */
static void count_zone(const struct zone *zone, struct zone_stats *stats)
{
    pfn_t end = MIN(zone->stats.end, max_pfn);

    *stats = zone->stats;
    stats->free = zone->frames[PAGE_FREE];
    if (stats->managed == 0)
        return;
    for (unsigned mobility = 0; mobility < MOBILITY_COUNT; mobility++)
        count_pool(&zone->pools[mobility], stats);
    for (pfn_t pfn = zone->stats.start; pfn < end; pfn += BLOCK_FRAMES)
        stats->by_mobility[mobility_of(pool_of(pfn))].blocks++;
}

void buddy_get_stats(struct buddy_stats *stats)
{
    memset(stats, 0, sizeof(*stats));
    stats->reclaims = buddy_reclaim_calls();
    for (unsigned id = 0; id < ZONE_COUNT; id++) {
        struct zone *zone = &buddy_zones[id];
        uint32_t irq = spin_lock(&zone->lock);

        count_zone(zone, &stats->zones[id]);
        stats->managed += zone->stats.managed;
        stats->free += zone->frames[PAGE_FREE];
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
            frames[kind] += buddy_zones[id].frames[kind];
    }
    *high_free = buddy_zones[ZONE_HIGHMEM].frames[PAGE_FREE];
}

uint32_t buddy_free_frames(void)
{
    uint32_t free = 0;
    for (unsigned id = 0; id < ZONE_COUNT; id++)
        free += buddy_zones[id].frames[PAGE_FREE];
    return free;
}

/* Report a violation by its values; always false, for `return violated(...)`. */
static bool violated(const char *invariant, pfn_t pfn, uint32_t is, uint32_t should_be)
{
    log_err("buddy: %s: pfn %#x: %u, should be %u", invariant, pfn, is, should_be);
    return false;
}

/* Lock held.  A free block in its place, of the right order and on the right list? */
static bool check_free_block(const struct zone *zone, struct page *page, unsigned order,
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
static bool check_list(const struct pool *pool, unsigned order, uint32_t *free_frames)
{
    const struct zone *zone = pool->zone;

    if (((pool->nonempty >> order) & 1) == list_is_empty(&pool->free_lists[order]))
        return violated("order bitmap", zone->stats.start, pool->nonempty, order);
    list_for_each(node, &pool->free_lists[order]) {
        struct page *page = list_entry(node, struct page, node);
        pfn_t pfn = page_to_pfn(page);

        if (!check_free_block(zone, page, order, order))
            return false;
        if (pool_of(pfn) != pool)
            return violated("mobility of a free block", pfn, mobility_of(pool_of(pfn)),
                            mobility_of(pool));
        pfn_t buddy = pfn ^ (1u << order);
        if (order < BUDDY_MAX_ORDER && buddy < max_pfn &&
            is_joinable(pfn_to_page(buddy), order))
            return violated("free buddies not joined", pfn, order, order + 1);
        *free_frames += 1u << order;
    }
    return true;
}

/* Lock held.  One part of a hot list. */
static bool check_chain(const struct zone *zone, unsigned order, const struct list_node *chain,
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
static bool check_hot_list(const struct pool *pool, unsigned order, uint32_t *free_frames)
{
    const struct hot_list *hot = &pool->hot[order];

    *free_frames += hot_blocks(hot) << order;
    return check_chain(pool->zone, order, hot->newest, hot->count) &&
           check_chain(pool->zone, order, hot->older, hot->older ? hot->batch : 0);
}

/* Lock held. */
static bool check_pool(const struct pool *pool, uint32_t *free_frames)
{
    for (unsigned k = 0; k < ORDER_COUNT; k++)
        if (!check_list(pool, k, free_frames))
            return false;
    for (unsigned k = 0; k < BUDDY_HOT_ORDERS; k++)
        if (!check_hot_list(pool, k, free_frames))
            return false;
    *free_frames += pool->zeroed_count;
    return check_chain(pool->zone, 0, pool->zeroed, pool->zeroed_count);
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
    for (unsigned mobility = 0; mobility < MOBILITY_COUNT; mobility++)
        if (!check_pool(&zone->pools[mobility], &listed))
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
        uint32_t irq = spin_lock(&buddy_zones[id].lock);
        good &= check_zone(&buddy_zones[id]);
        spin_unlock(&buddy_zones[id].lock, irq);
    }
    return good;
}

/* ---- fragmentation ---- */

#define THOUSAND 1000u

/* Free frames, free blocks, and those of them that would do for the order. */
static void count_free(const struct zone_stats *zone, unsigned order, uint32_t *frames,
                       uint32_t *blocks, uint32_t *suitable)
{
    *frames = *blocks = *suitable = 0;
    for (unsigned k = 0; k <= BUDDY_MAX_ORDER; k++) {
        *frames += zone->free_blocks[k] << k;
        *blocks += zone->free_blocks[k];
        if (k >= order)
            *suitable += zone->free_blocks[k] << (k - order);
    }
}

/* 1 - (1 + frames / 2^order) / blocks (Gorman and Whitcroft, "The What, the Why and the Where To of
 * Anti-Fragmentation", OLS 2006). */
int buddy_fragmentation_index(const struct zone_stats *zone, unsigned order)
{
    uint32_t frames, blocks, suitable;

    count_free(zone, order, &frames, &blocks, &suitable);
    if (blocks == 0)
        return 0;
    if (suitable > 0)
        return -(int)THOUSAND;
    return (int)THOUSAND - (int)((THOUSAND + frames * THOUSAND / (1u << order)) / blocks);
}

int buddy_unusable_index(const struct zone_stats *zone, unsigned order)
{
    uint32_t frames, blocks, suitable;

    count_free(zone, order, &frames, &blocks, &suitable);
    if (frames == 0)
        return 0;
    return (int)((frames - (suitable << order)) * THOUSAND / frames);
}
