/* A group that is killed is killed as a whole, though a member may be in the middle of a fork. */
#include "tests/abi/abi.h"

#define ROUNDS 12
#define BALLAST_PAGES 4096u /* makes a fork last */

static volatile unsigned *heartbeats;
static int ready[2];

static void beat(void)
{
    for (;;) {
        sleep_ms(5);
        ++*heartbeats;
    }
}

static void keep_forking(void)
{
    pid_t child = 0;

    MUST(setpgid(0, 0));
    announce(ready[1]);
    for (;;) {
        pid_t last = child;
        child = start_child(beat);
        if (last) {
            MUST(kill(last, SIGKILL));
            MUST(waitpid(last, NULL, 0));
        }
    }
}

static int somebody_is_left(void)
{
    unsigned before = *heartbeats;

    sleep_ms(30);
    return *heartbeats != before;
}

int main(void)
{
    char *ballast = map_pages(BALLAST_PAGES, PROT_READ | PROT_WRITE);
    unsigned escaped = 0;

    memset(ballast, 1, BALLAST_PAGES * PAGE);
    heartbeats = (unsigned *)map_shared(1);
    MUST(pipe(ready));
    for (int i = 0; i < ROUNDS; i++) {
        pid_t group = start_child(keep_forking);
        await(ready[0]);
        sleep_ms(20);
        MUST(kill(-group, SIGKILL));
        MUST(waitpid(group, NULL, 0));
        sleep_ms(20); /* for those that were sent the signal, too, to end */
        if (somebody_is_left()) {
            escaped++;
            kill(-group, SIGKILL);
        }
    }
    judge("nobody escapes", escaped == 0);
    return 0;
}
