/* exec maps a program and loads nothing: pages of it that nobody touched are not present. */
#include "tests/abi/abi.h"

#define NPAGES 64

static char untouched_bss[NPAGES * PAGE] __attribute__((aligned(PAGE)));
static char touched_bss[4 * PAGE] __attribute__((aligned(PAGE)));

static int present(const void *address)
{
    uint64_t entry;
    int fd = MUST(open("/proc/self/pagemap", O_RDONLY));

    MUST(pread(fd, &entry, sizeof entry, (off_t)((uintptr_t)address / PAGE) * sizeof entry));
    close(fd);
    return entry >> 63;
}

int main(void)
{
    int count = 0;

    touched_bss[2 * PAGE] = 1;
    for (int i = 0; i < NPAGES; i++)
        count += present(untouched_bss + i * PAGE);
    say("untouched bss: %d pages present", count);
    say("touched bss: %d%d%d%d", present(touched_bss), present(touched_bss + PAGE),
        present(touched_bss + 2 * PAGE), present(touched_bss + 3 * PAGE));
    judge("this code", present((void *)(uintptr_t)main));
    judge("this stack", present(&count));
    return 0;
}
