/* Pieces of a file mapping know their offset: split, moved, and read back. */
#include "tests/abi/abi.h"

static void check(const char *what, const char *at, unsigned file_page)
{
    judge(what, at[0] == pattern_byte(file_page * PAGE) &&
                    at[PAGE - 1] == pattern_byte(file_page * PAGE + PAGE - 1));
}

int main(void)
{
    enter_scratch();
    make_file("file", 8 * PAGE);
    int fd = MUST(open("file", O_RDONLY));
    char *base = lonely_pages(8, PROT_NONE), *room = lonely_pages(4, PROT_NONE);

    MUST(mmap(base, 6 * PAGE, PROT_READ, MAP_PRIVATE | MAP_FIXED, fd, 2 * PAGE));
    check("page 0 is the file's 2", base, 2);
    MUST(munmap(base + 2 * PAGE, PAGE));
    check("behind a hole", base + 3 * PAGE, 5);
    MUST(mremap(base + 4 * PAGE, PAGE, PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, room));
    check("moved", room, 6);
    check("behind what moved", base + 5 * PAGE, 7);
    judge("shrunk", mremap(base, 2 * PAGE, PAGE, 0) == base);
    judge("grown", mremap(base, PAGE, 3 * PAGE, 0) == base);
    check("the grown part", base + 2 * PAGE, 4);
    layout("mappings", base, 8);
    MUST(unlink("file"));
    leave_scratch();
    return 0;
}
