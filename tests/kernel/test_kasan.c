/* tests/kernel/test_kasan.c - the address sanitizer (make KASAN=1): each kind of bug committed on
 * purpose, with the exact report expected; and what is no bug, which must not be reported. */
#include "tests/kernel/test.h"

#include "kernel/lib/format.h"
#include "kernel/sched/thread.h"
#include "mm/buddy.h"
#include "mm/inject.h"
#include "mm/kasan.h"
#include "mm/kmalloc.h"
#include "mm/kmap.h"
#include "mm/slab.h"
#include "mm/uaccess.h"
#include "mm/vmalloc.h"

/* The compiler must not know where the pointer comes from, or it would see the bug. */
#define HIDE(pointer) __asm__ volatile("" : "+r"(pointer))

/* `statement` must be reported with the very message that is made like this. */
#define EXPECT_REPORT(t, statement, ...)               \
    do {                                               \
        char wanted[192];                              \
        snprintf(wanted, sizeof(wanted), __VA_ARGS__); \
        EXPECT_PANIC(t, "", statement);                \
        EXPECT_STR(t, test_panic_message(), wanted);   \
    } while (0)

static unsigned address_of(const volatile void *pointer)
{
    return (unsigned)(uintptr_t)pointer;
}

/* --- objects ------------------------------------------------------------------------------------ */

static void kmalloc_knows_the_size_asked_for(struct test *t)
{
    for (unsigned size = 1; size <= 64; size++) {
        volatile uint8_t *bytes = kmalloc(size, PAGE_ANY);
        REQUIRE(t, bytes != NULL);
        for (unsigned i = 0; i < size; i++)
            bytes[i] = (uint8_t)i;
        EXPECT_REPORT(
            t, bytes[size] = 1,
            "kasan: slab-out-of-bounds: write of 1 bytes at %#x, 0 bytes behind object "
            "%#x of %u bytes (cache %s)",
            address_of(bytes + size), address_of(bytes), size,
            slab_cache_name(slab_cache_of((void *)bytes, NULL)));
        kfree((void *)bytes);
    }
}

/* A word of which only the first bytes belong to the object. */
static void access_over_the_end(struct test *t)
{
    uint8_t *bytes = kmalloc(13, PAGE_ANY);
    REQUIRE(t, bytes != NULL);
    volatile uint32_t *word = (volatile uint32_t *)(bytes + 12);
    EXPECT_REPORT(
        t, (void)*word,
        "kasan: slab-out-of-bounds: read of 4 bytes at %#x, 0 bytes behind object %#x "
        "of 13 bytes (cache kmalloc-16)",
        address_of(word), address_of(bytes));
    volatile uint64_t *twice = (volatile uint64_t *)(bytes + 6);
    EXPECT_REPORT(
        t, *twice = 0,
        "kasan: slab-out-of-bounds: write of 8 bytes at %#x, 0 bytes behind object %#x "
        "of 13 bytes (cache kmalloc-16)",
        address_of(twice), address_of(bytes));
    kfree(bytes);
}

static void access_before_the_start(struct test *t)
{
    struct slab_cache *cache = slab_cache_create("test", 40, 0, NULL, 0);
    REQUIRE(t, cache != NULL);
    uint8_t *first = slab_alloc(cache, PAGE_ANY), *second = slab_alloc(cache, PAGE_ANY);
    REQUIRE(t, first != NULL && second != NULL);
    volatile uint8_t *upper = MAX(first, second);
    EXPECT_REPORT(
        t, (void)upper[-1],
        "kasan: slab-out-of-bounds: read of 1 bytes at %#x, 1 bytes before object %#x "
        "of 40 bytes (cache test)",
        address_of(upper - 1), address_of(upper));
    slab_free(cache, first);
    slab_free(cache, second);
    EXPECT_EQ(t, slab_cache_destroy(cache), 0);
}

