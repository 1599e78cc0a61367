/* tests/kernel/test_pagecache.c - the pages of files: once in memory, with the right contents, dropped
 * only when they may be. */
#include "tests/kernel/test.h"

#include "mm/buddy.h"
#include "mm/kmap.h"
#include "mm/pagecache.h"
#include "mm/reclaim.h"
#include "mm/slab.h"

#define SOURCE_BYTES (2 * PAGE_SIZE + 100)
#define SEED 0x5EEDu

static uint8_t source[SOURCE_BYTES];
static struct page_cache cache;
static unsigned released;

static void note_release(struct page_cache *gone)
{
    released += gone == &cache;
}

static void name_it(const struct page_cache *named, struct page_cache_name *name)
{
    (void)named;
    *name = (struct page_cache_name){ .device = 1, .inode = 42, .path = "/test" };
}

static const struct page_cache_ops ops = { .release = note_release, .get_name = name_it };

static void set_up(void)
{
    test_fill(source, sizeof(source), SEED);
    pagecache_setup(&cache, &ops, source, sizeof(source));
    released = 0;
}

static void give_up(struct test *t)
{
    pagecache_put(&cache);
    EXPECT_EQ(t, released, 1);
}

static struct pagecache_stats stats_now(void)
{
    struct pagecache_stats stats;
    pagecache_get_stats(&stats);
    return stats;
}

/* Bring a page in and let go of it. */
static void touch(struct test *t, uint32_t index)
{
    struct page *page = pagecache_page(&cache, index);
    REQUIRE(t, page != NULL);
    pagecache_put_page(page);
}

static bool is_in_memory(uint32_t index)
{
    struct page *page = pagecache_find(&cache, index);
    if (page != NULL)
        pagecache_put_page(page);
    return page != NULL;
}

/* The first byte of a page that is in memory. */
static void write_byte(struct test *t, uint32_t index, uint32_t offset, uint8_t byte)
{
    struct page *page = pagecache_page(&cache, index);
    REQUIRE(t, page != NULL);
    pagecache_mark_dirty(page);
    uint8_t *bytes = kmap(page);
    bytes[offset] = byte;
    kunmap(bytes);
    pagecache_put_page(page);
}

static uint8_t read_byte(struct test *t, uint32_t index, uint32_t offset)
{
    struct page *page = pagecache_page(&cache, index);
    if (!EXPECT(t, page != NULL))
        return 0;
    uint8_t *bytes = kmap(page), byte = bytes[offset];
    kunmap(bytes);
    pagecache_put_page(page);
    return byte;
}

/* A page is read from the source once, however many ask for it. */
static void filled_once(struct test *t)
{
    set_up();
    struct pagecache_stats before = stats_now();
    struct page *first = pagecache_page(&cache, 1), *second = pagecache_page(&cache, 1);
    REQUIRE(t, first != NULL);
    EXPECT_PTR(t, second, first);
    EXPECT_EQ(t, first->kind, PAGE_FILE);
    EXPECT_EQ(t, first->refs, 3); /* the cache's, and two of ours */
    EXPECT_EQ(t, stats_now().fills, before.fills + 1);
    EXPECT_EQ(t, stats_now().file_pages, before.file_pages + 1);
    uint8_t *bytes = kmap(first);
    EXPECT(t, memcmp(bytes, source + PAGE_SIZE, PAGE_SIZE) == 0);
    kunmap(bytes);
    pagecache_put_page(first);
    pagecache_put_page(second);
    give_up(t);
}

/* Behind the source's end there are zeros, in its last page and in later ones. */
static void zeros_behind_the_source(struct test *t)
{
    set_up();
    struct page *last = pagecache_page(&cache, 2);
    REQUIRE(t, last != NULL);
    uint8_t *bytes = kmap(last);
    EXPECT(t, memcmp(bytes, source + 2 * PAGE_SIZE, SOURCE_BYTES - 2 * PAGE_SIZE) == 0);
    EXPECT(t, test_is_byte(bytes + 100, PAGE_SIZE - 100, 0));
    kunmap(bytes);
    pagecache_put_page(last);
    EXPECT(t, !pagecache_is_hole(&cache, 2));
    EXPECT(t, pagecache_is_hole(&cache, 3));
    EXPECT_EQ(t, read_byte(t, 3, 7), 0);
    EXPECT_EQ(t, read_byte(t, UINT32_MAX, PAGE_SIZE - 1), 0);
    give_up(t);
}

