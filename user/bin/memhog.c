/* memhog SIZE[K|M|G] [SECONDS] - fill SIZE bytes of heap with a pattern, verify it, keep it for
 * a while.  Every page holds a word of its own, so that a page that appears twice or is lost is
 * noticed.  Exit status 1: there is not that much memory, or a word was wrong. */
#include <stdint.h>
#include <stdio.h>
#include <unistd.h>

#include "kernel/lib/parse.h"

#define WORDS_PER_PAGE (PAGE_SIZE / sizeof(uint32_t))
#define GOLDEN 2654435761u /* 2^32 / golden ratio, odd: gives each page number another word */
#define STEPS 4            /* lines of progress */

static void fill_page(uint32_t *page, uint32_t number)
{
    uint32_t word = number * GOLDEN;
    for (unsigned i = 0; i < WORDS_PER_PAGE; i += 4) {
        page[i] = word;
        page[i + 1] = word;
        page[i + 2] = word;
        page[i + 3] = word;
    }
}

static bool page_is_intact(const uint32_t *page, uint32_t number)
{
    uint32_t word = number * GOLDEN, difference = 0;
    for (unsigned i = 0; i < WORDS_PER_PAGE; i += 4) {
        difference |= (page[i] ^ word) | (page[i + 1] ^ word);
        difference |= (page[i + 2] ^ word) | (page[i + 3] ^ word);
    }
    return difference == 0;
}

static uint32_t *page_at(char *start, uint32_t number)
{
    return (uint32_t *)(start + (size_t)number * PAGE_SIZE);
}

static bool fill_and_verify(char *start, uint32_t npages)
{
    uint32_t done = 0;
    for (unsigned step = 1; step <= STEPS; step++) {
        uint32_t end = (uint32_t)((uint64_t)npages * step / STEPS);
        if (done == end)
            continue; /* fewer pages than steps */
        for (; done < end; done++)
            fill_page(page_at(start, done), done);
        printf("memhog: %u of %u pages filled\n", done, npages);
    }
    for (uint32_t number = 0; number < npages; number++) {
        if (!page_is_intact(page_at(start, number), number)) {
            printf("memhog: page %u is damaged\n", number);
            return false;
        }
    }
    return true;
}

/* "1100 MiB", or KiB where it is not a whole number of MiB. */
static void print_size(uint64_t nbytes)
{
    if (nbytes % MiB == 0)
        printf("memhog: %u MiB", (unsigned)(nbytes / MiB));
    else
        printf("memhog: %u KiB", (unsigned)DIV_ROUND_UP(nbytes, KiB));
}

int main(int argc, char **argv)
{
    uint64_t nbytes;
    uint32_t seconds = 0;

    if (argc < 2 || argc > 3 || parse_size(argv[1], &nbytes) != 0 || nbytes == 0 ||
        (argc == 3 && parse_u32(argv[2], &seconds) != 0)) {
        puts("usage: memhog SIZE[K|M|G] [SECONDS]");
        return 2;
    }
    uint64_t npages = DIV_ROUND_UP(nbytes, PAGE_SIZE);
    uintptr_t old_end = (uintptr_t)sbrk(0), start = ALIGN_UP(old_end, PAGE_SIZE);
    uint64_t end = start + npages * PAGE_SIZE;
    if (end > UINT32_MAX || brk((void *)(uintptr_t)end) != 0) {
        print_size(nbytes);
        puts(": Cannot allocate memory");
        return 1;
    }
    if (!fill_and_verify((char *)start, (uint32_t)npages))
        return 1;
    print_size(nbytes);
    puts(" filled and verified");
    sleep(seconds);
    return 0;
}
