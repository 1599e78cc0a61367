// sources: mm/buddy.c mm/buddy_check.c mm/mobility.c
// every: -DSTEPS=4u
/* tests/cbmc/proof_mobility.c - every sequence of STEPS operations (take a block of any mobility, of four
 * orders; give one back) on the smallest machine whose memory is kept apart: nine blocks of 4 MiB, once
 * all free, once each half used by what can move.  Claims: stealing and claiming lose no frame and no
 * 4 MiB block, no request fails for which there is memory, the invariants hold after each step. */
#include "mm/buddy.h"
#include "tests/cbmc/proof.h"

#define UNITS 9u
#define UNIT_FRAMES (1u << BUDDY_MAX_ORDER)
#define FRAMES (UNITS * UNIT_FRAMES)
#define HALF_ORDER (BUDDY_MAX_ORDER - 1)

static struct page map[FRAMES];
static struct block {
    struct page *page;
    unsigned order;
} held[STEPS];
static unsigned held_count;
static uint32_t used_frames;

static void start_machine(void)
{
    for (unsigned i = 0; i < FRAMES; i++)
        map[i] = (struct page){ .kind = PAGE_RESERVED };
    held_count = used_frames = 0;
    mem_map = map;
    max_pfn = FRAMES;
    buddy_reset();
    buddy_add_range(0, FRAMES);
}

/* The first half of each 4 MiB. */
static void use_halves(void)
{
    for (unsigned i = 0; i < 2 * UNITS; i++)
        PROVE(buddy_alloc(HALF_ORDER, PAGE_ANON, PAGE_MOVABLE | PAGE_ATOMIC));
    for (unsigned i = 0; i < UNITS; i++)
        buddy_free(&map[i * UNIT_FRAMES + UNIT_FRAMES / 2], HALF_ORDER);
    used_frames = FRAMES / 2;
}

static void take(unsigned order, unsigned mobility)
{
    struct page *page = buddy_alloc(order, PAGE_TEST, mobility | PAGE_ATOMIC);

    if (!page) {
        PROVE(order == BUDDY_MAX_ORDER && used_frames >= FRAMES / 2);
        return;
    }
    held[held_count++] = (struct block){ page, order };
    used_frames += 1u << order;
}

static void give(unsigned i)
{
    used_frames -= 1u << held[i].order;
    buddy_free(held[i].page, held[i].order);
    held[i] = held[--held_count];
}

static uint32_t count_units(void)
{
    struct buddy_stats stats;
    uint32_t units = 0;

    buddy_get_stats(&stats);
    for (unsigned zone = 0; zone < ZONE_COUNT; zone++)
        for (unsigned mobility = 0; mobility < MOBILITY_COUNT; mobility++)
            units += stats.zones[zone].by_mobility[mobility].blocks;
    return units;
}

void proof(void)
{
    static const unsigned orders[] = { 0, 6, HALF_ORDER, BUDDY_MAX_ORDER };
    static const unsigned mobilities[] = { PAGE_ANY, PAGE_MOVABLE, PAGE_RECLAIMABLE };
    const unsigned requests = ARRAY_SIZE(orders) * ARRAY_SIZE(mobilities);

    start_machine();
    if (choose_below(2) == 1)
        use_halves();
    for (unsigned step = 0; step < STEPS; step++) {
        unsigned choice = choose_below(requests + held_count);
        if (choice < requests)
            take(orders[choice / ARRAY_SIZE(mobilities)],
                 mobilities[choice % ARRAY_SIZE(mobilities)]);
        else
            give(choice - requests);
        PROVE(buddy_free_frames() == FRAMES - used_frames);
        PROVE(count_units() == UNITS);
        PROVE(buddy_check());
    }
}
