/* Ends by SIGSEGV, after its exit handlers were registered and a child is still running. */
#include "tests/abi/abi.h"

int main(void)
{
    int fds[2];
    char byte;

    MUST(pipe(fds));
    if (MUST(fork()) == 0) {
        MUST(close(fds[1]));
        MUST(read(fds[0], &byte, 1)); /* until the parent is gone */
        _exit(0);
    }
    say("now");
    *(volatile char *)BAD_POINTER = 1;
    return 0;
}
