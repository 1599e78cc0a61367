/* Two processes send each other signals while both run: none of the awaited ones is lost. */
#include "tests/abi/abi.h"
#include <sched.h>

#define ROUNDS 100

static volatile sig_atomic_t turn;

static void on_signal(int signal)
{
    (void)signal;
    turn++;
}

static void play(pid_t other, int first)
{
    for (int round = 0; round < ROUNDS; round++) {
        if (first)
            MUST(kill(other, SIGUSR1));
        while (turn <= round)
            sched_yield();
        if (!first)
            MUST(kill(other, SIGUSR1));
    }
}

int main(void)
{
    int status;

    handle(SIGUSR1, on_signal, SA_RESTART);
    pid_t parent = getpid(), child = MUST(fork());
    if (child == 0) {
        play(parent, 0);
        _exit(turn == ROUNDS ? 0 : 1);
    }
    play(child, 1);
    MUST(waitpid(child, &status, 0));
    ending("child", status);
    say("parent handled %d", (int)turn);
    return 0;
}
