/* Where mmap puts things: a free hint is followed, a taken one is not; never in the way of others. */
#include "tests/abi/abi.h"

int main(void)
{
    char *base = lonely_pages(8, PROT_READ);
    char *maps[50];
    int apart = 1, aligned = 1;

    MUST(munmap(base + 2 * PAGE, 2 * PAGE));
    char *hinted = mmap(base + 2 * PAGE, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    judge("free hint followed", hinted == base + 2 * PAGE);
    char *taken = mmap(base + 4 * PAGE, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    judge("taken hint not followed", taken != base + 4 * PAGE && taken != MAP_FAILED);
    probe("what was there", LOAD, base + 4 * PAGE);
    for (unsigned i = 0; i < LENGTH(maps); i++) {
        maps[i] = map_pages(3, PROT_READ | PROT_WRITE);
        aligned &= (uintptr_t)maps[i] % PAGE == 0;
        memset(maps[i], i, 3 * PAGE);
    }
    for (unsigned i = 0; i < LENGTH(maps); i++)
        apart &= maps[i][0] == (char)i && maps[i][3 * PAGE - 1] == (char)i;
    judge("aligned", aligned);
    judge("apart", apart);
    return 0;
}
