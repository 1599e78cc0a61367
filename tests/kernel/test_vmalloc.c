/* tests/kernel/test_vmalloc.c - virtually contiguous kernel memory: its frames, its guard pages, its
 * address space. */
#include "tests/kernel/test.h"

#include "kernel/lib/layout.h"
#include "mm/buddy.h"
#include "mm/paging.h"
#include "mm/uaccess.h"
#include "mm/vmalloc.h"

static struct vmalloc_stats before, after;

static void memory_can_be_used(struct test *t)
{
    for (unsigned npages = 1; npages <= 40; npages += 13) {
        uint8_t *area = vmalloc(npages, PAGE_VMALLOC);
        REQUIRE(t, area != NULL);
        EXPECT(t, (uintptr_t)area >= VMALLOC_START &&
                      (uintptr_t)area + npages * PAGE_SIZE <= VMALLOC_END);
        EXPECT(t, IS_ALIGNED((uintptr_t)area, PAGE_SIZE));
        test_fill(area, npages * PAGE_SIZE, npages);
        EXPECT(t, test_is_filled(area, npages * PAGE_SIZE, npages));
        vfree(area);
    }
}

/* The page before and the page after are not mapped, and known as guards. */
static void guard_pages_surround_it(struct test *t)
{
    uint32_t value;
    uint8_t *area = vmalloc(3, PAGE_VMALLOC);
    REQUIRE(t, area != NULL);
    uintptr_t start = (uintptr_t)area, end = start + 3 * PAGE_SIZE;
    EXPECT(t, kernel_peek(start, &value, 1));
    EXPECT(t, kernel_peek(end - 1, &value, 1));
    EXPECT(t, !kernel_peek(start - 1, &value, 1));
    EXPECT(t, !kernel_peek(end, &value, 1));
    EXPECT(t, vmalloc_is_guard(start - 1));
    EXPECT(t, vmalloc_is_guard(start - PAGE_SIZE));
    EXPECT(t, vmalloc_is_guard(end));
    EXPECT(t, !vmalloc_is_guard(start));
    EXPECT(t, !vmalloc_is_guard(end - 1));
    EXPECT(t, !vmalloc_is_guard(KERNEL_BASE));
    vfree(area);
}

static void freed_memory_is_unmapped(struct test *t)
{
    uint32_t value;
    uint8_t *area = vmalloc(2, PAGE_VMALLOC);
    REQUIRE(t, area != NULL);
    EXPECT(t, kernel_poke((uintptr_t)area, 1, 4));
    vfree(area);
    EXPECT(t, !kernel_peek((uintptr_t)area, &value, 4));
    EXPECT_EQ(t, paging_lookup(&kernel_directory, (uintptr_t)area), 0);
    vfree(NULL);
}

static void statistics_are_exact(struct test *t)
{
    struct buddy_stats frames_before, frames_after;
    vmalloc_get_stats(&before);
    buddy_get_stats(&frames_before);
    void *a = vmalloc(5, PAGE_VMALLOC), *b = vmalloc(2, PAGE_STACK);
    REQUIRE(t, a != NULL && b != NULL);
    vmalloc_get_stats(&after);
    buddy_get_stats(&frames_after);
    EXPECT_EQ(t, after.areas, before.areas + 2);
    EXPECT_EQ(t, after.pages, before.pages + 7);
    EXPECT_EQ(t, frames_after.frames[PAGE_VMALLOC], frames_before.frames[PAGE_VMALLOC] + 5);
    EXPECT_EQ(t, frames_after.frames[PAGE_STACK], frames_before.frames[PAGE_STACK] + 2);
    EXPECT(t, after.used_bytes > before.used_bytes);
    EXPECT_EQ(t, after.total_bytes, before.total_bytes);
    vfree(b);
    vfree(a);
    vmalloc_get_stats(&after);
    EXPECT_EQ(t, after.areas, before.areas);
    EXPECT_EQ(t, after.pages, before.pages);
    EXPECT_EQ(t, after.used_bytes, before.used_bytes);
    EXPECT_EQ(t, after.largest_free_bytes, before.largest_free_bytes);
}

