/* count - print a number each second until somebody ends it. */
#include <stdio.h>
#include <unistd.h>

int main(void)
{
    for (unsigned number = 1;; number++) {
        printf("%u\n", number);
        sleep(1);
    }
}
