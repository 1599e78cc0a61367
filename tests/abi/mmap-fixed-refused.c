/* MAP_FIXED over something that is there: a limit counts what is added, and a request that is refused
 * leaves the old range with its contents. */
#include "tests/abi/abi.h"

#include <sys/resource.h>

#define OLD (8u << 20)

static void *map_over(char *place, size_t nbytes)
{
    return mmap(place, nbytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED,
                -1, 0);
}

static void set_limit(int resource, rlim_t bytes)
{
    struct rlimit limit = { bytes, RLIM_INFINITY };

    MUST(setrlimit(resource, &limit));
}

static void replace(int resource, char *place)
{
    MUST(map_over(place, OLD) == place ? 0 : -1);
    place[0] = 7;
    set_limit(resource, OLD + (4u << 20));
    outcome("twice as much", map_over(place, 2 * OLD) == MAP_FAILED ? -1 : 0);
    judge("contents are there", place[0] == 7);
    outcome("as much", map_over(place, OLD) == MAP_FAILED ? -1 : 0);
    judge("replaced", place[0] == 0);
    set_limit(resource, RLIM_INFINITY);
}

int main(void)
{
    char *place = mmap(NULL, 2 * OLD, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    if (place == MAP_FAILED)
        return STATUS_BROKEN;
    MUST(munmap(place, 2 * OLD));
    say("RLIMIT_AS:");
    replace(RLIMIT_AS, place);
    say("RLIMIT_DATA:");
    replace(RLIMIT_DATA, place);
    return 0;
}
