// sources: mm/buddy_check.c mm/mobility.c
// cbmc: --unwind 34
/* tests/cbmc/proof_orders.c - the arithmetic of orders, frame numbers and alignment, for all 32-bit
 * values.  buddy.c and buddy_range.c are included, for their own helpers are part of what is claimed. */
#include "mm/buddy.c"
#include "mm/buddy_range.c"
#include "tests/cbmc/proof.h"

static void orders(void)
{
    uint32_t n = nondet_u32();

    ASSUME(n >= 1 && n <= 1u << 31);
    unsigned order = order_for(n);
    PROVE(order <= 31 && 1u << order >= n);
    PROVE(order == 0 || 1u << (order - 1) < n);
#ifdef FALSE_CLAIM /* to see that a proof can fail: wrong for 2^31 only */
    PROVE(order < 31);
#endif
    PROVE(n >> bit_lowest(n) << bit_lowest(n) == n && (n >> bit_lowest(n)) % 2 == 1);
    PROVE(n >> bit_highest(n) == 1);
    PROVE(is_power_of_two(n) == (n == 1u << bit_highest(n)));
}

/* For every frame number that is aligned to its order. */
static void buddies(void)
{
    pfn_t pfn = nondet_u32();
    unsigned k = nondet_u32();

    ASSUME(pfn < 1u << (32 - PAGE_SHIFT) && k < BUDDY_MAX_ORDER && pfn % (1u << k) == 0);
    pfn_t buddy = pfn ^ (1u << k), pair = pfn & ~(1u << k);
    PROVE(buddy != pfn && (buddy ^ (1u << k)) == pfn);
    PROVE(pair % (2u << k) == 0);
    PROVE((pfn == pair && buddy == pair + (1u << k)) ||
          (buddy == pair && pfn == pair + (1u << k)));
    for (unsigned id = 0; id < ZONE_COUNT; id++) /* never two zones in one block */
        PROVE((pfn < buddy_zones[id].stats.end) == (buddy < buddy_zones[id].stats.end));
}

/* The pieces in which a range is handed to buddy, and in which a run of any length is cut. */
static void pieces(void)
{
    pfn_t start = nondet_u32(), end = nondet_u32();

    ASSUME(start < end && end <= 1u << (32 - PAGE_SHIFT));
    unsigned order = largest_order(start, end);
    PROVE(order <= BUDDY_MAX_ORDER && start % (1u << order) == 0);
    PROVE(start + (1u << order) <= end);
    PROVE(order == BUDDY_MAX_ORDER || start % (2u << order) != 0 || end - start < 2u << order);
}

static void rounding(void)
{
    uint32_t x = nondet_u32(), shift = nondet_u32();

    ASSUME(shift < 31 && x <= 1u << 31);
    uint32_t align = 1u << shift, down = ALIGN_DOWN(x, align), up = ALIGN_UP(x, align);
    PROVE(down <= x && x - down < align && down % align == 0);
    PROVE(up >= x && up - x < align && up % align == 0);
    PROVE(IS_ALIGNED(x, align) == (up == down));
}

void proof(void)
{
    orders();
    buddies();
    pieces();
    rounding();
}
