/* count [N] - print a number each second, up to N or until somebody ends it. */
#include <stdint.h>
#include <stdio.h>
#include <unistd.h>

#include "kernel/lib/parse.h"

int main(int argc, char **argv)
{
    uint32_t last = UINT32_MAX;

    if (argc > 2 || (argc == 2 && parse_u32(argv[1], &last) != 0)) {
        puts("usage: count [N]");
        return 2;
    }
    for (uint32_t number = 1; number <= last; number++) {
        printf("%u\n", number);
        if (number < last)
            sleep(1);
    }
    return 0;
}
