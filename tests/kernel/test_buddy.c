/* tests/kernel/test_buddy.c - the buddy allocator: every list exact after every operation, each crime
 * reported by name, and a seeded random comparison with a model that is too simple to be wrong. */
#include "tests/kernel/test.h"

#include "kernel/lib/bitops.h"
#include "kernel/lib/format.h"
#include "kernel/lib/layout.h"
#include "mm/buddy.h"
#include "mm/reclaim.h"

static struct buddy_stats before, after;

/* From every zone, down to its last frame. */
#define EVERYTHING (PAGE_HIGHMEM_OK | PAGE_ATOMIC)

/* The figures with everything joined that can be joined. */
static void get_stats(struct buddy_stats *stats)
{
    buddy_drain();
    buddy_get_stats(stats);
}

/* Every list of every zone as before, not merely the totals. */
static void expect_lists_restored(struct test *t)
{
    get_stats(&after);
    for (unsigned zone = 0; zone < ZONE_COUNT; zone++) {
        EXPECT_EQ(t, after.zones[zone].free, before.zones[zone].free);
        for (unsigned k = 0; k <= BUDDY_MAX_ORDER; k++)
            EXPECT_EQ(t, after.zones[zone].free_blocks[k], before.zones[zone].free_blocks[k]);
    }
    EXPECT_EQ(t, after.frames[PAGE_TEST], before.frames[PAGE_TEST]);
}

/* Blocks that a test holds, without memory of its own: a used block's list node is its owner's. */
static void hold(struct list_node *held, struct page *page)
{
    list_add_tail(held, &page->node);
}

static void free_all(struct list_node *held)
{
    list_for_each_safe(node, held) {
        struct page *page = list_entry(node, struct page, node);
        buddy_free(page, page->order);
    }
    list_init(held);
}

/* The best zone that has memory for a request with these flags. */
static enum zone_id best_zone(unsigned flags)
{
    get_stats(&after);
    int zone = flags & PAGE_DMA          ? ZONE_DMA
               : flags & PAGE_HIGHMEM_OK ? ZONE_HIGHMEM
                                         : ZONE_NORMAL;
    while (zone > 0 && after.zones[zone].free == 0)
        zone--;
    return (enum zone_id)zone;
}

static enum zone_id zone_of(const struct page *page)
{
    pfn_t pfn = page_to_pfn(page);
    return pfn < DMA_MAX_PFN ? ZONE_DMA : pfn < LOWMEM_MAX_PFN ? ZONE_NORMAL : ZONE_HIGHMEM;
}

/* --- single operations -------------------------------------------------------------------------- */

/* Freeing two frames must restore every list. */
static void split_then_merge(struct test *t)
{
    get_stats(&before);
    struct page *a = buddy_alloc(0, PAGE_TEST, PAGE_ANY);
    struct page *b = buddy_alloc(0, PAGE_TEST, PAGE_ANY);
    REQUIRE(t, a != NULL && b != NULL && a != b);
    buddy_free(a, 0);
    buddy_free(b, 0);
    expect_lists_restored(t);
}

static void every_order_is_aligned(struct test *t)
{
    get_stats(&before);
    for (unsigned order = 0; order <= BUDDY_MAX_ORDER; order++) {
        struct page *page = buddy_alloc(order, PAGE_TEST, PAGE_ANY);
        if (page == NULL) /* a small machine has no block of 4 MiB */
            continue;
        EXPECT(t, IS_ALIGNED(page_to_pfn(page), 1u << order));
        EXPECT_EQ(t, page->kind, PAGE_TEST);
        EXPECT_EQ(t, page->order, order);
        EXPECT_EQ(t, page->refs, 0);
        for (uint32_t i = 1; i < 1u << order; i++)
            EXPECT_EQ(t, page[i].kind, PAGE_TAIL);
        EXPECT(t, buddy_check());
        buddy_free(page, order);
    }
    expect_lists_restored(t);
}

/* The free blocks of the pool that PAGE_ANY requests take from. */
static const uint32_t *unmovable(const struct buddy_stats *stats, enum zone_id zone)
{
    return stats->zones[zone].by_mobility[MOBILITY_UNMOVABLE].free_blocks;
}

