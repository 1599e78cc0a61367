/* A tree of processes, four levels deep: every status arrives at the right parent. */
#include "tests/abi/abi.h"

static int grow(int depth, int number)
{
    pid_t children[2];
    int sum = 1, status;

    if (depth == 4)
        return 1;
    for (int i = 0; i < 2; i++) {
        children[i] = MUST(fork());
        if (children[i] == 0)
            _exit(grow(depth + 1, number * 2 + i));
    }
    for (int i = 0; i < 2; i++) {
        MUST(waitpid(children[i], &status, 0));
        sum += WEXITSTATUS(status);
    }
    return sum;
}

int main(void)
{
    pid_t self = getpid();

    say("%d processes", grow(0, 1));
    judge("the root is still itself", getpid() == self);
    outcome("nobody is left", wait(NULL));
    return 0;
}
