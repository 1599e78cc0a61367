/* tests/kernel/test_fork.c - copies of address spaces: what is shared, what a write changes, for whom,
 * and that a copy which fails for lack of memory leaves nothing behind. */
#include "tests/kernel/test.h"

#include "kernel/lib/errno.h"
#include "mm/buddy.h"
#include "mm/fault.h"
#include "mm/inject.h"
#include "mm/kmap.h"
#include "mm/pagecache.h"
#include "mm/slab.h"
#include "mm/space.h"

#define BASE 0x10000000u
#define PAGES 8u
#define RW (VMA_READ | VMA_WRITE)
#define READ_FAULT PF_USER
#define WRITE_FAULT (PF_USER | PF_WRITE)
#define COW_FAULT (PF_USER | PF_WRITE | PF_PRESENT)

static struct space_stats stats;

static struct page *page_at(struct space *space, uaddr_t address)
{
    return pfn_to_page(space_lookup(space, address) >> PAGE_SHIFT);
}

static void fill(struct space *space, uaddr_t address, uint8_t byte)
{
    void *bytes = kmap(page_at(space, address));
    memset(bytes, byte, PAGE_SIZE);
    kunmap(bytes);
}

static bool has_byte(struct space *space, uaddr_t address, uint8_t byte)
{
    void *bytes = kmap(page_at(space, address));
    bool same = test_is_byte(bytes, PAGE_SIZE, byte);
    kunmap(bytes);
    return same;
}

/* PAGES pages, each touched and filled with its number + 1. */
static struct space *make_parent(struct test *t, unsigned flags)
{
    struct space *space = space_create();
    if (!EXPECT(t, space != NULL))
        return NULL;
    EXPECT_EQ(t, space_map(space, BASE, BASE + PAGES * PAGE_SIZE, flags, NULL), 0);
    EXPECT_EQ(t, fault_populate(space, BASE, BASE + PAGES * PAGE_SIZE, WRITE_FAULT), 0);
    for (unsigned i = 0; i < PAGES; i++)
        fill(space, BASE + i * PAGE_SIZE, (uint8_t)(i + 1));
    return space;
}

static void expect_faults(struct test *t, struct space *space, enum fault_cause cause,
                          unsigned n)
{
    space_get_stats(space, &stats);
    EXPECT_EQ(t, stats.faults[cause], n);
}

/* Both see the same frames, neither may write to them. */
static void frames_are_shared(struct test *t)
{
    struct space *parent = make_parent(t, RW);
    REQUIRE(t, parent != NULL);
    struct space *child = space_fork(parent);
    REQUIRE(t, child != NULL);
    for (unsigned i = 0; i < PAGES; i++) {
        uaddr_t address = BASE + i * PAGE_SIZE;
        EXPECT_PTR(t, page_at(child, address), page_at(parent, address));
        EXPECT_EQ(t, page_at(child, address)->refs, 2);
        EXPECT_EQ(t, space_lookup(child, address) & PTE_WRITE, 0);
        EXPECT_EQ(t, space_lookup(parent, address) & PTE_WRITE, 0);
    }
    space_get_stats(child, &stats);
    EXPECT_EQ(t, stats.resident, PAGES);
    EXPECT_EQ(t, stats.vmas, 1);
    EXPECT(t, space_check());
    space_put(child);
    EXPECT_EQ(t, page_at(parent, BASE)->refs, 1);
    space_put(parent);
}

/* The first writer gets a copy, the second its own frame back; in both directions. */
static void the_first_writer_copies(struct test *t)
{
    for (unsigned child_first = 0; child_first < 2; child_first++) {
        struct space *parent = make_parent(t, RW);
        REQUIRE(t, parent != NULL);
        struct space *child = space_fork(parent);
        REQUIRE(t, child != NULL);
        struct space *first = child_first ? child : parent,
                     *second = child_first ? parent : child;
        struct page *shared = page_at(second, BASE);
        EXPECT_EQ(t, fault_handle(first, BASE, COW_FAULT), 0);
        EXPECT(t, page_at(first, BASE) != shared);
        EXPECT(t, has_byte(first, BASE, 1));
        fill(first, BASE, 0xEE);
        EXPECT(t, has_byte(second, BASE, 1));
        EXPECT_EQ(t, fault_handle(second, BASE, COW_FAULT), 0);
        EXPECT_PTR(t, page_at(second, BASE), shared);
        expect_faults(t, first, FAULT_COW, 1);
        expect_faults(t, second, FAULT_REUSE, 1);
        EXPECT_EQ(t, page_at(parent, BASE + PAGE_SIZE)->refs, 2);
        EXPECT(t, space_check());
        space_put(first);
        EXPECT(t, has_byte(second, BASE, 1));
        space_put(second);
    }
}

