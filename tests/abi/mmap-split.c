/* munmap of the front, the end and the middle; of several mappings at once; of gaps. */
#include "tests/abi/abi.h"

int main(void)
{
    char *base = lonely_pages(10, PROT_READ | PROT_WRITE);

    for (int i = 0; i < 10; i++)
        base[i * PAGE] = '0' + i;
    layout("whole", base, 10);
    outcome("middle", munmap(base + 4 * PAGE, 2 * PAGE));
    layout("two parts", base, 10);
    outcome("front", munmap(base, PAGE));
    outcome("end", munmap(base + 9 * PAGE, PAGE));
    layout("smaller", base, 10);
    say("kept: %c %c %c", base[PAGE], base[3 * PAGE], base[8 * PAGE]);
    outcome("a gap", munmap(base + 4 * PAGE, PAGE));
    outcome("across the gap", munmap(base + 3 * PAGE, 4 * PAGE));
    layout("across", base, 10);
    outcome("everything", munmap(base, 10 * PAGE));
    layout("nothing", base, 10);
    probe("gone", LOAD, base + PAGE);
    return 0;
}
