/* brk: what is behind the break faults, what comes back is zero, nonsense changes nothing. */
#include "tests/abi/abi.h"

static char *raw_brk(void *address)
{
    return (char *)syscall(SYS_brk, address);
}

int main(void)
{
    char *page = (char *)(((uintptr_t)raw_brk(0) + 2 * PAGE - 1) & -PAGE);

    judge("moved up", raw_brk(page + PAGE) == page + PAGE);
    probe("first byte", STORE, page);
    probe("last byte", STORE, page + PAGE - 1);
    probe("first byte behind", LOAD, page + PAGE);
    judge("in the middle of a page", raw_brk(page + 10) == page + 10);
    probe("the rest of that page", STORE, page + PAGE - 1);
    judge("moved down", raw_brk(page) == page);
    probe("after that", LOAD, page);
    judge("moved up again", raw_brk(page + PAGE) == page + PAGE);
    judge("zero again", page[0] == 0 && page[PAGE - 1] == 0);
    judge("below the start: stays", raw_brk((void *)PAGE) == page + PAGE);
    judge("into the kernel: stays", raw_brk((void *)0xfffff000) == page + PAGE);
    judge("asking", raw_brk(0) == page + PAGE);
    return 0;
}
