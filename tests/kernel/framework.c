/* tests/kernel/framework.c - runs a suite's cases and reports in KTAP (Linux,
 * Documentation/dev-tools/ktap.rst), one line a case, on the console.
 *
 * The verdict on a case has three parts: its own expectations; every validator of the kernel
 * afterwards; and no leak.  For the last, caches are shrunk before and after, so that only objects that
 * somebody still holds count, and things that are freed by another thread (the stack of a thread that
 * ended) get some ticks to arrive. */
#include "tests/kernel/test.h"

#include "kernel/cpu/cpu.h"
#include "kernel/dev/console.h"
#include "kernel/dev/power.h"
#include "kernel/lib/errno.h"
#include "kernel/lib/parse.h"
#include "kernel/log.h"
#include "kernel/main.h"
#include "kernel/panic.h"
#include "kernel/proc/process.h"
#include "kernel/sched/thread.h"
#include "mm/buddy.h"
#include "mm/kasan.h"
#include "mm/leaks.h"
#include "mm/memmap.h"
#include "mm/memstat.h"
#include "mm/reclaim.h"
#include "mm/slab.h"

#define MESSAGE_MAX 256
#define SELECTION_MAX 256
#define SETTLE_TICKS 100 /* how long a freed resource may take to come back: a second */

enum { STATUS_PASSED = 0, STATUS_FAILED = 1 };

/* --- expectations ------------------------------------------------------------------------------ */

static void note_failure(struct test *t, const char *file, int line, const char *text)
{
    t->failures++;
    console_printf("# %s:%d: %s: ", file, line, text);
}

bool test_expect(struct test *t, bool condition, const char *file, int line, const char *text)
{
    if (condition)
        return true;
    note_failure(t, file, line, text);
    console_printf("is false\n");
    return false;
}

bool test_expect_equal(struct test *t, long long actual, long long expected, const char *file,
                       int line, const char *text)
{
    if (actual == expected)
        return true;
    note_failure(t, file, line, text);
    console_printf("expected %lld (%#llx), got %lld (%#llx)\n", expected, expected, actual,
                   actual);
    return false;
}

bool test_expect_string(struct test *t, const char *actual, const char *expected,
                        const char *file, int line, const char *text)
{
    if (actual != NULL && strcmp(actual, expected) == 0)
        return true;
    note_failure(t, file, line, text);
    console_printf("expected \"%s\", got \"%s\"\n", expected,
                   actual != NULL ? actual : "(null)");
    return false;
}

/* --- panics that are wanted -------------------------------------------------------------------- */

void *test_panic_jump[5];

static struct {
    bool armed;  /* a panic is expected now */
    bool caught; /* and it came */
    char message[MESSAGE_MAX];
} expected_panic;

const char *test_panic_message(void)
{
    return expected_panic.message;
}

/* Called by panic() before its report.  A panic that nobody expects goes on: the report is printed, and
 * the machine stops, which is no success to whoever started it. */
static void catch_panic(const char *message)
{
    if (!expected_panic.armed)
        return;
    expected_panic.armed = false;
    expected_panic.caught = true;
    strlcpy(expected_panic.message, message, sizeof(expected_panic.message));
    __builtin_longjmp(test_panic_jump, 1);
}

/* panic() forgets its catcher with each panic. */
void test_panic_arm(void)
{
    expected_panic.caught = false;
    expected_panic.armed = true;
    panic_set_catcher(catch_panic);
}

void test_panic_expect(struct test *t, const char *part, const char *file, int line,
                       const char *text)
{
    expected_panic.armed = false;
    /* The functions that were left by the jump have not taken back their redzones. */
    kasan_unpoison(thread_current()->stack, KERNEL_STACK_PAGES * PAGE_SIZE);
    irq_enable();
    if (!expected_panic.caught) {
        note_failure(t, file, line, text);
        console_printf("expected a panic \"%s\", got none\n", part);
    } else if (strstr(expected_panic.message, part) == NULL) {
        note_failure(t, file, line, text);
        console_printf("expected a panic \"%s\", got \"%s\"\n", part, expected_panic.message);
    }
}

/* --- helpers ------------------------------------------------------------------------------------ */

uint32_t test_random(struct test *t)
{
    /* Marsaglia, Xorshift RNGs, 2003. */
    t->random ^= t->random << 13;
    t->random ^= t->random >> 17;
    t->random ^= t->random << 5;
    return t->random;
}