/* Address space is joined again, in whatever order neighbours are freed. */
static void holes_are_joined(struct test *t)
{
    static const uint8_t orders[][3] = { { 0, 1, 2 }, { 2, 1, 0 }, { 1, 0, 2 }, { 0, 2, 1 } };
    vmalloc_get_stats(&before);
    for (unsigned i = 0; i < ARRAY_SIZE(orders); i++) {
        void *areas[3];
        for (unsigned k = 0; k < 3; k++) {
            areas[k] = vmalloc(4, PAGE_VMALLOC);
            REQUIRE(t, areas[k] != NULL);
        }
        for (unsigned k = 0; k < 3; k++) {
            vfree(areas[orders[i][k]]);
            EXPECT(t, vmalloc_check());
        }
        vmalloc_get_stats(&after);
        EXPECT_EQ(t, after.largest_free_bytes, before.largest_free_bytes);
    }
}

/* More than there is: refused, and nothing stays behind. */
static void too_much_is_refused(struct test *t)
{
    uint32_t free_before = buddy_free_frames();
    vmalloc_get_stats(&before);
    EXPECT_PTR(t, vmalloc((VMALLOC_END - VMALLOC_START) / PAGE_SIZE, PAGE_VMALLOC), NULL);
    EXPECT_PTR(t, vmalloc(0xFFFFF, PAGE_VMALLOC), NULL);
    if (free_before < 0x4000) { /* less than 64 MiB: frames run out before addresses */
        EXPECT_PTR(t, vmalloc(free_before + 1, PAGE_VMALLOC), NULL);
    }
    vmalloc_get_stats(&after);
    EXPECT_EQ(t, after.areas, before.areas);
    EXPECT_EQ(t, after.used_bytes, before.used_bytes);
    EXPECT_EQ(t, buddy_free_frames(), free_before);
}

static void bad_frees_are_reported(struct test *t)
{
    uint8_t *area = vmalloc(2, PAGE_VMALLOC);
    REQUIRE(t, area != NULL);
    EXPECT_PANIC(t, "not an area", vfree(area + PAGE_SIZE));
    EXPECT_PANIC(t, "not an area", vfree(area + 4));
    vfree(area);
    EXPECT_PANIC(t, "not an area", vfree(area));
    EXPECT(t, vmalloc_check());
}

/* A write to a guard page is a fault that the panic report explains. */
static void guard_page_faults(struct test *t)
{
    volatile uint8_t *area = vmalloc(1, PAGE_VMALLOC);
    REQUIRE(t, area != NULL);
    EXPECT_PANIC(t, "kernel write to a not-present page", area[-1] = 1);
    EXPECT_PANIC(t, "kernel read of a not-present page", (void)area[PAGE_SIZE]);
    vfree((void *)area);
}

static void random_against_model(struct test *t)
{
    enum { LIVE = 24, STEPS = 1500 };
    static struct {
        uint8_t *area;
        unsigned npages;
        uint32_t seed;
    } live[LIVE];
    unsigned count = 0;
    for (unsigned step = 0; step < STEPS && t->failures == 0; step++) {
        if (count == 0 || (count < LIVE && (test_random(t) & 1))) {
            unsigned npages = 1 + test_random_below(t, 6);
            uint8_t *area = vmalloc(npages, PAGE_VMALLOC);
            if (area == NULL)
                continue;
            live[count].area = area;
            live[count].npages = npages;
            live[count].seed = test_random(t);
            test_fill(area, npages * PAGE_SIZE, live[count].seed);
            count++;
        } else {
            unsigned i = test_random_below(t, count);
            EXPECT(t, test_is_filled(live[i].area, live[i].npages * PAGE_SIZE, live[i].seed));
            vfree(live[i].area);
            live[i] = live[--count];
        }
        if (step % 256 == 0)
            EXPECT(t, vmalloc_check());
    }
    while (count > 0)
        vfree(live[--count].area);
}

/* clang-format off */
const struct test_case test_cases[] = {
    TEST(memory_can_be_used),
    TEST(guard_pages_surround_it),
    TEST(freed_memory_is_unmapped),
    TEST(statistics_are_exact),
    TEST(holes_are_joined),
    TEST(too_much_is_refused),
    TEST(bad_frees_are_reported),
    TEST(guard_page_faults),
    TEST(random_against_model),
};
/* clang-format on */
const unsigned test_case_count = ARRAY_SIZE(test_cases);
