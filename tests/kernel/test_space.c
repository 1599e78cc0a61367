/* tests/kernel/test_space.c - user address spaces: ranges, the heap, rights, and the exact account of
 * what is resident.  Pages are touched through fault_handle(), as the processor's fault would. */
#include "tests/kernel/test.h"

#include "kernel/lib/errno.h"
#include "kernel/lib/layout.h"
#include "mm/buddy.h"
#include "mm/fault.h"
#include "mm/kmap.h"
#include "mm/space.h"

#define BASE 0x10000000u /* far from program and stack */
#define HEAP 0x08100000u
#define RW (VMA_READ | VMA_WRITE)
#define READ_FAULT PF_USER
#define WRITE_FAULT (PF_USER | PF_WRITE)

static struct space *make_space(struct test *t, uaddr_t start, uaddr_t end, unsigned flags)
{
    struct space *space = space_create();
    EXPECT(t, space != NULL);
    if (space != NULL && start != end)
        EXPECT_EQ(t, space_map(space, start, end, flags, NULL), 0);
    return space;
}

static uint32_t resident(struct space *space)
{
    struct space_stats stats;
    space_get_stats(space, &stats);
    return stats.resident;
}

static bool touch(struct space *space, uaddr_t start, uaddr_t end)
{
    for (uaddr_t address = start; address < end; address += PAGE_SIZE) {
        if (fault_handle(space, address, WRITE_FAULT) != 0)
            return false;
    }
    return true;
}

/* A window on the frame behind a user page; NULL if there is none. */
static uint8_t *window(struct space *space, uaddr_t address)
{
    pte_t entry = paging_lookup(&space->directory, address);
    return entry == 0 ? NULL : kmap(pfn_to_page(entry >> PAGE_SHIFT));
}

static void expect_vma(struct test *t, struct space *space, unsigned index, uaddr_t start,
                       uaddr_t end, unsigned prot)
{
    struct vma_info info;
    REQUIRE(t, space_get_vma(space, index, &info));
    EXPECT_EQ(t, info.start, start);
    EXPECT_EQ(t, info.end, end);
    EXPECT_EQ(t, info.flags & VMA_PROT, prot);
}

static unsigned count_vmas(struct space *space)
{
    struct vma_info info;
    unsigned count = 0;
    while (space_get_vma(space, count, &info))
        count++;
    return count;
}

/* --- ranges ------------------------------------------------------------------------------------- */

static void create_and_destroy_cost_nothing(struct test *t)
{
    struct space_totals before, after;
    space_get_totals(&before);
    struct space *space = make_space(t, 0, 0, 0);
    REQUIRE(t, space != NULL);
    EXPECT_EQ(t, resident(space), 0);
    EXPECT_EQ(t, count_vmas(space), 0);
    space_get_totals(&after);
    EXPECT_EQ(t, after.spaces, before.spaces + 1);
    space_put(space);
    space_get_totals(&after);
    EXPECT_EQ(t, after.spaces, before.spaces);
}

/* A gigabyte of address space needs no frame until it is touched. */
static void mapping_is_lazy(struct test *t)
{
    struct space *space = make_space(t, 0, 0, 0);
    REQUIRE(t, space != NULL);
    uint32_t free_before = buddy_free_frames();
    EXPECT_EQ(t, space_map(space, BASE, BASE + GiB, RW | VMA_NORESERVE, NULL), 0);
    EXPECT(t, free_before - buddy_free_frames() <= 1); /* at most a slab for the vma */
    EXPECT_EQ(t, resident(space), 0);
    EXPECT(t, space_lookup(space, BASE) == 0);
    EXPECT(t, touch(space, BASE + 5 * PAGE_SIZE, BASE + 6 * PAGE_SIZE));
    EXPECT_EQ(t, resident(space), 1);
    EXPECT(t, space_lookup(space, BASE + 4 * PAGE_SIZE) == 0);
    EXPECT(t, space_lookup(space, BASE + 5 * PAGE_SIZE) != 0);
    EXPECT(t, space_lookup(space, BASE + 6 * PAGE_SIZE) == 0);
    space_put(space);
}

