/* tests/kernel/test_detectors.c - the kernel's alarms, each set off on purpose: writes to its own text,
 * jumps to nowhere, locks taken twice, and the leak check of this very framework.  (Double frees,
 * redzones and the like are with their allocators; the stack overflow is in test_thread.c.) */
#include "tests/kernel/test.h"

#include "kernel/cpu/cpu.h"
#include "kernel/cpu/spinlock.h"
#include "kernel/cpu/trap.h"
#include "kernel/dev/console.h"
#include "kernel/lib/layout.h"
#include "kernel/panic.h"
#include "kernel/sched/thread.h"
#include "kernel/symbols.h"
#include "mm/buddy.h"
#include "mm/kmalloc.h"
#include "mm/slab.h"

static const uint32_t constant = 0x1234;

static void write_to_kernel_text(struct test *t)
{
    volatile uint8_t *text = (volatile uint8_t *)(uintptr_t)buddy_alloc;
    uint8_t first = *text;
    EXPECT_PANIC(t, "kernel write to a read-only page", *text = 0xCC);
    EXPECT_EQ(t, *text, first);
}

static void write_to_constants(struct test *t)
{
    volatile uint32_t *word = (volatile uint32_t *)(uintptr_t)&constant;
    EXPECT_PANIC(t, "kernel write to a read-only page", *word = 1);
    EXPECT_EQ(t, *word, 0x1234);
}

/* The processor is to find it, not the compiler's own test (make UBSAN=1). */
static __attribute__((no_sanitize("null"))) void null_dereference(struct test *t)
{
    volatile uint32_t *null = (volatile uint32_t *)0;
    __asm__ volatile("" : "+r"(null)); /* the compiler must not know */
    EXPECT_PANIC(t, "kernel read of a not-present page at 0", (void)*null);
    EXPECT_PANIC(t, "kernel write to a not-present page at 0x8", null[2] = 1);
}

static void jump_to_nowhere(struct test *t)
{
    void (*nowhere)(void) = (void (*)(void))0x1000;
    __asm__ volatile("" : "+r"(nowhere));
    EXPECT_PANIC(t, "a not-present page at 0x1000", nowhere());
}

static void undefined_instruction(struct test *t)
{
    EXPECT_PANIC(t, trap_name(TRAP_INVALID_OPCODE), __asm__ volatile("ud2"));
}

static void divide_by_zero(struct test *t)
{
    EXPECT_PANIC(t, trap_name(TRAP_DIVIDE),
                 __asm__ volatile("xorl %%ecx, %%ecx; xorl %%edx, %%edx; divl %%ecx" ::
                                      : "eax", "ecx", "edx", "cc"));
}

static void lock_taken_twice(struct test *t)
{
    static struct spinlock lock = SPINLOCK_INIT("test");
    uint32_t flags = spin_lock(&lock);
    EXPECT_PANIC(t, "lock 'test' taken twice", spin_lock(&lock));
    spin_unlock(&lock, flags);
    EXPECT_PANIC(t, "lock 'test' released but not held", spin_unlock(&lock, flags));
    irq_enable();
    EXPECT(t, !spin_is_held(&lock));
}

static void assertions_name_their_place(struct test *t)
{
    EXPECT_PANIC(t, "test_detectors.c:", ASSERT(constant == 1, "constant is %#x", constant));
    EXPECT(t, strstr(test_panic_message(), "assertions_name_their_place") != NULL);
    EXPECT(t, strstr(test_panic_message(), "constant is 0x1234") != NULL);
}

/* A leak is found: one page, one object. */
static void leaks_are_found(struct test *t)
{
    uint32_t free_before = buddy_free_frames();
    struct page *page = buddy_alloc(0, PAGE_TEST, PAGE_ANY);
    REQUIRE(t, page != NULL);
    EXPECT_EQ(t, buddy_free_frames(), free_before - 1);
    buddy_free(page, 0);
    EXPECT_EQ(t, buddy_free_frames(), free_before);
}

/* --- backtraces --------------------------------------------------------------------------------- */

