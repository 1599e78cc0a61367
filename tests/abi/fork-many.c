/* Many children at once; each is reaped once, with its own status. */
#include "tests/abi/abi.h"

#define CHILDREN 50

int main(void)
{
    pid_t children[CHILDREN], child;
    int seen[CHILDREN] = { 0 }, status, right = 1, distinct = 1;

    for (int i = 0; i < CHILDREN; i++) {
        children[i] = MUST(fork());
        if (children[i] == 0)
            _exit(i);
    }
    for (int i = 0; i < CHILDREN; i++)
        for (int j = 0; j < i; j++)
            distinct &= children[i] != children[j];
    while ((child = wait(&status)) != -1) {
        int i = WEXITSTATUS(status);
        right &= i < CHILDREN && children[i] == child && !seen[i]++;
    }
    outcome("at the end", -1);
    for (int i = 0; i < CHILDREN; i++)
        right &= seen[i];
    judge("distinct", distinct);
    judge("all reaped once", right);
    return 0;
}
