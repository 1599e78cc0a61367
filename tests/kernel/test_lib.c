/* tests/kernel/test_lib.c - kernel/lib as the kernel's own compiler flags make it: the string
 * functions in assembly, 64-bit division without libgcc, formatting, parsing, lists, cpio.
 * (tests/host/test_lib.c tries the same functions with many more random inputs.) */
#include "tests/kernel/test.h"

#include "kernel/lib/bitops.h"
#include "kernel/lib/cpio.h"
#include "kernel/lib/errno.h"
#include "kernel/lib/format.h"
#include "kernel/lib/list.h"
#include "kernel/lib/parse.h"

#define BUFFER_BYTES 96
#define GUARD 0x5A

static uint8_t buffer[BUFFER_BYTES], expected[BUFFER_BYTES];

/* Every length up to 40 from every alignment: exactly these bytes, no neighbour. */
static void memset_writes_exactly(struct test *t)
{
    for (size_t start = 0; start < 8; start++) {
        for (size_t nbytes = 0; nbytes <= 40; nbytes++) {
            for (size_t i = 0; i < BUFFER_BYTES; i++)
                buffer[i] = GUARD;
            EXPECT_PTR(t, memset(buffer + start, 0x1C3, nbytes), buffer + start);
            for (size_t i = 0; i < BUFFER_BYTES; i++)
                EXPECT_EQ(t, buffer[i], i >= start && i < start + nbytes ? 0xC3 : GUARD);
        }
    }
}

static void number_bytes(uint8_t *bytes)
{
    for (size_t i = 0; i < BUFFER_BYTES; i++)
        bytes[i] = (uint8_t)i;
}

/* Overlaps in both directions, every alignment, against a byte-by-byte copy. */
static void memmove_overlapping(struct test *t)
{
    for (size_t from = 0; from < 12; from++) {
        for (size_t to = 0; to < 12; to++) {
            for (size_t nbytes = 0; nbytes < 70; nbytes += 3) {
                number_bytes(buffer);
                number_bytes(expected);
                for (size_t i = 0; i < nbytes; i++)
                    expected[to + i] = (uint8_t)(from + i);
                memmove(buffer + to, buffer + from, nbytes);
                EXPECT_EQ(t, memcmp(buffer, expected, BUFFER_BYTES), 0);
            }
        }
    }
}

static void memcpy_every_length(struct test *t)
{
    static uint8_t copy[BUFFER_BYTES];
    number_bytes(buffer);
    for (size_t start = 0; start < 4; start++) {
        for (size_t nbytes = 0; nbytes < 80; nbytes++) {
            memset(copy, GUARD, sizeof(copy));
            EXPECT_PTR(t, memcpy(copy + start, buffer + 3, nbytes), copy + start);
            EXPECT_EQ(t, memcmp(copy + start, buffer + 3, nbytes), 0);
            EXPECT_EQ(t, copy[start + nbytes], GUARD);
        }
    }
}

/* Bytes compare as unsigned, and the first difference decides. */
static void memcmp_order(struct test *t)
{
    EXPECT(t, memcmp("\x7f", "\x80", 1) < 0);
    EXPECT(t, memcmp("\xff", "\x01", 1) > 0);
    EXPECT(t, memcmp("abcd", "abzz", 4) < 0);
    EXPECT_EQ(t, memcmp("abcd", "abzz", 2), 0);
    EXPECT_EQ(t, memcmp("a", "b", 0), 0);
    EXPECT_PTR(t, memchr(expected, 0, 0), NULL);
}

static void string_search(struct test *t)
{
    const char *text = "frame, page, frame";
    EXPECT_EQ(t, strlen(text), 18);
    EXPECT_EQ(t, strnlen(text, 5), 5);
    EXPECT_EQ(t, strnlen("", 5), 0);
    EXPECT_PTR(t, strchr(text, 'p'), text + 7);
    EXPECT_PTR(t, strchr(text, '\0'), text + 18);
    EXPECT_PTR(t, strchr(text, 'z'), NULL);
    EXPECT_PTR(t, strrchr(text, 'f'), text + 13);
    EXPECT_PTR(t, strstr(text, "page"), text + 7);
    EXPECT_PTR(t, strstr(text, ""), text);
    const char *repeated = "aaab";
    EXPECT_PTR(t, strstr(repeated, "aab"), repeated + 1);
    EXPECT_PTR(t, strstr(text, "frames"), NULL);
}

