// sources: kernel/lib/string.c kernel/lib/string_i386.S kernel/lib/format.c kernel/lib/parse.c kernel/lib/cpio.c kernel/lib/div64.c
// cflags: -include tests/host/strata_names.h
/* tests/host/test_lib.c - kernel/lib against the host's library, or against naive versions.
 * Usage: test_lib [SEED] */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kernel/lib/cpio.h"
#include "kernel/lib/errno.h"
#include "kernel/lib/format.h"
#include "kernel/lib/parse.h"
#include "kernel/lib/string.h"

/* The host's own, under its assembler name. */
int host_vsnprintf(char *dst, size_t size, const char *fmt, va_list args) __asm__("vsnprintf");

uint64_t __udivmoddi4(uint64_t dividend, uint64_t divisor, uint64_t *remainder);
uint64_t __udivdi3(uint64_t dividend, uint64_t divisor);
uint64_t __umoddi3(uint64_t dividend, uint64_t divisor);
int64_t __divdi3(int64_t dividend, int64_t divisor);
int64_t __moddi3(int64_t dividend, int64_t divisor);

static unsigned long operations;

#define CHECK(condition, ...)                                               \
    do {                                                                    \
        operations++;                                                       \
        if (!(condition)) {                                                 \
            fprintf(stderr, "%s:%d: %s: ", __FILE__, __LINE__, #condition); \
            fprintf(stderr, __VA_ARGS__);                                   \
            fprintf(stderr, "\n");                                          \
            exit(1);                                                        \
        }                                                                   \
    } while (0)

static uint32_t random_state;

/* xorshift32 (Marsaglia 2003). */
static uint32_t random_u32(void)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 17;
    random_state ^= random_state << 5;
    return random_state;
}

static uint32_t random_below(uint32_t limit)
{
    return random_u32() % limit;
}

/* Numbers near the places where arithmetic goes wrong: few bits set, all set, near a power of
 * 2. */
static uint64_t random_u64(void)
{
    uint64_t x = (uint64_t)random_u32() << 32 | random_u32();
    x >>= random_below(64);
    switch (random_below(4)) {
    case 0:
        return x;
    case 1:
        return ~x;
    case 2:
        return (1ull << random_below(64)) + random_below(5) - 2;
    default:
        return x & ~0xFFFFFFFFull;
    }
}

static void test_blocks(void)
{
    enum { SIZE = 96, ROUNDS = 60000 };
    uint8_t ours[SIZE], model[SIZE], copy[SIZE];

    for (int round = 0; round < ROUNDS; round++) {
        for (int i = 0; i < SIZE; i++)
            ours[i] = model[i] = (uint8_t)random_u32();
        size_t n = random_below(SIZE / 2 + 1);
        size_t from = random_below((uint32_t)(SIZE - n) + 1),
               to = random_below((uint32_t)(SIZE - n) + 1);
        unsigned kind = random_below(3);
        void *result;

        if (kind == 0) {
            int byte = (int)random_u32();
            result = memset(ours + to, byte, n);
            for (size_t i = 0; i < n; i++)
                model[to + i] = (uint8_t)byte;
        } else {
            if (kind == 1) { /* memcpy: no overlap */
                from = random_below((uint32_t)(SIZE / 2 - n) + 1);
                to = SIZE / 2 + random_below((uint32_t)(SIZE / 2 - n) + 1);
            }
            for (int i = 0; i < SIZE; i++)
                copy[i] = model[i];
            for (size_t i = 0; i < n; i++)
                model[to + i] = copy[from + i];
            result = kind == 1 ? memcpy(ours + to, ours + from, n)
                               : memmove(ours + to, ours + from, n);
        }
        CHECK(result == ours + to, "kind %u", kind);
        for (int i = 0; i < SIZE; i++)
            CHECK(ours[i] == model[i], "kind %u to %zu from %zu n %zu: byte %d", kind, to, from,
                  n, i);
    }
}

static int sign(int x)
{
    return (x > 0) - (x < 0);
}

static int naive_compare(const char *a, const char *b, size_t n, int stop_at_nul)
{
    for (size_t i = 0; i < n; i++) {
        if (a[i] != b[i])
            return (uint8_t)a[i] < (uint8_t)b[i] ? -1 : 1;
        if (stop_at_nul && a[i] == '\0')
            return 0;
    }
    return 0;
}

