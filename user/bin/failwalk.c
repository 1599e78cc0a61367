/* failwalk [OPERATION...] - walk a failing allocation through what a program can ask for.
 *
 * Problem   Each allocation in the kernel may fail, and for each somebody must undo what was done
 *           before it.  Waiting for memory to run out reaches few of these places.
 * Method    Linux's: N written to /proc/self/fail-nth lets the N-th allocation of this thread fail.
 *           So for N = 1, 2, 3...: arm, ask, look at what came back; until an operation passes
 *           before N allocations were made.  Then each of them has failed once.
 * Child     Each attempt is made by a process of its own, for it may not survive: a page fault that
 *           finds no memory has no error to return.  (One failure does not end it: the kernel looks
 *           again whether there is memory, and there is.)
 * Answers   Success, ENOMEM, or ENOSPC where a file wants room; nothing else.
 * Passed    fail-nth is not 0 afterwards.  To read it takes an allocation itself; if that is the
 *           one that fails, the operation has passed without.
 * Output    A line for each operation with the number of its allocations, i.e. failures. */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "user/lib/syscall.h"

#define PAGE 4096
#define TABLE_SPAN (4u << 20) /* what one page table maps */
#define ATTEMPTS 1000         /* far more than any operation has allocations */
#define AFTER_EXEC "after-exec"
#define FILE_NAME "/tmp/failwalk"
#define FOLDER_NAME FILE_NAME ".d"
#define HIGH_DESCRIPTOR 200 /* the table has to grow */
#define MANY_DESCRIPTORS 300
#define THREAD_STACK 4096
#define FUTEX_WAIT 0
#define LENGTH(array) (sizeof(array) / sizeof((array)[0]))
#define THREAD_FLAGS                                                                    \
    (CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD | CLONE_SYSVSEM | \
     CLONE_PARENT_SETTID | CLONE_CHILD_CLEARTID)

/* Exit status of an attempt. */
enum { PASSED, SURVIVED, REFUSED, WRONG };

static int fail_nth; /* the file */
static char buffer[3 * PAGE];

static int error_of(long result)
{
    return result == -1 ? errno : 0;
}

/* --- operations: 0 or an error; what they have got they give back -------------------------------- */

static int end_child(pid_t child)
{
    int status;

    if (child == -1)
        return errno;
    if (child == 0)
        _exit(0);
    return waitpid(child, &status, 0) == child && status == 0 ? 0 : ECHILD;
}

static int do_fork(void)
{
    return end_child(fork());
}

static int do_vfork(void)
{
    pid_t child = vfork();
    if (child == 0)
        _exit(0);
    return end_child(child);
}

static int return_at_once(void *unused)
{
    (void)unused;
    return 0;
}

static int do_thread(void)
{
    static char stack[THREAD_STACK] __attribute__((aligned(16)));
    static volatile int id;
    int thread = clone(return_at_once, stack + sizeof(stack), THREAD_FLAGS, NULL, (int *)&id,
                       NULL, (int *)&id);
    if (thread == -1)
        return errno;
    while (id != 0)
        if (syscall(SYS_futex, &id, FUTEX_WAIT, thread, NULL) == -1 && errno == ENOMEM)
            sched_yield();
    return 0;
}

static int do_exec(void)
{
    char *const args[] = { "failwalk", AFTER_EXEC, NULL };
    return error_of(execv("/bin/failwalk", args));
}

static char *new_memory(size_t nbytes, int flags)
{
    return mmap(NULL, nbytes, PROT_READ | PROT_WRITE, MAP_ANONYMOUS | flags, -1, 0);
}

static int do_map_and_touch(void)
{
    char *memory = new_memory(2 * TABLE_SPAN, MAP_PRIVATE);

    if (memory == MAP_FAILED)
        return errno;
    for (size_t at = 0; at < 2 * TABLE_SPAN; at += TABLE_SPAN / 2)
        memory[at] = 1;
    return error_of(munmap(memory, 2 * TABLE_SPAN));
}

static int do_populate(void)
{
    char *memory = new_memory(8 * PAGE, MAP_PRIVATE | MAP_POPULATE);

    if (memory == MAP_FAILED)
        return errno;
    return error_of(munmap(memory, 8 * PAGE));
}

/* Memory shared with a child: it has a cache of its own, as a file has. */
static int do_share(void)
{
    char *memory = new_memory(2 * PAGE, MAP_SHARED);

    if (memory == MAP_FAILED)
        return errno;
    memory[0] = memory[PAGE] = 1;
    int error = do_fork();
    munmap(memory, 2 * PAGE);
    return error;
}

