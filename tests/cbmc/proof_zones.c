// sources: mm/buddy_check.c mm/mobility.c
// every:
/* tests/cbmc/proof_zones.c - the zone of a frame is the one whose bounds it lies in: for the first and
 * the last frame of every 1 MiB of the 4 GiB, between which no bound lies.  (For the other engine
 * there is nothing to do: CBMC 6 reads the range of an initializer, [1 ... 9], as its first index.) */
#include "mm/buddy.c"
#include "tests/cbmc/proof.h"

#define STRIPES 4096u
#define STRIPE_FRAMES (MiB / PAGE_SIZE)

static void check(pfn_t pfn)
{
    const struct zone *zone = zone_of(pfn);

    PROVE(zone->stats.start <= pfn && pfn < zone->stats.end);
    PROVE(zone->stats.start % STRIPE_FRAMES == 0 && zone->stats.end % STRIPE_FRAMES == 0);
}

void proof(void)
{
    pfn_t first = choose_below(STRIPES) * STRIPE_FRAMES;

    check(first);
    check(first + STRIPE_FRAMES - 1);
}