static void use_after_free(struct test *t)
{
    struct slab_cache *cache = slab_cache_create("test", 100, 0, NULL, 0);
    REQUIRE(t, cache != NULL);
    volatile uint32_t *object = slab_alloc(cache, PAGE_ANY);
    REQUIRE(t, object != NULL);
    slab_free(cache, (void *)object);
    EXPECT_REPORT(
        t, (void)object[2],
        "kasan: use-after-free: read of 4 bytes at %#x, 8 bytes into object %#x of 100 "
        "bytes (cache test)",
        address_of(object + 2), address_of(object));
    EXPECT_REPORT(
        t, object[24] = 1,
        "kasan: use-after-free: write of 4 bytes at %#x, 96 bytes into object %#x of 100 "
        "bytes (cache test)",
        address_of(object + 24), address_of(object));
    EXPECT_EQ(t, slab_cache_destroy(cache), 0);
}

/* Whoever asks for an object soon after gets another one, so that the old pointer stays wrong. */
static void freed_objects_wait_in_quarantine(struct test *t)
{
    volatile uint8_t *freed = kmalloc(100, PAGE_ANY);
    void *others[8];
    REQUIRE(t, freed != NULL);
    kfree((void *)freed);
    for (unsigned i = 0; i < ARRAY_SIZE(others); i++) {
        others[i] = kmalloc(100, PAGE_ANY);
        EXPECT(t, others[i] != freed);
    }
    EXPECT_REPORT(
        t, (void)freed[0],
        "kasan: use-after-free: read of 1 bytes at %#x, 0 bytes into object %#x of 100 "
        "bytes (cache kmalloc-128)",
        address_of(freed), address_of(freed));
    for (unsigned i = 0; i < ARRAY_SIZE(others); i++)
        kfree(others[i]);
}

static void quarantine_is_limited(struct test *t)
{
    struct kasan_stats stats;
    uint32_t peak = 0;
    for (unsigned i = 0; i < 1000; i++) {
        kfree(kmalloc(1000, PAGE_ANY));
        kasan_get_stats(&stats);
        peak = MAX(peak, stats.quarantined_bytes);
    }
    EXPECT(t, peak > 0 && peak <= 128 * KiB);
    kasan_quarantine_flush();
    kasan_get_stats(&stats);
    EXPECT_EQ(t, stats.quarantined_bytes, 0);
}

/* Nobody is refused memory for the sake of the quarantine: a cache gets its own objects back ... */
static void quarantine_gives_way_to_its_cache(struct test *t)
{
    struct list_node held;
    struct slab_cache *cache = slab_cache_create("test", 40, 0, NULL, 0);
    REQUIRE(t, cache != NULL);
    void *object = slab_alloc(cache, PAGE_ANY);
    REQUIRE(t, object != NULL);
    test_hold_frames(&held, PAGE_ANY, 0);
    void *others[200]; /* until the slab has no more */
    unsigned count = 0;
    while (count < ARRAY_SIZE(others) && (others[count] = slab_alloc(cache, PAGE_ANY)) != NULL)
        count++;
    EXPECT(t, count < ARRAY_SIZE(others));
    slab_free(cache, object);
    EXPECT_PTR(t, slab_alloc(cache, PAGE_ANY), object);
    test_give_frames_back(&held);
    slab_free(cache, object);
    while (count > 0)
        slab_free(cache, others[--count]);
    EXPECT_EQ(t, slab_cache_destroy(cache), 0);
}

/* ... and everybody the frames of slabs that hold nothing else. */
static void quarantine_gives_way_to_frames(struct test *t)
{
    struct list_node held;
    struct slab_cache *cache = slab_cache_create("test", 4000, 0, NULL, 0);
    REQUIRE(t, cache != NULL);
    void *object = slab_alloc(cache, PAGE_ANY);
    REQUIRE(t, object != NULL);
    kasan_quarantine_flush();
    slab_free(cache, object);
    EXPECT_EQ(t, kasan_quarantined(cache), 1);
    test_hold_frames(&held, PAGE_ANY, 0);
    EXPECT_EQ(t, kasan_quarantined(cache), 0);
    test_give_frames_back(&held);
    EXPECT_EQ(t, slab_cache_destroy(cache), 0);
}

