/* tests/kernel/test_process.c - processes from the kernel's side: families, ends, what they
 * cost, and that a failure at any allocation leaves nothing behind.
 *
 * The programs are a few instructions each, made into ELF files in /tmp by the test, so that no
 * initrd is needed and every byte they touch is known. */
#include "tests/kernel/test.h"

#include "kernel/fs/inode.h"
#include "kernel/fs/path.h"
#include "kernel/lib/elf.h"
#include "kernel/lib/errno.h"
#include "kernel/lib/format.h"
#include "kernel/proc/oom.h"
#include "kernel/proc/process.h"
#include "mm/inject.h"
#include "mm/kmap.h"
#include "mm/user_frame.h"

#define PROGRAM_BASE 0x08048000u
#define DEFAULT_FORKS 300u

/* ---- programs
 * --------------------------------------------------------------------------------- */

/* Each is position-independent and at most a page with its headers; `program_NAME` to
 * `program_NAME_end`. */
#define PROGRAM(name, text)                                        \
    extern const uint8_t program_##name[], program_##name##_end[]; \
    __asm__(".pushsection .rodata\n"                               \
            "program_" #name ":\n" text "program_" #name "_end:\n" \
            ".popsection\n")

#define SYSCALL(number) "movl $" number ", %eax\n int $0x80\n"

/* exit_group(argc) */
PROGRAM(argc, "movl (%esp), %ebx\n" SYSCALL("252"));

/* exit_group(147): 128 + SIGSTOP is an exit code, too. */
PROGRAM(exit_147, "movl $147, %ebx\n" SYSCALL("252"));

PROGRAM(pause, "1: " SYSCALL("29") "jmp 1b\n");

/* 50 children for each argument (argv[0] too), each waited for: 0, or 1 if fork fails, 2 if
 * wait does. */
PROGRAM(
    fork,
    "movl (%esp), %esi\n imull $50, %esi\n"
    "1: " SYSCALL(
        "2") "testl %eax, %eax\n js 8f\n jz 7f\n"
             "movl %eax, %edi\n movl %eax, %ebx\n xorl %ecx, %ecx\n xorl %edx, %edx\n" SYSCALL(
                 "7") "cmpl %edi, %eax\n jne 9f\n decl %esi\n jnz 1b\n"
                      "7: xorl %ebx, %ebx\n" SYSCALL("252") "8: movl $1, %ebx\n" SYSCALL(
                          "252") "9: movl $2, %ebx\n" SYSCALL("252"));

/* vfork (or fork); the child executes argv[1] with argv + 1; the status is the child's exit
 * code, or 1. */
#define SPAWN(name, number)                                                                   \
    PROGRAM(                                                                                  \
        name,                                                                                 \
        "movl %esp, %ebp\n" SYSCALL(                                                          \
            number) "testl %eax, %eax\n js 8f\n jnz 1f\n"                                     \
                    "movl 8(%ebp), %ebx\n leal 8(%ebp), %ecx\n xorl %edx, %edx\n" SYSCALL(    \
                        "11") "jmp 8f\n"                                                      \
                              "1: movl %eax, %ebx\n pushl $0\n movl %esp, %ecx\n xorl %edx, " \
                              "%edx\n" SYSCALL("7") "popl %ebx\n shrl $8, %ebx\n" SYSCALL(    \
                                  "252") "8: movl $1, %ebx\n" SYSCALL("252"))
SPAWN(spawn, "190");
SPAWN(forkexec, "2");

/* execve of itself, for ever. */
PROGRAM(again, "movl 4(%esp), %ebx\n leal 4(%esp), %ecx\n xorl %edx, %edx\n" SYSCALL(
                   "11") "movl %eax, %ebx\n negl %ebx\n" SYSCALL("252"));

/* Two children that pause, and an end without waiting for them. */
PROGRAM(orphans,
        "movl $2, %esi\n"
        "1: " SYSCALL("2") "testl %eax, %eax\n jz 2f\n decl %esi\n jnz 1b\n"
                           "xorl %ebx, %ebx\n" SYSCALL("252") "2: " SYSCALL("29") "jmp 2b\n");

/* A thread (clone with VM, FS, FILES, SIGHAND, THREAD) on a stack of its own, 1 KiB below,
 * which ends the process with 7; the first thread pauses. */
