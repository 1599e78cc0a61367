/* tests/kernel/test_cache.c - flushing by hand: the processor's caches of memory, and those of page
 * tables. */
#include "tests/kernel/test.h"

#include "kernel/cpu/cacheinfo.h"
#include "kernel/cpu/cpu.h"
#include "mm/buddy.h"
#include "mm/cache.h"
#include "mm/paging.h"
#include "mm/vmalloc.h"

/* --- caches of memory --------------------------------------------------------------------------- */

/* Exactly the lines that the range touches; without CLFLUSH all of them. */
static void a_range_is_whole_lines(struct test *t)
{
    static uint8_t buffer[4 * PAGE_SIZE] __attribute__((aligned(PAGE_SIZE)));
    const uint32_t line = cpu_info.clflush_bytes;
    const struct {
        uint32_t offset, nbytes, lines;
    } ranges[] = {
        { 0, 0, 0 },        { 5, 0, 0 },
        { 0, 1, 1 },        { line - 1, 1, 1 },
        { line - 1, 2, 2 }, { 0, line, 1 },
        { 0, line + 1, 2 }, { 1, line, 2 },
        { 7, 3 * line, 4 }, { 0, sizeof(buffer), line ? sizeof(buffer) / line : 0 },
    };
    struct cache_stats before, after;

    test_fill(buffer, sizeof(buffer), 1);
    for (unsigned i = 0; i < ARRAY_SIZE(ranges); i++) {
        cache_get_stats(&before);
        cache_flush_range((uintptr_t)buffer + (line ? ranges[i].offset : 0), ranges[i].nbytes);
        cache_get_stats(&after);
        EXPECT_EQ(t, after.lines - before.lines, line ? ranges[i].lines : 0);
        EXPECT_EQ(t, after.all - before.all, !line && ranges[i].nbytes > 0 ? 1 : 0);
    }
    EXPECT(t, test_is_filled(buffer, sizeof(buffer), 1));
}

static void everything_is_flushed(struct test *t)
{
    static uint8_t buffer[PAGE_SIZE];
    struct cache_stats before, after;

    test_fill(buffer, sizeof(buffer), 2);
    cache_get_stats(&before);
    cache_flush_all();
    cache_get_stats(&after);
    EXPECT_EQ(t, after.all - before.all, 1);
    EXPECT_EQ(t, after.lines, before.lines);
    EXPECT(t, test_is_filled(buffer, sizeof(buffer), 2));
}

/* A line is a power of two of 16 to 256 bytes, known where CLFLUSH is; caches grow with their level. */
static void what_cpuid_tells_makes_sense(struct test *t)
{
    struct cpu_cache cache, first;
    uint32_t line = cpu_info.clflush_bytes;

    EXPECT_EQ(t, line != 0, cpu_has(CPU_CLFLUSH));
    EXPECT(t, line == 0 || (line >= 16 && line <= 256 && (line & (line - 1)) == 0));
    for (unsigned i = 0; cpu_cache_get(i, &cache); i++) {
        first = i == 0 ? cache : first;
        EXPECT(t, i < 8 && cache.level >= 1 && cache.level <= 4);
        EXPECT(t, cache.nbytes >= 4 * KiB && cache.nbytes % cache.line_bytes == 0);
        EXPECT(t, cache.level == first.level || cache.nbytes >= first.nbytes);
        EXPECT(t, cpu_cache_type_name(cache.type) != NULL);
    }
}

/* --- the TLB ------------------------------------------------------------------------------------ */

#define PAGES 32u /* enough that a range is flushed at once */

/* Each page of the window has its own number in it, and reads it. */
static unsigned pages_that_read(volatile uint32_t *window, uint32_t first)
{
    unsigned count = 0;
    for (unsigned i = 0; i < PAGES; i++)
        count += window[i * PAGE_SIZE / sizeof(uint32_t)] == first + i;
    return count;
}

static struct page *take_numbered(unsigned order, uint32_t first)
{
    struct page *block = buddy_alloc(order, PAGE_TEST, PAGE_ANY);
    for (unsigned i = 0; block && i < PAGES; i++)
        *(uint32_t *)page_to_virt(block + i) = first + i;
    return block;
}

static void flush_one_by_one(uintptr_t start)
{
    for (unsigned i = 0; i < PAGES; i++)
        paging_flush_kernel(start + i * PAGE_SIZE, 1);
}

static void flush_halves(uintptr_t start)
{
    paging_flush_kernel(start, PAGES / 4); /* few: page by page */
    paging_flush_kernel(start + PAGES / 4 * PAGE_SIZE, PAGES - PAGES / 4);
}

static void flush_everything(uintptr_t start)
{
    (void)start;
    paging_flush_everything();
}

/* Entries change without a flush; after it, every page reads its new frame.  Each way in turn. */
static void flushed_pages_read_their_new_frames(struct test *t)
{
    enum { ORDER = 5 };
    static void (*const flushes[])(uintptr_t) = { flush_one_by_one, flush_halves,
                                                  flush_everything };
    struct page *blocks[] = { take_numbered(ORDER, 1000), take_numbered(ORDER, 2000) };
    REQUIRE(t, blocks[0] != NULL && blocks[1] != NULL);
    volatile uint32_t *window = vmap(page_to_pfn(blocks[0]), PAGES, 0);
    REQUIRE(t, window != NULL);

    for (unsigned i = 0; i < ARRAY_SIZE(flushes); i++) {
        unsigned old = i % 2, new = 1 - old;
        EXPECT_EQ(t, pages_that_read(window, 1000 * (old + 1)), PAGES);
        for (unsigned k = 0; k < PAGES; k++)
            EXPECT_EQ(t,
                      paging_change_unflushed(&kernel_directory,
                                              (uintptr_t)window + k * PAGE_SIZE,
                                              page_to_pfn(blocks[new]) + k, PTE_WRITE),
                      0);
        flushes[i]((uintptr_t)window);
        EXPECT_EQ(t, pages_that_read(window, 1000 * (new + 1)), PAGES);
    }
    vunmap((void *)window);
    buddy_free(blocks[0], ORDER);
    buddy_free(blocks[1], ORDER);
}

static void flushes_are_counted(struct test *t)
{
    struct paging_stats before, after;
    uint8_t *area = vmalloc(PAGES, PAGE_VMALLOC);
    REQUIRE(t, area != NULL);

    paging_get_stats(&before);
    paging_flush_kernel((uintptr_t)area, 3);
    paging_get_stats(&after);
    EXPECT_EQ(t, after.page_flushes - before.page_flushes, 3);
    EXPECT_EQ(t, after.full_flushes - before.full_flushes, 0);
    paging_flush_kernel((uintptr_t)area, PAGES);
    paging_flush_everything();
    paging_get_stats(&after);
    EXPECT_EQ(t, after.page_flushes - before.page_flushes, 3);
    EXPECT_EQ(t, after.full_flushes - before.full_flushes, 2);
    EXPECT_EQ(t, cpu_has(CPU_PGE), cpu_has(CPU_CR4) && (cr4_read() & CR4_PGE) != 0);
    vfree(area);
}

/* clang-format off */
const struct test_case test_cases[] = {
    TEST(a_range_is_whole_lines),
    TEST(everything_is_flushed),
    TEST(what_cpuid_tells_makes_sense),
    TEST(flushed_pages_read_their_new_frames),
    TEST(flushes_are_counted),
};
/* clang-format on */
const unsigned test_case_count = ARRAY_SIZE(test_cases);