/* Exactly the clean pages that nobody uses go. */
static void reclaim_takes_clean_unused_pages(struct test *t)
{
    set_up();
    struct page *held = pagecache_page(&cache, 0);
    REQUIRE(t, held != NULL);
    touch(t, 1);
    write_byte(t, 2, 0, 0xAA);
    touch(t, 3);
    uint64_t dropped = stats_now().dropped;
    uint32_t count = pagecache_reclaim(UINT32_MAX, max_pfn);
    EXPECT(t, count >= 2);
    EXPECT_EQ(t, stats_now().dropped, dropped + count);
    EXPECT(t, is_in_memory(0));
    EXPECT(t, !is_in_memory(1));
    EXPECT(t, is_in_memory(2));
    EXPECT(t, !is_in_memory(3));
    EXPECT_EQ(t, cache.npages, 2);
    EXPECT_EQ(t, read_byte(t, 2, 0), 0xAA);
    EXPECT_EQ(t, read_byte(t, 1, 5), source[PAGE_SIZE + 5]); /* and comes back */
    pagecache_put_page(held);
    give_up(t);
}

/* A page that was used since the clock's hand came by is spared once. */
static void second_chance(struct test *t)
{
    reclaim_all();
    set_up();
    touch(t, 0);
    touch(t, 1);
    EXPECT_EQ(t, pagecache_reclaim(1, max_pfn),
              1); /* both were used: round two takes one of them */
    uint32_t left = is_in_memory(0) ? 0 : 1, other = 1 - left;
    touch(t, other);
    touch(t, other + 2);
    EXPECT_EQ(t, pagecache_reclaim(2, max_pfn), 2);
    EXPECT_EQ(t, cache.npages, 1);
    give_up(t);
}

/* Dirty pages are the only copy: they change sides in all counts. */
static void dirty_pages_are_kept(struct test *t)
{
    struct buddy_stats frames_before, frames_after;
    set_up();
    touch(t, 0);
    struct pagecache_stats before = stats_now();
    buddy_get_stats(&frames_before);
    write_byte(t, 0, 1, 0x11);
    write_byte(t, 0, 2, 0x22);
    buddy_get_stats(&frames_after);
    EXPECT_EQ(t, stats_now().file_pages, before.file_pages - 1);
    EXPECT_EQ(t, stats_now().shmem_pages, before.shmem_pages + 1);
    EXPECT_EQ(t, frames_after.frames[PAGE_SHMEM], frames_before.frames[PAGE_SHMEM] + 1);
    EXPECT_EQ(t, frames_after.frames[PAGE_FILE], frames_before.frames[PAGE_FILE] - 1);
    reclaim_all();
    EXPECT_EQ(t, cache.npages, 1);
    EXPECT_EQ(t, read_byte(t, 0, 1), 0x11);
    EXPECT_EQ(t, source[1] == 0x11, false); /* the source is never written to */
    give_up(t);
}

