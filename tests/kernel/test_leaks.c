/* tests/kernel/test_leaks.c - memory that is lost on purpose must be found, by its number and by its
 * size, with the name of the function that lost it; and what somebody still holds must not.  The caches
 * are tracked by themselves; frames only with the kernel parameter slab_debug (tests/test_leaks.py). */
#include "tests/kernel/test.h"

#include "kernel/sched/thread.h"
#include "kernel/symbols.h"
#include "mm/buddy.h"
#include "mm/kmalloc.h"
#include "mm/leaks.h"
#include "mm/slab.h"
#include "mm/vmalloc.h"

#define NOINLINE __attribute__((noinline))
#define MANY 1500u /* more than fit on the stack of gray objects */

struct node {
    struct node *next;
    uint32_t data[7];
};

static struct leak_site sites[16];
static struct leak_list list = { .sites = sites, .capacity = ARRAY_SIZE(sites) };
static struct slab_cache *cache;

/* An address in a form in which nobody takes it for one. */
static uintptr_t hidden[MANY];
static struct node *held[MANY];

static uintptr_t hide(const void *pointer)
{
    return ~(uintptr_t)pointer;
}

static struct node *found(uintptr_t number)
{
    return (struct node *)~number;
}

static bool setup(void)
{
    memset(held, 0, sizeof(held));
    cache = slab_cache_create("leaky", sizeof(struct node), 0, NULL, SLAB_TRACK | SLAB_POISON);
    return cache != NULL;
}

static void give_hidden(unsigned count)
{
    for (unsigned i = 0; i < count; i++)
        slab_free(cache, found(hidden[i]));
}

static void teardown(struct test *t)
{
    EXPECT_EQ(t, slab_cache_destroy(cache), 0);
}

static NOINLINE void lose(unsigned first, unsigned count)
{
    for (unsigned i = first; i < first + count; i++)
        hidden[i] = hide(slab_alloc(cache, PAGE_ZERO));
}

static NOINLINE void lose_elsewhere(unsigned first, unsigned count)
{
    while (count-- > 0)
        hidden[first + count] = hide(slab_alloc(cache, PAGE_ZERO));
}

/* No address of an object may stay in the frame of the case itself: these work on them. */
static NOINLINE void link(unsigned from, unsigned to)
{
    found(hidden[from])->next = found(hidden[to]);
}

static NOINLINE void hold(unsigned place, unsigned i)
{
    held[place] = found(hidden[i]);
}

static NOINLINE bool is_example(unsigned i)
{
    return sites[0].example == (uintptr_t)found(hidden[i]);
}

/* What functions that have returned left on the stack below.  (Redzones would not be wiped.) */
static NOINLINE __attribute__((no_sanitize_address)) void wipe_stack(void)
{
    volatile uint8_t bytes[1024];

    memset((void *)bytes, 0, sizeof(bytes));
}

static NOINLINE unsigned count_lost(struct test *t)
{
    unsigned count = 0;

    EXPECT_EQ(t, leaks_unreachable(thread_visit_stacks, &list), 0);
    for (unsigned i = 0; i < list.nsites; i++)
        count += strcmp(sites[i].what, "leaky") == 0 ? sites[i].count : 0;
    return count;
}

/* Objects of the cache that are out of reach.  (The frame of count_lost() lies in what is wiped: it may
 * have holes in which an address would be left.) */
static ALWAYS_INLINE unsigned lost(struct test *t)
{
    wipe_stack();
    return count_lost(t);
}

/* Without what the compiler adds for a copy of its own: "lose.constprop.0". */
static const char *caller_of(const struct leak_site *site, unsigned depth)
{
    static char text[64];
    uint32_t offset;
    const char *name = symbols_lookup(site->track.callers[depth], &offset);

    strlcpy(text, name ? name : "?", sizeof(text));
    if (strchr(text, '.'))
        *strchr(text, '.') = '\0';
    return text;
}

/* --- since a mark ------------------------------------------------------------------------------- */

static void what_is_kept_is_listed(struct test *t)
{
    REQUIRE(t, setup());
    lose(0, 1);
    uint32_t mark = track_serial();
    lose(1, 5);
    leaks_since(mark, track_serial(), &list);
    EXPECT_EQ(t, list.nsites, 1);
    EXPECT_EQ(t, list.count, 5);
    EXPECT_EQ(t, list.nbytes, 5 * sizeof(struct node));
    EXPECT_EQ(t, sites[0].count, 5);
    EXPECT_STR(t, sites[0].what, "leaky");
    EXPECT_EQ(t, sites[0].example, (uintptr_t)found(hidden[5]));
    EXPECT_STR(t, caller_of(&sites[0], 0), "lose");
    EXPECT_STR(t, caller_of(&sites[0], 1), "what_is_kept_is_listed");
    give_hidden(6);
    leaks_since(mark, track_serial(), &list);
    EXPECT_EQ(t, list.count, 0);
    teardown(t);
}