static long naive_find(const char *s, size_t n, char c, int last)
{
    long found = -1;
    for (size_t i = 0; i < n; i++) {
        if (s[i] == c && (found < 0 || last))
            found = (long)i;
    }
    return found;
}

static long naive_search(const char *s, size_t n, const char *needle, size_t needle_length)
{
    for (size_t i = 0; i + needle_length <= n; i++) {
        if (naive_compare(s + i, needle, needle_length, 0) == 0)
            return (long)i;
    }
    return -1;
}

/* Offset of a result in s, or -1. */
static long at(const void *result, const char *s)
{
    return result == NULL ? -1 : (long)((const char *)result - s);
}

static void random_string(char *s, size_t length)
{
    static const char letters[] = "ab\xff";
    for (size_t i = 0; i < length; i++)
        s[i] = letters[random_below(3)];
    s[length] = '\0';
}

/* On the heap and with exact sizes, so that ASan sees a read too far. */
static void test_strings(void)
{
    for (int round = 0; round < 20000; round++) {
        size_t n = random_below(12), m = random_below(4), cut = random_below(14);
        char *s = malloc(n + 1), *needle = malloc(m + 1), *dst = malloc(cut + 1);
        random_string(s, n);
        random_string(needle, m);
        char c = round % 7 == 0 ? '\0' : round % 2 ? 'a' : '\xff';

        CHECK(strlen(s) == n, "%zu", n);
        CHECK(strnlen(s, cut) == (cut < n ? cut : n), "%zu", n);
        CHECK(sign(strcmp(s, needle)) == naive_compare(s, needle, n + 1, 1), "%s %s", s,
              needle);
        CHECK(sign(strncmp(s, needle, cut)) ==
                  naive_compare(s, needle, cut < n + 1 ? cut : n + 1, 1),
              "%s %s %zu", s, needle, cut);
        size_t common = n < m ? n : m;
        CHECK(sign(memcmp(s, needle, common)) == naive_compare(s, needle, common, 0), "memcmp");
        CHECK(at(memchr(s, c, n), s) == naive_find(s, n, c, 0), "memchr");
        CHECK(at(strchr(s, c), s) == naive_find(s, n + 1, c, 0), "strchr");
        CHECK(at(strrchr(s, c), s) == naive_find(s, n + 1, c, 1), "strrchr");
        CHECK(at(strstr(s, needle), s) == naive_search(s, n, needle, m), "%s %s", s, needle);
        CHECK(strlcpy(dst, s, cut + 1) == n, "strlcpy");
        CHECK(strlen(dst) == (cut < n ? cut : n) && memcmp(dst, s, strlen(dst)) == 0,
              "strlcpy");
        free(s);
        free(needle);
        free(dst);
    }
}

static void compare_format(const char *fmt, ...)
{
    char want[256], got[256];
    va_list args, again;
    va_start(args, fmt);
    va_copy(again, args);
    size_t size = random_below(8) ? sizeof(want) : random_below(40);
    char *exact = malloc(size ? size : 1); /* ASan sees a byte too many */

    want[0] = '\0';
    int want_length = host_vsnprintf(want, size, fmt, args);
    int got_length = vsnprintf(exact, size, fmt, again);
    if (size > 0) {
        got[0] = '\0';
        strlcpy(got, exact, sizeof(got));
        CHECK(strcmp(want, got) == 0, "\"%s\": want \"%s\" got \"%s\"", fmt, want, got);
    }
    CHECK(want_length == got_length, "\"%s\" (%s): length want %d got %d", fmt, want,
          want_length, got_length);
    free(exact);
    va_end(again);
    va_end(args);
}