/* One block out of the smallest larger one leaves exactly one block on each list between. */
static void split_leaves_one_of_each_order(struct test *t)
{
    const unsigned order = BUDDY_HOT_ORDERS; /* the smallest one without a hot list */
    struct list_node held = LIST_INIT(held);
    hold(&held,
         buddy_alloc(order, PAGE_TEST, PAGE_ANY)); /* the pool has a 4 MiB of its own now */
    free_all(&held);
    get_stats(&before);
    enum zone_id zone = best_zone(PAGE_ANY);
    unsigned have = order + 1;
    while (have <= BUDDY_MAX_ORDER && unmovable(&before, zone)[have] == 0)
        have++;
    REQUIRE(t, have <= BUDDY_MAX_ORDER);
    for (uint32_t i = unmovable(&before, zone)[order]; i > 0; i--)
        hold(&held, buddy_alloc(order, PAGE_TEST, PAGE_ANY));

    struct buddy_stats middle;
    get_stats(&middle);
    EXPECT_EQ(t, unmovable(&middle, zone)[order], 0);
    hold(&held, buddy_alloc(order, PAGE_TEST, PAGE_ANY));
    get_stats(&after);
    for (unsigned k = order; k < have; k++)
        EXPECT_EQ(t, unmovable(&after, zone)[k], 1);
    EXPECT_EQ(t, unmovable(&after, zone)[have], unmovable(&middle, zone)[have] - 1);
    EXPECT_EQ(t, after.zones[zone].splits - middle.zones[zone].splits, have - order);
    free_all(&held);
    expect_lists_restored(t);
}

/* A freed frame whose buddy is in use stays a block of order 0; the buddy's return joins them. */
static void merge_only_with_a_free_buddy(struct test *t)
{
    struct list_node held = LIST_INIT(held);
    struct page *a = NULL, *b = NULL;
    get_stats(&before);
    do { /* the odd frames are used up, then two come out of one block */
        if (b != NULL)
            hold(&held, b);
        b = a;
        a = buddy_alloc(0, PAGE_TEST, PAGE_ANY);
        REQUIRE(t, a != NULL);
    } while (b == NULL || page_to_pfn(a) != (page_to_pfn(b) ^ 1));

    enum zone_id zone = zone_of(a);
    struct buddy_stats middle;
    get_stats(&middle);
    buddy_free(a, 0);
    get_stats(&after);
    EXPECT_EQ(t, after.zones[zone].free_blocks[0], middle.zones[zone].free_blocks[0] + 1);
    EXPECT_EQ(t, after.zones[zone].merges, middle.zones[zone].merges);
    buddy_free(b, 0);
    get_stats(&after);
    EXPECT_EQ(t, after.zones[zone].free_blocks[0], middle.zones[zone].free_blocks[0]);
    EXPECT(t, after.zones[zone].merges > middle.zones[zone].merges);
    free_all(&held);
    expect_lists_restored(t);
}

static void too_large_an_order_fails(struct test *t)
{
    get_stats(&before);
    EXPECT_PTR(t, buddy_alloc(BUDDY_MAX_ORDER + 1, PAGE_TEST, PAGE_ANY), NULL);
    EXPECT_PTR(t, buddy_alloc(31, PAGE_TEST, PAGE_ANY), NULL);
    EXPECT_PTR(t, buddy_alloc(~0u, PAGE_TEST, PAGE_ANY), NULL);
    expect_lists_restored(t);
}

static void zero_flag_really_zeroes(struct test *t)
{
    buddy_drain(); /* no frame was zeroed in advance */
    for (unsigned order = 0; order <= 3; order++) {
        struct page *dirty = buddy_alloc(order, PAGE_TEST, PAGE_ANY);
        REQUIRE(t, dirty != NULL);
        memset(page_to_virt(dirty), 0xA5, PAGE_SIZE << order);
        buddy_free(dirty, order);
        struct page *page = buddy_alloc(order, PAGE_TEST, PAGE_ANY | PAGE_ZERO);
        REQUIRE(t, page != NULL);
        EXPECT_PTR(t, page, dirty); /* the same block: it was dirty a moment ago */
        EXPECT(t, test_is_byte(page_to_virt(page), PAGE_SIZE << order, 0));
        buddy_free(page, order);
    }
}

