/* tests/kernel/test_shortage.c - when memory is short: what a zone keeps back and for whom, and what is
 * taken back for a request that cannot use all memory. */
#include "tests/kernel/test.h"

#include "mm/buddy.h"
#include "mm/pagecache.h"
#include "mm/space.h"

#define BASE 0x10000000u
#define RW (VMA_READ | VMA_WRITE)

static struct buddy_stats stats;

/* Take frames until there are none, or until one is below `pfn`: that one is given back. */
static void hold_down_to(struct list_node *held, unsigned flags, pfn_t pfn)
{
    struct page *page;

    while ((page = buddy_alloc(0, PAGE_TEST, flags)) != NULL) {
        if (page_to_pfn(page) < pfn) {
            buddy_free(page, 0);
            return;
        }
        list_add_tail(held, &page->node);
    }
}

static void free_all(struct list_node *held)
{
    list_for_each_safe(node, held)
        buddy_free(list_entry(node, struct page, node), 0);
    list_init(held);
}

/* --- what is kept back -------------------------------------------------------------------------- */

static void watermarks_are_in_order(struct test *t)
{
    buddy_get_stats(&stats);
    for (unsigned z = 0; z < ZONE_COUNT; z++) {
        const struct zone_stats *zone = &stats.zones[z];
        EXPECT(t, zone->min <= zone->low && zone->low <= zone->high);
        EXPECT(t, zone->high <= MAX(zone->managed / 16, 3u));
        EXPECT_EQ(t, zone->kept_from[z], 0);
        for (unsigned best = 1; best < ZONE_COUNT; best++) {
            EXPECT(t, zone->kept_from[best] >= zone->kept_from[best - 1]);
            EXPECT(t, zone->kept_from[best] <= zone->managed / 2);
        }
    }
}

static void reserve_is_for_atomic_requests(struct test *t)
{
    struct list_node held = LIST_INIT(held);
    pfn_t below;
    hold_down_to(&held, PAGE_DMA, 0);
    buddy_get_stats(&stats);
    const struct zone_stats *dma = &stats.zones[ZONE_DMA];
    EXPECT_EQ(t, dma->free, dma->min);
    EXPECT(t, dma->min == 0 || buddy_is_short());
    EXPECT(t, buddy_shortage(&below) >= dma->high - dma->min);
    EXPECT(t, dma->high == dma->min || below >= dma->end);
    for (uint32_t i = dma->min; i > 0; i--) {
        struct page *page = buddy_alloc(0, PAGE_TEST, PAGE_DMA | PAGE_ATOMIC);
        REQUIRE(t, page != NULL);
        list_add_tail(&held, &page->node);
    }
    EXPECT_PTR(t, buddy_alloc(0, PAGE_TEST, PAGE_DMA | PAGE_ATOMIC), NULL);
    free_all(&held);
}

/* A program took all that it can have: the kernel can still make what it needs in low memory. */
static void programs_leave_low_memory(struct test *t)
{
    struct list_node held = LIST_INIT(held);
    buddy_get_stats(&stats);
    if (stats.zones[ZONE_HIGHMEM].managed == 0)
        SKIP(t, "no HIGHMEM");
    hold_down_to(&held, PAGE_HIGHMEM_OK | PAGE_MOVABLE, 0);
    buddy_get_stats(&stats);
    for (unsigned z = 0; z < ZONE_COUNT; z++) {
        const struct zone_stats *zone = &stats.zones[z];
        EXPECT_EQ(t, zone->free, zone->min + zone->kept_from[ZONE_HIGHMEM]);
    }
    EXPECT(t, stats.zones[ZONE_NORMAL].kept_from[ZONE_HIGHMEM] > 0);
    for (unsigned order = 0; order <= 3; order++) {
        struct page *page = buddy_alloc(order, PAGE_TEST, PAGE_ANY);
        EXPECT(t, page != NULL);
        if (page)
            buddy_free(page, order);
    }
    struct space *parent = space_create();
    REQUIRE(t, parent != NULL);
    EXPECT_EQ(t, space_map(parent, BASE, BASE + PAGE_SIZE, RW, NULL), 0);
    struct space *child = space_fork(parent);
    EXPECT(t, child != NULL);
    if (child)
        space_put(child);
    space_put(parent);
    free_all(&held);
}

