/* holes SIZE[K|M] [SECONDS [PROCESSES]] - break memory into pieces: fill SIZE bytes of memory, give
 * every other page back, share the rest by fork until PROCESSES have it, wait, and verify it in each.
 * Meanwhile the kernel may move the frames about (`compact`).
 * Exit status 1: there is not that much memory, or a page is damaged. */
#include <stdint.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "kernel/lib/parse.h"

#define GOLDEN 2654435761u /* 2^32 / golden ratio, odd: gives each page another word */

static void fill(uint32_t *page, uint32_t number)
{
    for (unsigned i = 0; i < PAGE_SIZE / sizeof(*page); i++)
        page[i] = number * GOLDEN + i;
}

static bool is_intact(const uint32_t *page, uint32_t number)
{
    for (unsigned i = 0; i < PAGE_SIZE / sizeof(*page); i++)
        if (page[i] != number * GOLDEN + i)
            return false;
    return true;
}

static void *page_at(char *start, uint32_t number)
{
    return start + (size_t)number * PAGE_SIZE;
}

/* Every other page of what one process has. */
static bool verify(char *start, uint32_t npages)
{
    for (uint32_t number = 1; number < npages; number += 2) {
        if (!is_intact(page_at(start, number), number)) {
            printf("holes: page %u is damaged\n", number);
            return false;
        }
    }
    printf("holes: %u pages verified\n", npages / 2);
    return true;
}

/* In so many processes: this one and its children. */
static bool wait_and_verify(char *start, uint32_t npages, uint32_t seconds, uint32_t processes)
{
    pid_t child = processes > 1 ? fork() : -1;
    int status = 0;

    if (child == 0)
        _exit(wait_and_verify(start, npages, seconds, processes - 1) ? 0 : 1);
    sleep(seconds);
    bool good = verify(start, npages) && (processes == 1 || child > 0);
    if (child > 0)
        good &= waitpid(child, &status, 0) == child && status == 0;
    fflush(stdout);
    return good;
}

static bool parse(int argc, char **argv, uint64_t *nbytes, uint32_t *seconds,
                  uint32_t *processes)
{
    *seconds = 0;
    *processes = 1;
    return argc >= 2 && argc <= 4 && parse_size(argv[1], nbytes) == 0 && *nbytes > 0 &&
           (argc < 3 || parse_u32(argv[2], seconds) == 0) &&
           (argc < 4 || (parse_u32(argv[3], processes) == 0 && *processes > 0));
}

int main(int argc, char **argv)
{
    uint64_t nbytes;
    uint32_t seconds, processes;

    if (!parse(argc, argv, &nbytes, &seconds, &processes)) {
        puts("usage: holes SIZE[K|M] [SECONDS [PROCESSES]]");
        return 2;
    }
    uint32_t npages = (uint32_t)DIV_ROUND_UP(nbytes, PAGE_SIZE);
    char *start = mmap(NULL, (size_t)npages * PAGE_SIZE, PROT_READ | PROT_WRITE,
                       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (start == MAP_FAILED) {
        puts("holes: not that much memory");
        return 1;
    }
    for (uint32_t number = 0; number < npages; number++)
        fill(page_at(start, number), number);
    for (uint32_t number = 0; number < npages; number += 2)
        madvise(page_at(start, number), PAGE_SIZE, MADV_DONTNEED);
    printf("holes: %u of %u pages given back\n", (npages + 1) / 2, npages);
    fflush(stdout);
    return wait_and_verify(start, npages, seconds, processes) ? 0 : 1;
}
