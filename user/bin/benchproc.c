/* benchproc - what processes, signals, pipes and the switch between processes cost, seen from
 * ring 3. */
#include "user/bin/bench.h"

#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "user/lib/syscall.h"

#define FORK_SAMPLES 200
#define TOUCHED_BYTES (256 * PAGE) /* for the fork of a larger program */
#define HUGE (4u << 20)
#define TIME_FD 9 /* where a new program writes when it began */

static char self[64]; /* path of this program */
static pid_t pid;

/* Seen by parent and child alike. */
static struct shared {
    uint32_t exec_began;
    enum { PARENT, CHILD, END } volatile turn;
} * shared;

/* --- fork and exec ------------------------------------------------------------------------------ */

static uint32_t sample_fork(void)
{
    uint32_t from = now();
    pid_t child = fork();
    if (child == 0)
        _exit(0);
    if (child == -1 || waitpid(child, NULL, 0) != child)
        return UNSUPPORTED;
    return elapsed(from, now());
}

static uint32_t sample_fork_return(void)
{
    uint32_t from = now();
    pid_t child = fork();
    if (child == 0)
        _exit(0);
    uint32_t to = now();
    if (child == -1 || waitpid(child, NULL, 0) != child)
        return UNSUPPORTED;
    return elapsed(from, to);
}

/* Become this program again, with an argument on which it ends at once. */
static void exec_self(const char *what)
{
    char *const argv[] = { self, (char *)(uintptr_t)what, NULL };
    execve(self, argv, environ);
    _exit(1);
}

static bool ended_well(pid_t child)
{
    int status;
    return child != -1 && waitpid(child, &status, 0) == child && status == 0;
}

static uint32_t sample_fork_exec(void)
{
    uint32_t from = now();
    pid_t child = fork();
    if (child == 0)
        exec_self("exit");
    return ended_well(child) ? elapsed(from, now()) : UNSUPPORTED;
}

static uint32_t sample_vfork_exec(void)
{
    uint32_t from = now();
    pid_t child = vfork();
    if (child == 0)
        exec_self("exit");
    return ended_well(child) ? elapsed(from, now()) : UNSUPPORTED;
}

/* From the call in the old program to main() of the new one, which reports the time. */
static uint32_t sample_exec(void)
{
    int ends[2];
    uint32_t began;
    if (shared == NULL || pipe(ends) != 0)
        return UNSUPPORTED;
    pid_t child = fork();
    if (child == 0) {
        dup2(ends[1], TIME_FD);
        shared->exec_began = now();
        exec_self("time");
    }
    close(ends[1]);
    bool told = child != -1 && read(ends[0], &began, sizeof(began)) == sizeof(began);
    close(ends[0]);
    return ended_well(child) && told ? elapsed(shared->exec_began, began) : UNSUPPORTED;
}

/* --- signals ------------------------------------------------------------------------------------ */

static char *guarded; /* a page that may only be read */

static void on_signal(int signal)
{
    (void)signal;
}

static void on_fault(int signal, siginfo_t *info, void *context)
{
    (void)signal;
    (void)context;
    if (mprotect(info->si_addr, PAGE, PROT_READ | PROT_WRITE) != 0)
        _exit(1);
}

static uint32_t sample_signal(void)
{
    struct sigaction action = { .sa_handler = on_signal };
    if (sigaction(SIGUSR1, &action, NULL) != 0)
        return UNSUPPORTED;
    uint32_t from = now();
    long result = syscall_raw(SYS_tgkill, pid, pid, SIGUSR1);
    uint32_t to = now();
    return result == 0 ? elapsed(from, to) : UNSUPPORTED;
}

/* A write to a protected page: fault, signal, mprotect() in the handler, the write again. */
static uint32_t sample_fault_signal(void)
{
    struct sigaction action = { .sa_sigaction = on_fault, .sa_flags = SA_SIGINFO };
    if (guarded == NULL || sigaction(SIGSEGV, &action, NULL) != 0 ||
        mprotect(guarded, PAGE, PROT_READ) != 0)
        return UNSUPPORTED;
    uint32_t from = now();
    *(volatile char *)guarded = 1;
    return elapsed(from, now());
}

/* --- two processes ------------------------------------------------------------------------------ */

static int to_child[2], to_parent[2];

static uint32_t sample_pipe(void)
{
    char byte = 0;
    uint32_t from = now();
    write(to_child[1], &byte, 1);
    bool answered = read(to_parent[0], &byte, 1) == 1;
    return answered ? elapsed(from, now()) : UNSUPPORTED;
}