/* Three generations on one frame: each exit takes one reference. */
static void grandchildren(struct test *t)
{
    struct space *parent = make_parent(t, RW);
    REQUIRE(t, parent != NULL);
    struct space *child = space_fork(parent);
    REQUIRE(t, child != NULL);
    struct space *grandchild = space_fork(child);
    REQUIRE(t, grandchild != NULL);
    struct page *page = page_at(parent, BASE);
    EXPECT_EQ(t, page->refs, 3);
    space_put(child);
    EXPECT_EQ(t, page->refs, 2);
    EXPECT_EQ(t, fault_handle(grandchild, BASE, COW_FAULT), 0);
    EXPECT_EQ(t, page->refs, 1);
    space_put(parent);
    EXPECT(t, has_byte(grandchild, BASE, 1));
    space_put(grandchild);
}

/* mprotect must not give a right to write that copy-on-write has taken. */
static void protect_keeps_pages_apart(struct test *t)
{
    struct space *parent = make_parent(t, RW);
    REQUIRE(t, parent != NULL);
    struct space *child = space_fork(parent);
    REQUIRE(t, child != NULL);
    EXPECT_EQ(t, space_protect(child, BASE, PAGES * PAGE_SIZE, VMA_READ), 0);
    EXPECT_EQ(t, space_protect(child, BASE, PAGES * PAGE_SIZE, RW), 0);
    EXPECT_EQ(t, space_lookup(child, BASE) & PTE_WRITE, 0);
    EXPECT_EQ(t, space_protect(child, BASE, PAGE_SIZE, 0), 0);
    EXPECT_EQ(t, space_lookup(child, BASE) & (PTE_PRESENT | PTE_NO_ACCESS), PTE_NO_ACCESS);
    struct space *grandchild = space_fork(child); /* entries without access are copied, too */
    REQUIRE(t, grandchild != NULL);
    EXPECT_EQ(t, space_protect(grandchild, BASE, PAGE_SIZE, VMA_READ), 0);
    EXPECT(t, has_byte(grandchild, BASE, 1));
    EXPECT(t, space_check());
    space_put(grandchild);
    space_put(parent);
    EXPECT_EQ(t, space_protect(child, BASE, PAGES * PAGE_SIZE, RW), 0);
    EXPECT(t, space_lookup(child, BASE) & PTE_WRITE); /* alone now: no fault needed */
    space_put(child);
}

/* Anonymous shared memory is the same memory after fork. */
static void shared_ranges_stay_shared(struct test *t)
{
    struct page_cache *cache = pagecache_create_shared(PAGES * PAGE_SIZE);
    REQUIRE(t, cache != NULL);
    struct space_mmap request = {
        .nbytes = PAGES * PAGE_SIZE,
        .vma_flags = RW | VMA_SHARED,
        .backing = { cache, 0, VMA_WHOLE_FILE },
    };
    struct space *parent = space_create();
    REQUIRE(t, parent != NULL);
    uaddr_t start;
    REQUIRE(t, space_mmap(parent, &request, &start) == 0);
    pagecache_put(cache);
    EXPECT_EQ(t, fault_handle(parent, start, WRITE_FAULT), 0);
    struct space *child = space_fork(parent);
    REQUIRE(t, child != NULL);
    EXPECT_PTR(t, page_at(child, start), page_at(parent, start));
    EXPECT(t, space_lookup(child, start) & PTE_WRITE);
    EXPECT_EQ(t, fault_handle(child, start + PAGE_SIZE, WRITE_FAULT), 0);
    EXPECT_EQ(t, fault_handle(parent, start + PAGE_SIZE, READ_FAULT), 0);
    EXPECT_PTR(t, page_at(child, start + PAGE_SIZE), page_at(parent, start + PAGE_SIZE));
    EXPECT(t, space_check());
    space_put(parent);
    space_put(child);
}

static void advice_for_fork(struct test *t)
{
    struct space *parent = make_parent(t, RW);
    REQUIRE(t, parent != NULL);
    EXPECT_EQ(t, space_advise(parent, BASE, PAGE_SIZE, SPACE_ADV_DONTFORK), 0);
    EXPECT_EQ(t, space_advise(parent, BASE + PAGE_SIZE, PAGE_SIZE, SPACE_ADV_WIPEONFORK), 0);
    struct space *child = space_fork(parent);
    REQUIRE(t, child != NULL);
    EXPECT(t, !space_is_mapped(child, BASE));
    EXPECT(t, space_is_mapped(child, BASE + PAGE_SIZE));
    EXPECT(t, space_lookup(child, BASE + PAGE_SIZE) == 0);
    EXPECT(t, has_byte(child, BASE + 2 * PAGE_SIZE, 3));
    EXPECT(t, space_lookup(parent, BASE) & PTE_WRITE);
    space_put(child);
    space_put(parent);
}

