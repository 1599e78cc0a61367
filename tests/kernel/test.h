/* tests/kernel/test.h - tests that run inside the kernel.
 *
 * A suite is one file test_NAME.c with a table of cases:
 *
 *     static void split_then_merge(struct test *t)
 *     {
 *         EXPECT_EQ(t, buddy_free_frames(), before);
 *     }
 *
 *     const struct test_case test_cases[] = {
 *         TEST(split_then_merge),
 *     };
 *     const unsigned test_case_count = ARRAY_SIZE(test_cases);
 *
 * It is linked with the kernel into build/tests/NAME.elf, which boots, prints its results in KTAP and
 * ends the emulator with 0 (all passed) or 1.  After each case the framework runs every validator of
 * the kernel and requires exactly the free frames and slab objects that there were before it.
 * tests/test_kernel.py reads the rows of the table: keep each on a line of its own. */
#pragma once

#include "kernel/lib/string.h"
#include "kernel/lib/types.h"

struct list_node;
struct slab_stats;

struct test {
    const char *name;
    unsigned failures;
    const char *skipped; /* why, or NULL */
    uint32_t random;     /* state of test_random() */
};

enum test_when {
    TEST_ALWAYS,
    TEST_ON_REQUEST /* only with test=NAME: the case ends the machine */
};

struct test_case {
    const char *name;
    void (*run)(struct test *t);
    enum test_when when;
};

/* A suite defines these. */
extern const struct test_case test_cases[];
extern const unsigned test_case_count;

/* A row of the table. */
#define TEST(function)                   \
    {                                    \
#function, function, TEST_ALWAYS \
    }
#define TEST_FATAL(function)                 \
    {                                        \
#function, function, TEST_ON_REQUEST \
    }

/* Each of these notes a failure with file and line; the case goes on. */
#define EXPECT(t, condition) test_expect(t, (condition), __FILE__, __LINE__, #condition)
#define EXPECT_EQ(t, actual, expected)                                                   \
    test_expect_equal(t, (long long)(actual), (long long)(expected), __FILE__, __LINE__, \
                      #actual)
#define EXPECT_PTR(t, actual, expected) EXPECT_EQ(t, (uintptr_t)(actual), (uintptr_t)(expected))
#define EXPECT_STR(t, actual, expected) \
    test_expect_string(t, actual, expected, __FILE__, __LINE__, #actual)

/* What the rest of the case cannot do without: leaves the case at once. */
#define REQUIRE(t, condition)      \
    do {                           \
        if (!EXPECT(t, condition)) \
            return;                \
    } while (0)

/* Leave the case: this machine cannot show what it tests. */
#define SKIP(t, reason)          \
    do {                         \
        (t)->skipped = (reason); \
        return;                  \
    } while (0)

/* `statement` must panic with a message that contains `part`.  The crime is committed for real; the
 * panic is caught before its report, and the case goes on. */
#define EXPECT_PANIC(t, part, statement)                            \
    do {                                                            \
        if (__builtin_setjmp(test_panic_jump) == 0) {               \
            test_panic_arm();                                       \
            statement;                                              \
        }                                                           \
        test_panic_expect(t, part, __FILE__, __LINE__, #statement); \
    } while (0)

bool test_expect(struct test *t, bool condition, const char *file, int line, const char *text);
bool test_expect_equal(struct test *t, long long actual, long long expected, const char *file,
                       int line, const char *text);
bool test_expect_string(struct test *t, const char *actual, const char *expected,
                        const char *file, int line, const char *text);

extern void *test_panic_jump[5]; /* what __builtin_setjmp() needs */
void test_panic_arm(void);
void test_panic_expect(struct test *t, const char *part, const char *file, int line,
                       const char *text);
const char *test_panic_message(void); /* of the last one that was caught */

/* The same sequence in each run (xorshift32, seeded with the case's name). */
uint32_t test_random(struct test *t);
uint32_t test_random_below(struct test *t, uint32_t limit);

/* Memory filled with bytes that depend on `seed` and the place, and the check of it. */
void test_fill(void *memory, size_t nbytes, uint32_t seed);
bool test_is_filled(const void *memory, size_t nbytes, uint32_t seed);
bool test_is_byte(const void *memory, size_t nbytes, uint8_t byte);

/* Take all frames that a request with these flags of buddy_alloc() can have, but `left`; and give them
 * back.  (Those of the lowest zone are taken last: all can use them.) */
void test_hold_frames(struct list_node *held, unsigned flags, uint32_t left);
void test_give_frames_back(struct list_node *held);

/* Statistics of the cache with this name; false: there is none. */
bool test_slab_stats(const char *name, struct slab_stats *stats);

/* Run a program of the initrd in the foreground: "heap 3".  Its status, or -errno. */
int test_run_program(const char *line);

/* Time-stamp counter when the kernel was up and the first thread began; 0 without one. */

/* A number given as a kernel parameter KEY=VALUE, else `otherwise`. */
uint32_t test_parameter(const char *key, uint32_t otherwise);
