/* exec begins with a fresh FPU. */
#include "tests/abi/abi.h"

int main(int argc, char **argv)
{
    uint16_t control, status, round_up = 0x0b7f;
    char path[256];

    if (argc > 1) {
        __asm__ volatile("fnstcw %0; fnstsw %1" : "=m"(control), "=m"(status));
        say("control %#x, status %#x", control, status);
        return 0;
    }
    own_path(path, sizeof path);
    __asm__ volatile("fldcw %0; fldpi; fldpi" : : "m"(round_up));
    execl(path, argv[0], "again", NULL);
    return STATUS_BROKEN;
}
