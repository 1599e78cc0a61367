/* kernel/main.h - what kmain hands over to. */
#pragma once

#include "kernel/lib/types.h"

/* Everything is up, interrupts are on, and this is the first thread.  The product's version
 * (shell/start.c) runs the shell; a test kernel's (tests/kernel/framework.c) runs its tests. */
void start(void);

/* Called by entry.S with the loader's magic number and the physical address of its
 * information. */
_Noreturn void kmain(uint32_t magic, uint32_t info_paddr);