static int do_map_file(void)
{
    int fd = open("/bin/failwalk", O_RDONLY);

    if (fd == -1)
        return errno;
    char *memory = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
    int error = memory == MAP_FAILED ? errno : 0;
    close(fd);
    if (error != 0)
        return error;
    memory[0] = memory[PAGE]; /* one page read, one copied */
    return error_of(munmap(memory, 2 * PAGE));
}

/* Changes that split a range of addresses in three, and join it again. */
static int do_split(void)
{
    char *memory = new_memory(5 * PAGE, MAP_PRIVATE);

    if (memory == MAP_FAILED)
        return errno;
    int error = error_of(mprotect(memory + PAGE, PAGE, PROT_READ));
    if (error == 0)
        error = error_of(mprotect(memory + PAGE, PAGE, PROT_READ | PROT_WRITE));
    if (error == 0)
        error = error_of(munmap(memory + 3 * PAGE, PAGE));
    while (munmap(memory, 5 * PAGE) != 0 && errno == ENOMEM)
        ;
    return error;
}

static int do_remap(void)
{
    char *memory = new_memory(2 * PAGE, MAP_PRIVATE);

    if (memory == MAP_FAILED)
        return errno;
    memory[0] = memory[PAGE] = 1;
    char *moved = mremap(memory, 2 * PAGE, 2 * TABLE_SPAN, MREMAP_MAYMOVE);
    int error = moved == MAP_FAILED ? errno : 0;
    munmap(error == 0 ? moved : memory, error == 0 ? 2 * TABLE_SPAN : 2 * PAGE);
    return error;
}

static int do_brk(void)
{
    char *end = sbrk(0);

    if (brk(end + 2 * PAGE) != 0)
        return errno;
    memset(end, 1, 2 * PAGE);
    return error_of(brk(end));
}

static int do_stack(void)
{
    volatile char deep[64 * PAGE];

    for (size_t at = sizeof(deep); at > 0; at -= 16 * PAGE)
        deep[at - 1] = 1;
    return 0;
}

/* Pages that a child copies, and one that it is the last to have. */
static int do_copy_on_write(void)
{
    memset(buffer, 1, sizeof(buffer));
    pid_t child = fork();
    if (child == 0)
        memset(buffer, 2, sizeof(buffer));
    else if (child > 0)
        buffer[0] = 3;
    return end_child(child);
}

static int do_pipe(void)
{
    int ends[2];

    if (pipe(ends) != 0)
        return errno;
    int error = error_of(write(ends[1], buffer, sizeof(buffer)));
    if (error == 0)
        error = error_of(read(ends[0], buffer, sizeof(buffer)));
    close(ends[0]);
    close(ends[1]);
    return error;
}

/* The failure that is still to come may hit this. */
static void remove_file(const char *path)
{
    while (unlink(path) != 0 && errno == ENOMEM)
        ;
}

static int do_file(void)
{
    int fd = open(FILE_NAME, O_RDWR | O_CREAT, 0600);

    if (fd == -1)
        return errno;
    ssize_t written = write(fd, buffer, sizeof(buffer)); /* fewer bytes: no room for more */
    int error = error_of(written);
    if (error == 0 && lseek(fd, 0, SEEK_SET) == 0)
        error = read(fd, buffer, sizeof(buffer)) == written ? 0 : errno;
    close(fd);
    remove_file(FILE_NAME);
    return error;
}

static int do_folder(void)
{
    int error = error_of(mkdir(FOLDER_NAME, 0700));

    if (error != 0)
        return error;
    error = error_of(syscall(SYS_symlink, "target", FOLDER_NAME "/link"));
    if (error == 0)
        error = error_of(syscall(SYS_rename, FOLDER_NAME "/link", FOLDER_NAME "/moved"));
    remove_file(FOLDER_NAME "/link");
    remove_file(FOLDER_NAME "/moved");
    while (rmdir(FOLDER_NAME) != 0 && errno == ENOMEM)
        ;
    return error;
}

static int do_descriptors(void)
{
    int fd = fcntl(STDIN_FILENO, F_DUPFD, HIGH_DESCRIPTOR);

    if (fd == -1)
        return errno;
    return error_of(close(fd));
}

static int read_whole(const char *path, int flags)
{
    int fd = open(path, flags);

    if (fd == -1)
        return errno;
    long got;
    do {
        got = (flags & O_DIRECTORY) != 0 ? syscall(SYS_getdents64, fd, buffer, sizeof(buffer))
                                         : read(fd, buffer, sizeof(buffer));
    } while (got > 0);
    int error = error_of(got);
    close(fd);
    return error;
}