/* With ever one frame more: fork fails until there are enough, and each time everything is as it
 * was. */
static void fork_without_memory(struct test *t)
{
    struct space *parent = make_parent(t, RW), *child = NULL;
    REQUIRE(t, parent != NULL);
    for (unsigned i = 1; i < 4; i++) /* four page tables */
        EXPECT_EQ(
            t, space_map(parent, BASE + i * 4 * MiB, BASE + i * 4 * MiB + PAGE_SIZE, RW, NULL),
            0);
    for (unsigned i = 1; i < 4; i++)
        EXPECT_EQ(t, fault_handle(parent, BASE + i * 4 * MiB, WRITE_FAULT), 0);
    for (uint32_t left = 0; left < 32 && !child; left++) {
        struct list_node held;
        slab_shrink_all();
        test_hold_frames(&held, PAGE_HIGHMEM_OK, left);
        child = space_fork(parent);
        test_give_frames_back(&held);
        for (unsigned i = 0; i < PAGES && !child; i++)
            EXPECT_EQ(t, page_at(parent, BASE + i * PAGE_SIZE)->refs, 1);
        EXPECT(t, space_check());
    }
    REQUIRE(t, child != NULL);
    EXPECT_EQ(t, fault_handle(parent, BASE, COW_FAULT), 0);
    EXPECT(t, has_byte(child, BASE, 1));
    space_put(child);
    space_put(parent);
}

/* The same with each single allocation of a fork failing in turn, frames and slab objects. */
static void fork_fails_at_each_allocation(struct test *t)
{
    const struct inject_rule off = { 0 };
    struct space *parent = make_parent(t, RW), *child = NULL;
    unsigned n = 0;
    REQUIRE(t, parent != NULL);
    EXPECT_EQ(t, space_map(parent, 2 * BASE, 2 * BASE + PAGE_SIZE, VMA_READ, NULL), 0);
    EXPECT_EQ(t, fault_handle(parent, 2 * BASE, READ_FAULT), 0);
    while (!child && n < 100) {
        struct inject_rule rule = { INJECT_PAGE | INJECT_SLAB, INJECT_NTH, ++n, 0 };
        inject_set(&rule);
        child = space_fork(parent);
        inject_set(&off);
        for (unsigned i = 0; i < PAGES && !child; i++)
            EXPECT_EQ(t, page_at(parent, BASE + i * PAGE_SIZE)->refs, 1);
        EXPECT(t, space_check());
    }
    REQUIRE(t, child != NULL);
    EXPECT(t, n >= 1 + 1 + 1 + 2 + 2); /* it, a space, a directory, two ranges, two tables */
    space_put(child);
    space_put(parent);
}

/* Exactly the frames and the counts come back, many times. */
static void many_forks_leave_nothing(struct test *t)
{
    struct space *parent = make_parent(t, RW);
    REQUIRE(t, parent != NULL);
    struct space *child = space_fork(parent);
    REQUIRE(t, child != NULL);
    space_put(child);
    slab_shrink_all();
    uint32_t before = buddy_free_frames();
    for (unsigned i = 0; i < 200; i++) {
        child = space_fork(parent);
        REQUIRE(t, child != NULL);
        EXPECT_EQ(t,
                  fault_handle(i % 2 ? child : parent, BASE + i % PAGES * PAGE_SIZE, COW_FAULT),
                  0);
        space_put(child);
    }
    slab_shrink_all();
    EXPECT_EQ(t, buddy_free_frames(), before);
    for (unsigned i = 0; i < PAGES; i++)
        EXPECT(t, has_byte(parent, BASE + i * PAGE_SIZE, (uint8_t)(i + 1)));
    space_put(parent);
}

/* clang-format off */
const struct test_case test_cases[] = {
    TEST(frames_are_shared),
    TEST(the_first_writer_copies),
    TEST(grandchildren),
    TEST(protect_keeps_pages_apart),
    TEST(shared_ranges_stay_shared),
    TEST(advice_for_fork),
    TEST(fork_without_memory),
    TEST(fork_fails_at_each_allocation),
    TEST(many_forks_leave_nothing),
};
/* clang-format on */
const unsigned test_case_count = ARRAY_SIZE(test_cases);
