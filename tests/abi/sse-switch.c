/* The XMM registers of processes that run in turns are not mixed up; fork copies them. */
#include "tests/abi/abi.h"

static void load(const uint32_t *words)
{
    __asm__ volatile("movups (%0), %%xmm0; movups 16(%0), %%xmm7" : : "r"(words) : "memory");
}

static void store(uint32_t *words)
{
    __asm__ volatile("movups %%xmm0, (%0); movups %%xmm7, 16(%0)" : : "r"(words) : "memory");
}

static int keep(uint32_t seed)
{
    uint32_t in[8], out[8];
    int same = 1;

    for (int round = 0; round < 50; round++) {
        for (int i = 0; i < 8; i++)
            in[i] = seed * 1000 + round * 10 + i;
        load(in);
        syscall(SYS_sched_yield);
        store(out);
        same &= memcmp(in, out, sizeof in) == 0;
    }
    return same;
}

int main(void)
{
    uint32_t in[8] = { 1, 2, 3, 4, 5, 6, 7, 8 }, out[8];
    pid_t children[3];
    int status;

    for (int i = 0; i < 3; i++) {
        children[i] = MUST(fork());
        if (children[i] == 0)
            _exit(keep(i) ? 20 + i : 1);
    }
    judge("parent's kept", keep(9));
    for (int i = 0; i < 3; i++)
        wait_for("child", children[i]);
    load(in);
    pid_t child = syscall(SYS_fork);
    store(out);
    if (child == 0)
        _exit(memcmp(in, out, sizeof in) == 0 ? 30 : 1);
    MUST(waitpid(child, &status, 0));
    ending("forked with registers loaded", status);
    return 0;
}
