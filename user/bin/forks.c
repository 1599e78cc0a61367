/* forks [COUNT] - make and end processes and threads in every way that there is, many times.
 *
 * Each part prints a line when all of its children ended as they should.  Whether the kernel has
 * everything back afterwards is asked from outside (meminfo, slabinfo).
 *
 *     one by one   fork, exit, wait
 *     vfork        the child borrows the parent's memory
 *     threads      clone within the process; its end is seen by the futex at its id
 *     a tree       each process forks two, down to TREE_DEPTH; each counts those below it
 *     a crowd      children that are all there at once, and wait for a pipe to close
 *     orphans      whose parent ends first: they are adopted */
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "user/lib/syscall.h"

#define DEFAULT_COUNT 10000
#define STATUS_BITS 0x7F
#define TREE_DEPTH 6 /* 127 processes: the count fits into an exit status */
#define CROWD 60
#define ORPHANS 100
#define THREAD_STACK 4096
#define FUTEX_WAIT 0
#define THREAD_FLAGS                                                                    \
    (CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD | CLONE_SYSVSEM | \
     CLONE_PARENT_SETTID | CLONE_CHILD_CLEARTID)

static _Noreturn void fail(const char *what)
{
    perror(what);
    exit(1);
}

/* The exit status of a child; anything else is the end. */
static int status_of(pid_t child)
{
    int status;

    if (child == -1)
        fail("forks: fork");
    if (waitpid(child, &status, 0) != child)
        fail("forks: wait");
    if (!WIFEXITED(status)) {
        printf("forks: a child was killed by signal %d\n", WTERMSIG(status));
        exit(1);
    }
    return WEXITSTATUS(status);
}

static void expect(const char *what, int got, int expected)
{
    if (got == expected)
        return;
    printf("forks: %s: %d instead of %d\n", what, got, expected);
    exit(1);
}

static void one_by_one(int count)
{
    for (int i = 0; i < count; i++) {
        pid_t child = fork();
        if (child == 0)
            _exit(i & STATUS_BITS);
        expect("exit status", status_of(child), i & STATUS_BITS);
    }
    printf("%d one by one\n", count);
}

/* The child writes into the parent's memory. */
static pid_t lend(volatile int *written, int value)
{
    pid_t child = vfork();

    if (child == 0) {
        *written = value;
        _exit(value & STATUS_BITS);
    }
    return child;
}

static void lend_and_take_back(int count)
{
    volatile int written = -1;

    for (int i = 0; i < count; i++) {
        pid_t child = lend(&written, i);
        expect("exit status", status_of(child), i & STATUS_BITS);
        expect("what the child wrote", written, i);
    }
    printf("%d by vfork\n", count);
}

static int add_one(void *sum)
{
    ++*(volatile int *)sum;
    return 0;
}

static void threads(int count)
{
    static char stack[THREAD_STACK] __attribute__((aligned(16)));
    static volatile int id;
    volatile int sum = 0;

    for (int i = 0; i < count; i++) {
        int thread = clone(add_one, stack + sizeof(stack), THREAD_FLAGS, (void *)&sum,
                           (int *)&id, NULL, (int *)&id);
        if (thread == -1)
            fail("forks: clone");
        while (id != 0)
            syscall(SYS_futex, &id, FUTEX_WAIT, thread, NULL);
        expect("what the threads added", sum, i + 1);
    }
    printf("%d threads\n", count);
}

/* The number of processes in a tree of this depth, this one counted. */
static int grow_tree(unsigned depth)
{
    pid_t children[2];
    int count = 1;

    if (depth == 0)
        return count;
    for (int i = 0; i < 2; i++) {
        children[i] = fork();
        if (children[i] == 0)
            _exit(grow_tree(depth - 1));
    }
    for (int i = 0; i < 2; i++)
        count += status_of(children[i]);
    return count;
}

static void tree(void)
{
    expect("processes in the tree", grow_tree(TREE_DEPTH), (2 << TREE_DEPTH) - 1);
    printf("a tree of %d\n", (2 << TREE_DEPTH) - 1);
}

/* For a child: wait until nobody has the writing end any more. */
static _Noreturn void wait_for_close(const int ends[2])
{
    char byte;

    close(ends[1]);
    _exit(read(ends[0], &byte, 1) == 0 ? 0 : 1);
}

static void crowd(void)
{
    pid_t children[CROWD];
    int ends[2];

    if (pipe(ends) != 0)
        fail("forks: pipe");
    for (int i = 0; i < CROWD; i++) {
        children[i] = fork();
        if (children[i] == 0)
            wait_for_close(ends);
    }
    close(ends[0]);
    close(ends[1]);
    for (int i = 0; i < CROWD; i++)
        expect("exit status", status_of(children[i]), 0);
    printf("a crowd of %d\n", CROWD);
}

/* The child ends at once, its child when it has been adopted.  The pipe tells when the last one of
 * them is gone. */
static void orphans(void)
{
    int ends[2];
    char byte;

    if (pipe(ends) != 0)
        fail("forks: pipe");
    for (int i = 0; i < ORPHANS; i++) {
        pid_t child = fork();
        if (child == 0) {
            pid_t parent = getpid();
            if (fork() == 0)
                while (getppid() == parent)
                    sched_yield();
            _exit(0);
        }
        expect("exit status", status_of(child), 0);
    }
    close(ends[1]);
    expect("end of the pipe", read(ends[0], &byte, 1), 0);
    close(ends[0]);
    printf("%d orphans\n", ORPHANS);
}

int main(int argc, char **argv)
{
    int count = argc == 2 ? atoi(argv[1]) : DEFAULT_COUNT;

    if (argc > 2 || count <= 0) {
        puts("usage: forks [COUNT]");
        return 2;
    }
    one_by_one(count);
    lend_and_take_back(count);
    threads(count);
    tree();
    crowd();
    orphans();
    return 0;
}
