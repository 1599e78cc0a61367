/* exechigh - map one executable page high up, run what is in it, and then data; then wait.
 *
 * The i386 has no bit in a page-table entry that forbids execution.  Strata ends the code segment
 * behind the highest executable mapping instead; so whoever maps one high, makes all data below it
 * executable.  `maps` shows this with `!`. */
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define PAGE 4096
#define HIGH ((void *)0xB8000000) /* above the heap and this program's data, below the stack */
#define RETURN 0xC3               /* the instruction */

static void call(void *code)
{
    ((void (*)(void))code)();
}

int main(int argc, char **argv)
{
    static unsigned char data[] = { RETURN };

    (void)argv;
    if (argc > 1) {
        puts("usage: exechigh");
        return 2;
    }
    unsigned char *code = mmap(HIGH, PAGE, PROT_READ | PROT_WRITE | PROT_EXEC,
                               MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
    if (code == MAP_FAILED) {
        perror("exechigh: mmap");
        return 1;
    }
    *code = RETURN;
    call(code);
    call(data);
    puts("exechigh: data was executed");
    pause();
    return 0;
}
