/* mremap to a smaller size stays where it is and frees the end. */
#include "tests/abi/abi.h"

int main(void)
{
    char *base = lonely_pages(6, PROT_READ | PROT_WRITE);

    memset(base, 'k', 6 * PAGE);
    judge("same size", mremap(base, 6 * PAGE, 6 * PAGE, 0) == base);
    judge("smaller", mremap(base, 6 * PAGE, 3 * PAGE, 0) == base);
    layout("now", base, 6);
    judge("a byte more than a page", mremap(base, 3 * PAGE, PAGE + 1, MREMAP_MAYMOVE) == base);
    layout("now", base, 6);
    say("content: %c %c", base[0], base[2 * PAGE - 1]);
    probe("behind", LOAD, base + 2 * PAGE);
    judge("grown again", mremap(base, 2 * PAGE, 3 * PAGE, 0) == base);
    judge("with zeroes", base[2 * PAGE] == 0);
    return 0;
}
