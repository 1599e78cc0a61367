/* Producers and consumers over a small queue with condition variables; a wait that times out. */
#include "tests/abi/abi.h"
#include <pthread.h>

#define ITEMS 500
#define CAPACITY 4

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t not_empty = PTHREAD_COND_INITIALIZER, not_full = PTHREAD_COND_INITIALIZER;
static int queue[CAPACITY], used;

static void *produce(void *argument)
{
    for (int i = 1; i <= ITEMS; i++) {
        pthread_mutex_lock(&lock);
        while (used == CAPACITY)
            pthread_cond_wait(&not_full, &lock);
        queue[used++] = i;
        pthread_cond_signal(&not_empty);
        pthread_mutex_unlock(&lock);
    }
    return argument;
}

static void *consume(void *argument)
{
    intptr_t sum = 0;

    (void)argument;
    for (int i = 0; i < ITEMS; i++) {
        pthread_mutex_lock(&lock);
        while (used == 0)
            pthread_cond_wait(&not_empty, &lock);
        sum += queue[--used];
        pthread_cond_signal(&not_full);
        pthread_mutex_unlock(&lock);
    }
    return (void *)sum;
}

int main(void)
{
    pthread_t producers[2], consumers[2];
    struct timespec soon;
    void *sum[2];

    for (int i = 0; i < 2; i++) {
        MUST_0(pthread_create(&producers[i], NULL, produce, NULL));
        MUST_0(pthread_create(&consumers[i], NULL, consume, NULL));
    }
    for (int i = 0; i < 2; i++) {
        MUST_0(pthread_join(producers[i], NULL));
        MUST_0(pthread_join(consumers[i], &sum[i]));
    }
    say("sum %d, left %d", (int)((intptr_t)sum[0] + (intptr_t)sum[1]), used);
    MUST(clock_gettime(CLOCK_REALTIME, &soon));
    soon.tv_nsec = (soon.tv_nsec + 30000000) % 1000000000;
    soon.tv_sec += soon.tv_nsec < 30000000;
    pthread_mutex_lock(&lock);
    say("nobody signals: %s",
        strerrorname_np(pthread_cond_timedwait(&not_empty, &lock, &soon)));
    return 0;
}
