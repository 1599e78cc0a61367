/* Advice that was given for the heap is not for what the heap gets later. */
#include "tests/abi/abi.h"

static char *old_end, *new_end;

static void child(void)
{
    probe("the new page, in a child", LOAD, new_end - PAGE);
    say("the new page has %d", new_end[-1]);
    probe("the old page, in a child", LOAD, old_end - PAGE);
}

static void grow_after(const char *what, int advice)
{
    old_end = (char *)MUST(sbrk(2 * PAGE)) + 2 * PAGE;
    outcome(what, madvise(old_end - PAGE, PAGE, advice));
    MUST(sbrk(PAGE));
    new_end = old_end + PAGE;
    old_end[-1] = 1;
    new_end[-1] = 2;
    layout("heap", old_end - 2 * PAGE, 3);
    in_child("child", child);
}

int main(void)
{
    char *start = (char *)MUST(sbrk(0));

    MUST(sbrk(PAGE - (uintptr_t)start % PAGE)); /* to the end of a page */
    grow_after("dontfork", MADV_DONTFORK);
    grow_after("wipeonfork", MADV_WIPEONFORK);
    return 0;
}