static void random_format(void)
{
    static const char letters[] = "diuxXocsp";
    static const char *const lengths[] = { "hh", "h", "", "l", "ll", "z", "t", "j" };
    static const char *const strings[] = { "", "a", "hello", "a long string of words", NULL };
    char letter = letters[random_below(sizeof(letters) - 1)];
    int number = letter != 'c' && letter != 's' && letter != 'p';
    unsigned length = number ? random_below(8) : 2;
    char fmt[64], *p = fmt;

    *p++ = '<';
    *p++ = '%';
    for (const char *flag = "-0+ #"; *flag; flag++) {
        int allowed = *flag == '-' ||
                      (*flag == '#'   ? letter == 'x' || letter == 'X' || letter == 'o'
                       : *flag == '0' ? number
                                      : letter == 'd' || letter == 'i');
        if (allowed && random_below(3) == 0)
            *p++ = *flag;
    }
    if (random_below(2))
        p += sprintf(p, "%u", 1 + random_below(30));
    if (letter != 'c' && letter != 'p' && random_below(2))
        p += sprintf(p, random_below(8) ? ".%u" : ".", random_below(25));
    sprintf(p, "%s%c> %%d%%%%", lengths[length], letter);

    uint64_t value = random_u64();
    if (letter == 's')
        compare_format(fmt, strings[random_below(5)], 42);
    else if (letter == 'c')
        compare_format(fmt, 1 + (int)random_below(255), 42);
    else if (letter == 'p')
        compare_format(fmt, random_below(4) ? (void *)(uintptr_t)value : NULL, 42);
    else if (length == 4 || length == 7)
        compare_format(fmt, value, 42);
    else if (length == 3 || length >= 5)
        compare_format(fmt, (long)value, 42);
    else
        compare_format(fmt, (int)value, 42);
}

static void test_format(void)
{
    for (int round = 0; round < 100000; round++)
        random_format();
    compare_format("plain");
    compare_format("%%");
    compare_format("%*d|%-*d|%.*s|%*s", 5, 1, 5, 2, 3, "abcdef", -6, "x");
    compare_format("%.*d", -1, 7);
    compare_format("%d %s %u %c", 1, "two", 3u, '4');
    char text[16];
    /* A variable, because the compiler checks constants. */
    const char *unknown = "[%y]";
    snprintf(text, sizeof(text), unknown);
    CHECK(strcmp(text, "[%y]") == 0, "%s", text);
    unknown = "[%";
    snprintf(text, sizeof(text), unknown);
    CHECK(strcmp(text, "[%") == 0, "%s", text);
}

static void check_division(uint64_t n, uint64_t d)
{
    uint64_t rest, product;
    uint64_t quotient = __udivmoddi4(n, d, &rest);
    /* n = quotient * d + rest with rest < d: there is only one such pair. */
    bool wrapped = __builtin_mul_overflow(quotient, d, &product);
    CHECK(!wrapped && rest < d && n - product == rest && n >= product,
          "%llx / %llx = %llx rest %llx", (unsigned long long)n, (unsigned long long)d,
          (unsigned long long)quotient, (unsigned long long)rest);
    CHECK(__udivdi3(n, d) == quotient && __umoddi3(n, d) == rest, "unsigned");

    int64_t sn = (int64_t)n, sd = (int64_t)d;
    if (sn == INT64_MIN && sd == -1)
        return;
    int64_t sq = __divdi3(sn, sd), sr = __moddi3(sn, sd);
    CHECK((uint64_t)sq * d + (uint64_t)sr == n, "signed sum");
    CHECK(sr == 0 || (sr < 0) == (sn < 0), "the remainder's sign is the dividend's");
    CHECK((sr < 0 ? 0 - (uint64_t)sr : (uint64_t)sr) < (sd < 0 ? 0 - d : d),
          "signed remainder");
}

static void test_division(void)
{
    for (int round = 0; round < 400000; round++) {
        uint64_t n = random_u64(), d = random_u64();
        if (d != 0)
            check_division(n, d);
        if (d != 0 && n / d != 0) /* next to an exact multiple */
            check_division(d * (n / d) - random_below(2), d);
    }
    check_division(UINT64_MAX, 1);
    check_division(UINT64_MAX, UINT64_MAX);
    check_division(0x8000000000000000ull, 0xFFFFFFFFull);
    check_division(0xFFFFFFFF00000000ull, 0x1FFFFFFFFull);
}

static void check_u64(const char *s, int error, uint64_t want)
{
    uint64_t value = 12345;
    int got = parse_u64(s, &value);
    CHECK(got == error && value == (error ? 12345 : want), "\"%s\": %d", s, got);
}

