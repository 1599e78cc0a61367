/* tests/kernel/test_slab.c - object caches: construction, layout, the three kinds of slab, shrinking,
 * and every check of a debug cache, proved by committing the crime. */
#include "tests/kernel/test.h"

#include "kernel/lib/errno.h"
#include "kernel/lib/format.h"
#include "mm/buddy.h"
#include "mm/kasan.h"
#include "mm/kmalloc.h"
#include "mm/reclaim.h"
#include "mm/slab.h"
#include "mm/slab_internal.h"

enum { OBJECTS_MAX = 2048 };
static void *objects[OBJECTS_MAX];
static unsigned object_count;

static struct slab_stats stats;

/* Statistics of a cache, by its name. */
static const struct slab_stats *stats_of(const char *name)
{
    return test_slab_stats(name, &stats) ? &stats : NULL;
}

static struct slab_cache *make_cache(size_t size, size_t align, unsigned debug)
{
    object_count = 0;
    kasan_quarantine_limit(0); /* what is freed must be back at once */
    return slab_cache_create("test", size, align, NULL, debug);
}

/* For tests of the magazine: with slab_debug= on the command line no cache has one. */
#define SKIP_WITHOUT_MAGAZINE(t, cache)                        \
    do {                                                       \
        REQUIRE(t, (cache) != NULL && stats_of("test"));       \
        if (stats.magazine_capacity == 0) {                    \
            destroy(t, cache);                                 \
            SKIP(t, "caches with debugging have no magazine"); \
        }                                                      \
    } while (0)

/* For writes to free objects: with F, Z or U of slab_debug=, but not P, the list is behind the object,
 * and in it there is nothing to be damaged. */
#define SKIP_IF_FREE_OBJECTS_ARE_BLANK(t, cache)                             \
    do {                                                                     \
        REQUIRE(t, (cache) != NULL && stats_of("test"));                     \
        if (stats.debug && !(stats.debug & SLAB_POISON)) {                   \
            destroy(t, cache);                                               \
            SKIP(t, "what is in a free object is not known without poison"); \
        }                                                                    \
    } while (0)

static bool take(struct slab_cache *cache, unsigned count)
{
    while (count-- > 0) {
        void *object = slab_alloc(cache, PAGE_ANY);
        if (object == NULL || object_count == OBJECTS_MAX)
            return false;
        objects[object_count++] = object;
    }
    return true;
}

static void give_all(struct slab_cache *cache)
{
    while (object_count > 0)
        slab_free(cache, objects[--object_count]);
}

static void destroy(struct test *t, struct slab_cache *cache)
{
    give_all(cache);
    EXPECT(t, slab_check());
    EXPECT_EQ(t, slab_cache_destroy(cache), 0);
    EXPECT_PTR(t, stats_of("test"), NULL);
}

/* --- layout ------------------------------------------------------------------------------------- */

static void objects_do_not_overlap(struct test *t)
{
    static const size_t sizes[] = { 1, 7, 16, 33, 64, 100, 192, 500, 1024, 2048, 4096, 8192 };
    for (unsigned s = 0; s < ARRAY_SIZE(sizes); s++) {
        struct slab_cache *cache = make_cache(sizes[s], 0, 0);
        REQUIRE(t, cache != NULL);
        EXPECT_EQ(t, slab_object_size(cache), sizes[s]);
        REQUIRE(t, take(cache, 100));
        for (unsigned i = 0; i < object_count; i++)
            test_fill(objects[i], sizes[s], i + 1);
        for (unsigned i = 0; i < object_count; i++)
            EXPECT(t, test_is_filled(objects[i], sizes[s], i + 1));
        destroy(t, cache);
    }
}

static void alignment_is_kept(struct test *t)
{
    for (size_t align = 1; align <= 1024; align *= 2) {
        struct slab_cache *cache = make_cache(40, align, 0);
        REQUIRE(t, cache != NULL);
        REQUIRE(t, take(cache, 64));
        for (unsigned i = 0; i < object_count; i++)
            EXPECT(t, IS_ALIGNED((uintptr_t)objects[i], align));
        destroy(t, cache);
    }
}

static void alignment_is_kept_with_redzones(struct test *t)
{
    struct slab_cache *cache = make_cache(40, 64, SLAB_DEBUG_ALL);
    REQUIRE(t, cache != NULL);
    REQUIRE(t, take(cache, 64));
    for (unsigned i = 0; i < object_count; i++)
        EXPECT(t, IS_ALIGNED((uintptr_t)objects[i], 64));
    destroy(t, cache);
}

/* The first objects of consecutive slabs must not all start at the same offset in their page. */
static void colouring_changes_offsets(struct test *t)
{
    struct slab_cache *cache = make_cache(200, 0, 0);
    REQUIRE(t, cache != NULL && stats_of("test") != NULL);
    if (stats.colours < 2) {
        slab_cache_destroy(cache);
        SKIP(t, "no room for colours");
    }
    unsigned per_slab = stats.objects_per_slab, slabs = MIN(stats.colours, 4u);
    uint32_t offsets = 0;
    REQUIRE(t, take(cache, per_slab * slabs));
    uintptr_t first[4];
    for (unsigned slab = 0; slab < slabs; slab++) {
        first[slab] = ~0u;
        for (unsigned i = 0; i < per_slab; i++)
            first[slab] = MIN(first[slab], (uintptr_t)objects[slab * per_slab + i]);
        for (unsigned other = 0; other < slab; other++)
            offsets += (first[slab] & PAGE_MASK) != (first[other] & PAGE_MASK);
    }
    EXPECT_EQ(t, offsets, slabs * (slabs - 1) / 2);
    destroy(t, cache);
}

