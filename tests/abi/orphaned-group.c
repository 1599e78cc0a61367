/* When nobody is left who could continue a stopped group, it is told: SIGHUP, then SIGCONT. */
#include "tests/abi/abi.h"

static int go[2], news[2];
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
    alarm(10); /* if it is not told */
    expect_news("same group", same_group);
    expect_news("other group", other_group);
    announce(go[1]);
    return 0;
}