/* A slab that is small because memory was short is guarded as well. */
static void small_slabs(struct test *t)
{
    static const struct inject_rule first = { .what = INJECT_PAGE, .mode = INJECT_NTH, .n = 1 };
    struct slab_cache *cache = slab_cache_create("test", 1500, 0, NULL, 0);
    REQUIRE(t, cache != NULL);
    inject_set(&first);
    volatile uint8_t *object = slab_alloc(cache, PAGE_ANY);
    inject_set(&(struct inject_rule){ 0 });
    REQUIRE(t, object != NULL);
    EXPECT_EQ(t, virt_to_page((void *)object)->order, 0);
    slab_free(cache, (void *)object);
    EXPECT_REPORT(
        t, (void)object[3],
        "kasan: use-after-free: read of 1 bytes at %#x, 3 bytes into object %#x of 1500 "
        "bytes (cache test)",
        address_of(object + 3), address_of(object));
    EXPECT_REPORT(t, slab_free(cache, (void *)object), "slab test: double free of %#x",
                  address_of(object));
    EXPECT_EQ(t, slab_cache_destroy(cache), 0);
}

static void double_free(struct test *t)
{
    void *object = kmalloc(50, PAGE_ANY);
    REQUIRE(t, object != NULL);
    kfree(object);
    EXPECT_REPORT(t, kfree(object), "slab kmalloc-64: double free of %#x", address_of(object));
}

/* A constructed object keeps its contents, and is guarded all the same. */
static void construct(void *object)
{
    *(uint32_t *)object = 0xC0DE;
}

static void constructed_objects(struct test *t)
{
    struct slab_cache *cache = slab_cache_create("test", 24, 0, construct, 0);
    REQUIRE(t, cache != NULL);
    volatile uint32_t *object = slab_alloc(cache, PAGE_ANY);
    REQUIRE(t, object != NULL);
    EXPECT_EQ(t, object[0], 0xC0DE);
    EXPECT_REPORT(
        t, object[6] = 0,
        "kasan: slab-out-of-bounds: write of 4 bytes at %#x, 0 bytes behind object %#x "
        "of 24 bytes (cache test)",
        address_of(object + 6), address_of(object));
    slab_free(cache, (void *)object);
    EXPECT_REPORT(
        t, (void)object[0],
        "kasan: use-after-free: read of 4 bytes at %#x, 0 bytes into object %#x of 24 "
        "bytes (cache test)",
        address_of(object), address_of(object));
    EXPECT_EQ(t, slab_cache_destroy(cache), 0);
}

/* What was asked for may grow to the size that is said to be usable. */
static void usable_size_may_be_used(struct test *t)
{
    uint8_t *bytes = kmalloc(100, PAGE_ANY);
    REQUIRE(t, bytes != NULL);
    size_t usable = kmalloc_usable_size(bytes);
    EXPECT_EQ(t, usable, 128);
    memset(bytes, 1, usable);
    kfree(bytes);
}

/* --- frames ------------------------------------------------------------------------------------- */

static void large_blocks_know_the_size_asked_for(struct test *t)
{
    volatile uint8_t *block = kmalloc(10001, PAGE_ANY);
    REQUIRE(t, block != NULL);
    block[0] = block[10000] = 1;
    EXPECT_REPORT(
        t, block[10003] = 1,
        "kasan: kmalloc-out-of-bounds: write of 1 bytes at %#x, 2 bytes behind block %#x "
        "of 10001 bytes (kmalloc)",
        address_of(block + 10003), address_of(block));
    kfree((void *)block);
    EXPECT_REPORT(t, (void)block[0],
                  "kasan: use-after-free: read of 1 bytes at %#x, in pfn %#x (free)",
                  address_of(block), page_to_pfn(virt_to_page((void *)block)));
}

