/* What the parent writes after fork, the child does not see; nor what yet another child wrote. */
#include "tests/abi/abi.h"

static volatile int *pages;
static int go[2];

static void look(void)
{
    await(go[0]);
    for (int i = 0; i < 8; i++)
        if (pages[i * PAGE / sizeof(int)] != i)
            say("page %d differs", i);
}

static void overwrite(void)
{
    for (int i = 0; i < 8; i++)
        pages[i * PAGE / sizeof(int)] = 1000;
}

int main(void)
{
    pages = (int *)map_pages(8, PROT_READ | PROT_WRITE);
    for (int i = 0; i < 8; i++)
        pages[i * PAGE / sizeof(int)] = i;
    MUST(pipe(go));
    pid_t reader = start_child(look);
    in_child("writer", overwrite);
    for (int i = 0; i < 8; i += 2)
        pages[i * PAGE / sizeof(int)] = 2000;
    announce(go[1]);
    wait_for("reader", reader);
    for (int i = 0; i < 8; i++)
        say("parent's page %d: %d", i, pages[i * PAGE / sizeof(int)]);
    return 0;
}
