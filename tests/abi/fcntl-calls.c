/* fcntl: flags of the descriptor and of the file, duplicates from a number on, errors. */
#include "tests/abi/abi.h"

int main(void)
{
    int fd = MUST(open("/dev/null", O_RDWR)), copy;

    judge("opened for both", (fcntl(fd, F_GETFL) & O_ACCMODE) == O_RDWR);
    MUST(fcntl(fd, F_SETFL, O_APPEND | O_NONBLOCK | O_RDONLY | O_CREAT));
    int flags = fcntl(fd, F_GETFL);
    judge("append and nonblock set", (flags & O_APPEND) && (flags & O_NONBLOCK));
    judge("the rest unchanged", (flags & O_ACCMODE) == O_RDWR && !(flags & O_CREAT));
    say("marks: %d", fcntl(fd, F_GETFD));
    MUST(fcntl(fd, F_SETFD, FD_CLOEXEC));
    copy = fcntl(fd, F_DUPFD, 100);
    say("F_DUPFD from 100: %d, marks %d", copy, fcntl(copy, F_GETFD));
    say("again: %d", fcntl(fd, F_DUPFD_CLOEXEC, 100));
    judge("flags are shared", fcntl(copy, F_GETFL) == flags);
    outcome("not open", fcntl(NO_SUCH_FD, F_GETFD));
    outcome("negative number", fcntl(fd, F_DUPFD, -1));
    outcome("unknown command", fcntl(fd, 12345, 0));
    return 0;
}
