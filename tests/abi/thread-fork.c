/* fork by one of several threads: the child has that thread only, and all of the memory. */
#include "tests/abi/abi.h"
#include <pthread.h>

static volatile int value = 1;

static int count_threads(void)
{
    static char text[4096];

    MUST(read_text("/proc/self/status", text, sizeof text));
    return text_field(text, "Threads:");
}

static void child(void)
{
    say("child: value %d, threads %d, is the leader: %d", value, count_threads(),
        gettid() == getpid());
}

static void *fork_it(void *argument)
{
    value = 2;
    in_child("child", child);
    return argument;
}

static void *stay(void *argument)
{
    for (;;)
        pause();
    return argument;
}

int main(void)
{
    pthread_t thread, other;

    MUST_0(pthread_create(&other, NULL, stay, NULL));
    MUST_0(pthread_create(&thread, NULL, fork_it, NULL));
    MUST_0(pthread_join(thread, NULL));
    /* The joined thread has gone for us a little before it has for the kernel. */
    while (count_threads() > 2)
        sleep_ms(5);
    say("parent: threads %d", count_threads());
    return 0;
}