/* The same between DMA and the zone above. */
static void plain_requests_leave_dma(struct test *t)
{
    struct list_node held = LIST_INIT(held);
    buddy_get_stats(&stats);
    if (stats.zones[ZONE_NORMAL].managed == 0)
        SKIP(t, "DMA only");
    hold_down_to(&held, PAGE_ANY, 0);
    buddy_get_stats(&stats);
    const struct zone_stats *dma = &stats.zones[ZONE_DMA];
    EXPECT_EQ(t, dma->free, dma->min + dma->kept_from[ZONE_NORMAL]);
    EXPECT_EQ(t, dma->kept_from[ZONE_NORMAL], stats.zones[ZONE_NORMAL].managed / 256);
    hold_down_to(&held, PAGE_DMA, 0);
    buddy_get_stats(&stats);
    EXPECT_EQ(t, dma->free, dma->min);
    free_all(&held);
}

/* --- what is taken back ------------------------------------------------------------------------- */

static void release(struct page_cache *cache)
{
    (void)cache;
}

static void get_name(const struct page_cache *cache, struct page_cache_name *name)
{
    (void)cache;
    *name = (struct page_cache_name){ .path = "test" };
}

static void read_pages(struct test *t, struct page_cache *cache, uint32_t first, uint32_t count)
{
    for (uint32_t i = first; i < first + count; i++) {
        struct page *page = pagecache_page(cache, i);
        REQUIRE(t, page != NULL);
        pagecache_put_page(page);
    }
}

static uint32_t count_pages(struct page_cache *cache, uint32_t first, uint32_t count)
{
    uint32_t found = 0;

    for (uint32_t i = first; i < first + count; i++) {
        struct page *page = pagecache_find(cache, i);
        found += page != NULL;
        if (page)
            pagecache_put_page(page);
    }
    return found;
}

/* Pages of a file, many in HIGHMEM and then a few below.  A request for low memory takes the latter back,
 * though the clock's hand is at the former. */
static void low_requests_take_back_low_pages(struct test *t)
{
    enum { HIGH_PAGES = 100, LOW_PAGES = 40 };
    static const struct page_cache_ops ops = { .release = release, .get_name = get_name };
    static const uint8_t source[(HIGH_PAGES + LOW_PAGES) * PAGE_SIZE];
    static struct page_cache cache;
    struct list_node held = LIST_INIT(held);

    buddy_get_stats(&stats);
    if (stats.zones[ZONE_HIGHMEM].managed == 0)
        SKIP(t, "no HIGHMEM");
    pagecache_setup(&cache, &ops, source, sizeof(source));
    read_pages(t, &cache, 0, HIGH_PAGES);
    hold_down_to(&held, PAGE_HIGHMEM_OK | PAGE_RECLAIMABLE, LOWMEM_MAX_PFN);
    read_pages(t, &cache, HIGH_PAGES, LOW_PAGES);
    free_all(&held);
    hold_down_to(&held, PAGE_ANY, 0);
    EXPECT_EQ(t, count_pages(&cache, 0, HIGH_PAGES), HIGH_PAGES);
    EXPECT_EQ(t, count_pages(&cache, HIGH_PAGES, LOW_PAGES), 0);
    free_all(&held);
    pagecache_put(&cache);
}

/* clang-format off */
const struct test_case test_cases[] = {
    TEST(watermarks_are_in_order),
    TEST(reserve_is_for_atomic_requests),
    TEST(programs_leave_low_memory),
    TEST(plain_requests_leave_dma),
    TEST(low_requests_take_back_low_pages),
};
/* clang-format on */
const unsigned test_case_count = ARRAY_SIZE(test_cases);
