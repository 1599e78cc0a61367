/* tests/kernel/bench.c - what the allocators cost, in ticks of the time-stamp counter.
 *
 * Under `qemu -icount shift=0,sleep=off` one tick is one guest instruction, so the figures are exact
 * and repeatable.  (One iteration of REP STOS counts as one instruction: zeroing a page is 1024.)
 * Each row has at least 100 samples; the time of taking the time is subtracted.  Interrupts are off
 * while something is measured.  tests/bench.py prints the rows as a table.
 *
 *     bench: NAME min=N median=N samples=N fill=N unit=WHAT
 *
 * `fill` is the part of it that fills or copies memory: net = gross - fill.  What is not time but
 * memory:
 *
 *     overhead: TABLE NAME KEY=N ... */
#include "tests/kernel/bench.h"

#include "kernel/cpu/spinlock.h"
#include "kernel/dev/console.h"
#include "kernel/lib/errno.h"
#include "kernel/lib/format.h"
#include "mm/buddy.h"
#include "mm/kmalloc.h"
#include "mm/memstat.h"
#include "mm/slab.h"
#include "mm/vmalloc.h"

uint32_t samples[SAMPLES];
void *held[MANY_OBJECTS];
static uint32_t overhead;

static void sort_samples(unsigned count)
{
    for (unsigned i = 1; i < count; i++) {
        uint32_t sample = samples[i];
        unsigned k = i;
        for (; k > 0 && samples[k - 1] > sample; k--)
            samples[k] = samples[k - 1];
        samples[k] = sample;
    }
}

void report(const char *name, unsigned count, unsigned divisor, unsigned fill, const char *unit)
{
    sort_samples(count);
    console_printf("bench: %s min=%u median=%u samples=%u fill=%u unit=%s\n", name,
                   samples[0] / divisor, samples[count / 2] / divisor, count, fill, unit);
}

uint32_t since(uint64_t start)
{
    uint32_t ticks = (uint32_t)(tsc_read() - start);
    return ticks > overhead ? ticks - overhead : 0;
}

void measure_overhead(void)
{
    uint32_t least = ~0u;
    overhead = 0;
    for (unsigned i = 0; i < SAMPLES; i++) {
        uint64_t start = tsc_read();
        least = MIN(least, since(start));
    }
    overhead = least;
}

/* --- pages -------------------------------------------------------------------------------------- */

static void page_pairs(struct test *t)
{
    static const unsigned orders[] = { 0, 1, 2, 3, 4, 9, 10 };
    char name[32];
    NEED_TSC(t);
    for (unsigned i = 0; i < ARRAY_SIZE(orders); i++) {
        unsigned order = orders[i];
        snprintf(name, sizeof(name), "page_pair_order_%u", order);
        MEASURE(name, SAMPLES, 1, 0, "pair",
                buddy_free(buddy_alloc(order, PAGE_TEST, PAGE_ANY), order));
    }
    MEASURE("page_pair_zeroed", SAMPLES, 1, PAGE_FILL, "pair",
            buddy_free(buddy_alloc(0, PAGE_TEST, PAGE_ANY | PAGE_ZERO), 0));
}

static void take_pages(void)
{
    for (unsigned i = 0; i < MANY_PAGES; i++)
        held[i] = buddy_alloc(0, PAGE_TEST, PAGE_ANY);
}

static void free_pages(void)
{
    for (unsigned i = 0; i < MANY_PAGES; i++)
        buddy_free(held[i], 0);
}

static void reverse_pages(void)
{
    for (unsigned i = 0; i < MANY_PAGES / 2; i++) {
        void *page = held[i];
        held[i] = held[MANY_PAGES - 1 - i];
        held[MANY_PAGES - 1 - i] = page;
    }
}

static void shuffle_pages(struct test *t)
{
    for (unsigned i = MANY_PAGES - 1; i > 0; i--) {
        unsigned k = test_random_below(t, i + 1);
        void *page = held[i];
        held[i] = held[k];
        held[k] = page;
    }
}

