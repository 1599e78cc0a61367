/* tests/kernel/test_fault.c - page faults: every cause, counted exactly, with the frame that it should
 * give; and the explanation of those that have no answer. */
#include "tests/kernel/test.h"

#include "kernel/lib/errno.h"
#include "kernel/lib/layout.h"
#include "mm/buddy.h"
#include "mm/fault.h"
#include "mm/kmap.h"
#include "mm/pagecache.h"
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
    space_put(space);
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
    space_put(space);
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
    space_put(space);
}

/* In read-only memory a read maps the zero frame, and a write has no answer ever. */
static void read_only_memory(struct test *t)
{
    struct space *space = make_space(t, VMA_READ);
    REQUIRE(t, space != NULL);
    EXPECT_EQ(t, fault_handle(space, BASE, WRITE_FAULT), -EACCES);
    EXPECT_EQ(t, fault_handle(space, BASE, READ_FAULT), 0);
    EXPECT_EQ(t, fault_handle(space, BASE, WRITE_FAULT | PF_PRESENT), -EACCES);
    EXPECT_EQ(t, pfn_of(space, BASE), page_to_pfn(space_zero_page()));
    expect_faults(t, space, FAULT_BAD, 2, 1);
    space_put(space);
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
    space_put(space);
}

/* --- files -------------------------------------------------------------------------------------- */

static uint8_t source[3 * PAGE_SIZE];
static struct page_cache file;
static unsigned released;

static void release_file(struct page_cache *cache)
{
    released += cache == &file;
}

static void name_file(const struct page_cache *cache, struct page_cache_name *name)
{
    (void)cache;
    *name = (struct page_cache_name){ .inode = 7, .path = "/test" };
}

static const struct page_cache_ops file_ops = { .release = release_file,
                                                .get_name = name_file };

/* A file of nbytes, mapped from its start at BASE.  Its own reference goes at once: it lives as long
 * as it is mapped. */
static struct space *map_file(struct test *t, uint32_t nbytes, unsigned flags, uaddr_t file_end)
{
    struct vma_backing backing = { &file, 0u - BASE / PAGE_SIZE, file_end };
    struct space *space = space_create();
    if (!EXPECT(t, space != NULL))
        return NULL;
    test_fill(source, sizeof(source), 5);
    released = 0;
    pagecache_setup(&file, &file_ops, source, nbytes);
    EXPECT_EQ(t, space_map(space, BASE, BASE + 4 * PAGE_SIZE, flags, &backing), 0);
    pagecache_put(&file);
    return space;
}

static struct page *page_at(struct space *space, uaddr_t address)
{
    return pfn_to_page(pfn_of(space, address));
}

static bool page_is_copy_of(struct space *space, uaddr_t address, const uint8_t *bytes,
                            size_t n)
{
    uint8_t *window = kmap(page_at(space, address));
    bool same = memcmp(window, bytes, n) == 0 && test_is_byte(window + n, PAGE_SIZE - n, 0);
    kunmap(window);
    return same;
}

/* A read maps the cache's own page, and writing it later copies it: COW. */
static void private_read_maps_the_cached_page(struct test *t)
{
    struct space *space = map_file(t, sizeof(source), RW, VMA_WHOLE_FILE);
    REQUIRE(t, space != NULL);
    EXPECT_EQ(t, fault_handle(space, BASE + PAGE_SIZE, READ_FAULT), 0);
    struct page *cached = page_at(space, BASE + PAGE_SIZE);
    EXPECT_EQ(t, cached->kind, PAGE_FILE);
    EXPECT_EQ(t, cached->refs, 2);
    EXPECT_EQ(t, space_lookup(space, BASE + PAGE_SIZE) & PTE_WRITE, 0);
    EXPECT(t, space_lookup(space, BASE) == 0);
    EXPECT_EQ(t, fault_handle(space, BASE + PAGE_SIZE, WRITE_FAULT | PF_PRESENT), 0);
    EXPECT(t, page_at(space, BASE + PAGE_SIZE) != cached);
    EXPECT_EQ(t, cached->refs, 1);
    EXPECT(t, page_is_copy_of(space, BASE + PAGE_SIZE, source + PAGE_SIZE, PAGE_SIZE));
    expect_faults(t, space, FAULT_COW, 1, 1);
    space_put(space);
    EXPECT_EQ(t, released, 1);
}

