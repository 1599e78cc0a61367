/* Reclaim: memory that can be had back.
 *
 * Problem   Memory that is free is memory wasted: the page cache keeps what was read, slab caches
 *           keep empty slabs.  When a request finds no frame, that is given up, cheapest first.
 * Order     1. clean page-cache pages that nobody maps: read again when wanted;
 *           2. empty slabs: made again when wanted;
 *           3. clean file pages that programs map: taken out of their page tables first, so each
 *              costs a fault to come back.  A program's text is of this kind.
 *           What is left then has no other copy: the out-of-memory killer (proc/) decides.
 * Context   Reclaim runs inside the request, whoever made it, with any lock held and interrupts
 *           off.  It allocates nothing, waits for nothing, and passes over what is locked.
 * Batches   A request for one frame takes back several, since the next one is not far.
 * Reading   Gorman, chapter 10. */
#include "mm/reclaim.h"

#include "kernel/cpu/cpu.h"
#include "mm/buddy.h"
#include "mm/pagecache.h"
#include "mm/slab.h"
#include "mm/space.h"

#define BATCH 32u

static struct reclaim_stats totals; /* interrupts off */

void reclaim_init(void)
{
    buddy_set_reclaim_hook(reclaim_frames);
}

static uint32_t drop_pages(uint32_t npages)
{
    uint32_t dropped = pagecache_reclaim(npages);

    totals.cache_pages += dropped;
    return dropped;
}

static uint32_t shrink_slabs(void)
{
    uint32_t frames = slab_shrink_all();

    totals.slab_frames += frames;
    return frames;
}

static uint32_t drop_mapped_pages(uint32_t npages)
{
    totals.unmapped += space_unmap_clean(npages);
    return drop_pages(npages);
}

uint32_t reclaim_frames(unsigned order)
{
    uint32_t npages = BATCH << order, irq = irq_save();
    uint32_t freed = drop_pages(npages);

    if (freed < npages)
        freed += shrink_slabs();
    if (freed < 1u << order)
        freed += drop_mapped_pages(npages);
    totals.runs++;
    totals.failures += freed == 0;
    irq_restore(irq);
    return freed;
}

uint32_t reclaim_all(void)
{
    uint32_t irq = irq_save();
    uint32_t freed = drop_mapped_pages(UINT32_MAX);

    pagecache_trim();
    freed += shrink_slabs();
    irq_restore(irq);
    return freed;
}

void reclaim_get_stats(struct reclaim_stats *stats)
{
    uint32_t irq = irq_save();

    *stats = totals;
    irq_restore(irq);
}
