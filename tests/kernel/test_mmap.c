/* tests/kernel/test_mmap.c - where ranges are put, what replaces what, how they move, and Linux's
 * errors for everything that cannot be done. */
#include "tests/kernel/test.h"

#include "kernel/lib/errno.h"
#include "kernel/lib/layout.h"
#include "mm/buddy.h"
#include "mm/fault.h"
#include "mm/kmap.h"
#include "mm/space.h"

#define BASE 0x10000000u
#define HEAP 0x08100000u
#define TOP (USER_STACK_TOP - USER_STACK_LIMIT - USER_STACK_GUARD) /* of the mmap area */
#define RW (VMA_READ | VMA_WRITE)
#define READ_FAULT PF_USER
#define WRITE_FAULT (PF_USER | PF_WRITE)

static struct space_stats stats;

static int64_t map_at(struct space *space, uaddr_t hint, uint32_t nbytes, int placement)
{
    struct space_mmap request = { .hint = hint, .nbytes = nbytes, .vma_flags = RW };
    request.placement = placement;
    uaddr_t start = 0;
    int error = space_mmap_check(&request);
    if (!error)
        error = space_mmap(space, &request, &start);
    return error ? error : (int64_t)start;
}

static void mark(struct space *space, uaddr_t address, uint8_t byte)
{
    if (fault_handle(space, address, WRITE_FAULT) != 0)
        return;
    void *bytes = kmap(pfn_to_page(space_lookup(space, address) >> PAGE_SHIFT));
    memset(bytes, byte, PAGE_SIZE);
    kunmap(bytes);
}

static bool has_mark(struct space *space, uaddr_t address, uint8_t byte)
{
    pte_t entry = space_lookup(space, address);
    if (entry == 0)
        return false;
    void *bytes = kmap(pfn_to_page(entry >> PAGE_SHIFT));
    bool same = test_is_byte(bytes, PAGE_SIZE, byte);
    kunmap(bytes);
    return same;
}

static unsigned count_vmas(struct space *space)
{
    space_get_stats(space, &stats);
    return stats.vmas;
}

static void from_the_top_downwards(struct test *t)
{
    struct space *space = space_create();
    REQUIRE(t, space != NULL);
    EXPECT_EQ(t, map_at(space, 0, 1, SPACE_ANYWHERE), TOP - PAGE_SIZE);
    EXPECT_EQ(t, map_at(space, 0, 3 * PAGE_SIZE, SPACE_ANYWHERE), TOP - 4 * PAGE_SIZE);
    EXPECT_EQ(t, count_vmas(space), 1); /* alike, and side by side */
    EXPECT_EQ(t, space_unmap(space, TOP - 3 * PAGE_SIZE, 2 * PAGE_SIZE), 0);
    EXPECT_EQ(t, map_at(space, 0, 3 * PAGE_SIZE, SPACE_ANYWHERE), TOP - 7 * PAGE_SIZE);
    EXPECT_EQ(t, map_at(space, 0, 2 * PAGE_SIZE, SPACE_ANYWHERE), TOP - 3 * PAGE_SIZE);
    EXPECT_EQ(t, map_at(space, BASE + 5, PAGE_SIZE, SPACE_ANYWHERE), BASE + PAGE_SIZE);
    EXPECT_EQ(t, map_at(space, BASE + PAGE_SIZE, PAGE_SIZE, SPACE_ANYWHERE),
              TOP - 8 * PAGE_SIZE);
    EXPECT_EQ(t, map_at(space, 5, PAGE_SIZE, SPACE_ANYWHERE), USER_MIN);
    space_put(space);
}

