/* tests/kernel/test_paging.c - page tables: what is mapped translates, what is unmapped faults, tables
 * come and go with their entries, and the kernel's part is one and the same everywhere. */
#include "tests/kernel/test.h"

#include "kernel/cpu/cpu.h"
#include "kernel/lib/errno.h"
#include "kernel/lib/layout.h"
#include "mm/buddy.h"
#include "mm/paging.h"
#include "mm/uaccess.h"

#define USER_PAGE 0x08048000u   /* first page of its table's entry 0x48 */
#define OTHER_TABLE 0x40000000u /* another table's range */
#define KERNEL_PAGE 0xFF900000u /* between vmalloc and kmap: nobody's */
#define FIRST_KERNEL_ENTRY (KERNEL_BASE / LARGE_PAGE_SIZE)

extern char kernel_text_end[], kernel_rodata_start[], kernel_rodata_end[], kernel_data_start[];

static struct paging_stats before, after;

static struct page *take_frame(void)
{
    return buddy_alloc(0, PAGE_TEST, PAGE_ANY | PAGE_ZERO);
}

/* --- one directory ------------------------------------------------------------------------------ */

static void map_then_lookup(struct test *t)
{
    struct page_directory directory;
    struct page *frame = take_frame();
    REQUIRE(t, frame != NULL && paging_directory_create(&directory) == 0);
    pfn_t pfn = page_to_pfn(frame);

    EXPECT_EQ(t, paging_lookup(&directory, USER_PAGE), 0);
    EXPECT_EQ(t, paging_map(&directory, USER_PAGE, pfn, PTE_USER | PTE_WRITE), 0);
    pte_t entry = paging_lookup(&directory, USER_PAGE);
    EXPECT_EQ(t, entry >> PAGE_SHIFT, pfn);
    EXPECT_EQ(t, entry & (PTE_PRESENT | PTE_USER | PTE_WRITE),
              PTE_PRESENT | PTE_USER | PTE_WRITE);
    EXPECT_EQ(t, paging_lookup(&directory, USER_PAGE + PAGE_SIZE), 0);
    EXPECT_EQ(t, paging_lookup(&directory, USER_PAGE - 1), 0);
    EXPECT_EQ(t, paging_lookup(&directory, USER_PAGE + PAGE_SIZE - 1), entry);

    EXPECT_EQ(t, paging_unmap(&directory, USER_PAGE) >> PAGE_SHIFT, pfn);
    EXPECT_EQ(t, paging_lookup(&directory, USER_PAGE), 0);
    EXPECT_EQ(t, paging_unmap(&directory, USER_PAGE), 0);
    paging_directory_destroy(&directory);
    buddy_free(frame, 0);
}

static void second_map_is_refused(struct test *t)
{
    struct page_directory directory;
    struct page *a = take_frame(), *b = take_frame();
    REQUIRE(t, a != NULL && b != NULL && paging_directory_create(&directory) == 0);
    EXPECT_EQ(t, paging_map(&directory, USER_PAGE, page_to_pfn(a), PTE_USER), 0);
    EXPECT_EQ(t, paging_map(&directory, USER_PAGE, page_to_pfn(b), PTE_USER), -EEXIST);
    EXPECT_EQ(t, paging_lookup(&directory, USER_PAGE) >> PAGE_SHIFT, page_to_pfn(a));
    paging_unmap(&directory, USER_PAGE);
    paging_directory_destroy(&directory);
    buddy_free(a, 0);
    buddy_free(b, 0);
}

static void change_replaces_frame_and_rights(struct test *t)
{
    struct page_directory directory;
    struct page *a = take_frame(), *b = take_frame();
    REQUIRE(t, a != NULL && b != NULL && paging_directory_create(&directory) == 0);
    EXPECT_EQ(t, paging_change(&directory, USER_PAGE, page_to_pfn(a), PTE_USER), -ENOENT);
    EXPECT_EQ(t, paging_map(&directory, USER_PAGE, page_to_pfn(a), PTE_USER), 0);
    EXPECT_EQ(t, paging_change(&directory, USER_PAGE, page_to_pfn(b), PTE_USER | PTE_WRITE), 0);
    pte_t entry = paging_lookup(&directory, USER_PAGE);
    EXPECT_EQ(t, entry >> PAGE_SHIFT, page_to_pfn(b));
    EXPECT(t, entry & PTE_WRITE);
    paging_unmap(&directory, USER_PAGE);
    paging_directory_destroy(&directory);
    buddy_free(a, 0);
    buddy_free(b, 0);
}

