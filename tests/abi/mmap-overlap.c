/* MAP_FIXED replaces what is there: inside, across borders, all of it. */
#include "tests/abi/abi.h"

static void put(const char *what, char *at, unsigned npages, int prot, char *base)
{
    char *got = mmap(at, npages * PAGE, prot, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);

    judge(what, got == at);
    layout("  now", base, 12);
}

int main(void)
{
    char *base = lonely_pages(12, PROT_READ | PROT_WRITE);

    memset(base, 'x', 12 * PAGE);
    put("inside", base + 4 * PAGE, 2, PROT_READ, base);
    put("across a border", base + 5 * PAGE, 3, PROT_NONE, base);
    put("over the front", base, 2, PROT_READ, base);
    put("over the end", base + 10 * PAGE, 2, PROT_NONE, base);
    say("kept: %c", base[3 * PAGE]);
    judge("replaced by zeroes", base[0] == 0 && base[4 * PAGE] == 0);
    put("over all", base, 12, PROT_READ | PROT_WRITE, base);
    judge("zero", base[0] == 0 && base[3 * PAGE] == 0 && base[11 * PAGE] == 0);
    return 0;
}
