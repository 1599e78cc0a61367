/* tests/kernel/test_memmap.c - the boot loader's memory map on a real (emulated) machine: what was
 * read, what became of it, and that the frames in mem_map agree.  Hostile maps are tried by
 * memmap_normalize() here with a few, and on the host with thousands (tests/host/test_memmap.c). */
#include "tests/kernel/test.h"

#include "kernel/lib/layout.h"
#include "mm/buddy.h"
#include "mm/memmap.h"

extern char kernel_start[], kernel_end[];

static struct memmap raw, result; /* too large for a kernel stack */

static enum memmap_type type_at(const struct memmap *map, uint64_t address)
{
    for (unsigned i = 0; i < map->count; i++) {
        if (address >= map->ranges[i].start && address < map->ranges[i].end)
            return map->ranges[i].type;
    }
    return MEMMAP_HOLE;
}

static void final_is_sorted_and_disjoint(struct test *t)
{
    const struct memmap *map = memmap_final();
    EXPECT(t, map->count > 0 && map->count <= MEMMAP_MAX_RANGES);
    EXPECT_EQ(t, map->ranges[0].start, 0);
    for (unsigned i = 0; i < map->count; i++) {
        const struct memmap_range *range = &map->ranges[i];
        EXPECT(t, range->start < range->end);
        EXPECT(t, IS_ALIGNED(range->start, PAGE_SIZE));
        EXPECT(t, IS_ALIGNED(range->end, PAGE_SIZE));
        if (i > 0) {
            EXPECT_EQ(t, range->start, range[-1].end);
            /* (Tables are taken one by one.) */
            EXPECT(t, range->type != range[-1].type || range->type == MEMMAP_TABLES);
        }
    }
}

static void kernel_and_bios_are_reserved(struct test *t)
{
    const struct memmap *map = memmap_final();
    uint64_t first = (uintptr_t)kernel_start - KERNEL_BASE;
    uint64_t last = (uintptr_t)kernel_end - KERNEL_BASE - 1;

    EXPECT_EQ(t, first, KERNEL_LOAD_PADDR);
    EXPECT(t, type_at(map, first) >= MEMMAP_KERNEL);
    EXPECT_EQ(t, type_at(map, last), MEMMAP_KERNEL);
    EXPECT(t, type_at(map, 0) >= MEMMAP_RESERVED);
    EXPECT(t, type_at(map, 0xA0000) >= MEMMAP_RESERVED);
    EXPECT(t, type_at(map, 0xB8000) >= MEMMAP_RESERVED);
    EXPECT(t, type_at(map, 0xFFFFF) >= MEMMAP_RESERVED);
}

static void modules_are_reserved(struct test *t)
{
    for (unsigned i = 0; i < memmap_module_count(); i++) {
        const struct memmap_module *module = memmap_module(i);
        EXPECT(t, module->start < module->end);
        EXPECT_EQ(t, type_at(memmap_final(), module->start), MEMMAP_MODULE);
        EXPECT_EQ(t, type_at(memmap_final(), module->end - 1), MEMMAP_MODULE);
    }
}

/* Only what the firmware called usable may be usable. */
static void usable_was_usable(struct test *t)
{
    const struct memmap *map = memmap_final();
    for (unsigned i = 0; i < map->count; i++) {
        const struct memmap_range *range = &map->ranges[i];
        if (range->type != MEMMAP_USABLE)
            continue;
        EXPECT_EQ(t, type_at(memmap_firmware(), range->start), MEMMAP_USABLE);
        EXPECT_EQ(t, type_at(memmap_firmware(), range->end - 1), MEMMAP_USABLE);
        EXPECT(t, range->end <= memmap_end());
    }
}

/* No frame that is not usable was handed to the buddy allocator, apart from the boot page tables,
 * which are part of the kernel's image and given back. */
static void managed_frames_agree(struct test *t)
{
    const struct memmap *map = memmap_final();
    struct buddy_stats stats;
    uint32_t usable = 0, wrong = 0;

    for (unsigned i = 0; i < map->count; i++) {
        const struct memmap_range *range = &map->ranges[i];
        if (range->start >= (uint64_t)max_pfn << PAGE_SHIFT)
            break;
        pfn_t end = (pfn_t)MIN(range->end >> PAGE_SHIFT, (uint64_t)max_pfn);
        for (pfn_t pfn = (pfn_t)(range->start >> PAGE_SHIFT); pfn < end; pfn++) {
            bool managed = pfn_to_page(pfn)->kind != PAGE_RESERVED;
            usable += range->type == MEMMAP_USABLE;
            wrong += range->type == MEMMAP_USABLE ? !managed
                                                  : managed && range->type != MEMMAP_KERNEL;
        }
    }
    buddy_get_stats(&stats);
    EXPECT_EQ(t, wrong, 0);
    EXPECT(t, stats.managed >= usable);
    EXPECT(t, stats.managed <= usable + 16); /* at most the boot page tables */
}

static void command_line_is_kept(struct test *t)
{
    EXPECT(t, memmap_cmdline() != NULL);
    EXPECT_EQ(t, test_parameter("no_such_parameter", 7), 7);
}

static void every_type_has_a_name(struct test *t)
{
    EXPECT_STR(t, memmap_type_name(MEMMAP_USABLE), "usable");
    for (unsigned type = 0; type <= MEMMAP_TABLES; type++) {
        REQUIRE(t, memmap_type_name((enum memmap_type)type) != NULL);
        EXPECT(t, strlen(memmap_type_name((enum memmap_type)type)) > 0);
    }
}

/* --- memmap_normalize() ------------------------------------------------------------------------- */

static void normalize_raw(struct test *t)
{
    EXPECT(t, memmap_normalize(&raw, 1ull << 32, &result));
}

