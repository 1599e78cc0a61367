/* Down to the very base of the heap and up again, many times: nothing is lost, all is zero. */
#include "tests/abi/abi.h"

int main(void)
{
    char *base = sbrk(0);
    int zero = 1, moved = 1;

    for (unsigned round = 1; round <= 20; round++) {
        moved &= brk(base + round * PAGE) == 0;
        for (char *byte = base; byte < base + round * PAGE; byte += 512) {
            zero &= *byte == 0;
            *byte = round;
        }
        moved &= brk(base) == 0;
    }
    judge("always moved", moved);
    judge("always zero", zero);
    judge("back at the base", sbrk(0) == base);
    return 0;
}
