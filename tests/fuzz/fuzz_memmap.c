// sources: mm/page.c mm/memmap.c mm/buddy.c mm/buddy_check.c mm/mobility.c mm/inject.c kernel/lib/parse.c tests/host/shim/host.c
/* tests/fuzz/fuzz_memmap.c - memmap_normalize() against the rule itself, asked for single pages: at
 * each edge of each range, and next to it.  Input: the limit, then ranges of start, length, type. */
#include "host.h"
#include "mm/memmap.h"
#include "tests/fuzz/fuzz.h"

#define PAGE_BYTES ((uint64_t)PAGE_SIZE)
#define LAST_PAGE (UINT64_MAX / PAGE_BYTES) /* neither it nor what is in it can be described */

static struct memmap raw, normal;
static uint64_t limit;

/* What the strongest range says of one page. */
static enum memmap_type type_of_page(uint64_t page)
{
    enum memmap_type type = MEMMAP_HOLE;
    uint64_t first = page * PAGE_BYTES, last = first + (PAGE_BYTES - 1);

    for (unsigned i = 0; i < raw.count; i++) {
        const struct memmap_range *range = &raw.ranges[i];
        bool whole = range->start <= first && range->end > last;
        bool part = range->start <= last && range->end > first;
        if ((range->type == MEMMAP_USABLE ? whole : part) && range->type > type)
            type = range->type;
    }
    return type == MEMMAP_USABLE && first >= limit ? MEMMAP_UNREACHABLE : type;
}

static enum memmap_type painted_type(uint64_t page)
{
    for (unsigned i = 0; i < normal.count; i++)
        if (normal.ranges[i].start <= page * PAGE_BYTES &&
            page * PAGE_BYTES < normal.ranges[i].end)
            return normal.ranges[i].type;
    return MEMMAP_HOLE;
}

static void check_around(uint64_t address)
{
    uint64_t page = address / PAGE_BYTES;

    for (uint64_t i = page > 0 ? page - 1 : 0; i <= page + 1 && i < LAST_PAGE; i++)
        CHECK(painted_type(i) == type_of_page(i));
}

static void check_form(void)
{
    CHECK(normal.count == 0 || normal.ranges[0].start == 0);
    for (unsigned i = 0; i < normal.count; i++) {
        const struct memmap_range *range = &normal.ranges[i];
        CHECK(range->start < range->end);
        CHECK(IS_ALIGNED(range->start, PAGE_SIZE) && IS_ALIGNED(range->end, PAGE_SIZE));
        CHECK(i == 0 || (range[-1].end == range->start && range[-1].type != range->type));
    }
}

/* Small numbers of pages, so that ranges meet; a few bytes off; or anything at all. */
static uint64_t choose_address(struct choices *choices)
{
    uint32_t kind = choose(choices, 8);

    if (kind == 0)
        return choose_u64(choices);
    uint64_t address = choose(choices, 32) * PAGE_BYTES;
    if (kind == 1)
        address += choose(choices, PAGE_SIZE);
    return kind == 2 ? 0 - address : address;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t nbytes)
{
    struct choices choices = choices_of(bytes, nbytes);

    raw.count = 0;
    limit = ALIGN_DOWN(choose_address(&choices), PAGE_SIZE);
    while (choices_left(&choices)) {
        uint64_t start = choose_address(&choices), length = choose_address(&choices);
        enum memmap_type type = MEMMAP_USABLE + choose(&choices, MEMMAP_TABLES);
        if (!memmap_add(&raw, start, length, type))
            break;
    }
    if (!memmap_normalize(&raw, limit, &normal))
        return 0;
    check_form();
    check_around(limit);
    for (unsigned i = 0; i < raw.count; i++) {
        check_around(raw.ranges[i].start);
        check_around(raw.ranges[i].end);
    }
    return 0;
}
