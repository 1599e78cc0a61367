/* kernel/cpu/gdt.h - segments and task state segments.
 * Flat segments: protection is the business of paging.  SDM vol. 3, 3.4.5 and 8.2. */
#pragma once

#include "kernel/lib/types.h"

/* Load the GDT, the segment registers and the task register. */
void gdt_init(void);

/* Where the processor puts the stack when it enters the kernel from ring 3: top of the running
 * thread's kernel stack.  Called at every thread switch. */
void gdt_set_kernel_stack(uintptr_t top);

/* Page directory that the double-fault task runs on (its TSS has a CR3 of its own); called by
 * mm/paging.c when the kernel's directory is final. */
void gdt_set_double_fault_cr3(paddr_t cr3);
