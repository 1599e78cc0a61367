/* madvise: bad arguments, and advice that may be ignored but must be accepted. */
#include "tests/abi/abi.h"

int main(void)
{
    char *base = lonely_pages(4, PROT_READ | PROT_WRITE);

    MUST(munmap(base + 2 * PAGE, PAGE));
    base[0] = 'k';
    outcome("normal", madvise(base, PAGE, MADV_NORMAL));
    outcome("random", madvise(base, PAGE, MADV_RANDOM));
    outcome("sequential", madvise(base, PAGE, MADV_SEQUENTIAL));
    outcome("dontfork, dofork",
            madvise(base, PAGE, MADV_DONTFORK) | madvise(base, PAGE, MADV_DOFORK));
    outcome("length 0", madvise(base, 0, MADV_DONTNEED));
    outcome("not a page's address", madvise(base + 1, PAGE, MADV_DONTNEED));
    outcome("unknown advice", madvise(base, PAGE, 9999));
    outcome("unknown advice, length 0", madvise(base, 0, 9999));
    outcome("nothing there", madvise(base + 2 * PAGE, PAGE, MADV_DONTNEED));
    say("content: %c", base[0]);
    outcome("across a gap", madvise(base, 4 * PAGE, MADV_DONTNEED));
    say("done nevertheless: %d", base[0]);
    return 0;
}
