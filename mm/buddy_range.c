/* Blocks in a given place, and blocks of any length.
 *
 * Windows     Compaction (compact.c) makes a free block where user frames are.  It names a window, an
 *             aligned run of 2^k frames, and moves what is in it elsewhere.  Meanwhile no request may
 *             take the free part of the window, so that is closed first: its blocks leave the free
 *             lists, and count as user frames that nobody refers to.  What is moved becomes the same;
 *             in the end all frames without a reference are given back, and join.
 * Any length  A run of n frames is cut out of the block above it: the blocks that are in the binary
 *             digits of n stay with the caller, the rest is given back at once.
 *
 *               n = 11 of 16:   [8 used][2 used][1 used][1 free][4 free]
 *
 *             Above 4 MiB: free blocks of 4 MiB side by side, of which the last is cut so.
 * Lock        the zone's. */
#include "kernel/cpu/cpu.h"
#include "mm/buddy_internal.h"
#include "mm/compact.h"
#include "mm/inject.h"
#include "mm/kasan.h"
#include "mm/track.h"

/* ---- windows ---- */

static bool is_user_frame(const struct page *head)
{
    return head->kind == PAGE_ANON || head->kind == PAGE_FILE || head->kind == PAGE_SHMEM;
}

enum window_state window_look(pfn_t start, unsigned order, uint32_t *used)
{
    pfn_t end = start + (1u << order);

    *used = 0;
    if (end > max_pfn)
        return WINDOW_STUCK;
    for (pfn_t pfn = start; pfn < end;) {
        const struct page *head = pfn_to_page(pfn);
        if (head->kind == PAGE_TAIL) /* of a block that begins before the window */
            return page_block_head(pfn_to_page(pfn))->kind == PAGE_FREE ? WINDOW_FREE
                                                                        : WINDOW_STUCK;
        if (head->kind != PAGE_FREE) {
            if (!is_user_frame(head) || head->order != 0 || head->refs == 0 ||
                page_is_huge(head))
                return WINDOW_STUCK;
            ++*used;
        }
        pfn += 1u << head->order;
    }
    return *used > 0 ? WINDOW_MOVABLE : WINDOW_FREE;
}

void window_close(pfn_t start, unsigned order)
{
    struct pool *pool = pool_of(start);
    uint32_t irq = spin_lock(&pool->zone->lock);

    for (pfn_t pfn = start; pfn < start + (1u << order);) {
        struct page *head = pfn_to_page(pfn);
        if (head->kind == PAGE_FREE) {
            take_free_block(pool, head, head->order);
            account_alloc(pool->zone, head, head->order, PAGE_ANON);
        }
        pfn += 1u << head->order;
    }
    spin_unlock(&pool->zone->lock, irq);
}

void window_open(pfn_t start, unsigned order)
{
    struct zone *zone = zone_of(start);
    uint32_t irq = spin_lock(&zone->lock);

    for (pfn_t pfn = start; pfn < start + (1u << order);) {
        struct page *head = pfn_to_page(pfn);
        unsigned head_order = head->order;
        if (head->refs == 0) {
            zone->frames[head->kind] -= 1u << head_order;
            zone->frames[PAGE_FREE] += 1u << head_order;
            zone->stats.frees++;
            kasan_frames_freed(head, head_order);
            pool_free(head, head_order);
        }
        pfn += 1u << head_order;
    }
    spin_unlock(&zone->lock, irq);
}

/* ---- one block, many blocks ---- */

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

/* ---- any length ---- */

/* Cut a used block into pieces: the first `npages` frames stay used, the others are given back. */
static void cut(struct page *block, uint32_t npages)
{
    uint32_t total = 1u << block->order;
    uint8_t kind = block->kind;
    struct zone *zone = zone_of(page_to_pfn(block));
    uint32_t irq = spin_lock(&zone->lock);

    zone->stats.allocs--; /* each piece counts: it will be freed by itself */
    for (uint32_t at = 0; at < total;) {
        unsigned order = largest_order(at, at < npages ? npages : total);
        block[at].kind = kind;
        block[at].order = (uint8_t)order;
        block[at].entries = 0;
        block[at].refs = 0;
        if (track_pages)
            track_page_alloc(&block[at]);
        zone->stats.allocs++;
        at += 1u << order;
    }
    spin_unlock(&zone->lock, irq);
    if (npages < total)
        buddy_free_exact(block + npages, total - npages);
}

