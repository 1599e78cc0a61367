/* mm/mm.h - brings up the memory layers in the order in which they stand on each other. */
#pragma once

#include "kernel/lib/types.h"

/* From the memory map (memmap_init() has run) to kmalloc, vmalloc, user spaces and faults.
 * Interrupts are off. */
void mm_init(void);
