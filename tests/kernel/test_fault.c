/* tests/kernel/test_fault.c - page faults: every cause, counted exactly, with the frame that it should
 * give; and the explanation of those that have no answer. */
#include "tests/kernel/test.h"

#include "kernel/lib/errno.h"
#include "kernel/lib/layout.h"
#include "mm/buddy.h"
#include "mm/fault.h"
#include "mm/kmap.h"
#include "mm/space.h"

#define BASE 0x10000000u
#define PAGES 16u
#define RW (VMA_READ | VMA_WRITE)
#define READ_FAULT PF_USER
#define WRITE_FAULT (PF_USER | PF_WRITE)

static struct space_stats stats;

static struct space *make_space(struct test *t, unsigned flags)
{
    struct space *space = space_create();
    EXPECT(t, space != NULL);
    if (space != NULL)
        EXPECT_EQ(t, space_map(space, BASE, BASE + PAGES * PAGE_SIZE, flags, NULL), 0);
    return space;
}

static pfn_t pfn_of(struct space *space, uaddr_t address)
{
    return paging_lookup(&space->directory, address) >> PAGE_SHIFT;
}

static bool page_has_byte(struct space *space, uaddr_t address, uint8_t byte)
{
    void *bytes = kmap(pfn_to_page(pfn_of(space, address)));
    bool same = test_is_byte(bytes, PAGE_SIZE, byte);
    kunmap(bytes);
    return same;
}

/* Exactly so many faults of one cause, and `others` of all other causes together. */
static void expect_faults(struct test *t, struct space *space, enum fault_cause cause,
                          uint64_t count, uint64_t others)
{
    uint64_t rest = 0;
    space_get_stats(space, &stats);
    EXPECT_EQ(t, stats.faults[cause], count);
    for (unsigned i = 0; i < FAULT_CAUSE_COUNT; i++)
        rest += i == cause ? 0 : stats.faults[i];
    EXPECT_EQ(t, rest, others);
}

/* --- anonymous memory --------------------------------------------------------------------------- */

/* Reads of untouched memory all see one frame, and cost no memory but a page table. */
static void reads_share_the_zero_frame(struct test *t)
{
    struct space *space = make_space(t, RW);
    REQUIRE(t, space != NULL);
    uint32_t free_before = buddy_free_frames();
    for (unsigned i = 0; i < PAGES; i++)
        EXPECT_EQ(t, fault_handle(space, BASE + i * PAGE_SIZE + 4 * i, READ_FAULT), 0);
    for (unsigned i = 0; i < PAGES; i++) {
        EXPECT_EQ(t, pfn_of(space, BASE + i * PAGE_SIZE), page_to_pfn(space_zero_page()));
        EXPECT_EQ(t, paging_lookup(&space->directory, BASE + i * PAGE_SIZE) & PTE_WRITE, 0);
    }
    EXPECT(t, page_has_byte(space, BASE, 0));
    EXPECT_EQ(t, buddy_free_frames(), free_before - 1);
    expect_faults(t, space, FAULT_ZERO_READ, PAGES, 0);
    EXPECT_EQ(t, stats.resident, 0);
    space_destroy(space);
}

static void write_gets_a_private_zeroed_frame(struct test *t)
{
    struct space *space = make_space(t, RW);
    REQUIRE(t, space != NULL);
    for (unsigned i = 0; i < PAGES; i++)
        EXPECT_EQ(t, fault_handle(space, BASE + i * PAGE_SIZE, WRITE_FAULT), 0);
    for (unsigned i = 0; i < PAGES; i++) {
        struct page *page = pfn_to_page(pfn_of(space, BASE + i * PAGE_SIZE));
        EXPECT_EQ(t, page->kind, PAGE_ANON);
        EXPECT_EQ(t, page->refs, 1);
        EXPECT(t, page_has_byte(space, BASE + i * PAGE_SIZE, 0));
        EXPECT(t, paging_lookup(&space->directory, BASE + i * PAGE_SIZE) & PTE_WRITE);
        EXPECT(t, paging_lookup(&space->directory, BASE + i * PAGE_SIZE) & PTE_USER);
    }
    expect_faults(t, space, FAULT_ANON, PAGES, 0);
    EXPECT_EQ(t, stats.resident, PAGES);
    space_destroy(space);
}

