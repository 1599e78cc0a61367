/* Of an exit status the lowest eight bits arrive; returning from main is exiting. */
#include "tests/abi/abi.h"

static const int codes[] = { 0, 1, 127, 128, 255, 256, 257, -1, 0x12345678 };
static int code_now;

static void leave(void)
{
    _exit(code_now);
}

static void leave_thread(void)
{
    syscall(SYS_exit, code_now); /* of the only thread: of the process */
}

int main(void)
{
    char name[32];

    for (unsigned i = 0; i < LENGTH(codes); i++) {
        code_now = codes[i];
        snprintf(name, sizeof name, "%d", code_now);
        in_child(name, leave);
    }
    in_child("exit(2)", leave_thread);
    return 42;
}
