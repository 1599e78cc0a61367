/* MREMAP_FIXED: to exactly there, replacing what is there; a part of a mapping moves alone. */
#include "tests/abi/abi.h"

int main(void)
{
    char *from = lonely_pages(4, PROT_READ | PROT_WRITE);
    char *to = lonely_pages(6, PROT_READ);

    for (int i = 0; i < 4; i++)
        from[i * PAGE] = '0' + i;
    judge("there", mremap(from + PAGE, 2 * PAGE, 2 * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED,
                          to + PAGE) == to + PAGE);
    layout("source", from, 4);
    layout("target", to, 6);
    say("content: %c %c %c %c", from[0], to[PAGE], to[2 * PAGE], from[3 * PAGE]);
    judge("there, larger", mremap(from, PAGE, 2 * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED,
                                  to + 4 * PAGE) == to + 4 * PAGE);
    layout("target", to, 6);
    say("content: %c, new part %d", to[4 * PAGE], to[5 * PAGE]);
    probe("the source", LOAD, from);
    return 0;
}