/* Allocate 1000, then free them; only the order of the frees differs. */
static void thousand_pages_in(struct test *t, const char *name)
{
    uint32_t irq = irq_save();
    measure_overhead();
    for (unsigned sample = 0; sample < RANGE_SAMPLES; sample++) {
        uint64_t start = tsc_read();
        take_pages();
        samples[sample] = since(start);
        if (strcmp(name, "page_1000_reverse") == 0)
            reverse_pages();
        else if (strcmp(name, "page_1000_random") == 0)
            shuffle_pages(t);
        start = tsc_read();
        free_pages();
        samples[sample] += since(start);
    }
    irq_restore(irq);
    report(name, RANGE_SAMPLES, MANY_PAGES, 0, "page");
}

static void thousand_pages(struct test *t)
{
    NEED_TSC(t);
    if (buddy_free_frames() < 2 * MANY_PAGES)
        SKIP(t, "needs more memory");
    thousand_pages_in(t, "page_1000_same");
    thousand_pages_in(t, "page_1000_reverse");
    thousand_pages_in(t, "page_1000_random");
}

/* --- slab --------------------------------------------------------------------------------------- */

static const unsigned slab_sizes[] = { 32, 64, 128, 256, 1024, 2048 };

static void slab_pairs(struct test *t)
{
    char name[32];
    NEED_TSC(t);
    for (unsigned i = 0; i < ARRAY_SIZE(slab_sizes); i++) {
        struct slab_cache *cache = slab_cache_create("bench", slab_sizes[i], 0, NULL, 0);
        REQUIRE(t, cache != NULL);
        snprintf(name, sizeof(name), "slab_pair_%u", slab_sizes[i]);
        MEASURE(name, SAMPLES, 1, 0, "pair", slab_free(cache, slab_alloc(cache, PAGE_ANY)));
        EXPECT_EQ(t, slab_cache_destroy(cache), 0);
    }
}

static void slab_many_of(struct slab_cache *cache)
{
    for (unsigned i = 0; i < MANY_OBJECTS; i++)
        held[i] = slab_alloc(cache, PAGE_ANY);
    for (unsigned i = 0; i < MANY_OBJECTS; i++)
        slab_free(cache, held[i]);
}

static void slab_many(struct test *t)
{
    char name[32];
    NEED_TSC(t);
    if (buddy_free_frames() < 2 * MANY_OBJECTS)
        SKIP(t, "needs more memory");
    for (unsigned i = 0; i < ARRAY_SIZE(slab_sizes); i++) {
        struct slab_cache *cache = slab_cache_create("bench", slab_sizes[i], 0, NULL, 0);
        REQUIRE(t, cache != NULL);
        snprintf(name, sizeof(name), "slab_10000_%u", slab_sizes[i]);
        MEASURE(name, RANGE_SAMPLES, MANY_OBJECTS, 0, "object", slab_many_of(cache));
        EXPECT_EQ(t, slab_cache_destroy(cache), 0);
    }
}

/* The allocation that has to make a slab first. */
static void slab_first(struct test *t)
{
    static const unsigned sizes[] = { 32, 256, 2048 };
    char name[32];
    NEED_TSC(t);
    for (unsigned i = 0; i < ARRAY_SIZE(sizes); i++) {
        struct slab_cache *cache = slab_cache_create("bench", sizes[i], 0, NULL, 0);
        REQUIRE(t, cache != NULL);
        uint32_t irq = irq_save();
        measure_overhead();
        for (unsigned sample = 0; sample < SAMPLES; sample++) {
            uint64_t start = tsc_read();
            void *object = slab_alloc(cache, PAGE_ANY);
            samples[sample] = since(start);
            slab_free(cache, object);
            slab_cache_shrink(cache);
        }
        irq_restore(irq);
        snprintf(name, sizeof(name), "slab_first_in_slab_%u", sizes[i]);
        report(name, SAMPLES, 1, 0, "object");
        EXPECT_EQ(t, slab_cache_destroy(cache), 0);
    }
}

