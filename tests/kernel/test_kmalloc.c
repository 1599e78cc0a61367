/* tests/kernel/test_kmalloc.c - memory by size: alignment, room, the border between slab and buddy,
 * exact accounting, and frees that must not be. */
#include "tests/kernel/test.h"

#include "kernel/lib/bitops.h"
#include "kernel/lib/format.h"
#include "mm/buddy.h"
#include "mm/kmalloc.h"
#include "mm/slab.h"

#define SMALL_MAX 8192u /* largest size that comes from a slab cache */

/* Around every power of two, and a few in between. */
static const size_t sizes[] = {
    1,    2,     3,     7,     8,     9,     15,    16,     17,     24,      31,
    32,   33,    48,    63,    64,    65,    96,    97,     127,    128,     129,
    192,  193,   255,   256,   257,   511,   512,   513,    1000,   1023,    1024,
    1025, 2047,  2048,  2049,  3000,  4095,  4096,  4097,   5000,   8191,    8192,
    8193, 12288, 16384, 20000, 32768, 65536, 65537, 131072, 262144, 1048576,
};

static void every_size_has_its_room(struct test *t)
{
    for (unsigned i = 0; i < ARRAY_SIZE(sizes); i++) {
        uint8_t *memory = kmalloc(sizes[i], PAGE_ANY);
        if (memory == NULL && sizes[i] > 64 * KiB) /* a small machine */
            continue;
        REQUIRE(t, memory != NULL);
        EXPECT(t, kmalloc_usable_size(memory) >= sizes[i]);
        EXPECT(t, IS_ALIGNED((uintptr_t)memory, 8));
        test_fill(memory, kmalloc_usable_size(memory), (uint32_t)sizes[i]);
        EXPECT(t, test_is_filled(memory, kmalloc_usable_size(memory), (uint32_t)sizes[i]));
        kfree(memory);
    }
}

/* A power of two up to two pages is aligned to its size. */
static void powers_of_two_are_aligned(struct test *t)
{
    void *kept[16];
    for (size_t size = 8; size <= SMALL_MAX; size *= 2) {
        for (unsigned i = 0; i < ARRAY_SIZE(kept); i++) {
            kept[i] = kmalloc(size, PAGE_ANY);
            EXPECT(t, kept[i] != NULL && IS_ALIGNED((uintptr_t)kept[i], size));
        }
        for (unsigned i = 0; i < ARRAY_SIZE(kept); i++)
            kfree(kept[i]);
    }
}

/* The textbook bound: a request wastes less than its own size, from 8 bytes on. */
static void waste_is_bounded(struct test *t)
{
    for (size_t size = 8; size <= 2 * SMALL_MAX; size += 13) {
        void *memory = kmalloc(size, PAGE_ANY);
        REQUIRE(t, memory != NULL);
        EXPECT(t, kmalloc_usable_size(memory) < 2 * size + 8);
        kfree(memory);
    }
}

static void impossible_sizes_fail(struct test *t)
{
    EXPECT_PTR(t, kmalloc(0, PAGE_ANY), NULL);
    EXPECT_PTR(t, kmalloc(KMALLOC_MAX + 1, PAGE_ANY), NULL);
    EXPECT_PTR(t, kmalloc((size_t)-1, PAGE_ANY), NULL);
    EXPECT_PTR(t, kmalloc(0x80000000u, PAGE_ANY), NULL);
    kfree(NULL);
}

/* Large requests are buddy blocks, on their own account; small ones are slab objects. */
static void large_requests_go_to_buddy(struct test *t)
{
    struct buddy_stats before, after;
    buddy_get_stats(&before);
    void *large = kmalloc(SMALL_MAX + 1, PAGE_ANY);
    REQUIRE(t, large != NULL);
    buddy_get_stats(&after);
    EXPECT_EQ(t, after.frames[PAGE_KMALLOC] - before.frames[PAGE_KMALLOC], 4);
    EXPECT(t, IS_ALIGNED((uintptr_t)large, PAGE_SIZE));
    kfree(large);
    buddy_get_stats(&after);
    EXPECT_EQ(t, after.frames[PAGE_KMALLOC], before.frames[PAGE_KMALLOC]);
    EXPECT_EQ(t, after.free, before.free);

    void *start, *small = kmalloc(SMALL_MAX, PAGE_ANY);
    REQUIRE(t, small != NULL);
    EXPECT(t, slab_cache_of(small, &start) != NULL);
    EXPECT_PTR(t, start, small);
    kfree(small);
}

