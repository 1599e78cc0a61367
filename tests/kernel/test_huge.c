/* tests/kernel/test_huge.c - 4 MiB pages of programs: when one comes, what splits it, that no byte and no
 * frame is lost by that, and that whoever cannot have one gets small pages. */
#include "tests/kernel/test.h"

#include "kernel/cpu/cpu.h"
#include "kernel/lib/errno.h"
#include "mm/buddy.h"
#include "mm/fault.h"
#include "mm/inject.h"
#include "mm/kmap.h"
#include "mm/space.h"
#include "mm/space_read.h"

#define HUGE LARGE_PAGE_SIZE
#define HUGE_ORDER 10u
#define PAGES PTES_PER_TABLE /* in one */
#define BASE 0x10000000u     /* a multiple of 4 MiB */
#define OTHER 0x20000000u
#define RW (VMA_READ | VMA_WRITE)
#define READ_FAULT PF_USER
#define WRITE_FAULT (PF_USER | PF_WRITE)
#define COW_FAULT (PF_USER | PF_WRITE | PF_PRESENT)

#define NEED_HUGE(t)                                       \
    do {                                                   \
        if (!cpu_has(CPU_PSE))                             \
            SKIP(t, "the processor has 4 KiB pages only"); \
    } while (0)

static struct space_stats stats;
static const struct inject_rule off;

static uint64_t faults(struct space *space, enum fault_cause cause)
{
    space_get_stats(space, &stats);
    return stats.faults[cause];
}

static uint32_t resident(struct space *space)
{
    space_get_stats(space, &stats);
    return stats.resident;
}

static uint32_t huge_pages(const struct space *space)
{
    return space->directory.large;
}

static struct space_huge_stats huge_stats(void)
{
    struct space_huge_stats now;
    space_get_huge_stats(&now);
    return now;
}

static struct page *page_at(struct space *space, uaddr_t address)
{
    return pfn_to_page(space_lookup(space, address) >> PAGE_SHIFT);
}

/* A word at the start of the page. */
static void write_word(struct space *space, uaddr_t address, uint32_t word)
{
    uint32_t *window = kmap(page_at(space, address));
    *window = word;
    kunmap(window);
}

static uint32_t read_word(struct space *space, uaddr_t address)
{
    uint32_t word = 0;
    space_read(space, address, &word, sizeof(word));
    return word;
}

/* [BASE, BASE + nbytes), advised. */
static struct space *make_space(struct test *t, uint32_t nbytes, unsigned flags)
{
    struct space *space = space_create();
    if (EXPECT(t, space != NULL))
        EXPECT_EQ(t, space_map(space, BASE, BASE + nbytes, flags, NULL), 0);
    return space;
}

/* The first 4 MiB are there, and page i has the word i + 1. */
static struct space *make_filled(struct test *t, uint32_t nbytes)
{
    struct space *space = make_space(t, nbytes, RW | VMA_HUGEPAGE);
    if (!space || !EXPECT_EQ(t, fault_handle(space, BASE, WRITE_FAULT), 0) ||
        !EXPECT_EQ(t, huge_pages(space), 1)) {
        return NULL;
    }
    for (unsigned i = 0; i < PAGES; i++)
        write_word(space, BASE + i * PAGE_SIZE, i + 1);
    return space;
}

/* Pages [first, end) of the 4 MiB at `start` are as they were. */
static bool has_words(struct space *space, uaddr_t start, unsigned first, unsigned end)
{
    for (unsigned i = first; i < end; i++)
        if (space_lookup(space, start + i * PAGE_SIZE) == 0 ||
            read_word(space, start + i * PAGE_SIZE) != i + 1)
            return false;
    return true;
}

/* ---- when one comes ---- */

