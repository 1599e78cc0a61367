/* RLIMIT_NOFILE: EMFILE at the limit, everything closed at the end. */
#include "tests/abi/abi.h"
#include <sys/resource.h>

int main(void)
{
    struct rlimit limit = { 20, 20 };
    int fd, last = -1, fds[2];

    MUST(setrlimit(RLIMIT_NOFILE, &limit));
    while ((fd = open("/dev/null", O_RDONLY)) != -1)
        last = fd;
    outcome("open", -1);
    say("last: %d", last);
    outcome("dup", dup(0));
    outcome("dup2 beyond", dup2(0, 20));
    outcome("F_DUPFD beyond", fcntl(0, F_DUPFD, 20));
    MUST(close(last));
    outcome("pipe, one free", pipe(fds));
    judge("nothing taken", dup(0) == last);
    return 0;
}
