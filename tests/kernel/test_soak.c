/* tests/kernel/test_soak.c - every allocator and the address spaces for a long time, while requests
 * fail at random (mm/inject.h), with the validators in between and not one frame missing at the end.
 * Kernel parameters: soak_seed=N, soak_steps=N; tests/test_soak.py chooses them. */
#include "kernel/cpu/timer.h"
#include "kernel/dev/console.h"
#include "mm/inject.h"
#include "mm/memstat.h"
#include "tests/kernel/mix.h"

enum { WORKERS = 3, STEPS = 3000, STEPS_BETWEEN_CHECKS = 1000, ONE_IN = 20 };

static struct mix_world world;
static struct mix_worker workers[WORKERS];

static void soak_with_failures(struct test *t)
{
    uint32_t seed = test_parameter("soak_seed", 1), steps = test_parameter("soak_steps", STEPS);
    struct inject_rule rule = {
        .what = INJECT_PAGE | INJECT_SLAB, .mode = INJECT_RANDOM, .n = ONE_IN, .seed = seed
    };
    struct inject_stats stats;

    REQUIRE(t, mix_begin(&world));
    for (uint32_t i = 0; i < WORKERS; i++)
        mix_worker_init(&workers[i], &world, seed * WORKERS + i);
    uint64_t start = timer_ns();
    inject_set(&rule);
    for (uint32_t step = 0; step < steps && t->failures == 0; step++) {
        mix_step(&workers[step % WORKERS]);
        if (step % STEPS_BETWEEN_CHECKS == 0)
            EXPECT(t, memstat_check());
    }
    inject_get_stats(&stats);
    inject_set(&(struct inject_rule){ 0 });
    for (unsigned i = 0; i < WORKERS; i++)
        mix_worker_end(&workers[i]);
    mix_end(t, &world);
    EXPECT(t, stats.failed > steps / 200);
    console_printf("# soak: %u steps in %llu ns, %u of %u requests failed\n", steps,
                   timer_ns() - start, stats.failed, stats.candidates);
}

/* clang-format off */
const struct test_case test_cases[] = {
    TEST(soak_with_failures),
};
/* clang-format on */
const unsigned test_case_count = ARRAY_SIZE(test_cases);