/* The zero frame itself stays zero: the writer gets another one. */
static void write_after_read_replaces_the_zero_frame(struct test *t)
{
    struct space *space = make_space(t, RW);
    REQUIRE(t, space != NULL);
    EXPECT_EQ(t, fault_handle(space, BASE, READ_FAULT), 0);
    EXPECT_EQ(t, fault_handle(space, BASE, WRITE_FAULT | PF_PRESENT), 0);
    EXPECT(t, pfn_of(space, BASE) != page_to_pfn(space_zero_page()));
    EXPECT(t, page_has_byte(space, BASE, 0));
    void *bytes = kmap(pfn_to_page(pfn_of(space, BASE)));
    memset(bytes, 1, PAGE_SIZE);
    kunmap(bytes);
    EXPECT_EQ(t, fault_handle(space, BASE + PAGE_SIZE, READ_FAULT), 0);
    EXPECT(t, page_has_byte(space, BASE + PAGE_SIZE, 0));
    expect_faults(t, space, FAULT_ZERO_WRITE, 1, 2);
    EXPECT_EQ(t, stats.resident, 1);
    space_destroy(space);
}

/* In read-only memory a read maps the zero frame, and a write has no answer ever. */
static void read_only_memory(struct test *t)
{
    struct space *space = make_space(t, VMA_READ);
    REQUIRE(t, space != NULL);
    EXPECT_EQ(t, fault_handle(space, BASE, WRITE_FAULT), -EFAULT);
    EXPECT_EQ(t, fault_handle(space, BASE, READ_FAULT), 0);
    EXPECT_EQ(t, fault_handle(space, BASE, WRITE_FAULT | PF_PRESENT), -EFAULT);
    EXPECT_EQ(t, pfn_of(space, BASE), page_to_pfn(space_zero_page()));
    expect_faults(t, space, FAULT_BAD, 2, 1);
    space_destroy(space);
}

/* A fault on a page that is there already (another thread was faster) changes nothing. */
static void spurious_faults_change_nothing(struct test *t)
{
    struct space *space = make_space(t, RW);
    REQUIRE(t, space != NULL);
    EXPECT_EQ(t, fault_handle(space, BASE, WRITE_FAULT), 0);
    pte_t entry = paging_lookup(&space->directory, BASE);
    uint32_t free_before = buddy_free_frames();
    EXPECT_EQ(t, fault_handle(space, BASE, WRITE_FAULT), 0);
    EXPECT_EQ(t, fault_handle(space, BASE, READ_FAULT), 0);
    EXPECT_EQ(t, paging_lookup(&space->directory, BASE), entry);
    EXPECT_EQ(t, buddy_free_frames(), free_before);
    expect_faults(t, space, FAULT_SPURIOUS, 2, 1);
    EXPECT_EQ(t, stats.resident, 1);
    space_destroy(space);
}

/* --- a program's contents ----------------------------------------------------------------------- */

static uint8_t file[3 * PAGE_SIZE];

/* Bytes of the file, then zeros, page by page as they are touched. */
static void file_pages_are_filled(struct test *t)
{
    struct vma_backing backing = { "program", file, PAGE_SIZE + 100, 0 };
    struct space *space = space_create();
    REQUIRE(t, space != NULL);
    test_fill(file, sizeof(file), 5);
    EXPECT_EQ(t, space_map(space, BASE, BASE + 3 * PAGE_SIZE, RW, &backing), 0);
    EXPECT_EQ(t, fault_handle(space, BASE + PAGE_SIZE, WRITE_FAULT), 0);
    EXPECT(t, !space_is_resident(space, BASE));
    uint8_t *bytes = kmap(pfn_to_page(pfn_of(space, BASE + PAGE_SIZE)));
    EXPECT_EQ(t, memcmp(bytes, file + PAGE_SIZE, 100), 0);
    EXPECT(t, test_is_byte(bytes + 100, PAGE_SIZE - 100, 0));
    memset(bytes, 0xEE, PAGE_SIZE);
    kunmap(bytes);
    EXPECT(t, test_is_filled(file, sizeof(file), 5)); /* private: the file is not written */
    space_get_stats(space, &stats);
    EXPECT_EQ(t, stats.faults[FAULT_FILE], 1);
    EXPECT_EQ(t, fault_handle(space, BASE, READ_FAULT), 0);
    space_get_stats(space, &stats);
    EXPECT_EQ(t, stats.faults[FAULT_FILE], 2);
    bytes = kmap(pfn_to_page(pfn_of(space, BASE)));
    EXPECT_EQ(t, memcmp(bytes, file, PAGE_SIZE), 0);
    kunmap(bytes);
    space_destroy(space);
}