static void check_size(const char *s, int error, uint64_t want)
{
    uint64_t value = 12345;
    int got = parse_size(s, &value);
    CHECK(got == error && value == (error ? 12345 : want), "\"%s\": %d", s, got);
}

static void test_numbers(void)
{
    check_u64("0", 0, 0);
    check_u64("00", 0, 0);
    check_u64("017", 0, 15);
    check_u64("0xfFe", 0, 0xffe);
    check_u64("18446744073709551615", 0, UINT64_MAX);
    check_u64("18446744073709551616", -ERANGE, 0);
    check_u64("0x10000000000000000", -ERANGE, 0);
    check_u64("99999999999999999999999x", -EINVAL, 0);
    static const char *const bad[] = { "",   " ",  "x",  "0x", "08", "1 ",
                                       " 1", "-1", "+1", "1k", "0xg" };
    for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
        check_u64(bad[i], -EINVAL, 0);

    uint32_t word = 1;
    CHECK(parse_u32("4294967295", &word) == 0 && word == UINT32_MAX, "%u", word);
    CHECK(parse_u32("4294967296", &word) == -ERANGE && word == UINT32_MAX, "%u", word);

    check_size("64M", 0, 64ull << 20);
    check_size("1k", 0, 1024);
    check_size("4g", 0, 4ull << 30);
    check_size("0x10K", 0, 16384);
    check_size("512", 0, 512);
    check_size("17179869183G", 0, 17179869183ull << 30);
    check_size("17179869184G", -ERANGE, 0);
    check_size("M", -EINVAL, 0);
    check_size("1MB", -EINVAL, 0);
    check_size("1 M", -EINVAL, 0);
}

/* `want` is the words with a '|' behind each. */
static void check_words(const char *text, int result, const char *want)
{
    char *line = malloc(strlen(text) + 1), joined[128] = "";
    char *words[4];
    strlcpy(line, text, strlen(text) + 1);
    int count = parse_words(line, words, ARRAY_SIZE(words));
    CHECK(count == result, "\"%s\": %d", text, count);
    for (int i = 0; i < count; i++)
        snprintf(joined + strlen(joined), sizeof(joined) - strlen(joined), "%s|", words[i]);
    CHECK(count < 0 || strcmp(joined, want) == 0, "\"%s\": \"%s\"", text, joined);
    free(line);
}

static void check_option(const char *cmdline, const char *key, const char *want, size_t size)
{
    char value[64] = "none";
    bool found = parse_option(cmdline, key, value, size);
    CHECK(found == (want != NULL), "%s in %s", key, cmdline);
    CHECK(strcmp(value, want ? want : "none") == 0, "%s in %s: \"%s\"", key, cmdline, value);
}

static void test_words(void)
{
    check_words("", 0, "");
    check_words(" \t\n ", 0, "");
    check_words("a", 1, "a|");
    check_words("  one two\tthree ", 3, "one|two|three|");
    check_words("'a b' \"c d\"", 2, "a b|c d|");
    check_words("x'a b'y", 1, "xa by|");
    check_words("'' \"\"", 2, "||");
    check_words("a\\ b \\\"c", 2, "a b|\"c|");
    check_words("'a\\b' \"a\\\"b\"", 2, "a\\b|a\"b|");
    check_words("end\\", 1, "end\\|");
    check_words("1 2 3 4", 4, "1|2|3|4|");
    check_words("1 2 3 4 5", -E2BIG, "");
    check_words("'open", -EINVAL, "");
    check_words("a \"open", -EINVAL, "");

    const char *line =
        "strata.elf run=\"meminfo; poweroff\" loglevel=7 quiet x= loglevel=3 runs=1";
    check_option(line, "run", "meminfo; poweroff", 64);
    check_option(line, "run", "mem", 4);
    check_option(line, "run", "", 1);
    check_option(line, "loglevel", "3", 64);
    check_option(line, "quiet", "", 64);
    check_option(line, "x", "", 64);
    check_option(line, "runs", "1", 64);
    check_option(line, "ru", NULL, 64);
    check_option(line, "runsx", NULL, 64);
    check_option("", "a", NULL, 64);
    check_option("\"run=a b\"", "run", "a b", 64);
    check_option("quiet", "quie", NULL, 64);
    check_option("a==b", "a", "=b", 64);
}