static void expect_range(struct test *t, unsigned i, uint64_t start, uint64_t end,
                         enum memmap_type type)
{
    REQUIRE(t, i < result.count);
    EXPECT_EQ(t, result.ranges[i].start, start);
    EXPECT_EQ(t, result.ranges[i].end, end);
    EXPECT_EQ(t, result.ranges[i].type, type);
}

static void normalize_sorts_and_fills_holes(struct test *t)
{
    raw.count = 0;
    memmap_add(&raw, 0x200000, 0x100000, MEMMAP_USABLE);
    memmap_add(&raw, 0x000000, 0x100000, MEMMAP_USABLE);
    normalize_raw(t);
    EXPECT_EQ(t, result.count, 3);
    expect_range(t, 0, 0, 0x100000, MEMMAP_USABLE);
    expect_range(t, 1, 0x100000, 0x200000, MEMMAP_HOLE);
    expect_range(t, 2, 0x200000, 0x300000, MEMMAP_USABLE);
}

static void normalize_stronger_type_wins(struct test *t)
{
    raw.count = 0;
    memmap_add(&raw, 0x1000, 0x9000, MEMMAP_USABLE);
    memmap_add(&raw, 0x3000, 0x1000, MEMMAP_RESERVED);
    memmap_add(&raw, 0x2000, 0x3000, MEMMAP_ACPI);
    memmap_add(&raw, 0x5000, 0x1000, MEMMAP_USABLE);
    normalize_raw(t);
    EXPECT_EQ(t, result.count, 4);
    expect_range(t, 0, 0, 0x1000, MEMMAP_HOLE);
    expect_range(t, 1, 0x1000, 0x2000, MEMMAP_USABLE);
    expect_range(t, 2, 0x2000, 0x5000, MEMMAP_ACPI);
    expect_range(t, 3, 0x5000, 0xA000, MEMMAP_USABLE);
}

/* A frame that is only partly RAM is not RAM; one that is partly reserved is reserved. */
static void normalize_aligns_to_the_safe_side(struct test *t)
{
    raw.count = 0;
    memmap_add(&raw, 0x1800, 0x2000, MEMMAP_USABLE); /* whole frames: 0x2000 only */
    memmap_add(&raw, 0x10FFF, 2, MEMMAP_RESERVED);   /* touches 0x10000 and 0x11000 */
    memmap_add(&raw, 0x20001, 0xFFE, MEMMAP_USABLE); /* no whole frame */
    normalize_raw(t);
    EXPECT_EQ(t, type_at(&result, 0x1000), MEMMAP_HOLE);
    EXPECT_EQ(t, type_at(&result, 0x2000), MEMMAP_USABLE);
    EXPECT_EQ(t, type_at(&result, 0x3000), MEMMAP_HOLE);
    EXPECT_EQ(t, type_at(&result, 0x10000), MEMMAP_RESERVED);
    EXPECT_EQ(t, type_at(&result, 0x11FFF), MEMMAP_RESERVED);
    EXPECT_EQ(t, type_at(&result, 0x12000), MEMMAP_HOLE);
    EXPECT_EQ(t, type_at(&result, 0x20000), MEMMAP_HOLE);
}

static void normalize_zero_and_wrapping(struct test *t)
{
    raw.count = 0;
    memmap_add(&raw, 0x5000, 0, MEMMAP_RESERVED);
    EXPECT_EQ(t, raw.count, 0);
    memmap_add(&raw, 0x0, 0x10000, MEMMAP_USABLE);
    memmap_add(&raw, 0xFFFFFFFFFFFFF000ull, 0x2000, MEMMAP_RESERVED);
    EXPECT(t, raw.ranges[raw.count - 1].start < raw.ranges[raw.count - 1].end);
    normalize_raw(t);
    EXPECT_EQ(t, type_at(&result, 0x0), MEMMAP_USABLE);
    EXPECT_EQ(t, type_at(&result, 0x5000), MEMMAP_USABLE);
}

static void normalize_above_the_limit(struct test *t)
{
    raw.count = 0;
    memmap_add(&raw, 0x100000, 1ull << 33, MEMMAP_USABLE);
    normalize_raw(t);
    EXPECT_EQ(t, type_at(&result, 0xFFFFF000), MEMMAP_USABLE);
    EXPECT_EQ(t, type_at(&result, 1ull << 32), MEMMAP_UNREACHABLE);
    EXPECT_EQ(t, type_at(&result, (1ull << 33) + 0xFF000), MEMMAP_UNREACHABLE);
}

static void add_reports_a_full_table(struct test *t)
{
    raw.count = 0;
    for (unsigned i = 0; i < MEMMAP_MAX_RANGES; i++)
        EXPECT(t, memmap_add(&raw, i * 0x2000ull, 0x1000, MEMMAP_USABLE));
    EXPECT(t, !memmap_add(&raw, 0x10000000, 0x1000, MEMMAP_USABLE));
    EXPECT_EQ(t, raw.count, MEMMAP_MAX_RANGES);
}

/* clang-format off */
const struct test_case test_cases[] = {
    TEST(final_is_sorted_and_disjoint),
    TEST(kernel_and_bios_are_reserved),
    TEST(modules_are_reserved),
    TEST(usable_was_usable),
    TEST(managed_frames_agree),
    TEST(command_line_is_kept),
    TEST(every_type_has_a_name),
    TEST(normalize_sorts_and_fills_holes),
    TEST(normalize_stronger_type_wins),
    TEST(normalize_aligns_to_the_safe_side),
    TEST(normalize_zero_and_wrapping),
    TEST(normalize_above_the_limit),
    TEST(add_reports_a_full_table),
};
/* clang-format on */
const unsigned test_case_count = ARRAY_SIZE(test_cases);