/* What was asked for is counted for each class: the rest of what was given is lost inside. */
static void requested_bytes_are_counted(struct test *t)
{
    struct slab_stats before, after;
    REQUIRE(t, test_slab_stats("kmalloc-128", &before));
    for (size_t size = 97; size <= 128; size++)
        kfree(kmalloc(size, PAGE_ANY));
    REQUIRE(t, test_slab_stats("kmalloc-128", &after));
    EXPECT_EQ(t, after.allocs - before.allocs, 128 - 97 + 1);
    EXPECT_EQ(t, after.requested - before.requested, (97 + 128) * (128 - 97 + 1) / 2);
}

static void zero_flag_really_zeroes(struct test *t)
{
    for (unsigned i = 0; i < ARRAY_SIZE(sizes) && sizes[i] <= 65536; i++) {
        uint8_t *memory = kmalloc(sizes[i], PAGE_ANY);
        REQUIRE(t, memory != NULL);
        memset(memory, 0xA5, sizes[i]);
        kfree(memory);
        memory = kmalloc(sizes[i], PAGE_ANY | PAGE_ZERO);
        REQUIRE(t, memory != NULL);
        EXPECT(t, test_is_byte(memory, sizes[i], 0));
        kfree(memory);
    }
}

static void dma_flag_is_honoured(struct test *t)
{
    void *large = kmalloc(3 * PAGE_SIZE, PAGE_DMA);
    REQUIRE(t, large != NULL);
    EXPECT(t, virt_to_paddr(large) < DMA_MAX_PFN << PAGE_SHIFT);
    kfree(large);
}

static void aligned_form(struct test *t)
{
    for (size_t align = 1; align <= 64 * KiB; align *= 2) {
        for (size_t size = 1; size <= 10000; size = size * 3 + 1) {
            uint8_t *memory = kmalloc_aligned(size, align, PAGE_ANY);
            REQUIRE(t, memory != NULL);
            EXPECT(t, IS_ALIGNED((uintptr_t)memory, align));
            memset(memory, 0x5A, size);
            kfree_aligned(memory, size, align);
        }
    }
}

static void usable_size_does_not_cover_a_neighbour(struct test *t)
{
    uint8_t *kept[64];
    for (unsigned i = 0; i < ARRAY_SIZE(kept); i++) {
        kept[i] = kmalloc(40, PAGE_ANY);
        REQUIRE(t, kept[i] != NULL);
        test_fill(kept[i], kmalloc_usable_size(kept[i]), i);
    }
    for (unsigned i = 0; i < ARRAY_SIZE(kept); i++)
        EXPECT(t, test_is_filled(kept[i], kmalloc_usable_size(kept[i]), i));
    for (unsigned i = 0; i < ARRAY_SIZE(kept); i++)
        kfree(kept[i]);
}

/* Until nothing is left, small and large; then everything back. */
static void exhaustion_is_an_error(struct test *t)
{
    void **list = NULL, *memory;
    for (size_t size = 1 * MiB; size >= 16; size /= 16) {
        while ((memory = kmalloc(size, PAGE_ANY)) != NULL) {
            *(void **)memory = list;
            list = memory;
        }
    }
    EXPECT(t, buddy_check());
    EXPECT(t, slab_check());
    while (list != NULL) {
        memory = list;
        list = *(void **)memory;
        kfree(memory);
    }
}

/* --- crimes -------------------------------------------------------------------------------------- */

static void double_free_of_large_is_reported(struct test *t)
{
    void *memory = kmalloc(3 * PAGE_SIZE, PAGE_ANY);
    REQUIRE(t, memory != NULL);
    kfree(memory);
    EXPECT_PANIC(t, "which kmalloc did not return (free)", kfree(memory));
    EXPECT(t, buddy_check());
}

static void free_of_an_inside_is_reported(struct test *t)
{
    uint8_t *memory = kmalloc(3 * PAGE_SIZE, PAGE_ANY);
    REQUIRE(t, memory != NULL);
    EXPECT_PANIC(t, "which kmalloc did not return", kfree(memory + PAGE_SIZE));
    EXPECT_PANIC(t, "which kmalloc did not return", kfree(memory + 8));
    kfree(memory);
}

/* Small objects: their inside, and those of other caches. */
static void free_of_a_foreign_object_is_reported(struct test *t)
{
    uint8_t *memory = kmalloc(64, PAGE_ANY);
    struct slab_cache *cache = slab_cache_create("other", 64, 0, NULL, 0);
    REQUIRE(t, memory != NULL && cache != NULL);
    void *object = slab_alloc(cache, PAGE_ANY);
    EXPECT_PANIC(t, "which is not an object of this cache", kfree(memory + 8));
    EXPECT_PANIC(t, "which belongs to slab cache other", kfree(object));
    slab_free(cache, object);
    EXPECT_EQ(t, slab_cache_destroy(cache), 0);
    kfree(memory);
}

