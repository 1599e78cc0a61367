/* A child that has ended stays a zombie until it is waited for, and takes signals without effect. */
#include "tests/abi/abi.h"

static int ended[2];

static char state_of(pid_t process)
{
    char path[64], text[512];

    snprintf(path, sizeof path, "/proc/%d/stat", process);
    if (read_text(path, text, sizeof text) == -1)
        return '-';
    return strrchr(text, ')')[2];
}

static void end(void)
{
    _exit(9);
}

int main(void)
{
    char byte;

    MUST(pipe(ended));
    pid_t child = start_child(end);
    MUST(close(ended[1]));
    MUST(read(ended[0], &byte, 1));
    while (state_of(child) != 'Z') /* its files are closed a little earlier */
        sleep_ms(10);
    say("state: %c", state_of(child));
    outcome("it can be sent a signal", kill(child, SIGKILL));
    wait_for("its status is what it was", child);
    say("afterwards: %c", state_of(child));
    outcome("signal", kill(child, 0));
    outcome("wait again", waitpid(child, NULL, 0));
    say("own state: %c", state_of(getpid()));
    return 0;
}
