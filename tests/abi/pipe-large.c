/* Much more than a pipe holds goes through it, whoever is faster. */
#include "tests/abi/abi.h"

#define TOTAL (512 * 1024)

static int fds[2];
static char buffer[100 * 1024];

static void write_all(void)
{
    for (unsigned done = 0; done < TOTAL;) {
        unsigned part = TOTAL - done < sizeof buffer ? TOTAL - done : sizeof buffer;
        for (unsigned i = 0; i < part; i++)
            buffer[i] = pattern_byte(done + i);
        if (write(fds[1], buffer, part) != (ssize_t)part)
            _exit(1);
        done += part;
    }
}

static void read_all(size_t at_once)
{
    ssize_t got;
    unsigned done = 0, wrong = 0;

    MUST(pipe(fds));
    pid_t writer = start_child(write_all);
    MUST(close(fds[1]));
    while ((got = MUST(read(fds[0], buffer, at_once))) > 0) {
        for (ssize_t i = 0; i < got; i++)
            wrong += buffer[i] != pattern_byte(done + i);
        done += got;
    }
    say("by %zu: %u bytes, %u wrong", at_once, done, wrong);
    wait_for("writer", writer);
    MUST(close(fds[0]));
}

int main(void)
{
    read_all(sizeof buffer);
    read_all(4096);
    read_all(777);
    return 0;
}
