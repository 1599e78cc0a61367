/* execs ROUNDS - a program that starts itself over and over, killed in the middle of it.
 *
 * Problem   exec takes the old memory away and builds the new one; a signal may come at any point
 *           of that, and what was built so far must be given back.
 * Method    A child execs itself for ever, in turn alone, with a thread beside it (which exec has
 *           to end), and with a child of vfork.  The parent waits for a few starts (each
 *           writes a byte to a pipe) and kills it when it has the processor again: the timer took it
 *           from the child, at whatever point of its exec that was. */
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define AGAIN "again" /* what a child is called with, and then its manner */
#define REPORT 3      /* the descriptor it writes to */
#define THREAD_STACK 4096
#define STARTS 5 /* at most so many are waited for */
#define LENGTH(array) (sizeof(array) / sizeof((array)[0]))
#define THREAD_FLAGS \
    (CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD | CLONE_SYSVSEM)

static const char *const manners[] = { "alone", "thread", "vfork" };

static int wait_for_ever(void *unused)
{
    (void)unused;
    while (pause() == -1)
        ;
    return 0;
}

static _Noreturn void exec_itself(char *program, char *manner)
{
    char *const args[] = { program, AGAIN, manner, NULL };

    execv("/bin/execs", args);
    perror("execs");
    _exit(1);
}

/* This is what is killed. */
static _Noreturn void again(char *program, char *manner)
{
    static char stack[THREAD_STACK] __attribute__((aligned(16)));

    write(REPORT, manner, 1);
    if (strcmp(manner, "thread") == 0)
        clone(wait_for_ever, stack + sizeof(stack), THREAD_FLAGS, NULL, NULL, NULL, NULL);
    if (strcmp(manner, "vfork") == 0) {
        char *const args[] = { program, "0", NULL };
        pid_t child = vfork();
        if (child == 0) {
            execv("/bin/execs", args);
            _exit(1);
        }
        waitpid(child, NULL, 0);
    }
    exec_itself(program, manner);
}

static void wait_for_starts(int reports, unsigned starts)
{
    char byte;

    while (starts-- > 0)
        read(reports, &byte, 1);
}

/* 0 if the child lived until it was killed. */
static int kill_one(char *program, unsigned round)
{
    int status, ends[2];

    if (pipe(ends) != 0)
        return -1;
    pid_t child = fork();
    if (child == 0) {
        dup2(ends[1], REPORT);
        exec_itself(program, (char *)manners[round % LENGTH(manners)]);
    }
    close(ends[1]);
    wait_for_starts(ends[0], round % STARTS);
    kill(child, SIGKILL);
    pid_t ended = waitpid(child, &status, 0);
    close(ends[0]);
    if (ended == child && WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL)
        return 0;
    printf("execs: round %u: wait status %#x\n", round, (unsigned)status);
    return -1;
}

int main(int argc, char **argv)
{
    if (argc == 3 && strcmp(argv[1], AGAIN) == 0)
        again(argv[0], argv[2]);
    if (argc != 2) {
        puts("usage: execs ROUNDS");
        return 2;
    }
    unsigned rounds = (unsigned)atoi(argv[1]);
    for (unsigned round = 0; round < rounds; round++) {
        if (kill_one(argv[0], round) != 0)
            return 1;
    }
    if (rounds > 0)
        printf("execs: %u killed\n", rounds);
    return 0;
}
