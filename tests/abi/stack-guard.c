/* The stack does not grow into a mapping below it. */
#include "tests/abi/abi.h"

static void reach(void)
{
    char here;
    char *below = (char *)(((uintptr_t)&here & -PAGE) - 1024 * PAGE);

    MUST(mmap(below, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1,
              0));
    *below = 'm';
    for (volatile char *at = &here; at > below + PAGE; at -= PAGE / 2)
        *at = 's';
    say("reached the mapping");
}

static void stay_away(void)
{
    char here;
    char *below = (char *)(((uintptr_t)&here & -PAGE) - 1024 * PAGE);

    MUST(mmap(below, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1,
              0));
    for (volatile char *at = &here; at > below + 300 * PAGE; at -= PAGE / 2)
        *at = 's';
    say("mapping untouched: %s", *below == 0 ? "yes" : "no");
}

int main(void)
{
    in_child("up to the mapping", reach);
    in_child("not as far", stay_away);
    return 0;
}