static void the_first_touch_brings_4_mib(struct test *t)
{
    NEED_HUGE(t);
    struct space_huge_stats before = huge_stats();
    struct space *space = make_space(t, 2 * HUGE, RW | VMA_HUGEPAGE);
    EXPECT_EQ(t, fault_handle(space, BASE + 5 * PAGE_SIZE, WRITE_FAULT), 0);
    EXPECT_EQ(t, faults(space, FAULT_HUGE), 1);
    EXPECT_EQ(t, resident(space), PAGES);
    EXPECT_EQ(t, stats.table_frames, 2); /* the directory, and the table set aside */
    struct page *first = page_at(space, BASE);
    EXPECT(t, IS_ALIGNED(page_to_pfn(first), PAGES));
    for (unsigned i = 0; i < PAGES; i++) {
        struct page *page = page_at(space, BASE + i * PAGE_SIZE);
        EXPECT_PTR(t, page, first + i);
        EXPECT(t, page->kind == PAGE_ANON && page->order == 0 && page->refs == 1);
        void *bytes = kmap(page);
        EXPECT(t, test_is_byte(bytes, PAGE_SIZE, 0));
        kunmap(bytes);
    }
    EXPECT_EQ(t, fault_handle(space, BASE + HUGE - 1, WRITE_FAULT), 0);
    EXPECT_EQ(t, faults(space, FAULT_SPURIOUS), 1);
    EXPECT(t, space_lookup(space, BASE + HUGE) == 0);
    EXPECT_EQ(t, fault_handle(space, BASE + HUGE, WRITE_FAULT), 0);
    EXPECT_EQ(t, huge_pages(space), 2);
    EXPECT_EQ(t, huge_stats().pages - before.pages, 2);
    EXPECT_EQ(t, huge_stats().fault_alloc - before.fault_alloc, 2);
    EXPECT(t, space_check());
    space_put(space);
    EXPECT_EQ(t, huge_stats().pages, before.pages);
}

/* A read is enough where it was asked for. */
static void a_read_brings_one_too(struct test *t)
{
    NEED_HUGE(t);
    struct space *space = make_space(t, HUGE, RW | VMA_HUGEPAGE);
    EXPECT_EQ(t, fault_handle(space, BASE, READ_FAULT), 0);
    EXPECT_EQ(t, faults(space, FAULT_HUGE), 1);
    EXPECT(t, space_lookup(space, BASE) & PTE_WRITE);
    space_put(space);
}

/* ... and gives no right that the range has not. */
static void a_read_gives_no_right_to_write(struct test *t)
{
    NEED_HUGE(t);
    struct space *space = make_space(t, HUGE, VMA_READ | VMA_HUGEPAGE);
    EXPECT_EQ(t, fault_handle(space, BASE, READ_FAULT), 0);
    EXPECT_EQ(t, faults(space, FAULT_HUGE), 1);
    EXPECT_EQ(t, space_lookup(space, BASE) & PTE_WRITE, 0);
    EXPECT_EQ(t, fault_handle(space, BASE, WRITE_FAULT), -EACCES);
    EXPECT(t, space_check());
    EXPECT_EQ(t, space_protect(space, BASE, HUGE, RW), 0);
    EXPECT(t, space_lookup(space, BASE) & PTE_WRITE);
    space_put(space);
}

/* Where the range is too short or begins too late, or nobody asked, pages are small. */
static void elsewhere_pages_are_small(struct test *t)
{
    static const struct {
        uaddr_t start, end, touched;
        unsigned flags;
    } cases[] = {
        { BASE + PAGE_SIZE, BASE + HUGE, BASE + PAGE_SIZE, RW | VMA_HUGEPAGE },
        { BASE, BASE + HUGE - PAGE_SIZE, BASE, RW | VMA_HUGEPAGE },
        { BASE + HUGE / 2, BASE + 2 * HUGE - PAGE_SIZE, BASE + HUGE, RW | VMA_HUGEPAGE },
        { BASE, BASE + HUGE, BASE, RW },
        { BASE, BASE + HUGE, BASE, RW | VMA_NOHUGEPAGE },
    };
    for (unsigned i = 0; i < ARRAY_SIZE(cases); i++) {
        struct space *space = space_create();
        REQUIRE(t, space != NULL);
        EXPECT_EQ(t, space_map(space, cases[i].start, cases[i].end, cases[i].flags, NULL), 0);
        EXPECT_EQ(t, fault_handle(space, cases[i].touched, WRITE_FAULT), 0);
        EXPECT_EQ(t, faults(space, FAULT_ANON), 1);
        EXPECT_EQ(t, resident(space), 1);
        space_put(space);
    }
}

/* A page that was there already stays, and with it small pages. */
static void a_table_keeps_pages_small(struct test *t)
{
    struct space *space = make_space(t, HUGE, RW);
    EXPECT_EQ(t, fault_handle(space, BASE, WRITE_FAULT), 0);
    EXPECT_EQ(t, space_advise(space, BASE, HUGE, SPACE_ADV_HUGEPAGE), 0);
    EXPECT_EQ(t, fault_handle(space, BASE + PAGE_SIZE, WRITE_FAULT), 0);
    EXPECT_EQ(t, huge_pages(space), 0);
    EXPECT_EQ(t, resident(space), 2);
    space_put(space);
}

