/* A mapping longer than its file: the last page's rest is zero, pages beyond it are SIGBUS. */
#include "tests/abi/abi.h"

int main(void)
{
    enter_scratch();
    make_file("file", PAGE + 10);
    int fd = MUST(open("file", O_RDWR));
    char *map = (char *)MUST(mmap(NULL, 4 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0));

    probe("last byte of the file", LOAD, map + PAGE + 9);
    probe("rest of its page", LOAD, map + 2 * PAGE - 1);
    probe("next page, load", LOAD, map + 2 * PAGE + 7);
    probe("next page, store", STORE, map + 2 * PAGE);
    MUST(ftruncate(fd, 3 * PAGE));
    probe("after the file grew", LOAD, map + 2 * PAGE);
    probe("behind that", LOAD, map + 3 * PAGE);
    MUST(ftruncate(fd, PAGE));
    probe("after it shrank", LOAD, map + PAGE);
    probe("what is left", LOAD, map);
    outcome("read(2) into it", pread(fd, map + PAGE, 1, 0));
    MUST(unlink("file"));
    leave_scratch();
    return 0;
}
