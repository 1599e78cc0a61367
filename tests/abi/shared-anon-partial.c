/* Shared memory of which parts are unmapped, protected or dropped in one process only. */
#include "tests/abi/abi.h"

static volatile char *shared;

static void child(void)
{
    MUST(munmap((char *)shared + PAGE, PAGE));
    MUST(mprotect((char *)shared + 2 * PAGE, PAGE, PROT_READ));
    MUST(madvise((char *)shared + 3 * PAGE, PAGE, MADV_DONTNEED));
    layout("child", (char *)shared, 4);
    say("child still finds %c", shared[3 * PAGE]);
    shared[0] = 'Z';
    probe("child, unmapped", LOAD, shared + PAGE);
    probe("child, read-only", STORE, shared + 2 * PAGE);
}

int main(void)
{
    shared = map_shared(4);
    for (int i = 0; i < 4; i++)
        shared[i * PAGE] = 'a' + i;
    in_child("child", child);
    layout("parent", (char *)shared, 4);
    say("parent: %c %c %c %c", shared[0], shared[PAGE], shared[2 * PAGE], shared[3 * PAGE]);
    return 0;
}
