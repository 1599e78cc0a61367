/* mm/mm.h - brings up the memory layers in the order in which they stand on each other. */
#pragma once

#include "kernel/lib/types.h"

/* From the memory map (memmap_init() has run) to kmalloc, vmalloc, user spaces and faults.
 * Interrupts are off. */
void mm_init(void);

/* For the idle loop, interrupts off and nothing locked: do a little of what need not be done now, but
 * will be wanted: reclaim up to the watermarks, zero free frames.  False: there is nothing to do. */
bool mm_idle(void);