static void kinds_are_accounted(struct test *t)
{
    get_stats(&before);
    struct page *page = buddy_alloc(4, PAGE_TEST, PAGE_ANY);
    REQUIRE(t, page != NULL);
    get_stats(&after);
    EXPECT_EQ(t, after.frames[PAGE_TEST], before.frames[PAGE_TEST] + 16);
    EXPECT_EQ(t, after.free, before.free - 16);
    buddy_set_kind(page, PAGE_VMALLOC);
    get_stats(&after);
    EXPECT_EQ(t, after.frames[PAGE_TEST], before.frames[PAGE_TEST]);
    EXPECT_EQ(t, after.frames[PAGE_VMALLOC], before.frames[PAGE_VMALLOC] + 16);
    EXPECT(t, buddy_check());
    buddy_free(page, 4);
    get_stats(&after);
    EXPECT_EQ(t, after.frames[PAGE_VMALLOC], before.frames[PAGE_VMALLOC]);
}

static void operations_are_counted(struct test *t)
{
    get_stats(&before);
    enum zone_id zone = best_zone(PAGE_ANY);
    for (unsigned i = 0; i < 5; i++)
        buddy_free(buddy_alloc(0, PAGE_TEST, PAGE_ANY), 0);
    get_stats(&after);
    EXPECT_EQ(t, after.zones[zone].allocs - before.zones[zone].allocs, 5);
    EXPECT_EQ(t, after.zones[zone].frees - before.zones[zone].frees, 5);
    EXPECT_EQ(t, after.zones[zone].splits - before.zones[zone].splits,
              after.zones[zone].merges - before.zones[zone].merges);
}

/* --- zones -------------------------------------------------------------------------------------- */

static void dma_is_below_16_mib(struct test *t)
{
    struct list_node held = LIST_INIT(held);
    unsigned outside = 0, count = 0;
    struct page *page;
    get_stats(&before);
    while ((page = buddy_alloc(0, PAGE_TEST, PAGE_DMA | PAGE_ATOMIC)) != NULL) {
        outside += page_to_pfn(page) >= DMA_MAX_PFN;
        hold(&held, page);
        count++;
    }
    EXPECT_EQ(t, outside, 0);
    EXPECT_EQ(t, count, before.zones[ZONE_DMA].free);
    free_all(&held);
    expect_lists_restored(t);
}

static void highmem_is_preferred(struct test *t)
{
    struct page *page = buddy_alloc(0, PAGE_TEST, PAGE_HIGHMEM_OK);
    REQUIRE(t, page != NULL);
    EXPECT_EQ(t, zone_of(page), best_zone(PAGE_HIGHMEM_OK));
    buddy_free(page, 0);
}

/* Memory that the kernel is to touch directly never comes from HighMem. */
static void plain_requests_stay_low(struct test *t)
{
    struct list_node held = LIST_INIT(held);
    struct page *page;
    unsigned high = 0;
    get_stats(&before);
    for (unsigned order = BUDDY_MAX_ORDER + 1; order-- > 0;) {
        while ((page = buddy_alloc(order, PAGE_TEST, PAGE_ANY | PAGE_ATOMIC)) != NULL) {
            high += !page_is_lowmem(page);
            hold(&held, page);
        }
    }
    get_stats(&after);
    EXPECT_EQ(t, high, 0);
    EXPECT_EQ(t, after.zones[ZONE_NORMAL].free, 0);
    EXPECT_EQ(t, after.zones[ZONE_DMA].free, 0);
    EXPECT_EQ(t, after.zones[ZONE_HIGHMEM].free, before.zones[ZONE_HIGHMEM].free);
    free_all(&held);
    expect_lists_restored(t);
}

/* Downwards through the zones, the best one first and exhausted before the next is touched. */
static void fallback_goes_downwards(struct test *t)
{
    struct list_node held = LIST_INIT(held);
    struct page *page;
    unsigned last = ZONE_HIGHMEM, upwards = 0;
    get_stats(&before);
    while ((page = buddy_alloc(0, PAGE_TEST, EVERYTHING)) != NULL) {
        upwards += zone_of(page) > last;
        last = zone_of(page);
        hold(&held, page);
    }
    EXPECT_EQ(t, upwards, 0);
    EXPECT_EQ(t, last, ZONE_DMA);
    EXPECT_EQ(t, buddy_free_frames(), 0);
    free_all(&held);
    expect_lists_restored(t);
}