/* --- kmalloc, vmalloc --------------------------------------------------------------------------- */

static void kmalloc_pairs(struct test *t)
{
    char name[32];
    NEED_TSC(t);
    for (size_t nbytes = 8; nbytes <= 16384; nbytes *= 2) {
        snprintf(name, sizeof(name), "kmalloc_pair_%u", (unsigned)nbytes);
        MEASURE(name, SAMPLES, 1, 0, "pair", kfree(kmalloc(nbytes, PAGE_ANY)));
    }
}

/* Another size each time, which no compiler can know. */
static void kmalloc_run_time(struct test *t)
{
    static size_t sizes[SAMPLES + WARM_UP];
    NEED_TSC(t);
    for (unsigned i = 0; i < ARRAY_SIZE(sizes); i++)
        sizes[i] = 1 + test_random_below(t, SLAB_MAX_OBJECT);
    for (unsigned i = 0; i < ARRAY_SIZE(sizes); i++) /* every cache has objects */
        kfree(kmalloc(sizes[i], PAGE_ANY));
    MEASURE("kmalloc_pair_run_time", SAMPLES, 1, 0, "pair",
            kfree(kmalloc(sizes[round], PAGE_ANY)));
}

static void vmalloc_pairs(struct test *t)
{
    NEED_TSC(t);
    MEASURE("vmalloc_pair_4096", SAMPLES, 1, 0, "pair", vfree(vmalloc(1, PAGE_VMALLOC)));
    MEASURE("vmalloc_pair_65536", SAMPLES, 1, 0, "pair", vfree(vmalloc(16, PAGE_VMALLOC)));
}

/* --- memory that serves no user ------------------------------------------------------------------- */

static void frame_overheads(struct test *t)
{
    struct memstat stat;
    (void)t;
    memstat_get(&stat);
    console_printf("overhead: frames struct_page bytes=%u\n", (unsigned)sizeof(struct page));
    console_printf("overhead: frames mem_map kib=%u ram=%u\n", stat.mem_map,
                   stat.mem_total + stat.reserved);
    console_printf("overhead: frames direct_map kib=%u pages_4k=%u pages_4m=%u\n",
                   stat.page_tables, stat.direct_map_4k / 4, stat.direct_map_4m / 4096);
    console_printf("overhead: frames kernel kib=%u\n", stat.kernel_image);
}

static void print_caches(void)
{
    struct slab_stats stats;
    for (unsigned i = 0; slab_get_stats(i, &stats); i++)
        console_printf(
            "overhead: caches %s object=%u slot=%u objects=%u pages=%u waste=%u\n", stats.name,
            stats.object_size, stats.slot_size, stats.objects_per_slab, stats.pages_per_slab,
            stats.pages_per_slab * PAGE_SIZE - stats.objects_per_slab * stats.object_size);
}

/* All caches that there are, and one of each size of the rows above. */
static void slab_overheads(struct test *t)
{
    struct slab_cache *caches[ARRAY_SIZE(slab_sizes)];
    char name[32];
    for (unsigned i = 0; i < ARRAY_SIZE(caches); i++) {
        snprintf(name, sizeof(name), "bench-%u", slab_sizes[i]);
        caches[i] = slab_cache_create(name, slab_sizes[i], 0, NULL, 0);
        REQUIRE(t, caches[i] != NULL);
    }
    print_caches();
    for (unsigned i = 0; i < ARRAY_SIZE(caches); i++)
        EXPECT_EQ(t, slab_cache_destroy(caches[i]), 0);
}

/* Which sizes are given the same room. */
static void kmalloc_overheads(struct test *t)
{
    size_t given = 0, first = 0;
    for (size_t nbytes = 1; nbytes <= SLAB_MAX_OBJECT + 1; nbytes++) {
        void *memory = kmalloc(nbytes, PAGE_ANY);
        REQUIRE(t, memory != NULL);
        size_t usable = kmalloc_usable_size(memory);
        kfree(memory);
        if (usable == given)
            continue;
        if (given != 0)
            console_printf("overhead: kmalloc %u first=%u last=%u\n", (unsigned)given,
                           (unsigned)first, (unsigned)nbytes - 1);
        given = usable;
        first = nbytes;
    }
}