static void bad_ranges_are_refused(struct test *t)
{
    struct space *space = make_space(t, BASE, BASE + 4 * PAGE_SIZE, RW);
    REQUIRE(t, space != NULL);
    EXPECT_EQ(t, space_map(space, BASE + 0x10001, BASE + 0x12000, RW, NULL), -EINVAL);
    EXPECT_EQ(t, space_map(space, BASE + 0x10000, BASE + 0x12001, RW, NULL), -EINVAL);
    EXPECT_EQ(t, space_map(space, BASE + 0x10000, BASE + 0x10000, RW, NULL), -EINVAL);
    EXPECT_EQ(t, space_map(space, BASE + 0x12000, BASE + 0x10000, RW, NULL), -EINVAL);
    EXPECT_EQ(t, space_map(space, 0, PAGE_SIZE, RW, NULL), -EINVAL);
    EXPECT_EQ(t, space_map(space, USER_END - PAGE_SIZE, USER_END + PAGE_SIZE, RW, NULL),
              -EINVAL);
    EXPECT_EQ(t, space_map(space, KERNEL_BASE, KERNEL_BASE + PAGE_SIZE, RW, NULL), -EINVAL);
    EXPECT_EQ(t, space_map(space, BASE + 3 * PAGE_SIZE, BASE + 5 * PAGE_SIZE, RW, NULL),
              -EEXIST);
    EXPECT_EQ(t, space_map(space, BASE - PAGE_SIZE, BASE + 5 * PAGE_SIZE, RW, NULL), -EEXIST);
    EXPECT_EQ(t, count_vmas(space), 1);
    space_put(space);
}

static void neighbours_are_merged(struct test *t)
{
    struct space *space = make_space(t, BASE, BASE + PAGE_SIZE, RW);
    REQUIRE(t, space != NULL);
    EXPECT_EQ(t, space_map(space, BASE + 2 * PAGE_SIZE, BASE + 3 * PAGE_SIZE, RW, NULL), 0);
    EXPECT_EQ(t, count_vmas(space), 2);
    EXPECT_EQ(t, space_map(space, BASE + PAGE_SIZE, BASE + 2 * PAGE_SIZE, RW, NULL), 0);
    EXPECT_EQ(t, count_vmas(space), 1);
    expect_vma(t, space, 0, BASE, BASE + 3 * PAGE_SIZE, RW);
    EXPECT_EQ(t, space_map(space, BASE + 3 * PAGE_SIZE, BASE + 4 * PAGE_SIZE, VMA_READ, NULL),
              0);
    EXPECT_EQ(t, count_vmas(space), 2);
    space_put(space);
}

/* A hole in the middle: two ranges, and the frames of the hole are free again. */
static void unmap_splits(struct test *t)
{
    struct space *space = make_space(t, BASE, BASE + 10 * PAGE_SIZE, RW);
    REQUIRE(t, space != NULL);
    EXPECT(t, touch(space, BASE, BASE + 10 * PAGE_SIZE));
    EXPECT_EQ(t, resident(space), 10);
    EXPECT_EQ(t, space_unmap(space, BASE + 3 * PAGE_SIZE, 2 * PAGE_SIZE), 0);
    EXPECT_EQ(t, resident(space), 8);
    EXPECT_EQ(t, count_vmas(space), 2);
    expect_vma(t, space, 0, BASE, BASE + 3 * PAGE_SIZE, RW);
    expect_vma(t, space, 1, BASE + 5 * PAGE_SIZE, BASE + 10 * PAGE_SIZE, RW);
    EXPECT_EQ(t, fault_handle(space, BASE + 3 * PAGE_SIZE, READ_FAULT), -EFAULT);
    EXPECT_EQ(t, fault_handle(space, BASE + 5 * PAGE_SIZE - 1, READ_FAULT), -EFAULT);
    EXPECT(t, space_lookup(space, BASE + 5 * PAGE_SIZE) != 0);
    space_put(space);
}

