/* The guarded accesses on processors with SMAP: see guarded_copy.S. */
#include "kernel/cpu/guarded.h"

#include "kernel/cpu/cpu.h"

extern char guarded_copy_stac[], guarded_copy_clac[], guarded_zero_stac[], guarded_zero_clac[];

void guarded_init(void)
{
    static const uint8_t stac[] = { 0x0F, 0x01, 0xCB }, clac[] = { 0x0F, 0x01, 0xCA };

    if (!cpu_has(CPU_SMAP))
        return;
    cpu_patch_code(guarded_copy_stac, stac, sizeof(stac));
    cpu_patch_code(guarded_zero_stac, stac, sizeof(stac));
    cpu_patch_code(guarded_copy_clac, clac, sizeof(clac));
    cpu_patch_code(guarded_zero_clac, clac, sizeof(clac));
}