static void without_pse_pages_are_small(struct test *t)
{
    if (cpu_has(CPU_PSE))
        SKIP(t, "the processor has 4 MiB pages");
    struct space *space = make_space(t, HUGE, RW | VMA_HUGEPAGE);
    EXPECT_EQ(t, fault_handle(space, BASE, WRITE_FAULT), 0);
    EXPECT_EQ(t, resident(space), 1);
    EXPECT(t, !huge_stats().supported);
    EXPECT_EQ(t, huge_stats().fault_fallback, 0);
    space_put(space);
}

static void populate_takes_one_step_for_each(struct test *t)
{
    NEED_HUGE(t);
    struct space *space = make_space(t, 2 * HUGE + PAGE_SIZE, RW | VMA_HUGEPAGE);
    EXPECT_EQ(t, fault_populate(space, BASE, BASE + 2 * HUGE + PAGE_SIZE, WRITE_FAULT), 0);
    EXPECT_EQ(t, faults(space, FAULT_HUGE), 2);
    EXPECT_EQ(t, faults(space, FAULT_ANON), 1);
    EXPECT_EQ(t, faults(space, FAULT_SPURIOUS), 0);
    EXPECT_EQ(t, resident(space), 2 * PAGES + 1);
    space_put(space);
}

/* ---- what splits it ---- */

static void unmapping_all_frees_all(struct test *t)
{
    NEED_HUGE(t);
    struct space *space = make_filled(t, 2 * HUGE);
    REQUIRE(t, space != NULL);
    struct space_huge_stats split = huge_stats();
    EXPECT_EQ(t, space_unmap(space, BASE, HUGE), 0);
    EXPECT_EQ(t, resident(space), 0);
    EXPECT_EQ(t, stats.resident_peak, PAGES);
    EXPECT_EQ(t, stats.table_frames, 1);
    EXPECT_EQ(t, huge_stats().split, split.split);
    EXPECT(t, space_check());
    space_put(space);
}

static void unmapping_a_part_splits(struct test *t)
{
    NEED_HUGE(t);
    struct space *space = make_filled(t, HUGE);
    REQUIRE(t, space != NULL);
    struct page *first = page_at(space, BASE);
    uint64_t before = huge_stats().split;
    EXPECT_EQ(t, space_unmap(space, BASE + 10 * PAGE_SIZE, 3 * PAGE_SIZE), 0);
    EXPECT_EQ(t, huge_pages(space), 0);
    EXPECT_EQ(t, resident(space), PAGES - 3);
    EXPECT_EQ(t, stats.table_frames, 2);
    EXPECT_EQ(t, huge_stats().split - before, 1);
    EXPECT(t, has_words(space, BASE, 0, 10) && has_words(space, BASE, 13, PAGES));
    EXPECT_EQ(t, first[10].kind, PAGE_FREE);
    EXPECT_PTR(t, page_at(space, BASE + 13 * PAGE_SIZE), first + 13);
    EXPECT(t, space_check());
    space_put(space);
}

static void dontneed_of_a_part_splits(struct test *t)
{
    NEED_HUGE(t);
    struct space *space = make_filled(t, HUGE);
    REQUIRE(t, space != NULL);
    EXPECT_EQ(t, space_advise(space, BASE, PAGE_SIZE, SPACE_ADV_DONTNEED), 0);
    EXPECT_EQ(t, resident(space), PAGES - 1);
    EXPECT(t, has_words(space, BASE, 1, PAGES));
    EXPECT_EQ(t, fault_handle(space, BASE, WRITE_FAULT), 0);
    EXPECT_EQ(t, read_word(space, BASE), 0);
    EXPECT_EQ(t, space_advise(space, BASE, HUGE, SPACE_ADV_DONTNEED), 0);
    EXPECT_EQ(t, resident(space), 0);
    EXPECT_EQ(t, fault_handle(space, BASE, WRITE_FAULT), 0); /* nothing is left: a new one */
    EXPECT_EQ(t, huge_pages(space), 1);
    EXPECT_EQ(t, read_word(space, BASE + PAGE_SIZE), 0);
    EXPECT(t, space_check());
    space_put(space);
}

static void protecting_all_keeps_it(struct test *t)
{
    NEED_HUGE(t);
    struct space *space = make_filled(t, HUGE);
    REQUIRE(t, space != NULL);
    pte_t rights = PTE_PRESENT | PTE_WRITE | PTE_NO_ACCESS;
    EXPECT_EQ(t, space_protect(space, BASE, HUGE, VMA_READ), 0);
    EXPECT_EQ(t, space_lookup(space, BASE + PAGE_SIZE) & rights, PTE_PRESENT);
    EXPECT_EQ(t, fault_handle(space, BASE, WRITE_FAULT), -EACCES);
    EXPECT_EQ(t, space_protect(space, BASE, HUGE, 0), 0);
    EXPECT_EQ(t, space_lookup(space, BASE + PAGE_SIZE) & rights, PTE_NO_ACCESS);
    EXPECT_EQ(t, fault_handle(space, BASE, READ_FAULT), -EACCES);
    EXPECT_EQ(t, resident(space), PAGES);
    EXPECT(t, space_check());
    EXPECT_EQ(t, space_protect(space, BASE, HUGE, RW), 0);
    EXPECT_EQ(t, space_lookup(space, BASE + PAGE_SIZE) & rights, PTE_PRESENT | PTE_WRITE);
    EXPECT_EQ(t, huge_pages(space), 1);
    EXPECT(t, has_words(space, BASE, 0, PAGES));
    EXPECT(t, space_check());
    space_put(space);
}

