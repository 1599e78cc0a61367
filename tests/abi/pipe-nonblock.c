/* O_NONBLOCK: EAGAIN when a pipe is empty or full; what fits is written. */
#include "tests/abi/abi.h"

static char block[4096];

int main(void)
{
    int fds[2];
    ssize_t got;
    long total = 0;

    MUST(pipe2(fds, O_NONBLOCK));
    outcome("empty", read(fds[0], block, 1));
    while ((got = write(fds[1], block, sizeof block)) > 0)
        total += got;
    outcome("full", got);
    judge("held at least 4096 bytes", total >= 4096 && total % 4096 == 0);
    outcome("one byte more", write(fds[1], block, 1));
    say("read: %zd", read(fds[0], block, sizeof block));
    outcome("room again", write(fds[1], block, sizeof block));
    while ((got = read(fds[0], block, sizeof block)) > 0)
        total -= got;
    say("all came out: %ld", total);
    MUST(fcntl(fds[0], F_SETFL, 0));
    judge("flag removed", (fcntl(fds[0], F_GETFL) & O_NONBLOCK) == 0);
    judge("not on the other end", fcntl(fds[1], F_GETFL) & O_NONBLOCK);
    MUST(close(fds[1]));
    say("end of file: %zd", read(fds[0], block, 1));
    return 0;
}
