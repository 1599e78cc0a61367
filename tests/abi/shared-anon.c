/* Anonymous shared memory: one memory for a whole family, in both directions. */
#include "tests/abi/abi.h"

static volatile int *shared;

static void grandchild(void)
{
    say("grandchild finds %d and %d", shared[0], shared[PAGE / 4]);
    shared[2 * PAGE / 4] = 33;
}

static void child(void)
{
    say("child finds %d", shared[0]);
    shared[PAGE / 4] = 22;
    in_child("grandchild", grandchild);
}

int main(void)
{
    shared = (int *)map_shared(4);
    shared[0] = 11;
    in_child("child", child);
    say("parent finds %d, %d, %d", shared[0], shared[PAGE / 4], shared[2 * PAGE / 4]);
    layout("mapping", (void *)shared, 4);
    MUST(munmap((void *)shared, 4 * PAGE));
    probe("after munmap", LOAD, shared);
    return 0;
}