static void failures_are_counted(struct test *t)
{
    struct list_node held = LIST_INIT(held);
    struct page *page;
    while ((page = buddy_alloc(0, PAGE_TEST, PAGE_DMA | PAGE_ATOMIC)) != NULL)
        hold(&held, page);
    get_stats(&before);
    EXPECT_PTR(t, buddy_alloc(0, PAGE_TEST, PAGE_DMA | PAGE_ATOMIC), NULL);
    get_stats(&after);
    EXPECT_EQ(t, after.failures - before.failures, 1);
    free_all(&held);
}

/* --- exhaustion --------------------------------------------------------------------------------- */

/* All of memory, frame by frame; given back in an order that keeps neighbours apart. */
static void exhaust_by_frames(struct test *t)
{
    struct list_node held = LIST_INIT(held);
    struct page *page;
    uint32_t count = 0;
    get_stats(&before);
    while ((page = buddy_alloc(0, PAGE_TEST, EVERYTHING)) != NULL) {
        if (test_random(t) & 1)
            list_add_head(&held, &page->node);
        else
            list_add_tail(&held, &page->node);
        count++;
    }
    EXPECT_EQ(t, count, before.free);
    EXPECT(t, buddy_check());
    free_all(&held);
    expect_lists_restored(t);
}

/* All of memory in the largest blocks that there are, then freed in random order. */
static void exhaust_by_blocks(struct test *t)
{
    enum { BLOCKS_MAX = 2048 };
    static struct page *blocks[BLOCKS_MAX];
    unsigned count = 0;
    struct page *page;
    get_stats(&before);
    for (unsigned order = BUDDY_MAX_ORDER + 1; order-- > 0;) {
        while (count < BLOCKS_MAX && (page = buddy_alloc(order, PAGE_TEST, EVERYTHING)) != NULL)
            blocks[count++] = page;
    }
    EXPECT_EQ(t, buddy_free_frames(), 0);
    while (count > 0) {
        unsigned i = test_random_below(t, count);
        buddy_free(blocks[i], blocks[i]->order);
        blocks[i] = blocks[--count];
    }
    expect_lists_restored(t);
}

/* Every second frame free: half of memory is free and no block of two frames exists. */
static void fragmentation_is_total(struct test *t)
{
    struct list_node even = LIST_INIT(even), odd = LIST_INIT(odd);
    struct page *page;
    get_stats(&before);
    while ((page = buddy_alloc(0, PAGE_TEST, EVERYTHING)) != NULL)
        hold(page_to_pfn(page) & 1 ? &odd : &even, page);
    free_all(&odd);
    EXPECT(t, buddy_free_frames() >= before.free / 3);
    EXPECT_PTR(t, buddy_alloc(1, PAGE_TEST, EVERYTHING), NULL);
    page = buddy_alloc(0, PAGE_TEST, EVERYTHING);
    REQUIRE(t, page != NULL);
    EXPECT_EQ(t, page_to_pfn(page) & 1, 1);
    buddy_free(page, 0);
    free_all(&even);
    expect_lists_restored(t);
}

/* --- hot lists ---------------------------------------------------------------------------------- */

/* The block freed last is the next one handed out, for each order that has a hot list. */
static void hot_block_comes_back_first(struct test *t)
{
    for (unsigned order = 0; order < BUDDY_HOT_ORDERS; order++) {
        struct page *a = buddy_alloc(order, PAGE_TEST, PAGE_ANY);
        struct page *b = buddy_alloc(order, PAGE_TEST, PAGE_ANY);
        REQUIRE(t, a != NULL && b != NULL);
        buddy_free(b, order);
        buddy_free(a, order);
        EXPECT_PTR(t, buddy_alloc(order, PAGE_TEST, PAGE_ANY), a);
        EXPECT_PTR(t, buddy_alloc(order, PAGE_TEST, PAGE_ANY), b);
        buddy_free(a, order);
        buddy_free(b, order);
        EXPECT(t, buddy_check());
    }
}

