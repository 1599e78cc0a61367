/* tests/kernel/test_uaccess.c - the door to user memory: every way across a page boundary, kernel
 * addresses, wrap-around, read-only pages.  What a copy says it did not do, it did not do. */
#include "tests/kernel/test.h"

#include "kernel/cpu/cpu.h"
#include "kernel/lib/errno.h"
#include "kernel/lib/layout.h"
#include "mm/buddy.h"
#include "mm/kmap.h"
#include "mm/space.h"
#include "mm/uaccess.h"

#define BASE 0x10000000u
#define SIZE (2 * PAGE_SIZE)    /* two pages that may be written ... */
#define READ_ONLY (BASE + SIZE) /* ... one that may be read, and then nothing */
#define END (READ_ONLY + PAGE_SIZE)

static uint8_t buffer[4 * PAGE_SIZE], copy[4 * PAGE_SIZE];

/* A space of that shape, active; back to the one before with leave_space(). */
static struct space *enter_space(struct test *t)
{
    struct space *space = space_create();
    if (!EXPECT(t, space != NULL))
        return NULL;
    EXPECT_EQ(t, space_map(space, BASE, READ_ONLY, VMA_READ | VMA_WRITE, NULL), 0);
    EXPECT_EQ(t, space_map(space, READ_ONLY, END, VMA_READ, NULL), 0);
    space_activate(space);
    EXPECT_PTR(t, space_active(), space);
    return space;
}

static void leave_space(struct space *space)
{
    space_activate(NULL);
    space_put(space);
}

/* Sizes around every boundary, in both directions, contents compared. */
static void copies_across_a_page_boundary(struct test *t)
{
    struct space *space = enter_space(t);
    REQUIRE(t, space != NULL);
    for (uaddr_t start = BASE + PAGE_SIZE - 9; start <= BASE + PAGE_SIZE + 1; start++) {
        for (size_t nbytes = 0; nbytes <= 20; nbytes++) {
            test_fill(buffer, nbytes, (uint32_t)(start + nbytes));
            EXPECT_EQ(t, copy_to_user(start, buffer, nbytes), 0);
            memset(copy, 0, nbytes);
            EXPECT_EQ(t, copy_from_user(copy, start, nbytes), 0);
            EXPECT_EQ(t, memcmp(buffer, copy, nbytes), 0);
        }
    }
    EXPECT_EQ(t, copy_to_user(BASE, buffer, SIZE), 0);
    EXPECT_EQ(t, copy_from_user(copy, BASE, SIZE), 0);
    EXPECT_EQ(t, memcmp(buffer, copy, SIZE), 0);
    leave_space(space);
}

/* Only the pages that are touched become resident, by the copy's own faults. */
static void copies_fault_pages_in(struct test *t)
{
    struct space *space = enter_space(t);
    REQUIRE(t, space != NULL);
    EXPECT(t, space_lookup(space, BASE + PAGE_SIZE) == 0);
    EXPECT_EQ(t, copy_from_user(copy, BASE + PAGE_SIZE, 8), 0);
    EXPECT(t, test_is_byte(copy, 8, 0));
    EXPECT_EQ(t, copy_to_user(BASE + PAGE_SIZE, buffer, 8), 0);
    EXPECT(t, space_lookup(space, BASE + PAGE_SIZE) != 0);
    EXPECT(t, space_lookup(space, BASE) == 0);
    leave_space(space);
}

/* The count of what was not copied ends at the last byte that could be. */
static void writes_stop_where_memory_ends(struct test *t)
{
    struct space *space = enter_space(t);
    REQUIRE(t, space != NULL);
    test_fill(buffer, sizeof(buffer), 3);
    for (size_t inside = 0; inside <= 9; inside++) {
        size_t left = copy_to_user(READ_ONLY - inside, buffer, inside + 7);
        EXPECT(t, left >= 7 && left <= 7 + inside);
        if (inside > 0) {
            EXPECT(t, left < 7 + inside || inside < 4);
            EXPECT_EQ(t, copy_from_user(copy, READ_ONLY - inside, inside + 7), 0);
            EXPECT_EQ(t, memcmp(copy, buffer, inside + 7 - left), 0);
            EXPECT(t, test_is_byte(copy + inside, 7, 0)); /* the read-only page is untouched */
        }
    }
    EXPECT_EQ(t, copy_to_user(READ_ONLY, buffer, 1), 1);
    leave_space(space);
}

static void reads_stop_where_memory_ends(struct test *t)
{
    struct space *space = enter_space(t);
    REQUIRE(t, space != NULL);
    for (size_t inside = 0; inside <= 9; inside++) {
        memset(copy, 0x5A, 32);
        size_t left = copy_from_user(copy, END - inside, inside + 7);
        EXPECT(t, left >= 7 && left <= 7 + inside);
        EXPECT(t, test_is_byte(copy + inside + 7, 16, 0x5A)); /* nothing behind the buffer */
    }
    EXPECT_EQ(t, copy_from_user(copy, END, 1), 1);
    EXPECT_EQ(t, copy_from_user(copy, BASE - 1, 1), 1);
    EXPECT_EQ(t, copy_from_user(copy, 0, 16), 16);
    leave_space(space);
}

