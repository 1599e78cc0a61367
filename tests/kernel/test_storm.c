/* tests/kernel/test_storm.c - all allocators at once, by threads that are switched wherever it is
 * possible.  In a kernel made with STRESS=1 every unlock that turns interrupts on again switches to
 * the next thread, so that each critical section is followed by everybody else's; tests/test_soak.py
 * runs that one with the clock at its fastest, too (storm_steps=N: operations of each thread). */
#include "kernel/cpu/spinlock.h"
#include "kernel/dev/console.h"
#include "kernel/sched/thread.h"
#include "mm/memstat.h"
#include "tests/kernel/mix.h"

enum { THREADS = 5, STEPS = 300 };

static struct mix_world world;
static struct mix_worker workers[THREADS];
static volatile unsigned finished;

static void work(void *worker)
{
    uint32_t steps = test_parameter("storm_steps", STEPS);

    for (uint32_t step = 0; step < steps; step++)
        mix_step(worker);
    finished++;
}

/* In the middle of it the validators see whole states only: they take the locks, too. */
static void wait_and_validate(struct test *t)
{
    while (finished < THREADS) {
        thread_sleep_ticks(2);
        EXPECT(t, memstat_check());
        EXPECT(t, thread_check());
    }
}

static void every_allocator_at_once(struct test *t)
{
    struct thread_stats before, after;

    REQUIRE(t, mix_begin(&world));
    finished = 0;
    thread_get_stats(&before);
    spin_stress(thread_yield);
    for (uint32_t i = 0; i < THREADS; i++) {
        mix_worker_init(&workers[i], &world, i + 1);
        EXPECT(t, thread_create("storm", work, &workers[i]) != NULL);
    }
    wait_and_validate(t);
    spin_stress(NULL);
    thread_get_stats(&after);
    for (unsigned i = 0; i < THREADS; i++)
        mix_worker_end(&workers[i]);
    mix_end(t, &world);
    EXPECT(t, after.switches - before.switches >= THREADS);
    console_printf("# storm: %llu switches\n", after.switches - before.switches);
}

/* clang-format off */
const struct test_case test_cases[] = {
    TEST(every_allocator_at_once),
};
/* clang-format on */
const unsigned test_case_count = ARRAY_SIZE(test_cases);
