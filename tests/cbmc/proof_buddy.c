// sources: mm/buddy.c mm/buddy_check.c mm/mobility.c
// cbmc: --paths lifo -Dunion=struct -DFRAMES=8u -DSTEPS=2u -DBUDDY_MAX_ORDER=3u -DBUDDY_HOT_ORDERS=1u --unwind 34 --unwindset page_block_head.0:5
// cbmc: --paths lifo -Dunion=struct -DFRAMES=4u -DSTEPS=3u -DBUDDY_MAX_ORDER=2u -DBUDDY_HOT_ORDERS=1u --unwind 34 --unwindset page_block_head.0:5
// every: -DFRAMES=8u -DSTEPS=9u
/* tests/cbmc/proof_buddy.c - every sequence of STEPS operations (take a block of any order that fits;
 * give back any block that is held) on a machine with FRAMES frames.  Claims: no frame is handed out
 * twice, blocks are aligned, a request fails only if there is no such run, the count of free frames is
 * right after each step, the invariants hold at the end; and when all is given back, memory is one
 * block again. */
#include "mm/buddy.h"
#include "tests/cbmc/proof.h"

#define ORDERS (__builtin_ctz(FRAMES) + 1u) /* 0 .. the whole machine */

static struct page map[FRAMES];
static struct block {
    struct page *page;
    unsigned order;
} held[STEPS];
static unsigned held_count;
static bool used[FRAMES];
static uint32_t used_frames;

static bool run_exists(unsigned order)
{
    for (pfn_t start = 0; start + (1u << order) <= FRAMES; start += 1u << order) {
        bool free = true;
        for (pfn_t i = start; i < start + (1u << order); i++)
            free &= !used[i];
        if (free)
            return true;
    }
    return false;
}

static void mark(struct block block, bool taken)
{
    pfn_t pfn = page_to_pfn(block.page);

    for (pfn_t i = pfn; i < pfn + (1u << block.order); i++) {
        PROVE(used[i] != taken);
        used[i] = taken;
    }
    used_frames += taken ? 1u << block.order : -(1u << block.order);
}

static void take(unsigned order)
{
    struct block block = { buddy_alloc(order, PAGE_TEST, PAGE_ANY), order };

    if (!block.page) {
        PROVE(!run_exists(order));
        return;
    }
    PROVE(page_to_pfn(block.page) + (1u << order) <= FRAMES);
    PROVE(IS_ALIGNED(page_to_pfn(block.page), 1u << order));
    mark(block, true);
    held[held_count++] = block;
}

static void give(unsigned i)
{
    struct block block = held[i];

    mark(block, false);
    held[i] = held[--held_count];
    buddy_free(block.page, block.order);
}

static void start_machine(void)
{
    for (unsigned i = 0; i < FRAMES; i++) {
        map[i] = (struct page){ .kind = PAGE_RESERVED };
        used[i] = false;
    }
    held_count = used_frames = 0;
    mem_map = map;
    max_pfn = FRAMES;
    buddy_reset();
    buddy_add_range(0, FRAMES);
}

void proof(void)
{
    start_machine();
    for (unsigned step = 0; step < STEPS; step++) {
        unsigned choice = choose_below(ORDERS + held_count);
        if (choice < ORDERS)
            take(choice);
        else
            give(choice - ORDERS);
        PROVE(buddy_free_frames() == FRAMES - used_frames);
    }
    PROVE(buddy_check());
    while (held_count > 0)
        give(0);
    buddy_drain();
    PROVE(buddy_check());
    struct page *whole = buddy_alloc(ORDERS - 1, PAGE_TEST, PAGE_ANY);
    PROVE(whole == map);
}
