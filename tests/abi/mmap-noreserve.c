/* A large reservation costs nothing until it is touched. */
#include "tests/abi/abi.h"

#define SIZE 0x40000000u /* 1 GiB */

int main(void)
{
    static char text[4096];
    char *base = mmap(NULL, SIZE, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

    judge("reserved", base != MAP_FAILED);
    madvise(base, SIZE, MADV_NOHUGEPAGE);
    for (unsigned at = 0; at < SIZE; at += SIZE / 16)
        base[at] = 1;
    base[SIZE - 1] = 1;
    MUST(read_text("/proc/self/status", text, sizeof text));
    judge("size counted", text_field(text, "VmSize:") > (long)(SIZE / 1024));
    judge("resident is little", text_field(text, "VmRSS:") < 8192);
    outcome("unmapped", munmap(base, SIZE));
    MUST(read_text("/proc/self/status", text, sizeof text));
    judge("size is small again", text_field(text, "VmSize:") < (long)(SIZE / 1024));
    return 0;
}
