/* Who waits for a vfork child is deaf to signals, but for those that end it at once. */
#include "tests/abi/abi.h"

#define A_WHILE_MS 100

static int go[2], ready[2];
static void (*prepare)(void);

static void nothing(int signal)
{
    (void)signal;
}

static void handled(void)
{
    handle(SIGTERM, nothing, 0);
}

static void ignored(void)
{
    handle(SIGTERM, SIG_IGN, 0);
}

static void blocked(void)
{
    mask(SIG_BLOCK, SIGTERM);
}

static void by_default(void)
{
}

/* Its child does not get on before it is told to. */
static void wait_in_vfork(void)
{
    prepare();
    pid_t child = vfork();
    if (child == 0) {
        announce(ready[1]);
        await(go[0]);
        _exit(0);
    }
    _exit(3);
}

static void send_to_waiting(const char *what, void (*how)(void), int signal)
{
    int status = 0;

    MUST(pipe(go)); /* a killed parent's child may still have to read from the ones before */
    MUST(pipe(ready));
    prepare = how;
    pid_t parent = start_child(wait_in_vfork);
    await(ready[0]);
    MUST(kill(parent, signal));
    pid_t ended = 0;
    for (int i = 0; i < A_WHILE_MS && !ended; i += 10) {
        sleep_ms(10);
        ended = MUST(waitpid(parent, &status, WNOHANG));
    }
    judge(what, ended == parent);
    announce(go[1]);
    if (!ended)
        MUST(waitpid(parent, &status, 0));
    ending("the waiting one", status);
}

int main(void)
{
    send_to_waiting("SIGKILL ends it", by_default, SIGKILL);
    send_to_waiting("SIGTERM ends it", by_default, SIGTERM);
    send_to_waiting("SIGRTMIN ends it", by_default, SIGRTMIN);
    send_to_waiting("SIGTERM, handled, ends it", handled, SIGTERM);
    send_to_waiting("SIGTERM, ignored, ends it", ignored, SIGTERM);
    send_to_waiting("SIGTERM, blocked, ends it", blocked, SIGTERM);
    send_to_waiting("SIGQUIT ends it", by_default, SIGQUIT);
    send_to_waiting("SIGCHLD ends it", by_default, SIGCHLD);
    return 0;
}
