/* Copy-on-write and protection are two things: a page that is read-only stays so in the child, and
 * one that the child makes writable is its own. */
#include "tests/abi/abi.h"

static char *page;

static void child(void)
{
    probe("child, still read-only", STORE, page);
    MUST(mprotect(page, PAGE, PROT_READ | PROT_WRITE));
    probe("child, made writable", STORE, page);
    say("child: %s", page);
}

int main(void)
{
    page = map_pages(1, PROT_READ | PROT_WRITE);
    strcpy(page, "parent");
    MUST(mprotect(page, PAGE, PROT_READ));
    in_child("child", child);
    say("parent: %s", page);
    probe("parent, still read-only", STORE, page);
    return 0;
}