/* The page after the file's last byte is ordinary zero memory. */
static void pages_behind_the_file_are_zero(struct test *t)
{
    struct vma_backing backing = { "program", file, 100, 0 };
    struct space *space = space_create();
    REQUIRE(t, space != NULL);
    test_fill(file, sizeof(file), 6);
    EXPECT_EQ(t, space_map(space, BASE, BASE + 2 * PAGE_SIZE, RW, &backing), 0);
    EXPECT_EQ(t, fault_handle(space, BASE + PAGE_SIZE, WRITE_FAULT), 0);
    EXPECT(t, page_has_byte(space, BASE + PAGE_SIZE, 0));
    expect_faults(t, space, FAULT_ANON, 1, 0);
    space_destroy(space);
}

/* Splitting a file range must keep the contents at their addresses. */
static void split_file_ranges_keep_their_place(struct test *t)
{
    struct vma_backing backing = { "program", file, sizeof(file), 0 };
    struct space *space = space_create();
    REQUIRE(t, space != NULL);
    test_fill(file, sizeof(file), 7);
    EXPECT_EQ(t, space_map(space, BASE, BASE + 3 * PAGE_SIZE, VMA_READ, &backing), 0);
    EXPECT_EQ(t, space_unmap(space, BASE, BASE + PAGE_SIZE), 0);
    EXPECT_EQ(t, fault_handle(space, BASE + 2 * PAGE_SIZE, READ_FAULT), 0);
    uint8_t *bytes = kmap(pfn_to_page(pfn_of(space, BASE + 2 * PAGE_SIZE)));
    EXPECT_EQ(t, memcmp(bytes, file + 2 * PAGE_SIZE, PAGE_SIZE), 0);
    kunmap(bytes);
    space_destroy(space);
}

/* --- the stack ---------------------------------------------------------------------------------- */

static struct space *make_stack(struct test *t, uint32_t nbytes)
{
    struct space *space = space_create();
    EXPECT(t, space != NULL);
    if (space != NULL)
        EXPECT_EQ(t, space_map_stack(space, USER_STACK_TOP, nbytes), 0);
    return space;
}

static void stack_grows_on_faults(struct test *t)
{
    struct space *space = make_stack(t, PAGE_SIZE);
    struct vma_info info;
    REQUIRE(t, space != NULL);
    EXPECT_EQ(t, fault_handle(space, USER_STACK_TOP - 4, WRITE_FAULT), 0);
    for (unsigned page = 2; page <= 10; page++) {
        EXPECT_EQ(t, fault_handle(space, USER_STACK_TOP - page * PAGE_SIZE, WRITE_FAULT), 0);
        REQUIRE(t, space_get_vma(space, 0, &info));
        EXPECT_EQ(t, info.start, USER_STACK_TOP - page * PAGE_SIZE);
    }
    EXPECT_EQ(t, info.end, USER_STACK_TOP);
    EXPECT_STR(t, info.name, "[stack]");
    expect_faults(t, space, FAULT_STACK, 9, 1);
    EXPECT_EQ(t, stats.resident, 10);
    space_destroy(space);
}

static void stack_stops_at_its_limit(struct test *t)
{
    struct space *space = make_stack(t, PAGE_SIZE);
    REQUIRE(t, space != NULL);
    uaddr_t limit = USER_STACK_TOP - USER_STACK_LIMIT;
    EXPECT_EQ(t, fault_handle(space, limit - 1, WRITE_FAULT), -EFAULT);
    EXPECT_EQ(t, fault_handle(space, limit, WRITE_FAULT), 0);
    EXPECT_EQ(t, fault_handle(space, limit - PAGE_SIZE, WRITE_FAULT), -EFAULT);
    EXPECT_EQ(t, fault_handle(space, USER_STACK_TOP, WRITE_FAULT), -EFAULT);
    space_get_stats(space, &stats);
    EXPECT_EQ(t, stats.virtual_pages, USER_STACK_LIMIT / PAGE_SIZE);
    space_destroy(space);
}

/* A range in the way: the stack keeps a distance and never runs into it. */
static void stack_keeps_its_distance(struct test *t)
{
    struct space *space = make_stack(t, PAGE_SIZE);
    REQUIRE(t, space != NULL);
    uaddr_t other = USER_STACK_TOP - 4 * MiB;
    EXPECT_EQ(t, space_map(space, other - PAGE_SIZE, other, RW, NULL), 0);
    EXPECT_EQ(t, fault_handle(space, other + USER_STACK_GUARD, WRITE_FAULT), 0);
    EXPECT_EQ(t, fault_handle(space, other + PAGE_SIZE, WRITE_FAULT), -EFAULT);
    EXPECT_EQ(t, fault_handle(space, other, WRITE_FAULT), -EFAULT);
    EXPECT(t, space_check());
    space_destroy(space);
}

/* --- no answer ---------------------------------------------------------------------------------- */

