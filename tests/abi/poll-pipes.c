/* poll: readable, writable, hung up, not open; waiting for data and for the time. */
#include "tests/abi/abi.h"
#include <poll.h>

static int fds[2];

static void show(const char *what, int result, const struct pollfd *each, int count)
{
    char text[100] = "";

    for (int i = 0; i < count; i++) {
        short got = each[i].revents;
        snprintf(text + strlen(text), sizeof text - strlen(text), " [%s%s%s%s%s]",
                 got & POLLIN ? "in " : "", got & POLLOUT ? "out " : "",
                 got & POLLHUP ? "hup " : "", got & POLLERR ? "err " : "",
                 got & POLLNVAL ? "nval " : "");
    }
    say("%s: %d%s", what, result, text);
}

static void write_later(void)
{
    sleep_ms(30);
    MUST(write(fds[1], "x", 1));
}

int main(void)
{
    char byte;

    MUST(pipe(fds));
    struct pollfd both[3] = { { fds[0], POLLIN, 0 },
                              { fds[1], POLLOUT, 0 },
                              { -1, POLLIN, 0 } };
    show("empty", poll(both, 3, 0), both, 3);
    show("waiting for the time", poll(both, 1, 30), both, 1);
    pid_t child = start_child(write_later);
    show("waiting for data", poll(both, 1, 10000), both, 1);
    wait_for("child", child);
    MUST(read(fds[0], &byte, 1));
    MUST(close(fds[1]));
    both[1].fd = NO_SUCH_FD;
    show("hung up, not open", poll(both, 2, -1), both, 2);
    MUST(close(fds[0]));
    MUST(pipe(fds));
    MUST(close(fds[0]));
    both[0] = (struct pollfd){ fds[1], POLLOUT, 0 };
    show("nobody reads", poll(both, 1, 0), both, 1);
    both[0] = (struct pollfd){ MUST(open("/proc/self/exe", O_RDONLY)), POLLIN | POLLOUT, 0 };
    show("a file", poll(both, 1, 0), both, 1);
    outcome("bad pointer", syscall(SYS_poll, BAD_POINTER, 1, 0));
    say("none, no time: %d", poll(NULL, 0, 0));
    return 0;
}
