/* What a child writes after fork, the parent does not see: data, bss, heap, stack, mapping. */
#include "tests/abi/abi.h"

static char data[2 * PAGE] = "parent", bss[2 * PAGE];
static char *places[5];

static void write_all(void)
{
    int as_left = 1;

    for (unsigned i = 0; i < LENGTH(places); i++)
        as_left &= strcmp(places[i], "parent") == 0;
    judge("the child finds what the parent wrote", as_left);
    for (unsigned i = 0; i < LENGTH(places); i++)
        strcpy(places[i], "child");
}

int main(void)
{
    char stack[16];

    places[0] = data, places[1] = bss, places[2] = sbrk(PAGE), places[3] = stack;
    places[4] = map_pages(1, PROT_READ | PROT_WRITE);
    for (unsigned i = 0; i < LENGTH(places); i++)
        strcpy(places[i], "parent");
    in_child("child", write_all);
    for (unsigned i = 0; i < LENGTH(places); i++)
        say("place %u: %s", i, places[i]);
    return 0;
}
