/* tests/kernel/test_inject.c - allocations that fail on purpose: which ones, how they are counted, how a
 * rule is written, and that their callers survive. */
#include "tests/kernel/test.h"

#include "kernel/cpu/cpu.h"
#include "kernel/lib/errno.h"
#include "mm/buddy.h"
#include "mm/inject.h"
#include "mm/kmalloc.h"
#include "mm/slab.h"
#include "mm/vmalloc.h"

static struct inject_stats stats;
static const struct inject_rule off;

static void set(const char *text)
{
    struct inject_rule rule = { 0 };
    char problem[64];
    inject_parse(text, &rule, problem, sizeof(problem));
    inject_set(&rule);
}

/* Does a page request fail now? */
static bool page_fails(void)
{
    struct page *page = buddy_alloc(0, PAGE_TEST, PAGE_ANY);
    if (page != NULL)
        buddy_free(page, 0);
    return page == NULL;
}

static bool slab_fails(void)
{
    void *memory = kmalloc(32, PAGE_ANY);
    kfree(memory);
    return memory == NULL;
}

/* --- rules -------------------------------------------------------------------------------------- */

static void nth_fails_once(struct test *t)
{
    set("page:nth=3");
    for (unsigned i = 1; i <= 8; i++)
        EXPECT_EQ(t, page_fails(), i == 3);
    inject_get_stats(&stats);
    inject_set(&off);
    EXPECT_EQ(t, stats.candidates, 8);
    EXPECT_EQ(t, stats.failed, 1);
}

static void every_nth_fails(struct test *t)
{
    set("page:every=4");
    for (unsigned i = 1; i <= 12; i++)
        EXPECT_EQ(t, page_fails(), i % 4 == 0);
    set("page:every=1");
    for (unsigned i = 1; i <= 3; i++)
        EXPECT(t, page_fails());
    inject_set(&off);
    EXPECT(t, !page_fails());
}

/* About one in n, and the same ones for the same seed. */
static void random_is_repeatable(struct test *t)
{
    uint32_t first[2] = { 0 };
    for (unsigned run = 0; run < 2; run++) {
        set("page:random=4,seed=7");
        for (unsigned i = 0; i < 32; i++)
            first[run] |= (uint32_t)page_fails() << i;
        for (unsigned i = 0; i < 968; i++)
            page_fails();
        inject_get_stats(&stats);
        EXPECT_EQ(t, stats.candidates, 1000);
        EXPECT(t, stats.failed > 200 && stats.failed < 300);
    }
    set("page:random=4,seed=8");
    uint32_t other = 0;
    for (unsigned i = 0; i < 32; i++)
        other |= (uint32_t)page_fails() << i;
    inject_set(&off);
    EXPECT_EQ(t, first[0], first[1]);
    EXPECT(t, other != first[0]);
}

static void kinds_are_apart(struct test *t)
{
    set("slab:every=1");
    EXPECT(t, slab_fails());
    EXPECT(t, !page_fails());
    set("page:every=1");
    EXPECT(t, page_fails());
    void *object = kmalloc(32, PAGE_ANY); /* may need a page, or may not */
    kfree(object);
    set("page,slab:every=1");
    EXPECT(t, page_fails());
    EXPECT(t, slab_fails());
    inject_set(&off);
    EXPECT(t, !page_fails());
    EXPECT(t, !slab_fails());
}

static void failures_are_counted_as_such(struct test *t)
{
    struct buddy_stats before, after;
    buddy_get_stats(&before);
    set("page:every=1");
    page_fails();
    page_fails();
    inject_set(&off);
    buddy_get_stats(&after);
    EXPECT_EQ(t, after.failures - before.failures, 2);
    EXPECT_EQ(t, after.free, before.free);
}

/* --- the countdown ------------------------------------------------------------------------------ */

/* Interrupts stay off, for a switch of threads would replace the countdown. */
static void countdown_fails_one_request(struct test *t)
{
    uint32_t countdown = 3;
    uint32_t failed = 0;
    EXPECT(t, !slab_fails()); /* from now on there is an object: no request for a page */
    uint32_t irq = irq_save();
    inject_switch(&countdown);
    for (unsigned i = 1; i <= 6; i++)
        failed |= (uint32_t)(i % 2 ? page_fails() : slab_fails()) << i;
    inject_switch(NULL);
    irq_restore(irq);
    EXPECT_EQ(t, failed, 1u << 3);
    EXPECT_EQ(t, countdown, 0);
}

/* One thread's countdown stands still while another one runs. */
static void countdown_belongs_to_its_thread(struct test *t)
{
    uint32_t mine = 2, other = 0;
    uint32_t irq = irq_save();
    inject_switch(&mine);
    EXPECT(t, !page_fails());
    inject_switch(&other);
    EXPECT(t, !page_fails());
    EXPECT(t, !page_fails());
    inject_switch(&mine);
    EXPECT_EQ(t, mine, 1);
    EXPECT(t, page_fails());
    EXPECT(t, !page_fails());
    inject_switch(NULL);
    irq_restore(irq);
}

