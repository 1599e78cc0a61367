/* Duplicates, and what a child inherited, share one offset; a second open does not. */
#include "tests/abi/abi.h"

static int fd;

static void read_some(void)
{
    char byte[10];

    MUST(read(fd, byte, 10));
}

static void where(const char *what, int which)
{
    say("%s: at %ld", what, (long)lseek(which, 0, SEEK_CUR));
}

int main(void)
{
    enter_scratch();
    make_file("file", 100);
    fd = MUST(open("file", O_RDONLY));
    int copy = MUST(dup(fd)), other = MUST(open("file", O_RDONLY));
    MUST(lseek(fd, 30, SEEK_SET));
    where("copy", copy);
    where("opened again", other);
    in_child("child reads 10", read_some);
    where("parent", fd);
    MUST(close(fd));
    where("copy, first closed", copy);
    say("dup2 onto an open one: %d", dup2(other, copy) == copy);
    where("now", copy);
    judge("dup2 onto itself", dup2(copy, copy) == copy);
    outcome("dup3 onto itself", dup3(copy, copy, 0));
    outcome("dup of what is not open", dup(NO_SUCH_FD));
    outcome("dup2 of what is not open", dup2(NO_SUCH_FD, copy));
    outcome("dup2 to a negative", dup2(copy, -1));
    outcome("dup3, unknown flag", dup3(copy, 50, 1));
    judge("the lowest is taken", dup(copy) == fd);
    MUST(unlink("file"));
    leave_scratch();
    return 0;
}
