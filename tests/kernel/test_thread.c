/* tests/kernel/test_thread.c - threads: they run, sleep, wake and end in the right order, are preempted
 * in the middle of loops, cost exactly what they use, and do not break allocators by working at once. */
#include "tests/kernel/test.h"

#include "kernel/cpu/cpu.h"
#include "kernel/cpu/timer.h"
#include "kernel/lib/layout.h"
#include "kernel/sched/thread.h"
#include "mm/buddy.h"
#include "mm/kmalloc.h"
#include "mm/memstat.h"
#include "mm/slab.h"
#include "mm/vmalloc.h"

static volatile unsigned finished;

static uint32_t thread_count(void)
{
    struct thread_stats stats;
    thread_get_stats(&stats);
    return stats.threads;
}

/* Wait until `count` threads have said that they are done; false after ten seconds. */
static bool wait_for(unsigned count)
{
    uint64_t deadline = timer_ticks() + 10 * TIMER_HZ;
    while (finished < count && timer_ticks() < deadline)
        thread_sleep_ticks(1);
    return finished == count;
}

/* --- life --------------------------------------------------------------------------------------- */

static void *seen_argument;

static void note_argument(void *argument)
{
    seen_argument = argument;
    finished++;
}

static void a_thread_runs_and_ends(struct test *t)
{
    int something;
    uint32_t before = thread_count();
    finished = 0;
    struct thread *thread = thread_create("worker", note_argument, &something);
    REQUIRE(t, thread != NULL);
    EXPECT_EQ(t, thread_count(), before + 1);
    EXPECT(t, wait_for(1));
    EXPECT_PTR(t, seen_argument, &something);
    for (unsigned i = 0; i < 50 && thread_count() != before; i++)
        thread_sleep_ticks(1);
    EXPECT_EQ(t, thread_count(), before);
}

/* A stack and a structure each; all of it comes back (the framework compares to the frame). */
static void many_threads_cost_only_their_stacks(struct test *t)
{
    enum { THREADS = 20 };
    struct buddy_stats before, during;
    thread_shrink(); /* no stack of an earlier thread is used again */
    buddy_get_stats(&before);
    finished = 0;
    uint32_t irq = irq_save(); /* none of them runs yet */
    unsigned made = 0;
    while (made < THREADS && thread_create("worker", note_argument, NULL) != NULL)
        made++;
    buddy_get_stats(&during);
    irq_restore(irq);
    EXPECT_EQ(t, made, THREADS);
    EXPECT_EQ(t, during.frames[PAGE_STACK] - before.frames[PAGE_STACK],
              THREADS * KERNEL_STACK_PAGES);
    EXPECT(t, wait_for(made));
}

static void exit_deep_in_a_call(void *unused)
{
    (void)unused;
    finished++;
    thread_exit();
}

static void thread_exit_does_not_return(struct test *t)
{
    finished = 0;
    REQUIRE(t, thread_create("worker", exit_deep_in_a_call, NULL) != NULL);
    EXPECT(t, wait_for(1));
}

static void names_are_listed(struct test *t)
{
    struct thread_info info;
    bool found = false;
    finished = 0;
    uint32_t irq = irq_save(); /* it could run, end and be gone at once */
    struct thread *thread = thread_create("a-name-longer-than-it-may-be", note_argument, NULL);
    uint32_t created = thread ? thread->id : 0, id = created;
    bool listed = thread && thread_next_info(&id, &info);
    irq_restore(irq);
    REQUIRE(t, listed);
    EXPECT_EQ(t, info.id, created);
    EXPECT_EQ(t, strncmp(info.name, "a-name-longer-than-it-may-be", strlen(info.name)), 0);
    EXPECT(t, strlen(info.name) < THREAD_NAME_MAX);
    for (id = 0; thread_next_info(&id, &info); id = info.id + 1)
        found |= info.id == thread_current()->id && info.state == THREAD_RUNNING;
    EXPECT(t, found);
    EXPECT(t, wait_for(1));
}

/* --- time --------------------------------------------------------------------------------------- */

static void sleep_takes_its_time(struct test *t)
{
    for (uint64_t nticks = 1; nticks <= 8; nticks += 3) {
        uint64_t start = timer_ticks();
        thread_sleep_ticks(nticks);
        EXPECT(t, timer_ticks() - start >= nticks);
        EXPECT(t, timer_ticks() - start <= nticks + 5 * TIMER_HZ);
    }
}

