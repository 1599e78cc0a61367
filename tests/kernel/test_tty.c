/* tests/kernel/test_tty.c - the terminal: bytes are put in where the keyboard would. */
#include "tests/kernel/test.h"

#include "kernel/dev/console.h"
#include "kernel/fs/path.h"
#include "kernel/lib/errno.h"
#include "kernel/proc/process.h"
#include "kernel/proc/tty.h"
#include "kernel/proc/tty_internal.h"

#define CTRL(letter) ((letter)&0x1F)
#define MOMENT 5u /* ticks */

static bool have_programs(void)
{
    struct inode *inode;
    if (path_lookup(fs_root(), "/bin/cat", PATH_FOLLOW, &inode) != 0)
        return false;
    inode_put(inode);
    return true;
}

#define NEED_PROGRAMS(t)                      \
    do {                                      \
        if (!have_programs())                 \
            SKIP(t, "booted without initrd"); \
    } while (0)

static void type(const char *keys)
{
    while (*keys)
        console_input((uint8_t)*keys++);
}

/* A program that reads its terminal to the end. */
static uint32_t start_cat(void)
{
    char *argv[] = { "cat", NULL };
    int pid = process_start(1, argv, NULL, PROCESS_FOREGROUND);

    thread_sleep_ticks(MOMENT);
    return pid > 0 ? (uint32_t)pid : 0;
}

static void expect_input(struct test *t, const char *bytes)
{
    for (; *bytes; bytes++)
        EXPECT_EQ(t, tty_read_byte_ticks(1), *bytes);
    EXPECT_EQ(t, tty_read_byte_ticks(1), -1);
}

static void the_shell_gets_raw_bytes(struct test *t)
{
    type("a\r\b\x7f\x04\x03");
    expect_input(t, "a\r\b\x7f\x04\x03");
}

static void a_sleep_keeps_the_keys(struct test *t)
{
    type("kept");
    EXPECT_EQ(t, tty_sleep_ticks(1), 0);
    expect_input(t, "kept");
}

static void ctrl_d_is_the_end_of_file(struct test *t)
{
    NEED_PROGRAMS(t);
    uint32_t pid = start_cat();
    REQUIRE(t, pid);
    type("line\r\x04");
    EXPECT_EQ(t, process_wait(pid), 0);
    expect_input(t, "");
}

/* Type-ahead that the program has not read goes to the shell, as it was typed. */
static void what_is_not_read_is_kept(struct test *t)
{
    NEED_PROGRAMS(t);
    uint32_t pid = start_cat();
    REQUIRE(t, pid);
    type("line\r\x04rest\r");
    EXPECT_EQ(t, process_wait(pid), 0);
    expect_input(t, "rest\r");
}

static void half_a_line_is_dropped(struct test *t)
{
    NEED_PROGRAMS(t);
    uint32_t pid = start_cat();
    REQUIRE(t, pid);
    type("half");
    thread_sleep_ticks(MOMENT);
    process_kill(pid, SIGKILL);
    EXPECT_EQ(t, process_wait(pid), STATUS_SIGNALLED + SIGKILL);
    expect_input(t, "");
    console_write("\n", 1); /* the result is to be a line of its own */
}

static void keys_are_signals(struct test *t)
{
    static const struct {
        const char *keys;
        int signal;
    } rows[] = { { "\x03", SIGINT }, { "\x1c", SIGQUIT }, { "abc\r\x03", SIGINT } };

    NEED_PROGRAMS(t);
    for (unsigned i = 0; i < ARRAY_SIZE(rows); i++) {
        uint32_t pid = start_cat();
        REQUIRE(t, pid);
        type(rows[i].keys);
        EXPECT_EQ(t, process_wait(pid), STATUS_SIGNALLED + rows[i].signal);
        expect_input(t, "");
    }
}

/* And process_resume() lets it go on, with the terminal. */
static void ctrl_z_stops(struct test *t)
{
    NEED_PROGRAMS(t);
    uint32_t pid = start_cat();
    REQUIRE(t, pid);
    console_input(CTRL('Z'));
    EXPECT_EQ(t, process_wait(pid), STATUS_STOPPED + SIGTSTP);
    EXPECT_EQ(t, process_foreground(), 0);
    EXPECT_EQ(t, process_resume(pid), 0);
    EXPECT_EQ(t, process_foreground(), pid);
    EXPECT_EQ(t, process_resume(pid), -ESRCH); /* it has the terminal already */
    type("\x04");
    EXPECT_EQ(t, process_wait(pid), 0);
    EXPECT_EQ(t, process_resume(pid), -ESRCH);
}

static bool is_raw(void)
{
    return !tty_has(ICANON | ECHO);
}

/* What runs next in the line, without the shell's having read a key, finds the terminal as it was. */
static void the_settings_of_a_job_are_its_own(struct test *t)
{
    NEED_PROGRAMS(t);
    uint32_t pid = start_cat();
    REQUIRE(t, pid);
    tty_settings.termios.lflag &= ~(ICANON | ECHO);
    console_input(CTRL('Z'));
    EXPECT_EQ(t, process_wait(pid), STATUS_STOPPED + SIGTSTP);
    EXPECT(t, !is_raw());
    EXPECT_EQ(t, process_resume(pid), 0);
    EXPECT(t, is_raw());
    EXPECT_EQ(t, process_kill(pid, SIGKILL), 0);
    EXPECT_EQ(t, process_wait(pid), STATUS_SIGNALLED + SIGKILL);
    EXPECT(t, !is_raw());
}

/* Ctrl-D, Ctrl-C behind erased text: the editing is done before the end is seen. */
static void erased_text_is_not_there(struct test *t)
{
    NEED_PROGRAMS(t);
    uint32_t pid = start_cat();
    REQUIRE(t, pid);
    type("word other\x17\x7f\x15\x04"); /* word, character, line: the line is empty again */
    EXPECT_EQ(t, process_wait(pid), 0);
    console_write("\n", 1);
}

const struct test_case test_cases[] = {
    TEST(the_shell_gets_raw_bytes),
    TEST(a_sleep_keeps_the_keys),
    TEST(ctrl_d_is_the_end_of_file),
    TEST(what_is_not_read_is_kept),
    TEST(half_a_line_is_dropped),
    TEST(keys_are_signals),
    TEST(ctrl_z_stops),
    TEST(the_settings_of_a_job_are_its_own),
    TEST(erased_text_is_not_there),
};
const unsigned test_case_count = ARRAY_SIZE(test_cases);