PROGRAM(thread,
        "movl $0x10F00, %ebx\n leal -1024(%esp), %ecx\n xorl %edx, %edx\n xorl %esi, %esi\n"
        "xorl %edi, %edi\n" SYSCALL(
            "120") "testl %eax, %eax\n js 8f\n jz 2f\n"
                   "1: " SYSCALL("29") "jmp 1b\n"
                                       "2: movl $7, %ebx\n" SYSCALL(
                                           "252") "8: movl $1, %ebx\n" SYSCALL("252"));

static int write_page(struct inode *inode, const void *bytes, size_t nbytes)
{
    struct page *page = pagecache_page(inode->cache, 0);

    if (!page)
        return -ENOMEM;
    pagecache_mark_dirty(page);
    uint8_t *to = kmap(page);
    memcpy(to, bytes, nbytes);
    kunmap(to);
    user_frame_put(page);
    pagecache_resize(inode->cache, nbytes);
    return 0;
}

/* The file /tmp/NAME: an ELF header, one program header, the code. */
static int make_program(const char *name, const uint8_t *code, size_t nbytes)
{
    static struct {
        struct elf32_ehdr header;
        struct elf32_phdr segment;
        uint8_t code[512];
    } file;
    struct inode *dir, *inode;
    size_t total = offsetof(typeof(file), code) + nbytes;

    file.header = (struct elf32_ehdr){
        .e_ident = { 0x7F, 'E', 'L', 'F', ELFCLASS32, ELFDATA2LSB, EV_CURRENT },
        .e_type = ET_EXEC,
        .e_machine = EM_386,
        .e_entry = PROGRAM_BASE + offsetof(typeof(file), code),
        .e_phoff = sizeof(file.header),
        .e_phentsize = sizeof(struct elf32_phdr),
        .e_phnum = 1,
    };
    file.segment = (struct elf32_phdr){
        .p_type = PT_LOAD,
        .p_vaddr = PROGRAM_BASE,
        .p_filesz = (uint32_t)total,
        .p_memsz = (uint32_t)total,
        .p_flags = PF_R | PF_X,
    };
    memcpy(file.code, code, nbytes);
    int error = path_lookup(fs_root(), "/tmp", PATH_FOLLOW, &dir);
    if (error)
        return error;
    fs_lock();
    error = dir->ops->create(dir, name, S_IFREG | 0755, 0, &inode);
    fs_unlock();
    inode_put(dir);
    if (error)
        return error;
    error = write_page(inode, &file, total);
    inode_put(inode);
    return error;
}

static void remove_program(const char *name)
{
    struct inode *dir;

    if (path_lookup(fs_root(), "/tmp", PATH_FOLLOW, &dir) != 0)
        return;
    fs_lock();
    dir->ops->unlink(dir, name);
    fs_unlock();
    inode_put(dir);
}