static void protecting_a_part_splits(struct test *t)
{
    NEED_HUGE(t);
    struct space *space = make_filled(t, HUGE);
    REQUIRE(t, space != NULL);
    EXPECT_EQ(t, space_protect(space, BASE + HUGE / 2, PAGE_SIZE, VMA_READ), 0);
    EXPECT_EQ(t, huge_pages(space), 0);
    EXPECT_EQ(t, space_lookup(space, BASE + HUGE / 2) & PTE_WRITE, 0);
    EXPECT(t, space_lookup(space, BASE + HUGE / 2 + PAGE_SIZE) & PTE_WRITE);
    EXPECT(t, has_words(space, BASE, 0, PAGES));
    EXPECT(t, space_check());
    space_put(space);
}

/* No huge page lies in two ranges, whatever makes them two. */
static void advice_for_a_part_splits(struct test *t)
{
    NEED_HUGE(t);
    struct space *space = make_filled(t, HUGE);
    REQUIRE(t, space != NULL);
    EXPECT_EQ(t, space_advise(space, BASE + PAGE_SIZE, PAGE_SIZE, SPACE_ADV_NOHUGEPAGE), 0);
    EXPECT_EQ(t, huge_pages(space), 0);
    EXPECT(t, has_words(space, BASE, 0, PAGES));
    EXPECT(t, space_check());
    space_put(space);
}

static void the_heap_can_shrink_into_one(struct test *t)
{
    NEED_HUGE(t);
    struct space *space = space_create();
    REQUIRE(t, space != NULL);
    space_set_brk_start(space, BASE);
    EXPECT_EQ(t, space_brk(space, BASE + HUGE), BASE + HUGE);
    EXPECT_EQ(t, space_advise(space, BASE, HUGE, SPACE_ADV_HUGEPAGE), 0);
    EXPECT_EQ(t, fault_handle(space, BASE, WRITE_FAULT), 0);
    EXPECT_EQ(t, huge_pages(space), 1);
    EXPECT_EQ(t, space_brk(space, BASE + HUGE - PAGE_SIZE), BASE + HUGE - PAGE_SIZE);
    EXPECT_EQ(t, resident(space), PAGES - 1);
    EXPECT(t, space_check());
    space_put(space);
}

/* ---- collapse ---- */

static void collapse_joins_small_pages(struct test *t)
{
    NEED_HUGE(t);
    struct space *space = make_space(t, 2 * HUGE, RW);
    for (unsigned i = 0; i < PAGES; i += 3) {
        EXPECT_EQ(t, fault_handle(space, BASE + i * PAGE_SIZE, WRITE_FAULT), 0);
        write_word(space, BASE + i * PAGE_SIZE, i + 1);
    }
    EXPECT_EQ(t, fault_handle(space, BASE + PAGE_SIZE, READ_FAULT), 0); /* the zero frame */
    struct inject_rule rule = { .what = INJECT_PAGE, .mode = INJECT_NTH, .n = 1 };
    inject_set(&rule);
    EXPECT_EQ(t, space_advise(space, BASE, HUGE, SPACE_ADV_COLLAPSE), -ENOMEM);
    inject_set(&off);
    EXPECT_EQ(t, space_advise(space, BASE, HUGE, SPACE_ADV_COLLAPSE), 0);
    EXPECT_EQ(t, huge_pages(space), 1);
    EXPECT_EQ(t, resident(space), PAGES);
    for (unsigned i = 0; i < PAGES; i++)
        EXPECT_EQ(t, read_word(space, BASE + i * PAGE_SIZE), i % 3 == 0 ? i + 1 : 0);
    EXPECT(t, space_lookup(space, BASE) & PTE_WRITE);
    EXPECT_EQ(t, space_advise(space, BASE, HUGE, SPACE_ADV_COLLAPSE), 0);
    EXPECT_EQ(t, space_advise(space, BASE + PAGE_SIZE, HUGE, SPACE_ADV_COLLAPSE), 0); /* none */
    EXPECT(t, space_check());
    space_put(space);
}

