/* tests/kernel/test_syscall.c - programs in ring 3, seen from the kernel: their status, what they cost,
 * and that nothing of them stays.  What each system call does is compared with Linux by
 * tests/test_programs.py. */
#include "tests/kernel/test.h"

#include "kernel/fs/path.h"
#include "kernel/lib/errno.h"
#include "kernel/proc/process.h"
#include "kernel/sched/thread.h"
#include "kernel/syscall/syscall.h"
#include "mm/buddy.h"

#define SIGNALLED STATUS_SIGNALLED

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

static void hello_ends_with_status_0(struct test *t)
{
    NEED_PROGRAMS(t);
    EXPECT_EQ(t, test_run_program("hello"), 0);
    EXPECT_EQ(t, test_run_program("bin/hello"), 0);
}

static void unknown_programs_are_refused(struct test *t)
{
    EXPECT_EQ(t, test_run_program("no-such-program"), -ENOENT);
    EXPECT_EQ(t, test_run_program("./bin"), -EACCES); /* a directory */
    EXPECT_EQ(t, process_wait(99999), -ESRCH);
    EXPECT_EQ(t, process_kill(99999, SIGKILL), -ESRCH);
}

/* Not one frame and not one object more after ten of them (the framework compares). */
static void programs_leave_nothing_behind(struct test *t)
{
    NEED_PROGRAMS(t);
    for (unsigned i = 0; i < 10; i++)
        EXPECT_EQ(t, test_run_program("hello"), 0);
}

static void pids_are_not_reused_at_once(struct test *t)
{
    NEED_PROGRAMS(t);
    char *argv[] = { "hello", NULL };
    int first = process_start(1, argv, NULL, PROCESS_FOREGROUND);
    REQUIRE(t, first > 0);
    EXPECT_EQ(t, process_wait((uint32_t)first), 0);
    int second = process_start(1, argv, NULL, PROCESS_FOREGROUND);
    REQUIRE(t, second > 0);
    EXPECT(t, second != first);
    EXPECT_EQ(t, process_wait((uint32_t)second), 0);
}

/* A loop in ring 3 cannot keep the processor, and dies when it is told to. */
static void a_spinning_program_is_killed(struct test *t)
{
    NEED_PROGRAMS(t);
    char *argv[] = { "spin", NULL };
    int pid = process_start(1, argv, NULL, PROCESS_FOREGROUND);
    REQUIRE(t, pid > 0);
    thread_sleep_ticks(5);
    struct process_info info;
    uint32_t next = (uint32_t)pid;
    REQUIRE(t, process_next_info(&next, &info));
    EXPECT_EQ(t, info.pid, pid);
    EXPECT_STR(t, info.name, "spin");
    EXPECT(t, info.ticks > 0);
    EXPECT(t, info.resident > 0);
    EXPECT_EQ(t, process_kill((uint32_t)pid, 77777), -EINVAL);
    EXPECT_EQ(t, process_kill((uint32_t)pid, SIGTERM), 0);
    EXPECT_EQ(t, process_wait((uint32_t)pid), SIGNALLED + SIGTERM);
    EXPECT_EQ(t, process_wait((uint32_t)pid), -ESRCH);
}

/* One that sleeps in a system call is woken by the signal. */
static void a_sleeping_program_is_killed(struct test *t)
{
    NEED_PROGRAMS(t);
    char *argv[] = { "count", NULL };
    int pid = process_start(1, argv, NULL, PROCESS_FOREGROUND);
    REQUIRE(t, pid > 0);
    thread_sleep_ticks(10);
    EXPECT_EQ(t, process_kill((uint32_t)pid, SIGKILL), 0);
    EXPECT_EQ(t, process_wait((uint32_t)pid), SIGNALLED + SIGKILL);
}

static void background_programs_are_reaped(struct test *t)
{
    NEED_PROGRAMS(t);
    char *argv[] = { "hello", NULL };
    int pid = process_start(1, argv, NULL, PROCESS_BACKGROUND);
    REQUIRE(t, pid > 0);
    struct process_info info;
    uint32_t next = (uint32_t)pid;
    for (unsigned i = 0; i < 200; i++) {
        thread_sleep_ticks(1);
        next = (uint32_t)pid;
        if (!process_next_info(&next, &info) || info.pid != (uint32_t)pid)
            break;
    }
    EXPECT(t, !process_next_info(&next, &info) || info.pid != (uint32_t)pid);
}

