/* The kernel's own writes break the sharing, too: read(2), pipe(2), wait(2) into shared pages. */
#include "tests/abi/abi.h"

static struct {
    char text[PAGE];
    int fds[PAGE / sizeof(int)];
    int status[PAGE / sizeof(int)];
} shared __attribute__((aligned(PAGE)));
static int data_pipe[2];

static void use_the_kernel(void)
{
    MUST(read(data_pipe[0], shared.text, 5));
    MUST(pipe(shared.fds));
    if (MUST(fork()) == 0)
        _exit(7);
    MUST(wait(shared.status));
    say("child: %s, pipe %s, status %#x", shared.text, shared.fds[0] > 2 ? "made" : "missing",
        shared.status[0]);
}

int main(void)
{
    memset(&shared, 0, sizeof shared);
    strcpy(shared.text, "PARENT");
    shared.fds[0] = -5;
    shared.status[0] = -6;
    MUST(pipe(data_pipe));
    MUST(write(data_pipe[1], "child", 5));
    in_child("child", use_the_kernel);
    say("parent: %s, %d, %d", shared.text, shared.fds[0], shared.status[0]);
    return 0;
}
