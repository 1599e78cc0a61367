/* Free memory, kept apart by what can be done about the blocks beside it.
 *
 * Problem     One frame that cannot move is enough to spoil 4 MiB for who wants them in one piece.
 *             If such frames come from wherever the lists begin, soon they are everywhere.
 * Idea        Memory is dealt out in units of 4 MiB, the largest block.  Each unit serves one
 *             mobility, and a request takes from the units of its own.  So user frames, which can be
 *             moved, lie together, and what cannot be moved is packed into few units.
 *
 *               4 MiB          4 MiB          4 MiB          4 MiB
 *             [uuuuuu.u..u..][mm.mmm..mmm.mm][rrr.r.........][.............]
 *              unmovable      movable         reclaimable     whose request comes first
 *
 * Stealing    If the units of a mobility have nothing, it looks at the largest block that the others
 *             have.  When half of its unit is free, or used by frames of the same mobility already,
 *             the whole unit changes hands, and the requests to come find the rest of it; else one
 *             block is taken from that pool, the smallest that will do, so that large ones stay whole.
 * Small       A machine of few units has nothing to keep apart: all of it is one pool.
 * Reading     Gorman and Whitcroft, "The What, the Why and the Where To of Anti-Fragmentation",
 *             Ottawa Linux Symposium 2006. */
#include "mm/buddy_internal.h"

#define SMALL_MACHINE (3u * MOBILITY_COUNT * BLOCK_FRAMES) /* frames: three units for each */

const char *mobility_name(enum mobility mobility)
{
    static const char *const names[MOBILITY_COUNT] = {
        [MOBILITY_UNMOVABLE] = "Unmovable",
        [MOBILITY_MOVABLE] = "Movable",
        [MOBILITY_RECLAIMABLE] = "Reclaimable",
    };
    return (unsigned)mobility < MOBILITY_COUNT ? names[mobility] : "?";
}

static bool is_grouped(void)
{
    return max_pfn >= SMALL_MACHINE;
}

static enum mobility wanted_mobility(unsigned flags)
{
    if (!is_grouped())
        return MOBILITY_UNMOVABLE;
    return flags & PAGE_MOVABLE       ? MOBILITY_MOVABLE
           : flags & PAGE_RECLAIMABLE ? MOBILITY_RECLAIMABLE
                                      : MOBILITY_UNMOVABLE;
}

/* Everything is movable at first: nothing is there yet that is not. */
void mobility_open_zone(struct zone *zone)
{
    struct pool *first = &zone->pools[is_grouped() ? MOBILITY_MOVABLE : MOBILITY_UNMOVABLE];

    for (pfn_t pfn = zone->stats.start; pfn < MIN(zone->stats.end, max_pfn);
         pfn += BLOCK_FRAMES)
        buddy_pools[pfn >> BLOCK_SHIFT] = first;
    for (unsigned flags = 0; flags <= PLACE_FLAGS; flags++) {
        enum zone_id highest = flags & PAGE_DMA          ? ZONE_DMA
                               : flags & PAGE_HIGHMEM_OK ? ZONE_HIGHMEM
                                                         : ZONE_NORMAL;
        const struct zone *now = buddy_best_pools[flags]->zone;
        const struct zone *best = zone <= &buddy_zones[highest] ? MAX(zone, now) : now;
        buddy_best_pools[flags] =
            &buddy_zones[best - buddy_zones].pools[wanted_mobility(flags)];
    }
}

/* What a used block is, by its kind. */
static enum mobility mobility_of_kind(enum page_kind kind)
{
    return kind == PAGE_ANON || kind == PAGE_SHMEM ? MOBILITY_MOVABLE
           : kind == PAGE_FILE                     ? MOBILITY_RECLAIMABLE
                                                   : MOBILITY_UNMOVABLE;
}

/* Would the unit be in the right hands? */
static bool is_worth_claiming(pfn_t start, enum mobility mobility)
{
    pfn_t end = MIN(start + BLOCK_FRAMES, max_pfn);
    uint32_t right = 0;

    for (pfn_t pfn = start; pfn < end;) {
        const struct page *head = pfn_to_page(pfn);
        uint32_t nframes = head->kind == PAGE_RESERVED ? 1 : 1u << head->order;
        if (head->kind == PAGE_FREE ||
            (head->kind != PAGE_RESERVED && mobility_of_kind(head->kind) == mobility))
            right += nframes;
        pfn += nframes;
    }
    return right >= BLOCK_FRAMES / 2;
}

/* Lock held.  A unit changes hands, with the free blocks in it. */
static void claim(pfn_t start, struct pool *to)
{
    struct pool *from = pool_of(start);
    pfn_t end = MIN(start + BLOCK_FRAMES, max_pfn);

    for (pfn_t pfn = start; pfn < end;) {
        struct page *head = pfn_to_page(pfn);
        unsigned order = head->kind == PAGE_RESERVED ? 0 : head->order;
        if (is_joinable(head, order)) {
            take_free_block(from, head, order);
            put_free_block(to, head, order);
            to->nonempty |= 1u << order;
        }
        pfn += 1u << order;
    }
    buddy_pools[start >> BLOCK_SHIFT] = to;
    to->zone->stats.claims++;
}

struct pool *mobility_fall_back(struct pool *pool, unsigned order)
{
    struct zone *zone = pool->zone;
    struct pool *richest = NULL;

    for (struct pool *other = zone->pools; other < zone->pools + MOBILITY_COUNT; other++)
        if (other != pool && other->nonempty >> order &&
            (!richest || other->nonempty > richest->nonempty))
            richest = other;
    if (!richest)
        return NULL;
    unsigned have = bit_highest(richest->nonempty);
    pfn_t start = ALIGN_DOWN(
        page_to_pfn(list_first(&richest->free_lists[have], struct page, node)), BLOCK_FRAMES);
    if (!is_worth_claiming(start, mobility_of(pool)))
        return richest;
    claim(start, pool);
    return pool;
}