/* From and to a frame that may have no address of its own: no window stays open, whether the copy goes
 * through or stops where memory ends. */
static void frames_with_and_without_an_address(struct test *t)
{
    struct kmap_stats windows;
    struct space *space = enter_space(t);
    struct page *page = buddy_alloc(0, PAGE_TEST, PAGE_HIGHMEM_OK);
    REQUIRE(t, space != NULL && page != NULL);
    test_fill(buffer, SIZE, 11);
    EXPECT_EQ(t, copy_to_user(BASE, buffer, SIZE), 0);
    EXPECT_EQ(t, copy_frame_from_user(page, 0, BASE + 100, PAGE_SIZE), 0);
    EXPECT_EQ(t, copy_frame_to_user(BASE + PAGE_SIZE, page, 50, PAGE_SIZE - 50), 0);
    EXPECT_EQ(t, copy_from_user(copy, BASE + PAGE_SIZE, PAGE_SIZE - 50), 0);
    EXPECT_EQ(t, memcmp(copy, buffer + 150, PAGE_SIZE - 50), 0);

    EXPECT_EQ(t, copy_frame_to_user(READ_ONLY - 8, page, 0, 108), 100);
    EXPECT_EQ(t, copy_frame_from_user(page, 0, END - 8, 108), 100);
    EXPECT_EQ(t, copy_frame_from_user(page, 0, KERNEL_BASE, PAGE_SIZE), PAGE_SIZE);
    EXPECT_EQ(t, space_protect(space, BASE, SIZE, 0), 0);
    EXPECT_EQ(t, copy_frame_to_user(BASE, page, 0, 7), 7);
    kmap_get_stats(&windows);
    EXPECT_EQ(t, windows.used, 0);
    buddy_free(page, 0);
    leave_space(space);
}

/* Ranges that touch the kernel's half, begin in it, or wrap around the end of the address space. */
static void kernel_addresses_are_refused(struct test *t)
{
    static const struct {
        uaddr_t address;
        size_t nbytes;
    } ranges[] = {
        { KERNEL_BASE, 1 },
        { KERNEL_BASE + MiB, 64 },
        { KERNEL_BASE - 1, 2 },
        { VMALLOC_START, 16 },
        { 0xFFFFFFFF, 1 },
        { 0xFFFFFFF0, 0x20 },
        { BASE, 0xFFFFFFFF },
        { BASE, 0u - BASE },
        { BASE, 0u - BASE + 1 },
        { 0xFFFFF000, PAGE_SIZE },
        { KERNEL_BASE, 0x40000000u },
        { 1, 0xFFFFFFFF },
    };
    static volatile uint32_t canary = 0xC0DEC0DE;
    struct space *space = enter_space(t);
    REQUIRE(t, space != NULL);
    for (unsigned i = 0; i < ARRAY_SIZE(ranges); i++) {
        if (ranges[i].address >= KERNEL_BASE) {
            EXPECT_EQ(t, copy_to_user(ranges[i].address, buffer, ranges[i].nbytes),
                      ranges[i].nbytes);
            EXPECT_EQ(t, copy_from_user(copy, ranges[i].address, ranges[i].nbytes),
                      ranges[i].nbytes);
            EXPECT_EQ(t, clear_user(ranges[i].address, ranges[i].nbytes), ranges[i].nbytes);
        } else {
            EXPECT(t, clear_user(ranges[i].address, ranges[i].nbytes) > 0);
        }
    }
    EXPECT_EQ(t, copy_to_user((uintptr_t)&canary, buffer, 4), 4);
    EXPECT_EQ(t, canary, 0xC0DEC0DE);
    leave_space(space);
}

static void clear_user_clears(struct test *t)
{
    struct space *space = enter_space(t);
    REQUIRE(t, space != NULL);
    memset(buffer, 0xFF, SIZE);
    EXPECT_EQ(t, copy_to_user(BASE, buffer, SIZE), 0);
    EXPECT_EQ(t, clear_user(BASE + PAGE_SIZE - 5, 11), 0);
    EXPECT_EQ(t, copy_from_user(copy, BASE, SIZE), 0);
    EXPECT(t, test_is_byte(copy, PAGE_SIZE - 5, 0xFF));
    EXPECT(t, test_is_byte(copy + PAGE_SIZE - 5, 11, 0));
    EXPECT(t, test_is_byte(copy + PAGE_SIZE + 6, PAGE_SIZE - 6, 0xFF));
    size_t left = clear_user(READ_ONLY - 4, 8);
    EXPECT(t, left >= 4 && left <= 8);
    EXPECT_EQ(t, clear_user(BASE, 0), 0);
    leave_space(space);
}

