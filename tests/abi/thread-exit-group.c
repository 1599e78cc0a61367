/* exit by any thread ends all of them; the main thread alone may leave and the process goes on. */
#include "tests/abi/abi.h"
#include <pthread.h>

static void *sleep_forever(void *argument)
{
    for (;;)
        pause();
    return argument;
}

static void *exit_soon(void *argument)
{
    sleep_ms(20);
    exit((intptr_t)argument);
}

static void start(void *(*body)(void *), intptr_t argument)
{
    pthread_t thread;

    MUST_0(pthread_create(&thread, NULL, body, (void *)argument));
}

static void exit_from_thread(void)
{
    start(sleep_forever, 0);
    start(exit_soon, 11);
    for (;;)
        pause();
}

static void exit_from_main(void)
{
    start(sleep_forever, 0);
    start(sleep_forever, 0);
    exit(12);
}

static void leave_main(void)
{
    start(exit_soon, 13);
    pthread_exit(NULL);
}

static void calculate_and_exit(void)
{
    start(exit_soon, 14);
    for (;;)
        ;
}

int main(void)
{
    in_child("a thread exits", exit_from_thread);
    in_child("the main thread exits", exit_from_main);
    in_child("the main thread leaves", leave_main);
    in_child("while another calculates", calculate_and_exit);
    return 0;
}