static void free_of_what_was_not_allocated_is_reported(struct test *t)
{
    static int variable;
    EXPECT_PANIC(t, "which kmalloc did not return (reserved)", kfree(&variable));
    struct page *page = buddy_alloc(0, PAGE_TEST, PAGE_ANY);
    REQUIRE(t, page != NULL);
    EXPECT_PANIC(t, "which kmalloc did not return (test)", kfree(page_to_virt(page)));
    buddy_free(page, 0);
    EXPECT_PANIC(t, "outside the direct map", kfree((void *)0x1000));
}

/* The number of a cache in struct page is a hint: it stays behind when the slab is gone, and lies where
 * other owners of a frame keep other things. */
static void old_hints_mislead_nobody(struct test *t)
{
    enum { COUNT = 24, IDS = 40 };
    static uint8_t *pointers[COUNT];
    char wanted[96];
    for (unsigned i = 0; i < COUNT; i++)
        REQUIRE(t, (pointers[i] = kmalloc(2048, PAGE_ANY)) != NULL);
    for (unsigned i = 0; i < COUNT; i++)
        kfree(pointers[i]);
    slab_shrink_all();
    for (unsigned i = 0; i < COUNT; i++) {
        if (virt_to_page(pointers[i])->kind == PAGE_SLAB) /* there was something else in it */
            continue;
        snprintf(wanted, sizeof(wanted), "kfree of %#x, which kmalloc did not return (free)",
                 (unsigned)(uintptr_t)pointers[i]);
        EXPECT_PANIC(t, wanted, kfree(pointers[i]));
    }
    struct page *page = buddy_alloc(2, PAGE_TEST, PAGE_ANY);
    REQUIRE(t, page != NULL);
    for (unsigned i = 0; i < 4 * IDS; i++) {
        uint8_t *pointer = (uint8_t *)page_to_virt(page + i % 4) + i * 64 % PAGE_SIZE;
        page[i % 4].refs = i / 4;
        EXPECT_PANIC(t, "which kmalloc did not return (test)", kfree(pointer));
        EXPECT_PANIC(t, "which kmalloc did not return (test)", kmalloc_usable_size(pointer));
    }
    buddy_free(page, 2);
}

/* --- model --------------------------------------------------------------------------------------- */

static void random_against_model(struct test *t)
{
    enum { LIVE = 200, STEPS = 6000 };
    static struct {
        uint8_t *memory;
        size_t nbytes;
    } live[LIVE];
    unsigned count = 0;
    for (unsigned step = 0; step < STEPS && t->failures == 0; step++) {
        if (count == 0 || (count < LIVE && (test_random(t) & 1))) {
            size_t nbytes = 1 + (test_random(t) >> (19 + test_random_below(t, 12)));
            uint8_t *memory = kmalloc(nbytes, PAGE_ANY);
            if (memory == NULL)
                continue;
            test_fill(memory, nbytes, (uint32_t)nbytes);
            live[count].memory = memory;
            live[count++].nbytes = nbytes;
        } else {
            unsigned i = test_random_below(t, count);
            EXPECT(t, test_is_filled(live[i].memory, live[i].nbytes, (uint32_t)live[i].nbytes));
            kfree(live[i].memory);
            live[i] = live[--count];
        }
    }
    while (count > 0)
        kfree(live[--count].memory);
}

/* clang-format off */
const struct test_case test_cases[] = {
    TEST(every_size_has_its_room),
    TEST(powers_of_two_are_aligned),
    TEST(waste_is_bounded),
    TEST(impossible_sizes_fail),
    TEST(large_requests_go_to_buddy),
    TEST(requested_bytes_are_counted),
    TEST(zero_flag_really_zeroes),
    TEST(dma_flag_is_honoured),
    TEST(aligned_form),
    TEST(usable_size_does_not_cover_a_neighbour),
    TEST(exhaustion_is_an_error),
    TEST(double_free_of_large_is_reported),
    TEST(free_of_an_inside_is_reported),
    TEST(free_of_a_foreign_object_is_reported),
    TEST(free_of_what_was_not_allocated_is_reported),
    TEST(old_hints_mislead_nobody),
    TEST(random_against_model),
};
/* clang-format on */
const unsigned test_case_count = ARRAY_SIZE(test_cases);