static void each_way_is_a_site(struct test *t)
{
    REQUIRE(t, setup());
    uint32_t mark = track_serial();
    lose(0, 2);
    lose_elsewhere(2, 7);
    lose(9, 1);
    leaks_since(mark, track_serial(), &list);
    REQUIRE(t, list.nsites == 3);
    EXPECT_STR(t, caller_of(&sites[0], 0), "lose_elsewhere"); /* the most bytes first */
    EXPECT_EQ(t, sites[0].count, 7);
    EXPECT_EQ(t, sites[1].count, 2);
    EXPECT_EQ(t, sites[2].count, 1);
    EXPECT_EQ(t, list.count, 10);
    give_hidden(10);
    teardown(t);
}

static void a_full_list_still_counts(struct test *t)
{
    struct leak_list small = { .sites = sites, .capacity = 1 };

    REQUIRE(t, setup());
    uint32_t mark = track_serial();
    lose(0, 2);
    lose_elsewhere(2, 3);
    leaks_since(mark, track_serial(), &small);
    EXPECT_EQ(t, small.nsites, 1);
    EXPECT_EQ(t, small.count, 5);
    EXPECT_EQ(t, small.nbytes, 5 * sizeof(struct node));
    give_hidden(5);
    teardown(t);
}

/* The wrappers are left out, whichever way they call each other. */
static void the_caller_of_kmalloc_is_named(struct test *t)
{
    static const size_t sizes[] = { 100, 3 * PAGE_SIZE };

    if (!track_pages)
        SKIP(t, "needs slab_debug");
    for (unsigned i = 0; i < ARRAY_SIZE(sizes); i++) {
        uint32_t mark = track_serial();
        void *pointer = i == 0 ? kmalloc(sizes[i], PAGE_ANY)
                               : kmalloc_aligned(sizes[i], PAGE_SIZE, PAGE_ANY);
        leaks_since(mark, track_serial(), &list);
        REQUIRE(t, list.nsites == 1);
        EXPECT_STR(t, caller_of(&sites[0], 0), "the_caller_of_kmalloc_is_named");
        EXPECT_STR(t, sites[0].what, i == 0 ? "kmalloc-128" : "kmalloc");
        kfree(pointer);
    }
}

static void frames_are_listed(struct test *t)
{
    if (!track_pages)
        SKIP(t, "needs slab_debug");
    uint32_t mark = track_serial();
    struct page *page = buddy_alloc(2, PAGE_TEST, PAGE_ANY);
    leaks_since(mark, track_serial(), &list);
    EXPECT_EQ(t, list.count, 1);
    EXPECT_EQ(t, list.nbytes, 4 * PAGE_SIZE);
    EXPECT_STR(t, sites[0].what, "test");
    EXPECT(t, sites[0].frames);
    EXPECT_EQ(t, sites[0].example, page_to_pfn(page));
    EXPECT_STR(t, caller_of(&sites[0], 0), "frames_are_listed");
    buddy_free(page, 2);
    leaks_since(mark, track_serial(), &list);
    EXPECT_EQ(t, list.count, 0);
}

/* --- out of reach ------------------------------------------------------------------------------- */

static void a_lost_object_is_found(struct test *t)
{
    REQUIRE(t, setup());
    lose(0, 1);
    EXPECT_EQ(t, lost(t), 1);
    EXPECT_STR(t, caller_of(&sites[0], 0), "lose");
    EXPECT(t, is_example(0));
    EXPECT_EQ(t, lost(t), 1); /* the list itself is no reason to forget it */
    give_hidden(1);
    EXPECT_EQ(t, lost(t), 0);
    teardown(t);
}

static void a_held_object_is_none(struct test *t)
{
    REQUIRE(t, setup());
    lose(0, 1);
    hold(0, 0);
    EXPECT_EQ(t, lost(t), 0);
    held[0] = (struct node *)((uintptr_t)held[0] + sizeof(struct node) - 1); /* its last byte */
    EXPECT_EQ(t, lost(t), 0);
    held[0] = (struct node *)((uintptr_t)held[0] + 1); /* behind it */
    EXPECT_EQ(t, lost(t), 1);
    held[0] = NULL;
    give_hidden(1);
    teardown(t);
}

/* Each only from the one before it. */
static void a_chain_hangs_on_its_head(struct test *t)
{
    REQUIRE(t, setup());
    lose(0, MANY);
    for (unsigned i = 0; i + 1 < MANY; i++)
        link(i, i + 1);
    hold(0, 0);
    EXPECT_EQ(t, lost(t), 0);
    hold(0, 500);
    EXPECT_EQ(t, lost(t), 500);
    held[0] = NULL;
    EXPECT_EQ(t, lost(t), MANY);
    give_hidden(MANY);
    teardown(t);
}

