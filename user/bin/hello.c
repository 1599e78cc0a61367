/* hello - the first program. */
#include <stdio.h>

int main(int argc, char **argv)
{
    (void)argv;
    if (argc > 1) {
        puts("usage: hello");
        return 2;
    }
    puts("Hello from ring 3.");
    return 0;
}