uint32_t test_random_below(struct test *t, uint32_t limit)
{
    return test_random(t) % limit;
}

static uint32_t hash_name(const char *name)
{
    uint32_t hash = 2166136261u; /* FNV-1a */
    for (; *name != '\0'; name++)
        hash = (hash ^ (uint8_t)*name) * 16777619u;
    return hash | 1; /* xorshift must not start with 0 */
}

static uint8_t fill_byte(size_t i, uint32_t seed)
{
    return (uint8_t)((seed >> (8 * (i & 3))) + i * 7);
}

void test_fill(void *memory, size_t nbytes, uint32_t seed)
{
    uint8_t *bytes = memory;
    for (size_t i = 0; i < nbytes; i++)
        bytes[i] = fill_byte(i, seed);
}

bool test_is_filled(const void *memory, size_t nbytes, uint32_t seed)
{
    const uint8_t *bytes = memory;
    for (size_t i = 0; i < nbytes; i++) {
        if (bytes[i] != fill_byte(i, seed))
            return false;
    }
    return true;
}

bool test_is_byte(const void *memory, size_t nbytes, uint8_t byte)
{
    const uint8_t *bytes = memory;
    for (size_t i = 0; i < nbytes; i++) {
        if (bytes[i] != byte)
            return false;
    }
    return true;
}

void test_hold_frames(struct list_node *held, unsigned flags, uint32_t left)
{
    struct page *page;

    list_init(held);
    while ((page = buddy_alloc(0, PAGE_TEST, flags)) != NULL)
        list_add_tail(held, &page->node);
    for (; left > 0 && !list_is_empty(held); left--) {
        page = list_entry(held->prev, struct page, node);
        list_remove(&page->node);
        buddy_free(page, 0);
    }
}

void test_give_frames_back(struct list_node *held)
{
    list_for_each_safe(node, held)
        buddy_free(list_entry(node, struct page, node), 0);
}

bool test_slab_stats(const char *name, struct slab_stats *stats)
{
    for (unsigned i = 0; slab_get_stats(i, stats); i++)
        if (strcmp(stats->name, name) == 0)
            return true;
    return false;
}

int test_run_program(const char *line)
{
    enum { ARGS_MAX = 8, LINE_MAX = 128 };
    char copy[LINE_MAX];
    char *argv[ARGS_MAX];
    strlcpy(copy, line, sizeof(copy));
    int argc = parse_words(copy, argv, ARGS_MAX);
    if (argc <= 0)
        return -EINVAL;
    int pid = process_start(argc, argv, NULL, PROCESS_FOREGROUND);
    return pid < 0 ? pid : process_wait((uint32_t)pid);
}

uint32_t test_parameter(const char *key, uint32_t otherwise)
{
    char text[16];
    uint32_t value;
    if (!parse_option(memmap_cmdline(), key, text, sizeof(text)) ||
        parse_u32(text, &value) != 0)
        return otherwise;
    return value;
}

/* --- leaks -------------------------------------------------------------------------------------- */

struct cache_use {
    char name[SLAB_NAME_MAX];
    uint32_t objects;
};

struct usage {
    struct buddy_stats buddy;
    unsigned caches;
    struct cache_use cache[SLAB_MAX_CACHES];
    uint32_t threads;
};

static struct usage usage_before, usage_after;

static void take_usage(struct usage *usage)
{
    struct slab_stats slab;
    struct thread_stats threads;

    thread_shrink();
    reclaim_all();
    thread_get_stats(&threads);
    usage->threads = threads.threads;
    buddy_get_stats(&usage->buddy);
    for (usage->caches = 0; slab_get_stats(usage->caches, &slab); usage->caches++) {
        struct cache_use *use = &usage->cache[usage->caches];
        strlcpy(use->name, slab.name, sizeof(use->name));
        use->objects = slab.objects_in_use;
    }
}

static bool same_usage(const struct usage *a, const struct usage *b)
{
    if (a->buddy.free != b->buddy.free || a->caches != b->caches || a->threads != b->threads)
        return false;
    for (unsigned i = 0; i < a->caches; i++) {
        if (strcmp(a->cache[i].name, b->cache[i].name) != 0 ||
            a->cache[i].objects != b->cache[i].objects)
            return false;
    }
    return true;
}