/* munmap(2): holes and several ranges at once are no error. */
static void unmap_across_holes(struct test *t)
{
    struct space *space = make_space(t, BASE, BASE + 2 * PAGE_SIZE, RW);
    REQUIRE(t, space != NULL);
    EXPECT_EQ(t, space_map(space, BASE + 8 * PAGE_SIZE, BASE + 9 * PAGE_SIZE, RW, NULL), 0);
    EXPECT(t, touch(space, BASE, BASE + 2 * PAGE_SIZE));
    EXPECT_EQ(t, space_unmap(space, BASE + PAGE_SIZE, 19 * PAGE_SIZE), 0);
    EXPECT_EQ(t, count_vmas(space), 1);
    EXPECT_EQ(t, resident(space), 1);
    EXPECT_EQ(t, space_unmap(space, BASE, PAGE_SIZE), 0);
    EXPECT_EQ(t, space_unmap(space, BASE, PAGE_SIZE), 0);
    EXPECT_EQ(t, space_unmap(space, BASE + 1, PAGE_SIZE), -EINVAL);
    EXPECT_EQ(t, resident(space), 0);
    space_put(space);
}

/* --- rights ------------------------------------------------------------------------------------- */

/* Taking the right to write away and giving it back must not lose what is in the page. */
static void protect_keeps_the_contents(struct test *t)
{
    struct space *space = make_space(t, BASE, BASE + 3 * PAGE_SIZE, RW);
    REQUIRE(t, space != NULL);
    EXPECT(t, touch(space, BASE, BASE + 3 * PAGE_SIZE));
    uint8_t *bytes = window(space, BASE + PAGE_SIZE);
    test_fill(bytes, PAGE_SIZE, 42);
    kunmap(bytes);

    EXPECT_EQ(t, space_protect(space, BASE + PAGE_SIZE, PAGE_SIZE, VMA_READ), 0);
    EXPECT_EQ(t, count_vmas(space), 3);
    EXPECT_EQ(t, paging_lookup(&space->directory, BASE + PAGE_SIZE) & PTE_WRITE, 0);
    EXPECT_EQ(t, fault_handle(space, BASE + PAGE_SIZE, WRITE_FAULT | PF_PRESENT), -EACCES);
    EXPECT_EQ(t, fault_handle(space, BASE, WRITE_FAULT), 0);

    EXPECT_EQ(t, space_protect(space, BASE + PAGE_SIZE, PAGE_SIZE, RW), 0);
    EXPECT_EQ(t, count_vmas(space), 1);
    EXPECT_EQ(t, fault_handle(space, BASE + PAGE_SIZE, WRITE_FAULT | PF_PRESENT), 0);
    bytes = window(space, BASE + PAGE_SIZE);
    EXPECT(t, test_is_filled(bytes, PAGE_SIZE, 42));
    kunmap(bytes);
    EXPECT_EQ(t, resident(space), 3);
    space_put(space);
}

static void protect_of_a_hole_fails(struct test *t)
{
    struct space *space = make_space(t, BASE, BASE + PAGE_SIZE, RW);
    REQUIRE(t, space != NULL);
    EXPECT_EQ(t, space_protect(space, BASE, 2 * PAGE_SIZE, VMA_READ), -ENOMEM);
    EXPECT_EQ(t, space_protect(space, BASE + 1, PAGE_SIZE, VMA_READ), -EINVAL);
    space_put(space);
}

/* No right at all: mapped, but every access is a fault without an answer. */
static void no_access_at_all(struct test *t)
{
    struct space *space = make_space(t, BASE, BASE + PAGE_SIZE, 0);
    REQUIRE(t, space != NULL);
    EXPECT_EQ(t, fault_handle(space, BASE, READ_FAULT), -EACCES);
    EXPECT_EQ(t, fault_handle(space, BASE, WRITE_FAULT), -EACCES);
    EXPECT_EQ(t, resident(space), 0);
    space_put(space);
}

/* --- the heap ----------------------------------------------------------------------------------- */

static void brk_grows_and_shrinks(struct test *t)
{
    struct space *space = make_space(t, 0, 0, 0);
    REQUIRE(t, space != NULL);
    space_set_brk_start(space, HEAP);
    EXPECT_EQ(t, space_brk(space, 0), HEAP); /* asks where it is */
    EXPECT_EQ(t, space_brk(space, HEAP + 100), HEAP + 100);
    EXPECT_EQ(t, fault_handle(space, HEAP, WRITE_FAULT), 0);
    EXPECT_EQ(t, fault_handle(space, HEAP + PAGE_SIZE, WRITE_FAULT), -EFAULT);
    EXPECT_EQ(t, space_brk(space, HEAP + 3 * PAGE_SIZE), HEAP + 3 * PAGE_SIZE);
    EXPECT(t, touch(space, HEAP, HEAP + 3 * PAGE_SIZE));
    EXPECT_EQ(t, resident(space), 3);
    /* The page that still holds the last byte stays. */
    EXPECT_EQ(t, space_brk(space, HEAP + PAGE_SIZE + 1), HEAP + PAGE_SIZE + 1);
    EXPECT_EQ(t, resident(space), 2);
    EXPECT_EQ(t, space_brk(space, HEAP + PAGE_SIZE), HEAP + PAGE_SIZE);
    EXPECT_EQ(t, resident(space), 1);
    space_put(space);
}

