/* Detached threads end by themselves; many of them, one after the other. */
#include "tests/abi/abi.h"
#include <pthread.h>

static int done[2];

static void *work(void *argument)
{
    announce(done[1]);
    return argument;
}

int main(void)
{
    pthread_attr_t detached;
    pthread_t thread;

    MUST(pipe(done));
    MUST_0(pthread_attr_init(&detached));
    MUST_0(pthread_attr_setdetachstate(&detached, PTHREAD_CREATE_DETACHED));
    for (int i = 0; i < 50; i++) {
        MUST_0(pthread_create(&thread, &detached, work, NULL));
        await(done[0]);
    }
    say("50 threads");
    return 0;
}
