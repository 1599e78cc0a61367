/* SIGSTOP and SIGCONT: a stopped child does nothing, its parent is told. */
#include "tests/abi/abi.h"
#include <sched.h>

static volatile int *counter;

static void count(void)
{
    for (;;) {
        ++*counter;
        sched_yield();
    }
}

int main(void)
{
    int status;

    counter = (int *)map_shared(1);
    pid_t child = start_child(count);
    while (*counter < 10)
        sleep_ms(5);
    MUST(kill(child, SIGSTOP));
    MUST(waitpid(child, &status, WUNTRACED));
    say("stopped: %d by SIG%s", WIFSTOPPED(status) != 0, sigabbrev_np(WSTOPSIG(status)));
    int then = *counter;
    sleep_ms(50);
    judge("stands still", *counter == then);
    MUST(kill(child, SIGCONT));
    MUST(waitpid(child, &status, WCONTINUED));
    say("continued: %d", WIFCONTINUED(status) != 0);
    while (*counter == then)
        sleep_ms(5);
    say("runs again");
    MUST(kill(child, SIGSTOP));
    MUST(kill(child, SIGKILL));
    wait_for("killed while stopped", child);
    return 0;
}
