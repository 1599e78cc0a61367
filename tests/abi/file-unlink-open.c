/* A file without a name lives as long as it is open or mapped. */
#include "tests/abi/abi.h"

int main(void)
{
    struct stat status;
    char byte;

    enter_scratch();
    make_file("file", 2 * PAGE);
    int fd = MUST(open("file", O_RDWR));
    MUST(unlink("file"));
    outcome("its name", stat("file", &status));
    MUST(fstat(fd, &status));
    say("links %ld, size %ld", (long)status.st_nlink, (long)status.st_size);
    MUST(pread(fd, &byte, 1, PAGE));
    judge("content", byte == pattern_byte(PAGE));
    outcome("writing on", pwrite(fd, "more", 4, 2 * PAGE));
    make_file("file", 1);
    MUST(fstat(fd, &status));
    say("another file of that name, this one's size %ld", (long)status.st_size);
    char *map = (char *)MUST(mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE, fd, PAGE));
    MUST(close(fd));
    judge("still mapped", map[7] == pattern_byte(PAGE + 7));
    MUST(unlink("file"));
    outcome("unlink again", unlink("file"));
    outcome("unlink, bad pointer", unlink(BAD_POINTER));
    leave_scratch();
    return 0;
}
