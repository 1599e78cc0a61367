/* brk stops in front of a mapping, and goes on when that is gone. */
#include "tests/abi/abi.h"

int main(void)
{
    char *page = (char *)(((uintptr_t)sbrk(0) + PAGE - 1) & -PAGE);
    char *wall = page + 4 * PAGE;

    MUST(brk(page));
    judge("mapped above",
          mmap(wall, PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == wall);
    outcome("up to the gap's end", brk(page + 3 * PAGE));
    outcome("onto the mapping", brk(wall + PAGE));
    outcome("far beyond the mapping", brk(wall + 100 * PAGE));
    judge("unchanged", sbrk(0) == page + 3 * PAGE);
    layout("heap, gap, wall", page, 5);
    MUST(munmap(wall, PAGE));
    outcome("onto where it was", brk(wall + PAGE));
    layout("heap", page, 5);
    return 0;
}
