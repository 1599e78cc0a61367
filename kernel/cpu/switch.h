/* kernel/cpu/switch.h - from one kernel stack to another. */
#pragma once

#include "kernel/lib/types.h"

/* What a stack that is not running has on top: the registers that a C function must preserve
 * (System V ABI, i386), and where to go on. */
struct switch_frame {
    uint32_t edi, esi, ebx, ebp;
    uintptr_t eip;
};

/* Save the running context on its stack and its stack pointer in *save; go on with the one
 * saved at `load`.  Returns when somebody switches back.  Interrupts off. */
void switch_stacks(uintptr_t *save, uintptr_t load);
