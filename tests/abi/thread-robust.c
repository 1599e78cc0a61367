/* A robust mutex: whoever dies holding it, the next one is told; a waiter as well. */
#include "tests/abi/abi.h"
#include <pthread.h>

static pthread_mutex_t *lock;
static int held[2];

static void *die_holding(void *argument)
{
    MUST_0(pthread_mutex_lock(lock));
    return argument;
}

static void process_die_holding(void)
{
    MUST_0(pthread_mutex_lock(lock));
    announce(held[1]);
    sleep_ms(30); /* so that the parent waits for it meanwhile */
    _exit(0);
}

static void take(const char *what)
{
    int error = pthread_mutex_lock(lock);

    say("%s: %s", what, error ? strerrorname_np(error) : "ok");
    if (error == EOWNERDEAD)
        MUST_0(pthread_mutex_consistent(lock));
    MUST_0(pthread_mutex_unlock(lock));
}

int main(void)
{
    pthread_mutexattr_t attributes;
    pthread_t thread;

    MUST(pipe(held));
    lock = (pthread_mutex_t *)map_shared(1);
    MUST_0(pthread_mutexattr_init(&attributes));
    MUST_0(pthread_mutexattr_setrobust(&attributes, PTHREAD_MUTEX_ROBUST));
    MUST_0(pthread_mutexattr_setpshared(&attributes, PTHREAD_PROCESS_SHARED));
    MUST_0(pthread_mutex_init(lock, &attributes));
    take("free");
    MUST_0(pthread_create(&thread, NULL, die_holding, NULL));
    MUST_0(pthread_join(thread, NULL));
    take("its thread ended");
    take("made consistent");
    pid_t child = start_child(process_die_holding);
    await(held[0]);
    take("its process ended");
    wait_for("child", child);
    return 0;
}
