/* MADV_DONTNEED: private memory is zero again, a private file mapping is the file again. */
#include "tests/abi/abi.h"

int main(void)
{
    unsigned char resident[4];
    char *base = lonely_pages(4, PROT_READ | PROT_WRITE);

    memset(base, 'x', 4 * PAGE);
    outcome("two pages", madvise(base + PAGE, 2 * PAGE, MADV_DONTNEED));
    MUST(mincore(base, 4 * PAGE, resident));
    say("resident: %d%d%d%d", resident[0] & 1, resident[1] & 1, resident[2] & 1,
        resident[3] & 1);
    say("content: %d %d %d %d", base[0], base[PAGE], base[3 * PAGE - 1], base[3 * PAGE]);
    layout("mapping", base, 4);
    base[PAGE] = 'y';
    say("usable again: %c", base[PAGE]);

    enter_scratch();
    make_file("file", PAGE);
    int fd = MUST(open("file", O_RDONLY));
    char *map = (char *)MUST(mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0));
    map[0] = '!';
    outcome("file mapping", madvise(map, PAGE, MADV_DONTNEED));
    judge("the file again", map[0] == pattern_byte(0));
    MUST(unlink("file"));
    leave_scratch();
    return 0;
}
