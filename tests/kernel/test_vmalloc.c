/* tests/kernel/test_vmalloc.c - virtually contiguous kernel memory: its frames, its guard pages, its
 * address space; how it is cached, and whether it is executed. */
#include "tests/kernel/test.h"

#include "kernel/cpu/cpu.h"
#include "kernel/cpu/gdt.h"
#include "kernel/lib/layout.h"
#include "mm/buddy.h"
#include "mm/cache.h"
#include "mm/kmalloc.h"
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

/* --- how an area is cached ---------------------------------------------------------------------- */

#define CACHE_BITS (PTE_WRITE_THROUGH | PTE_CACHE_DISABLE)

static const struct {
    unsigned flags;
    pte_t bits;
} types[] = {
    { 0, 0 },
    { VM_WRITE_THROUGH, PTE_WRITE_THROUGH },
    { VM_UNCACHED, PTE_WRITE_THROUGH | PTE_CACHE_DISABLE },
    { VM_UNCACHED | VM_WRITE_THROUGH, PTE_WRITE_THROUGH | PTE_CACHE_DISABLE },
    { VM_EXEC | VM_DMA, 0 },
};

static pte_t entry_of(const void *address)
{
    return paging_lookup(&kernel_directory, (uintptr_t)address);
}

/* Every page says so, the memory works, and the validator finds an entry that differs. */
static void types_are_in_the_entries(struct test *t)
{
    for (unsigned i = 0; i < ARRAY_SIZE(types); i++) {
        uint8_t *area = vmalloc_flags(3, PAGE_VMALLOC, types[i].flags);
        REQUIRE(t, area != NULL);
        for (unsigned k = 0; k < 3; k++)
            EXPECT_EQ(t, entry_of(area + k * PAGE_SIZE) & CACHE_BITS, types[i].bits);
        test_fill(area, 3 * PAGE_SIZE, i);
        EXPECT(t, test_is_filled(area, 3 * PAGE_SIZE, i));
        EXPECT(t, vmalloc_check());

        pte_t entry = entry_of(area + PAGE_SIZE),
              other = PTE_WRITE | (types[i].bits ? 0 : CACHE_BITS);
        paging_change(&kernel_directory, (uintptr_t)area + PAGE_SIZE, entry >> PAGE_SHIFT,
                      other);
        EXPECT(t, !vmalloc_check());
        paging_change(&kernel_directory, (uintptr_t)area + PAGE_SIZE, entry >> PAGE_SHIFT,
                      PTE_WRITE | types[i].bits);
        EXPECT(t, vmalloc_check());
        vfree(area);
    }
}

/* Old lines go when the type changes, at both ends of an area's life; ordinary areas flush nothing. */
static void caches_are_flushed_for_other_types(struct test *t)
{
    const uint32_t npages = 2;

    for (unsigned i = 0; i < ARRAY_SIZE(types); i++) {
        struct cache_stats start, mapped, end;
        cache_get_stats(&start);
        void *area = vmalloc_flags(npages, PAGE_VMALLOC, types[i].flags);
        cache_get_stats(&mapped);
        REQUIRE(t, area != NULL);
        vfree(area);
        cache_get_stats(&end);
        uint32_t line = cpu_info.clflush_bytes;
        uint32_t lines = types[i].bits && line ? npages * PAGE_SIZE / line : 0;
        uint32_t all = types[i].bits && !line ? 1 : 0;
        EXPECT_EQ(t, mapped.lines - start.lines, lines);
        EXPECT_EQ(t, end.lines - mapped.lines, lines);
        EXPECT_EQ(t, mapped.all - start.all, all);
        EXPECT_EQ(t, end.all - mapped.all, all);
    }
}

static void dma_areas_have_low_frames(struct test *t)
{
    uint8_t *area = vmalloc_flags(5, PAGE_VMALLOC, VM_DMA);
    REQUIRE(t, area != NULL);
    for (unsigned i = 0; i < 5; i++)
        EXPECT(t, entry_of(area + i * PAGE_SIZE) >> PAGE_SHIFT < DMA_MAX_PFN);
    vfree(area);
}

/* --- frames of others --------------------------------------------------------------------------- */

/* Two mappings of the same frames show the same bytes; the frames stay their owner's. */
static void borrowed_frames_are_given_back(struct test *t)
{
    struct page *block = buddy_alloc(2, PAGE_TEST, PAGE_ANY);
    REQUIRE(t, block != NULL);
    uint8_t *direct = page_to_virt(block);
    struct vmalloc_area area;

    test_fill(direct, 4 * PAGE_SIZE, 1);
    uint8_t *window = vmap(page_to_pfn(block), 4, VM_UNCACHED);
    REQUIRE(t, window != NULL);
    for (unsigned i = 0; i < 4; i++)
        EXPECT_EQ(t, entry_of(window + i * PAGE_SIZE) >> PAGE_SHIFT, page_to_pfn(block) + i);
    EXPECT(t, test_is_filled(window, 4 * PAGE_SIZE, 1));
    test_fill(window, 4 * PAGE_SIZE, 2);
    EXPECT(t, vmalloc_next_area((uintptr_t)window, &area));
    EXPECT_PTR(t, area.start, window);
    EXPECT_PTR(t, area.end, window + 4 * PAGE_SIZE);
    EXPECT_EQ(t, area.flags, VM_UNCACHED);
    EXPECT(t, area.borrowed);
    EXPECT(t, vmalloc_is_guard((uintptr_t)window - 1));
    EXPECT(t, vmalloc_is_guard((uintptr_t)window + 4 * PAGE_SIZE));
    EXPECT_PANIC(t, "which is vmap()'s", vfree(window));
    vunmap(window);
    EXPECT_EQ(t, entry_of(window), 0);
    EXPECT(t, test_is_filled(direct, 4 * PAGE_SIZE, 2));
    EXPECT_EQ(t, block->kind, PAGE_TEST);
    buddy_free(block, 2);

    void *own = vmalloc(1, PAGE_VMALLOC);
    REQUIRE(t, own != NULL);
    EXPECT_PANIC(t, "which is vmalloc()'s", vunmap(own));
    EXPECT_PANIC(t, "not an area", vunmap((uint8_t *)own + PAGE_SIZE));
    vfree(own);
    vunmap(NULL);
}