static void collapse_refuses(struct test *t)
{
    NEED_HUGE(t);
    struct space *space = make_space(t, HUGE + PAGE_SIZE, RW);
    EXPECT_EQ(t, space_advise(space, BASE, HUGE, SPACE_ADV_COLLAPSE), -EINVAL); /* empty */
    EXPECT_EQ(t, fault_handle(space, BASE, WRITE_FAULT), 0);
    EXPECT_EQ(t, space_advise(space, BASE, HUGE, SPACE_ADV_NOHUGEPAGE), 0);
    EXPECT_EQ(t, space_advise(space, BASE, HUGE, SPACE_ADV_COLLAPSE), -EINVAL);
    EXPECT_EQ(t, space_advise(space, BASE, HUGE, SPACE_ADV_HUGEPAGE), 0);
    struct space *child = space_fork(space);
    REQUIRE(t, child != NULL);
    EXPECT_EQ(t, space_advise(space, BASE, HUGE, SPACE_ADV_COLLAPSE), -EINVAL); /* read-only */
    space_put(child);
    EXPECT_EQ(t, space_unmap(space, BASE + HUGE - PAGE_SIZE, PAGE_SIZE), 0);
    EXPECT_EQ(t, space_advise(space, BASE, PAGE_SIZE, SPACE_ADV_COLLAPSE), -EINVAL); /* short */
    EXPECT_EQ(t, huge_pages(space), 0);
    EXPECT(t, space_check());
    space_put(space);
}

/* What cannot be joined is reported, and does not keep the rest from being joined. */
static void collapse_goes_on_behind_what_it_refuses(struct test *t)
{
    NEED_HUGE(t);
    struct space *space = make_space(t, 3 * HUGE, RW);
    EXPECT_EQ(t, fault_handle(space, BASE, WRITE_FAULT), 0);
    EXPECT_EQ(t, fault_handle(space, BASE + 2 * HUGE, WRITE_FAULT), 0);
    EXPECT_EQ(t, space_advise(space, BASE, 3 * HUGE, SPACE_ADV_COLLAPSE), -EINVAL);
    EXPECT_EQ(t, huge_pages(space), 2);
    EXPECT_EQ(t, resident(space), 2 * PAGES);
    EXPECT(t, space_check());
    space_put(space);
}

/* Large ranges are given back in portions; those must not split what goes as a whole. */
static void portions_split_nothing(struct test *t)
{
    NEED_HUGE(t);
    struct space *space = space_create();
    REQUIRE(t, space != NULL);
    uaddr_t start = BASE - 5 * PAGE_SIZE;
    uint32_t nbytes = 3 * HUGE;
    space_set_brk_start(space, start);
    EXPECT_EQ(t, space_brk(space, start + nbytes), start + nbytes);
    EXPECT_EQ(t, space_advise(space, start, nbytes, SPACE_ADV_HUGEPAGE), 0);
    uint64_t before = huge_stats().split;
    for (unsigned round = 0; round < 2; round++) {
        EXPECT_EQ(t, fault_populate(space, start, start + nbytes, WRITE_FAULT), 0);
        EXPECT_EQ(t, huge_pages(space), 2);
        if (round == 0)
            EXPECT_EQ(t, space_advise(space, start, nbytes, SPACE_ADV_DONTNEED), 0);
        else
            EXPECT_EQ(t, space_brk(space, start), start);
        EXPECT_EQ(t, resident(space), 0);
    }
    EXPECT_EQ(t, huge_stats().split, before);
    space_put(space);
}

/* ---- fork ---- */

static void fork_shares_it_whole(struct test *t)
{
    NEED_HUGE(t);
    struct space *parent = make_filled(t, HUGE);
    REQUIRE(t, parent != NULL);
    uint32_t before = huge_stats().pages;
    struct space *child = space_fork(parent);
    REQUIRE(t, child != NULL);
    EXPECT_EQ(t, huge_pages(parent) + huge_pages(child), 2);
    EXPECT_EQ(t, huge_stats().pages, before); /* the same frames */
    EXPECT_EQ(t, resident(child), PAGES);
    EXPECT_EQ(t, page_at(child, BASE + PAGE_SIZE)->refs, 2);
    EXPECT_EQ(t, space_lookup(parent, BASE) & PTE_WRITE, 0);
    EXPECT_EQ(t, space_lookup(child, BASE) & PTE_WRITE, 0);
    EXPECT(t, space_check());
    space_put(parent);
    EXPECT(t, has_words(child, BASE, 0, PAGES));
    EXPECT_EQ(t, huge_stats().pages, before);
    space_put(child);
}

