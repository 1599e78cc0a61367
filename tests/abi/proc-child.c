/* /proc/PID of a child: its memory is seen from outside, and is gone when it is. */
#include "tests/abi/abi.h"

static int ready[2], go[2];

static void child(void)
{
    static volatile char bss[50 * PAGE];

    for (unsigned i = 0; i < sizeof bss; i += PAGE)
        bss[i] = 1;
    announce(ready[1]);
    await(go[0]);
}

int main(void)
{
    static char text[32768];
    char path[64];

    MUST(pipe(ready));
    MUST(pipe(go));
    pid_t pid = start_child(child);
    await(ready[0]);
    snprintf(path, sizeof path, "/proc/%d/status", pid);
    MUST(read_text(path, text, sizeof text));
    judge("status: its parent", text_field(text, "PPid:\t") == getpid());
    judge("status: resident", text_field(text, "VmRSS:") >= 200);
    snprintf(path, sizeof path, "/proc/%d/maps", pid);
    MUST(read_text(path, text, sizeof text));
    judge("maps", strstr(text, "[stack]") != NULL);
    int fd = MUST(open(path, O_RDONLY));
    announce(go[1]);
    wait_for("child", pid);
    outcome("afterwards", open(path, O_RDONLY));
    ssize_t got = read(fd, text, sizeof text);
    judge("read from what was opened before: nothing", got <= 0);
    return 0;
}