/* Hot frames are free frames, in each count but that of the free lists. */
static void hot_frames_are_free_frames(struct test *t)
{
    get_stats(&before);
    for (unsigned zone = 0; zone < ZONE_COUNT; zone++)
        EXPECT_EQ(t, before.zones[zone].hot, 0);
    buddy_free(buddy_alloc(0, PAGE_TEST, PAGE_ANY), 0);
    buddy_get_stats(&after);
    uint32_t hot = 0, listed = 0;
    for (unsigned zone = 0; zone < ZONE_COUNT; zone++) {
        hot += after.zones[zone].hot;
        for (unsigned k = 0; k <= BUDDY_MAX_ORDER; k++)
            listed += after.zones[zone].free_blocks[k] << k;
    }
    EXPECT(t, hot > 0);
    EXPECT_EQ(t, listed + hot, after.free);
    EXPECT_EQ(t, after.free, before.free);
    expect_lists_restored(t);
}

/* A request that the free lists cannot serve gets what the hot lists keep. */
static void hot_frames_do_not_cost_a_large_block(struct test *t)
{
    enum { ORDER = BUDDY_HOT_ORDERS + 1 };
    static struct page *frames[1u << ORDER];
    struct list_node held = LIST_INIT(held);
    struct page *page;
    buddy_get_stats(&before);
    struct page *block = buddy_alloc(ORDER, PAGE_TEST, PAGE_ANY);
    REQUIRE(t, block != NULL);
    for (unsigned order = BUDDY_MAX_ORDER + 1; order-- > 0;)
        while ((page = buddy_alloc(order, PAGE_TEST, PAGE_ANY | PAGE_ATOMIC)) != NULL)
            hold(&held, page);
    buddy_free(block, ORDER); /* now all there is */
    for (unsigned i = 0; i < ARRAY_SIZE(frames); i++)
        frames[i] = buddy_alloc(0, PAGE_TEST, PAGE_ANY | PAGE_ATOMIC);
    for (unsigned i = 0; i < ARRAY_SIZE(frames); i++) {
        REQUIRE(t, frames[i] != NULL);
        buddy_free(frames[i], 0);
    }
    EXPECT_PTR(t, buddy_alloc(ORDER, PAGE_TEST, PAGE_ANY | PAGE_ATOMIC), block);
    buddy_free(block, ORDER);
    free_all(&held);
    expect_lists_restored(t);
}

/* --- reclaim ------------------------------------------------------------------------------------ */

static struct list_node reclaimable = LIST_INIT(reclaimable);
static unsigned reclaim_calls, reclaim_order;

/* Gives back one block at each call. */
static uint32_t give_one_back(unsigned order, pfn_t below)
{
    (void)below;
    reclaim_calls++;
    reclaim_order = order;
    if (list_is_empty(&reclaimable))
        return 0;
    struct page *page = list_first(&reclaimable, struct page, node);
    uint32_t frames = 1u << page->order;
    list_remove(&page->node);
    buddy_free(page, page->order);
    return frames;
}

/* Asked before a request fails, again while it helps, and then the request fails. */
static void reclaim_runs_before_failure(struct test *t)
{
    struct list_node held = LIST_INIT(held);
    struct page *page;
    buddy_get_stats(&before);
    while ((page = buddy_alloc(0, PAGE_TEST, PAGE_DMA | PAGE_ATOMIC)) != NULL)
        hold(&held, page);
    for (unsigned i = 0; i < 3; i++) {
        page = list_first(&held, struct page, node);
        list_remove(&page->node);
        list_add_tail(&reclaimable, &page->node);
    }
    buddy_set_reclaim_hook(give_one_back);
    reclaim_calls = 0;
    for (unsigned i = 1; i <= 3; i++) {
        page = buddy_alloc(0, PAGE_TEST, PAGE_DMA | PAGE_ATOMIC);
        EXPECT(t, page != NULL);
        EXPECT_EQ(t, reclaim_calls, i);
        EXPECT_EQ(t, reclaim_order, 0);
        if (page != NULL)
            hold(&held, page);
    }
    EXPECT_PTR(t, buddy_alloc(0, PAGE_TEST, PAGE_DMA | PAGE_ATOMIC), NULL);
    EXPECT_EQ(t, reclaim_calls, 4);
    buddy_set_reclaim_hook(reclaim_frames); /* as it was */
    EXPECT_PTR(t, buddy_alloc(0, PAGE_TEST, PAGE_DMA | PAGE_ATOMIC), NULL);
    EXPECT_EQ(t, reclaim_calls, 4);
    free_all(&held);
    expect_lists_restored(t);
}

