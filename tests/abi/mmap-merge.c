/* Neighbours of the same kind become one mapping; of different kinds they do not. */
#include "tests/abi/abi.h"

static void put(char *at, unsigned npages, int prot, int kind)
{
    MUST(mmap(at, npages * PAGE, prot, kind | MAP_ANONYMOUS | MAP_FIXED, -1, 0));
}

int main(void)
{
    char *base = lonely_pages(6, PROT_NONE);

    MUST(munmap(base, 6 * PAGE));
    put(base, 2, PROT_READ, MAP_PRIVATE);
    put(base + 4 * PAGE, 2, PROT_READ, MAP_PRIVATE);
    layout("apart", base, 6);
    put(base + 2 * PAGE, 2, PROT_READ, MAP_PRIVATE);
    layout("the gap filled", base, 6);
    put(base + 2 * PAGE, 2, PROT_READ | PROT_WRITE, MAP_PRIVATE);
    layout("with other rights", base, 6);
    MUST(mprotect(base + 2 * PAGE, 2 * PAGE, PROT_READ));
    layout("the same rights", base, 6);
    put(base + 2 * PAGE, 2, PROT_READ, MAP_SHARED);
    layout("shared", base, 6);
    return 0;
}
