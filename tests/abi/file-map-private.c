/* A private file mapping shows the file; what is written to it stays with the process. */
#include "tests/abi/abi.h"

#define SIZE (2 * PAGE + 100)

static char *map;

static void child(void)
{
    say("child finds %c %c", map[0], map[1] == pattern_byte(1) ? '=' : '!');
    map[1] = 'C';
}

int main(void)
{
    char byte;
    int same = 1, zero = 1;

    enter_scratch();
    make_file("file", SIZE);
    int fd = MUST(open("file", O_RDONLY));
    map = (char *)MUST(mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0));
    for (unsigned i = 0; i < SIZE; i++)
        same &= map[i] == pattern_byte(i);
    for (unsigned i = SIZE; i < 3 * PAGE; i++)
        zero &= map[i] == 0;
    judge("the file's content", same);
    judge("zero behind its end", zero);
    map[0] = 'P';
    in_child("child", child);
    MUST(pread(fd, &byte, 1, 0));
    judge("file unchanged", byte == pattern_byte(0));
    judge("child's write not seen", map[1] == pattern_byte(1));
    char *second = (char *)MUST(mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE, fd, PAGE));
    judge("mapped from its second page", second[5] == pattern_byte(PAGE + 5));
    MUST(close(fd));
    MUST(unlink("file"));
    judge("still there after close and unlink", map[PAGE] == pattern_byte(PAGE));
    leave_scratch();
    return 0;
}