/* As many objects as Linux has in 4 KiB, and no slab so large that a small machine feels it. */
static void slabs_are_neither_wasteful_nor_too_large(struct test *t)
{
    static const struct {
        unsigned size, per_page; /* /proc/slabinfo of Linux 6.1, i386 */
    } rows[] = { { 32, 128 }, { 64, 64 },  { 128, 32 }, { 256, 16 },
                 { 512, 8 },  { 1024, 4 }, { 2048, 2 }, { 4096, 1 } };
    for (unsigned i = 0; i < ARRAY_SIZE(rows); i++) {
        struct slab_cache *cache = make_cache(rows[i].size, 0, 0);
        REQUIRE(t, cache != NULL && stats_of("test") != NULL);
        bool plain = stats.slot_size == rows[i].size; /* debugging takes its share */
        EXPECT(t, !plain || stats.objects_per_slab >= rows[i].per_page * stats.pages_per_slab);
        EXPECT(t, !plain || stats.pages_per_slab == 1 ||
                      stats.pages_per_slab <= buddy_managed_frames() / 1024);
        if (plain && buddy_managed_frames() >= 8 * 1024)
            EXPECT(t, stats.objects_per_slab >= 8);
        destroy(t, cache);
    }
}

/* --- construction ------------------------------------------------------------------------------- */

static unsigned constructed;

static void construct(void *object)
{
    constructed++;
    *(uint32_t *)object = 0xC0DE;
}

/* Once for each object of a slab, not at each allocation; the object keeps its state. */
static void constructor_runs_once_per_object(struct test *t)
{
    constructed = 0;
    object_count = 0;
    kasan_quarantine_limit(0);
    struct slab_cache *cache = slab_cache_create("test", 96, 0, construct, 0);
    REQUIRE(t, cache != NULL);
    EXPECT_EQ(t, constructed, 0);
    REQUIRE(t, take(cache, 1) && stats_of("test") != NULL);
    unsigned per_slab = stats.objects_per_slab;
    EXPECT_EQ(t, constructed, per_slab);
    for (unsigned round = 0; round < 50; round++) {
        REQUIRE(t, take(cache, per_slab - 1));
        for (unsigned i = 0; i < object_count; i++)
            EXPECT_EQ(t, *(uint32_t *)objects[i], 0xC0DE);
        while (object_count > 1)
            slab_free(cache, objects[--object_count]);
    }
    EXPECT_EQ(t, constructed, per_slab);
    REQUIRE(t, take(cache, per_slab));
    EXPECT_EQ(t, constructed, 2 * per_slab);
    destroy(t, cache);
}

/* Poison must not destroy the constructed state. */
static void constructor_with_debugging(struct test *t)
{
    object_count = 0;
    struct slab_cache *cache = slab_cache_create("test", 96, 0, construct, SLAB_DEBUG_ALL);
    REQUIRE(t, cache != NULL);
    for (unsigned round = 0; round < 3; round++) {
        REQUIRE(t, take(cache, 60));
        for (unsigned i = 0; i < object_count; i++)
            EXPECT_EQ(t, *(uint32_t *)objects[i], 0xC0DE);
        give_all(cache);
    }
    destroy(t, cache);
}

static void zero_flag_really_zeroes(struct test *t)
{
    struct slab_cache *cache = make_cache(120, 0, 0);
    REQUIRE(t, cache != NULL);
    REQUIRE(t, take(cache, 50));
    for (unsigned i = 0; i < object_count; i++)
        memset(objects[i], 0xA5, 120);
    give_all(cache);
    for (unsigned i = 0; i < 50; i++) {
        objects[object_count++] = slab_alloc(cache, PAGE_ANY | PAGE_ZERO);
        EXPECT(t, test_is_byte(objects[i], 120, 0));
    }
    destroy(t, cache);
}

/* --- partial, full, empty ------------------------------------------------------------------------ */

/* What the slabs look like when no object is in the magazine. */
static void expect_slabs(struct test *t, struct slab_cache *cache, unsigned full,
                         unsigned partial, unsigned in_use)
{
    slab_cache_shrink(cache);
    REQUIRE(t, stats_of("test") != NULL);
    EXPECT_EQ(t, stats.objects_in_magazine, 0);
    EXPECT_EQ(t, stats.slabs_full, full);
    EXPECT_EQ(t, stats.slabs_partial, partial);
    EXPECT_EQ(t, stats.objects_in_use, in_use);
    EXPECT_EQ(t, stats.objects_total,
              (stats.slabs_full + stats.slabs_partial + stats.slabs_empty) *
                  stats.objects_per_slab);
}

