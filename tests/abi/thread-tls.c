/* Thread-local variables: initialised for each thread, its own, and so is errno. */
#include "tests/abi/abi.h"
#include <pthread.h>

static __thread int initialised = 7;
static __thread int zero;
static pthread_key_t key;
static pthread_barrier_t barrier;

static void destroy(void *value)
{
    say("destroyed %s", (char *)value);
}

static void *work(void *argument)
{
    int right = initialised == 7 && zero == 0;

    initialised = zero = (intptr_t)argument;
    errno = (intptr_t)argument;
    pthread_barrier_wait(&barrier); /* everybody has written now */
    right &= initialised == (intptr_t)argument && zero == (intptr_t)argument;
    right &= errno == (intptr_t)argument;
    return (void *)(intptr_t)right;
}

static void *leave_something(void *argument)
{
    pthread_setspecific(key, argument);
    return NULL;
}

int main(void)
{
    pthread_t threads[3];
    void *right;

    MUST_0(pthread_barrier_init(&barrier, NULL, 3));
    for (intptr_t i = 0; i < 3; i++)
        MUST_0(pthread_create(&threads[i], NULL, work, (void *)(i + 100)));
    for (int i = 0; i < 3; i++) {
        MUST_0(pthread_join(threads[i], &right));
        say("thread %d: %s", i, right ? "right" : "wrong");
    }
    say("main: %d %d", initialised, zero);
    MUST_0(pthread_key_create(&key, destroy));
    MUST_0(pthread_create(&threads[0], NULL, leave_something, "what was left"));
    MUST_0(pthread_join(threads[0], NULL));
    return 0;
}
