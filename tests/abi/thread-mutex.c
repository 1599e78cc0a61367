/* A counter under a mutex loses nothing, however the threads are interleaved. */
#include "tests/abi/abi.h"
#include <pthread.h>
#include <sched.h>

#define THREADS 4
#define ROUNDS 2000

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static volatile int counter;

static void *count(void *argument)
{
    (void)argument;
    for (int i = 0; i < ROUNDS; i++) {
        pthread_mutex_lock(&lock);
        int value = counter;
        if (i % 50 == 0)
            sched_yield(); /* the others now run into the lock */
        counter = value + 1;
        pthread_mutex_unlock(&lock);
    }
    return NULL;
}

int main(void)
{
    pthread_t threads[THREADS];

    for (int i = 0; i < THREADS; i++)
        MUST_0(pthread_create(&threads[i], NULL, count, NULL));
    for (int i = 0; i < THREADS; i++)
        MUST_0(pthread_join(threads[i], NULL));
    say("counted %d", counter);
    say("trylock: %s", pthread_mutex_trylock(&lock) ? "taken" : "ok");
    say("again: %s", strerrorname_np(pthread_mutex_trylock(&lock)));
    return 0;
}
