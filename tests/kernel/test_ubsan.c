/* tests/kernel/test_ubsan.c - the undefined-behaviour sanitizer (make UBSAN=1): each kind of bug
 * committed on purpose, with the report expected. */
#include "tests/kernel/test.h"

/* The compiler must not know the value, or it would see the bug. */
#define HIDE(variable) __asm__ volatile("" : "+r"(variable))
#define FILE_NAME "ubsan: tests/kernel/test_ubsan.c:"

/* Where the results go. */
static volatile int result;
static volatile long long long_result;

static void signed_overflow(struct test *t)
{
    int most = INT32_MAX, least = INT32_MIN, one = 1;
    HIDE(most);
    HIDE(least);
    HIDE(one);
    EXPECT_PANIC(t, "overflow: 2147483647 + 1 does not fit into 'int'", result = most + one);
    EXPECT_PANIC(t, "overflow: -2147483648 - 1 does not fit into 'int'", result = least - one);
    EXPECT_PANIC(t, "overflow: 2147483647 * -2147483648 does not fit into 'int'",
                 result = most * least);
    EXPECT_PANIC(t, "overflow: -(-2147483648) does not fit into 'int'", result = -least);
    EXPECT(t, strstr(test_panic_message(), FILE_NAME) == test_panic_message());
}

static void signed_overflow_of_long_long(struct test *t)
{
    volatile long long most = INT64_MAX, one = 1;
    EXPECT_PANIC(t, "overflow: 9223372036854775807 + 1 does not fit into 'long long",
                 long_result = most + one);
}

/* Unsigned numbers wrap around, by definition. */
static void unsigned_overflow_is_none(struct test *t)
{
    uint32_t most = UINT32_MAX;
    HIDE(most);
    EXPECT_EQ(t, most + 1, 0);
}

static void division(struct test *t)
{
    int least = INT32_MIN, zero = 0, minus_one = -1;
    HIDE(least);
    HIDE(zero);
    HIDE(minus_one);
    EXPECT_PANIC(t, "overflow: -2147483648 / 0 does not fit into 'int'", result = least / zero);
    EXPECT_PANIC(t, "overflow: -2147483648 / -1 does not fit into 'int'",
                 result = least / minus_one);
}

static void shifts(struct test *t)
{
    unsigned word = 1, width = 32;
    int negative = -1;
    HIDE(word);
    HIDE(width);
    HIDE(negative);
    EXPECT_PANIC(t, "shift of 'unsigned int', which is 1, by 32",
                 result = (int)(word << width));
    EXPECT_PANIC(t, "shift of 'unsigned int', which is 1, by -1",
                 result = (int)(word >> negative));
}

static void index_outside_of_an_array(struct test *t)
{
    static int array[10];
    int index = 10;
    HIDE(index);
    EXPECT_PANIC(t, "index 10 is outside of 'int", result = array[index]);
    index = -1;
    HIDE(index);
    EXPECT_PANIC(t, "index -1 is outside of 'int", result = array[index]);
}

static void null_pointer(struct test *t)
{
    struct pair {
        int first, second;
    };
    struct pair *pair = NULL;
    HIDE(pair);
    EXPECT_PANIC(t, "member of 'struct pair' at 0, which is a null pointer",
                 result = pair->second);
    int *number = NULL;
    HIDE(number);
    EXPECT_PANIC(t, "load of 'int' at 0, which is a null pointer", result = *number);
    EXPECT_PANIC(t, "store to 'int' at 0, which is a null pointer", *number = 1);
}

static void pointer_that_wraps(struct test *t)
{
    char *high = (char *)0xFFFFFFF0;
    unsigned offset = 0x20;
    HIDE(high);
    HIDE(offset);
    EXPECT_PANIC(t, "pointer 0xfffffff0 plus an offset wraps around to 0x10",
                 result = (int)(uintptr_t)(high + offset));
}

static void unreachable_place(struct test *t)
{
    EXPECT_PANIC(t, "a place that cannot be reached was reached", __builtin_unreachable());
}

static void this_ends_the_machine(struct test *t)
{
    int most = INT32_MAX, one = 1;
    (void)t;
    HIDE(most);
    HIDE(one);
    result = most + one;
}

/* clang-format off */
const struct test_case test_cases[] = {
    TEST(signed_overflow),
    TEST(signed_overflow_of_long_long),
    TEST(unsigned_overflow_is_none),
    TEST(division),
    TEST(shifts),
    TEST(index_outside_of_an_array),
    TEST(null_pointer),
    TEST(pointer_that_wraps),
    TEST(unreachable_place),
    TEST_FATAL(this_ends_the_machine),
};
/* clang-format on */
const unsigned test_case_count = ARRAY_SIZE(test_cases);