/* VGA text memory, and the last frame that there is: no RAM, and nobody's to account for. */
static void device_memory_can_be_mapped(struct test *t)
{
    const pfn_t vga_text = 0xB8000 >> PAGE_SHIFT, last = 0xFFFFF;
    volatile uint16_t *window = vmap(vga_text, 1, VM_UNCACHED);
    REQUIRE(t, window != NULL);
    volatile uint16_t *direct = paddr_to_virt(vga_text << PAGE_SHIFT);
    uint16_t cell = direct[0];
    window[0] = 0x0741; /* a grey A */
    EXPECT_EQ(t, direct[0], 0x0741);
    window[0] = cell;
    EXPECT_EQ(t, direct[0], cell);
    vunmap((void *)window);

    void *end = vmap(last, 1, VM_UNCACHED);
    REQUIRE(t, end != NULL);
    EXPECT_EQ(t, entry_of(end) >> PAGE_SHIFT, last);
    vunmap(end);
    EXPECT_PTR(t, vmap(last, 2, 0), NULL);
    EXPECT_PTR(t, vmap(last + 1, 1, 0), NULL);
    EXPECT_PTR(t, vmap(0, 0, 0), NULL);
    EXPECT_PTR(t, vmap(0, (VMALLOC_END - VMALLOC_START) / PAGE_SIZE, 0), NULL);
}

/* --- where code ends ---------------------------------------------------------------------------- */

extern const char kernel_text_end[];

typedef int (*function)(void);

/* movl $42, %eax; ret */
static const uint8_t forty_two[] = { 0xB8, 42, 0, 0, 0, 0xC3 };
static uint8_t in_data[sizeof(forty_two)] = { 1 };

static function put_code(void *place)
{
    memcpy(place, forty_two, sizeof(forty_two));
    return (function)place;
}

static void code_ends_behind_the_highest_executable_area(struct test *t)
{
    const uintptr_t text_end = (uintptr_t)kernel_text_end;

    EXPECT_PTR(t, gdt_kernel_code_end(), text_end);
    uint8_t *low = vmalloc_flags(1, PAGE_VMALLOC, VM_EXEC), *plain = vmalloc(1, PAGE_VMALLOC);
    REQUIRE(t, low != NULL && plain != NULL);
    EXPECT_PTR(t, gdt_kernel_code_end(), low + PAGE_SIZE);
    uint8_t *high = vmalloc_flags(2, PAGE_VMALLOC, VM_EXEC);
    REQUIRE(t, high != NULL && high > low);
    EXPECT_PTR(t, gdt_kernel_code_end(), high + 2 * PAGE_SIZE);

    EXPECT_EQ(t, put_code(low)(), 42);
    EXPECT_EQ(t, put_code(high + 2 * PAGE_SIZE - sizeof(forty_two))(), 42);
    vfree(plain);
    EXPECT_PTR(t, gdt_kernel_code_end(), high + 2 * PAGE_SIZE);
    vfree(high);
    EXPECT_PTR(t, gdt_kernel_code_end(), low + PAGE_SIZE);
    EXPECT_EQ(t, put_code(low)(), 42);
    vfree(low);
    EXPECT_PTR(t, gdt_kernel_code_end(), text_end);
}

/* Data, stack, kmalloc and vmalloc memory: a call there is a fault at the call. */
static void data_is_not_executed(struct test *t)
{
    uint8_t on_stack[sizeof(forty_two)];
    uint8_t *heap = kmalloc(64, PAGE_ANY), *area = vmalloc(1, PAGE_VMALLOC);

    if (heap && area && !test_parameter("segment_limits", 0)) {
        kfree(heap);
        vfree(area);
        SKIP(t, "needs a machine that looks at them: segment_limits=1");
    }
    REQUIRE(t, heap != NULL && area != NULL);
    uint8_t *places[] = { in_data, on_stack, heap, area };
    for (unsigned i = 0; i < ARRAY_SIZE(places); i++)
        EXPECT_PANIC(t, "general protection", put_code(places[i])());
    EXPECT_PANIC(t, "general protection", ((function)(uintptr_t)kernel_text_end)());
    kfree(heap);
    vfree(area);
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
    TEST(types_are_in_the_entries),
    TEST(caches_are_flushed_for_other_types),
    TEST(dma_areas_have_low_frames),
    TEST(borrowed_frames_are_given_back),
    TEST(device_memory_can_be_mapped),
    TEST(code_ends_behind_the_highest_executable_area),
    TEST(data_is_not_executed),
};
/* clang-format on */
const unsigned test_case_count = ARRAY_SIZE(test_cases);