static char order[8];
static volatile unsigned order_length;

static void sleep_and_note(void *argument)
{
    unsigned nticks = (unsigned)(uintptr_t)argument;
    thread_sleep_ticks(nticks);
    order[order_length++] = (char)('0' + nticks / 4);
    finished++;
}

/* Who sleeps less wakes first, whatever the order of creation. */
static void sleepers_wake_in_order(struct test *t)
{
    finished = order_length = 0;
    memset(order, 0, sizeof(order));
    uint32_t irq = irq_save();
    for (uintptr_t nticks = 16; nticks >= 4; nticks -= 4)
        thread_create("sleeper", sleep_and_note, (void *)nticks);
    irq_restore(irq);
    EXPECT(t, wait_for(4));
    EXPECT_STR(t, order, "1234");
}

static void time_is_monotonic(struct test *t)
{
    uint64_t last = timer_ns();
    for (unsigned i = 0; i < 20000; i++) {
        uint64_t now = timer_ns();
        EXPECT(t, now >= last);
        last = now;
    }
    uint64_t start = timer_ns(), first_tick = timer_ticks();
    thread_sleep_ticks(10);
    uint64_t ticks = timer_ticks() - first_tick, elapsed = timer_ns() - start;
    EXPECT(t, elapsed >= (ticks - 1) * 1000000000ull / TIMER_HZ);
    EXPECT(t, elapsed <= (ticks + 2) * 1000000000ull / TIMER_HZ);
}

/* --- preemption --------------------------------------------------------------------------------- */

static volatile bool stop_spinning;
static volatile unsigned spins[3];

static void spin(void *argument)
{
    unsigned self = (unsigned)(uintptr_t)argument;
    while (!stop_spinning)
        spins[self]++;
    finished++;
}

/* Loops that never yield: all of them, and this thread too, get the processor. */
static void endless_loops_are_preempted(struct test *t)
{
    struct thread_stats before, after;
    finished = 0;
    stop_spinning = false;
    memset((void *)spins, 0, sizeof(spins));
    thread_get_stats(&before);
    for (uintptr_t i = 0; i < ARRAY_SIZE(spins); i++)
        EXPECT(t, thread_create("spinner", spin, (void *)i) != NULL);
    uint64_t deadline = timer_ticks() + 10 * TIMER_HZ;
    while ((spins[0] == 0 || spins[1] == 0 || spins[2] == 0) && timer_ticks() < deadline)
        ; /* this thread does not yield either */
    stop_spinning = true;
    for (unsigned i = 0; i < ARRAY_SIZE(spins); i++)
        EXPECT(t, spins[i] > 0);
    EXPECT(t, wait_for(ARRAY_SIZE(spins)));
    thread_get_stats(&after);
    EXPECT(t, after.preemptions - before.preemptions >= 2);
}

/* Registers survive: sums computed in registers by threads that interrupt each other. */
static volatile unsigned wrong_sums;

static void sum_up(void *argument)
{
    unsigned step = (unsigned)(uintptr_t)argument, rounds = 400000, sum = 0;
    for (unsigned i = 1; i <= rounds; i++) {
        sum += i * step;
        __asm__ volatile("" : "+r"(sum), "+r"(i));
    }
    if (sum != step * (rounds / 2 * (rounds + 1)))
        wrong_sums++;
    finished++;
}

static void registers_survive_preemption(struct test *t)
{
    finished = wrong_sums = 0;
    for (uintptr_t step = 1; step <= 4; step++)
        EXPECT(t, thread_create("summer", sum_up, (void *)step) != NULL);
    EXPECT(t, wait_for(4));
    EXPECT_EQ(t, wrong_sums, 0);
}

static void yield_alternates(struct test *t)
{
    struct thread_stats before, after;
    finished = 0;
    REQUIRE(t, thread_create("worker", note_argument, NULL) != NULL);
    thread_get_stats(&before);
    for (unsigned i = 0; i < 3 && finished == 0; i++)
        thread_yield();
    EXPECT_EQ(t, finished, 1);
    thread_get_stats(&after);
    EXPECT(t, after.switches > before.switches);
}

/* --- waiting ------------------------------------------------------------------------------------ */

static struct wait_queue queue;
static volatile unsigned waiting;