/* --- crimes ------------------------------------------------------------------------------------- */

#define EXPECT_FREE_PANIC(t, page, order, ...)            \
    do {                                                  \
        char wanted[96];                                  \
        snprintf(wanted, sizeof(wanted), __VA_ARGS__);    \
        EXPECT_PANIC(t, wanted, buddy_free(page, order)); \
        EXPECT(t, buddy_check());                         \
    } while (0)

static void double_free_is_reported(struct test *t)
{
    get_stats(&before);
    struct page *page = buddy_alloc(0, PAGE_TEST, PAGE_ANY);
    struct page *neighbour = buddy_alloc(0, PAGE_TEST, PAGE_ANY);
    REQUIRE(t, page != NULL && neighbour != NULL);
    if (page_to_pfn(page) > page_to_pfn(neighbour)) {
        struct page *lower = neighbour;
        neighbour = page;
        page = lower;
    }
    buddy_free(page, 0);
    EXPECT_FREE_PANIC(t, page, 0, "double free of pfn %#x (order 0)", page_to_pfn(page));
    buddy_free(neighbour, 0);
    expect_lists_restored(t);
}

/* In the free lists as in the hot list. */
static void double_free_of_a_cold_frame_is_reported(struct test *t)
{
    struct page *page = buddy_alloc(0, PAGE_TEST, PAGE_ANY);
    REQUIRE(t, page != NULL);
    buddy_free(page, 0);
    buddy_drain();
    bool head = page->kind == PAGE_FREE;
    EXPECT_FREE_PANIC(t, page, 0,
                      head ? "double free of pfn %#x (order 0)"
                           : "free of pfn %#x inside a block",
                      page_to_pfn(page));
}

/* After joining with its buddy, the freed block is the inside of a larger one. */
static void double_free_after_merge_is_reported(struct test *t)
{
    struct page *block = buddy_alloc(1, PAGE_TEST, PAGE_ANY);
    REQUIRE(t, block != NULL);
    struct page *upper = block + 1;
    buddy_free(block, 1);
    EXPECT_FREE_PANIC(t, upper, 0, "free of pfn %#x inside a block (head pfn ",
                      page_to_pfn(upper));
}

static void free_of_a_tail_is_reported(struct test *t)
{
    struct page *block = buddy_alloc(3, PAGE_TEST, PAGE_ANY);
    REQUIRE(t, block != NULL);
    EXPECT_FREE_PANIC(t, block + 5, 0,
                      "free of pfn %#x inside a block (head pfn %#x, order 3, test)",
                      page_to_pfn(block) + 5, page_to_pfn(block));
    buddy_free(block, 3);
}

static void free_with_a_wrong_order_is_reported(struct test *t)
{
    struct page *block = buddy_alloc(3, PAGE_TEST, PAGE_ANY);
    REQUIRE(t, block != NULL);
    for (unsigned order = 0; order <= BUDDY_MAX_ORDER; order++) {
        if (order != 3)
            EXPECT_FREE_PANIC(t, block, order,
                              "free of pfn %#x with order %u, allocated with order 3",
                              page_to_pfn(block), order);
    }
    buddy_free(block, 3);
}

static void free_of_reserved_is_reported(struct test *t)
{
    EXPECT_FREE_PANIC(t, pfn_to_page(0), 0, "free of reserved pfn 0");
    EXPECT_FREE_PANIC(t, pfn_to_page(0xB8), 0, "free of reserved pfn 0xb8");
    struct page *table = virt_to_page(mem_map);
    EXPECT_FREE_PANIC(t, table, 0, "free of reserved pfn %#x", page_to_pfn(table));
}

static void free_of_a_foreign_frame_is_reported(struct test *t)
{
    EXPECT_FREE_PANIC(t, pfn_to_page(max_pfn), 0,
                      "free of a frame that does not exist: pfn %#x", max_pfn);
}

