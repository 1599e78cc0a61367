/* tests/kernel/test_page.c - mem_map and the zones: one struct for each frame, and every frame in the
 * place where it belongs. */
#include "tests/kernel/test.h"

#include "kernel/lib/layout.h"
#include "mm/buddy.h"
#include "mm/kmap.h"
#include "mm/memmap.h"
#include "mm/memstat.h"

extern char kernel_start[], kernel_end[], boot_tables_end[];

static struct buddy_stats stats;

static void struct_page_is_16_bytes(struct test *t)
{
    EXPECT_EQ(t, sizeof(struct page), 16);
    EXPECT_PTR(t, pfn_to_page(5), (char *)mem_map + 80);
    EXPECT_EQ(t, page_to_pfn(mem_map + 77), 77);
}

static void conversions_are_inverse(struct test *t)
{
    for (pfn_t pfn = 0; pfn < MIN(max_pfn, LOWMEM_MAX_PFN); pfn += 97) {
        struct page *page = pfn_to_page(pfn);
        EXPECT_PTR(t, virt_to_page(page_to_virt(page)), page);
        EXPECT_EQ(t, virt_to_paddr(page_to_virt(page)), page_to_paddr(page));
    }
}

static void lowmem_ends_at_896_mib(struct test *t)
{
    EXPECT(t, page_is_lowmem(pfn_to_page(LOWMEM_MAX_PFN - 1)));
    EXPECT(t, !page_is_lowmem(pfn_to_page(LOWMEM_MAX_PFN)));
}

static void zones_have_their_bounds(struct test *t)
{
    buddy_get_stats(&stats);
    EXPECT_STR(t, stats.zones[ZONE_DMA].name, "DMA");
    EXPECT_STR(t, stats.zones[ZONE_NORMAL].name, "Normal");
    EXPECT_STR(t, stats.zones[ZONE_HIGHMEM].name, "HighMem");
    EXPECT_EQ(t, stats.zones[ZONE_DMA].start, 0);
    EXPECT(t, stats.zones[ZONE_DMA].end <= DMA_MAX_PFN);
    EXPECT(t, stats.zones[ZONE_NORMAL].end <= LOWMEM_MAX_PFN);
    for (unsigned zone = 0; zone < ZONE_COUNT; zone++) {
        const struct zone_stats *z = &stats.zones[zone];
        EXPECT(t, z->start <= z->end);
        EXPECT(t, z->managed <= z->end - z->start);
        EXPECT(t, z->free <= z->managed);
    }
}

/* RAM above 896 MiB is managed, and in HighMem; without such RAM the zone is empty. */
static void highmem_is_what_is_above(struct test *t)
{
    buddy_get_stats(&stats);
    if (max_pfn <= LOWMEM_MAX_PFN)
        EXPECT_EQ(t, stats.zones[ZONE_HIGHMEM].managed, 0);
    else
        EXPECT(t, stats.zones[ZONE_HIGHMEM].managed > (max_pfn - LOWMEM_MAX_PFN) / 2);
}

/* The accounting identity, recomputed from mem_map itself. */
static void kinds_add_up(struct test *t)
{
    static uint32_t frames[PAGE_KIND_COUNT];
    memset(frames, 0, sizeof(frames));
    for (pfn_t pfn = 0; pfn < max_pfn;) {
        const struct page *page = pfn_to_page(pfn);
        REQUIRE(t, page->kind < PAGE_KIND_COUNT);
        uint32_t count = page->kind == PAGE_RESERVED ? 1 : 1u << page->order;
        frames[page->kind] += count;
        pfn += count;
    }
    buddy_get_stats(&stats);
    uint32_t sum = frames[PAGE_FREE];
    for (unsigned kind = PAGE_KIND_FIRST_USED; kind < PAGE_KIND_COUNT; kind++) {
        EXPECT_EQ(t, stats.frames[kind], frames[kind]);
        sum += frames[kind];
    }
    EXPECT_EQ(t, frames[PAGE_TAIL], 0); /* every tail lies inside a block */
    EXPECT_EQ(t, stats.frames[PAGE_FREE], frames[PAGE_FREE]);
    EXPECT_EQ(t, stats.free, frames[PAGE_FREE]);
    EXPECT_EQ(t, sum, stats.managed);
}

static void kernel_image_is_reserved(struct test *t)
{
    for (uintptr_t address = (uintptr_t)boot_tables_end; address < (uintptr_t)kernel_end;
         address += PAGE_SIZE)
        EXPECT_EQ(t, virt_to_page((void *)address)->kind, PAGE_RESERVED);
    EXPECT_EQ(t, virt_to_page(kernel_start)->kind, PAGE_RESERVED);
    EXPECT_EQ(t, virt_to_page(mem_map)->kind, PAGE_RESERVED);
    EXPECT_EQ(t, pfn_to_page(0)->kind, PAGE_RESERVED);
    EXPECT_EQ(t, pfn_to_page(0xB8)->kind, PAGE_RESERVED);
}