/* An object as many are: some lists, a lock, the rest 0. */
struct constructed {
    struct list_node lists[4];
    struct spinlock lock;
    uint8_t rest[88];
};

static uint32_t constructor_calls;

static void construct(void *object)
{
    struct constructed *it = object;
    memset(it, 0, sizeof(*it));
    for (unsigned i = 0; i < ARRAY_SIZE(it->lists); i++)
        list_init(&it->lists[i]);
    it->lock.name = "bench";
    constructor_calls++;
}

static void *constructed_now(struct slab_cache *cache)
{
    void *object = slab_alloc(cache, PAGE_ANY);
    construct(object);
    return object;
}

/* The same object, constructed once for each slot, or by its user each time. */
static void constructor_saves_work(struct test *t)
{
    struct slab_cache *once, *each_time;
    NEED_TSC(t);
    once = slab_cache_create("once", sizeof(struct constructed), 0, construct, 0);
    each_time = slab_cache_create("each", sizeof(struct constructed), 0, NULL, 0);
    REQUIRE(t, once != NULL && each_time != NULL);
    constructor_calls = 0;
    MEASURE("slab_pair_constructed_once", SAMPLES, 1, 0, "pair",
            slab_free(once, slab_alloc(once, PAGE_ANY)));
    console_printf("overhead: constructor once allocs=%u calls=%u pair=%u\n", SAMPLES + WARM_UP,
                   constructor_calls, samples[SAMPLES / 2]);
    EXPECT(t, constructor_calls <= PAGE_SIZE / sizeof(struct constructed));
    uint32_t pair = samples[SAMPLES / 2];
    constructor_calls = 0;
    MEASURE("slab_pair_constructed_each_time", SAMPLES, 1, 0, "pair",
            slab_free(each_time, constructed_now(each_time)));
    console_printf("overhead: constructor each_time allocs=%u calls=%u pair=%u\n",
                   SAMPLES + WARM_UP, constructor_calls, samples[SAMPLES / 2]);
    EXPECT(t, pair < samples[SAMPLES / 2]);
    EXPECT_EQ(t, slab_cache_destroy(once), 0);
    EXPECT_EQ(t, slab_cache_destroy(each_time), 0);
}

/* --- ring 3 ------------------------------------------------------------------------------------- */

/* user/bin/bench*.c measure themselves and print rows of the same form.  In what order the cases above
 * have left the hot lists is not to decide what a fault costs. */
static void programs(struct test *t)
{
    static const char *const names[] = { "bench", "benchvm", "benchproc" };
    buddy_drain();
    for (unsigned i = 0; i < ARRAY_SIZE(names); i++) {
        int status = test_run_program(names[i]);
        if (status == -ENOENT)
            SKIP(t, "booted without initrd");
        EXPECT_EQ(t, status, 0);
    }
}

/* clang-format off */
const struct test_case test_cases[] = {
    TEST(page_pairs),
    TEST(thousand_pages),
    TEST(slab_pairs),
    TEST(slab_many),
    TEST(slab_first),
    TEST(kmalloc_pairs),
    TEST(kmalloc_run_time),
    TEST(vmalloc_pairs),
    TEST(frame_overheads),
    TEST(slab_overheads),
    TEST(kmalloc_overheads),
    TEST(constructor_saves_work),
    TEST(programs),
    /* What changes the order of the free lists comes last. */
    TEST(slab_refill),
    TEST(mapped_frames),
    TEST(exact_runs),
    TEST(compaction),
    TEST(leak_scan),
    TEST(reserve_pairs),
    TEST(steals),
};
/* clang-format on */
const unsigned test_case_count = ARRAY_SIZE(test_cases);