static uintptr_t trace[8];
static unsigned trace_length;

static __attribute__((noinline)) void inner(void)
{
    trace_length = panic_backtrace((uintptr_t)__builtin_frame_address(0), trace, 8);
    __asm__ volatile("" ::: "memory"); /* no tail call */
}

static __attribute__((noinline)) void outer(void)
{
    inner();
    __asm__ volatile("" ::: "memory");
}

static void backtraces_name_the_callers(struct test *t)
{
    uint32_t offset;
    outer();
    REQUIRE(t, trace_length >= 3);
    EXPECT_STR(t, symbols_lookup(trace[0], &offset), "outer");
    EXPECT_STR(t, symbols_lookup(trace[1], &offset), "backtraces_name_the_callers");
    EXPECT_EQ(t, symbols_address("outer"), (uintptr_t)outer);
}

static void backtraces_stop_at_garbage(struct test *t)
{
    uintptr_t chain[2] = { 0x12345, (uintptr_t)outer };
    EXPECT_EQ(t, panic_backtrace(0, trace, 8), 0);
    EXPECT_EQ(t, panic_backtrace(0x1000, trace, 8), 0);
    EXPECT_EQ(t, panic_backtrace(0xFFFFFFFC, trace, 8), 0);
    EXPECT_EQ(t, panic_backtrace(VMALLOC_END, trace, 8), 0);
    EXPECT(t, panic_backtrace((uintptr_t)chain, trace, 8) <= 1);
    EXPECT(t, panic_backtrace((uintptr_t)chain + 1, trace, 8) <= 1);
}

static void symbols_know_their_limits(struct test *t)
{
    char text[64];
    uint32_t offset = 1;
    EXPECT_STR(t, symbols_lookup((uintptr_t)buddy_alloc, &offset), "buddy_alloc");
    EXPECT_EQ(t, offset, 0);
    EXPECT_PTR(t, symbols_lookup(0, &offset), NULL);
    EXPECT_PTR(t, symbols_lookup(0xFFFFFFFF, &offset), NULL);
    EXPECT_EQ(t, symbols_address("no_such_function"), 0);
    symbols_format((uintptr_t)buddy_alloc + 3, text, sizeof(text));
    EXPECT_STR(t, text, "buddy_alloc+0x3");
}

/* These end the machine; tests/test_detectors.py reads their reports. */

static void panic_report(struct test *t)
{
    (void)t;
    panic("a test of the report, number %d", 42);
}

/* The report must come to its end whatever it finds: here, a free list that never does, with the zones
 * in the middle of an operation. */
static void panic_over_a_broken_free_list(struct test *t)
{
    (void)t;
    for (pfn_t pfn = 0; pfn < max_pfn; pfn++)
        if (pfn_to_page(pfn)->kind == PAGE_FREE)
            pfn_to_page(pfn)->node.next = &pfn_to_page(pfn)->node;
    panic("a broken free list");
}

static void leak(struct test *t)
{
    EXPECT(t, buddy_alloc(2, PAGE_TEST, PAGE_ANY) != NULL);
    EXPECT(t, kmalloc(100, PAGE_ANY) != NULL);
}

/* Objects in order of address, of a cache with every check. */
#define VICTIMS 4u

static struct slab_cache *crime_cache;
static uint8_t *victims[VICTIMS];

static __attribute__((noinline)) void take_victims(void)
{
    crime_cache = slab_cache_create("crime", 40, 0, NULL, SLAB_DEBUG_ALL);
    for (unsigned i = 0; i < VICTIMS; i++)
        victims[i] = slab_alloc(crime_cache, PAGE_ZERO);
}

static __attribute__((noinline)) void give_victim(unsigned i)
{
    slab_free(crime_cache, victims[i]);
    __asm__ volatile("" ::: "memory"); /* no tail call: it is to be on the stack */
}

static void overflow_by_one(struct test *t)
{
    (void)t;
    take_victims();
    victims[1][40] = 0x42;
    give_victim(1);
}