/* Down to the base and up again: works, and the memory is zero again. */
static void brk_to_the_base_and_back(struct test *t)
{
    struct space *space = make_space(t, 0, 0, 0);
    REQUIRE(t, space != NULL);
    space_set_brk_start(space, HEAP);
    for (unsigned round = 0; round < 3; round++) {
        EXPECT_EQ(t, space_brk(space, HEAP + 2 * PAGE_SIZE), HEAP + 2 * PAGE_SIZE);
        EXPECT(t, touch(space, HEAP, HEAP + 2 * PAGE_SIZE));
        uint8_t *bytes = window(space, HEAP);
        REQUIRE(t, bytes != NULL);
        EXPECT(t, test_is_byte(bytes, PAGE_SIZE, 0));
        memset(bytes, 0xA5, PAGE_SIZE);
        kunmap(bytes);
        EXPECT_EQ(t, space_brk(space, HEAP), HEAP);
        EXPECT_EQ(t, resident(space), 0);
        EXPECT_EQ(t, count_vmas(space), 0);
    }
    space_put(space);
}

static void brk_refuses(struct test *t)
{
    struct space *space = make_space(t, HEAP + 8 * PAGE_SIZE, HEAP + 9 * PAGE_SIZE, RW);
    REQUIRE(t, space != NULL);
    space_set_brk_start(space, HEAP);
    EXPECT_EQ(t, space_brk(space, HEAP + PAGE_SIZE), HEAP + PAGE_SIZE);
    EXPECT_EQ(t, space_brk(space, HEAP - 1), HEAP + PAGE_SIZE);
    EXPECT_EQ(t, space_brk(space, HEAP + 9 * PAGE_SIZE), HEAP + PAGE_SIZE); /* into the range */
    EXPECT_EQ(t, space_brk(space, USER_END), HEAP + PAGE_SIZE);
    EXPECT_EQ(t, space_brk(space, 0xFFFFFFFF), HEAP + PAGE_SIZE);
    EXPECT_EQ(t, space_brk(space, KERNEL_BASE + PAGE_SIZE), HEAP + PAGE_SIZE);
    space_put(space);
}

/* What shrinking leaves behind must not stand in the way of growing: the last piece above a hole goes,
 * and then the heap ends below that hole and grows over it. */
static void brk_grows_over_old_holes(struct test *t)
{
    struct space *space = make_space(t, 0, 0, 0);
    REQUIRE(t, space != NULL);
    space_set_brk_start(space, HEAP);
    EXPECT_EQ(t, space_brk(space, HEAP + 3 * PAGE_SIZE), HEAP + 3 * PAGE_SIZE);
    EXPECT_EQ(t, space_unmap(space, HEAP + PAGE_SIZE, PAGE_SIZE), 0);
    EXPECT_EQ(t, space_brk(space, HEAP + 2 * PAGE_SIZE), HEAP + 2 * PAGE_SIZE);
    EXPECT_EQ(t, space_brk(space, HEAP + PAGE_SIZE), HEAP + PAGE_SIZE);
    EXPECT_EQ(t, space_brk(space, HEAP + 8 * PAGE_SIZE), HEAP + 8 * PAGE_SIZE);

    /* The same when the piece below has other rights, and the range at the end is not remembered. */
    EXPECT_EQ(t, space_protect(space, HEAP, 8 * PAGE_SIZE, VMA_READ), 0);
    EXPECT_EQ(t, space_brk(space, HEAP + 9 * PAGE_SIZE), HEAP + 9 * PAGE_SIZE);
    EXPECT_EQ(t, space_brk(space, HEAP + 8 * PAGE_SIZE), HEAP + 8 * PAGE_SIZE);
    EXPECT_EQ(t, space_protect(space, HEAP, PAGE_SIZE, RW), 0);
    EXPECT_EQ(t, space_brk(space, HEAP + 7 * PAGE_SIZE), HEAP + 7 * PAGE_SIZE);
    EXPECT_EQ(t, space_brk(space, HEAP + 12 * PAGE_SIZE), HEAP + 12 * PAGE_SIZE);
    EXPECT(t, touch(space, HEAP + 7 * PAGE_SIZE, HEAP + 12 * PAGE_SIZE));
    EXPECT(t, space_check());
    space_put(space);
}