static void bad_requests(struct test *t)
{
    struct space *space = space_create();
    REQUIRE(t, space != NULL);
    EXPECT_EQ(t, map_at(space, 0, 0, SPACE_ANYWHERE), -EINVAL);
    EXPECT_EQ(t, map_at(space, 0, 0xFFFFFFFF, SPACE_ANYWHERE), -ENOMEM);
    EXPECT_EQ(t, map_at(space, 0, USER_END, SPACE_ANYWHERE), -ENOMEM);
    EXPECT_EQ(t, map_at(space, BASE + 1, PAGE_SIZE, SPACE_FIXED), -EINVAL);
    EXPECT_EQ(t, map_at(space, 0, PAGE_SIZE, SPACE_FIXED), -EPERM);
    EXPECT_EQ(t, map_at(space, KERNEL_BASE, PAGE_SIZE, SPACE_FIXED), -ENOMEM);
    EXPECT_EQ(t, map_at(space, USER_END - PAGE_SIZE, 2 * PAGE_SIZE, SPACE_FIXED), -ENOMEM);
    EXPECT_EQ(t, count_vmas(space), 0);
    EXPECT_EQ(t, space_unmap(space, 0, PAGE_SIZE), 0); /* nothing there, no error */
    EXPECT_EQ(t, space_unmap(space, 0, 0), -EINVAL);
    EXPECT_EQ(t, space_unmap(space, USER_END, PAGE_SIZE), -EINVAL);
    EXPECT_EQ(t, space_protect(space, BASE, 0xFFFFFFFF, VMA_READ), -ENOMEM);
    EXPECT_EQ(t, space_protect(space, BASE, 0, VMA_READ), 0);
    EXPECT_EQ(t, space_advise(space, BASE, PAGE_SIZE, 99), -EINVAL);
    EXPECT_EQ(t, space_advise(space, BASE, PAGE_SIZE, SPACE_ADV_DONTNEED), -ENOMEM);
    space_put(space);
}

/* MAP_FIXED replaces, also in the middle; MAP_FIXED_NOREPLACE does not. */
static void fixed_replaces(struct test *t)
{
    struct space *space = space_create();
    REQUIRE(t, space != NULL);
    EXPECT_EQ(t, map_at(space, BASE, 3 * PAGE_SIZE, SPACE_FIXED), BASE);
    for (unsigned i = 0; i < 3; i++)
        mark(space, BASE + i * PAGE_SIZE, (uint8_t)(i + 1));
    EXPECT_EQ(t, map_at(space, BASE + PAGE_SIZE, PAGE_SIZE, SPACE_FIXED_NOREPLACE), -EEXIST);
    EXPECT_EQ(t, map_at(space, BASE + PAGE_SIZE, PAGE_SIZE, SPACE_FIXED), BASE + PAGE_SIZE);
    EXPECT(t, space_lookup(space, BASE + PAGE_SIZE) == 0);
    EXPECT(t, has_mark(space, BASE, 1) && has_mark(space, BASE + 2 * PAGE_SIZE, 3));
    EXPECT_EQ(t, count_vmas(space), 1);
    EXPECT(t, space_check());
    space_put(space);
}

/* A replacement that cannot be had takes nothing away, however large; one that can counts only what it
 * adds. */
static void refused_replacement_keeps_the_old(struct test *t)
{
    uint32_t nbytes = 8 * MiB;
    struct space *space = space_create();
    REQUIRE(t, space != NULL);
    EXPECT_EQ(t, map_at(space, BASE, nbytes, SPACE_FIXED), BASE);
    mark(space, BASE, 7);
    space->limits.address_space = space->limits.data = nbytes + MiB;
    EXPECT_EQ(t, map_at(space, BASE, 2 * nbytes, SPACE_FIXED), -ENOMEM);
    EXPECT(t, has_mark(space, BASE, 7));
    EXPECT_EQ(t, map_at(space, BASE, nbytes, SPACE_FIXED), BASE);
    EXPECT(t, space_lookup(space, BASE) == 0);
    EXPECT_EQ(t, count_vmas(space), 1);
    EXPECT(t, space_check());
    space_put(space);
}