static void wait_in_queue(void *argument)
{
    uint32_t irq = irq_save();
    waiting++;
    wait_queue_sleep(&queue);
    irq_restore(irq);
    order[order_length++] = (char)('a' + (uintptr_t)argument);
    finished++;
}

static void start_waiters(struct test *t, unsigned count)
{
    wait_queue_init(&queue);
    finished = waiting = order_length = 0;
    memset(order, 0, sizeof(order));
    for (uintptr_t i = 0; i < count; i++) {
        EXPECT(t, thread_create("waiter", wait_in_queue, (void *)i) != NULL);
        while (waiting <= i)
            thread_sleep_ticks(1);
    }
}

/* First come, first served. */
static void wake_one_is_fair(struct test *t)
{
    start_waiters(t, 4);
    EXPECT_EQ(t, finished, 0);
    for (unsigned i = 1; i <= 4; i++) {
        EXPECT_EQ(t, wait_queue_wake_one(&queue), 1);
        EXPECT(t, wait_for(i));
    }
    EXPECT_EQ(t, wait_queue_wake_one(&queue), 0);
    EXPECT_STR(t, order, "abcd");
}

static void wake_all_wakes_all(struct test *t)
{
    start_waiters(t, 5);
    EXPECT_EQ(t, wait_queue_wake_all(&queue), 5);
    EXPECT(t, wait_for(5));
    EXPECT_EQ(t, wait_queue_wake_all(&queue), 0);
}

static void waiting_can_time_out(struct test *t)
{
    wait_queue_init(&queue);
    uint64_t start = timer_ticks();
    uint32_t irq = irq_save();
    bool woken = wait_queue_sleep_ticks(&queue, 3);
    irq_restore(irq);
    EXPECT(t, !woken);
    EXPECT(t, timer_ticks() - start >= 3);
    EXPECT_EQ(t, wait_queue_wake_all(&queue), 0); /* it is not in the queue any more */
}

static void wake_soon(void *unused)
{
    (void)unused;
    thread_sleep_ticks(2);
    wait_queue_wake_all(&queue);
    finished++;
}

static void waking_before_the_time_is_up(struct test *t)
{
    wait_queue_init(&queue);
    finished = 0;
    REQUIRE(t, thread_create("waker", wake_soon, NULL) != NULL);
    uint32_t irq = irq_save();
    bool woken = wait_queue_sleep_ticks(&queue, 10 * TIMER_HZ);
    irq_restore(irq);
    EXPECT(t, woken);
    EXPECT(t, wait_for(1));
}

/* --- memory ------------------------------------------------------------------------------------- */

static volatile uintptr_t stack_address;

static void note_stack(void *unused)
{
    uint8_t local[512];
    (void)unused;
    memset(local, 1, sizeof(local));
    stack_address = (uintptr_t)local;
    __asm__ volatile("" ::"r"(local) : "memory");
    finished++;
}

static void stacks_have_guard_pages(struct test *t)
{
    finished = 0;
    uint32_t irq = irq_save();
    struct thread *thread = thread_create("worker", note_stack, NULL);
    REQUIRE(t, thread != NULL);
    uintptr_t bottom = (uintptr_t)thread->stack;
    EXPECT(t, vmalloc_is_guard(bottom - 1));
    EXPECT(t, vmalloc_is_guard(bottom + KERNEL_STACK_PAGES * PAGE_SIZE));
    irq_restore(irq);
    EXPECT(t, wait_for(1));
    EXPECT(t,
           stack_address > bottom && stack_address < bottom + KERNEL_STACK_PAGES * PAGE_SIZE);
}

static void out_of_memory_is_an_error(struct test *t)
{
    struct list_node held;
    uint32_t before = thread_count();
    test_hold_frames(&held, PAGE_HIGHMEM_OK, 0);
    struct thread *thread = thread_create("worker", note_argument, NULL);
    EXPECT_PTR(t, thread, NULL);
    test_give_frames_back(&held);
    EXPECT_EQ(t, thread_count(), before);
}

/* --- all allocators at once --------------------------------------------------------------------- */

enum { HAMMERS = 4, ROUNDS = 1500, HELD = 12 };

static struct slab_cache *hammer_cache;
static volatile unsigned hammer_errors;

