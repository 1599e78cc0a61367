/* MAP_GROWSDOWN: a mapping that grows downwards when the page below it is touched. */
#include "tests/abi/abi.h"

#define ROOM 1024 /* pages: enough for the gap that is kept below such a mapping */

int main(void)
{
    char *base = lonely_pages(ROOM, PROT_NONE);
    char *top = base + (ROOM - 1) * PAGE;

    MUST(munmap(base, ROOM * PAGE));
    char *stack = mmap(top, PAGE, PROT_READ | PROT_WRITE,
                       MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED | MAP_GROWSDOWN, -1, 0);
    judge("there", stack == top);
    stack[0] = 't';
    probe("the page below", STORE, stack - 1);
    probe("and the next", STORE, stack - PAGE - 1);
    layout("grown", top - 3 * PAGE, 4);
    say("content: %c %c %c", stack[0], stack[-1], stack[-(int)PAGE - 1]);
    probe("above", LOAD, stack + PAGE);
    outcome("unmapped", munmap(top - 2 * PAGE, 3 * PAGE));
    probe("after that", LOAD, top - 1);
    return 0;
}