static void freed_frames(struct test *t)
{
    struct page *page = buddy_alloc(0, PAGE_TEST, PAGE_ANY);
    REQUIRE(t, page != NULL);
    volatile uint32_t *words = page_to_virt(page);
    words[0] = words[1023] = 1;
    buddy_free(page, 0);
    EXPECT_REPORT(t, words[1] = 1,
                  "kasan: use-after-free: write of 4 bytes at %#x, in pfn %#x (free)",
                  address_of(words + 1), page_to_pfn(page));
}

static void windows_on_high_memory_are_not_checked(struct test *t)
{
    struct page *page = buddy_alloc(0, PAGE_TEST, PAGE_HIGHMEM_OK);
    REQUIRE(t, page != NULL);
    uint8_t *window = kmap(page);
    memset(window, 0xA5, PAGE_SIZE);
    EXPECT(t, test_is_byte(window, PAGE_SIZE, 0xA5));
    kunmap(window);
    buddy_free(page, 0);
}

static void vmalloc_is_usable_to_its_end(struct test *t)
{
    uint8_t *area = vmalloc(3, PAGE_VMALLOC);
    REQUIRE(t, area != NULL);
    memset(area, 1, 3 * PAGE_SIZE);
    EXPECT(t, test_is_byte(area, 3 * PAGE_SIZE, 1));
    vfree(area);
}

/* --- variables ---------------------------------------------------------------------------------- */

static uint8_t global[13];
static const uint16_t constants[5] = { 1, 2, 3, 4, 5 };
enum { CONSTANTS_LINE = __LINE__ - 1, GLOBAL_LINE = CONSTANTS_LINE - 1 };

static void global_variables(struct test *t)
{
    volatile uint8_t *bytes = global;
    const volatile uint16_t *words = constants;
    HIDE(bytes);
    HIDE(words);
    bytes[12] = 1;
    EXPECT_REPORT(
        t, bytes[13] = 1,
        "kasan: global-out-of-bounds: write of 1 bytes at %#x, 0 bytes behind variable "
        "global of 13 bytes (tests/kernel/test_kasan.c:%u)",
        address_of(bytes + 13), GLOBAL_LINE);
    EXPECT_REPORT(
        t, (void)words[6],
        "kasan: global-out-of-bounds: read of 2 bytes at %#x, 2 bytes behind variable "
        "constants of 10 bytes (tests/kernel/test_kasan.c:%u)",
        address_of(words + 6), CONSTANTS_LINE);
}

static void stack_variables(struct test *t)
{
    char numbers[10], text[20];
    volatile char *first = numbers, *second = text;
    HIDE(first);
    HIDE(second);
    first[9] = second[19] = 1;
    EXPECT_REPORT(
        t, first[10] = 1,
        "kasan: stack-out-of-bounds: write of 1 bytes at %#x, 0 bytes behind variable "
        "numbers of 10 bytes (stack_variables+0)",
        address_of(first + 10));
    /* The framework has made the stack usable: this function's redzones are gone. */
    EXPECT_EQ(t, first[9] + second[19], 2);
}

static __attribute__((noinline)) uint32_t read_word(const volatile uint32_t *words, int index)
{
    HIDE(words);
    return words[index];
}

static void stack_variables_from_a_callee(struct test *t)
{
    uint32_t words[4] = { 1, 2, 3, 4 };
    EXPECT_EQ(t, read_word(words, 3), 4);
    EXPECT_REPORT(t, read_word(words, -1),
                  "kasan: stack-out-of-bounds: read of 4 bytes at %#x, 4 bytes before variable "
                  "words of 16 bytes (stack_variables_from_a_callee+0)",
                  address_of(words) - 4);
}

