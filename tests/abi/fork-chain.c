/* One process after the other, many times over: nothing runs out. */
#include "tests/abi/abi.h"

int main(void)
{
    int sum = 0, status;

    for (int i = 0; i < 200; i++) {
        pid_t child = MUST(fork());
        if (child == 0) {
            volatile char touched[3 * PAGE];
            touched[0] = touched[PAGE] = touched[2 * PAGE] = 1;
            _exit(touched[0] + touched[PAGE]);
        }
        MUST(waitpid(child, &status, 0));
        sum += WEXITSTATUS(status);
    }
    say("sum of the statuses: %d", sum);
    return 0;
}
