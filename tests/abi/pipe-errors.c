/* What cannot be done with pipes. */
#include "tests/abi/abi.h"

int main(void)
{
    struct stat status;
    int fds[2];

    outcome("bad pointer", syscall(SYS_pipe, BAD_POINTER));
    outcome("unknown flag", pipe2(fds, 0x10));
    MUST(pipe(fds));
    outcome("lseek", lseek(fds[0], 0, SEEK_SET));
    outcome("pread", pread(fds[0], &status, 1, 0));
    outcome("ftruncate", ftruncate(fds[1], 0));
    outcome("read from the writing end", read(fds[1], &status, 1));
    outcome("write to the reading end", write(fds[0], "x", 1));
    outcome("write, bad pointer", write(fds[1], BAD_POINTER, 1));
    MUST(write(fds[1], "abc", 3));
    outcome("read, bad pointer", read(fds[0], BAD_POINTER, 3));
    MUST(fstat(fds[0], &status));
    judge("is a fifo", S_ISFIFO(status.st_mode));
    MUST(close(fds[0]));
    outcome("closed twice", close(fds[0]));
    return 0;
}
