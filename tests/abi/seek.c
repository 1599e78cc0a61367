/* lseek and _llseek: from everywhere, beyond the end, beyond 4 GiB, errors. */
#include "tests/abi/abi.h"

int main(void)
{
    unsigned long long result = 0;
    char byte;

    enter_scratch();
    make_file("file", 100);
    int fd = MUST(open("file", O_RDONLY));
    say("set: %lld", (long long)lseek(fd, 10, SEEK_SET));
    say("current: %lld", (long long)lseek(fd, 5, SEEK_CUR));
    say("back: %lld", (long long)lseek(fd, -15, SEEK_CUR));
    say("end: %lld", (long long)lseek(fd, -1, SEEK_END));
    say("read: %zd", read(fd, &byte, 1));
    say("far beyond: %lld", (long long)lseek(fd, 5000000000ll, SEEK_SET));
    say("read there: %zd", read(fd, &byte, 1));
    outcome("negative", lseek(fd, -1, SEEK_SET));
    outcome("before the start", lseek(fd, -101, SEEK_END));
    outcome("unknown way", lseek(fd, 0, 99));
    outcome("not open", lseek(NO_SUCH_FD, 0, SEEK_SET));
    say("unchanged: %lld", (long long)lseek(fd, 0, SEEK_CUR));
    outcome("_llseek", syscall(SYS__llseek, fd, 1, 2, &result, SEEK_SET));
    say("result %#llx", result);
    outcome("_llseek, bad pointer", syscall(SYS__llseek, fd, 0, 0, BAD_POINTER, SEEK_SET));
    MUST(unlink("file"));
    leave_scratch();
    return 0;
}
