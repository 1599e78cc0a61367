/* FIFOs: opening waits for the other end, and a writer that is gone again was there all the same. */
#include "tests/abi/abi.h"

#include <poll.h>

#define MEETINGS 200

/* The child writes and closes, perhaps before the parent's open() has returned. */
static void meetings(void)
{
    int good = 1;

    for (int i = 0; i < MEETINGS; i++) {
        char byte = 0;
        pid_t child = MUST(fork());
        if (child == 0) {
            int fd = MUST(open("fifo", O_WRONLY));
            MUST(write(fd, &(char){ (char)i }, 1));
            _exit(0);
        }
        int fd = MUST(open("fifo", O_RDONLY));
        good &= read(fd, &byte, 1) == 1 && byte == (char)i && read(fd, &byte, 1) == 0;
        MUST(close(fd));
        MUST(waitpid(child, NULL, 0));
    }
    judge("every byte came", good);
}

static void without_waiting(void)
{
    char bytes[10];

    outcome("a writer without a reader", open("fifo", O_WRONLY | O_NONBLOCK));
    int reader = MUST(open("fifo", O_RDONLY | O_NONBLOCK));
    say("nobody writes: %d", (int)read(reader, bytes, sizeof bytes));
    struct pollfd request = { .fd = reader, .events = POLLIN };
    say("poll: %d", poll(&request, 1, 0));
    int writer = MUST(open("fifo", O_WRONLY | O_NONBLOCK));
    outcome("nothing written", read(reader, bytes, sizeof bytes));
    MUST(write(writer, "abc", 3));
    MUST(close(writer));
    say("poll: %d", poll(&request, 1, 0));
    say("both: %s", request.revents == (POLLIN | POLLHUP) ? "POLLIN, POLLHUP" : "else");
    say("read: %d", (int)read(reader, bytes, sizeof bytes));
    say("at the end: %d", (int)read(reader, bytes, sizeof bytes));
    MUST(close(reader));
    int both = MUST(open("fifo", O_RDWR));
    MUST(write(both, "kept", 4));
    reader = MUST(open("fifo", O_RDONLY));
    say("from another: %d", (int)read(reader, bytes, sizeof bytes));
    MUST(write(both, "lost", 4));
    MUST(close(both));
    MUST(close(reader));
    both = MUST(open("fifo", O_RDWR | O_NONBLOCK));
    outcome("what nobody had open is gone", read(both, bytes, sizeof bytes));
    MUST(close(both));
}

int main(void)
{
    enter_scratch();
    MUST(mkfifo("fifo", 0600));
    meetings();
    without_waiting();
    MUST(unlink("fifo"));
    leave_scratch();
}
