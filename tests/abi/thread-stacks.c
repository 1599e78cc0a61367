/* Stacks of chosen size and place, with a guard page that stops an overflow. */
#include "tests/abi/abi.h"
#include <pthread.h>

static char *chosen;
static size_t chosen_size = 256 * 1024;

static void *use(void *argument)
{
    volatile char large[128 * 1024];

    for (unsigned i = 0; i < sizeof large; i += 1024)
        large[i] = 1;
    judge("on the chosen stack",
          (char *)large >= chosen && (char *)large < chosen + chosen_size);
    return argument;
}

static void *look_at_guard(void *argument)
{
    pthread_attr_t attributes;
    void *lowest;
    size_t size;

    MUST_0(pthread_getattr_np(pthread_self(), &attributes));
    MUST_0(pthread_attr_getstack(&attributes, &lowest, &size));
    judge("size", size == chosen_size);
    probe("lowest byte", STORE, lowest);
    probe("below it", STORE, (char *)lowest - 1);
    MUST_0(pthread_attr_destroy(&attributes));
    return argument;
}

int main(void)
{
    pthread_attr_t attributes;
    pthread_t thread;

    chosen = map_pages(chosen_size / PAGE, PROT_READ | PROT_WRITE);
    MUST_0(pthread_attr_init(&attributes));
    MUST_0(pthread_attr_setstack(&attributes, chosen, chosen_size));
    MUST_0(pthread_create(&thread, &attributes, use, NULL));
    MUST_0(pthread_join(thread, NULL));
    MUST_0(pthread_attr_init(&attributes));
    MUST_0(pthread_attr_setstacksize(&attributes, chosen_size));
    MUST_0(pthread_create(&thread, &attributes, look_at_guard, NULL));
    MUST_0(pthread_join(thread, NULL));
    return 0;
}
