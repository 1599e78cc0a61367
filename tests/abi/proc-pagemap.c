/* /proc/self/pagemap: the present bit of touched and untouched pages; nothing beyond the end. */
#include "tests/abi/abi.h"

static int pagemap;

static void show(const char *what, const char *base)
{
    uint64_t entries[8];
    char text[9] = "";

    MUST(pread(pagemap, entries, sizeof entries, (off_t)((uintptr_t)base / PAGE) * 8));
    for (int i = 0; i < 8; i++)
        text[i] = '0' + (entries[i] >> 63);
    say("%s: %s", what, text);
}

int main(void)
{
    char *base = lonely_pages(8, PROT_READ | PROT_WRITE);
    uint64_t entry = 1;

    pagemap = MUST(open("/proc/self/pagemap", O_RDONLY));
    show("untouched", base);
    base[PAGE] = base[6 * PAGE] = 1;
    show("1 and 6 written", base);
    MUST(mprotect(base, 8 * PAGE, PROT_NONE));
    show("protected", base);
    MUST(madvise(base + PAGE, PAGE, MADV_DONTNEED));
    show("1 dropped", base);
    MUST(munmap(base, 8 * PAGE));
    show("unmapped", base);
    MUST(pread(pagemap, &entry, 8, 0));
    judge("page 0: nothing", entry == 0);
    outcome("not a multiple of 8", pread(pagemap, &entry, 5, 0));
    outcome("offset not a multiple of 8", pread(pagemap, &entry, 8, 4));
    outcome("bad pointer", pread(pagemap, BAD_POINTER, 8, 0));
    return 0;
}