static void slabs_move_between_lists(struct test *t)
{
    struct slab_cache *cache = make_cache(256, 0, 0);
    REQUIRE(t, cache != NULL);
    expect_slabs(t, cache, 0, 0, 0);
    REQUIRE(t, take(cache, 1));
    unsigned per_slab = stats_of("test")->objects_per_slab;
    REQUIRE(t, per_slab > 2);
    expect_slabs(t, cache, 0, 1, 1);
    REQUIRE(t, take(cache, per_slab - 1));
    expect_slabs(t, cache, 1, 0, per_slab);
    REQUIRE(t, take(cache, 1));
    expect_slabs(t, cache, 1, 1, per_slab + 1);
    slab_free(cache, objects[0]);
    objects[0] = objects[--object_count];
    expect_slabs(t, cache, 0, 2, per_slab);
    EXPECT(t, slab_check());
    give_all(cache);
    expect_slabs(t, cache, 0, 0, 0);
    destroy(t, cache);
}

/* New objects come from slabs that are in use already, so that others can become empty. */
static void partial_slabs_are_filled_first(struct test *t)
{
    struct slab_cache *cache = make_cache(256, 0, 0);
    REQUIRE(t, cache != NULL);
    REQUIRE(t, take(cache, 1));
    unsigned per_slab = stats_of("test")->objects_per_slab;
    REQUIRE(t, take(cache, 4 * per_slab - 1));
    for (unsigned i = 0; i < 4 * per_slab; i += 2) { /* every second object of each slab */
        slab_free(cache, objects[i]);
        objects[i] = NULL;
    }
    uint32_t total = stats_of("test")->objects_total;
    for (unsigned i = 0; i < 4 * per_slab; i += 2)
        objects[i] = slab_alloc(cache, PAGE_ANY);
    EXPECT_EQ(t, stats_of("test")->objects_total, total);
    expect_slabs(t, cache, 4, 0, 4 * per_slab);
    destroy(t, cache);
}

static void shrink_returns_the_frames(struct test *t)
{
    struct slab_cache *cache = make_cache(128, 0, 0);
    REQUIRE(t, cache != NULL);
    slab_shrink_all();
    uint32_t free_before = buddy_free_frames();
    REQUIRE(t, take(cache, 500) && stats_of("test") != NULL);
    uint32_t frames = (stats.slabs_full + stats.slabs_partial) * stats.pages_per_slab;
    EXPECT_EQ(t, buddy_free_frames(), free_before - frames);
    EXPECT_EQ(t, slab_cache_shrink(cache), 0);
    give_all(cache);
    slab_cache_shrink(cache);
    EXPECT_EQ(t, buddy_free_frames(), free_before);
    expect_slabs(t, cache, 0, 0, 0);
    EXPECT_EQ(t, stats.slabs_empty, 0);
    EXPECT_EQ(t, slab_cache_shrink(cache), 0);
    destroy(t, cache);
}

static void counters_are_exact(struct test *t)
{
    struct slab_cache *cache = make_cache(64, 0, 0);
    REQUIRE(t, cache != NULL);
    REQUIRE(t, take(cache, 30));
    give_all(cache);
    REQUIRE(t, take(cache, 12) && stats_of("test") != NULL);
    EXPECT_EQ(t, stats.allocs, 42);
    EXPECT_EQ(t, stats.frees, 30);
    EXPECT_EQ(t, stats.failures, 0);
    destroy(t, cache);
}

/* --- the magazine -------------------------------------------------------------------------------- */

/* The object freed last comes back first; free ones in the magazine are not in use. */
static void magazine_is_a_stack(struct test *t)
{
    struct slab_cache *cache = make_cache(64, 0, 0);
    SKIP_WITHOUT_MAGAZINE(t, cache);
    REQUIRE(t, take(cache, 6) && stats_of("test") != NULL);
    EXPECT_EQ(t, stats.objects_in_use, 6);
    EXPECT(t, stats.magazine_capacity >= 4);
    for (unsigned i = 0; i < 4; i++)
        slab_free(cache, objects[i]);
    EXPECT_EQ(t, stats_of("test")->objects_in_use, 2);
    EXPECT(t, stats.objects_in_magazine >= 4);
    EXPECT(t, slab_check());
    for (unsigned i = 4; i-- > 0;)
        EXPECT_PTR(t, slab_alloc(cache, PAGE_ANY), objects[i]);
    destroy(t, cache);
}

/* More than the magazine can take: the objects that have been there longest go to their slabs. */
static void magazine_overflows_into_the_slabs(struct test *t)
{
    struct slab_cache *cache = make_cache(64, 0, 0);
    SKIP_WITHOUT_MAGAZINE(t, cache);
    unsigned capacity = stats.magazine_capacity;
    REQUIRE(t, take(cache, 4 * capacity));
    while (object_count > 0) {
        slab_free(cache, objects[--object_count]);
        EXPECT(t, stats_of("test")->objects_in_magazine <= capacity);
        EXPECT_EQ(t, stats.objects_in_use, object_count);
    }
    EXPECT(t, slab_check());
    REQUIRE(t, take(cache, 4 * capacity));
    for (unsigned i = 0; i < object_count; i++)
        test_fill(objects[i], 64, i);
    for (unsigned i = 0; i < object_count; i++)
        EXPECT(t, test_is_filled(objects[i], 64, i));
    destroy(t, cache);
}