/* A table appears with its first entry and goes with its last; a neighbour keeps it. */
static void tables_come_and_go(struct test *t)
{
    struct page_directory directory;
    struct page *frame = take_frame();
    REQUIRE(t, frame != NULL && paging_directory_create(&directory) == 0);
    pfn_t pfn = page_to_pfn(frame);
    uint32_t free_before = buddy_free_frames();
    paging_get_stats(&before);

    EXPECT_EQ(t, paging_map(&directory, USER_PAGE, pfn, PTE_USER), 0);
    EXPECT_EQ(t, buddy_free_frames(), free_before - 1);
    EXPECT_EQ(t, paging_map(&directory, USER_PAGE + PAGE_SIZE, pfn, PTE_USER), 0);
    EXPECT_EQ(t, buddy_free_frames(), free_before - 1);
    EXPECT_EQ(t, paging_map(&directory, OTHER_TABLE, pfn, PTE_USER), 0);
    EXPECT_EQ(t, buddy_free_frames(), free_before - 2);
    paging_get_stats(&after);
    EXPECT_EQ(t, after.tables, before.tables + 2);
    EXPECT_EQ(t, after.maps - before.maps, 3);

    paging_unmap(&directory, USER_PAGE);
    EXPECT_EQ(t, buddy_free_frames(), free_before - 2);
    paging_unmap(&directory, USER_PAGE + PAGE_SIZE);
    EXPECT_EQ(t, buddy_free_frames(), free_before - 1);
    EXPECT_EQ(t, directory.entries[USER_PAGE / LARGE_PAGE_SIZE], 0);
    paging_unmap(&directory, OTHER_TABLE);
    EXPECT_EQ(t, buddy_free_frames(), free_before);
    paging_get_stats(&after);
    EXPECT_EQ(t, after.tables, before.tables);
    EXPECT_EQ(t, after.unmaps - before.unmaps, 3);
    paging_directory_destroy(&directory);
    buddy_free(frame, 0);
}

/* All 1024 entries of a table, in random order of removal. */
static void a_full_table(struct test *t)
{
    struct page_directory directory;
    struct page *frame = take_frame();
    REQUIRE(t, frame != NULL && paging_directory_create(&directory) == 0);
    uint32_t free_before = buddy_free_frames();
    for (unsigned i = 0; i < PTES_PER_TABLE; i++)
        EXPECT_EQ(
            t,
            paging_map(&directory, OTHER_TABLE + i * PAGE_SIZE, page_to_pfn(frame), PTE_USER),
            0);
    EXPECT_EQ(t, buddy_free_frames(), free_before - 1);
    unsigned step = 2 * test_random_below(t, PTES_PER_TABLE / 2) +
                    1; /* odd: visits each once */
    for (unsigned i = 0; i < PTES_PER_TABLE; i++) {
        unsigned index = i * step % PTES_PER_TABLE;
        EXPECT(t, paging_unmap(&directory, OTHER_TABLE + index * PAGE_SIZE) != 0);
    }
    EXPECT_EQ(t, buddy_free_frames(), free_before);
    paging_directory_destroy(&directory);
    buddy_free(frame, 0);
}