/* The gap that a stack keeps below itself would begin below address 0. */
static void brk_below_a_low_stack(struct test *t)
{
    uaddr_t heap = 2 * USER_MIN, stack = 4 * USER_MIN;
    struct space *space = make_space(t, stack, stack + PAGE_SIZE, RW | VMA_GROWS_DOWN);
    REQUIRE(t, space != NULL);
    space_set_brk_start(space, heap);
    EXPECT_EQ(t, space_brk(space, heap + PAGE_SIZE), heap);
    EXPECT_EQ(t, space_map(space, heap, heap + PAGE_SIZE, RW | VMA_HEAP, NULL), 0);
    space_set_brk_start(space, heap + PAGE_SIZE);
    EXPECT_EQ(t, space_brk(space, stack + 4 * PAGE_SIZE), heap + PAGE_SIZE);
    EXPECT(t, space_check());
    space_put(space);
}

/* --- accounting --------------------------------------------------------------------------------- */

/* Every frame that a space takes is counted as anonymous, and comes back with the space. */
static void frames_are_accounted(struct test *t)
{
    static struct buddy_stats before, during;
    struct space *space = make_space(t, BASE, BASE + 64 * PAGE_SIZE, RW);
    REQUIRE(t, space != NULL);
    buddy_get_stats(&before);
    EXPECT(t, touch(space, BASE, BASE + 64 * PAGE_SIZE));
    buddy_get_stats(&during);
    EXPECT_EQ(t, during.frames[PAGE_ANON] - before.frames[PAGE_ANON], 64);
    EXPECT_EQ(t, during.frames[PAGE_TABLE] - before.frames[PAGE_TABLE], 1);
    EXPECT_EQ(t, before.free - during.free, 65);
    EXPECT(t, space_check());
    space_put(space);
}

static void statistics_are_exact(struct test *t)
{
    struct space_stats stats;
    struct space *space = make_space(t, BASE, BASE + 7 * PAGE_SIZE, RW);
    REQUIRE(t, space != NULL);
    EXPECT(t, touch(space, BASE, BASE + 5 * PAGE_SIZE));
    EXPECT_EQ(t, space_unmap(space, BASE, 2 * PAGE_SIZE), 0);
    space_get_stats(space, &stats);
    EXPECT_EQ(t, stats.vmas, 1);
    EXPECT_EQ(t, stats.virtual_pages, 5);
    EXPECT_EQ(t, stats.resident, 3);
    EXPECT_EQ(t, stats.resident_peak, 5);
    struct vma_info info;
    REQUIRE(t, space_get_vma(space, 0, &info));
    EXPECT_EQ(t, info.resident, 3);
    space_put(space);
}

static void committed_pages_follow(struct test *t)
{
    struct space_totals before, after;
    struct space *space = make_space(t, 0, 0, 0);
    REQUIRE(t, space != NULL);
    space_get_totals(&before);
    EXPECT_EQ(t, space_map(space, BASE, BASE + 9 * PAGE_SIZE, RW, NULL), 0);
    space_get_totals(&after);
    EXPECT_EQ(t, after.committed_pages - before.committed_pages, 9);
    EXPECT_EQ(t, space_unmap(space, BASE, 4 * PAGE_SIZE), 0);
    space_get_totals(&after);
    EXPECT_EQ(t, after.committed_pages - before.committed_pages, 5);
    space_put(space);
}

