/* tests/kernel/test_signal.c - signals, alarms and clocks, seen from the kernel.  What programs see of
 * them is compared with Linux by the programs in tests/abi. */
#include "tests/kernel/test.h"

#include "kernel/cpu/cpu.h"
#include "kernel/cpu/timer.h"
#include "kernel/dev/rtc.h"
#include "kernel/fs/path.h"
#include "kernel/lib/errno.h"
#include "kernel/proc/itimer.h"
#include "kernel/proc/loadavg.h"
#include "kernel/proc/process.h"
#include "kernel/proc/timespec.h"

#define SIGNALLED STATUS_SIGNALLED
#define MOMENT 5u /* ticks: every ready thread has had its turn */
#define SI_QUEUE (-1)

static bool have_programs(void)
{
    struct inode *inode;
    if (path_lookup(fs_root(), "/bin/hello", PATH_FOLLOW, &inode) != 0)
        return false;
    inode_put(inode);
    return true;
}

#define NEED_PROGRAMS(t)                      \
    do {                                      \
        if (!have_programs())                 \
            SKIP(t, "booted without initrd"); \
    } while (0)

/* A program that runs until it is killed; its pid, or 0. */
static uint32_t start_spinning(void)
{
    char *argv[] = { "spin", NULL };
    int pid = process_start(1, argv, NULL, PROCESS_FOREGROUND);

    thread_sleep_ticks(MOMENT);
    return pid > 0 ? (uint32_t)pid : 0;
}

static uint64_t ticks_of(uint32_t pid)
{
    struct process_info info = { 0 };
    return process_next_info(&pid, &info) ? info.ticks : 0;
}

/* For process_with(). */
static void send_quietly(struct process *process, void *context)
{
    signal_send(process, context);
}

static uint32_t queued(void)
{
    struct signal_stats stats;
    signal_get_stats(&stats);
    return stats.queued;
}

static void names(struct test *t)
{
    EXPECT_STR(t, signal_name(SIGKILL), "SIGKILL");
    EXPECT_STR(t, signal_name(SIGSYS), "SIGSYS");
    EXPECT_STR(t, signal_name(SIGNAL_FIRST_REALTIME), "SIGRT0");
    EXPECT_STR(t, signal_name(SIGNAL_COUNT), "SIGRT32");
    EXPECT_STR(t, signal_name(0), "?");
    EXPECT_STR(t, signal_name(SIGNAL_COUNT + 1), "?");
}

static void what_is_ignored_is_dropped(struct test *t)
{
    static const int ignored[] = { SIGCHLD, SIGURG, SIGWINCH, SIGCONT };

    NEED_PROGRAMS(t);
    uint32_t before = queued(), pid = start_spinning();
    REQUIRE(t, pid);
    for (unsigned i = 0; i < ARRAY_SIZE(ignored); i++)
        EXPECT_EQ(t, process_kill(pid, ignored[i]), 0);
    EXPECT_EQ(t, queued(), before);
    uint64_t ticks = ticks_of(pid);
    thread_sleep_ticks(MOMENT);
    EXPECT(t, ticks_of(pid) > ticks);
    EXPECT_EQ(t, process_kill(pid, SIGTERM), 0);
    EXPECT_EQ(t, process_wait(pid), SIGNALLED + SIGTERM);
}

/* A stopped program gets no time; SIGCONT gives it some again. */
static void stop_and_continue(struct test *t)
{
    NEED_PROGRAMS(t);
    uint32_t pid = start_spinning();
    REQUIRE(t, pid);
    process_kill(pid, SIGSTOP);
    thread_sleep_ticks(MOMENT);
    uint64_t ticks = ticks_of(pid);
    thread_sleep_ticks(MOMENT);
    EXPECT_EQ(t, ticks_of(pid), ticks);
    process_kill(pid, SIGCONT);
    thread_sleep_ticks(MOMENT);
    EXPECT(t, ticks_of(pid) > ticks);
    process_kill(pid, SIGKILL);
    EXPECT_EQ(t, process_wait(pid), SIGNALLED + SIGKILL);
}

/* The kernel's shell can let its programs go on: their groups are no orphans. */
static void a_key_stops_a_program(struct test *t)
{
    NEED_PROGRAMS(t);
    uint32_t pid = start_spinning();
    REQUIRE(t, pid);
    process_kill(pid, SIGTSTP);
    EXPECT_EQ(t, process_wait(pid), STATUS_STOPPED + SIGTSTP);
    uint64_t ticks = ticks_of(pid);
    thread_sleep_ticks(MOMENT);
    EXPECT_EQ(t, ticks_of(pid), ticks);
    EXPECT_EQ(t, process_resume(pid), 0);
    thread_sleep_ticks(MOMENT);
    EXPECT(t, ticks_of(pid) > ticks);
    process_kill(pid, SIGKILL);
    EXPECT_EQ(t, process_wait(pid), SIGNALLED + SIGKILL);
}