static void next_mapped_skips_holes(struct test *t)
{
    struct page_directory directory;
    struct page *frame = take_frame();
    REQUIRE(t, frame != NULL && paging_directory_create(&directory) == 0);
    const uintptr_t mapped[] = { USER_PAGE, USER_PAGE + 2 * PAGE_SIZE, OTHER_TABLE,
                                 USER_STACK_TOP - PAGE_SIZE };
    for (unsigned i = 0; i < ARRAY_SIZE(mapped); i++)
        EXPECT_EQ(t, paging_map(&directory, mapped[i], page_to_pfn(frame), PTE_USER), 0);

    uintptr_t address = 0;
    for (unsigned i = 0; i < ARRAY_SIZE(mapped); i++) {
        address = paging_next_mapped(&directory, address, USER_END);
        EXPECT_EQ(t, address, mapped[i]);
        address += PAGE_SIZE;
    }
    EXPECT_EQ(t, paging_next_mapped(&directory, address, USER_END), USER_END);
    EXPECT_EQ(t,
              paging_next_mapped(&directory, USER_PAGE + PAGE_SIZE, USER_PAGE + 2 * PAGE_SIZE),
              USER_PAGE + 2 * PAGE_SIZE);
    EXPECT_EQ(t, paging_next_mapped(&directory, USER_PAGE, USER_PAGE), USER_PAGE);

    for (unsigned i = 0; i < ARRAY_SIZE(mapped); i++)
        paging_unmap(&directory, mapped[i]);
    paging_directory_destroy(&directory);
    buddy_free(frame, 0);
}

/* Both levels must allow it; the walk shows each step. */
static void walk_shows_both_levels(struct test *t)
{
    struct page_directory directory;
    struct paging_walk walk;
    struct page *frame = take_frame();
    REQUIRE(t, frame != NULL && paging_directory_create(&directory) == 0);
    EXPECT_EQ(t, paging_map(&directory, USER_PAGE, page_to_pfn(frame), PTE_USER), 0);

    paging_walk(&directory, USER_PAGE + 0x123, &walk);
    EXPECT_EQ(t, walk.directory, directory.paddr);
    EXPECT_EQ(t, walk.pde_index, USER_PAGE >> 22);
    EXPECT_EQ(t, walk.pte_index, (USER_PAGE >> 12) & 0x3FF);
    EXPECT(t, walk.mapped && !walk.large);
    EXPECT_EQ(t, walk.paddr, page_to_paddr(frame) + 0x123);
    EXPECT_EQ(t, walk.effective & (PTE_USER | PTE_WRITE), PTE_USER);

    paging_walk(&directory, USER_PAGE + PAGE_SIZE, &walk);
    EXPECT(t, !walk.mapped && (walk.pde & PTE_PRESENT) != 0);
    EXPECT_EQ(t, walk.pte, 0);
    paging_walk(&directory, OTHER_TABLE, &walk);
    EXPECT(t, !walk.mapped);
    EXPECT_EQ(t, walk.pde, 0);

    paging_unmap(&directory, USER_PAGE);
    paging_directory_destroy(&directory);
    buddy_free(frame, 0);
}

/* Out of frames: the error comes back, and nothing stays half done. */
static void map_without_memory_fails(struct test *t)
{
    struct list_node held;
    struct page_directory directory, none;
    REQUIRE(t, paging_directory_create(&directory) == 0);
    test_hold_frames(&held, PAGE_ANY, 0);
    EXPECT_EQ(t, paging_map(&directory, USER_PAGE, 1, PTE_USER), -ENOMEM);
    EXPECT_EQ(t, paging_lookup(&directory, USER_PAGE), 0);
    EXPECT_EQ(t, directory.entries[USER_PAGE / LARGE_PAGE_SIZE], 0);
    EXPECT_EQ(t, paging_directory_create(&none), -ENOMEM);
    test_give_frames_back(&held);
    paging_directory_destroy(&directory);
}

/* --- the kernel's part -------------------------------------------------------------------------- */

static unsigned count_differences(const struct page_directory *a,
                                  const struct page_directory *b)
{
    unsigned count = 0;
    for (unsigned i = FIRST_KERNEL_ENTRY; i < PTES_PER_TABLE; i++)
        count += ((a->entries[i] ^ b->entries[i]) & ~(PTE_ACCESSED | PTE_DIRTY)) != 0;
    return count;
}

static void new_directory_has_the_kernel(struct test *t)
{
    struct page_directory directory;
    REQUIRE(t, paging_directory_create(&directory) == 0);
    EXPECT_EQ(t, count_differences(&directory, &kernel_directory), 0);
    for (unsigned i = 0; i < FIRST_KERNEL_ENTRY; i++)
        EXPECT_EQ(t, directory.entries[i], 0);
    EXPECT_EQ(t, virt_to_paddr(directory.entries), directory.paddr);
    paging_directory_destroy(&directory);
}

