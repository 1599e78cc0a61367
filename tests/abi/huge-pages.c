/* Memory for which huge pages were asked: no byte is lost when they are split by munmap, mprotect, fork
 * and mremap, and none is seen by the wrong process.  (Whether there are any is the kernel's choice.) */
#include "tests/abi/abi.h"

#define HUGE (4u << 20)
#define HUGE_PAGES (HUGE / PAGE)
#define NPAGES (2 * HUGE_PAGES)
#ifndef MADV_COLLAPSE /* a C library from before Linux 6.1 */
#define MADV_COLLAPSE 25
#endif

static unsigned *pages[NPAGES]; /* where page i is; NULL: unmapped */

static char text[65536];

/* What smaps says of the mapping at `base`, from the line "NAME" on; NULL: nothing. */
static char *smaps_line(const char *base, const char *name)
{
    char start[16];

    snprintf(start, sizeof start, "%08lx-", (unsigned long)base);
    MUST(read_text("/proc/self/smaps", text, sizeof text));
    char *entry = strstr(text, start);
    return entry ? strstr(entry, name) : NULL;
}

/* The advice for it. */
static void show_flags(const char *what, const char *base)
{
    char *flags = smaps_line(base, "VmFlags:");

    if (flags)
        *strchr(flags, '\n') = '\0';
    say("%s: hg %s, nh %s", what, flags && strstr(flags, " hg") ? "yes" : "no",
        flags && strstr(flags, " nh") ? "yes" : "no");
}

static unsigned word_of(unsigned i)
{
    return i * 2654435761u + 1;
}

/* 8 MiB that begin at a multiple of 4 MiB. */
static char *map_aligned(void)
{
    char *area = map_pages(3 * HUGE_PAGES, PROT_READ | PROT_WRITE);
    char *base = (char *)(((uintptr_t)area + HUGE - 1) & ~(HUGE - 1));

    if (base > area)
        MUST(munmap(area, base - area));
    if (area + HUGE > base)
        MUST(munmap(base + 2 * HUGE, area + HUGE - base));
    return base;
}

static void fill(char *base)
{
    for (unsigned i = 0; i < NPAGES; i++) {
        pages[i] = (unsigned *)(base + i * PAGE);
        *pages[i] = word_of(i);
        pages[i][PAGE / sizeof(unsigned) - 1] = ~word_of(i);
    }
}

static int is_whole(unsigned i)
{
    return *pages[i] == word_of(i) && pages[i][PAGE / sizeof(unsigned) - 1] == ~word_of(i);
}

static void check(const char *what)
{
    unsigned wrong = 0, mapped = 0;

    for (unsigned i = 0; i < NPAGES; i++) {
        mapped += pages[i] != NULL;
        wrong += pages[i] && !is_whole(i);
    }
    say("%s: %u pages, %u wrong", what, mapped, wrong);
}

static void child(void)
{
    check("child");
    for (unsigned i = 3; i < NPAGES; i += 100)
        if (pages[i])
            *pages[i] = 0;
    unsigned changed = 0;
    for (unsigned i = 0; i < NPAGES; i++)
        changed += pages[i] && !is_whole(i);
    say("child has changed %u", changed);
}

static void splits(char *base)
{
    MUST(munmap(base + 5 * PAGE, 3 * PAGE));
    pages[5] = pages[6] = pages[7] = NULL;
    check("three unmapped");
    probe("in the hole", LOAD, base + 6 * PAGE);
    MUST(mprotect(base + HUGE + 9 * PAGE, PAGE, PROT_READ));
    check("one read-only");
    probe("write to it", STORE, base + HUGE + 9 * PAGE);
    probe("write behind it", STORE, base + HUGE + 10 * PAGE + 8);
    MUST(madvise(base, PAGE, MADV_DONTNEED));
    say("dropped: %u %u", *pages[0], is_whole(1));
    *pages[0] = word_of(0);
    pages[0][PAGE / sizeof(unsigned) - 1] = ~word_of(0);
    check("written again");
}

static void move(char *base)
{
    char *place = map_aligned();
    int flags = MREMAP_MAYMOVE | MREMAP_FIXED;

    MUST(mremap(base, HUGE, HUGE, flags, place));
    for (unsigned i = 0; i < HUGE_PAGES; i++)
        pages[i] = (unsigned *)(place + i * PAGE);
    check("moved by a multiple of 4 MiB");
    MUST(mremap(base + HUGE, HUGE / 2, HUGE / 2, flags, place + HUGE + PAGE));
    for (unsigned i = HUGE_PAGES; i < HUGE_PAGES + HUGE_PAGES / 2; i++)
        pages[i] = (unsigned *)(place + PAGE + i * PAGE);
    check("half moved elsewhere");
    in_child("child", child);
    check("parent");
}

/* The first of two mappings refuses: the second is left alone. */
static void refuse(void)
{
    char *base = map_aligned();

    MUST(madvise(base, 2 * HUGE, MADV_NOHUGEPAGE));
    fill(base);
    MUST(madvise(base + HUGE, HUGE, MADV_HUGEPAGE));
    outcome("collapse of two", madvise(base, 2 * HUGE, MADV_COLLAPSE));
    char *line = smaps_line(base + HUGE, "AnonHugePages:");
    judge("the second has small pages", line && text_field(line, "AnonHugePages:") == 0);
    check("refused");
}

int main(void)
{
    char *base = map_aligned();

    outcome("not a page's address", madvise(base + 1, HUGE, MADV_HUGEPAGE));
    outcome("nohugepage", madvise(base, 2 * HUGE, MADV_NOHUGEPAGE));
    show_flags("nohugepage", base);
    outcome("hugepage", madvise(base, 2 * HUGE, MADV_HUGEPAGE));
    show_flags("hugepage", base);
    MUST(read_text("/proc/self/status", text, sizeof text));
    judge("status has THP_enabled", text_field(text, "THP_enabled:") >= 0);
    fill(base);
    check("filled");
    in_child("child", child);
    check("parent");
    *pages[1] = word_of(1);
    check("parent wrote");
    fill(base);
    move(base);
    base = map_aligned();
    outcome("hugepage", madvise(base, 2 * HUGE, MADV_HUGEPAGE));
    fill(base);
    splits(base);
    in_child("child", child);
    check("parent");
    outcome("hugepage across a hole", madvise(base, HUGE, MADV_HUGEPAGE));
    refuse();
    return 0;
}
