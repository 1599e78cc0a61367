/* A pipe whose other end is closed: end of file for readers, EPIPE and SIGPIPE for writers. */
#include "tests/abi/abi.h"

static int fds[2];

static void write_to_nobody(void)
{
    MUST(pipe(fds));
    MUST(close(fds[0]));
    outcome("written", write(fds[1], "x", 1));
    say("not reached");
}

static void on_pipe(int signal)
{
    say("SIG%s", sigabbrev_np(signal));
}

int main(void)
{
    char text[16] = "";

    MUST(pipe(fds));
    MUST(write(fds[1], "rest", 4));
    int copy = MUST(dup(fds[1]));
    MUST(close(fds[1]));
    MUST(close(copy));
    say("what is left: %zd", read(fds[0], text, sizeof text));
    say("then: %zd", read(fds[0], text, sizeof text));
    say("text: %s", text);
    MUST(close(fds[0]));
    MUST(pipe(fds));
    in_child("unhandled", write_to_nobody);
    MUST(close(fds[0]));
    handle(SIGPIPE, SIG_IGN, 0);
    outcome("ignored", write(fds[1], "x", 1));
    handle(SIGPIPE, on_pipe, 0);
    outcome("handled", write(fds[1], "x", 1));
    outcome("the wrong end", read(fds[1], text, 1));
    say("nothing to write: %zd", write(fds[1], "", 0));
    return 0;
}