/* Twice, so that the report has a free to tell of, too. */
static __attribute__((noinline)) uint8_t *take_20_bytes(void)
{
    kfree(kmalloc(20, PAGE_ANY));
    uint8_t *bytes = kmalloc(20, PAGE_ZERO);
    __asm__ volatile("" ::: "memory"); /* no tail call */
    return bytes;
}

/* Its class has 32 bytes: without redzones nobody would be hurt. */
static void overflow_of_what_was_asked_for(struct test *t)
{
    uint8_t *bytes = take_20_bytes();
    for (unsigned i = 0; i <= 20; i++)
        bytes[i] = 0x42;
    kfree(bytes);
    EXPECT(t, false); /* not reached */
}

/* From one object of 20 bytes into the one behind, up to the bytes that were not asked for there. */
static void overflow_into_a_sized_neighbour(struct test *t)
{
    static uint8_t *taken[64];
    uint8_t *front = NULL, *behind = NULL;
    for (unsigned i = 0; i < ARRAY_SIZE(taken); i++)
        taken[i] = kmalloc(20, PAGE_ZERO);
    for (unsigned i = 0; i < ARRAY_SIZE(taken); i++)
        for (unsigned j = 0; j < ARRAY_SIZE(taken); j++)
            if (taken[j] > taken[i] && (!front || taken[j] - taken[i] < behind - front)) {
                front = taken[i];
                behind = taken[j];
            }
    for (uint8_t *byte = front + 20; byte < behind + 24; byte++)
        *byte = 0x41;
    kfree(behind);
    EXPECT(t, false); /* not reached */
}

/* From one object over the whole slot behind it, which is free. */
static void overflow_into_the_neighbour(struct test *t)
{
    (void)t;
    take_victims();
    give_victim(2);
    memset(victims[1], 0x41, (size_t)(victims[2] - victims[1]) + 8);
    slab_alloc(crime_cache, PAGE_ANY);
}

static void underflow_into_the_neighbour(struct test *t)
{
    (void)t;
    take_victims();
    victims[2][-1] ^= 0xFF;
    give_victim(1);
}

static void write_after_free(struct test *t)
{
    (void)t;
    take_victims();
    give_victim(1);
    victims[1][12] = 0x42;
    slab_alloc(crime_cache, PAGE_ANY);
}

static void double_free(struct test *t)
{
    take_victims();
    give_victim(1);
    give_victim(1);
    EXPECT(t, false); /* not reached */
}

/* With slab_debug, who took the block. */
static void double_free_of_a_frame(struct test *t)
{
    struct page *page = buddy_alloc(1, PAGE_TEST, PAGE_ANY);

    buddy_free(page, 1);
    buddy_free(page, 1);
    EXPECT(t, false); /* not reached */
}

static void fatal_write_to_text(struct test *t)
{
    (void)t;
    *(volatile uint8_t *)(uintptr_t)buddy_alloc = 0xCC;
}

/* clang-format off */
const struct test_case test_cases[] = {
    TEST(write_to_kernel_text),
    TEST(write_to_constants),
    TEST(null_dereference),
    TEST(jump_to_nowhere),
    TEST(undefined_instruction),
    TEST(divide_by_zero),
    TEST(lock_taken_twice),
    TEST(assertions_name_their_place),
    TEST(leaks_are_found),
    TEST(backtraces_name_the_callers),
    TEST(backtraces_stop_at_garbage),
    TEST(symbols_know_their_limits),
    TEST_FATAL(panic_report),
    TEST_FATAL(panic_over_a_broken_free_list),
    TEST_FATAL(leak),
    TEST_FATAL(overflow_by_one),
    TEST_FATAL(overflow_of_what_was_asked_for),
    TEST_FATAL(overflow_into_a_sized_neighbour),
    TEST_FATAL(overflow_into_the_neighbour),
    TEST_FATAL(underflow_into_the_neighbour),
    TEST_FATAL(write_after_free),
    TEST_FATAL(double_free),
    TEST_FATAL(double_free_of_a_frame),
    TEST_FATAL(fatal_write_to_text),
};
/* clang-format on */
const unsigned test_case_count = ARRAY_SIZE(test_cases);
