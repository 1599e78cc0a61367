/* fallocate(2): memory for a file before it is written. */
#include "tests/abi/abi.h"

static void sizes(int fd, unsigned least_pages)
{
    struct stat stat;

    MUST(fstat(fd, &stat));
    say("  size %lld", (long long)stat.st_size);
    judge("  memory for it", stat.st_blocks >= least_pages * (PAGE / 512));
}

int main(void)
{
    int fd, read_only, fds[2];
    char byte = 'x';

    enter_scratch();
    fd = MUST(open("file", O_CREAT | O_RDWR, 0600));
    read_only = MUST(open("file", O_RDONLY));
    outcome("two pages", fallocate(fd, 0, 0, 2 * PAGE));
    sizes(fd, 2);
    outcome("behind the end", fallocate(fd, FALLOC_FL_KEEP_SIZE, 3 * PAGE, PAGE));
    sizes(fd, 3);
    outcome("one byte in the middle of a page", fallocate(fd, 0, 5 * PAGE + 10, 1));
    sizes(fd, 4);
    outcome("what is there", fallocate(fd, 0, 0, 2 * PAGE));
    sizes(fd, 4);
    MUST(pread(fd, &byte, 1, 5 * PAGE));
    judge("zeros", byte == 0);

    outcome("negative offset", fallocate(fd, 0, -1, 10));
    outcome("no bytes", fallocate(fd, 0, 0, 0));
    outcome("negative length", fallocate(fd, 0, 0, -1));
    outcome("too far", fallocate(fd, 0, INT64_MAX, 1));
    outcome("unknown mode", fallocate(fd, 0x400, 0, 1));
    outcome("unknown mode, read-only", fallocate(read_only, 0x400, 0, 1));
    outcome("read-only", fallocate(read_only, 0, 0, 1));
    outcome("no descriptor", fallocate(NO_SUCH_FD, 0, -1, 1));
    outcome("a directory", fallocate(MUST(open(".", O_RDONLY)), 0, 0, 1));
    outcome("a device", fallocate(MUST(open("/dev/null", O_WRONLY)), 0, 0, 1));
    MUST(pipe(fds));
    outcome("a pipe", fallocate(fds[1], 0, 0, 1));
    MUST(unlink("file"));
    leave_scratch();
}
