/* tests/kernel/bench_rare.c - what the rarer ways of the allocators cost: runs of any length, the
 * reserve, a unit that changes its mobility, compaction, a magazine that is refilled, frames mapped a
 * second time, a search for leaks.  (What a row looks like: bench.c.) */
#include "tests/kernel/bench.h"

#include "kernel/lib/format.h"
#include "kernel/sched/thread.h"
#include "mm/buddy.h"
#include "mm/cache.h"
#include "mm/compact.h"
#include "mm/fault.h"
#include "mm/leaks.h"
#include "mm/slab.h"
#include "mm/space.h"
#include "mm/vmalloc.h"

#define FEW_SAMPLES 20u /* where a sample takes long */
#define BASE 0x10000000u
#define TABLE_BYTES (PTES_PER_TABLE * PAGE_SIZE)
#define WINDOW_ORDER 8u
#define RW (VMA_READ | VMA_WRITE)

/* --- magazines ---------------------------------------------------------------------------------- */

#define REFILL_SIZE 64u
#define SLAB_OBJECTS (PAGE_SIZE / REFILL_SIZE)

/* The slabs have an object in use each, so that they stay when the magazine is emptied: the next
 * allocation fetches half a magazine from them. */
void slab_refill(struct test *t)
{
    struct slab_stats stats;
    NEED_TSC(t);
    struct slab_cache *cache = slab_cache_create("refill", REFILL_SIZE, 0, NULL, 0);
    REQUIRE(t, cache != NULL && test_slab_stats("refill", &stats));
    unsigned half = stats.magazine_capacity / 2;
    unsigned count = 2 * half + 2 * SLAB_OBJECTS;
    for (unsigned i = 0; i < count; i++)
        held[i] = slab_alloc(cache, PAGE_ANY);
    for (unsigned i = 0; i < count; i++)
        if (i % SLAB_OBJECTS != 0)
            slab_free(cache, held[i]);
    uint32_t irq = irq_save();
    measure_overhead();
    for (unsigned sample = 0; sample < RANGE_SAMPLES; sample++) {
        slab_cache_shrink(cache);
        uint64_t start = tsc_read();
        void *object = slab_alloc(cache, PAGE_ANY);
        samples[sample] = since(start);
        slab_free(cache, object);
    }
    irq_restore(irq);
    report("slab_refill_64", RANGE_SAMPLES, half, 0, "object");
    for (unsigned i = 0; i < count; i += SLAB_OBJECTS)
        slab_free(cache, held[i]);
    EXPECT_EQ(t, slab_cache_destroy(cache), 0);
}

/* --- frames that are there ---------------------------------------------------------------------- */

void mapped_frames(struct test *t)
{
    NEED_TSC(t);
    struct page *block = buddy_alloc(4, PAGE_TEST, PAGE_ANY);
    REQUIRE(t, block != NULL);
    MEASURE("vmap_pair_65536", SAMPLES, 1, 0, "pair", vunmap(vmap(page_to_pfn(block), 16, 0)));
    if (cpu_info.clflush_bytes != 0)
        MEASURE("cache_flush_page", SAMPLES, 1, 0, "page",
                cache_flush_range((uintptr_t)page_to_virt(block), PAGE_SIZE));
    buddy_free(block, 4);
}

/* --- frames ------------------------------------------------------------------------------------- */

void exact_runs(struct test *t)
{
    static const unsigned lengths[] = { 3, 100, 3000 };
    char name[32];
    NEED_TSC(t);
    if (buddy_free_frames() < 4 * 3000)
        SKIP(t, "needs more memory");
    for (unsigned i = 0; i < ARRAY_SIZE(lengths); i++) {
        unsigned npages = lengths[i];
        snprintf(name, sizeof(name), "page_exact_pair_%u", npages);
        MEASURE(name, SAMPLES, 1, 0, "pair",
                buddy_free_exact(buddy_alloc_exact(npages, 0, PAGE_TEST, PAGE_ANY), npages));
    }
}

/* Take all blocks of `order` and below that a request with these flags is given. */
static void take_all(struct list_node *taken, unsigned order, unsigned flags)
{
    for (unsigned k = order + 1; k-- > 0;) {
        struct page *page;
        while ((page = buddy_alloc(k, PAGE_TEST, flags | PAGE_NO_RECLAIM)) != NULL)
            list_add_head(taken, &page->node);
    }
}

static void free_all(struct list_node *taken)
{
    list_for_each_safe(node, taken) {
        struct page *page = list_entry(node, struct page, node);
        list_remove(node);
        buddy_free(page, page->order);
    }
}

/* What is left is what the zones keep back: only PAGE_ATOMIC gets it.  One block more, and an ordinary
 * request is served again, but weighed first. */
void reserve_pairs(struct test *t)
{
    struct list_node taken = LIST_INIT(taken);
    NEED_TSC(t);
    take_all(&taken, BUDDY_MAX_ORDER, PAGE_MOVABLE);
    MEASURE("page_pair_atomic", SAMPLES, 1, 0, "pair",
            buddy_free(buddy_alloc(0, PAGE_TEST, PAGE_MOVABLE | PAGE_ATOMIC), 0));
    struct page *last = list_first(&taken, struct page, node);
    list_remove(&last->node);
    buddy_free(last, last->order);
    MEASURE("page_pair_near_min", SAMPLES, 1, 0, "pair",
            buddy_free(buddy_alloc(0, PAGE_TEST, PAGE_MOVABLE), 0));
    free_all(&taken);
}

/* Nothing serves reclaimable frames yet: each 4 MiB has to be taken from the movable ones, and is given
 * back to them in the end. */