/* A new kernel table must show up in the directories that exist already, and go from them. */
static void kernel_tables_are_shared(struct test *t)
{
    struct page_directory directory;
    struct page *frame = take_frame();
    REQUIRE(t, frame != NULL && paging_directory_create(&directory) == 0);
    EXPECT_EQ(t, paging_map(&kernel_directory, KERNEL_PAGE, page_to_pfn(frame), PTE_WRITE), 0);
    EXPECT_EQ(t, count_differences(&directory, &kernel_directory), 0);
    EXPECT_EQ(t, paging_lookup(&directory, KERNEL_PAGE) >> PAGE_SHIFT, page_to_pfn(frame));

    const struct page_directory *active = paging_active();
    paging_activate(&directory);
    *(volatile uint32_t *)KERNEL_PAGE = 0xC0FFEE;
    paging_activate(active);
    EXPECT_EQ(t, *(volatile uint32_t *)page_to_virt(frame), 0xC0FFEE);

    paging_unmap(&kernel_directory, KERNEL_PAGE);
    EXPECT_EQ(t, count_differences(&directory, &kernel_directory), 0);
    EXPECT_EQ(t, paging_lookup(&directory, KERNEL_PAGE), 0);
    paging_directory_destroy(&directory);
    buddy_free(frame, 0);
}

/* The processor must not use the old translation once unmap has returned. */
static void unmap_flushes_the_tlb(struct test *t)
{
    struct page *a = take_frame(), *b = take_frame();
    volatile uint32_t *window = (volatile uint32_t *)KERNEL_PAGE;
    uint32_t value;
    REQUIRE(t, a != NULL && b != NULL);
    EXPECT_EQ(t, paging_map(&kernel_directory, KERNEL_PAGE, page_to_pfn(a), PTE_WRITE), 0);
    *window = 1;
    EXPECT_EQ(t, paging_change(&kernel_directory, KERNEL_PAGE, page_to_pfn(b), PTE_WRITE), 0);
    *window = 2;
    EXPECT_EQ(t, *(uint32_t *)page_to_virt(a), 1);
    EXPECT_EQ(t, *(uint32_t *)page_to_virt(b), 2);
    pte_t entry = paging_unmap(&kernel_directory, KERNEL_PAGE);
    EXPECT(t, entry & PTE_DIRTY);
    EXPECT(t, !kernel_peek(KERNEL_PAGE, &value, 4));
    buddy_free(a, 0);
    buddy_free(b, 0);
}

static void write_protection_is_enforced(struct test *t)
{
    struct page *frame = take_frame();
    uint32_t value = 0;
    REQUIRE(t, frame != NULL);
    EXPECT_EQ(t, paging_map(&kernel_directory, KERNEL_PAGE, page_to_pfn(frame), 0), 0);
    EXPECT(t, kernel_peek(KERNEL_PAGE, &value, 4));
    EXPECT(t, !kernel_poke(KERNEL_PAGE, 1, 4));
    EXPECT_EQ(t, paging_change(&kernel_directory, KERNEL_PAGE, page_to_pfn(frame), PTE_WRITE),
              0);
    EXPECT(t, kernel_poke(KERNEL_PAGE, 1, 4));
    EXPECT_EQ(t, *(uint32_t *)page_to_virt(frame), 1);
    paging_unmap(&kernel_directory, KERNEL_PAGE);
    buddy_free(frame, 0);
}

/* Every address of the direct map translates to itself minus the base, for the kernel only. */
static void direct_map_is_linear(struct test *t)
{
    struct paging_walk walk;
    paddr_t end = MIN((uint64_t)max_pfn << PAGE_SHIFT, (uint64_t)LOWMEM_MAX_BYTES);
    for (paddr_t paddr = 0; paddr < end; paddr += 509 * PAGE_SIZE) {
        paging_walk(&kernel_directory, KERNEL_BASE + paddr, &walk);
        EXPECT(t, walk.mapped);
        EXPECT_EQ(t, walk.paddr, paddr);
        EXPECT_EQ(t, walk.effective & PTE_USER, 0);
    }
}