/* The brk area is ordinary memory: holes may be made in it, and it goes on growing. */
static void parts_of_the_heap(struct test *t)
{
    struct space *space = space_create();
    REQUIRE(t, space != NULL);
    space_set_brk_start(space, HEAP);
    EXPECT_EQ(t, space_brk(space, HEAP + 4 * PAGE_SIZE), HEAP + 4 * PAGE_SIZE);
    mark(space, HEAP + 3 * PAGE_SIZE, 3);
    EXPECT_EQ(t, space_unmap(space, HEAP + PAGE_SIZE, PAGE_SIZE), 0);
    EXPECT_EQ(t, space_protect(space, HEAP + 2 * PAGE_SIZE, PAGE_SIZE, VMA_READ), 0);
    EXPECT_EQ(t, space_brk(space, HEAP + 5 * PAGE_SIZE), HEAP + 5 * PAGE_SIZE);
    EXPECT(t, has_mark(space, HEAP + 3 * PAGE_SIZE, 3));
    EXPECT_EQ(t, space_unmap(space, HEAP + 3 * PAGE_SIZE, 2 * PAGE_SIZE), 0);
    EXPECT_EQ(t, space_brk(space, HEAP + 6 * PAGE_SIZE), HEAP + 6 * PAGE_SIZE);
    EXPECT_EQ(t, space_brk(space, HEAP), HEAP);
    EXPECT_EQ(t, count_vmas(space), 0);
    EXPECT_EQ(t, map_at(space, HEAP - PAGE_SIZE, 4 * PAGE_SIZE, SPACE_FIXED_NOREPLACE),
              HEAP - PAGE_SIZE);
    EXPECT_EQ(t, space_brk(space, HEAP + PAGE_SIZE), HEAP); /* in the way */
    EXPECT(t, space_check());
    space_put(space);
}

/* The range that an empty heap keeps for itself is not to be seen by anybody. */
static void an_empty_heap_is_in_nobodys_way(struct test *t)
{
    struct space *space = space_create();
    REQUIRE(t, space != NULL);
    space_set_brk_start(space, HEAP);
    EXPECT_EQ(t, space_brk(space, HEAP + PAGE_SIZE), HEAP + PAGE_SIZE);
    EXPECT_EQ(t, space_brk(space, HEAP), HEAP);
    uaddr_t below = HEAP - 4 * PAGE_SIZE;
    EXPECT_EQ(t, map_at(space, below, 2 * PAGE_SIZE, SPACE_FIXED), below);
    EXPECT_EQ(t, space_mremap(space, below, 2 * PAGE_SIZE, 8 * PAGE_SIZE, 0, 0), below);
    EXPECT_EQ(t, count_vmas(space), 1);
    EXPECT_EQ(t, space_brk(space, HEAP + PAGE_SIZE), HEAP); /* no room now */
    EXPECT_EQ(t, space_unmap(space, below, 8 * PAGE_SIZE), 0);
    EXPECT_EQ(t, space_brk(space, HEAP + PAGE_SIZE), HEAP + PAGE_SIZE);
    EXPECT_EQ(t, space_brk(space, HEAP), HEAP);
    EXPECT_EQ(t, map_at(space, below, 8 * PAGE_SIZE, SPACE_ANYWHERE), below); /* a hint */
    EXPECT_EQ(t, space_unmap(space, below, 8 * PAGE_SIZE), 0);
    EXPECT_EQ(t, space_brk(space, HEAP + PAGE_SIZE), HEAP + PAGE_SIZE);
    EXPECT_EQ(t, space_brk(space, HEAP), HEAP);
    uaddr_t start; /* one gap, from below the heap to above it */
    struct space_mmap all = { .nbytes = TOP - USER_MIN, .vma_flags = VMA_READ };
    EXPECT_EQ(t, space_mmap(space, &all, &start), 0);
    EXPECT_EQ(t, start, USER_MIN);
    EXPECT_EQ(t, space_unmap(space, start, all.nbytes), 0);

    /* One that was advised is not used again, and does not stay either. */
    EXPECT_EQ(t, space_brk(space, HEAP + PAGE_SIZE), HEAP + PAGE_SIZE);
    EXPECT_EQ(t, space_advise(space, HEAP, PAGE_SIZE, SPACE_ADV_DONTFORK), 0);
    EXPECT_EQ(t, space_brk(space, HEAP + PAGE_SIZE + 1), HEAP + PAGE_SIZE + 1);
    EXPECT_EQ(t, count_vmas(space), 2);
    EXPECT_EQ(t, space_brk(space, HEAP), HEAP);
    EXPECT_EQ(t, space_brk(space, HEAP + PAGE_SIZE), HEAP + PAGE_SIZE);
    EXPECT_EQ(t, space_advise(space, HEAP, PAGE_SIZE, SPACE_ADV_DONTFORK), 0);
    EXPECT_EQ(t, space_brk(space, HEAP), HEAP);
    EXPECT_EQ(t, space_brk(space, HEAP + 2 * PAGE_SIZE), HEAP + 2 * PAGE_SIZE);
    EXPECT_EQ(t, space_unmap(space, HEAP, PAGE_SIZE), 0);
    EXPECT_EQ(t, map_at(space, below, 2 * PAGE_SIZE, SPACE_FIXED), below);
    EXPECT_EQ(t, space_mremap(space, below, 2 * PAGE_SIZE, 5 * PAGE_SIZE, 0, 0), below);
    EXPECT(t, space_check());
    space_put(space);
}

