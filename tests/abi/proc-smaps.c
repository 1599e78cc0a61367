/* /proc/self/smaps counts what is resident of a mapping, shared and private, clean and dirty. */
#include "tests/abi/abi.h"

static char text[65536];

static void show(const char *what, void *base)
{
    char start[16];

    snprintf(start, sizeof start, "%08lx-", (unsigned long)base);
    MUST(read_text("/proc/self/smaps", text, sizeof text));
    char *entry = strstr(text, start);
    if (!entry) {
        say("%s: not listed", what);
        return;
    }
    say("%s: Size %lld, Rss %lld, Shared_Dirty %lld, Private_Dirty %lld, Anonymous %lld", what,
        text_field(entry, "Size:"), text_field(entry, "Rss:"),
        text_field(entry, "Shared_Dirty:"), text_field(entry, "Private_Dirty:"),
        text_field(entry, "Anonymous:"));
}

static char *pages;

static void child(void)
{
    show("child", pages);
    pages[0] = 2;
    show("child, one copied", pages);
}

int main(void)
{
    pages = lonely_pages(10, PROT_READ | PROT_WRITE);
    show("untouched", pages);
    for (int i = 0; i < 4; i++)
        pages[i * PAGE] = 1;
    show("four written", pages);
    in_child("child", child);
    show("child gone", pages);
    MUST(madvise(pages, 2 * PAGE, MADV_DONTNEED));
    show("two dropped", pages);
    return 0;
}
