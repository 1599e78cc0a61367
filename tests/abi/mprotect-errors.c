/* Every bad argument of mprotect has its error; before a gap it has already worked. */
#include "tests/abi/abi.h"

int main(void)
{
    char *base = lonely_pages(6, PROT_READ | PROT_WRITE);

    MUST(munmap(base + 3 * PAGE, PAGE));
    outcome("not a page's address", mprotect(base + 1, PAGE, PROT_READ));
    outcome("length 0", mprotect(base, 0, PROT_READ));
    outcome("unknown right", mprotect(base, PAGE, 0x100));
    outcome("nothing there", mprotect(base + 3 * PAGE, PAGE, PROT_READ));
    outcome("in the kernel", mprotect((void *)USER_END, PAGE, PROT_READ));
    outcome("length that wraps", mprotect(base, 0xffffffff, PROT_READ));
    outcome("grows down, but no stack", mprotect(base, PAGE, PROT_READ | PROT_GROWSDOWN));
    outcome("both directions", mprotect(base, PAGE, PROT_READ | PROT_GROWSDOWN | PROT_GROWSUP));
    MUST(mprotect(base, 3 * PAGE,
                  PROT_READ | PROT_WRITE)); /* a 64-bit kernel does what comes before */
    outcome("into a gap", mprotect(base + 2 * PAGE, 3 * PAGE, PROT_READ));
    layout("as far as the gap", base, 6);
    return 0;
}
