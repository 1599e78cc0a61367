/* Groups and sessions: who is in which, signals to a group, waiting for one. */
#include "tests/abi/abi.h"

static int ready[2];

static void stay(void)
{
    announce(ready[1]);
    for (;;)
        pause();
}

static void new_session(void)
{
    judge("child is in our group", getpgrp() == getpgid(getppid()) && getpgrp() != getpid());
    judge("setsid", setsid() == getpid());
    judge("leads its session and group", getsid(0) == getpid() && getpgrp() == getpid());
    outcome("setsid again", setsid());
    outcome("leaving as a leader", setpgid(0, 0));
}

int main(void)
{
    pid_t children[3];

    MUST(pipe(ready));
    in_child("session", new_session);
    for (int i = 0; i < 3; i++) {
        children[i] = start_child(stay);
        MUST(setpgid(children[i], children[0]));
    }
    for (int i = 0; i < 3; i++)
        await(ready[0]);
    judge("in their group", getpgid(children[2]) == children[0]);
    judge("WNOHANG for the group", waitpid(-children[0], NULL, WNOHANG) == 0);
    outcome("wait for our own group", waitpid(0, NULL, 0));
    outcome("signal to the group", kill(-children[0], SIGTERM));
    for (int i = 0; i < 3; i++) {
        int status;
        MUST(waitpid(-children[0], &status, 0));
        ending("one of the group", status);
    }
    outcome("the group is gone", kill(-children[0], 0));
    outcome("setpgid, no such process", setpgid(children[0], 0));
    outcome("setpgid, negative", setpgid(0, -1));
    outcome("getpgid, no such process", getpgid(children[0]));
    return 0;
}
