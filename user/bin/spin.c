/* spin - compute for ever, without a system call: only the timer can take the CPU away. */
#include <stdio.h>

int main(int argc, char **argv)
{
    (void)argv;
    if (argc > 1) {
        puts("usage: spin");
        return 2;
    }
    for (volatile unsigned turns = 0;; turns++)
        ;
}