static void alloc_without_an_owner_is_reported(struct test *t)
{
    EXPECT_PANIC(t, "no owner", buddy_alloc(0, PAGE_FREE, PAGE_ANY));
    EXPECT_PANIC(t, "no owner", buddy_alloc(0, PAGE_RESERVED, PAGE_ANY));
}

/* --- model -------------------------------------------------------------------------------------- */

enum { MODEL_BLOCKS = 96, MODEL_STEPS = 6000 };

static struct model_block {
    struct page *page;
    unsigned order;
} model[MODEL_BLOCKS];

static bool overlaps_model(unsigned count, const struct page *page, unsigned order)
{
    for (unsigned i = 0; i < count; i++) {
        if (page < model[i].page + (1u << model[i].order) &&
            model[i].page < page + (1u << order))
            return true;
    }
    return false;
}

/* A random step: take a block of a random order, or give one back. */
static unsigned model_step(struct test *t, unsigned count)
{
    bool take = count == 0 || (count < MODEL_BLOCKS && (test_random(t) & 3) != 0);
    if (!take) {
        unsigned i = test_random_below(t, count);
        EXPECT_EQ(t, *(uint32_t *)page_to_virt(model[i].page), (uintptr_t)model[i].page);
        buddy_free(model[i].page, model[i].order);
        model[i] = model[count - 1];
        return count - 1;
    }
    static const unsigned flags[] = { PAGE_ANY, PAGE_ANY | PAGE_ZERO, PAGE_DMA,
                                      PAGE_DMA | PAGE_ZERO };
    unsigned order = bit_lowest(test_random(t) | 1u << 6);
    struct page *page = buddy_alloc(order, PAGE_TEST, flags[test_random_below(t, 4)]);
    if (page == NULL)
        return count;
    EXPECT(t, !overlaps_model(count, page, order));
    EXPECT(t, IS_ALIGNED(page_to_pfn(page), 1u << order));
    *(uint32_t *)page_to_virt(page) = (uint32_t)(uintptr_t)page;
    model[count] = (struct model_block){ page, order };
    return count + 1;
}

static void random_against_model(struct test *t)
{
    unsigned count = 0;
    uint32_t frames;
    get_stats(&before);
    for (unsigned step = 0; step < MODEL_STEPS && t->failures == 0; step++) {
        count = model_step(t, count);
        if (step % 512 != 0)
            continue;
        frames = 0;
        for (unsigned i = 0; i < count; i++)
            frames += 1u << model[i].order;
        EXPECT_EQ(t, buddy_free_frames(), before.free - frames);
        EXPECT(t, buddy_check());
    }
    while (count-- > 0)
        buddy_free(model[count].page, model[count].order);
    expect_lists_restored(t);
}

/* clang-format off */
const struct test_case test_cases[] = {
    TEST(split_then_merge),
    TEST(every_order_is_aligned),
    TEST(split_leaves_one_of_each_order),
    TEST(merge_only_with_a_free_buddy),
    TEST(too_large_an_order_fails),
    TEST(zero_flag_really_zeroes),
    TEST(kinds_are_accounted),
    TEST(operations_are_counted),
    TEST(dma_is_below_16_mib),
    TEST(highmem_is_preferred),
    TEST(plain_requests_stay_low),
    TEST(fallback_goes_downwards),
    TEST(failures_are_counted),
    TEST(exhaust_by_frames),
    TEST(exhaust_by_blocks),
    TEST(fragmentation_is_total),
    TEST(hot_block_comes_back_first),
    TEST(hot_frames_are_free_frames),
    TEST(hot_frames_do_not_cost_a_large_block),
    TEST(reclaim_runs_before_failure),
    TEST(double_free_is_reported),
    TEST(double_free_of_a_cold_frame_is_reported),
    TEST(double_free_after_merge_is_reported),
    TEST(free_of_a_tail_is_reported),
    TEST(free_with_a_wrong_order_is_reported),
    TEST(free_of_reserved_is_reported),
    TEST(free_of_a_foreign_frame_is_reported),
    TEST(alloc_without_an_owner_is_reported),
    TEST(random_against_model),
};
/* clang-format on */
const unsigned test_case_count = ARRAY_SIZE(test_cases);