/* Send back each byte, until there is nobody to send one. */
static void echo_bytes(void)
{
    char byte;
    close(to_child[1]);
    while (read(to_child[0], &byte, 1) == 1)
        write(to_parent[1], &byte, 1);
    _exit(0);
}

static void measure_pipe(void)
{
    static const struct row row = { "pipe_round_trip", sample_pipe, SAMPLES, 1, "trip" };
    if (pipe(to_child) != 0 || pipe(to_parent) != 0) {
        print_unsupported(row.name);
        return;
    }
    pid_t child = fork();
    if (child == 0)
        echo_bytes();
    if (child == -1) {
        print_unsupported(row.name);
        return;
    }
    run_row(&row);
    close(to_child[1]);
    waitpid(child, NULL, 0);
}

/* There and back: two switches. */
static uint32_t sample_switches(void)
{
    uint32_t from = now();
    shared->turn = CHILD;
    while (shared->turn != PARENT)
        syscall_raw(SYS_sched_yield, 0, 0, 0);
    return elapsed(from, now());
}

static void take_turns(void)
{
    while (shared->turn != END) {
        if (shared->turn == CHILD)
            shared->turn = PARENT;
        syscall_raw(SYS_sched_yield, 0, 0, 0);
    }
    _exit(0);
}

static void measure_switches(void)
{
    static const struct row row = { "context_switch", sample_switches, SAMPLES, 2, "switch" };
    pid_t child = shared == NULL ? -1 : fork();
    if (child == 0)
        take_turns();
    if (child == -1) {
        print_unsupported(row.name);
        return;
    }
    run_row(&row);
    shared->turn = END;
    waitpid(child, NULL, 0);
}

static const struct row small_rows[] = {
    { "fork_exit_wait", sample_fork, FORK_SAMPLES, 1, "process" },
    { "fork_parent_returns", sample_fork_return, FORK_SAMPLES, 1, "process" },
    { "fork_exec_exit_wait", sample_fork_exec, FORK_SAMPLES, 1, "process" },
    { "vfork_exec_exit_wait", sample_vfork_exec, FORK_SAMPLES, 1, "process" },
    { "exec", sample_exec, FORK_SAMPLES, 1, "program" },
    { "signal_round_trip", sample_signal, SAMPLES, 1, "signal" },
    { "fault_signal_round_trip", sample_fault_signal, SAMPLES, 1, "signal" },
};
static const struct row large_row = { "fork_exit_wait_1m", sample_fork, FORK_SAMPLES, 1,
                                      "process" };
static const struct row huge_row = { "fork_exit_wait_huge", sample_fork, FORK_SAMPLES, 1,
                                     "process" };

static void *map(size_t nbytes, int flags)
{
    void *start = mmap(NULL, nbytes, PROT_READ | PROT_WRITE, flags | MAP_ANONYMOUS, -1, 0);
    return start == MAP_FAILED ? NULL : memset(start, 0, nbytes);
}

/* With 4 MiB in one page, where the kernel has such pages for programs. */
static void measure_huge(void)
{
    char *area = mmap(NULL, 2 * HUGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1,
                      0);
    if (area == MAP_FAILED) {
        print_unsupported(huge_row.name);
        return;
    }
    char *place = (char *)(((uintptr_t)area + HUGE - 1) & ~(uintptr_t)(HUGE - 1));
    madvise(place, HUGE, MADV_HUGEPAGE);
    memset(place, 1, HUGE);
    run_row(&huge_row);
}

static void measure_all(void)
{
    shared = map(PAGE, MAP_SHARED);
    guarded = map(PAGE, MAP_PRIVATE);
    run_rows(small_rows, LENGTH(small_rows));
    measure_pipe();
    measure_switches();
    void *touched = map(TOUCHED_BYTES, MAP_PRIVATE);
    if (touched != NULL)
        run_row(&large_row);
    else
        print_unsupported(large_row.name);
    munmap(touched, TOUCHED_BYTES);
    measure_huge();
}

int main(int argc, char **argv)
{
    uint32_t began = now();

    if (argc == 2 && strcmp(argv[1], "exit") == 0)
        return 0;
    if (argc == 2 && strcmp(argv[1], "time") == 0)
        return write(TIME_FD, &began, sizeof(began)) == sizeof(began) ? 0 : 1;
    if (argc != 1) {
        puts("usage: benchproc");
        return 2;
    }
    if (!bench_begin())
        return 1;
    snprintf(self, sizeof(self), "%s%s", strchr(argv[0], '/') != NULL ? "" : "/bin/", argv[0]);
    pid = getpid();
    measure_all();
    return 0;
}