static void use_after_scope(struct test *t)
{
    volatile uint32_t *left = NULL;
    for (unsigned i = 0; i < 1; i++) {
        uint32_t words[4] = { i, i, i, i };
        left = words;
        HIDE(left);
        (void)left[3];
    }
    EXPECT_REPORT(
        t, (void)left[1],
        "kasan: use-after-scope: read of 4 bytes at %#x, 4 bytes into variable words of "
        "16 bytes (use_after_scope+0)",
        address_of(left + 1));
}

/* --- what the compiler does not see -------------------------------------------------------------- */

static void memory_functions_are_checked(struct test *t)
{
    uint8_t *from = kmalloc(20, PAGE_ANY), *to = kmalloc(30, PAGE_ANY);
    size_t nbytes = 21;
    HIDE(nbytes);
    REQUIRE(t, from != NULL && to != NULL);
    memset(from, 1, 20);
    memcpy(to, from, 20);
    EXPECT_REPORT(
        t, memcpy(to, from, nbytes),
        "kasan: slab-out-of-bounds: read of 21 bytes at %#x, 0 bytes behind object %#x "
        "of 20 bytes (cache kmalloc-32)",
        address_of(from), address_of(from));
    EXPECT_REPORT(
        t, memmove(from, to, nbytes),
        "kasan: slab-out-of-bounds: write of 21 bytes at %#x, 0 bytes behind object %#x "
        "of 20 bytes (cache kmalloc-32)",
        address_of(from), address_of(from));
    EXPECT_REPORT(
        t, memset(to, 0, nbytes + 10),
        "kasan: slab-out-of-bounds: write of 31 bytes at %#x, 0 bytes behind object %#x "
        "of 30 bytes (cache kmalloc-32)",
        address_of(to), address_of(to));
    kfree(from);
    EXPECT_REPORT(
        t, memcpy(to, from, 4),
        "kasan: use-after-free: read of 4 bytes at %#x, 0 bytes into object %#x of 20 "
        "bytes (cache kmalloc-32)",
        address_of(from), address_of(from));
    kfree(to);
}

static void copies_for_programs_are_checked(struct test *t)
{
    uint8_t *bytes = kmalloc(20, PAGE_ANY);
    uaddr_t anywhere = 0x10000;
    REQUIRE(t, bytes != NULL);
    EXPECT_REPORT(
        t, copy_to_user(anywhere, bytes, 24),
        "kasan: slab-out-of-bounds: read of 24 bytes at %#x, 0 bytes behind object %#x "
        "of 20 bytes (cache kmalloc-32)",
        address_of(bytes), address_of(bytes));
    EXPECT_REPORT(
        t, copy_from_user(bytes, anywhere, 24),
        "kasan: slab-out-of-bounds: write of 24 bytes at %#x, 0 bytes behind object %#x "
        "of 20 bytes (cache kmalloc-32)",
        address_of(bytes), address_of(bytes));
    kfree(bytes);
}

static void string_functions_are_checked(struct test *t)
{
    char *text = kmalloc(4, PAGE_ANY);
    REQUIRE(t, text != NULL);
    memcpy(text, "four", 4);
    EXPECT_REPORT(
        t, strlen(text),
        "kasan: slab-out-of-bounds: read of 1 bytes at %#x, 0 bytes behind object %#x "
        "of 4 bytes (cache kmalloc-8)",
        address_of(text + 4), address_of(text));
    kfree(text);
}

/* Words that lie over a granule's end, inside one object. */
static void unaligned_accesses_are_no_bugs(struct test *t)
{
    uint8_t *bytes = kmalloc(64, PAGE_ANY);
    REQUIRE(t, bytes != NULL);
    test_fill(bytes, 64, 1);
    for (unsigned i = 0; i <= 60; i++)
        (void)*(volatile uint32_t *)(bytes + i);
    for (unsigned i = 0; i <= 56; i++)
        (void)*(volatile uint64_t *)(bytes + i);
    kfree(bytes);
}

