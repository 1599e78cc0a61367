/* mm/fault.h - page faults: from an address and an access to a resident page.
 * Below: space.  Above: proc (what happens to a program whose fault has no answer). */
#pragma once

#include "kernel/cpu/trap.h"
#include "mm/space.h"

/* Register with cpu/trap for #PF. */
void fault_init(void);

/* Make the page at `address` accessible for `error` (PF_WRITE, PF_FETCH bits of the page-fault
 * error code).  0; -EFAULT: there is no such memory or no such right; -ENOMEM: no frame. */
int fault_handle(struct space *space, uaddr_t address, uint32_t error);

/* A user fault had no answer: was it for lack of a frame? */
bool fault_was_out_of_memory(struct space *space, uaddr_t address, uint32_t error);

/* Explain a fault that had no answer: "user write to a not-present page at 0x0804f000; nearest
 * mapping 0804b000-0804d000 rw- hello ends below".  Returns text. */
const char *fault_explain(struct space *space, uaddr_t address, uint32_t error, char *text,
                          size_t size);
