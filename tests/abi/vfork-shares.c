/* vfork: the child runs in its parent's memory, and the parent waits until it execs or ends. */
#include "tests/abi/abi.h"

static volatile int value = 1;

int main(int argc, char **argv)
{
    char path[256];

    if (argc > 1) {
        say("the new program: %s", argv[1]);
        return 5;
    }
    own_path(path, sizeof path);
    pid_t child = vfork();
    if (child == 0) {
        sleep_ms(30);
        value = 2;
        _exit(0);
    }
    say("after a child that ended: %d", value);
    wait_for("child", child);
    child = vfork();
    if (child == 0) {
        value = 3;
        execl(path, argv[0], "hello", NULL);
        _exit(STATUS_BROKEN);
    }
    wait_for("child", child);
    say("after a child that became another program: %d", value);
    child = vfork();
    if (child == 0) {
        execl("/no/such/program", argv[0], NULL);
        value = errno;
        _exit(1);
    }
    say("after a child that could not: %s", strerrorname_np(value));
    wait_for("child", child);
    return 0;
}
