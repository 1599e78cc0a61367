/* When nobody is left who could continue a stopped group, it is told: SIGHUP, then SIGCONT. */
#include "tests/abi/abi.h"

#include <poll.h>

#define SILENCE_MS 100

static int go[2], news[2], ready[2], go_on[2];
static volatile sig_atomic_t hung_up;

static void on_hangup(int signal)
{
    (void)signal;
    hung_up = 1;
}

static void stopped(void)
{
    handle(SIGHUP, on_hangup, 0);
    raise(SIGSTOP);
    MUST(write(news[1], hung_up ? "h" : "c", 1));
}

static void running(void)
{
    handle(SIGHUP, SIG_IGN, 0);
    await(go[0]);
}

static pid_t stopped_child(void)
{
    pid_t child = start_child(stopped);
    int status;

    MUST(waitpid(child, &status, WUNTRACED));
    return child;
}

/* The group's only member with a parent outside of it ends. */
static void same_group(void)
{
    MUST(setpgid(0, 0));
    stopped_child();
}

/* The parent of all members, from another group, ends. */
static void other_group(void)
{
    pid_t child = stopped_child();

    MUST(setpgid(child, child));
    MUST(setpgid(start_child(running), child));
}

/* The same, when the stopped one is no child of who ends, but a child's: in its own group ... */
static void running_above_stopped(void)
{
    handle(SIGHUP, SIG_IGN, 0);
    stopped_child();
    announce(ready[1]);
    await(go[0]);
}

static void grandchild_in_same_group(void)
{
    MUST(setpgid(0, 0));
    start_child(running_above_stopped);
    await(ready[0]);
}

/* ... and in the child's. */
static void leader_above_stopped(void)
{
    MUST(setpgid(0, 0));
    running_above_stopped();
}

static void grandchild_in_other_group(void)
{
    start_child(leader_above_stopped);
    await(ready[0]);
}

/* Nobody is told again when a group has been orphaned before, and one of it ends. */
static void ends_above_stopped(void)
{
    await(go_on[0]);
    announce(ready[1]);
    stopped_child(); /* SIGSTOP works there, too */
}

static void orphaned_before(void)
{
    MUST(setpgid(0, 0));
    start_child(ends_above_stopped);
}

static void expect_silence(const char *what, void (*body)(void))
{
    struct pollfd news_fd = { .fd = news[0], .events = POLLIN };

    pid_t group = start_child(body);
    wait_for(what, group);
    announce(go_on[1]);
    await(ready[0]);
    say("%s: %d news", what, poll(&news_fd, 1, SILENCE_MS));
    MUST(kill(-group, SIGKILL));
}

static void expect_news(const char *what, void (*body)(void))
{
    char byte = '-';

    in_child(what, body);
    MUST(read(news[0], &byte, 1));
    say("%s: the stopped one goes on %s", what,
        byte == 'h' ? "after SIGHUP" : "without SIGHUP");
}

int main(void)
{
    MUST(pipe(go));
    MUST(pipe(news));
    MUST(pipe(ready));
    MUST(pipe(go_on));
    alarm(10); /* if it is not told */
    expect_news("same group", same_group);
    expect_news("other group", other_group);
    expect_news("grandchild in the same group", grandchild_in_same_group);
    expect_news("grandchild in another group", grandchild_in_other_group);
    expect_silence("orphaned before", orphaned_before);
    MUST(write(go[1], "!!!", 3)); /* for each that waits */
    return 0;
}
