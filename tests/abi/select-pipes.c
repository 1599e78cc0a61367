/* select: which of several pipes have data; what is left of the time; errors. */
#include "tests/abi/abi.h"
#include <sys/select.h>

static int pipes[3][2];

static void show(const char *what, struct timeval *time)
{
    fd_set readers, writers;
    char text[32] = "";

    FD_ZERO(&readers);
    FD_ZERO(&writers);
    for (int i = 0; i < 3; i++) {
        FD_SET(pipes[i][0], &readers);
        FD_SET(pipes[i][1], &writers);
    }
    int count = select(pipes[2][1] + 1, &readers, time ? NULL : &writers, NULL, time);
    for (int i = 0; i < 3; i++)
        text[i] = '0' + (FD_ISSET(pipes[i][0], &readers) != 0);
    say("%s: %d, readable %s", what, count, text);
}

int main(void)
{
    struct timeval short_time = { 0, 30000 }, none = { 0, 0 }, bad = { 0, -1 };
    fd_set set;

    for (int i = 0; i < 3; i++)
        MUST(pipe(pipes[i]));
    show("empty", &none);
    show("waiting for the time", &short_time);
    say("time left: %ld", (long)short_time.tv_usec);
    MUST(write(pipes[1][1], "x", 1));
    show("one", &none);
    show("writers, too", NULL);
    MUST(close(pipes[0][1]));
    pipes[0][1] = pipes[1][1];
    show("end of file", &none);
    FD_ZERO(&set);
    FD_SET(pipes[2][1] + 1, &set);
    outcome("not open", select(pipes[2][1] + 2, &set, NULL, NULL, &none));
    outcome("negative", select(-1, NULL, NULL, NULL, &none));
    outcome("bad time", select(0, NULL, NULL, NULL, &bad));
    outcome("bad pointer", syscall(SYS__newselect, 5, BAD_POINTER, NULL, NULL, &none));
    return 0;
}