/* A cache with debugging has none: each object is checked on its way. */
static void debugging_bypasses_the_magazine(struct test *t)
{
    struct slab_cache *cache = make_cache(64, 0, SLAB_REDZONE);
    REQUIRE(t, cache != NULL);
    REQUIRE(t, take(cache, 10));
    give_all(cache);
    REQUIRE(t, stats_of("test") != NULL);
    EXPECT_EQ(t, stats.magazine_capacity, 0);
    EXPECT_EQ(t, stats.objects_in_magazine, 0);
    destroy(t, cache);
}

/* --- create and destroy -------------------------------------------------------------------------- */

static void bad_arguments_are_refused(struct test *t)
{
    EXPECT_PTR(t, slab_cache_create("test", 0, 0, NULL, 0), NULL);
    EXPECT_PTR(t, slab_cache_create("test", SLAB_MAX_OBJECT + 1, 0, NULL, 0), NULL);
    EXPECT_PTR(t, slab_cache_create("test", 64, 48, NULL, 0), NULL);
}

static void destroy_of_a_used_cache_is_refused(struct test *t)
{
    struct slab_cache *cache = make_cache(64, 0, 0);
    REQUIRE(t, cache != NULL);
    REQUIRE(t, take(cache, 3));
    EXPECT_EQ(t, slab_cache_destroy(cache), -EBUSY);
    expect_slabs(t, cache, 0, 1, 3);
    give_all(cache);
    EXPECT_EQ(t, slab_cache_destroy(cache), 0);
}

static void the_table_of_caches_is_limited(struct test *t)
{
    static struct slab_cache *caches[SLAB_MAX_CACHES];
    unsigned count = 0;
    while (count < SLAB_MAX_CACHES &&
           (caches[count] = slab_cache_create("test", 32, 0, NULL, 0)) != NULL)
        count++;
    EXPECT(t, count > 16 && count < SLAB_MAX_CACHES);
    while (count-- > 0)
        EXPECT_EQ(t, slab_cache_destroy(caches[count]), 0);
}

static void an_object_knows_its_cache(struct test *t)
{
    struct slab_cache *cache = make_cache(72, 0, 0);
    REQUIRE(t, cache != NULL);
    REQUIRE(t, take(cache, 40));
    void *start;
    for (unsigned i = 0; i < object_count; i++) {
        EXPECT_PTR(t, slab_cache_of((char *)objects[i] + 71, &start), cache);
        EXPECT_PTR(t, start, objects[i]);
    }
    EXPECT_STR(t, slab_cache_name(cache), "test");
    static int not_an_object;
    EXPECT_PTR(t, slab_cache_of(&not_an_object, &start), NULL);
    destroy(t, cache);
}

static void out_of_memory_is_an_error(struct test *t)
{
    struct list_node held;
    struct slab_cache *cache = make_cache(512, 0, 0);
    REQUIRE(t, cache != NULL);
    test_hold_frames(&held, PAGE_ANY, 0);
    EXPECT_PTR(t, slab_alloc(cache, PAGE_ANY), NULL);
    EXPECT_EQ(t, stats_of("test")->failures, 1);
    test_give_frames_back(&held);
    EXPECT(t, take(cache, 1));
    destroy(t, cache);
}

/* Take all memory, then give every second frame back: no two of them are together. */
static void leave_single_frames(struct list_node *held)
{
    buddy_set_reclaim_hook(NULL);
    test_hold_frames(held, PAGE_ATOMIC, 0);
    list_for_each_safe(node, held) {
        struct page *page = list_entry(node, struct page, node);
        if (page_to_pfn(page) % 2 == 0)
            continue;
        list_remove(node);
        buddy_free(page, 0);
    }
}

/* Where memory is in pieces, large slabs give way to small ones; both are in the cache then. */
static void memory_in_pieces_is_enough(struct test *t)
{
    enum { SIZE = 2048, SMALL = 5 };
    struct list_node held;
    struct slab_cache *cache = make_cache(SIZE, 0, 0);
    REQUIRE(t, cache != NULL && stats_of("test") != NULL);
    unsigned pages_per_slab = stats.pages_per_slab;
    leave_single_frames(&held);
    EXPECT(t, take(cache, SMALL));
    EXPECT_EQ(t, stats_of("test")->frames, DIV_ROUND_UP(SMALL, PAGE_SIZE / stats.slot_size));
    test_give_frames_back(&held);
    EXPECT(t, take(cache, 50));
    EXPECT(t, pages_per_slab == 1 || stats_of("test")->frames % pages_per_slab != 0);
    for (unsigned i = 0; i < object_count; i++)
        test_fill(objects[i], SIZE, i);
    for (unsigned i = 0; i < object_count; i++)
        EXPECT(t, test_is_filled(objects[i], SIZE, i));
    EXPECT(t, slab_check());
    give_all(cache);
    slab_cache_shrink(cache);
    EXPECT_EQ(t, stats_of("test")->frames, 0);
    destroy(t, cache);
}

