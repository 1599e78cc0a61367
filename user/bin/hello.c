/* hello - the first program. */
#include <stdio.h>

int main(void)
{
    puts("Hello from ring 3.");
    return 0;
}