/* Append one entry and return the archive's new size. */
static size_t add_entry(uint8_t *archive, size_t size, const char *name, const char *data,
                        uint32_t nbytes)
{
    size += (size_t)sprintf(
        (char *)archive + size, "070701%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X", 1,
        0100755, 0, 0, 1, 0x5F000000, nbytes, 0, 0, 0, 0, (unsigned)strlen(name) + 1, 0);
    memcpy(archive + size, name, strlen(name) + 1);
    for (size += strlen(name) + 1; size % 4 != 0;)
        archive[size++] = 0;
    memcpy(archive + size, data, nbytes);
    for (size += nbytes; size % 4 != 0;)
        archive[size++] = 0;
    return size;
}

static size_t make_archive(uint8_t *archive)
{
    size_t size = add_entry(archive, 0, "bin/hello", "contents", 8);
    size = add_entry(archive, size, "./odd", "12345", 5);
    size = add_entry(archive, size, "/", "", 0);
    return add_entry(archive, size, "TRAILER!!!", "", 0);
}

static void test_cpio_good(const uint8_t *archive, size_t size)
{
    struct cpio_entry entry;
    size_t offset = 0;

    CHECK(cpio_next(archive, size, &offset, &entry) == 1, "first");
    CHECK(strcmp(entry.name, "bin/hello") == 0 && entry.nbytes == 8, "%s", entry.name);
    CHECK(memcmp(entry.data, "contents", 8) == 0 && entry.mode == 0100755, "%o", entry.mode);
    CHECK(entry.mtime == 0x5F000000, "%x", entry.mtime);
    CHECK(cpio_next(archive, size, &offset, &entry) == 1, "second");
    CHECK(strcmp(entry.name, "odd") == 0 && memcmp(entry.data, "12345", 5) == 0, "%s",
          entry.name);
    CHECK(cpio_next(archive, size, &offset, &entry) == 1 && entry.name[0] == '\0', "third");
    CHECK(cpio_next(archive, size, &offset, &entry) == 0, "end");
    CHECK(cpio_next(archive, size, &offset, &entry) == 0, "end again");
}

/* Whatever the bytes are: no read outside (ASan), the walk ends, entries lie inside. */
static void walk_damaged(const uint8_t *archive, size_t size)
{
    struct cpio_entry entry;
    size_t offset = 0;
    unsigned steps = 0;
    int result;

    while ((result = cpio_next(archive, size, &offset, &entry)) == 1) {
        CHECK(entry.data >= archive && entry.data + entry.nbytes <= archive + size, "outside");
        CHECK(strlen(entry.name) < size, "name");
        CHECK(++steps <= size / 110, "endless");
    }
    CHECK(result == 0 || result == -EINVAL, "%d", result);
}

static void test_cpio(void)
{
    uint8_t whole[1024];
    size_t size = make_archive(whole);

    test_cpio_good(whole, size);
    for (size_t cut = 0; cut < size; cut++) {
        uint8_t *part = malloc(cut + 1);
        memcpy(part, whole, cut);
        walk_damaged(part, cut);
        free(part);
    }
    for (int round = 0; round < 30000; round++) {
        uint8_t *copy = malloc(size);
        memcpy(copy, whole, size);
        for (unsigned i = 1 + random_below(4); i > 0; i--)
            copy[random_below((uint32_t)size)] = random_below(2) ? "0fF8\0"[random_below(5)]
                                                                 : (uint8_t)random_u32();
        walk_damaged(copy, size);
        free(copy);
    }
}

int main(int argc, char **argv)
{
    random_state = argc > 1 ? (uint32_t)strtoul(argv[1], NULL, 0) : 1;
    if (random_state == 0)
        random_state = 1; /* the one state that xorshift never leaves */

    test_blocks();
    test_strings();
    test_format();
    test_division();
    test_numbers();
    test_words();
    test_cpio();
    printf("ok %lu operations\n", operations);
    return 0;
}
