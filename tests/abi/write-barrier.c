/* A garbage collector's write barrier: the handler of the fault notes the page and opens it. */
#include "tests/abi/abi.h"

#define NPAGES 16

static char *heap;
static volatile char dirty[NPAGES];
static volatile unsigned faults;

static void on_write(int signal, siginfo_t *info, void *context)
{
    unsigned page = ((char *)info->si_addr - heap) / PAGE;

    (void)signal, (void)context;
    if (page >= NPAGES || info->si_code != SEGV_ACCERR)
        _exit(STATUS_BROKEN);
    faults++;
    dirty[page] = 1;
    MUST(mprotect(heap + page * PAGE, PAGE, PROT_READ | PROT_WRITE));
}

int main(void)
{
    struct sigaction action = { .sa_sigaction = on_write, .sa_flags = SA_SIGINFO };
    char map[NPAGES + 1] = "";

    heap = lonely_pages(NPAGES, PROT_READ | PROT_WRITE);
    MUST(sigaction(SIGSEGV, &action, NULL));
    for (int cycle = 0; cycle < 3; cycle++) {
        memset((char *)dirty, 0, NPAGES);
        faults = 0;
        MUST(mprotect(heap, NPAGES * PAGE, PROT_READ));
        for (int i = cycle; i < NPAGES; i += 3 + cycle)
            for (int byte = 0; byte < 4096; byte += 64)
                heap[i * PAGE + byte]++;
        for (int i = 0; i < NPAGES; i++)
            map[i] = dirty[i] ? 'D' : '.';
        say("cycle %d: %s, %u faults", cycle, map, faults);
    }
    return 0;
}