static void private_write_copies_at_once(struct test *t)
{
    struct space *space = map_file(t, sizeof(source), RW, VMA_WHOLE_FILE);
    REQUIRE(t, space != NULL);
    EXPECT_EQ(t, fault_handle(space, BASE, WRITE_FAULT), 0);
    EXPECT_EQ(t, page_at(space, BASE)->kind, PAGE_ANON);
    EXPECT(t, page_is_copy_of(space, BASE, source, PAGE_SIZE));
    memset(kmap(page_at(space, BASE)), 0xEE, PAGE_SIZE);
    EXPECT(t, test_is_filled(source, sizeof(source), 5));
    expect_faults(t, space, FAULT_FILE, 1, 0);
    space_put(space);
}

/* The file's bytes, zeros in the rest of their last page, ordinary zero memory behind it. */
static void bss_behind_the_file(struct test *t)
{
    struct space *space = map_file(t, sizeof(source), RW, BASE + PAGE_SIZE + 100);
    REQUIRE(t, space != NULL);
    EXPECT_EQ(t, fault_handle(space, BASE + PAGE_SIZE, READ_FAULT), 0);
    EXPECT_EQ(t, page_at(space, BASE + PAGE_SIZE)->kind, PAGE_ANON);
    EXPECT(t, page_is_copy_of(space, BASE + PAGE_SIZE, source + PAGE_SIZE, 100));
    EXPECT(t, space_lookup(space, BASE + PAGE_SIZE) & PTE_WRITE);
    EXPECT_EQ(t, fault_handle(space, BASE + 2 * PAGE_SIZE, WRITE_FAULT), 0);
    EXPECT(t, page_has_byte(space, BASE + 2 * PAGE_SIZE, 0));
    EXPECT_EQ(t, fault_handle(space, BASE + 3 * PAGE_SIZE, READ_FAULT), 0);
    expect_faults(t, space, FAULT_FILE, 1, 2);
    space_put(space);
}

static void no_page_behind_the_end_of_the_file(struct test *t)
{
    struct space *space = map_file(t, PAGE_SIZE + 1, VMA_READ, VMA_WHOLE_FILE);
    REQUIRE(t, space != NULL);
    EXPECT_EQ(t, fault_handle(space, BASE + PAGE_SIZE, READ_FAULT), 0);
    EXPECT(t, page_is_copy_of(space, BASE + PAGE_SIZE, source + PAGE_SIZE, 1));
    EXPECT_EQ(t, fault_handle(space, BASE + 2 * PAGE_SIZE, READ_FAULT), -ENXIO);
    expect_faults(t, space, FAULT_BAD, 1, 1);
    space_put(space);
}

/* Two spaces see each other's writes; the page is marked dirty before the first. */
static void shared_writes_are_seen(struct test *t)
{
    struct space *a = map_file(t, sizeof(source), RW | VMA_SHARED, VMA_WHOLE_FILE);
    REQUIRE(t, a != NULL);
    struct vma_backing backing = { &file, 0u - 2 * BASE / PAGE_SIZE, VMA_WHOLE_FILE };
    struct space *b = space_create();
    REQUIRE(t, b != NULL);
    EXPECT_EQ(t, space_map(b, 2 * BASE, 2 * BASE + PAGE_SIZE, RW | VMA_SHARED, &backing), 0);
    EXPECT_EQ(t, fault_handle(a, BASE, READ_FAULT), 0);
    EXPECT_EQ(t, page_at(a, BASE)->kind, PAGE_FILE);
    EXPECT_EQ(t, space_lookup(a, BASE) & PTE_WRITE, 0);
    EXPECT_EQ(t, fault_handle(a, BASE, WRITE_FAULT | PF_PRESENT), 0);
    EXPECT_EQ(t, page_at(a, BASE)->kind, PAGE_SHMEM);
    EXPECT(t, space_lookup(a, BASE) & PTE_WRITE);
    EXPECT_EQ(t, fault_handle(b, 2 * BASE, READ_FAULT), 0);
    EXPECT_PTR(t, page_at(b, 2 * BASE), page_at(a, BASE));
    EXPECT_EQ(t, page_at(a, BASE)->refs, 3);
    expect_faults(t, a, FAULT_SHARED, 1, 1);
    struct space_totals totals;
    space_get_totals(&totals);
    EXPECT_EQ(t, totals.mapped_pages, 1); /* one page, twice */
    space_put(a);
    space_put(b);
    EXPECT_EQ(t, released, 1);
}

