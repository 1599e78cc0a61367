// sources: mm/page.c mm/memmap.c mm/buddy.c mm/buddy_check.c mm/mobility.c mm/inject.c kernel/lib/parse.c tests/host/shim/host.c
/* tests/host/test_memmap.c - hostile memory maps: random ranges, unsorted, overlapping, unaligned, empty,
 * wrapping, against an array with the type of each page.  Usage: memmap [SEED] */
#include "host.h"
#include "mm/memmap.h"

enum { MAPS = 3000, PAGES = 64, RANGES = 24 };

/* The strangest places: around 0, the limit, and the end of 64 bits. */
static const uint64_t bases[] = { 0, 0xFFFE0000, 0x100000000 - 32 * PAGE_SIZE, 0x280000000,
                                  UINT64_MAX - PAGES *PAGE_SIZE + 1 };
#define LIMIT 0x100000000ull

static struct memmap raw, result;

static enum memmap_type type_at(const struct memmap *map, uint64_t address)
{
    for (unsigned i = 0; i < map->count; i++) {
        if (address >= map->ranges[i].start && address < map->ranges[i].end)
            return map->ranges[i].type;
    }
    return MEMMAP_HOLE;
}

/* What a page must be, from the raw ranges alone: the strongest type that touches it, where usable
 * ranges count only if they cover it whole. */
static enum memmap_type model_type(uint64_t page)
{
    enum memmap_type type = MEMMAP_HOLE;
    uint64_t last = page + PAGE_SIZE - 1;
    for (unsigned i = 0; i < raw.count; i++) {
        const struct memmap_range *range = &raw.ranges[i];
        bool covers = range->start <= page && range->end > last;
        bool touches = range->start <= last && range->end > page;
        enum memmap_type own = range->type;
        if (own == MEMMAP_USABLE && page >= LIMIT)
            own = MEMMAP_UNREACHABLE;
        if (range->type == MEMMAP_USABLE ? covers : touches)
            type = own > type ? own : type;
    }
    return type;
}

static void make_raw(uint64_t base)
{
    raw.count = 0;
    for (unsigned i = 1 + host_random_below(RANGES); i > 0; i--) {
        uint64_t start = base + host_random_below(PAGES * PAGE_SIZE);
        uint64_t nbytes = host_random_below(10) == 0 ? host_random_below(3)
                                                     : host_random_below(20 * PAGE_SIZE);
        if (host_random_below(3) == 0) {
            start = ALIGN_DOWN(start, PAGE_SIZE);
            nbytes = ALIGN_DOWN(nbytes, PAGE_SIZE);
        }
        static const enum memmap_type types[] = { MEMMAP_USABLE,   MEMMAP_USABLE, MEMMAP_USABLE,
                                                  MEMMAP_RESERVED, MEMMAP_ACPI,   MEMMAP_NVS,
                                                  MEMMAP_BAD };
        memmap_add(&raw, start, nbytes, types[host_random_below(ARRAY_SIZE(types))]);
    }
}

static void check_shape(void)
{
    for (unsigned i = 0; i < result.count; i++) {
        const struct memmap_range *range = &result.ranges[i];
        CHECK(range->start < range->end);
        CHECK(IS_ALIGNED(range->start, PAGE_SIZE));
        CHECK(IS_ALIGNED(range->end, PAGE_SIZE) || range->end == UINT64_MAX);
        if (i > 0) {
            CHECK(range->start == range[-1].end);
            CHECK(range->type != range[-1].type);
        }
    }
}

/* The last page of 64 bits cannot be told by a half-open range: it is left out of the comparison. */
static void check_pages(uint64_t base)
{
    for (unsigned i = 0; i < PAGES - 1; i++) {
        uint64_t page = ALIGN_DOWN(base + i * (uint64_t)PAGE_SIZE, PAGE_SIZE);
        enum memmap_type want = model_type(page), got = type_at(&result, page);
        CHECK(got == want);
    }
}

/* More ranges than the table holds: said so, and what there is stays valid. */
static void check_overflow(void)
{
    raw.count = 0;
    while (memmap_add(&raw, raw.count * 3ull * PAGE_SIZE, PAGE_SIZE, MEMMAP_USABLE))
        ;
    CHECK(raw.count == MEMMAP_MAX_RANGES);
    CHECK(!memmap_normalize(&raw, LIMIT, &result));
    check_shape();
    CHECK(result.count <= MEMMAP_MAX_RANGES);
}

int main(int argc, char *argv[])
{
    host_init(argc, argv);
    for (unsigned map = 0; map < MAPS; map++) {
        uint64_t base = bases[host_random_below(ARRAY_SIZE(bases))];
        make_raw(base);
        CHECK(memmap_normalize(&raw, LIMIT, &result));
        check_shape();
        check_pages(base);
    }
    check_overflow();
    puts("memmap: ok");
    return 0;
}
