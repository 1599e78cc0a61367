// sources: mm/page.c mm/memmap.c mm/buddy.c mm/buddy_check.c mm/buddy_range.c mm/mobility.c mm/inject.c kernel/lib/parse.c tests/host/shim/host.c
/* tests/host/test_buddy.c - the buddy allocator against a model: an array with the owner of each frame.
 * Machines of odd sizes, so that zones end in the middle of blocks.  Usage: buddy [SEED] */
#include "host.h"
#include "kernel/lib/bitops.h"
#include "mm/buddy.h"

enum { MAX_FRAMES = 12288, MAX_BLOCKS = 1024, STEPS = 20000, MACHINES = 12 };

static struct block {
    struct page *page;
    unsigned order;  /* of a single block */
    uint32_t npages; /* of a run of any length; 0: it is a single block */
} blocks[MAX_BLOCKS];
static unsigned block_count;
static bool used[MAX_FRAMES];
static uint32_t used_frames;

static void mark(const struct block *block, bool taken)
{
    pfn_t pfn = page_to_pfn(block->page);
    uint32_t npages = block->npages > 0 ? block->npages : 1u << block->order;
    for (pfn_t i = pfn; i < pfn + npages; i++) {
        CHECK(i < max_pfn && used[i] != taken);
        used[i] = taken;
    }
    used_frames += taken ? npages : -npages;
}

/* Is there really no free, aligned run for this order?  By brute force, without the allocator. */
static bool run_exists(unsigned order)
{
    for (pfn_t start = 1u << order; start + (1u << order) <= max_pfn; start += 1u << order) {
        pfn_t i = start;
        while (i < start + (1u << order) && !used[i])
            i++;
        if (i == start + (1u << order))
            return true;
    }
    return order == 0 && !used[1];
}

static unsigned random_flags(void)
{
    static const unsigned mobility[] = { 0, PAGE_MOVABLE, PAGE_RECLAIMABLE };
    return PAGE_HIGHMEM_OK | PAGE_ATOMIC | mobility[host_random_below(3)];
}

/* A run of any length, seldom of more than a block's. */
static void take_exact(void)
{
    uint32_t npages = 1 + host_random_below(host_random_below(50) == 0 ? 3000 : 100);
    unsigned align = host_random_below(6);
    struct page *page = buddy_alloc_exact(npages, align, PAGE_TEST, random_flags());
    if (page == NULL) {
        CHECK(npages > 1024 || !run_exists(MAX(order_for(npages), align)));
        return;
    }
    CHECK(IS_ALIGNED(page_to_pfn(page), 1u << align));
    struct block block = { page, 0, npages };
    mark(&block, true);
    blocks[block_count++] = block;
}

static void take(void)
{
    unsigned order = host_random_below(4) == 0 ? host_random_below(11) : host_random_below(3);
    unsigned flags = random_flags();
    struct page *page = buddy_alloc(order, PAGE_TEST, flags);
    if (page == NULL) {
        CHECK(!run_exists(order));
        return;
    }
    CHECK(IS_ALIGNED(page_to_pfn(page), 1u << order));
    struct block block = { page, order, 0 };
    mark(&block, true);
    blocks[block_count++] = block;
}

static void give(void)
{
    unsigned i = host_random_below(block_count);
    mark(&blocks[i], false);
    if (blocks[i].npages > 0)
        buddy_free_exact(blocks[i].page, blocks[i].npages);
    else
        buddy_free(blocks[i].page, blocks[i].order);
    blocks[i] = blocks[--block_count];
}

static void check_against_model(void)
{
    struct buddy_stats stats;
    uint32_t listed = 0;
    buddy_get_stats(&stats);
    for (unsigned zone = 0; zone < ZONE_COUNT; zone++) {
        listed += stats.zones[zone].hot;
        for (unsigned k = 0; k <= BUDDY_MAX_ORDER; k++)
            listed += stats.zones[zone].free_blocks[k] << k;
    }
    CHECK(stats.free == max_pfn - 1 - used_frames);
    CHECK(listed == stats.free);
    CHECK(stats.frames[PAGE_TEST] == used_frames);
    CHECK(buddy_check());
}

/* Crimes at random: whatever is wrong with it is reported, and changes nothing. */
static void commit_a_crime(void)
{
    pfn_t pfn = host_random_below(max_pfn);
    const struct page *page = pfn_to_page(pfn);
    unsigned order = host_random_below(11);
    uint32_t before = buddy_free_frames();
    if (page->kind == PAGE_TEST && page->order == order)
        return;
    CHECK_PANIC("free of", buddy_free(pfn_to_page(pfn), order));
    CHECK(buddy_free_frames() == before);
}

static void run_machine(uint32_t nframes)
{
    struct buddy_stats before, after;
    host_machine(nframes);
    memset(used, 0, sizeof(used));
    block_count = used_frames = 0;
    buddy_get_stats(&before);
    for (unsigned step = 0; step < STEPS; step++) {
        /* Phases in which memory fills up and empties again. */
        bool filling = (step / 2000) % 2 == 0;
        bool wants = host_random_below(100) < (filling ? 70u : 30u);
        if (block_count == 0 || (wants && block_count < MAX_BLOCKS))
            host_random_below(20) == 0 ? take_exact() : take();
        else
            give();
        if (step % 500 == 0) {
            check_against_model();
            commit_a_crime();
        }
    }
    while (block_count > 0)
        give();
    check_against_model();
    buddy_drain();
    check_against_model();
    buddy_get_stats(&after);
    for (unsigned zone = 0; zone < ZONE_COUNT; zone++)
        CHECK(memcmp(before.zones[zone].free_blocks, after.zones[zone].free_blocks,
                     sizeof(before.zones[zone].free_blocks)) == 0);
}

int main(int argc, char *argv[])
{
    host_init(argc, argv);
    for (unsigned i = 0; i < MACHINES; i++)
        run_machine(2 + host_random_below(i % 2 == 0 ? 300 : MAX_FRAMES - 2));
    puts("buddy: ok");
    return 0;
}
