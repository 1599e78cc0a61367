/* A fault in one thread: its own handler on its own stack, or the end of the whole process. */
#include "tests/abi/abi.h"
#include <pthread.h>

static void *fault(void *argument)
{
    *(volatile char *)BAD_POINTER = 1;
    return argument;
}

static void *probe_it(void *argument)
{
    probe("in a thread", STORE, BAD_POINTER);
    return argument;
}

static void *overflow(void *argument)
{
    volatile char frame[4000];

    frame[0] = 1;
    return frame[0] ? overflow(argument) + frame[1] : argument;
}

static void run(void *(*body)(void *))
{
    pthread_t thread;

    MUST_0(pthread_create(&thread, NULL, body, NULL));
    MUST_0(pthread_join(thread, NULL));
}

static void run_fault(void)
{
    run(fault);
    say("not reached");
}

static void run_overflow(void)
{
    run(overflow);
    say("not reached");
}

int main(void)
{
    run(probe_it);
    in_child("unhandled", run_fault);
    in_child("stack overflow of a thread", run_overflow);
    return 0;
}