void steals(struct test *t)
{
    struct list_node taken = LIST_INIT(taken);
    struct buddy_stats before, after;
    const unsigned order = BUDDY_MAX_ORDER;
    NEED_TSC(t);
    if (buddy_free_frames() < 3 * FEW_SAMPLES << order)
        SKIP(t, "needs more memory");
    buddy_drain();
    buddy_get_stats(&before);
    uint32_t irq = irq_save();
    measure_overhead();
    for (unsigned sample = 0; sample < FEW_SAMPLES; sample++) {
        uint64_t start = tsc_read();
        struct page *page = buddy_alloc(order, PAGE_TEST, PAGE_RECLAIMABLE);
        samples[sample] = since(start);
        list_add_head(&taken, &page->node);
    }
    irq_restore(irq);
    report("page_steal", FEW_SAMPLES, 1, 0, "block");
    buddy_get_stats(&after);
    EXPECT(t, after.zones[ZONE_NORMAL].claims >=
                  before.zones[ZONE_NORMAL].claims + FEW_SAMPLES / 2);
    free_all(&taken);
    take_all(&taken, order, PAGE_MOVABLE);
    free_all(&taken);
}

/* --- compaction --------------------------------------------------------------------------------- */

/* Map pages and touch them; false: no memory. */
static bool touch_pages(struct space *space, uaddr_t start, uint32_t npages)
{
    uaddr_t end = start + npages * PAGE_SIZE;

    if (space_map(space, start, end, RW, NULL) != 0)
        return false;
    return fault_populate(space, start, end, PF_USER | PF_WRITE) == 0;
}

/* Empty the window that a page in the middle is in.  What one frame costs; 0: none was moved. */
static uint32_t move_window(struct space *space, unsigned order)
{
    struct compact_stats before, after;
    pte_t entry = space_lookup(space, BASE + TABLE_BYTES / 4);
    pfn_t window = ALIGN_DOWN(entry >> PAGE_SHIFT, 1u << order);

    compact_get_stats(&before);
    uint64_t start = tsc_read();
    compact_window(window, order);
    uint32_t ticks = since(start);
    compact_get_stats(&after);
    uint32_t moved = (uint32_t)(after.frames_moved - before.frames_moved);
    return moved > 0 ? ticks / moved : 0;
}

/* What a frame costs in a window that is full. */
static void move_many(struct test *t, struct space *space)
{
    uaddr_t end = BASE + TABLE_BYTES / 2;

    for (unsigned sample = 0; sample < FEW_SAMPLES; sample++) {
        buddy_drain();
        EXPECT_EQ(t, fault_populate(space, BASE, end, PF_USER | PF_WRITE), 0);
        samples[sample] = move_window(space, WINDOW_ORDER);
        EXPECT(t, samples[sample] > PAGE_FILL);
        EXPECT_EQ(t, space_advise(space, BASE, end - BASE, SPACE_ADV_DONTNEED), 0);
    }
    report("compact_frame", FEW_SAMPLES, 1, PAGE_FILL, "frame");
}

/* What one page table more, in whatever program, adds to moving one frame. */
static void search_more(struct test *t, struct space *space)
{
    uint32_t alone = 0;

    EXPECT_EQ(t, fault_populate(space, BASE, BASE + TABLE_BYTES / 2, PF_USER | PF_WRITE), 0);
    for (unsigned i = 0; i < WARM_UP; i++)
        alone = move_window(space, 0);
    EXPECT(t, alone > 0);
    EXPECT(t, touch_pages(space, BASE + TABLE_BYTES, PTES_PER_TABLE));
    for (unsigned sample = 0; sample < FEW_SAMPLES; sample++)
        samples[sample] = move_window(space, 0) - alone;
    report("compact_table_searched", FEW_SAMPLES, 1, 0, "table");
}

void compaction(struct test *t)
{
    NEED_TSC(t);
    if (buddy_free_frames() < 8 * PTES_PER_TABLE)
        SKIP(t, "needs more memory");
    struct space *space = space_create();
    REQUIRE(t, space != NULL);
    uint32_t irq = irq_save();
    measure_overhead();
    EXPECT(t, touch_pages(space, BASE, PTES_PER_TABLE / 2));
    move_many(t, space);
    search_more(t, space);
    irq_restore(irq);
    space_put(space);
}

/* --- leaks -------------------------------------------------------------------------------------- */

static struct leak_site sites[4];

static uint32_t scan_time(void)
{
    struct leak_list list = { .sites = sites, .capacity = ARRAY_SIZE(sites) };
    uint64_t start = tsc_read();

    leaks_unreachable(thread_visit_stacks, &list);
    return since(start);
}

/* What each object more adds to `leaks scan`: objects that held[] leads to. */
void leak_scan(struct test *t)
{
    NEED_TSC(t);
    struct slab_cache *cache = slab_cache_create("scanned", 64, 0, NULL, SLAB_TRACK);
    REQUIRE(t, cache != NULL);
    memset(held, 0, sizeof(held));
    measure_overhead();
    uint32_t empty = scan_time();
    for (unsigned i = 0; i < MANY_PAGES; i++)
        held[i] = slab_alloc(cache, PAGE_ZERO);
    for (unsigned sample = 0; sample < FEW_SAMPLES; sample++)
        samples[sample] = scan_time() - empty;
    report("leak_scan_object", FEW_SAMPLES, MANY_PAGES, 0, "object");
    for (unsigned i = 0; i < MANY_PAGES; i++)
        slab_free(cache, held[i]);
    EXPECT_EQ(t, slab_cache_destroy(cache), 0);
}
