/* RLIMIT_AS: every kind of growth fails with ENOMEM; what is mapped stays usable. */
#include "tests/abi/abi.h"
#include <sys/resource.h>

int main(void)
{
    char *pages = lonely_pages(4, PROT_READ | PROT_WRITE);
    struct rlimit limit = { 1024 * PAGE, RLIM_INFINITY }, asked;

    MUST(setrlimit(RLIMIT_AS, &limit));
    MUST(getrlimit(RLIMIT_AS, &asked));
    judge("limit kept", asked.rlim_cur == 1024 * PAGE && asked.rlim_max == RLIM_INFINITY);
    outcome("mmap, 1 page",
            (long)mmap(NULL, PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
    outcome("mmap, 1024 pages",
            (long)mmap(NULL, 1024 * PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
    outcome("brk", brk((char *)sbrk(0) + 1024 * PAGE));
    outcome("mremap", (long)mremap(pages, 4 * PAGE, 1024 * PAGE, MREMAP_MAYMOVE));
    probe("old memory", STORE, pages);
    limit.rlim_cur = 0;
    MUST(setrlimit(RLIMIT_AS, &limit));
    outcome("mmap, limit 0",
            (long)mmap(NULL, PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
    outcome("munmap, limit 0", munmap(pages, 4 * PAGE));
    return 0;
}
