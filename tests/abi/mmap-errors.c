/* Every bad argument of mmap has its error. */
#include "tests/abi/abi.h"

#define PRIVATE (MAP_PRIVATE | MAP_ANONYMOUS)

static void try_map(const char *what, uintptr_t at, size_t length, int prot, int flags, int fd,
                    off_t offset)
{
    outcome(what, (long)mmap((void *)at, length, prot, flags, fd, offset));
}

int main(void)
{
    int directory = MUST(open("/tmp", O_RDONLY));
    int fds[2];

    MUST(pipe(fds));
    try_map("length 0", 0, 0, PROT_READ, PRIVATE, -1, 0);
    try_map("more than there is", 0, 0xfffff000, PROT_READ, PRIVATE, -1, 0);
    try_map("length that wraps", 0, 0xffffffff, PROT_READ, PRIVATE, -1, 0);
    try_map("neither private nor shared", 0, PAGE, PROT_READ, MAP_ANONYMOUS, -1, 0);
    try_map("fixed, not a page's address", 0x20000001, PAGE, PROT_READ, PRIVATE | MAP_FIXED, -1,
            0);
    try_map("fixed, in the kernel", USER_END, PAGE, PROT_READ, PRIVATE | MAP_FIXED, -1, 0);
    try_map("fixed, across the end", USER_END - PAGE, 2 * PAGE, PROT_READ, PRIVATE | MAP_FIXED,
            -1, 0);
    try_map("hint in the kernel", 0xe0000000, PAGE, PROT_READ, PRIVATE, -1, 0);
    try_map("hint, not a page's address", 0x20000001, PAGE, PROT_READ, PRIVATE, -1, 0);
    try_map("descriptor not open", 0, PAGE, PROT_READ, MAP_PRIVATE, NO_SUCH_FD, 0);
    try_map("descriptor -1", 0, PAGE, PROT_READ, MAP_PRIVATE, -1, 0);
    try_map("offset within a page", 0, PAGE, PROT_READ, MAP_PRIVATE, directory, 1);
    try_map("a directory", 0, PAGE, PROT_READ, MAP_PRIVATE, directory, 0);
    try_map("a pipe", 0, PAGE, PROT_READ, MAP_PRIVATE, fds[0], 0);
    try_map("anonymous, descriptor ignored", 0, PAGE, PROT_READ, PRIVATE, NO_SUCH_FD, 0);
    try_map("anonymous with an offset", 0, PAGE, PROT_READ, PRIVATE, -1, PAGE);
    return 0;
}