void buddy_free_exact(struct page *page, uint32_t npages)
{
    while (npages > 0) {
        uint32_t length = 1u << page->order;
        ASSERT(length <= npages, "a block of %u frames in a run of %u", length, npages);
        buddy_free(page, page->order);
        page += length;
        npages -= length;
    }
}

/* Lock held.  Does a free block of 4 MiB begin here? */
static bool is_free_unit(pfn_t pfn)
{
    return pfn + BLOCK_FRAMES <= max_pfn && is_joinable(pfn_to_page(pfn), BUDDY_MAX_ORDER);
}

/* Interrupts off.  Take `units` free blocks of 4 MiB side by side, if they are. */
static bool take_units(pfn_t start, uint32_t units, enum page_kind kind)
{
    struct zone *zone = zone_of(start);

    for (uint32_t i = 0; i < units; i++)
        if (!is_free_unit(start + i * BLOCK_FRAMES))
            return false;
    uint32_t irq = spin_lock(&zone->lock);
    for (uint32_t i = 0; i < units; i++) {
        struct page *head = pfn_to_page(start + i * BLOCK_FRAMES);
        take_free_block(pool_of(page_to_pfn(head)), head, BUDDY_MAX_ORDER);
        account_alloc(zone, head, BUDDY_MAX_ORDER, kind);
        if (track_pages)
            track_page_alloc(head);
    }
    spin_unlock(&zone->lock, irq);
    return true;
}

/* A run of units in one zone: first what is free already, then what can be made so. */
static struct page *zone_alloc_units(const struct zone *zone, uint32_t units,
                                     enum page_kind kind)
{
    pfn_t end = MIN(zone->stats.end, max_pfn);

    for (unsigned moving = 0; moving <= 1; moving++) {
        for (pfn_t pfn = zone->stats.start; pfn < end && units <= (end - pfn) >> BLOCK_SHIFT;
             pfn += BLOCK_FRAMES) {
            if (moving && !compact_units(pfn, units))
                continue;
            if (take_units(pfn, units, kind))
                return pfn_to_page(pfn);
        }
    }
    return NULL;
}

static struct page *alloc_units(uint32_t npages, enum page_kind kind, unsigned flags)
{
    uint32_t units = DIV_ROUND_UP(npages, BLOCK_FRAMES);
    const struct zone *zone = buddy_best_pools[flags & PLACE_FLAGS]->zone;
    struct page *run = NULL;

    if (inject_hits(INJECT_PAGE))
        return NULL;
    uint32_t irq = irq_save();

    buddy_drain();
    do {
        if (zone->frames[PAGE_FREE] >= npages + buddy_kept_frames(zone, flags))
            run = zone_alloc_units(zone, units, kind);
    } while (!run && zone > buddy_zones && zone--);
    irq_restore(irq);
    return run;
}

struct page *buddy_alloc_exact(uint32_t npages, unsigned align_order, enum page_kind kind,
                               unsigned flags)
{
    unsigned order = order_for(npages);

    ASSERT(npages > 0 && npages <= 1u << (32 - PAGE_SHIFT), "a run of %u frames", npages);
    ASSERT(!(flags & PAGE_ZERO), "a run of frames is not zeroed");
    if (order <= BUDDY_MAX_ORDER) {
        struct page *block = buddy_alloc(MAX(order, align_order), kind, flags);
        if (block)
            cut(block, npages);
        return block;
    }
    struct page *run = alloc_units(npages, kind, flags);
    uint32_t last = (npages - 1) & ~(BLOCK_FRAMES - 1);
    if (run)
        cut(run + last, npages - last);
    return run;
}