static int do_proc(void)
{
    static const char *const files[] = { "/proc/self/maps", "/proc/self/smaps",
                                         "/proc/self/status", "/proc/slabinfo",
                                         "/proc/vmstat" };
    int error = read_whole("/proc", O_DIRECTORY);

    for (size_t i = 0; error == 0 && i < LENGTH(files); i++)
        error = read_whole(files[i], O_RDONLY);
    return error;
}

static int do_poll(void)
{
    static struct {
        int fd;
        short events, revents;
    } files[MANY_DESCRIPTORS];

    return error_of(syscall(SYS_poll, files, MANY_DESCRIPTORS, 0));
}

static int do_queue_signals(void)
{
    sigset_t all, old;

    sigfillset(&all);
    sigprocmask(SIG_SETMASK, &all, &old);
    return error_of(kill(getpid(), SIGUSR1)); /* stays pending */
}

static const struct {
    const char *name;
    int (*run)(void);
} operations[] = {
    { "fork", do_fork },
    { "vfork", do_vfork },
    { "thread", do_thread },
    { "exec", do_exec },
    { "map-and-touch", do_map_and_touch },
    { "populate", do_populate },
    { "share", do_share },
    { "map-file", do_map_file },
    { "split", do_split },
    { "remap", do_remap },
    { "brk", do_brk },
    { "stack", do_stack },
    { "copy-on-write", do_copy_on_write },
    { "pipe", do_pipe },
    { "file", do_file },
    { "folder", do_folder },
    { "descriptors", do_descriptors },
    { "proc", do_proc },
    { "poll", do_poll },
    { "signals", do_queue_signals },
};

/* --- the walk ------------------------------------------------------------------------------------ */

static void arm(unsigned n)
{
    char number[16];
    int length = snprintf(number, sizeof(number), "%u", n);

    fail_nth = open("/proc/self/fail-nth", O_RDWR);
    if (fail_nth == -1 || write(fail_nth, number, (size_t)length) != length)
        _exit(WRONG);
}

/* Was the armed failure still to come? */
static bool disarm(void)
{
    char number[16];
    lseek(fail_nth, 0, SEEK_SET);
    bool waiting = read(fail_nth, number, sizeof(number)) <= 0 || number[0] != '0';

    while (write(fail_nth, "0", 1) != 1)
        ; /* the failure hits this, if it has not hit anything before */
    return waiting;
}

static int outcome(int error)
{
    bool passed = disarm();

    if (error == 0)
        return passed ? PASSED : SURVIVED;
    if (error == ENOMEM || error == ENOSPC)
        return REFUSED;
    printf("failwalk: %s\n", strerror(error));
    return WRONG;
}

/* The operation with the N-th allocation failing, in a process of its own; its exit status. */
static int attempt(int (*run)(void), unsigned n)
{
    int status;

    fflush(stdout);
    pid_t child = fork();
    if (child == 0) {
        arm(n);
        _exit(outcome(run()));
    }
    if (child == -1 || waitpid(child, &status, 0) != child)
        return WRONG;
    if (WIFSIGNALED(status)) {
        printf("failwalk: attempt %u: signal %d\n", n, WTERMSIG(status));
        return WRONG;
    }
    return WEXITSTATUS(status);
}

static bool walk(size_t index)
{
    unsigned refused = 0;

    for (unsigned n = 1; n <= ATTEMPTS; n++) {
        int status = attempt(operations[index].run, n);
        if (status == PASSED) {
            printf("%-14s %3u failures, %3u refused\n", operations[index].name, n - 1, refused);
            return true;
        }
        if (status != SURVIVED && status != REFUSED) {
            printf("failwalk: %s: attempt %u went wrong\n", operations[index].name, n);
            return false;
        }
        refused += status == REFUSED;
    }
    printf("failwalk: %s: no end of it\n", operations[index].name);
    return false;
}

/* The new program, whose thread has the countdown of the old one. */
static _Noreturn void after_exec(void)
{
    fail_nth = 3;
    while (fcntl(fail_nth, F_GETFD) == -1)
        fail_nth++;
    _exit(outcome(0));
}

static bool is_wanted(const char *name, int argc, char **argv)
{
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], name) == 0)
            return true;
    }
    return argc == 1;
}

int main(int argc, char **argv)
{
    unsigned walked = 0;

    if (argc == 2 && strcmp(argv[1], AFTER_EXEC) == 0)
        after_exec();
    mkdir("/tmp", 0777);
    for (size_t i = 0; i < LENGTH(operations); i++) {
        if (!is_wanted(operations[i].name, argc, argv))
            continue;
        if (!walk(i))
            return 1;
        walked++;
    }
    if (walked == 0) {
        puts("usage: failwalk [OPERATION...]");
        return 2;
    }
    return 0;
}
