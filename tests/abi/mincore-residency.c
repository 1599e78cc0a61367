/* mincore: nothing is resident before it is touched; what is touched is. */
#include "tests/abi/abi.h"

static void show(const char *what, char *base)
{
    unsigned char resident[8];
    char text[9] = "";

    MUST(mincore(base, 8 * PAGE, resident));
    for (int i = 0; i < 8; i++)
        text[i] = '0' + (resident[i] & 1);
    say("%s: %s", what, text);
}

static void child(void)
{
    char *base = lonely_pages(8, PROT_READ | PROT_WRITE);

    base[7 * PAGE] = 1;
    show("in a child", base);
}

int main(void)
{
    char *base = lonely_pages(8, PROT_READ | PROT_WRITE);

    show("untouched", base);
    base[2 * PAGE] = 1;
    show("page 2 written", base);
    (void)*(volatile char *)(base + 5 * PAGE);
    show("page 5 read", base);
    MUST(madvise(base, 8 * PAGE, MADV_DONTNEED));
    show("dropped", base);
    MUST(write(MUST(open("/dev/null", O_WRONLY)), base, 1));
    int zero = MUST(open("/dev/zero", O_RDONLY));
    MUST(read(zero, base + 3 * PAGE, 2 * PAGE));
    show("the kernel wrote pages 3 and 4", base);
    in_child("child", child);
    return 0;
}