/* The file is cut: pages behind the cut are gone from every space, private copies too. */
static void cut_files_are_forgotten(struct test *t)
{
    struct space *space = map_file(t, sizeof(source), RW, VMA_WHOLE_FILE);
    REQUIRE(t, space != NULL);
    EXPECT_EQ(t, fault_populate(space, BASE, BASE + 2 * PAGE_SIZE, READ_FAULT), 0);
    EXPECT_EQ(t, fault_handle(space, BASE + 2 * PAGE_SIZE, WRITE_FAULT), 0);
    pagecache_resize(&file, PAGE_SIZE);
    EXPECT(t, space_lookup(space, BASE) != 0);
    EXPECT(t, space_lookup(space, BASE + PAGE_SIZE) == 0);
    EXPECT(t, space_lookup(space, BASE + 2 * PAGE_SIZE) == 0);
    EXPECT_EQ(t, fault_handle(space, BASE + PAGE_SIZE, READ_FAULT), -ENXIO);
    space_get_stats(space, &stats);
    EXPECT_EQ(t, stats.resident, 1);
    space_put(space);
}

/* Reclaim takes clean pages out of the page tables; a fault brings them back. */
static void clean_pages_can_be_taken(struct test *t)
{
    struct space *space = map_file(t, sizeof(source), RW, VMA_WHOLE_FILE);
    REQUIRE(t, space != NULL);
    EXPECT_EQ(t, fault_handle(space, BASE, WRITE_FAULT), 0);
    EXPECT_EQ(t, fault_populate(space, BASE + PAGE_SIZE, BASE + 3 * PAGE_SIZE, READ_FAULT), 0);
    EXPECT_EQ(t, space_unmap_clean(1, max_pfn), 1);
    space_get_stats(space, &stats);
    EXPECT_EQ(t, stats.resident, 2);
    EXPECT_EQ(t, space_unmap_clean(UINT32_MAX, max_pfn), 1);
    EXPECT(t, space_lookup(space, BASE) != 0); /* a private copy is not clean */
    EXPECT(t, space_lookup(space, BASE + 2 * PAGE_SIZE) == 0);
    EXPECT_EQ(t, space_in_core(space, BASE + 2 * PAGE_SIZE), 1); /* still in the cache */
    EXPECT_EQ(t, space_in_core(space, BASE + 8 * PAGE_SIZE), -ENOMEM);
    EXPECT_EQ(t, fault_handle(space, BASE + 2 * PAGE_SIZE, READ_FAULT), 0);
    EXPECT(t, page_is_copy_of(space, BASE + 2 * PAGE_SIZE, source + 2 * PAGE_SIZE, PAGE_SIZE));
    space_put(space);
}

/* Splitting a file range must keep the contents at their addresses. */
static void split_file_ranges_keep_their_place(struct test *t)
{
    struct space *space = map_file(t, sizeof(source), VMA_READ, VMA_WHOLE_FILE);
    struct vma_info info;
    REQUIRE(t, space != NULL);
    EXPECT_EQ(t, space_unmap(space, BASE, PAGE_SIZE), 0);
    EXPECT_EQ(t, fault_handle(space, BASE + 2 * PAGE_SIZE, READ_FAULT), 0);
    EXPECT(t, page_is_copy_of(space, BASE + 2 * PAGE_SIZE, source + 2 * PAGE_SIZE, PAGE_SIZE));
    REQUIRE(t, space_get_vma(space, 0, &info));
    EXPECT_EQ(t, info.file_offset, PAGE_SIZE);
    EXPECT_STR(t, info.file.path, "/test");
    EXPECT_EQ(t, info.file_pages, 1);
    EXPECT_EQ(t, info.pss_bytes, PAGE_SIZE);
    space_put(space);
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
    EXPECT_STR(t, info.file.path, "[stack]");
    expect_faults(t, space, FAULT_STACK, 9, 1);
    EXPECT_EQ(t, stats.resident, 10);
    space_put(space);
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
    space_put(space);
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
    space_put(space);
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
    space_put(space);
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

    struct vma_backing backing = { pagecache_create_shared(PAGE_SIZE), 0, VMA_WHOLE_FILE };
    uaddr_t start = BASE + 2 * PAGES * PAGE_SIZE;
    REQUIRE(t, backing.file != NULL);
    backing.page_offset -= start >> PAGE_SHIFT;
    EXPECT_EQ(t, space_map(space, start, start + 2 * PAGE_SIZE, RW | VMA_SHARED, &backing), 0);
    pagecache_put(backing.file);
    EXPECT_EQ(t, fault_handle(space, start + PAGE_SIZE, READ_FAULT), -ENXIO);
    fault_explain(space, start + PAGE_SIZE, READ_FAULT, text, sizeof(text));
    EXPECT(t, strstr(text, "maps a file that ends before it") != NULL);
    space_put(space);
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
    space_put(space);
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
    TEST(private_read_maps_the_cached_page),
    TEST(private_write_copies_at_once),
    TEST(bss_behind_the_file),
    TEST(no_page_behind_the_end_of_the_file),
    TEST(shared_writes_are_seen),
    TEST(cut_files_are_forgotten),
    TEST(clean_pages_can_be_taken),
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
