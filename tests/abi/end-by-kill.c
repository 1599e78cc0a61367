/* Ends by a SIGKILL that a child of its own sends, while it calculates. */
#include "tests/abi/abi.h"

int main(void)
{
    pid_t self = getpid();

    if (MUST(fork()) == 0) {
        say("now");
        MUST(kill(self, SIGKILL));
        _exit(0);
    }
    for (;;)
        ;
}
