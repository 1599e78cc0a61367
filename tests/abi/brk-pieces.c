/* A heap with pieces that have other rights, and a large one, shrink and grow again. */
#include "tests/abi/abi.h"

int main(void)
{
    char *heap = (char *)(((uintptr_t)sbrk(0) + PAGE - 1) & -PAGE);

    MUST(brk(heap + 8 * PAGE));
    MUST(mprotect(heap, 8 * PAGE, PROT_READ));
    outcome("a piece more, writable", brk(heap + 9 * PAGE));
    outcome("without it", brk(heap + 8 * PAGE));
    MUST(mprotect(heap, PAGE, PROT_READ | PROT_WRITE));
    outcome("the last read-only page gone", brk(heap + 7 * PAGE));
    outcome("up again", brk(heap + 12 * PAGE));
    heap[11 * PAGE] = 1;
    layout("heap", heap, 13);

    outcome("a large heap", brk(heap + 4096 * PAGE));
    heap[4095 * PAGE] = 2;
    outcome("down in one step", brk(heap + 11 * PAGE + 1));
    judge("the last page is kept", heap[11 * PAGE] == 1);
    layout("heap", heap, 13);
    return 0;
}
