/* What each protection allows; the fault names the address and why. */
#include "tests/abi/abi.h"

int main(void)
{
    char *page = lonely_pages(1, PROT_READ | PROT_WRITE);

    *page = 'x';
    MUST(mprotect(page, PAGE, PROT_READ));
    probe("read-only, load", LOAD, page + 17);
    probe("read-only, store", STORE, page + 17);
    MUST(mprotect(page, PAGE, PROT_NONE));
    probe("none, load", LOAD, page + 4095);
    probe("none, store", STORE, page);
    MUST(mprotect(page, PAGE, PROT_READ | PROT_WRITE));
    probe("read-write, store", STORE, page + 1);
    say("content kept: %c", *page);
    MUST(mprotect(page, PAGE, PROT_WRITE));
    probe("write-only, load", LOAD, page);
    MUST(munmap(page, PAGE));
    probe("unmapped, load", LOAD, page + 2);
    probe("unmapped, store", STORE, page + 3);
    probe("null", LOAD, NULL);
    probe("text, store", STORE, (char *)(uintptr_t)main);
    probe("text, load", LOAD, (char *)(uintptr_t)main);
    return 0;
}