/* Two spaces at the same addresses share nothing but the kernel. */
static void spaces_are_separate(struct test *t)
{
    struct space *a = make_space(t, BASE, BASE + PAGE_SIZE, RW);
    struct space *b = make_space(t, BASE, BASE + PAGE_SIZE, RW);
    REQUIRE(t, a != NULL && b != NULL);
    EXPECT(t, touch(a, BASE, BASE + PAGE_SIZE) && touch(b, BASE, BASE + PAGE_SIZE));
    uint8_t *in_a = window(a, BASE);
    memset(in_a, 0x77, PAGE_SIZE);
    uint8_t *in_b = window(b, BASE);
    EXPECT(t, in_a != in_b);
    EXPECT(t, test_is_byte(in_b, PAGE_SIZE, 0));
    kunmap(in_b);
    kunmap(in_a);
    space_put(a);
    EXPECT(t, space_lookup(b, BASE) != 0);
    space_put(b);
}

/* The last frame: an error for the program; after giving some back it works again. */
static void out_of_memory_is_an_error(struct test *t)
{
    struct list_node held = LIST_INIT(held);
    struct page *page;
    struct space *space = make_space(t, BASE, BASE + 4 * PAGE_SIZE, RW);
    REQUIRE(t, space != NULL);
    while ((page = buddy_alloc(0, PAGE_TEST, PAGE_HIGHMEM_OK)) != NULL)
        list_add_tail(&held, &page->node);
    EXPECT_EQ(t, fault_handle(space, BASE, WRITE_FAULT), -ENOMEM);
    EXPECT_EQ(t, resident(space), 0);
    list_for_each_safe(node, &held)
        buddy_free(list_entry(node, struct page, node), 0);
    EXPECT_EQ(t, fault_handle(space, BASE, WRITE_FAULT), 0);
    space_put(space);
}

/* Ranges and pages against two bit maps. */
static void random_against_model(struct test *t)
{
    enum { PAGES = 64, STEPS = 1500 };
    static bool mapped[PAGES], present[PAGES];
    memset(mapped, 0, sizeof(mapped));
    memset(present, 0, sizeof(present));
    struct space *space = make_space(t, 0, 0, 0);
    REQUIRE(t, space != NULL);
    for (unsigned step = 0; step < STEPS && t->failures == 0; step++) {
        unsigned first = test_random_below(t, PAGES), count = 1 + test_random_below(t, 8);
        unsigned last = MIN(first + count, (unsigned)PAGES);
        uaddr_t start = BASE + first * PAGE_SIZE, end = BASE + last * PAGE_SIZE;
        bool free = true;
        for (unsigned i = first; i < last; i++)
            free &= !mapped[i];
        switch (test_random_below(t, 3)) {
        case 0:
            EXPECT_EQ(t, space_map(space, start, end, RW, NULL), free ? 0 : -EEXIST);
            for (unsigned i = first; free && i < last; i++)
                mapped[i] = true;
            break;
        case 1:
            EXPECT_EQ(t, space_unmap(space, start, end - start), 0);
            for (unsigned i = first; i < last; i++)
                mapped[i] = present[i] = false;
            break;
        default:
            EXPECT_EQ(t, fault_handle(space, start, WRITE_FAULT), mapped[first] ? 0 : -EFAULT);
            present[first] |= mapped[first];
        }
    }
    uint32_t expected = 0;
    for (unsigned i = 0; i < PAGES; i++) {
        EXPECT_EQ(t, space_lookup(space, BASE + i * PAGE_SIZE) != 0, present[i]);
        expected += present[i];
    }
    EXPECT_EQ(t, resident(space), expected);
    EXPECT(t, space_check());
    space_put(space);
}

/* clang-format off */
const struct test_case test_cases[] = {
    TEST(create_and_destroy_cost_nothing),
    TEST(mapping_is_lazy),
    TEST(bad_ranges_are_refused),
    TEST(neighbours_are_merged),
    TEST(unmap_splits),
    TEST(unmap_across_holes),
    TEST(protect_keeps_the_contents),
    TEST(protect_of_a_hole_fails),
    TEST(no_access_at_all),
    TEST(brk_grows_and_shrinks),
    TEST(brk_to_the_base_and_back),
    TEST(brk_refuses),
    TEST(brk_grows_over_old_holes),
    TEST(brk_below_a_low_stack),
    TEST(frames_are_accounted),
    TEST(statistics_are_exact),
    TEST(committed_pages_follow),
    TEST(spaces_are_separate),
    TEST(out_of_memory_is_an_error),
    TEST(random_against_model),
};
/* clang-format on */
const unsigned test_case_count = ARRAY_SIZE(test_cases);