/* Moved entries: the contents are there, no frame was taken. */
static void remap_moves(struct test *t)
{
    struct space *space = space_create();
    REQUIRE(t, space != NULL);
    EXPECT_EQ(t, map_at(space, BASE, 4 * PAGE_SIZE, SPACE_FIXED), BASE);
    for (unsigned i = 0; i < 4; i++)
        mark(space, BASE + i * PAGE_SIZE, (uint8_t)(i + 1));
    EXPECT_EQ(t, space_mremap(space, BASE, 4 * PAGE_SIZE, 6 * PAGE_SIZE, 0, 0), BASE);
    EXPECT_EQ(t, map_at(space, BASE + 7 * PAGE_SIZE, PAGE_SIZE, SPACE_FIXED),
              BASE + 7 * PAGE_SIZE);
    EXPECT_EQ(t, space_mremap(space, BASE, 6 * PAGE_SIZE, 8 * PAGE_SIZE, 0, 0), -ENOMEM);
    int64_t moved = space_mremap(space, BASE, 6 * PAGE_SIZE, 8 * PAGE_SIZE,
                                 SPACE_MREMAP_MAYMOVE, 0);
    EXPECT_EQ(t, moved, TOP - 8 * PAGE_SIZE);
    for (unsigned i = 0; i < 4; i++)
        EXPECT(t, has_mark(space, (uaddr_t)moved + i * PAGE_SIZE, (uint8_t)(i + 1)));
    EXPECT(t, !space_is_mapped(space, BASE));
    uaddr_t far = BASE + 2 * 4 * MiB - 2 * PAGE_SIZE; /* across two page tables */
    EXPECT_EQ(t,
              space_mremap(space, (uaddr_t)moved, 8 * PAGE_SIZE, 4 * PAGE_SIZE,
                           SPACE_MREMAP_MAYMOVE | SPACE_MREMAP_FIXED, far),
              far);
    for (unsigned i = 0; i < 4; i++)
        EXPECT(t, has_mark(space, far + i * PAGE_SIZE, (uint8_t)(i + 1)));
    EXPECT_EQ(t, space_mremap(space, far, 4 * PAGE_SIZE, PAGE_SIZE, 0, 0), far);
    space_get_stats(space, &stats);
    EXPECT_EQ(t, stats.resident, 1);
    EXPECT(t, space_check());
    space_put(space);
}

/* To a place that touches the old one: the two must not be taken for one range. */
static void remap_next_door(struct test *t)
{
    struct space *space = space_create();
    REQUIRE(t, space != NULL);
    EXPECT_EQ(t, map_at(space, BASE, 2 * PAGE_SIZE, SPACE_FIXED), BASE);
    mark(space, BASE, 1);
    EXPECT_EQ(t,
              space_mremap(space, BASE, 2 * PAGE_SIZE, 2 * PAGE_SIZE,
                           SPACE_MREMAP_MAYMOVE | SPACE_MREMAP_FIXED, BASE - 2 * PAGE_SIZE),
              BASE - 2 * PAGE_SIZE);
    EXPECT(t, has_mark(space, BASE - 2 * PAGE_SIZE, 1));
    EXPECT(t, !space_is_mapped(space, BASE));
    EXPECT_EQ(t,
              space_mremap(space, BASE - 2 * PAGE_SIZE, 2 * PAGE_SIZE, 2 * PAGE_SIZE,
                           SPACE_MREMAP_MAYMOVE | SPACE_MREMAP_DONTUNMAP, BASE),
              BASE);
    EXPECT(t, has_mark(space, BASE, 1));
    EXPECT(t, space_is_mapped(space, BASE - 2 * PAGE_SIZE));
    EXPECT(t, space_lookup(space, BASE - 2 * PAGE_SIZE) == 0);
    EXPECT_EQ(t, count_vmas(space), 1);
    EXPECT(t, space_check());
    space_put(space);
}