static void string_compare(struct test *t)
{
    EXPECT(t, strcmp("a", "ab") < 0);
    EXPECT(t, strcmp("\xff", "a") > 0);
    EXPECT_EQ(t, strcmp("same", "same"), 0);
    EXPECT_EQ(t, strncmp("abc", "abd", 2), 0);
    EXPECT(t, strncmp("abc", "abd", 3) < 0);
    EXPECT_EQ(t, strncmp("ab", "ab", 100), 0);
}

/* The result tells the whole length; the copy is cut and terminated. */
static void strlcpy_cuts(struct test *t)
{
    char small[4];
    EXPECT_EQ(t, strlcpy(small, "abcdef", sizeof(small)), 6);
    EXPECT_STR(t, small, "abc");
    EXPECT_EQ(t, strlcpy(small, "xy", sizeof(small)), 2);
    EXPECT_STR(t, small, "xy");
}

#define EXPECT_FORMAT(t, wanted, ...)                           \
    do {                                                        \
        char text[64];                                          \
        int length = snprintf(text, sizeof(text), __VA_ARGS__); \
        EXPECT_STR(t, text, wanted);                            \
        EXPECT_EQ(t, length, strlen(text));                     \
    } while (0)

static void format_integers(struct test *t)
{
    EXPECT_FORMAT(t, "-2147483648", "%d", -2147483647 - 1);
    EXPECT_FORMAT(t, "4294967295", "%u", 0xFFFFFFFFu);
    EXPECT_FORMAT(t, "18446744073709551615", "%llu", ~0ull);
    EXPECT_FORMAT(t, "-9223372036854775808", "%lld", -0x7FFFFFFFFFFFFFFFll - 1);
    EXPECT_FORMAT(t, "0xc0de", "%#x", 0xC0DEu);
    EXPECT_FORMAT(t, "0", "%#x", 0u);
    EXPECT_FORMAT(t, "0000BEEF", "%08X", 0xBEEFu);
    EXPECT_FORMAT(t, "0017", "%#.4o", 017u);
    EXPECT_FORMAT(t, "+7| 7|7   |", "%+d|% d|%-4d|", 7, 7, 7);
    EXPECT_FORMAT(t, " 007", "%4.3d", 7);
    EXPECT_FORMAT(t, "-1 255", "%hhd %hhu", (signed char)-1, (unsigned char)255);
    EXPECT_FORMAT(t, "", "%.0d", 0);
    EXPECT_FORMAT(t, "   42", "%*d", 5, 42);
    EXPECT_FORMAT(t, "42   |", "%*d|", -5, 42);
}

static void format_strings(struct test *t)
{
    EXPECT_FORMAT(t, "ab", "%.2s", "abcdef");
    EXPECT_FORMAT(t, "   abc|abc   |", "%6s|%-6s|", "abc", "abc");
    EXPECT_FORMAT(t, "100%", "%d%c", 100, '%');
    EXPECT_FORMAT(t, "%", "%%");
    EXPECT_FORMAT(t, "0xc0100000", "%p", (void *)0xC0100000u);
}

/* C17 7.21.6.5: the length as if there were room, and never a byte past the end. */
static void format_truncates(struct test *t)
{
    char text[8];
    memset(text, GUARD, sizeof(text));
    EXPECT_EQ(t, snprintf(text, 4, "%s-%d", "page", 12), 7);
    EXPECT_STR(t, text, "pag");
    EXPECT_EQ(t, text[4], GUARD);
    EXPECT_EQ(t, snprintf(text, 0, "%d", 12345), 5);
    EXPECT_EQ(t, text[0], 'p');
}

