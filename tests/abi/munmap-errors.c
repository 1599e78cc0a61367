/* munmap: bad arguments; and lengths are rounded up to pages. */
#include "tests/abi/abi.h"

int main(void)
{
    char *base = lonely_pages(4, PROT_READ);

    outcome("not a page's address", munmap(base + 1, PAGE));
    outcome("length 0", munmap(base, 0));
    outcome("in the kernel", munmap((void *)USER_END, PAGE));
    outcome("across the end", munmap((void *)(USER_END - PAGE), 2 * PAGE));
    outcome("length that wraps", munmap(base, 0xffffffff));
    layout("unchanged", base, 4);
    outcome("one byte", munmap(base, 1));
    layout("a page less", base, 4);
    outcome("a page and a byte", munmap(base + PAGE, PAGE + 1));
    layout("two pages less", base, 4);
    outcome("nothing there", munmap(base, PAGE));
    return 0;
}
