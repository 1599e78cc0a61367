/* readv, writev, preadv: pieces in their order, empty ones, more than there is. */
#include "tests/abi/abi.h"
#include <sys/uio.h>

int main(void)
{
    char a[4] = "", b[4] = "", c[32] = "";
    struct iovec out[] = { { "one", 3 }, { NULL, 0 }, { " two", 4 }, { " three", 6 } };
    struct iovec in[] = { { a, 2 }, { b, 3 }, { c, 31 } };
    int fds[2];

    enter_scratch();
    int fd = MUST(open("file", O_RDWR | O_CREAT, 0644));
    say("written: %zd", writev(fd, out, 4));
    MUST(lseek(fd, 0, SEEK_SET));
    say("read: %zd", readv(fd, in, 3));
    say("<%s> <%s> <%s>", a, b, c);
    say("at the end: %zd", readv(fd, in, 3));
    say("preadv: %zd", preadv(fd, in, 1, 4));
    say("<%s>", a);
    MUST(pipe(fds));
    say("to a pipe: %zd", writev(fds[1], out, 4));
    memset(c, 0, sizeof c);
    say("from it: %zd", read(fds[0], c, 31));
    say("<%s>", c);
    MUST(unlink("file"));
    leave_scratch();
    return 0;
}