static uint32_t shrink_slabs(unsigned order, pfn_t below)
{
    (void)order;
    (void)below;
    return slab_shrink_all();
}

/* One cache grows at the cost of what another one only keeps: the hook runs under the first one's lock. */
static void empty_slabs_are_reclaimed(struct test *t)
{
    struct list_node held;
    struct slab_cache *cache = make_cache(512, 0, 0);
    struct slab_cache *keeper = slab_cache_create("keeper", 512, 0, NULL, 0);
    REQUIRE(t, cache != NULL && keeper != NULL);
    void *kept = slab_alloc(keeper, PAGE_ANY);
    slab_free(keeper, kept);
    buddy_set_reclaim_hook(NULL); /* or the slab would go with all the rest */
    test_hold_frames(&held, PAGE_ANY, 0);
    buddy_set_reclaim_hook(shrink_slabs);
    EXPECT(t, take(cache, 1));
    buddy_set_reclaim_hook(reclaim_frames); /* as it was */
    EXPECT_EQ(t, stats_of("keeper")->objects_total, 0);
    test_give_frames_back(&held);
    EXPECT_EQ(t, slab_cache_destroy(keeper), 0);
    destroy(t, cache);
}

/* --- crimes -------------------------------------------------------------------------------------- */

#define EXPECT_SLAB_PANIC(t, cache, object, ...)           \
    do {                                                   \
        char wanted[96];                                   \
        snprintf(wanted, sizeof(wanted), __VA_ARGS__);     \
        EXPECT_PANIC(t, wanted, slab_free(cache, object)); \
    } while (0)

static void double_free_is_reported(struct test *t)
{
    struct slab_cache *cache = make_cache(64, 0, SLAB_CONSISTENCY);
    REQUIRE(t, cache != NULL);
    REQUIRE(t, take(cache, 4));
    void *victim = objects[--object_count];
    slab_free(cache, victim);
    EXPECT_SLAB_PANIC(t, cache, victim, "slab test: double free of %#x",
                      (unsigned)(uintptr_t)victim);
    destroy(t, cache);
}

/* Without debugging too, wherever the free object lies: on top of the magazine, in it, or back in
 * its slab. */
static void double_free_is_always_reported(struct test *t)
{
    struct slab_cache *cache = make_cache(64, 0, 0);
    REQUIRE(t, cache != NULL && stats_of("test") != NULL);
    const unsigned count = MAX(2 * stats.magazine_capacity, 40u); /* none with slab_debug= */
    REQUIRE(t, take(cache, count));
    void *first = objects[0];
    while (object_count > 1)
        slab_free(cache, objects[--object_count]);
    slab_free(cache, first);
    for (unsigned i = 0; i < count; i++)
        EXPECT_SLAB_PANIC(t, cache, objects[i], "slab test: double free of %#x",
                          (unsigned)(uintptr_t)objects[i]);
    object_count = 0;
    destroy(t, cache);
}

/* Nor is an owner who happens to write the mark of a free object a reason for alarm. */
static void mark_of_a_free_object_is_no_proof(struct test *t)
{
    struct slab_cache *cache = make_cache(64, 0, 0);
    REQUIRE(t, cache != NULL);
    REQUIRE(t, take(cache, 40));
    void *freed = objects[--object_count];
    slab_free(cache, freed);
    for (unsigned i = 0; i < object_count; i++)
        memcpy(objects[i], freed, 64);
    destroy(t, cache);
}

/* What is written over the mark of a free object is found by the validator. */
static void check_finds_a_write_after_free(struct test *t)
{
    struct slab_cache *cache = make_cache(64, 0, 0);
    SKIP_IF_FREE_OBJECTS_ARE_BLANK(t, cache);
    REQUIRE(t, take(cache, 2));
    uint32_t *object = objects[--object_count];
    slab_free(cache, object);
    uint32_t saved = object[0];
    object[0] = 0;
    EXPECT(t, !slab_check());
    object[0] = saved;
    destroy(t, cache);
}

/* Without debugging too, when the free list is followed. */
static void write_over_a_free_list_is_reported(struct test *t)
{
    char wanted[96];
    struct slab_cache *cache = make_cache(64, 0, 0);
    SKIP_IF_FREE_OBJECTS_ARE_BLANK(t, cache);
    REQUIRE(t, take(cache, 2));
    uint32_t *object = objects[--object_count];
    slab_free(cache, object);
    slab_cache_shrink(cache); /* from the magazine to the slab */
    uint32_t saved = object[0];
    object[0] = 0;
    snprintf(wanted, sizeof(wanted), "slab test: write after free of %#x",
             (unsigned)(uintptr_t)object);
    EXPECT_PANIC(t, wanted, slab_alloc(cache, PAGE_ANY));
    object[0] = saved;
    destroy(t, cache);
}