static void several_programs_at_once(struct test *t)
{
    enum { PROGRAMS = 5 };
    NEED_PROGRAMS(t);
    char *argv[] = { "spin", NULL };
    int pids[PROGRAMS];
    for (unsigned i = 0; i < PROGRAMS; i++)
        pids[i] = process_start(1, argv, NULL, PROCESS_FOREGROUND);
    thread_sleep_ticks(20);
    for (unsigned i = 0; i < PROGRAMS; i++) {
        REQUIRE(t, pids[i] > 0);
        EXPECT_EQ(t, process_kill((uint32_t)pids[i], SIGKILL), 0);
        EXPECT_EQ(t, process_wait((uint32_t)pids[i]), SIGNALLED + SIGKILL);
    }
}

/* Arguments that cannot fit are an error, not a truncation. */
static void too_many_arguments_are_refused(struct test *t)
{
    static char large[8192];
    static char *argv[600];
    NEED_PROGRAMS(t);
    memset(large, 'x', sizeof(large) - 1);
    argv[0] = "hello";
    for (unsigned i = 1; i < ARRAY_SIZE(argv); i++)
        argv[i] = large;
    EXPECT_EQ(t, process_start(ARRAY_SIZE(argv), argv, NULL, PROCESS_FOREGROUND), -E2BIG);
}

/* Starting fails cleanly when there are hardly any frames, at every possible point. */
static void starting_without_memory_fails_cleanly(struct test *t)
{
    NEED_PROGRAMS(t);
    char *argv[] = { "hello", NULL };
    unsigned started = 0;
    /* Slabs are made of more frames with slab_debug=. */
    for (unsigned left = 0; left < 24 || (started == 0 && left < 96); left++) {
        struct list_node held;
        test_hold_frames(&held, PAGE_HIGHMEM_OK, left);
        int pid = process_start(1, argv, NULL, PROCESS_FOREGROUND);
        EXPECT(t, pid > 0 || pid == -ENOMEM);
        if (pid > 0) {
            int status = process_wait((uint32_t)pid);
            EXPECT(t, status == 0 || status == SIGNALLED + SIGKILL ||
                          status == SIGNALLED + SIGSEGV || status == SIGNALLED + SIGBUS);
            started++;
        }
        test_give_frames_back(&held);
    }
    EXPECT(t, started > 0);
}

static void the_table_of_calls_is_readable(struct test *t)
{
    const struct syscall_entry *entry;
    unsigned count = 0;
    uint64_t calls;
    bool has_brk = false;
    for (unsigned number = 0; syscall_next(&number, &entry, &calls); number++) {
        EXPECT(t, strlen(entry->name) > 0);
        EXPECT_EQ(t, entry->number, number);
        EXPECT(t, entry->function != NULL);
        has_brk |= number == 45 && strcmp(entry->name, "brk") == 0;
        count++;
    }
    EXPECT(t, count >= 100);
    EXPECT(t, has_brk);
}

static uint64_t count_calls(void)
{
    const struct syscall_entry *entry;
    uint64_t calls, sum = 0;
    for (unsigned number = 0; syscall_next(&number, &entry, &calls); number++)
        sum += calls;
    return sum;
}

static void calls_are_counted(struct test *t)
{
    NEED_PROGRAMS(t);
    uint64_t before = count_calls();
    EXPECT_EQ(t, test_run_program("hello"), 0);
    EXPECT(t, count_calls() - before >= 2); /* at least a write and the exit */
}

/* clang-format off */
const struct test_case test_cases[] = {
    TEST(hello_ends_with_status_0),
    TEST(unknown_programs_are_refused),
    TEST(programs_leave_nothing_behind),
    TEST(pids_are_not_reused_at_once),
    TEST(a_spinning_program_is_killed),
    TEST(a_sleeping_program_is_killed),
    TEST(background_programs_are_reaped),
    TEST(several_programs_at_once),
    TEST(too_many_arguments_are_refused),
    TEST(starting_without_memory_fails_cleanly),
    TEST(the_table_of_calls_is_readable),
    TEST(calls_are_counted),
};
/* clang-format on */
const unsigned test_case_count = ARRAY_SIZE(test_cases);
