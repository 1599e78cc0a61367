/* tests/host/shim/kernel/cpu/cpu.h - for the host tests: there are no interrupts to turn off. */
#pragma once

#include "kernel/lib/types.h"

static inline uint32_t irq_save(void)
{
    return 0;
}

static inline void irq_restore(uint32_t flags)
{
    (void)flags;
}

static inline void compiler_barrier(void)
{
}
