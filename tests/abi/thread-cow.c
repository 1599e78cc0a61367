/* Threads write while one of them forks again and again: each child sees a memory that stands still. */
#include "tests/abi/abi.h"
#include <pthread.h>

static volatile int *counters; /* on a page of its own each */
static volatile int stop;

static void *write_all(void *argument)
{
    while (!stop)
        for (int i = 0; i < 8; i++)
            counters[i * PAGE / sizeof(int)]++;
    return argument;
}

static void child(void)
{
    int first[8];

    for (int i = 0; i < 8; i++)
        first[i] = counters[i * PAGE / sizeof(int)];
    sleep_ms(10);
    for (int i = 0; i < 8; i++)
        if (first[i] != counters[i * PAGE / sizeof(int)])
            _exit(1);
}

int main(void)
{
    pthread_t threads[2];

    counters = (int *)map_pages(8, PROT_READ | PROT_WRITE);
    for (int i = 0; i < 2; i++)
        MUST_0(pthread_create(&threads[i], NULL, write_all, NULL));
    for (int i = 0; i < 5; i++) {
        sleep_ms(5);
        in_child("child", child);
    }
    stop = 1;
    for (int i = 0; i < 2; i++)
        MUST_0(pthread_join(threads[i], NULL));
    judge("the threads wrote on", counters[0] > 0);
    return 0;
}