static void large_pages_where_the_cpu_has_them(struct test *t)
{
    paging_get_stats(&after);
    uint32_t lowmem = MIN(max_pfn, LOWMEM_MAX_PFN);
    EXPECT(t, after.direct_map_4k > 0); /* at least the kernel's image */
    EXPECT(t, after.direct_map_4k + after.direct_map_4m * PTES_PER_TABLE >= lowmem);
    if (!cpu_has(CPU_PSE))
        EXPECT_EQ(t, after.direct_map_4m, 0);
    else if (lowmem >= 16 * PTES_PER_TABLE)
        EXPECT(t, after.direct_map_4m >= lowmem / PTES_PER_TABLE / 2);
    if (cpu_has(CPU_PSE))
        EXPECT(t, cr4_read() & CR4_PSE);
}

static void global_pages_where_the_cpu_has_them(struct test *t)
{
    struct paging_walk walk;
    paging_walk(&kernel_directory, (uintptr_t)&before, &walk);
    pte_t leaf = walk.large ? walk.pde : walk.pte;
    if (cpu_has(CPU_PGE)) {
        EXPECT(t, cr4_read() & CR4_PGE);
        EXPECT(t, leaf & PTE_GLOBAL);
    } else {
        EXPECT_EQ(t, leaf & PTE_GLOBAL, 0);
    }
}

static bool range_is_read_only(const char *start, const char *end)
{
    struct paging_walk walk;
    for (uintptr_t address = (uintptr_t)start; address < (uintptr_t)end; address += PAGE_SIZE) {
        paging_walk(&kernel_directory, address, &walk);
        if (!walk.mapped || (walk.effective & PTE_WRITE) != 0)
            return false;
    }
    return true;
}

/* Text and constants are read-only, data is not; and the processor's WP bit makes that count. */
static void kernel_image_has_its_rights(struct test *t)
{
    struct paging_walk walk;
    const char *text = (const char *)ALIGN_DOWN((uintptr_t)paging_map, PAGE_SIZE);
    EXPECT(t, text < kernel_text_end);
    EXPECT(t, range_is_read_only(text, kernel_text_end));
    EXPECT(t, range_is_read_only(kernel_rodata_start, kernel_rodata_end));
    paging_walk(&kernel_directory, (uintptr_t)kernel_data_start, &walk);
    EXPECT(t, walk.mapped && (walk.effective & PTE_WRITE) != 0);
    EXPECT(t, cr0_read() & CR0_WP);
}

/* The identity mapping of the first steps must be gone, with its tables. */
static void low_addresses_are_unmapped(struct test *t)
{
    uint32_t value;
    for (unsigned i = 0; i < FIRST_KERNEL_ENTRY; i++)
        EXPECT_EQ(t, kernel_directory.entries[i], 0);
    EXPECT(t, !kernel_peek(0, &value, 4));
    EXPECT(t, !kernel_peek(KERNEL_LOAD_PADDR, &value, 4));
    EXPECT(t, !kernel_peek(0xFFFFF000, &value, 4));
    EXPECT(t, !kernel_peek(0xFFFFFFFF, &value, 4));
}

/* clang-format off */
const struct test_case test_cases[] = {
    TEST(map_then_lookup),
    TEST(second_map_is_refused),
    TEST(change_replaces_frame_and_rights),
    TEST(tables_come_and_go),
    TEST(a_full_table),
    TEST(next_mapped_skips_holes),
    TEST(walk_shows_both_levels),
    TEST(map_without_memory_fails),
    TEST(new_directory_has_the_kernel),
    TEST(kernel_tables_are_shared),
    TEST(unmap_flushes_the_tlb),
    TEST(write_protection_is_enforced),
    TEST(direct_map_is_linear),
    TEST(large_pages_where_the_cpu_has_them),
    TEST(global_pages_where_the_cpu_has_them),
    TEST(kernel_image_has_its_rights),
    TEST(low_addresses_are_unmapped),
};
/* clang-format on */
const unsigned test_case_count = ARRAY_SIZE(test_cases);
