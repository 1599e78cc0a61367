/* Reclaim: memory that can be had back.
 *
 * Problem   Memory that is free is memory wasted: the page cache keeps what was read, slab caches
 *           keep empty slabs.  When a request finds no frame, that is given up, cheapest first.
 * Order     Who keeps something registers a shrinker (shrinker.h), and says what it costs to have it
 *           back:
 *           0. kernel stacks kept for the next threads; hot and zeroed frames, which are joined;
 *           1. clean page-cache pages that nobody maps: read again when wanted;
 *           2. empty slabs: made again when wanted;
 *           3. clean file pages that programs map: taken out of their page tables first, so each
 *              costs a fault to come back.  A program's text is of this kind.
 *           What is left then has no other copy: the out-of-memory killer (proc/) decides.
 * When      In the idle loop, when a zone is below `low`, as far as `high`, up to cost 2 (Linux has a
 *           thread for this, since there it must wait for disks).  Inside a request that would leave a
 *           zone less than `min`.
 * Context   Reclaim runs inside the request, whoever made it, with any lock held and interrupts
 *           off.  It allocates nothing, waits for nothing, and passes over what is locked.
 * Batches   A request for one frame takes back several, since the next one is not far.
 * Reading   Gorman, chapter 10. */
#include "mm/reclaim.h"

#include "kernel/cpu/cpu.h"
#include "mm/buddy.h"
#include "mm/pagecache.h"
#include "mm/shrinker.h"
#include "mm/slab.h"
#include "mm/space.h"

#define BATCH 32u

static struct reclaim_stats totals; /* interrupts off */

/* ---- what mm/ itself can give ---- */

static uint32_t count_aside(void)
{
    struct buddy_stats stats;
    uint32_t frames = 0;

    buddy_get_stats(&stats);
    for (unsigned id = 0; id < ZONE_COUNT; id++)
        frames += stats.zones[id].hot + stats.zones[id].zeroed;
    return frames;
}

/* They were free before, but not joined: nothing is gained that would be worth another try. */
static uint32_t join_free_frames(uint32_t npages, pfn_t below)
{
    (void)npages;
    (void)below;
    buddy_drain();
    return 0;
}

static uint32_t count_file_pages(void)
{
    struct pagecache_stats stats;

    pagecache_get_stats(&stats);
    return stats.file_pages;
}

static uint32_t drop_pages(uint32_t npages, pfn_t below)
{
    uint32_t dropped = pagecache_reclaim(npages, below);

    totals.cache_pages += dropped;
    return dropped;
}

static uint32_t shrink_slabs(uint32_t npages, pfn_t below)
{
    (void)npages; /* all of them: the empty ones of a cache are few */
    (void)below;
    uint32_t frames = slab_shrink_all();

    totals.slab_frames += frames;
    return frames;
}

static uint32_t drop_mapped_pages(uint32_t npages, pfn_t below)
{
    totals.unmapped += space_unmap_clean(npages, below);
    return drop_pages(npages, below);
}

static struct shrinker shrinkers[] = {
    { .name = "free lists",
      .cost = SHRINK_NOTHING_LOST,
      .count = count_aside,
      .shrink = join_free_frames },
    { .name = "page cache",
      .cost = SHRINK_READ_AGAIN,
      .count = count_file_pages,
      .shrink = drop_pages },
    { .name = "empty slabs",
      .cost = SHRINK_MADE_AGAIN,
      .count = slab_empty_frames,
      .shrink = shrink_slabs },
    { .name = "mapped file pages",
      .cost = SHRINK_FAULT_AGAIN,
      .count = count_file_pages,
      .shrink = drop_mapped_pages },
};

void reclaim_init(void)
{
    for (unsigned i = 0; i < ARRAY_SIZE(shrinkers); i++)
        shrinker_register(&shrinkers[i]);
    buddy_set_reclaim_hook(reclaim_frames);
}

/* ---- when ---- */

uint32_t reclaim_frames(unsigned order, pfn_t below)
{
    uint32_t npages = BATCH << order, irq = irq_save();
    uint32_t freed = shrinkers_run(npages, below, SHRINK_ANYWHERE, SHRINK_MADE_AGAIN);

    if (freed < 1u << order)
        freed += shrinkers_run(npages, below, SHRINK_ANYWHERE, SHRINK_FAULT_AGAIN);
    totals.runs++;
    totals.failures += freed == 0;
    irq_restore(irq);
    return freed;
}

bool reclaim_ahead(void)
{
    /* Free frames when nothing more could be had: not asked again then. */
    static uint32_t in_vain;
    pfn_t below;

    if (!buddy_is_short() || buddy_free_frames() == in_vain)
        return false;
    uint32_t npages = buddy_shortage(&below);
    uint32_t freed = shrinkers_run(MIN(npages, BATCH), below, SHRINK_UNLOCKED,
                                   SHRINK_MADE_AGAIN);
    totals.ahead += freed;
    in_vain = freed > 0 ? 0 : buddy_free_frames();
    return freed > 0;
}

uint32_t reclaim_unlocked(void)
{
    uint32_t irq = irq_save();
    uint32_t freed = shrinkers_run(BATCH, max_pfn, SHRINK_UNLOCKED, SHRINK_NOTHING_LOST);

    irq_restore(irq);
    return freed;
}

uint32_t reclaim_all(void)
{
    uint32_t irq = irq_save();
    uint32_t freed = shrinkers_run(UINT32_MAX, max_pfn, SHRINK_UNLOCKED, SHRINK_FAULT_AGAIN);

    pagecache_trim();
    freed += shrink_slabs(UINT32_MAX, max_pfn);
    irq_restore(irq);
    return freed;
}

void reclaim_get_stats(struct reclaim_stats *stats)
{
    uint32_t irq = irq_save();

    *stats = totals;
    irq_restore(irq);
}