static void *hammer_take(unsigned kind, unsigned size)
{
    switch (kind) {
    case 0: {
        struct page *page = buddy_alloc(size % 3, PAGE_TEST, PAGE_ANY);
        return page == NULL ? NULL : page_to_virt(page);
    }
    case 1:
        return slab_alloc(hammer_cache, PAGE_ANY);
    case 2:
        return kmalloc(64 + size % 6000, PAGE_ANY);
    default:
        return vmalloc(1 + size % 3, PAGE_VMALLOC);
    }
}

static void hammer_give(unsigned kind, void *memory)
{
    switch (kind) {
    case 0:
        buddy_free(virt_to_page(memory), virt_to_page(memory)->order);
        break;
    case 1:
        slab_free(hammer_cache, memory);
        break;
    case 2:
        kfree(memory);
        break;
    default:
        vfree(memory);
    }
}

/* Take, mark, and give back at random, without ever yielding. */
static void hammer(void *argument)
{
    struct test random = { .random = (uint32_t)(uintptr_t)argument };
    uint32_t *held[HELD] = { NULL };
    for (unsigned round = 0; round < ROUNDS; round++) {
        unsigned i = test_random_below(&random, HELD), kind = i % 4;
        if (held[i] != NULL) {
            hammer_errors += *held[i] != (uint32_t)(uintptr_t)held[i];
            hammer_give(kind, held[i]);
            held[i] = NULL;
        } else if ((held[i] = hammer_take(kind, test_random(&random))) != NULL) {
            *held[i] = (uint32_t)(uintptr_t)held[i];
        }
    }
    for (unsigned i = 0; i < HELD; i++) {
        if (held[i] != NULL)
            hammer_give(i % 4, held[i]);
    }
    finished++;
}

static void hammer_all_allocators(struct test *t)
{
    struct thread_stats before, after;
    hammer_cache = slab_cache_create("hammer", 200, 0, NULL, SLAB_CONSISTENCY | SLAB_REDZONE);
    REQUIRE(t, hammer_cache != NULL);
    finished = hammer_errors = 0;
    thread_get_stats(&before);
    for (uintptr_t i = 1; i <= HAMMERS; i++)
        EXPECT(t, thread_create("hammer", hammer, (void *)(i * 7919)) != NULL);
    while (finished < HAMMERS) {
        thread_sleep_ticks(3);
        EXPECT(t, memstat_check()); /* in the middle of it */
        EXPECT(t, thread_check());
    }
    thread_get_stats(&after);
    EXPECT_EQ(t, hammer_errors, 0);
    EXPECT(t, after.switches > before.switches + HAMMERS);
    EXPECT_EQ(t, slab_cache_destroy(hammer_cache), 0);
}

/* --- the end of a stack ------------------------------------------------------------------------- */

static volatile bool recursion_goes_on; /* always true; the compiler cannot know */

static unsigned recurse(unsigned depth)
{
    volatile uint8_t frame[256];
    frame[0] = (uint8_t)depth;
    return recursion_goes_on ? recurse(depth + 1) + frame[0] : depth;
}

static void overflow_stack(void *unused)
{
    (void)unused;
    finished = recurse(0);
}

/* Ends the machine with the report of a stack overflow: tests/test_detectors.py reads it. */
static void stack_overflow(struct test *t)
{
    finished = 0;
    recursion_goes_on = true;
    REQUIRE(t, thread_create("recursive", overflow_stack, NULL) != NULL);
    EXPECT(t, wait_for(1));
    EXPECT(t, false); /* not reached */
}

/* clang-format off */
const struct test_case test_cases[] = {
    TEST(a_thread_runs_and_ends),
    TEST(many_threads_cost_only_their_stacks),
    TEST(thread_exit_does_not_return),
    TEST(names_are_listed),
    TEST(sleep_takes_its_time),
    TEST(sleepers_wake_in_order),
    TEST(time_is_monotonic),
    TEST(endless_loops_are_preempted),
    TEST(registers_survive_preemption),
    TEST(yield_alternates),
    TEST(wake_one_is_fair),
    TEST(wake_all_wakes_all),
    TEST(waiting_can_time_out),
    TEST(waking_before_the_time_is_up),
    TEST(stacks_have_guard_pages),
    TEST(out_of_memory_is_an_error),
    TEST(hammer_all_allocators),
    TEST_FATAL(stack_overflow),
};
/* clang-format on */
const unsigned test_case_count = ARRAY_SIZE(test_cases);
