/* lazy [all] - which pages of a program are there when it starts?  None but those it has touched.
 *
 * exec maps a program's parts and loads nothing; each page comes with the first touch of it, and the
 * kernel's only copy of a page of the file is shared by all that map it.  This program has large
 * text, constants, data and zeros, looks at its own /proc/self/pagemap first thing, touches one page
 * in the middle of each part, and looks again.
 *
 * all       In the end it touches every page, so that all of the file is in the page cache.
 * Output    For each part the number of its pages, how many were present at the start, and after the
 *           touch; "others came", if they did. */
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define PAGE 4096u
#define PAGES 16u
#define TOUCHED (PAGES / 2)
#define PRESENT (1ull << 63) /* proc(5), pagemap */

struct part {
    const char *name;
    char *start;
    bool is_writable;
};

static const char constants[PAGES * PAGE] __attribute__((aligned(PAGE))) = { 1 };
static char data[PAGES * PAGE] __attribute__((aligned(PAGE))) = { 1 };
static char zeros[PAGES * PAGE] __attribute__((aligned(PAGE)));

/* Code that is never run: full pages of it. */
extern char text[];
__asm__(".section .text.large, \"ax\"\n"
        ".balign 4096\n"
        "text: .fill 16 * 4096, 1, 0x90\n"
        ".balign 4096\n"
        ".previous\n");

/* Bit i of the result: page i is present. */
static uint64_t presence(const struct part *part)
{
    static uint64_t entries[PAGES];
    uint64_t present = 0;
    int fd = open("/proc/self/pagemap", O_RDONLY);

    lseek(fd, (off_t)((uintptr_t)part->start / PAGE * sizeof(entries[0])), SEEK_SET);
    if (read(fd, entries, sizeof(entries)) != sizeof(entries))
        perror("lazy: /proc/self/pagemap");
    close(fd);
    for (unsigned i = 0; i < PAGES; i++)
        if ((entries[i] & PRESENT) != 0)
            present |= 1ull << i;
    return present;
}

static unsigned count_bits(uint64_t bits)
{
    unsigned count = 0;

    for (; bits != 0; bits &= bits - 1)
        count++;
    return count;
}

static void touch(const struct part *part, unsigned index)
{
    volatile char *page = part->start + index * PAGE;

    if (part->is_writable)
        *page = 2;
    else
        (void)*page;
}

int main(int argc, char **argv)
{
    static const struct part parts[] = {
        { "text", text, false },
        { "constants", (char *)constants, false },
        { "data", data, true },
        { "zeros", zeros, true },
    };
    enum { COUNT = sizeof(parts) / sizeof(parts[0]) };
    uint64_t before[COUNT];
    bool all = argc == 2 && strcmp(argv[1], "all") == 0;

    if (argc > 1 && !all) {
        puts("usage: lazy [all]");
        return 2;
    }
    for (unsigned i = 0; i < COUNT; i++)
        before[i] = presence(&parts[i]);
    for (unsigned i = 0; i < COUNT; i++) {
        touch(&parts[i], TOUCHED);
        uint64_t after = presence(&parts[i]);
        bool only = after == (before[i] | 1ull << TOUCHED);
        printf("%-9s %u pages, %u present at the start, %u after one touch%s\n", parts[i].name,
               PAGES, count_bits(before[i]), count_bits(after), only ? "" : ": others came");
    }
    for (unsigned index = 0; all && index < PAGES * COUNT; index++)
        touch(&parts[index / PAGES], index % PAGES);
    return 0;
}