/* Quotients and remainders that need every branch of long division (Knuth, TAOCP vol. 2, 4.3.1 D). */
static void divide_64_bit(struct test *t)
{
    static const uint64_t values[] = {
        0,           1,           2,
        3,           10,          0x7FFFFFFF,
        0x80000000,  0xFFFFFFFF,  0x100000000,
        0x100000001, 0x1FFFFFFFF, 0x7FFFFFFFFFFFFFFF,
        1ull << 63,  ~0ull,       0xFFFFFFFF00000000,
    };
    for (unsigned i = 0; i < ARRAY_SIZE(values); i++) {
        for (unsigned k = 1; k < ARRAY_SIZE(values); k++) {
            volatile uint64_t n = values[i], d = values[k];
            uint64_t quotient = n / d, remainder = n % d;
            EXPECT(t, remainder < d);
            EXPECT_EQ(t, quotient * d + remainder, n);
        }
    }
}

static void divide_random(struct test *t)
{
    for (unsigned i = 0; i < 2000; i++) {
        volatile uint64_t n = (uint64_t)test_random(t) << 32 | test_random(t);
        volatile uint64_t d = ((uint64_t)test_random(t) << 32 | test_random(t)) >>
                              test_random_below(t, 64);
        if (d == 0)
            continue;
        uint64_t quotient = n / d, remainder = n % d;
        EXPECT(t, remainder < d && quotient * d + remainder == n);
    }
}

/* Signs: towards zero, and the remainder has the dividend's. */
static void divide_signed(struct test *t)
{
    volatile int64_t n = -7000000000ll, d = 2000000000ll;
    EXPECT_EQ(t, n / d, -3);
    EXPECT_EQ(t, n % d, -1000000000ll);
    d = -d;
    EXPECT_EQ(t, n / d, 3);
    EXPECT_EQ(t, n % d, -1000000000ll);
    n = 7000000000ll;
    EXPECT_EQ(t, n / d, -3);
    EXPECT_EQ(t, n % d, 1000000000ll);
}

static void bit_searches(struct test *t)
{
    for (unsigned bit = 0; bit < 32; bit++) {
        EXPECT_EQ(t, bit_lowest(0xFFFFFFFFu << bit), bit);
        EXPECT_EQ(t, bit_highest(0xFFFFFFFFu >> (31 - bit)), bit);
        EXPECT(t, is_power_of_two(1u << bit));
        EXPECT_EQ(t, order_for(1u << bit), bit);
    }
    EXPECT(t, !is_power_of_two(0));
    EXPECT(t, !is_power_of_two(3));
    EXPECT_EQ(t, order_for(3), 2);
    EXPECT_EQ(t, order_for(1023), 10);
    EXPECT_EQ(t, order_for(1025), 11);
}

static void list_operations(struct test *t)
{
    struct list_node head = LIST_INIT(head), a, b, c;
    EXPECT(t, list_is_empty(&head));
    list_add_tail(&head, &b);
    list_add_head(&head, &a);
    list_add_tail(&head, &c);
    const struct list_node *order[] = { &a, &b, &c };
    unsigned i = 0;
    list_for_each(node, &head)
        EXPECT_PTR(t, node, order[i++]);
    EXPECT_EQ(t, i, 3);
    list_remove(&b);
    EXPECT_PTR(t, a.next, &c);
    EXPECT_PTR(t, c.prev, &a);
    list_for_each_safe(node, &head)
        list_remove(node);
    EXPECT(t, list_is_empty(&head));
}

static void parse_numbers(struct test *t)
{
    uint32_t value = 99;
    EXPECT_EQ(t, parse_u32("4294967295", &value), 0);
    EXPECT_EQ(t, value, 0xFFFFFFFF);
    EXPECT_EQ(t, parse_u32("0xdeadBEEF", &value), 0);
    EXPECT_EQ(t, value, 0xDEADBEEF);
    EXPECT_EQ(t, parse_u32("017", &value), 0);
    EXPECT_EQ(t, value, 15);
    EXPECT_EQ(t, parse_u32("4294967296", &value), -ERANGE);
    EXPECT_EQ(t, parse_u32("", &value), -EINVAL);
    EXPECT_EQ(t, parse_u32("0x", &value), -EINVAL);
    EXPECT_EQ(t, parse_u32("12z", &value), -EINVAL);
    EXPECT_EQ(t, parse_u32("-1", &value), -EINVAL);
    EXPECT_EQ(t, parse_u32("08", &value), -EINVAL);
    EXPECT_EQ(t, value, 15);
}

