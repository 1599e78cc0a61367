/* mincore: bad arguments. */
#include "tests/abi/abi.h"

int main(void)
{
    unsigned char each[8];
    char *base = lonely_pages(4, PROT_READ);

    MUST(munmap(base + 2 * PAGE, PAGE));
    outcome("fine", mincore(base, 2 * PAGE, each));
    outcome("not a page's address", mincore(base + 1, PAGE, each));
    outcome("nowhere to put it", mincore(base, PAGE, BAD_POINTER));
    outcome("a gap", mincore(base, 4 * PAGE, each));
    outcome("nothing there", mincore(base + 2 * PAGE, PAGE, each));
    outcome("in the kernel", mincore((void *)0xfff00000, PAGE, each));
    outcome("length 0", mincore(base, 0, each));
    outcome("one byte", mincore(base, 1, each));
    return 0;
}
