/* The XMM registers and MXCSR across a handler that uses them. */
#include "tests/abi/abi.h"

#define MXCSR_DEFAULT 0x1f80
#define MXCSR_ROUND_UP 0x5f80
#define MXCSR_FLUSH 0x8040 /* denormals are zero: -ffast-math */

static unsigned mxcsr(void)
{
    unsigned value;

    __asm__ volatile("stmxcsr %0" : "=m"(value));
    return value;
}

static void set_mxcsr(unsigned value)
{
    __asm__ volatile("ldmxcsr %0" : : "m"(value));
}

static void on_signal(int signal)
{
    (void)signal;
    say("handler: mxcsr %#x", mxcsr());
    set_mxcsr(MXCSR_DEFAULT | 0x2000);
    __asm__ volatile("xorps %xmm0, %xmm0; xorps %xmm3, %xmm3");
}

int main(void)
{
    uint32_t in[4] = { 11, 22, 33, 44 }, out[4];

    handle(SIGUSR1, on_signal, 0);
    set_mxcsr(MXCSR_ROUND_UP);
    int result = SYS_kill;
    __asm__ volatile("movups (%1), %%xmm3; int $0x80; movups %%xmm3, (%2)"
                     : "+a"(result)
                     : "S"(in), "D"(out), "b"(getpid()), "c"(SIGUSR1)
                     : "memory");
    say("xmm3: %u %u %u %u", out[0], out[1], out[2], out[3]);
    say("mxcsr %#x", mxcsr());
    set_mxcsr(MXCSR_ROUND_UP | MXCSR_FLUSH);
    raise(SIGUSR1);
    say("mxcsr %#x", mxcsr());
    return 0;
}
