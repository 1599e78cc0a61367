/* A process whose parent ends gets another one. */
#include "tests/abi/abi.h"

static int go[2], done[2];
static pid_t middle_pid;

static void grandchild(void)
{
    await(go[0]);
    while (getppid() == middle_pid)
        sleep_ms(10);
    say("grandchild: parent changed");
    judge("grandchild: there is one", getppid() > 0);
}

static void middle(void)
{
    middle_pid = getpid();
    start_child(grandchild);
    _exit(6);
}

int main(void)
{
    char byte;

    MUST(pipe(go));
    MUST(pipe(done));
    pid_t child = start_child(middle);
    wait_for("middle", child);
    MUST(close(done[1]));
    outcome("its child is not ours to wait for", wait(NULL));
    announce(go[1]);
    judge("grandchild ended", read(done[0], &byte, 1) == 0);
    return 0;
}
