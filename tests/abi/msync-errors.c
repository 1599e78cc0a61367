/* msync: nothing to do for memory, but the arguments are checked. */
#include "tests/abi/abi.h"

int main(void)
{
    char *base = lonely_pages(4, PROT_READ | PROT_WRITE);

    MUST(munmap(base + 2 * PAGE, PAGE));
    outcome("synchronous", msync(base, PAGE, MS_SYNC));
    outcome("asynchronous", msync(base, PAGE, MS_ASYNC));
    outcome("invalidate", msync(base, PAGE, MS_INVALIDATE));
    outcome("no flag", msync(base, PAGE, 0));
    outcome("both ways", msync(base, PAGE, MS_SYNC | MS_ASYNC));
    outcome("unknown flag", msync(base, PAGE, 64));
    outcome("not a page's address", msync(base + 1, PAGE, MS_SYNC));
    outcome("length 0", msync(base, 0, MS_SYNC));
    outcome("nothing there", msync(base + 2 * PAGE, PAGE, MS_SYNC));
    outcome("across a gap", msync(base, 4 * PAGE, MS_ASYNC));
    return 0;
}
