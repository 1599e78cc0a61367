/* mm/fault.h - page faults: from an address and an access to a resident page.
 * Below: space, reclaim.  Above: proc (what happens to a program whose fault has no answer). */
#pragma once

#include "kernel/cpu/trap.h"
#include "mm/space.h"

/* Register with cpu/trap for #PF. */
void fault_init(void);

/* Make the page at `address` accessible for `error` (PF_WRITE, PF_FETCH bits of the page-fault
 * error code).  0, or why there is no answer:
 *   -EFAULT  nothing is mapped there, or the stack must not grow       SIGSEGV, SEGV_MAPERR
 *   -EACCES  there is a range, but without that right                  SIGSEGV, SEGV_ACCERR
 *   -ENXIO   the page lies behind the end of the mapped file           SIGBUS,  BUS_ADRERR
 *   -ENOMEM  no frame, even after reclaim                              the out-of-memory killer */
int fault_handle(struct space *space, uaddr_t address, uint32_t error);

/* Make every page of [start, end) accessible for `error` before it is touched (MAP_POPULATE,
 * MADV_POPULATE_READ and _WRITE).  0, or the error of the first page for which there is none. */
int fault_populate(struct space *space, uaddr_t start, uaddr_t end, uint32_t error);

/* Register who is asked when a fault of a program (or of a copy for it) finds no frame.  Called with
 * interrupts on, no lock held; it may sleep.  `tries`: how often this fault has asked before.  True: try
 * again (somebody was ended, or had ended); false: this program is the one that ends. */
void fault_set_oom_hook(bool (*hook)(unsigned tries));

/* For the user handler of cpu/trap, after a #PF that was not answered: the result of fault_handle()
 * for the running thread's last fault (-EFAULT for one that no range can answer).  Interrupts must
 * not have been on since. */
int fault_last_error(void);

/* Explain a fault that had no answer: "user write to a not-present page at 0x0804f000; nearest
 * mapping 0804b000-0804d000 rw- hello ends below".  Returns text. */
const char *fault_explain(struct space *space, uaddr_t address, uint32_t error, char *text,
                          size_t size);
