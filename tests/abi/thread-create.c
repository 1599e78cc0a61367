/* Threads: one memory, one pid, each its own tid and stack; results come back by join. */
#include "tests/abi/abi.h"
#include <pthread.h>

#define THREADS 8

static int shared[THREADS];
static pid_t tids[THREADS];
static uintptr_t stacks[THREADS];
static pthread_barrier_t barrier;

static void *work(void *argument)
{
    intptr_t number = (intptr_t)argument;
    char here;

    shared[number] = number * 10;
    tids[number] = gettid();
    stacks[number] = (uintptr_t)&here;
    pthread_barrier_wait(&barrier); /* all are alive at once */
    return (void *)(number * number);
}

int main(void)
{
    pthread_t threads[THREADS];
    int distinct = 1, one_process = 1;
    void *result;

    MUST_0(pthread_barrier_init(&barrier, NULL, THREADS));
    for (intptr_t i = 0; i < THREADS; i++)
        MUST_0(pthread_create(&threads[i], NULL, work, (void *)i));
    for (int i = 0; i < THREADS; i++) {
        MUST_0(pthread_join(threads[i], &result));
        say("thread %d: wrote %d, returned %d", i, shared[i], (int)(intptr_t)result);
        one_process &= tids[i] != getpid();
    }
    for (int i = 0; i < THREADS; i++)
        for (int j = 0; j < i; j++)
            distinct &= tids[i] != tids[j] && stacks[i] / PAGE != stacks[j] / PAGE;
    judge("threads are not the main thread", one_process);
    judge("each its own", distinct);
    return 0;
}
