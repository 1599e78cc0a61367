/* mprotect cuts a mapping, and equal neighbours grow together again. */
#include "tests/abi/abi.h"

static void protect(char *base, unsigned first, unsigned npages, int prot)
{
    outcome("mprotect", mprotect(base + first * PAGE, npages * PAGE, prot));
    layout("  now", base, 8);
}

int main(void)
{
    char *base = lonely_pages(8, PROT_READ | PROT_WRITE);

    memset(base, 'p', 8 * PAGE);
    protect(base, 3, 2, PROT_READ);
    protect(base, 0, 1, PROT_NONE);
    protect(base, 7, 1, PROT_NONE);
    protect(base, 2, 4, PROT_READ);
    protect(base, 0, 8, PROT_READ);
    protect(base, 4, 4, PROT_READ | PROT_WRITE);
    protect(base, 0, 8, PROT_READ | PROT_WRITE);
    say("content: %c %c", base[0], base[8 * PAGE - 1]);
    return 0;
}
