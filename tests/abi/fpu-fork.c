/* Registers of the FPU, with their control word, are the child's too, and then its own. */
#include "tests/abi/abi.h"

#define ROUND_UP 0x0b7f /* control word: round up, all exceptions masked, 64 bits */
#define ROUND_DOWN 0x077f

static void load_control(uint16_t control)
{
    __asm__ volatile("fldcw %0" : : "m"(control));
}

static unsigned control(void)
{
    uint16_t word;

    __asm__ volatile("fnstcw %0" : "=m"(word));
    return word;
}

int main(void)
{
    double pi;
    int status;

    load_control(ROUND_UP);
    __asm__ volatile("fldpi");
    pid_t child = fork();
    __asm__ volatile("fstpl %0" : "=m"(pi));
    if (child == 0) {
        say("child: pi %.10f, control %#x", pi, control());
        load_control(ROUND_DOWN);
        _exit(0);
    }
    MUST(waitpid(child, &status, 0));
    ending("child", status);
    say("parent: pi %.10f, control %#x", pi, control());
    return 0;
}