static void remap_refuses(struct test *t)
{
    struct space *space = space_create();
    REQUIRE(t, space != NULL);
    EXPECT_EQ(t, map_at(space, BASE, 2 * PAGE_SIZE, SPACE_FIXED), BASE);
    EXPECT_EQ(t, space_mremap(space, BASE + 1, PAGE_SIZE, PAGE_SIZE, 0, 0), -EINVAL);
    EXPECT_EQ(t, space_mremap(space, BASE, PAGE_SIZE, 0, 0, 0), -EINVAL);
    EXPECT_EQ(t, space_mremap(space, BASE, PAGE_SIZE, PAGE_SIZE, 8, 0), -EINVAL);
    EXPECT_EQ(t, space_mremap(space, BASE, PAGE_SIZE, PAGE_SIZE, SPACE_MREMAP_FIXED, 0),
              -EINVAL);
    EXPECT_EQ(t, space_mremap(space, BASE, 0, PAGE_SIZE, SPACE_MREMAP_MAYMOVE, 0), -EINVAL);
    EXPECT_EQ(t, space_mremap(space, BASE - PAGE_SIZE, PAGE_SIZE, PAGE_SIZE, 0, 0), -EFAULT);
    EXPECT_EQ(t, space_mremap(space, BASE, 3 * PAGE_SIZE, 4 * PAGE_SIZE, 0, 0), -EFAULT);
    EXPECT_EQ(t,
              space_mremap(space, BASE, 2 * PAGE_SIZE, 2 * PAGE_SIZE,
                           SPACE_MREMAP_MAYMOVE | SPACE_MREMAP_FIXED, BASE + PAGE_SIZE),
              -EINVAL);
    EXPECT_EQ(t, count_vmas(space), 1);
    space_put(space);
}

/* PROT_NONE keeps the contents, out of everybody's reach. */
static void no_access_keeps_the_contents(struct test *t)
{
    struct space *space = space_create();
    REQUIRE(t, space != NULL);
    EXPECT_EQ(t, map_at(space, BASE, 2 * PAGE_SIZE, SPACE_FIXED), BASE);
    mark(space, BASE, 9);
    EXPECT_EQ(t, space_protect(space, BASE, PAGE_SIZE, 0), 0);
    EXPECT_EQ(t, space_lookup(space, BASE) & PTE_PRESENT, 0);
    EXPECT_EQ(t, fault_handle(space, BASE, READ_FAULT), -EACCES);
    space_get_stats(space, &stats);
    EXPECT_EQ(t, stats.resident, 1);
    EXPECT(t, space_check());
    EXPECT_EQ(t,
              space_mremap(space, BASE, PAGE_SIZE, PAGE_SIZE,
                           SPACE_MREMAP_MAYMOVE | SPACE_MREMAP_FIXED, BASE + MiB),
              BASE + MiB);
    EXPECT_EQ(t, space_protect(space, BASE + MiB, PAGE_SIZE, RW), 0);
    EXPECT(t, has_mark(space, BASE + MiB, 9));
    EXPECT(t, space_lookup(space, BASE + MiB) & PTE_WRITE);
    space_put(space);
}

/* Holes end mprotect half-way, and madvise only in its result. */
static void holes(struct test *t)
{
    struct space *space = space_create();
    REQUIRE(t, space != NULL);
    EXPECT_EQ(t, map_at(space, BASE, PAGE_SIZE, SPACE_FIXED), BASE);
    EXPECT_EQ(t, map_at(space, BASE + 2 * PAGE_SIZE, PAGE_SIZE, SPACE_FIXED),
              BASE + 2 * PAGE_SIZE);
    mark(space, BASE, 1);
    mark(space, BASE + 2 * PAGE_SIZE, 3);
    EXPECT_EQ(t, space_advise(space, BASE, 3 * PAGE_SIZE, SPACE_ADV_DONTNEED), -ENOMEM);
    EXPECT(t, space_lookup(space, BASE) == 0 && space_lookup(space, BASE + 2 * PAGE_SIZE) == 0);
    EXPECT_EQ(t, space_protect(space, BASE, 3 * PAGE_SIZE, VMA_READ), -ENOMEM);
    EXPECT_EQ(t, fault_handle(space, BASE, WRITE_FAULT), -EACCES);
    EXPECT_EQ(t, fault_handle(space, BASE + 2 * PAGE_SIZE, WRITE_FAULT), 0);
    space_put(space);
}

