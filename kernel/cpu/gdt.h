/* kernel/cpu/gdt.h - segments and task state segments.
 * Flat segments: protection is the business of paging, but where code ends is the code segments'.
 * SDM vol. 3, 3.4.5 and 8.2. */
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

/* The user code segment ends here: no instruction at or above `end` can be executed.  Page-aligned;
 * takes effect when CS is loaded next, by IRET.  This is how code is kept apart from data where pages
 * have no no-execute bit. */
void gdt_set_user_code_limit(uint32_t end);

/* The same for the kernel's code: its text, and above it up to `end` (0: nothing above).  Page-aligned;
 * takes effect at once.  A jump beyond it is a general protection fault. */
void gdt_set_kernel_code_limit(uintptr_t end);

/* Where the kernel's code ends, as the processor has it. */
uintptr_t gdt_kernel_code_end(void);

/* Descriptors that belong to the running thread: selectors GDT_TLS_FIRST * 8 + 3 and up, for
 * set_thread_area(2).  Loaded at each thread switch; 0 = not present.  FS and GS become null. */
#define GDT_TLS_COUNT 3
#define GDT_TLS_FIRST 7
void gdt_load_tls(const uint64_t descriptors[GDT_TLS_COUNT]);

/* A ring-3 data segment for set_thread_area(2), whose manual page has the meaning of the fields.  Only
 * what a data segment can be: `contents` 0 or 1. */
struct gdt_user_desc {
    uint32_t base, limit;
    bool seg_32bit, read_exec_only, limit_in_pages, seg_not_present, useable;
    uint8_t contents;
};
uint64_t gdt_make_tls(const struct gdt_user_desc *desc);
void gdt_parse_tls(uint64_t descriptor, struct gdt_user_desc *desc);