#define MAKE(t, name)                              \
    REQUIRE(t, make_program(#name, program_##name, \
                            (size_t)(program_##name##_end - program_##name)) == 0)

static int start(const char *path, enum process_mode mode)
{
    char copy[32];
    char *argv[] = { copy, NULL };

    strlcpy(copy, path, sizeof(copy));
    return process_start(1, argv, NULL, mode);
}

static bool find(int pid, struct process_info *info)
{
    uint32_t next = (uint32_t)pid;
    return process_next_info(&next, info) && info->pid == (uint32_t)pid;
}

static uint32_t count_processes(void)
{
    struct process_stats stats;
    process_get_stats(&stats);
    return stats.processes;
}

/* Until there are so many processes; false after two seconds. */
static bool wait_for_count(uint32_t count)
{
    for (unsigned i = 0; i < 200 && count_processes() != count; i++)
        thread_sleep_ticks(1);
    return count_processes() == count;
}

/* ---- life and death
 * --------------------------------------------------------------------------- */

static void the_exit_code_is_the_status(struct test *t)
{
    MAKE(t, argc);
    EXPECT_EQ(t, test_run_program("/tmp/argc"), 1);
    EXPECT_EQ(t, test_run_program("/tmp/argc a b c"), 4);
    MAKE(t, exit_147);
    EXPECT_EQ(t, test_run_program("/tmp/exit_147"), 147);
    remove_program("exit_147");
    EXPECT_EQ(t, test_run_program("/tmp/none"), -ENOENT);
    EXPECT_EQ(t, test_run_program("/tmp"), -EACCES);
    remove_program("argc");
}

static void a_signal_is_the_status(struct test *t)
{
    MAKE(t, pause);
    int pid = start("/tmp/pause", PROCESS_FOREGROUND);
    REQUIRE(t, pid > 0);
    EXPECT_EQ(t, process_foreground(), pid);
    EXPECT_EQ(t, process_kill((uint32_t)pid, SIGNAL_COUNT + 1), -EINVAL);
    EXPECT_EQ(t, process_kill((uint32_t)pid, 0), 0);
    EXPECT_EQ(t, process_kill((uint32_t)pid, SIGTERM), 0);
    EXPECT_EQ(t, process_wait((uint32_t)pid), STATUS_SIGNALLED + SIGTERM);
    EXPECT_EQ(t, process_foreground(), 0);
    EXPECT_EQ(t, process_wait((uint32_t)pid), -ESRCH);
    EXPECT_EQ(t, process_kill((uint32_t)pid, SIGTERM), -ESRCH);
    remove_program("pause");
}

static void a_process_is_seen(struct test *t)
{
    struct process_info info;
    MAKE(t, pause);
    int pid = start("/tmp/pause", PROCESS_BACKGROUND);
    REQUIRE(t, pid > 0);
    thread_sleep_ticks(3);
    REQUIRE(t, find(pid, &info));
    EXPECT_STR(t, info.name, "pause");
    EXPECT_EQ(t, info.ppid, 1);
    EXPECT_EQ(t, info.pgid, pid);
    EXPECT_EQ(t, info.sid, pid);
    EXPECT_EQ(t, info.threads, 1);
    EXPECT_EQ(t, info.state_letter, 'S');
    EXPECT(t, info.background);
    EXPECT(t, info.user_eip > PROGRAM_BASE && info.user_eip < PROGRAM_BASE + PAGE_SIZE);
    /* One page of code, one of stack: nothing else has been touched. */
    EXPECT_EQ(t, info.resident, 2);
    EXPECT_EQ(t, process_kill((uint32_t)pid, SIGKILL), 0);
    EXPECT(t, wait_for_count(0));
    remove_program("pause");
}

/* Whoever waits for a program that stops is not kept waiting. */
static void a_stopped_program_goes_to_the_background(struct test *t)
{
    struct process_info info;
    MAKE(t, pause);
    int pid = start("/tmp/pause", PROCESS_FOREGROUND);
    REQUIRE(t, pid > 0);
    thread_sleep_ticks(2);
    process_kill((uint32_t)pid, SIGSTOP);
    EXPECT_EQ(t, process_wait((uint32_t)pid), STATUS_STOPPED + SIGSTOP);
    EXPECT_EQ(t, process_foreground(), 0);
    EXPECT(t, find(pid, &info));
    EXPECT_EQ(t, info.state_letter, 'T');
    process_kill((uint32_t)pid, SIGCONT);
    thread_sleep_ticks(2);
    EXPECT(t, find(pid, &info));
    EXPECT_EQ(t, info.state_letter, 'S');
    process_kill((uint32_t)pid, SIGKILL);
    EXPECT(t, wait_for_count(0));
    remove_program("pause");
}

/* ---- fork, exec, threads
 * ---------------------------------------------------------------------- */

/* forks=10000 as a kernel parameter for a long run. */
static void forks_leave_nothing_behind(struct test *t)
{
    uint32_t forks = test_parameter("forks", DEFAULT_FORKS);
    MAKE(t, fork);
    for (uint32_t done = 0; done < forks; done += 50)
        EXPECT_EQ(t, test_run_program("/tmp/fork"), 0);
    EXPECT_EQ(t, count_processes(), 0);
    remove_program("fork");
}

static void vfork_and_exec(struct test *t)
{
    MAKE(t, argc);
    MAKE(t, spawn);
    EXPECT_EQ(t, test_run_program("/tmp/spawn /tmp/argc x y"), 3);
    EXPECT_EQ(t, test_run_program("/tmp/spawn /tmp/none"), 1);
    remove_program("argc");
    remove_program("spawn");
}

static void orphans_belong_to_the_kernel(struct test *t)
{
    struct process_info info;
    MAKE(t, orphans);
    EXPECT_EQ(t, test_run_program("/tmp/orphans"), 0);
    EXPECT_EQ(t, count_processes(), 2);
    for (uint32_t pid = 0; process_next_info(&pid, &info); pid++) {
        EXPECT_EQ(t, info.ppid, 1);
        process_kill(info.pid, SIGKILL);
    }
    EXPECT(t, wait_for_count(0));
    remove_program("orphans");
}

static void any_thread_ends_the_process(struct test *t)
{
    MAKE(t, thread);
    for (unsigned i = 0; i < 10; i++)
        EXPECT_EQ(t, test_run_program("/tmp/thread"), 7);
    remove_program("thread");
}

/* Wherever in exec it is hit, nothing of the two programs stays. */
static void a_kill_in_the_middle_of_exec(struct test *t)
{
    MAKE(t, again);
    for (unsigned i = 0; i < 20; i++) {
        int pid = start("/tmp/again", PROCESS_FOREGROUND);
        REQUIRE(t, pid > 0);
        thread_sleep_ticks(1 + i % 3);
        EXPECT_EQ(t, process_kill((uint32_t)pid, SIGKILL), 0);
        EXPECT_EQ(t, process_wait((uint32_t)pid), STATUS_SIGNALLED + SIGKILL);
    }
    remove_program("again");
}

/* ---- no memory
 * -------------------------------------------------------------------------------- */

/* Let the N-th allocation fail for N = 1, 2 ... until the program does not need so many.  What
 * does not come back is found by the framework, at the end of the case. */
static void fail_at_every_allocation(struct test *t, const char *program, int expected)
{
    struct inject_rule rule = { .what = INJECT_PAGE | INJECT_SLAB, .mode = INJECT_NTH };
    struct inject_stats stats;

    for (rule.n = 1;; rule.n++) {
        inject_set(&rule);
        int status = test_run_program(program);
        inject_get_stats(&stats);
        inject_set(&(struct inject_rule){ .what = 0 });
        bool known = status == expected || status == -ENOMEM || status == 1 || status == 2 ||
                     status == STATUS_SIGNALLED + SIGKILL ||
                     status == STATUS_SIGNALLED + SIGSEGV;
        if (!known)
            EXPECT_EQ(t, status, expected);
        EXPECT(t, process_check());
        EXPECT(t, wait_for_count(0));
        if (stats.failed == 0)
            break;
    }
    EXPECT(t, rule.n > 10);
}

static void starting_fails_cleanly_everywhere(struct test *t)
{
    MAKE(t, argc);
    fail_at_every_allocation(t, "/tmp/argc", 1);
    remove_program("argc");
}

static void vfork_and_exec_fail_cleanly_everywhere(struct test *t)
{
    MAKE(t, argc);
    MAKE(t, spawn);
    fail_at_every_allocation(t, "/tmp/spawn /tmp/argc", 1);
    remove_program("argc");
    remove_program("spawn");
}

static void fork_and_exec_fail_cleanly_everywhere(struct test *t)
{
    MAKE(t, argc);
    MAKE(t, forkexec);
    fail_at_every_allocation(t, "/tmp/forkexec /tmp/argc", 1);
    remove_program("argc");
    remove_program("forkexec");
}

static void threads_fail_cleanly_everywhere(struct test *t)
{
    MAKE(t, thread);
    fail_at_every_allocation(t, "/tmp/thread", 7);
    remove_program("thread");
}

static void the_killer_chooses_by_score(struct test *t)
{
    MAKE(t, pause);
    EXPECT_EQ(t, oom_kill_now(), -ESRCH);
    int first = start("/tmp/pause", PROCESS_FOREGROUND);
    REQUIRE(t, first > 0);
    EXPECT_EQ(t, oom_kill_now(), first);
    EXPECT_EQ(t, process_wait((uint32_t)first), STATUS_SIGNALLED + SIGKILL);
    remove_program("pause");
}

/* clang-format off */
const struct test_case test_cases[] = {
    TEST(the_exit_code_is_the_status),
    TEST(a_signal_is_the_status),
    TEST(a_process_is_seen),
    TEST(a_stopped_program_goes_to_the_background),
    TEST(forks_leave_nothing_behind),
    TEST(vfork_and_exec),
    TEST(orphans_belong_to_the_kernel),
    TEST(any_thread_ends_the_process),
    TEST(a_kill_in_the_middle_of_exec),
    TEST(starting_fails_cleanly_everywhere),
    TEST(vfork_and_exec_fail_cleanly_everywhere),
    TEST(fork_and_exec_fail_cleanly_everywhere),
    TEST(threads_fail_cleanly_everywhere),
    TEST(the_killer_chooses_by_score),
};
/* clang-format on */
const unsigned test_case_count = ARRAY_SIZE(test_cases);
