/* exec closes what is marked so, and nothing else; the marks of open, dup3, pipe2 and fcntl. */
#include "tests/abi/abi.h"

static void show(int fd, const char *what)
{
    say("%s: %s", what, fcntl(fd, F_GETFD) == -1 ? strerrorname_np(errno) : "open");
}

int main(int argc, char **argv)
{
    char path[256];
    int fds[2];

    if (argc > 1) {
        show(20, "plain");
        show(21, "O_CLOEXEC");
        show(22, "dup2 of that");
        show(23, "dup3 with O_CLOEXEC");
        show(24, "FD_CLOEXEC by fcntl");
        show(25, "F_DUPFD_CLOEXEC");
        show(26, "pipe2 with O_CLOEXEC");
        show(27, "mark removed");
        return 0;
    }
    own_path(path, sizeof path);
    MUST(dup2(MUST(open("/dev/null", O_RDONLY)), 20));
    MUST(fcntl(MUST(open("/dev/null", O_RDONLY | O_CLOEXEC)), F_DUPFD_CLOEXEC, 21));
    MUST(dup2(21, 22));
    MUST(dup3(20, 23, O_CLOEXEC));
    MUST(dup2(20, 24));
    MUST(fcntl(24, F_SETFD, FD_CLOEXEC));
    MUST(fcntl(20, F_DUPFD_CLOEXEC, 25));
    MUST(pipe2(fds, O_CLOEXEC));
    MUST(fcntl(fds[0], F_DUPFD_CLOEXEC, 26));
    MUST(dup3(20, 27, O_CLOEXEC));
    MUST(fcntl(27, F_SETFD, 0));
    say("marked: %d %d %d", fcntl(20, F_GETFD), fcntl(21, F_GETFD), fcntl(fds[1], F_GETFD));
    execl(path, argv[0], "again", NULL);
    return STATUS_BROKEN;
}