static void unmapped_addresses_have_no_answer(struct test *t)
{
    static const uaddr_t addresses[] = {
        0,
        4,
        PAGE_SIZE - 1,
        USER_MIN - 1,
        BASE - 1,
        BASE + PAGES * PAGE_SIZE,
        USER_END - 1,
        USER_END,
        KERNEL_BASE + MiB,
        VMALLOC_START,
        0xFFFFFFFF,
    };
    struct space *space = make_space(t, RW);
    REQUIRE(t, space != NULL);
    for (unsigned i = 0; i < ARRAY_SIZE(addresses); i++) {
        EXPECT_EQ(t, fault_handle(space, addresses[i], READ_FAULT), -EFAULT);
        EXPECT_EQ(t, fault_handle(space, addresses[i], WRITE_FAULT), -EFAULT);
    }
    expect_faults(t, space, FAULT_BAD, 2 * ARRAY_SIZE(addresses), 0);
    EXPECT_EQ(t, stats.resident, 0);
    space_destroy(space);
}

/* Address, access and the nearest mapping: what somebody needs to find his error. */
static void explanations_say_why(struct test *t)
{
    char text[160];
    struct space *space = make_space(t, VMA_READ);
    REQUIRE(t, space != NULL);
    fault_explain(space, 0, WRITE_FAULT, text, sizeof(text));
    EXPECT(t, strstr(text, "user write to a not-present page at") != NULL);
    fault_explain(space, BASE + 4, WRITE_FAULT | PF_PRESENT, text, sizeof(text));
    EXPECT(t, strstr(text, "user write to a protected page at 0x10000004") != NULL);
    fault_explain(space, BASE + PAGES * PAGE_SIZE + 8, READ_FAULT, text, sizeof(text));
    EXPECT(t, strstr(text, "user read of a not-present page at 0x10010008") != NULL);
    EXPECT(t, strstr(text, "10000000-10010000") != NULL);
    EXPECT(t, fault_explain(space, 0, READ_FAULT, text, 8) == text && strlen(text) < 8);
    space_destroy(space);
}

/* Totals add up over spaces, also of those that are gone. */
static void totals_survive_the_space(struct test *t)
{
    struct space_totals before, after;
    space_get_totals(&before);
    struct space *space = make_space(t, RW);
    REQUIRE(t, space != NULL);
    EXPECT_EQ(t, fault_handle(space, BASE, READ_FAULT), 0);
    EXPECT_EQ(t, fault_handle(space, BASE, WRITE_FAULT | PF_PRESENT), 0);
    EXPECT_EQ(t, fault_handle(space, BASE + PAGE_SIZE, WRITE_FAULT), 0);
    EXPECT_EQ(t, fault_handle(space, 0, WRITE_FAULT), -EFAULT);
    space_destroy(space);
    space_get_totals(&after);
    EXPECT_EQ(t, after.faults[FAULT_ZERO_READ] - before.faults[FAULT_ZERO_READ], 1);
    EXPECT_EQ(t, after.faults[FAULT_ZERO_WRITE] - before.faults[FAULT_ZERO_WRITE], 1);
    EXPECT_EQ(t, after.faults[FAULT_ANON] - before.faults[FAULT_ANON], 1);
    EXPECT_EQ(t, after.faults[FAULT_BAD] - before.faults[FAULT_BAD], 1);
}

static void every_cause_has_a_name(struct test *t)
{
    EXPECT_STR(t, fault_cause_name(FAULT_ZERO_READ), "pgfault_zero_read");
    for (unsigned i = 0; i < FAULT_CAUSE_COUNT; i++) {
        const char *name = fault_cause_name((enum fault_cause)i);
        EXPECT_EQ(t, strncmp(name, "pgfault_", 8), 0);
        for (unsigned k = 0; k < i; k++)
            EXPECT(t, strcmp(name, fault_cause_name((enum fault_cause)k)) != 0);
    }
}

/* clang-format off */
const struct test_case test_cases[] = {
    TEST(reads_share_the_zero_frame),
    TEST(write_gets_a_private_zeroed_frame),
    TEST(write_after_read_replaces_the_zero_frame),
    TEST(read_only_memory),
    TEST(spurious_faults_change_nothing),
    TEST(file_pages_are_filled),
    TEST(pages_behind_the_file_are_zero),
    TEST(split_file_ranges_keep_their_place),
    TEST(stack_grows_on_faults),
    TEST(stack_stops_at_its_limit),
    TEST(stack_keeps_its_distance),
    TEST(unmapped_addresses_have_no_answer),
    TEST(explanations_say_why),
    TEST(totals_survive_the_space),
    TEST(every_cause_has_a_name),
};
/* clang-format on */
const unsigned test_case_count = ARRAY_SIZE(test_cases);
