/* A handler begins with a fresh FPU, and what it does there does not show outside. */
#include "tests/abi/abi.h"

static unsigned control(void)
{
    uint16_t word;

    __asm__ volatile("fnstcw %0" : "=m"(word));
    return word;
}

static void on_signal(int signal)
{
    uint16_t other = 0x077f;

    (void)signal;
    say("handler: control %#x", control());
    __asm__ volatile("fldcw %0; fninit; fld1; fldl2e; fldlg2" : : "m"(other));
}

int main(void)
{
    uint16_t word = 0x0b7f;
    double ln2, pi;

    handle(SIGUSR1, on_signal, 0);
    int result = SYS_kill;
    __asm__ volatile("fldcw %3; fldpi; fldln2; int $0x80; fstpl %0; fstpl %1"
                     : "=m"(ln2), "=m"(pi), "+a"(result)
                     : "m"(word), "b"(getpid()), "c"(SIGUSR1)
                     : "memory");
    say("afterwards: ln 2 %.10f, pi %.10f, control %#x", ln2, pi, control());
    return 0;
}
