/* mremap grows in place where there is room, and only moves when it may. */
#include "tests/abi/abi.h"

int main(void)
{
    char *base = lonely_pages(8, PROT_READ | PROT_WRITE);

    MUST(munmap(base + 2 * PAGE, 4 * PAGE));
    strcpy(base + PAGE, "kept");
    judge("in place", mremap(base, 2 * PAGE, 5 * PAGE, 0) == base);
    layout("now", base, 8);
    judge("the new part is zero", base[4 * PAGE] == 0);
    base[4 * PAGE] = 'n';
    outcome("no room and must not move", (long)mremap(base, 5 * PAGE, 7 * PAGE, 0));
    layout("unchanged", base, 8);
    char *moved = mremap(base, 5 * PAGE, 7 * PAGE, MREMAP_MAYMOVE);
    judge("moved", moved != MAP_FAILED && moved != base);
    layout("left", base, 8);
    say("content: %s %c, new part %d", moved + PAGE, moved[4 * PAGE], moved[6 * PAGE]);
    probe("the old place", LOAD, base);
    return 0;
}