static void limits_are_kept(struct test *t)
{
    struct space *space = space_create();
    REQUIRE(t, space != NULL);
    space->limits.address_space = 10 * PAGE_SIZE;
    EXPECT_EQ(t, map_at(space, BASE, 8 * PAGE_SIZE, SPACE_FIXED), BASE);
    EXPECT_EQ(t, map_at(space, 0, 3 * PAGE_SIZE, SPACE_ANYWHERE), -ENOMEM);
    EXPECT_EQ(t, map_at(space, BASE, 10 * PAGE_SIZE, SPACE_FIXED), BASE); /* adds only two */
    EXPECT_EQ(t, map_at(space, BASE, 11 * PAGE_SIZE, SPACE_FIXED), -ENOMEM);
    EXPECT_EQ(
        t, space_mremap(space, BASE, 10 * PAGE_SIZE, 11 * PAGE_SIZE, SPACE_MREMAP_MAYMOVE, 0),
        -ENOMEM);
    space->limits = (struct space_limits){ SPACE_UNLIMITED, 12 * PAGE_SIZE, PAGE_SIZE };
    EXPECT_EQ(t, map_at(space, 0, 3 * PAGE_SIZE, SPACE_ANYWHERE), -ENOMEM); /* RLIMIT_DATA */
    space->limits.data = SPACE_UNLIMITED;
    EXPECT_EQ(t, map_at(space, 0, (buddy_managed_frames() + 1) * PAGE_SIZE, SPACE_ANYWHERE),
              -ENOMEM);
    space_put(space);
}

/* The code segment ends with the highest executable range. */
static void exec_end_follows(struct test *t)
{
    struct space *space = space_create();
    REQUIRE(t, space != NULL);
    EXPECT_EQ(t, space->exec_end, 0);
    EXPECT_EQ(t, space_map(space, BASE, BASE + PAGE_SIZE, VMA_READ | VMA_EXEC, NULL), 0);
    EXPECT_EQ(t, space->exec_end, BASE + PAGE_SIZE);
    EXPECT_EQ(t, map_at(space, 0, 2 * PAGE_SIZE, SPACE_ANYWHERE), TOP - 2 * PAGE_SIZE);
    EXPECT_EQ(t, space_protect(space, TOP - 2 * PAGE_SIZE, PAGE_SIZE, VMA_READ | VMA_EXEC), 0);
    EXPECT_EQ(t, space->exec_end, TOP - PAGE_SIZE);
    struct vma_info info;
    REQUIRE(t, space_get_vma(space, 2, &info));
    EXPECT(t, !info.executable_by_limit);
    EXPECT_EQ(t, space_unmap(space, TOP - 2 * PAGE_SIZE, 2 * PAGE_SIZE), 0);
    EXPECT_EQ(t, space->exec_end, BASE + PAGE_SIZE);
    EXPECT_EQ(t, space_protect(space, BASE, PAGE_SIZE, VMA_READ), 0);
    EXPECT_EQ(t, space->exec_end, 0);
    space_put(space);
}

/* clang-format off */
const struct test_case test_cases[] = {
    TEST(from_the_top_downwards),
    TEST(bad_requests),
    TEST(fixed_replaces),
    TEST(refused_replacement_keeps_the_old),
    TEST(parts_of_the_heap),
    TEST(an_empty_heap_is_in_nobodys_way),
    TEST(remap_moves),
    TEST(remap_next_door),
    TEST(remap_refuses),
    TEST(no_access_keeps_the_contents),
    TEST(holes),
    TEST(limits_are_kept),
    TEST(exec_end_follows),
};
/* clang-format on */
const unsigned test_case_count = ARRAY_SIZE(test_cases);