/* Who writes first gets small pages and a copy of one; the other keeps the huge page. */
static void a_write_copies_one_page(struct test *t)
{
    NEED_HUGE(t);
    for (unsigned child_first = 0; child_first < 2; child_first++) {
        struct space *parent = make_filled(t, HUGE);
        REQUIRE(t, parent != NULL);
        struct space *child = space_fork(parent);
        REQUIRE(t, child != NULL);
        struct space *first = child_first ? child : parent,
                     *second = child_first ? parent : child;
        uaddr_t address = BASE + 7 * PAGE_SIZE;
        EXPECT_EQ(t, fault_handle(first, address, COW_FAULT), 0);
        write_word(first, address, 0xABCD);
        EXPECT_EQ(t, faults(first, FAULT_COW), 1);
        EXPECT(t, huge_pages(first) == 0 && huge_pages(second) == 1);
        EXPECT(t, has_words(second, BASE, 0, PAGES));
        EXPECT(t, has_words(first, BASE, 0, 7) && has_words(first, BASE, 8, PAGES));
        EXPECT_EQ(t, read_word(first, address), 0xABCD);
        EXPECT(t, space_check());
        EXPECT_EQ(t, fault_handle(second, address, COW_FAULT), 0); /* alone with it now */
        EXPECT_EQ(t, faults(second, FAULT_REUSE), 1);
        EXPECT_EQ(t, huge_pages(second), 0);
        EXPECT(t, space_check());
        space_put(first);
        EXPECT(t, has_words(second, BASE, 0, PAGES));
        space_put(second);
    }
}

static void the_last_user_writes_without_a_split(struct test *t)
{
    NEED_HUGE(t);
    struct space *parent = make_filled(t, HUGE);
    REQUIRE(t, parent != NULL);
    struct space *child = space_fork(parent);
    REQUIRE(t, child != NULL);
    space_put(child);
    EXPECT_EQ(t, fault_handle(parent, BASE + PAGE_SIZE, COW_FAULT), 0);
    EXPECT_EQ(t, faults(parent, FAULT_REUSE), 1);
    EXPECT_EQ(t, huge_pages(parent), 1);
    EXPECT(t, space_lookup(parent, BASE) & PTE_WRITE);
    EXPECT(t, has_words(parent, BASE, 0, PAGES));
    space_put(parent);
}

/* A frame that a child keeps must not become writable by mprotect either. */
static void rights_after_a_fork(struct test *t)
{
    NEED_HUGE(t);
    struct space *parent = make_filled(t, HUGE);
    REQUIRE(t, parent != NULL);
    struct space *child = space_fork(parent);
    REQUIRE(t, child != NULL);
    EXPECT_EQ(t, space_unmap(child, BASE, HUGE - PAGE_SIZE), 0);
    EXPECT_EQ(t, space_protect(parent, BASE, HUGE, VMA_READ), 0);
    EXPECT_EQ(t, space_protect(parent, BASE, HUGE, RW), 0);
    EXPECT_EQ(t, space_lookup(parent, BASE) & PTE_WRITE, 0);
    EXPECT_EQ(t, huge_pages(parent), 1);
    EXPECT(t, space_check());
    EXPECT_EQ(t, fault_handle(parent, BASE, COW_FAULT), 0);
    EXPECT_EQ(t, faults(parent, FAULT_COW), 0);
    EXPECT_EQ(t, fault_handle(parent, BASE + HUGE - PAGE_SIZE, COW_FAULT), 0);
    EXPECT_EQ(t, faults(parent, FAULT_COW), 1);
    EXPECT(t, has_words(child, BASE, PAGES - 1, PAGES));
    EXPECT(t, space_check());
    space_put(child);
    space_put(parent);
}

/* ---- mremap ---- */

static void an_aligned_move_keeps_it(struct test *t)
{
    NEED_HUGE(t);
    struct space *space = make_filled(t, 2 * HUGE);
    REQUIRE(t, space != NULL);
    EXPECT_EQ(t, fault_handle(space, BASE + HUGE + PAGE_SIZE, WRITE_FAULT), 0);
    struct page *first = page_at(space, BASE);
    unsigned flags = SPACE_MREMAP_MAYMOVE | SPACE_MREMAP_FIXED;
    EXPECT_EQ(t, space_mremap(space, BASE, 2 * HUGE, 2 * HUGE, flags, OTHER), OTHER);
    EXPECT_EQ(t, huge_pages(space), 2);
    EXPECT_PTR(t, page_at(space, OTHER), first);
    EXPECT(t, space_lookup(space, BASE) == 0);
    EXPECT(t, has_words(space, OTHER, 0, PAGES));
    EXPECT(t, space_check());
    space_put(space);
}