/* Objects behind the first frame of a slab go another way: the same checks. */
static void crimes_in_a_large_slab_are_reported(struct test *t)
{
    struct slab_cache *cache = make_cache(1500, 0, 0);
    REQUIRE(t, cache != NULL && stats_of("test") != NULL);
    REQUIRE(t, stats.pages_per_slab > 1);
    REQUIRE(t, take(cache, stats.objects_per_slab));
    for (unsigned i = 0; i < object_count; i++)
        EXPECT_SLAB_PANIC(t, cache, (char *)objects[i] + 4, "slab test: free of %#x, which is",
                          (unsigned)(uintptr_t)objects[i] + 4);
    void *last = objects[--object_count];
    slab_free(cache, last);
    EXPECT_SLAB_PANIC(t, cache, last, "slab test: double free of %#x",
                      (unsigned)(uintptr_t)last);
    destroy(t, cache);
}

/* And in a small slab, next to frames that are none of it. */
static void crimes_in_a_small_slab_are_reported(struct test *t)
{
    struct list_node held;
    struct slab_cache *cache = make_cache(1500, 0, 0);
    REQUIRE(t, cache != NULL);
    leave_single_frames(&held);
    EXPECT(t, take(cache, 8));
    test_give_frames_back(&held);
    REQUIRE(t, object_count == 8);
    for (unsigned i = 0; i < object_count; i++) {
        static const int wrong[] = { 4, -4, 1500 / 2, (int)PAGE_SIZE, -(int)PAGE_SIZE };
        for (unsigned k = 0; k < ARRAY_SIZE(wrong); k++)
            EXPECT_SLAB_PANIC(t, cache, (char *)objects[i] + wrong[k],
                              "slab test: free of %#x, which is",
                              (unsigned)(uintptr_t)objects[i] + (unsigned)wrong[k]);
    }
    void *last = objects[--object_count];
    slab_free(cache, last);
    EXPECT_SLAB_PANIC(t, cache, last, "slab test: double free of %#x",
                      (unsigned)(uintptr_t)last);
    destroy(t, cache);
}

static void free_into_the_wrong_cache_is_reported(struct test *t)
{
    struct slab_cache *cache = make_cache(64, 0, 0);
    struct slab_cache *other = slab_cache_create("other", 64, 0, NULL, 0);
    REQUIRE(t, cache != NULL && other != NULL);
    void *object = slab_alloc(other, PAGE_ANY);
    EXPECT_SLAB_PANIC(t, cache, object,
                      "slab test: free of %#x, which is not an object of this cache",
                      (unsigned)(uintptr_t)object);
    slab_free(other, object);
    EXPECT_EQ(t, slab_cache_destroy(other), 0);
    destroy(t, cache);
}

static void free_of_an_inside_is_reported(struct test *t)
{
    struct slab_cache *cache = make_cache(64, 0, SLAB_CONSISTENCY);
    REQUIRE(t, cache != NULL);
    REQUIRE(t, take(cache, 1));
    EXPECT_SLAB_PANIC(t, cache, (char *)objects[0] + 4, "slab test: free of %#x, which is not",
                      (unsigned)(uintptr_t)objects[0] + 4);
    destroy(t, cache);
}

/* One byte too far, as a loop with <= writes it. */
static void overflow_is_reported(struct test *t)
{
    struct slab_cache *cache = make_cache(61, 0, SLAB_REDZONE);
    REQUIRE(t, cache != NULL);
    REQUIRE(t, take(cache, 1));
    uint8_t *object = objects[0], saved = object[61];
    object[61] = 0x42;
    EXPECT_SLAB_PANIC(t, cache, object, "slab test: redzone of %#x damaged",
                      (unsigned)(uintptr_t)object);
    object[61] = saved;
    destroy(t, cache);
}

/* One byte too early hits what the neighbour below keeps behind itself. */
static void underflow_is_reported_by_the_neighbour(struct test *t)
{
    struct slab_cache *cache = make_cache(64, 0, SLAB_DEBUG_ALL);
    REQUIRE(t, cache != NULL && stats_of("test") != NULL);
#ifdef KASAN
    destroy(t, cache);
    SKIP(t, "the address sanitizer's redzone lies between the two");
#endif
    REQUIRE(t, take(cache, 2));
    uint8_t *lower = MIN(objects[0], objects[1]), *upper = MAX(objects[0], objects[1]);
    EXPECT_EQ(t, upper - lower, stats.slot_size);
    uint8_t saved = upper[-1];
    upper[-1] ^= 0x42;
    EXPECT(t, !slab_check());
    EXPECT_SLAB_PANIC(t, cache, lower, "slab test: state of %#x overwritten",
                      (unsigned)(uintptr_t)lower);
    upper[-1] = saved;
    destroy(t, cache);
}

/* Somebody writes to an object that he gave back; found when it is handed out again. */
static void write_after_free_is_reported(struct test *t)
{
    char wanted[96];
    struct slab_cache *cache = make_cache(64, 0, SLAB_POISON);
    REQUIRE(t, cache != NULL);
    REQUIRE(t, take(cache, 2));
    uint8_t *object = objects[--object_count];
    slab_free(cache, object);
    uint8_t saved = object[20];
    object[20] = 0x42;
    snprintf(wanted, sizeof(wanted), "slab test: write after free of %#x",
             (unsigned)(uintptr_t)object);
    EXPECT_PANIC(t, wanted, slab_alloc(cache, PAGE_ANY));
    object[20] = saved;
    destroy(t, cache);
}

