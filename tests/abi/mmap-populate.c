/* MAP_POPULATE: every page is resident at once; without it none is. */
#include "tests/abi/abi.h"

static unsigned resident(char *base, unsigned npages)
{
    unsigned char each[64];
    unsigned count = 0;

    MUST(mincore(base, npages * PAGE, each));
    for (unsigned i = 0; i < npages; i++)
        count += each[i] & 1;
    return count;
}

static void map_kind(const char *what, int prot, int flags)
{
    char *base = (char *)MUST(mmap(NULL, 16 * PAGE, prot, flags | MAP_ANONYMOUS, -1, 0));

    say("%s: %u resident", what, resident(base, 16));
    if (prot != PROT_NONE)
        say("  first byte %d", base[0]);
    MUST(munmap(base, 16 * PAGE));
}

int main(void)
{
    map_kind("plain", PROT_READ | PROT_WRITE, MAP_PRIVATE);
    map_kind("populated", PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_POPULATE);
    map_kind("populated, read-only", PROT_READ, MAP_PRIVATE | MAP_POPULATE);
    map_kind("populated, shared", PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE);
    map_kind("populated, no access", PROT_NONE, MAP_PRIVATE | MAP_POPULATE);
    return 0;
}
