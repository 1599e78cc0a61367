/* PROT_NONE pages between blocks catch the first byte too far, in both directions. */
#include "tests/abi/abi.h"

int main(void)
{
    char *base = lonely_pages(7, PROT_NONE);

    for (int i = 1; i < 7; i += 2)
        MUST(mprotect(base + i * PAGE, PAGE, PROT_READ | PROT_WRITE));
    layout("blocks", base, 7);
    for (int i = 1; i < 7; i += 2) {
        memset(base + i * PAGE, i, PAGE);
        probe("one before", STORE, base + i * PAGE - 1);
        probe("first", STORE, base + i * PAGE);
        probe("last", STORE, base + (i + 1) * PAGE - 1);
        probe("one behind", STORE, base + (i + 1) * PAGE);
    }
    return 0;
}
