// sources: mm/page.c mm/memmap.c mm/buddy.c mm/buddy_check.c mm/buddy_range.c mm/mobility.c mm/inject.c kernel/lib/parse.c tests/host/shim/host.c
/* tests/fuzz/fuzz_buddy.c - the buddy allocator against an array with the owner of each frame.
 * Input: the machine's size, then operations. */
#include "host.h"
#include "mm/buddy.h"
#include "tests/fuzz/fuzz.h"

/* A small machine, in which all memory is one pool, or one of nine 4 MiB blocks and some more. */
enum { SMALL_FRAMES_MAX = 1200, LARGE_FRAMES = 9 * 1024, BLOCKS_MAX = 64 };
enum { FRAMES_MAX = LARGE_FRAMES + SMALL_FRAMES_MAX };

static struct block {
    struct page *page;
    unsigned order;
} blocks[BLOCKS_MAX];
static unsigned block_count;
static bool used[FRAMES_MAX];
static uint32_t used_frames;

static void mark(const struct block *block, bool taken)
{
    pfn_t pfn = page_to_pfn(block->page);

    for (pfn_t i = pfn; i < pfn + (1u << block->order); i++) {
        CHECK(i < max_pfn && used[i] != taken);
        used[i] = taken;
    }
    used_frames += taken ? 1u << block->order : -(1u << block->order);
}

/* Frame 0 is reserved. */
static bool run_exists(unsigned order)
{
    for (pfn_t start = 0; start + (1u << order) <= max_pfn; start += 1u << order) {
        pfn_t i = MAX(start, 1u);
        while (i < start + (1u << order) && !used[i])
            i++;
        if (i == start + (1u << order) && (start > 0))
            return true;
    }
    return false;
}

static void take(struct choices *choices)
{
    static const unsigned mobility[] = { 0, PAGE_MOVABLE, PAGE_RECLAIMABLE };
    unsigned order = choose(choices, BUDDY_MAX_ORDER + 2);
    unsigned flags = PAGE_ATOMIC | mobility[choose(choices, ARRAY_SIZE(mobility))];
    struct block block = { buddy_alloc(order, PAGE_TEST, flags), order };

    if (!block.page) {
        CHECK(order > BUDDY_MAX_ORDER || !run_exists(order));
        return;
    }
    CHECK(IS_ALIGNED(page_to_pfn(block.page), 1u << order));
    mark(&block, true);
    blocks[block_count++] = block;
}

static void give(unsigned i)
{
    struct block block = blocks[i];

    mark(&block, false);
    blocks[i] = blocks[--block_count];
    buddy_free(block.page, block.order);
}

/* A run of any length, given back at once. */
static void try_exact(struct choices *choices)
{
    uint32_t npages = 1 + choose(choices, 2500), before = buddy_free_frames();
    unsigned align = choose(choices, BUDDY_MAX_ORDER + 1);
    struct page *run = buddy_alloc_exact(npages, align, PAGE_TEST, PAGE_ATOMIC);

    if (!run)
        return;
    pfn_t pfn = page_to_pfn(run);
    CHECK(IS_ALIGNED(pfn, 1u << align) && buddy_free_frames() == before - npages);
    for (pfn_t i = pfn; i < pfn + npages; i++)
        CHECK(i < max_pfn && !used[i]);
    buddy_free_exact(run, npages);
}

/* Give back what must not be given back: refused, and nothing has changed. */
static void commit_a_crime(struct choices *choices)
{
    struct page *page = pfn_to_page(choose(choices, max_pfn));
    unsigned order = choose(choices, BUDDY_MAX_ORDER + 1);

    if (page->kind != PAGE_TEST || page->order != order)
        CHECK_PANIC("free of", buddy_free(page, order));
}

static void step(struct choices *choices)
{
    switch (choose(choices, 9)) {
    case 0:
        buddy_drain();
        break;
    case 1:
        commit_a_crime(choices);
        break;
    case 8:
        try_exact(choices);
        break;
    case 2:
    case 3:
    case 4:
        if (block_count > 0)
            give(choose(choices, block_count));
        break;
    default:
        if (block_count < BLOCKS_MAX)
            take(choices);
    }
    CHECK(buddy_free_frames() == max_pfn - 1 - used_frames);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t nbytes)
{
    struct choices choices = choices_of(bytes, nbytes);
    struct buddy_stats before, after;

    uint32_t large = choose(&choices, 2) * LARGE_FRAMES;
    host_machine(large + 2 + choose(&choices, SMALL_FRAMES_MAX - 2));
    memset(used, 0, sizeof(used));
    block_count = used_frames = 0;
    buddy_get_stats(&before);
    while (choices_left(&choices))
        step(&choices);
    CHECK(buddy_check());
    while (block_count > 0)
        give(0);
    buddy_drain();
    CHECK(buddy_check());
    buddy_get_stats(&after);
    CHECK(!memcmp(before.zones[ZONE_DMA].free_blocks, after.zones[ZONE_DMA].free_blocks,
                  sizeof(before.zones[ZONE_DMA].free_blocks)));
    return 0;
}