static void freed_objects_are_poisoned(struct test *t)
{
    struct slab_cache *cache = make_cache(64, 0, SLAB_POISON);
    REQUIRE(t, cache != NULL);
    REQUIRE(t, take(cache, 1));
    uint8_t *object = objects[--object_count];
    memset(object, 0, 64);
    slab_free(cache, object);
    uint8_t freed[64];
    memcpy(freed, object, sizeof(freed));
    EXPECT(t, !test_is_byte(freed + 16, 40, 0));
    destroy(t, cache);
}

/* The validator finds a redzone hit without waiting for the free. */
static void check_finds_an_overflow(struct test *t)
{
    struct slab_cache *cache = make_cache(64, 0, SLAB_REDZONE | SLAB_CONSISTENCY);
    REQUIRE(t, cache != NULL);
    REQUIRE(t, take(cache, 1));
    uint8_t *object = objects[0], saved = object[64];
    object[64] = 0;
    EXPECT(t, !slab_check());
    object[64] = saved;
    EXPECT(t, slab_check());
    destroy(t, cache);
}

/* --- bytes that kmalloc() was not asked for ------------------------------------------------------ */

/* They are redzone, with Z of slab_debug=; perhaps not in all caches. */
static bool is_watched(const char *name)
{
    return stats_of(name) && (stats.debug & SLAB_REDZONE);
}

#define SKIP_WITHOUT_REDZONES(t, name)                                \
    do {                                                              \
        kasan_quarantine_limit(0);                                    \
        if (!is_watched(name))                                        \
            SKIP(t, "the cache has redzones only with slab_debug=Z"); \
    } while (0)

/* A wrong byte is found by the validator and by the free, and then the free goes well. */
static void expect_watched(struct test *t, uint8_t *object, size_t at)
{
    char wanted[64];
    const char *name = slab_cache_name(slab_cache_of(object, NULL));
    uint8_t saved = object[at];
    snprintf(wanted, sizeof(wanted), "slab %s: redzone of %#x damaged", name,
             (unsigned)(uintptr_t)object);
    EXPECT_EQ(t, slab_check_cache(name), 1);
    object[at] = 0x42;
    EXPECT_EQ(t, slab_check_cache(name), 0);
    EXPECT_PANIC(t, wanted, kfree(object));
    object[at] = saved;
    EXPECT_EQ(t, slab_check_cache(name), 1);
    kfree(object);
}

static void first_byte_not_asked_for_is_watched(struct test *t)
{
    static const size_t sizes[] = { 1, 7, 8, 20, 31, 33, 97, 129, 300, 1000, 4095, 5000, 8191 };
    SKIP_WITHOUT_REDZONES(t, "kmalloc-32");
    for (unsigned i = 0; i < ARRAY_SIZE(sizes); i++) {
        uint8_t *object = kmalloc(sizes[i], PAGE_ANY);
        REQUIRE(t, object != NULL);
        if (is_watched(slab_cache_name(slab_cache_of(object, NULL))))
            expect_watched(t, object, sizes[i]);
        else
            kfree(object);
    }
}

static void last_byte_not_asked_for_is_watched(struct test *t)
{
    SKIP_WITHOUT_REDZONES(t, "kmalloc-32");
    uint8_t *object = kmalloc(20, PAGE_ANY | PAGE_ZERO);
    REQUIRE(t, object != NULL);
    EXPECT(t, test_is_byte(object, 20, 0));
    expect_watched(t, object, 31);
}

static void what_alignment_adds_is_watched(struct test *t)
{
    SKIP_WITHOUT_REDZONES(t, "kmalloc-256");
    uint8_t *object = kmalloc_aligned(20, 256, PAGE_ANY);
    REQUIRE(t, object != NULL);
    EXPECT_EQ(t, slab_object_size(slab_cache_of(object, NULL)), 256);
    expect_watched(t, object, 20);
    object = kmalloc_aligned(20, 256, PAGE_ANY);
    REQUIRE(t, object != NULL);
    kfree_aligned(object, 20, 256);
}

/* Up to the slab's end, where the sizes are noted: zeros there are no size that somebody asked for. */
static void overrun_of_the_sizes_is_found(struct test *t)
{
    static uint8_t *taken[64], before[2 * PAGE_SIZE];
    SKIP_WITHOUT_REDZONES(t, "kmalloc-32");
    uint8_t *last = NULL;
    for (unsigned i = 0; i < ARRAY_SIZE(taken); i++) {
        taken[i] = kmalloc(20, PAGE_ANY);
        REQUIRE(t, taken[i] != NULL);
        if (!last || (slab_block_of(taken[i]) == slab_block_of(last) && taken[i] > last))
            last = taken[i];
    }
    const struct page *slab = slab_block_of(last);
    size_t n = (size_t)((uint8_t *)page_to_virt(slab) + (PAGE_SIZE << slab->order) - last);
    REQUIRE(t, n <= sizeof(before));
    memcpy(before, last, n);
    memset(last, 0, n);
    EXPECT_EQ(t, slab_check_cache("kmalloc-32"), 0);
    memcpy(last, before, n);
    EXPECT_EQ(t, slab_check_cache("kmalloc-32"), 1);
    for (unsigned i = 0; i < ARRAY_SIZE(taken); i++)
        kfree(taken[i]);
}

