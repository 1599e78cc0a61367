// sources: mm/buddy.c mm/buddy_check.c mm/buddy_range.c mm/mobility.c
// every: -DFRAMES=32u
/* tests/cbmc/proof_exact.c - runs of any length on a machine with FRAMES frames: for each frame that is
 * held already, each length and each alignment.  Claims: a run is aligned, none of its frames is held,
 * exactly its length is taken, and its blocks are what buddy_free() wants; it fails only if no block is
 * free from which it could be cut; given back, memory is one block again. */
#include "kernel/lib/bitops.h"
#include "mm/buddy.h"
#include "tests/cbmc/proof.h"

#define ORDERS (__builtin_ctz(FRAMES) + 1u)

static struct page map[FRAMES];

static void start_machine(void)
{
    for (unsigned i = 0; i < FRAMES; i++)
        map[i] = (struct page){ .kind = PAGE_RESERVED };
    mem_map = map;
    max_pfn = FRAMES;
    buddy_reset();
    buddy_add_range(0, FRAMES);
}

/* Frame `pfn` alone stays with the caller. */
static struct page *hold(pfn_t pfn)
{
    struct page *frames[FRAMES];

    for (unsigned i = 0; i < FRAMES; i++)
        frames[i] = buddy_alloc(0, PAGE_TEST, PAGE_ANY);
    for (unsigned i = 0; i < FRAMES; i++)
        if (frames[i] != &map[pfn])
            buddy_free(frames[i], 0);
    return &map[pfn];
}

/* With one frame held, the largest block is half of the machine, and it is in the other half. */
static void try_run(const struct page *held, uint32_t npages, unsigned align)
{
    struct page *run = buddy_alloc_exact(npages, align, PAGE_TEST, PAGE_ANY);

    if (!run) {
        PROVE(MAX(order_for(npages), align) == ORDERS - 1);
        return;
    }
    PROVE(IS_ALIGNED(page_to_pfn(run), 1u << align));
    PROVE(run + npages <= held || run > held);
    PROVE(run + npages <= map + FRAMES);
    PROVE(buddy_free_frames() == FRAMES - 1 - npages);
    PROVE(buddy_check());
    buddy_free_exact(run, npages);
}

void proof(void)
{
    start_machine();
    struct page *held = hold(choose_below(FRAMES));
    uint32_t npages = 1 + choose_below(FRAMES);

    try_run(held, npages, choose_below(ORDERS));
    buddy_free(held, 0);
    buddy_drain();
    PROVE(buddy_check());
    PROVE(buddy_alloc(ORDERS - 1, PAGE_TEST, PAGE_ANY) == map);
}
