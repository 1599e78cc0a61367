/* What a handler interrupts for good, SA_RESTART or not: pause, nanosleep, poll, select, sigsuspend;
 * and wait, which SA_RESTART does restart. */
#include "tests/abi/abi.h"
#include <poll.h>
#include <sys/select.h>

static int fds[2];

static void on_alarm(int signal)
{
    (void)signal;
}

/* A signal every 50 ms: one may come before the call has begun, the next one will not. */
static void start_signals(void)
{
    struct itimerval timer = { { 0, 50000 }, { 0, 50000 } };

    MUST(setitimer(ITIMER_REAL, &timer, NULL));
}

static void stop_signals(void)
{
    struct itimerval timer = { { 0, 0 }, { 0, 0 } };

    MUST(setitimer(ITIMER_REAL, &timer, NULL));
}

static void sleep_long(void)
{
    sleep_ms(300);
    _exit(5);
}

static void interrupt_all(int flags)
{
    struct timespec minute = { 60, 0 };
    struct pollfd wait_read = { fds[0], POLLIN, 0 };
    fd_set readers;
    sigset_t none;

    handle(SIGALRM, on_alarm, flags);
    start_signals();
    outcome("pause", pause());
    outcome("nanosleep", nanosleep(&minute, NULL));
    outcome("poll", poll(&wait_read, 1, 60000));
    FD_ZERO(&readers);
    FD_SET(fds[0], &readers);
    outcome("select", select(fds[0] + 1, &readers, NULL, NULL, NULL));
    sigemptyset(&none);
    outcome("sigsuspend", sigsuspend(&none));
    pid_t child = start_child(sleep_long);
    int status, result = wait(&status);
    outcome("wait", result);
    stop_signals();
    if (result == -1)
        wait(&status);
    judge("the child", result == -1 || result == child);
}

int main(void)
{
    MUST(pipe(fds));
    say("plain");
    interrupt_all(0);
    say("SA_RESTART");
    interrupt_all(SA_RESTART);
    return 0;
}