static void print_leak(const struct usage *before, const struct usage *after)
{
    console_printf("# leak: %d frames, %d caches, %d threads\n",
                   (int)(before->buddy.free - after->buddy.free),
                   (int)(after->caches - before->caches),
                   (int)(after->threads - before->threads));
    for (unsigned kind = PAGE_KIND_FIRST_USED; kind < PAGE_KIND_COUNT; kind++) {
        int frames = (int)(after->buddy.frames[kind] - before->buddy.frames[kind]);
        if (frames != 0)
            console_printf("# leak: %+d frames of kind %s\n", frames, page_kind_name(kind));
    }
    for (unsigned i = 0; i < MIN(before->caches, after->caches); i++) {
        int objects = (int)(after->cache[i].objects - before->cache[i].objects);
        if (objects != 0)
            console_printf("# leak: %+d objects of cache %s\n", objects, after->cache[i].name);
    }
}

/* With the kernel parameter slab_debug: who took what the case has left behind. */
static void print_leak_sites(uint32_t events_before)
{
    static struct leak_site sites[8];
    struct leak_list list = { .sites = sites, .capacity = ARRAY_SIZE(sites) };
    char text[TRACK_TEXT_MAX];

    leaks_since(events_before, track_serial(), &list);
    for (unsigned i = 0; i < list.nsites; i++) {
        track_format(&sites[i].track, 0, text, sizeof(text));
        console_printf("# leak: %u of %s by %s\n", sites[i].count, sites[i].what, text);
    }
}

/* Everything that the case took must be back. */
static void check_leaks(struct test *t, uint32_t events_before)
{
    for (unsigned tick = 0; tick < SETTLE_TICKS; tick++) {
        take_usage(&usage_after);
        if (same_usage(&usage_before, &usage_after))
            return;
        thread_sleep_ticks(1);
    }
    t->failures++;
    print_leak(&usage_before, &usage_after);
    print_leak_sites(events_before);
}

/* --- running ------------------------------------------------------------------------------------ */

static void check_validators(struct test *t)
{
    const char *name;
    bool verdict;
    for (unsigned i = 0; memstat_check_one(i, &name, &verdict); i++) {
        if (!verdict) {
            t->failures++;
            console_printf("# validator %s: failed\n", name);
        }
    }
    EXPECT(t, memstat_check());
    EXPECT(t, thread_check());
    EXPECT(t, process_check());
}

/* Is `name` in the comma-separated list? */
static bool list_has(const char *list, const char *name)
{
    size_t length = strlen(name);
    for (const char *word = list; word != NULL; word = strchr(word, ',')) {
        word += *word == ',';
        if (strncmp(word, name, length) == 0 && (word[length] == ',' || word[length] == '\0'))
            return true;
    }
    return false;
}

static bool is_selected(const struct test_case *test_case, const char *selection)
{
    if (selection[0] == '\0')
        return test_case->when == TEST_ALWAYS;
    return list_has(selection, test_case->name);
}

/* Run one case; true if it passed or was skipped. */
static bool run_case(const struct test_case *test_case, unsigned number)
{
    struct test t = { .name = test_case->name, .random = hash_name(test_case->name) };

    console_printf("# start %s\n", t.name);
    take_usage(&usage_before);
    uint32_t events_before = track_serial();
    test_case->run(&t);
    check_leaks(&t, events_before);
    check_validators(&t);
    console_printf("%s %u %s", t.failures == 0 ? "ok" : "not ok", number, t.name);
    if (t.skipped != NULL)
        console_printf(" # SKIP %s", t.skipped);
    console_printf("\n");
    return t.failures == 0;
}

void start(void)
{
    char selection[SELECTION_MAX] = "";
    unsigned selected = 0, failed = 0, number = 0;

    if (!parse_option(memmap_cmdline(), "panic", selection, sizeof(selection)))
        panic_init("panic=test-exit"); /* nobody sits there to look at it */
    selection[0] = '\0';
    log_set_console_level(LOG_WARNING);
    parse_option(memmap_cmdline(), "test", selection, sizeof(selection));
    for (unsigned i = 0; i < test_case_count; i++)
        selected += is_selected(&test_cases[i], selection);

    console_printf("KTAP version 1\n1..%u\n", selected);
    for (unsigned i = 0; i < test_case_count; i++) {
        if (is_selected(&test_cases[i], selection))
            failed += !run_case(&test_cases[i], ++number);
    }
    console_printf("# %u passed, %u failed\n", selected - failed, failed);
    power_test_exit(failed == 0 && selected > 0 ? STATUS_PASSED : STATUS_FAILED);
}