/* Cut: pages go, the rest of the last one is zeroed, and nothing of it comes back. */
static void resize_zeroes_the_tail(struct test *t)
{
    set_up();
    for (uint32_t i = 0; i < 3; i++)
        touch(t, i);
    pagecache_resize(&cache, PAGE_SIZE + 10);
    EXPECT_EQ(t, cache.npages, 2);
    EXPECT_EQ(t, read_byte(t, 1, 9), source[PAGE_SIZE + 9]);
    EXPECT_EQ(t, read_byte(t, 1, 10), 0);
    EXPECT_EQ(t, read_byte(t, 1, PAGE_SIZE - 1), 0);
    reclaim_all();
    EXPECT_EQ(t, cache.npages, 0);
    pagecache_resize(&cache, 3 * PAGE_SIZE);
    EXPECT_EQ(t, cache.size, 3 * PAGE_SIZE);
    EXPECT_EQ(t, read_byte(t, 1, 9), source[PAGE_SIZE + 9]);
    EXPECT_EQ(t, read_byte(t, 1, 10), 0);
    EXPECT_EQ(t, read_byte(t, 2, 0), 0);
    pagecache_resize(&cache, 0);
    EXPECT_EQ(t, cache.npages, 0);
    EXPECT_EQ(t, read_byte(t, 0, 0), 0);
    give_up(t);
}

static void reserve_and_grow(struct test *t)
{
    set_up();
    EXPECT_EQ(t, pagecache_reserve(&cache, 50), SOURCE_BYTES);
    EXPECT_EQ(t, pagecache_reserve(&cache, 7), SOURCE_BYTES + 50);
    EXPECT_EQ(t, cache.size, SOURCE_BYTES + 57);
    pagecache_grow(&cache, 10);
    EXPECT_EQ(t, cache.size, SOURCE_BYTES + 57);
    pagecache_grow(&cache, 1ull << 40);
    EXPECT_EQ(t, cache.size, 1ull << 40);
    give_up(t);
}

/* A cache outlives its owner as long as somebody maps it. */
static void references_keep_it(struct test *t)
{
    set_up();
    touch(t, 0);
    pagecache_get(&cache);
    pagecache_put(&cache);
    EXPECT_EQ(t, released, 0);
    EXPECT(t, is_in_memory(0));
    give_up(t);
}

static void shared_memory(struct test *t)
{
    struct pagecache_stats before = stats_now();
    struct page_cache *shared = pagecache_create_shared(4 * PAGE_SIZE);
    struct page_cache_name name;
    REQUIRE(t, shared != NULL);
    shared->ops->get_name(shared, &name);
    EXPECT_STR(t, name.path, "/dev/zero (deleted)");
    struct page *page = pagecache_page(shared, 3);
    REQUIRE(t, page != NULL);
    EXPECT_EQ(t, page->kind, PAGE_SHMEM);
    pagecache_put_page(page);
    reclaim_all();
    EXPECT_EQ(t, shared->npages, 1);
    EXPECT_EQ(t, stats_now().caches, before.caches + 1);
    pagecache_put(shared);
    EXPECT_EQ(t, stats_now().caches, before.caches);
    EXPECT_EQ(t, stats_now().shmem_pages, before.shmem_pages);
}

static void info_names_it(struct test *t)
{
    struct pagecache_info info;
    bool found = false;
    set_up();
    touch(t, 0);
    write_byte(t, 1, 0, 1);
    struct page *held = pagecache_page(&cache, 2);
    for (unsigned i = 0; !found && pagecache_get_info(i, &info); i++)
        found = info.name.inode == 42 && strcmp(info.name.path, "/test") == 0;
    REQUIRE(t, found);
    EXPECT_EQ(t, info.file_pages, 2);
    EXPECT_EQ(t, info.shmem_pages, 1);
    EXPECT_EQ(t, info.mapped_pages, 1);
    EXPECT_EQ(t, info.size, SOURCE_BYTES);
    pagecache_put_page(held);
    give_up(t);
}

/* ---- no memory ---- */

static struct list_node hoard = LIST_INIT(hoard);

/* Take every frame there is. */
static void hoard_all(void)
{
    struct page *page;
    list_init(&hoard);
    while ((page = buddy_alloc(0, PAGE_TEST, PAGE_HIGHMEM_OK)) != NULL)
        list_add_tail(&hoard, &page->node);
}

static bool free_one(void)
{
    if (list_is_empty(&hoard))
        return false;
    /* From the end: the lowest zones were taken last, and tree nodes need those. */
    struct page *page = list_entry(hoard.prev, struct page, node);
    list_remove(&page->node);
    buddy_free(page, 0);
    return true;
}