/* Everything that is pending for a stopped program goes with it. */
static void queues_are_bounded_and_freed(struct test *t)
{
    NEED_PROGRAMS(t);
    struct signal_info usual = { .signal = SIGUSR1 };
    struct signal_info real_time = { .signal = SIGNAL_COUNT, .code = SI_QUEUE };
    uint32_t before = queued(), pid = start_spinning();
    REQUIRE(t, pid);
    process_kill(pid, SIGSTOP);
    thread_sleep_ticks(MOMENT);
    EXPECT_EQ(t, process_with(pid, send_quietly, &usual), 0);
    EXPECT_EQ(t, process_with(pid, send_quietly, &usual), 0);
    EXPECT_EQ(t, queued(), before + 1); /* the second one is the first one */
    for (unsigned i = 0; i < 2000; i++)
        process_with(pid, send_quietly, &real_time);
    EXPECT(t, queued() > before + 1000 && queued() < before + 2000);
    process_kill(pid, SIGKILL);
    EXPECT_EQ(t, process_wait(pid) >= SIGNALLED, true);
    thread_sleep_ticks(MOMENT);
    EXPECT_EQ(t, queued(), before);
}

static void set_alarm(struct process *process, void *context)
{
    const uint64_t *delay = context;
    itimer_set(process, ITIMER_REAL, *delay, 0);
}

static void an_alarm_ends_a_program(struct test *t)
{
    NEED_PROGRAMS(t);
    uint64_t delay = 5 * NS_PER_TICK, began = timer_ns();
    uint32_t pid = start_spinning();
    REQUIRE(t, pid);
    EXPECT_EQ(t, process_with(pid, set_alarm, &delay), 0);
    EXPECT_EQ(t, process_wait(pid), SIGNALLED + SIGALRM);
    EXPECT(t, timer_ns() - began >= delay);
}

/* One that is armed when its process ends must not be left in the list. */
static void an_alarm_ends_with_its_process(struct test *t)
{
    NEED_PROGRAMS(t);
    uint64_t delay = 3 * NS_PER_TICK;
    uint32_t pid = start_spinning();
    REQUIRE(t, pid);
    process_with(pid, set_alarm, &delay);
    process_kill(pid, SIGKILL);
    EXPECT_EQ(t, process_wait(pid), SIGNALLED + SIGKILL);
    thread_sleep_ticks(2 * MOMENT);
}

static void load_follows_what_runs(struct test *t)
{
    NEED_PROGRAMS(t);
    uint32_t before[3], after[3], pid = start_spinning();
    REQUIRE(t, pid);
    loadavg_get(before);
    for (unsigned i = 0; i < 12; i++) /* a minute */
        loadavg_sample();
    loadavg_get(after);
    EXPECT(t, after[0] > before[0] && after[0] > after[1] && after[1] > after[2]);
    EXPECT(t, after[0] < 1u << LOADAVG_SHIFT);
    process_kill(pid, SIGKILL);
    EXPECT_EQ(t, process_wait(pid), SIGNALLED + SIGKILL);
}

static void the_clock_goes_on(struct test *t)
{
    const uint64_t year_2020 = 1577836800ull * NS_PER_SECOND;
    uint64_t before = rtc_now_ns();

    thread_sleep_ticks(2);
    uint64_t now = rtc_now_ns();
    EXPECT(t, now > year_2020);
    EXPECT(t, now >= before + 2 * NS_PER_TICK);
    rtc_set_ns(year_2020);
    EXPECT(t, rtc_now_ns() - year_2020 < NS_PER_SECOND);
    rtc_set_ns(now);
}

static void a_sleep_ends_at_its_deadline(struct test *t)
{
    uint64_t deadline = timer_ns() + 3 * NS_PER_TICK;
    uint32_t irq = irq_save();
    enum sleep_end end;

    EXPECT_EQ(t, sleep_until(NULL, 0), SLEEP_TIMED_OUT);
    while ((end = sleep_until(NULL, deadline)) == SLEEP_WOKEN)
        ;
    irq_restore(irq);
    EXPECT_EQ(t, end, SLEEP_TIMED_OUT);
    EXPECT(t, timer_ns() >= deadline && timer_ns() < deadline + 3 * NS_PER_TICK);
    EXPECT_EQ(t, time_after(5, NEVER), NEVER);
    EXPECT_EQ(t, time_after(5, 6), 11);
}

const struct test_case test_cases[] = {
    TEST(names),
    TEST(what_is_ignored_is_dropped),
    TEST(stop_and_continue),
    TEST(a_key_stops_a_program),
    TEST(queues_are_bounded_and_freed),
    TEST(an_alarm_ends_a_program),
    TEST(an_alarm_ends_with_its_process),
    TEST(load_follows_what_runs),
    TEST(the_clock_goes_on),
    TEST(a_sleep_ends_at_its_deadline),
};
const unsigned test_case_count = ARRAY_SIZE(test_cases);
