/* Bad pointers and descriptors for read, write and their relatives; what was possible was done. */
#include "tests/abi/abi.h"
#include <sys/uio.h>

int main(void)
{
    char *page = lonely_pages(1, PROT_READ | PROT_WRITE), text[8] = "";
    struct iovec half[2] = { { page, 4 }, { BAD_POINTER, 4 } };
    struct iovec negative = { page, (size_t)-1 };

    enter_scratch();
    make_file("file", 3 * PAGE);
    int fd = MUST(open("file", O_RDWR));
    outcome("read, not open", read(NO_SUCH_FD, text, 1));
    outcome("write, not open", write(-1, text, 1));
    outcome("read, bad pointer", read(fd, BAD_POINTER, 1));
    outcome("write, bad pointer", write(fd, BAD_POINTER, 1));
    outcome("read, kernel's memory", read(fd, (void *)0xc0100000, 100));
    outcome("write, kernel's memory", write(fd, (void *)0xc0100000, 100));
    outcome("read into text", read(fd, (void *)(uintptr_t)main, 4));
    MUST(mprotect(page, PAGE, PROT_READ));
    outcome("read into read-only memory", read(fd, page, 10));
    MUST(mprotect(page, PAGE, PROT_READ | PROT_WRITE));
    say("nothing, bad pointer: %zd", read(fd, BAD_POINTER, 0));
    say("at %ld", (long)lseek(fd, 0, SEEK_CUR));
    say("readv, second piece bad: %zd", readv(fd, half, 2));
    say("writev, second piece bad: %zd", writev(fd, half, 2));
    outcome("readv, bad list", readv(fd, BAD_POINTER, 1));
    outcome("readv, negative length", readv(fd, &negative, 1));
    outcome("readv, negative count", syscall(SYS_readv, fd, half, -1));
    outcome("readv, 1025 pieces", syscall(SYS_readv, fd, half, 1025));
    say("readv, none: %zd", readv(fd, half, 0));
    outcome("pread, negative offset", pread(fd, text, 1, -1));
    outcome("pwrite, bad pointer", pwrite(fd, BAD_POINTER, 1, 0));
    MUST(unlink("file"));
    leave_scratch();
    return 0;
}
