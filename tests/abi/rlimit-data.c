/* RLIMIT_DATA: brk and private writable mappings fail, others do not. */
#include "tests/abi/abi.h"
#include <sys/resource.h>

static void map_kind(const char *what, int prot, int flags)
{
    void *at = mmap(NULL, 64 * PAGE, prot, flags | MAP_ANONYMOUS, -1, 0);

    outcome(what, (long)at);
}

int main(void)
{
    char *early = map_pages(1, PROT_READ);
    struct rlimit limit = { 16 * PAGE, 16 * PAGE };

    MUST(setrlimit(RLIMIT_DATA, &limit));
    outcome("brk", brk((char *)sbrk(0) + 64 * PAGE));
    map_kind("private writable", PROT_READ | PROT_WRITE, MAP_PRIVATE);
    map_kind("private read-only", PROT_READ, MAP_PRIVATE);
    map_kind("shared writable", PROT_READ | PROT_WRITE, MAP_SHARED);
    char *reserved = mmap(NULL, 64 * PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    outcome("reserved", (long)reserved);
    outcome("made writable", mprotect(reserved, 64 * PAGE, PROT_READ | PROT_WRITE));
    probe("the early page", LOAD, early);
    return 0;
}