/* --- threads: a stack that was left in the middle of a function is whole for its next owner ------- */

/* Through a pointer: the compiler does not know that the call never returns, and leaves the redzones of
 * all these functions in the shadow. */
static void (*volatile end_thread)(void) = thread_exit;

static __attribute__((noinline)) void end_deep_inside(unsigned depth)
{
    volatile char text[64];
    text[0] = text[63] = (char)depth;
    if (depth == 0)
        end_thread();
    else
        end_deep_inside(depth - 1);
    text[1] = 1;
}

static void deep_thread(void *ended)
{
    (*(volatile unsigned *)ended)++;
    end_deep_inside(10);
}

static void stacks_are_used_again(struct test *t)
{
    volatile unsigned ended = 0;
    for (unsigned i = 0; i < 20; i++) {
        REQUIRE(t, thread_create("deep", deep_thread, (void *)&ended) != NULL);
        thread_sleep_ticks(2);
    }
    EXPECT_EQ(t, ended, 20);
}

/* --- these end the machine; tests/test_sanitizers.py reads their reports -------------------------- */

static __attribute__((noinline)) uint8_t *give_memory(void)
{
    uint8_t *bytes = kmalloc(33, PAGE_ANY);
    __asm__ volatile("" ::: "memory"); /* no tail call */
    return bytes;
}

static __attribute__((noinline)) void take_memory(uint8_t *bytes)
{
    kfree(bytes);
    __asm__ volatile("" ::: "memory");
}

static void report_use_after_free(struct test *t)
{
    volatile uint8_t *bytes = give_memory();
    REQUIRE(t, bytes != NULL);
    take_memory((uint8_t *)bytes);
    bytes[5] = 1;
}

static void report_out_of_bounds(struct test *t)
{
    volatile uint8_t *bytes = give_memory();
    REQUIRE(t, bytes != NULL);
    bytes[33] = 1;
}

static void report_double_free(struct test *t)
{
    uint8_t *bytes = give_memory();
    REQUIRE(t, bytes != NULL);
    take_memory(bytes);
    take_memory(bytes);
    EXPECT(t, false); /* not reached */
}

static void report_freed_frame(struct test *t)
{
    struct page *page = buddy_alloc(0, PAGE_TEST, PAGE_ANY);
    REQUIRE(t, page != NULL);
    volatile uint32_t *words = page_to_virt(page);
    buddy_free(page, 0);
    (void)words[2];
}

/* clang-format off */
const struct test_case test_cases[] = {
    TEST(kmalloc_knows_the_size_asked_for),
    TEST(access_over_the_end),
    TEST(access_before_the_start),
    TEST(use_after_free),
    TEST(freed_objects_wait_in_quarantine),
    TEST(quarantine_is_limited),
    TEST(quarantine_gives_way_to_its_cache),
    TEST(quarantine_gives_way_to_frames),
    TEST(small_slabs),
    TEST(double_free),
    TEST(constructed_objects),
    TEST(usable_size_may_be_used),
    TEST(large_blocks_know_the_size_asked_for),
    TEST(freed_frames),
    TEST(windows_on_high_memory_are_not_checked),
    TEST(vmalloc_is_usable_to_its_end),
    TEST(global_variables),
    TEST(stack_variables),
    TEST(stack_variables_from_a_callee),
    TEST(use_after_scope),
    TEST(memory_functions_are_checked),
    TEST(copies_for_programs_are_checked),
    TEST(string_functions_are_checked),
    TEST(unaligned_accesses_are_no_bugs),
    TEST(stacks_are_used_again),
    TEST_FATAL(report_use_after_free),
    TEST_FATAL(report_out_of_bounds),
    TEST_FATAL(report_double_free),
    TEST_FATAL(report_freed_frame),
};
/* clang-format on */
const unsigned test_case_count = ARRAY_SIZE(test_cases);