static void parse_sizes(struct test *t)
{
    uint64_t value;
    EXPECT_EQ(t, parse_size("64M", &value), 0);
    EXPECT_EQ(t, value, 64u * MiB);
    EXPECT_EQ(t, parse_size("4g", &value), 0);
    EXPECT_EQ(t, value, 1ull << 32);
    EXPECT_EQ(t, parse_size("0x10k", &value), 0);
    EXPECT_EQ(t, value, 16384);
    EXPECT_EQ(t, parse_size("M", &value), -EINVAL);
    EXPECT_EQ(t, parse_size("1MB", &value), -EINVAL);
    EXPECT_EQ(t, parse_size("18446744073709551615G", &value), -ERANGE);
}

static void parse_word_quotes(struct test *t)
{
    char line[] = "  run 'a b'\"c d\"  e\\ f \"\" ";
    char *words[4];
    EXPECT_EQ(t, parse_words(line, words, 4), 4);
    EXPECT_STR(t, words[0], "run");
    EXPECT_STR(t, words[1], "a bc d");
    EXPECT_STR(t, words[2], "e f");
    EXPECT_STR(t, words[3], "");

    char open[] = "echo 'x";
    EXPECT_EQ(t, parse_words(open, words, 4), -EINVAL);
    char many[] = "1 2 3 4 5";
    EXPECT_EQ(t, parse_words(many, words, 4), -E2BIG);
    char none[] = " \t ";
    EXPECT_EQ(t, parse_words(none, words, 4), 0);
}

/* What the kernel command line looks like. */
static void parse_options(struct test *t)
{
    const char *line = "/strata.elf loglevel=3 run=\"meminfo; echo a=b\" quiet loglevel=7";
    char value[32];
    EXPECT(t, parse_option(line, "loglevel", value, sizeof(value)));
    EXPECT_STR(t, value, "7");
    EXPECT(t, parse_option(line, "run", value, sizeof(value)));
    EXPECT_STR(t, value, "meminfo; echo a=b");
    EXPECT(t, parse_option(line, "quiet", value, sizeof(value)));
    EXPECT_STR(t, value, "");
    EXPECT(t, !parse_option(line, "log", value, sizeof(value)));
    EXPECT(t, !parse_option(line, "a", value, sizeof(value)));
    EXPECT(t, parse_option(line, "run", value, 5));
    EXPECT_STR(t, value, "memi");
}

/* A damaged archive is refused at the damage; nothing outside it is read. */
static void cpio_damaged(struct test *t)
{
    struct cpio_entry entry;
    size_t offset = 0;
    EXPECT_EQ(t, cpio_next((const uint8_t *)"", 0, &offset, &entry), -EINVAL);
    static const char garbage[] =
        "this is longer than one header of a newc archive: "
        "it has one hundred and ten bytes before the name begins.....";
    EXPECT_EQ(t, cpio_next((const uint8_t *)garbage, sizeof(garbage), &offset, &entry),
              -EINVAL);
    EXPECT_EQ(t, offset, 0);
}

/* clang-format off */
const struct test_case test_cases[] = {
    TEST(memset_writes_exactly),
    TEST(memmove_overlapping),
    TEST(memcpy_every_length),
    TEST(memcmp_order),
    TEST(string_search),
    TEST(string_compare),
    TEST(strlcpy_cuts),
    TEST(format_integers),
    TEST(format_strings),
    TEST(format_truncates),
    TEST(divide_64_bit),
    TEST(divide_random),
    TEST(divide_signed),
    TEST(bit_searches),
    TEST(list_operations),
    TEST(parse_numbers),
    TEST(parse_sizes),
    TEST(parse_word_quotes),
    TEST(parse_options),
    TEST(cpio_damaged),
};
/* clang-format on */
const unsigned test_case_count = ARRAY_SIZE(test_cases);
