/* Paging done by the program: a reserved range is mapped and filled by the handler of its faults. */
#include "tests/abi/abi.h"

#define NPAGES 8

static char *range;
static volatile unsigned filled;

static void fill(int signal, siginfo_t *info, void *context)
{
    uintptr_t page = (uintptr_t)info->si_addr & -PAGE;

    (void)signal, (void)context;
    if (info->si_code != SEGV_MAPERR)
        _exit(STATUS_BROKEN);
    char *at = mmap((void *)page, PAGE, PROT_READ | PROT_WRITE,
                    MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
    memset(at, 'A' + (at - range) / PAGE, PAGE);
    filled++;
}

int main(void)
{
    struct sigaction action = { .sa_sigaction = fill, .sa_flags = SA_SIGINFO };
    char text[NPAGES + 1] = "";

    range = lonely_pages(NPAGES, PROT_NONE);
    MUST(munmap(range, NPAGES * PAGE));
    MUST(sigaction(SIGSEGV, &action, NULL));
    for (int i = NPAGES - 1; i >= 0; i--)
        text[i] = range[i * PAGE + 123];
    say("read: %s", text);
    for (int i = 0; i < NPAGES; i++)
        text[i] = range[i * PAGE];
    say("again: %s, filled %u times", text, filled);
    layout("range", range, NPAGES);
    return 0;
}