static void another_move_splits(struct test *t)
{
    NEED_HUGE(t);
    struct space *space = make_filled(t, HUGE);
    REQUIRE(t, space != NULL);
    uaddr_t to = OTHER + 3 * PAGE_SIZE;
    unsigned flags = SPACE_MREMAP_MAYMOVE | SPACE_MREMAP_FIXED;
    EXPECT_EQ(t, space_mremap(space, BASE, HUGE, HUGE, flags, to), to);
    EXPECT_EQ(t, huge_pages(space), 0);
    EXPECT_EQ(t, resident(space), PAGES);
    EXPECT(t, has_words(space, to, 0, PAGES));
    EXPECT(t, space_check());
    space_put(space);
}

/* A part moves to a place that is as far as 4 MiB pages are apart. */
static void a_part_moves_in_small_pages(struct test *t)
{
    NEED_HUGE(t);
    struct space *space = make_filled(t, HUGE);
    REQUIRE(t, space != NULL);
    uaddr_t part = PAGE_SIZE * 100;
    unsigned flags = SPACE_MREMAP_MAYMOVE | SPACE_MREMAP_FIXED;
    EXPECT_EQ(t, space_mremap(space, BASE + part, part, part, flags, OTHER + part),
              OTHER + part);
    EXPECT(t, has_words(space, OTHER, 100, 200));
    EXPECT(t, has_words(space, BASE, 0, 100) && has_words(space, BASE, 200, PAGES));
    EXPECT(t, space_check());
    space_put(space);
}

/* ---- no memory ---- */

static void without_a_block_pages_are_small(struct test *t)
{
    NEED_HUGE(t);
    static struct page *blocks[1024];
    unsigned count = 0;
    struct space *space = make_space(t, HUGE, RW | VMA_HUGEPAGE);
    uint64_t before = huge_stats().fault_fallback;
    while (
        count < ARRAY_SIZE(blocks) &&
        (blocks[count] = buddy_alloc(HUGE_ORDER, PAGE_TEST, PAGE_HIGHMEM_OK | PAGE_NO_RECLAIM)))
        count++;
    EXPECT_EQ(t, fault_handle(space, BASE, WRITE_FAULT), 0);
    EXPECT_EQ(t, faults(space, FAULT_ANON), 1);
    EXPECT_EQ(t, resident(space), 1);
    EXPECT_EQ(t, huge_stats().fault_fallback - before, 1);
    while (count > 0)
        buddy_free(blocks[--count], HUGE_ORDER);
    space_put(space);
}

/* The n-th request for a page fails, for all n: the fault is answered, or says so, and loses nothing. */
static void a_fault_survives_each_failure(struct test *t)
{
    NEED_HUGE(t);
    for (uint32_t n = 1; n <= 4; n++) {
        struct inject_rule rule = { .what = INJECT_PAGE, .mode = INJECT_NTH, .n = n };
        struct space *space = make_space(t, HUGE, RW | VMA_HUGEPAGE);
        inject_set(&rule);
        int error = fault_handle(space, BASE, WRITE_FAULT);
        inject_set(&off);
        EXPECT_EQ(t, error, 0); /* the small pages' table and frame come after both failures */
        EXPECT_EQ(t, resident(space), n <= 2 ? 1 : PAGES);
        EXPECT(t, space_check());
        space_put(space);
    }
}

/* Small pages: a table that was made for a frame that is not to be had goes again. */
static void no_empty_table_stays(struct test *t)
{
    struct space *space = make_space(t, HUGE, RW);
    for (uint32_t n = 1; n <= 2; n++) {
        struct inject_rule rule = { .what = INJECT_PAGE, .mode = INJECT_NTH, .n = n };
        inject_set(&rule);
        EXPECT_EQ(t, fault_handle(space, BASE, WRITE_FAULT), -ENOMEM);
        inject_set(&off);
        EXPECT_EQ(t, resident(space), 0);
        EXPECT_EQ(t, stats.table_frames, 1);
    }
    space_put(space);
}