static void a_ring_does_not_hold_itself(struct test *t)
{
    REQUIRE(t, setup());
    lose(0, 3);
    for (unsigned i = 0; i < 3; i++)
        link(i, (i + 1) % 3);
    EXPECT_EQ(t, lost(t), 3);
    hold(0, 1);
    EXPECT_EQ(t, lost(t), 0);
    held[0] = NULL;
    give_hidden(3);
    teardown(t);
}

/* More of them are gray at once than the stack can hold, and each leads to one more. */
static void more_than_the_stack_can_hold(struct test *t)
{
    REQUIRE(t, setup());
    lose(0, MANY);
    for (unsigned i = 0; i < MANY; i += 2) {
        hold(i, i);
        link(i, i + 1);
    }
    EXPECT_EQ(t, lost(t), 0);
    for (unsigned i = 0; i < MANY; i++)
        hold(i, i);
    link(8, 7);
    link(7, 9);
    held[9] = NULL; /* from 7 only */
    EXPECT_EQ(t, lost(t), 0);
    link(7, 8);
    EXPECT_EQ(t, lost(t), 1);
    memset(held, 0, sizeof(held));
    give_hidden(MANY);
    teardown(t);
}

static void a_vmalloc_area_holds(struct test *t)
{
    REQUIRE(t, setup());
    struct node **table = vmalloc(2, PAGE_VMALLOC);
    REQUIRE(t, table != NULL);
    memset(table, 0, 2 * PAGE_SIZE);
    lose(0, 1);
    EXPECT_EQ(t, lost(t), 1);
    table[PAGE_SIZE / sizeof(*table)] = found(hidden[0]);
    EXPECT_EQ(t, lost(t), 0);
    vfree(table);
    give_hidden(1);
    teardown(t);
}

/* A thread that sleeps with the only pointer, on its stack. */
static struct {
    volatile bool ready, leave;
} holder;

static void hold_on_the_stack(void *unused)
{
    struct node *volatile node = slab_alloc(cache, PAGE_ZERO);

    (void)unused;
    hidden[0] = hide(node);
    holder.ready = true;
    while (!holder.leave)
        thread_sleep_ticks(1);
}

static void a_stack_holds_until_its_thread_ends(struct test *t)
{
    struct thread_stats before, now;

    REQUIRE(t, setup());
    thread_get_stats(&before);
    holder.ready = holder.leave = false;
    REQUIRE(t, thread_create("holder", hold_on_the_stack, NULL) != NULL);
    while (!holder.ready)
        thread_sleep_ticks(1);
    EXPECT_EQ(t, lost(t), 0);
    holder.leave = true;
    do {
        thread_sleep_ticks(1);
        thread_get_stats(&now);
    } while (now.threads > before.threads);
    EXPECT_EQ(t, lost(t), 1);
    give_hidden(1);
    teardown(t);
}

static NOINLINE void lose_large(void)
{
    hidden[0] = hide(kmalloc(5 * PAGE_SIZE, PAGE_ZERO));
}

static void a_large_block_is_found(struct test *t)
{
    if (!track_pages)
        SKIP(t, "needs slab_debug");
    lose_large();
    lost(t);
    EXPECT_EQ(t, list.count, 1);
    EXPECT_STR(t, sites[0].what, "kmalloc");
    EXPECT_STR(t, caller_of(&sites[0], 0), "lose_large");
    kfree(found(hidden[0]));
    lost(t);
    EXPECT_EQ(t, list.count, 0);
}

/* With everything tracked, the kernel as it is has nothing out of reach, a program at work or not. */
static void the_kernel_itself_loses_nothing(struct test *t)
{
    wipe_stack();
    EXPECT_EQ(t, leaks_unreachable(thread_visit_stacks, &list), 0);
    EXPECT_EQ(t, list.count, 0);
    EXPECT_EQ(t, test_run_program("hello"), 0);
    EXPECT_EQ(t, leaks_unreachable(thread_visit_stacks, &list), 0);
    EXPECT_EQ(t, list.count, 0);
}

/* clang-format off */
const struct test_case test_cases[] = {
    TEST(what_is_kept_is_listed),
    TEST(each_way_is_a_site),
    TEST(a_full_list_still_counts),
    TEST(the_caller_of_kmalloc_is_named),
    TEST(frames_are_listed),
    TEST(a_lost_object_is_found),
    TEST(a_held_object_is_none),
    TEST(a_chain_hangs_on_its_head),
    TEST(a_ring_does_not_hold_itself),
    TEST(more_than_the_stack_can_hold),
    TEST(a_vmalloc_area_holds),
    TEST(a_stack_holds_until_its_thread_ends),
    TEST(a_large_block_is_found),
    TEST(the_kernel_itself_loses_nothing),
};
/* clang-format on */
const unsigned test_case_count = ARRAY_SIZE(test_cases);