/* With one frame more each time: every allocation on the way to a page fails once, and nothing is
 * counted until all have succeeded. */
static void each_allocation_fails_once(struct test *t)
{
    unsigned attempts = 0;
    struct page *page;
    reclaim_all();
    set_up();
    struct pagecache_stats before = stats_now();
    hoard_all();
    while ((page = pagecache_page(&cache, UINT32_MAX)) == NULL) {
        attempts++;
        EXPECT_EQ(t, cache.npages, 0);
        EXPECT_EQ(t, stats_now().file_pages, before.file_pages);
        EXPECT(t, pagecache_check());
        if (!free_one())
            break;
        pagecache_trim();
    }
    EXPECT(t, attempts >= 2); /* the frame, and the tree's nodes */
    EXPECT(t, page != NULL);
    if (page != NULL)
        pagecache_put_page(page);
    while (free_one())
        ;
    give_up(t);
}

/* A clean page makes room for another one, inside the allocation for it. */
static void short_of_memory_pages_make_room(struct test *t)
{
    struct reclaim_stats before, after;
    set_up();
    for (uint32_t i = 0; i < 3; i++)
        touch(t, i);
    reclaim_get_stats(&before);
    hoard_all(); /* takes these pages, too */
    reclaim_get_stats(&after);
    EXPECT_EQ(t, cache.npages, 0);
    EXPECT(t, after.runs > before.runs);
    EXPECT(t, after.failures > before.failures);
    EXPECT(t, after.cache_pages >= before.cache_pages + 3);
    while (free_one())
        ;
    EXPECT_EQ(t, read_byte(t, 1, 0), source[PAGE_SIZE]);
    give_up(t);
}

static uint32_t tree_nodes(void)
{
    struct slab_stats stats;
    return test_slab_stats("radix_node", &stats) ? stats.objects_in_use : 0;
}

/* A page that is dropped and read again, over and over, takes the same tree node each time: not one
 * more, while the others wait for somebody to free them. */
static void coming_and_going_needs_no_more_nodes(struct test *t)
{
    set_up();
    touch(t, 0);
    pagecache_reclaim(UINT32_MAX, max_pfn);
    uint32_t before = tree_nodes();
    for (unsigned round = 0; round < 50; round++) {
        touch(t, 0);
        pagecache_reclaim(UINT32_MAX, max_pfn);
        EXPECT(t, !is_in_memory(0));
    }
    EXPECT(t, tree_nodes() <= before + 1);
    give_up(t);
}

/* Random use of many indices, against what the bytes must be. */
static void random_use(struct test *t)
{
    enum { INDICES = 64, STEPS = 2000 };
    static uint8_t model[INDICES];
    set_up();
    pagecache_resize(&cache, 0);
    memset(model, 0, sizeof(model));
    for (unsigned step = 0; step < STEPS; step++) {
        uint32_t i = test_random_below(t, INDICES), index = i * i * i * 977;
        if (test_random_below(t, 3) == 0) {
            model[i] = (uint8_t)test_random(t);
            write_byte(t, index, i, model[i]);
        } else {
            EXPECT_EQ(t, read_byte(t, index, i), model[i]);
        }
        if (step % 500 == 0)
            EXPECT(t, pagecache_check());
        if (step % 700 == 0)
            reclaim_all();
    }
    give_up(t);
}

const struct test_case test_cases[] = {
    TEST(filled_once),
    TEST(zeros_behind_the_source),
    TEST(reclaim_takes_clean_unused_pages),
    TEST(second_chance),
    TEST(dirty_pages_are_kept),
    TEST(resize_zeroes_the_tail),
    TEST(reserve_and_grow),
    TEST(references_keep_it),
    TEST(shared_memory),
    TEST(info_names_it),
    TEST(each_allocation_fails_once),
    TEST(short_of_memory_pages_make_room),
    TEST(coming_and_going_needs_no_more_nodes),
    TEST(random_use),
};
const unsigned test_case_count = ARRAY_SIZE(test_cases);