/* Each time an object has the redzone of its own size, not of the one before. */
static void no_false_alarm_at_any_size(struct test *t)
{
    for (size_t size = 1; size <= SLAB_MAX_OBJECT; size++) {
        uint8_t *object = kmalloc(size, size % 2 ? PAGE_ANY : PAGE_ZERO);
        REQUIRE(t, object != NULL);
        memset(object, 0x42, size);
        if (size % 512 < 3)
            EXPECT(t, slab_check());
        kfree(object);
    }
}

/* Who asks how much there is may use it: the redzone begins behind the class then. */
static void usable_bytes_may_be_used(struct test *t)
{
    uint8_t *object = kmalloc(20, PAGE_ANY);
    REQUIRE(t, object != NULL);
    EXPECT_EQ(t, kmalloc_usable_size(object), 32);
    memset(object, 0x42, 32);
    EXPECT(t, slab_check());
    kfree(object);

    SKIP_WITHOUT_REDZONES(t, "kmalloc-32");
    object = kmalloc(20, PAGE_ANY);
    REQUIRE(t, object != NULL);
    EXPECT_EQ(t, kmalloc_usable_size(object), 32);
    expect_watched(t, object, 32);
}

/* --- model --------------------------------------------------------------------------------------- */

static void random_against_model(struct test *t, unsigned debug)
{
    enum { STEPS = 8000, LIVE = 400 };
    static uint32_t seeds[OBJECTS_MAX];
    struct slab_cache *cache = make_cache(88, 0, debug);
    REQUIRE(t, cache != NULL);
    for (unsigned step = 0; step < STEPS && t->failures == 0; step++) {
        if (object_count == 0 || (object_count < LIVE && (test_random(t) & 1))) {
            REQUIRE(t, take(cache, 1));
            seeds[object_count - 1] = test_random(t);
            test_fill(objects[object_count - 1], 88, seeds[object_count - 1]);
        } else {
            unsigned i = test_random_below(t, object_count);
            EXPECT(t, test_is_filled(objects[i], 88, seeds[i]));
            slab_free(cache, objects[i]);
            objects[i] = objects[--object_count];
            seeds[i] = seeds[object_count];
        }
        if (step % 1000 == 0) {
            EXPECT(t, slab_check());
            EXPECT_EQ(t, stats_of("test")->objects_in_use, object_count);
        }
        if (step % 3000 == 0)
            slab_cache_shrink(cache);
    }
    destroy(t, cache);
}

static void random_plain(struct test *t)
{
    random_against_model(t, 0);
}

static void random_with_debugging(struct test *t)
{
    random_against_model(t, SLAB_DEBUG_ALL);
}

/* clang-format off */
const struct test_case test_cases[] = {
    TEST(objects_do_not_overlap),
    TEST(alignment_is_kept),
    TEST(alignment_is_kept_with_redzones),
    TEST(colouring_changes_offsets),
    TEST(slabs_are_neither_wasteful_nor_too_large),
    TEST(constructor_runs_once_per_object),
    TEST(constructor_with_debugging),
    TEST(zero_flag_really_zeroes),
    TEST(slabs_move_between_lists),
    TEST(partial_slabs_are_filled_first),
    TEST(shrink_returns_the_frames),
    TEST(counters_are_exact),
    TEST(magazine_is_a_stack),
    TEST(magazine_overflows_into_the_slabs),
    TEST(debugging_bypasses_the_magazine),
    TEST(bad_arguments_are_refused),
    TEST(destroy_of_a_used_cache_is_refused),
    TEST(the_table_of_caches_is_limited),
    TEST(an_object_knows_its_cache),
    TEST(out_of_memory_is_an_error),
    TEST(memory_in_pieces_is_enough),
    TEST(empty_slabs_are_reclaimed),
    TEST(double_free_is_reported),
    TEST(double_free_is_always_reported),
    TEST(mark_of_a_free_object_is_no_proof),
    TEST(check_finds_a_write_after_free),
    TEST(write_over_a_free_list_is_reported),
    TEST(crimes_in_a_large_slab_are_reported),
    TEST(crimes_in_a_small_slab_are_reported),
    TEST(free_into_the_wrong_cache_is_reported),
    TEST(free_of_an_inside_is_reported),
    TEST(overflow_is_reported),
    TEST(underflow_is_reported_by_the_neighbour),
    TEST(write_after_free_is_reported),
    TEST(freed_objects_are_poisoned),
    TEST(check_finds_an_overflow),
    TEST(first_byte_not_asked_for_is_watched),
    TEST(last_byte_not_asked_for_is_watched),
    TEST(what_alignment_adds_is_watched),
    TEST(overrun_of_the_sizes_is_found),
    TEST(no_false_alarm_at_any_size),
    TEST(usable_bytes_may_be_used),
    TEST(random_plain),
    TEST(random_with_debugging),
};
/* clang-format on */
const unsigned test_case_count = ARRAY_SIZE(test_cases);