static void a_fork_survives_each_failure(struct test *t)
{
    NEED_HUGE(t);
    struct space *parent = make_filled(t, 2 * HUGE), *child = NULL;
    REQUIRE(t, parent != NULL);
    EXPECT_EQ(t, fault_handle(parent, BASE + HUGE, WRITE_FAULT), 0);
    uint32_t n = 1;
    for (; !child && n < 20; n++) {
        struct inject_rule rule = { .what = INJECT_PAGE, .mode = INJECT_NTH, .n = n };
        inject_set(&rule);
        child = space_fork(parent);
        inject_set(&off);
        EXPECT(t, space_check());
    }
    EXPECT(t, child != NULL && n > 3); /* the directory, two tables */
    EXPECT(t, has_words(parent, BASE, 0, PAGES));
    if (child)
        space_put(child);
    EXPECT_EQ(t, fault_handle(parent, BASE, COW_FAULT), 0);
    EXPECT_EQ(t, huge_pages(parent), 2);
    space_put(parent);
}

/* What splits needs no page: each of these works when none can be had. */
static void a_split_needs_no_memory(struct test *t)
{
    NEED_HUGE(t);
    struct space *space = make_filled(t, HUGE);
    REQUIRE(t, space != NULL);
    struct inject_rule rule = { .what = INJECT_PAGE, .mode = INJECT_EVERY, .n = 1 };
    inject_set(&rule);
    EXPECT_EQ(t, space_advise(space, BASE + PAGE_SIZE, PAGE_SIZE, SPACE_ADV_DONTNEED), 0);
    inject_set(&off);
    EXPECT_EQ(t, resident(space), PAGES - 1);
    EXPECT(t, has_words(space, BASE, 0, 1) && has_words(space, BASE, 2, PAGES));
    space_put(space);
    space = make_filled(t, HUGE);
    REQUIRE(t, space != NULL);
    rule.what = INJECT_SLAB | INJECT_PAGE;
    inject_set(&rule);
    EXPECT_EQ(t, space_protect(space, BASE, PAGE_SIZE, VMA_READ), -ENOMEM); /* the range's */
    inject_set(&off);
    EXPECT(t, has_words(space, BASE, 0, PAGES));
    EXPECT(t, space_check());
    space_put(space);
}

/* ---- what others see of it ---- */

static void figures_count_it_as_small_pages(struct test *t)
{
    NEED_HUGE(t);
    struct space *space = make_filled(t, 2 * HUGE);
    struct vma_info info;
    struct space_page page;
    REQUIRE(t, space != NULL);
    EXPECT(t, space_get_vma(space, 0, &info));
    EXPECT(t, info.huge == PAGES && info.anon == PAGES && info.resident == PAGES);
    EXPECT_EQ(t, info.pss_bytes, HUGE);
    EXPECT(t, info.huge_eligible);
    EXPECT_EQ(t, space_in_core(space, BASE + HUGE - PAGE_SIZE), 1);
    EXPECT_EQ(t, space_in_core(space, BASE + HUGE), 0);
    space_get_page(space, BASE + 5 * PAGE_SIZE, &page);
    EXPECT(t, page.present && page.exclusive && !page.file);
    EXPECT_EQ(t, page.pfn, page_to_pfn(page_at(space, BASE)) + 5);
    EXPECT(t, page_is_huge(pfn_to_page(page.pfn)));
    EXPECT_EQ(t, space_protect(space, BASE, PAGE_SIZE, VMA_READ), 0);
    EXPECT(t, !page_is_huge(pfn_to_page(page.pfn)));
    space_put(space);
}

const struct test_case test_cases[] = {
    TEST(the_first_touch_brings_4_mib),
    TEST(a_read_brings_one_too),
    TEST(a_read_gives_no_right_to_write),
    TEST(elsewhere_pages_are_small),
    TEST(a_table_keeps_pages_small),
    TEST(without_pse_pages_are_small),
    TEST(populate_takes_one_step_for_each),
    TEST(unmapping_all_frees_all),
    TEST(unmapping_a_part_splits),
    TEST(dontneed_of_a_part_splits),
    TEST(protecting_all_keeps_it),
    TEST(protecting_a_part_splits),
    TEST(advice_for_a_part_splits),
    TEST(the_heap_can_shrink_into_one),
    TEST(collapse_joins_small_pages),
    TEST(collapse_refuses),
    TEST(collapse_goes_on_behind_what_it_refuses),
    TEST(portions_split_nothing),
    TEST(fork_shares_it_whole),
    TEST(a_write_copies_one_page),
    TEST(the_last_user_writes_without_a_split),
    TEST(rights_after_a_fork),
    TEST(an_aligned_move_keeps_it),
    TEST(another_move_splits),
    TEST(a_part_moves_in_small_pages),
    TEST(without_a_block_pages_are_small),
    TEST(a_fault_survives_each_failure),
    TEST(no_empty_table_stays),
    TEST(a_fork_survives_each_failure),
    TEST(a_split_needs_no_memory),
    TEST(figures_count_it_as_small_pages),
};
const unsigned test_case_count = ARRAY_SIZE(test_cases);