/* --- text --------------------------------------------------------------------------------------- */

static void rules_are_read(struct test *t)
{
    struct inject_rule rule;
    char problem[64];
    EXPECT_EQ(t, inject_parse("page,slab:nth=5", &rule, problem, sizeof(problem)), 0);
    EXPECT_EQ(t, rule.what, INJECT_PAGE | INJECT_SLAB);
    EXPECT_EQ(t, rule.mode, INJECT_NTH);
    EXPECT_EQ(t, rule.n, 5);
    EXPECT_EQ(t, inject_parse("slab:random=0x10,seed=3", &rule, problem, sizeof(problem)), 0);
    EXPECT_EQ(t, rule.what, INJECT_SLAB);
    EXPECT_EQ(t, rule.mode, INJECT_RANDOM);
    EXPECT_EQ(t, rule.n, 16);
    EXPECT_EQ(t, rule.seed, 3);
    EXPECT_EQ(t, inject_parse("off", &rule, problem, sizeof(problem)), 0);
    EXPECT_EQ(t, rule.what, 0);
}

static void bad_rules_are_explained(struct test *t)
{
    static const struct {
        const char *text, *problem;
    } bad[] = {
        { "", "'' is neither page nor slab" },
        { "frame:nth=1", "'frame' is neither page nor slab" },
        { "page,:nth=1", "'' is neither page nor slab" },
        { "page", "'' is none of nth, every and random" },
        { "page:sometimes=1", "'sometimes' is none of nth, every and random" },
        { "page:nth", "'' is no number from 1 up" },
        { "page:nth=0", "'0' is no number from 1 up" },
        { "page:nth=five", "'five' is no number from 1 up" },
        { "page:nth=5,seed=1", "',seed=1' is too much" },
        { "page:random=5,salt=1", "',salt=1' is too much" },
        { "page:random=5,seed=", "',seed=' is too much" },
    };
    struct inject_rule rule = { .n = 77 };
    char problem[64];
    for (unsigned i = 0; i < ARRAY_SIZE(bad); i++) {
        EXPECT_EQ(t, inject_parse(bad[i].text, &rule, problem, sizeof(problem)), -EINVAL);
        EXPECT_STR(t, problem, bad[i].problem);
        EXPECT_EQ(t, rule.n, 77);
    }
}

static void parameter_is_taken(struct test *t)
{
    inject_init("quiet inject=page:every=2 loglevel=4");
    EXPECT(t, !page_fails());
    EXPECT(t, page_fails());
    inject_init("quiet");
    inject_get_stats(&stats);
    inject_set(&off);
    EXPECT_EQ(t, stats.rule.n, 2);
}

/* --- callers ------------------------------------------------------------------------------------ */

/* Fail the first request that vmalloc makes, the second, ... until it makes no more: nothing may be lost
 * on the way (the framework compares the frames), nothing may break. */
static void vmalloc_survives_each_failure(struct test *t)
{
    static const struct inject_rule rule = { .what = INJECT_PAGE | INJECT_SLAB,
                                             .mode = INJECT_NTH };
    unsigned n = 0;
    for (void *area = NULL; area == NULL && n < 100;) {
        struct inject_rule next = rule;
        next.n = ++n;
        inject_set(&next);
        area = vmalloc(8, PAGE_VMALLOC);
        inject_set(&off);
        EXPECT(t, vmalloc_check());
        vfree(area);
    }
    EXPECT(t, n > 8 && n < 100);
}

static void slab_survives_a_page_failure(struct test *t)
{
    struct slab_cache *cache = slab_cache_create("test", 256, 0, NULL, 0);
    REQUIRE(t, cache != NULL);
    set("page:nth=1");
    EXPECT_PTR(t, slab_alloc(cache, PAGE_ANY), NULL);
    void *object = slab_alloc(cache, PAGE_ANY);
    inject_set(&off);
    REQUIRE(t, object != NULL);
    EXPECT(t, slab_check());
    slab_free(cache, object);
    EXPECT_EQ(t, slab_cache_destroy(cache), 0);
}

/* clang-format off */
const struct test_case test_cases[] = {
    TEST(nth_fails_once),
    TEST(every_nth_fails),
    TEST(random_is_repeatable),
    TEST(kinds_are_apart),
    TEST(failures_are_counted_as_such),
    TEST(countdown_fails_one_request),
    TEST(countdown_belongs_to_its_thread),
    TEST(rules_are_read),
    TEST(bad_rules_are_explained),
    TEST(parameter_is_taken),
    TEST(vmalloc_survives_each_failure),
    TEST(slab_survives_a_page_failure),
};
/* clang-format on */
const unsigned test_case_count = ARRAY_SIZE(test_cases);
