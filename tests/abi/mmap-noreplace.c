/* MAP_FIXED_NOREPLACE: exactly there, or EEXIST and nothing has changed. */
#include "tests/abi/abi.h"

static char *put(char *at, unsigned npages)
{
    return mmap(at, npages * PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE,
                -1, 0);
}

int main(void)
{
    char *base = lonely_pages(6, PROT_READ | PROT_WRITE);

    MUST(munmap(base, 2 * PAGE));
    outcome("on the border", (long)put(base + PAGE, 2));
    outcome("inside", (long)put(base + 3 * PAGE, 1));
    layout("unchanged", base, 6);
    judge("into the gap", put(base, 2) == base);
    layout("now", base, 6);
    outcome("again", (long)put(base, 2));
    errno = 0;
    outcome("not a page's address", (long)put(base + 1, 1));
    return 0;
}
