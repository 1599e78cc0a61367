/* Untouched anonymous pages read as zero, and a write to one changes no other. */
#include "tests/abi/abi.h"

static int all_zero(const char *from, unsigned nbytes)
{
    for (unsigned i = 0; i < nbytes; i++)
        if (from[i])
            return 0;
    return 1;
}

int main(void)
{
    char *pages = map_pages(16, PROT_READ | PROT_WRITE);

    judge("all zero", all_zero(pages, 16 * PAGE));
    pages[5 * PAGE + 100] = 1;
    judge("before the written page", all_zero(pages, 5 * PAGE));
    judge("behind it", all_zero(pages + 6 * PAGE, 10 * PAGE));
    judge("the rest of it",
          all_zero(pages + 5 * PAGE, 100) && all_zero(pages + 5 * PAGE + 101, PAGE - 101));
    MUST(munmap(pages, 16 * PAGE));
    judge("mapped again at the same place",
          mmap(pages, 16 * PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) ==
              pages);
    judge("zero again", all_zero(pages, 16 * PAGE));
    return 0;
}
