/* Frames zeroed in advance.
 *
 * Problem     A program's first touch of a page must find zeros, and filling a frame is most of the
 *             cost of the fault.  Between two faults, the processor is often idle.
 * Idea        The idle loop fills free frames, one at a time, and puts them aside: for user frames in
 *             the best zone, and a few in low memory for page tables.  Who wants zeros takes one if
 *             there is one, and fills a frame itself if not.
 * Limits      At most 1/64 of a zone; none while the zone is near its watermarks, for then its free
 *             blocks should be joined.  The same bytes are written sooner, not fewer of them, and they
 *             are no longer in the processor's cache when they are used.
 * Lock        the zone's.  A frame is filled under it: interrupts are off for a microsecond. */
#include "mm/zeroed.h"

#include "mm/buddy_internal.h"
#include "mm/inject.h"
#include "mm/kasan.h"
#include "mm/kmap.h"

#define ZEROED_SHARE_SHIFT 6u /* of the zone's frames */
#define ZEROED_USER_MAX 1024u /* frames: 4 MiB */
#define ZEROED_KERNEL_MAX 32u

uint32_t zeroed_frames;

/* Lock held. */
static void push(struct pool *pool, struct page *page)
{
    page->kind = PAGE_FREE;
    page->order = 0;
    page->refs = NOT_JOINABLE;
    page->node.next = pool->zeroed;
    pool->zeroed = &page->node;
    pool->zeroed_count++;
    zeroed_frames++;
}

/* Lock held; there is one. */
static struct page *pop(struct pool *pool)
{
    struct page *page = list_entry(pool->zeroed, struct page, node);

    pool->zeroed = page->node.next;
    pool->zeroed_count--;
    zeroed_frames--;
    return page;
}

void zeroed_forget(struct pool *pool)
{
    zeroed_frames -= pool->zeroed_count;
    pool->zeroed = NULL;
    pool->zeroed_count = 0;
}

static bool pool_make(struct pool *pool, uint32_t limit)
{
    struct zone *zone = pool->zone;
    struct page *page = NULL;
    uint32_t irq = spin_lock(&zone->lock);

    if (pool->zeroed_count < MIN(limit, zone->stats.managed >> ZEROED_SHARE_SHIFT) &&
        zone->frames[PAGE_FREE] > 2 * zone->stats.high)
        page = pool_alloc(pool, 0);
    if (page) {
        page->kind = PAGE_FREE;
        kasan_frames_allocated(page, 0);
        kmap_zero_frame(page);
        kasan_frames_freed(page, 0);
        push(pool, page);
    }
    spin_unlock(&zone->lock, irq);
    return page != NULL;
}

bool zeroed_make(void)
{
    return pool_make(buddy_best_pools[PAGE_HIGHMEM_OK | PAGE_MOVABLE], ZEROED_USER_MAX) ||
           pool_make(buddy_best_pools[PAGE_ANY], ZEROED_KERNEL_MAX);
}

struct page *zeroed_exchange(struct page *page)
{
    struct pool *pool = pool_of(page_to_pfn(page));
    enum page_kind kind = page->kind;
    struct page *zeroed = NULL;
    uint32_t irq = spin_lock(&pool->zone->lock);

    if (pool->zeroed) {
        zeroed = pop(pool);
        zeroed->kind = (uint8_t)kind;
        zeroed->entries = 0;
        zeroed->refs = 0;
        kasan_frames_allocated(zeroed, 0);
        kasan_frames_freed(page, 0);
        pool_free(page, 0);
    }
    spin_unlock(&pool->zone->lock, irq);
    return zeroed;
}

struct page *zeroed_take(enum page_kind kind)
{
    struct pool *pool = buddy_best_pools[PAGE_HIGHMEM_OK | PAGE_MOVABLE];
    struct page *page = NULL;
    uint32_t irq = spin_lock(&pool->zone->lock);

    if (pool->zeroed && !inject_armed &&
        pool->zone->frames[PAGE_FREE] > pool->zone->stats.high) {
        page = pop(pool);
        account_alloc(pool->zone, page, 0, kind);
        page->cache = NULL;
        page->refs = 1;
    }
    spin_unlock(&pool->zone->lock, irq);
    return page;
}