/* A string up to the very last readable byte; one that runs off the end; one that is too long. */
static void strings_at_the_edge(struct test *t)
{
    struct space *space = enter_space(t);
    char text[16];
    REQUIRE(t, space != NULL);
    EXPECT_EQ(t, copy_to_user(BASE + PAGE_SIZE - 3, "abcdef", 7), 0);
    EXPECT_EQ(t, copy_string_from_user(text, BASE + PAGE_SIZE - 3, sizeof(text)), 6);
    EXPECT_STR(t, text, "abcdef");
    EXPECT_EQ(t, copy_string_from_user(text, BASE + PAGE_SIZE - 3, 7), 6);
    EXPECT_EQ(t, copy_string_from_user(text, BASE + PAGE_SIZE - 3, 6), -ENAMETOOLONG);
    EXPECT_EQ(t, copy_string_from_user(text, END - 1, sizeof(text)), 0);
    EXPECT_STR(t, text, "");
    EXPECT_EQ(t, copy_string_from_user(text, END, sizeof(text)), -EFAULT);
    EXPECT_EQ(t, copy_string_from_user(text, 0, sizeof(text)), -EFAULT);
    EXPECT_EQ(t, copy_string_from_user(text, KERNEL_BASE + MiB, sizeof(text)), -EFAULT);
    EXPECT_EQ(t, copy_string_from_user(text, 0xFFFFFFFE, sizeof(text)), -EFAULT);

    EXPECT_EQ(t, space_unmap(space, READ_ONLY, END - READ_ONLY), 0);
    EXPECT_EQ(t, copy_to_user(READ_ONLY - 2, "xy", 2), 0);
    EXPECT_EQ(t, copy_string_from_user(text, READ_ONLY - 2, sizeof(text)), -EFAULT);
    EXPECT_EQ(t, copy_string_from_user(text, READ_ONLY - 2, 2), -ENAMETOOLONG);
    leave_space(space);
}

/* The kernel's own pointers into user memory are errors that are found: SMAP where the CPU has it. */
static void direct_access_is_caught(struct test *t)
{
    struct space *space = enter_space(t);
    REQUIRE(t, space != NULL);
    EXPECT_PANIC(t, "kernel read of a not-present page", (void)*(volatile uint8_t *)END);
    EXPECT_EQ(t, copy_to_user(BASE, "x", 1), 0);
    if (cpu_has(CPU_SMAP))
        EXPECT_PANIC(t, "page fault: kernel", (void)*(volatile uint8_t *)BASE);
    EXPECT_EQ(t, copy_from_user(copy, BASE, 1), 0); /* and the door still works */
    EXPECT_EQ(t, eflags_read() & EFLAGS_AC, 0);
    leave_space(space);
}

static void peek_and_poke(struct test *t)
{
    static volatile uint32_t word;
    uint32_t value = 0;
    word = 0x11223344;
    EXPECT(t, kernel_peek((uintptr_t)&word, &value, 4));
    EXPECT_EQ(t, value, 0x11223344);
    EXPECT(t, kernel_peek((uintptr_t)&word, &value, 2));
    EXPECT_EQ(t, value, 0x3344);
    EXPECT(t, kernel_peek((uintptr_t)&word + 3, &value, 1));
    EXPECT_EQ(t, value, 0x11);
    EXPECT(t, kernel_poke((uintptr_t)&word + 1, 0xAB, 1));
    EXPECT_EQ(t, word, 0x1122AB44);
    EXPECT(t, kernel_poke((uintptr_t)&word, 0xBEEF, 2));
    EXPECT_EQ(t, word, 0x1122BEEF);
    EXPECT(t, !kernel_poke((uintptr_t)kernel_peek, 0, 4)); /* kernel text */
    EXPECT(t, !kernel_peek(0, &value, 4));
    EXPECT(t, !kernel_peek(0xFFFFFFFE, &value, 4)); /* wraps */
    EXPECT(t, !kernel_peek(VMALLOC_END, &value, 1));
}

/* clang-format off */
const struct test_case test_cases[] = {
    TEST(copies_across_a_page_boundary),
    TEST(copies_fault_pages_in),
    TEST(writes_stop_where_memory_ends),
    TEST(reads_stop_where_memory_ends),
    TEST(frames_with_and_without_an_address),
    TEST(kernel_addresses_are_refused),
    TEST(clear_user_clears),
    TEST(strings_at_the_edge),
    TEST(direct_access_is_caught),
    TEST(peek_and_poke),
};
/* clang-format on */
const unsigned test_case_count = ARRAY_SIZE(test_cases);
