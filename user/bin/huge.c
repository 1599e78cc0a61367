/* huge [never] [SECONDS] - 4 MiB pages: what one costs to get, and what makes small pages of it.
 *
 * A program that asks for it (madvise, MADV_HUGEPAGE) gets 4 MiB with the first touch of them: one page
 * fault instead of 1024, one entry of the TLB.  To take one page out of it splits it into small ones.
 * This program maps two of them, and looks at its own /proc/self/smaps after each step.
 *
 * never     It asks for small pages instead (MADV_NOHUGEPAGE), for comparison.
 * SECONDS   It says nothing, and waits at the end, to be looked at: with `smaps`, `walk`, `meminfo`.
 * Output    For each step what is resident, how much of it in huge pages, and how many page faults it
 *           took. */
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include "kernel/lib/parse.h"

#define PAGE 4096u
#define HUGE (4u << 20)
#define COUNT 2u

static char text[32768];
static uint32_t seconds; /* to wait; 0: speak instead */

static void read_smaps(void)
{
    int fd = open("/proc/self/smaps", O_RDONLY);
    size_t length = 0;
    ssize_t part;

    while (length < sizeof(text) - 1 &&
           (part = read(fd, text + length, sizeof(text) - 1 - length)) > 0)
        length += (size_t)part;
    close(fd);
    text[length] = '\0';
}

/* The numbers behind "NAME" in smaps, of all ranges that begin in the area. */
static long sum_field(const char *area, const char *name)
{
    int inside = 0;
    long sum = 0;

    for (const char *line = text; *line != '\0'; line = strchr(line, '\n') + 1) {
        char *rest;
        uintptr_t start = strtoul(line, &rest, 16);
        if (*rest == '-')
            inside = start >= (uintptr_t)area && start < (uintptr_t)area + COUNT * HUGE;
        else if (inside && strncmp(line, name, strlen(name)) == 0)
            sum += strtol(line + strlen(name), NULL, 10);
    }
    return sum;
}

static long faults(void)
{
    struct rusage usage;

    getrusage(RUSAGE_SELF, &usage);
    return usage.ru_minflt;
}

static void touch(char *start, size_t nbytes)
{
    for (size_t i = 0; i < nbytes; i += PAGE)
        ((volatile char *)start)[i] = (char)(i / PAGE);
}

static void show(const char *step, const char *area, long faults_taken)
{
    if (seconds > 0)
        return;
    read_smaps();
    printf("%-33s %4ld kB resident, %4ld kB huge, %4ld faults\n", step, sum_field(area, "Rss:"),
           sum_field(area, "AnonHugePages:"), faults_taken);
}

/* COUNT huge pages' worth of addresses, at a multiple of their size, with nothing else around. */
static char *map_aligned(void)
{
    char *area = mmap(NULL, (COUNT + 1) * HUGE, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    if (area == MAP_FAILED)
        return NULL;
    char *start = (char *)(((uintptr_t)area + HUGE) & ~(HUGE - 1));
    munmap(area, (size_t)(start - area));
    munmap(start + COUNT * HUGE, (size_t)(area + HUGE - start));
    return start;
}

int main(int argc, char *argv[])
{
    int never = argc > 1 && strcmp(argv[1], "never") == 0;

    if (argc > 2 + never || (argc > 1 + never && parse_u32(argv[1 + never], &seconds) != 0)) {
        puts("usage: huge [never] [SECONDS]");
        return 2;
    }
    char *start = map_aligned();
    if (start == NULL ||
        madvise(start, COUNT * HUGE, never ? MADV_NOHUGEPAGE : MADV_HUGEPAGE)) {
        perror("huge");
        return 1;
    }
    show("mapped", start, 0);
    long before = faults();
    touch(start, COUNT * HUGE);
    long after = faults();
    show("8 MiB written", start, after - before);

    before = faults();
    munmap(start + HUGE + 100 * PAGE, PAGE);
    after = faults();
    show("one page of the second unmapped", start, after - before);

    before = faults();
    madvise(start, HUGE, MADV_DONTNEED);
    touch(start, PAGE);
    after = faults();
    show("the first dropped, a byte written", start, after - before);
    sleep(seconds);
    return 0;
}