/* Free memory is really RAM: different frames keep different contents. */
static void frames_do_not_alias(struct test *t)
{
    enum { SAMPLES = 128 };
    static struct page *pages[SAMPLES];
    unsigned count = 0;
    while (count < SAMPLES) {
        unsigned order = count % 3;
        pages[count] = buddy_alloc(order, PAGE_TEST, PAGE_HIGHMEM_OK);
        if (pages[count] == NULL)
            break;
        uint32_t *words = kmap(pages[count]);
        words[0] = page_to_pfn(pages[count]);
        words[1023] = ~page_to_pfn(pages[count]);
        kunmap(words);
        count++;
    }
    EXPECT(t, count > 16);
    for (unsigned i = 0; i < count; i++) {
        uint32_t *words = kmap(pages[i]);
        EXPECT_EQ(t, words[0], page_to_pfn(pages[i]));
        EXPECT_EQ(t, words[1023], ~page_to_pfn(pages[i]));
        kunmap(words);
        buddy_free(pages[i], i % 3);
    }
}

static void kmap_gives_the_same_frame(struct test *t)
{
    struct kmap_stats before, during, after;
    struct page *page = buddy_alloc(0, PAGE_TEST, PAGE_HIGHMEM_OK);
    REQUIRE(t, page != NULL);
    kmap_get_stats(&before);
    uint8_t *first = kmap(page), *second = kmap(page);
    kmap_get_stats(&during);
    test_fill(first, PAGE_SIZE, 11);
    EXPECT(t, test_is_filled(second, PAGE_SIZE, 11));
    kunmap(second);
    kunmap(first);
    kmap_get_stats(&after);
    if (page_is_lowmem(page)) {
        EXPECT_PTR(t, first, page_to_virt(page));
        EXPECT_EQ(t, during.used, before.used);
    } else {
        EXPECT(t, (uintptr_t)first >= KMAP_START && (uintptr_t)first < KMAP_END);
        EXPECT_EQ(t, during.used, before.used + 2);
    }
    EXPECT_EQ(t, after.used, before.used);
    buddy_free(page, 0);
}

static void kmap_zero_and_copy(struct test *t)
{
    struct page *a = buddy_alloc(0, PAGE_TEST, PAGE_HIGHMEM_OK);
    struct page *b = buddy_alloc(0, PAGE_TEST, PAGE_HIGHMEM_OK);
    REQUIRE(t, a != NULL && b != NULL);
    void *window = kmap(a);
    test_fill(window, PAGE_SIZE, 99);
    kunmap(window);
    kmap_copy_frame(b, a);
    kmap_zero_frame(a);
    window = kmap(a);
    EXPECT(t, test_is_byte(window, PAGE_SIZE, 0));
    kunmap(window);
    window = kmap(b);
    EXPECT(t, test_is_filled(window, PAGE_SIZE, 99));
    kunmap(window);
    buddy_free(a, 0);
    buddy_free(b, 0);
}

/* meminfo's figures are those of the frames. */
static void memstat_agrees_with_buddy(struct test *t)
{
    struct memstat mem;
    struct page *page = buddy_alloc(3, PAGE_TEST, PAGE_ANY);
    REQUIRE(t, page != NULL);
    memstat_get(&mem);
    buddy_get_stats(&stats);
    EXPECT_EQ(t, mem.mem_total, stats.managed * 4);
    EXPECT_EQ(t, mem.mem_free, stats.free * 4);
    EXPECT_EQ(t, mem.high_total + mem.low_total, mem.mem_total);
    EXPECT_EQ(t, mem.high_free + mem.low_free, mem.mem_free);
    EXPECT_EQ(t, mem.test, stats.frames[PAGE_TEST] * 4);
    EXPECT_EQ(t, mem.test, 8 * 4);
    EXPECT_EQ(t, mem.slab, stats.frames[PAGE_SLAB] * 4);
    EXPECT_EQ(t, mem.slab, mem.slab_reclaimable + mem.slab_unreclaimable);
    EXPECT_EQ(t, mem.page_tables, stats.frames[PAGE_TABLE] * 4);
    EXPECT_EQ(t, mem.kernel_stack, stats.frames[PAGE_STACK] * 4);
    buddy_free(page, 3);
}

static void every_kind_has_a_name(struct test *t)
{
    EXPECT_STR(t, page_kind_name(PAGE_SLAB), "slab");
    EXPECT_STR(t, page_kind_name(PAGE_ANON), "anon");
    for (unsigned kind = 0; kind < PAGE_KIND_COUNT; kind++)
        EXPECT(t, strlen(page_kind_name((enum page_kind)kind)) > 0);
}

/* clang-format off */
const struct test_case test_cases[] = {
    TEST(struct_page_is_16_bytes),
    TEST(conversions_are_inverse),
    TEST(lowmem_ends_at_896_mib),
    TEST(zones_have_their_bounds),
    TEST(highmem_is_what_is_above),
    TEST(kinds_add_up),
    TEST(kernel_image_is_reserved),
    TEST(frames_do_not_alias),
    TEST(kmap_gives_the_same_frame),
    TEST(kmap_zero_and_copy),
    TEST(memstat_agrees_with_buddy),
    TEST(every_kind_has_a_name),
};
/* clang-format on */
const unsigned test_case_count = ARRAY_SIZE(test_cases);
