/* The ways into the kernel and out of it.
 *
 * Every vector has a stub of 16 bytes that pushes what the processor did not: an error code (0
 * where there is none) and the vector.  trap_common saves the rest of struct trap_frame
 * (trap.h):
 *
 *     high   user_ss, user_esp      pushed by the processor, from ring 3 only
 *            eflags, cs, eip        pushed by the processor
 *            error, vector          stub
 *            eax .. edi             PUSHA
 *     low    ds, es, fs, gs         <- ESP, and the frame's address
 *
 * What ring 3 leaves in the registers must not matter here:
 *   - DS and ES may hold anything that ring 3 could load: they are replaced.  FS and GS are
 *     saved but not replaced; the kernel does not use them.
 *   - DF: C code expects it clear.
 *   - AC: set, it would switch SMAP off.  No gate clears it.  CLAC does, where it exists: boot
 *     puts it in the place of the 3-byte no-operation (trap_init).
 *   - TF and NT: cleared by the gate itself (SDM vol. 3, 6.12.1.3), so that a program that
 *     single-steps into INT gets its #DB after the return, never inside the kernel.
 *   - IOPL and VM: ring 3 cannot change them.
 *
 * On the way out, the POPs of DS..GS and IRET can only fault if a selector became bad after it
 * was saved: ring 3 had loaded it, so the processor found it good then.  trap.c answers such a
 * fault by loading a null selector (trap_pop_segments marks the place).  CS and SS are the two
 * user segments; ring 3 can get no others into them.  But the code segment has a limit (gdt.c), and
 * IRET faults if EIP lies beyond it: when a program has unmapped the very code it runs.  trap.c makes
 * that the program's fault. */
#include "kernel/cpu/cpu.h"

#define VECTORS 256
#define VECTOR_PAGE_FAULT 14
#define VECTOR_SYSCALL 0x80

/* Which exceptions come with an error code (SDM vol. 3, table 6-1). */
#define HAS_ERROR_CODE(v) \
    ((v) == 8 || ((v) >= 10 && (v) <= 14) || (v) == 17 || (v) == 21 || (v) == 29 || (v) == 30)

/* lea 0(%esi), %esi: three bytes that do nothing, also on a 486. */
#define NOP_FOR_CLAC .byte 0x8d, 0x76, 0x00

    .text

    .globl trap_stubs
    .type trap_stubs, @function
    .p2align 4
trap_stubs:
    .set vector, 0
    .rept VECTORS
    .p2align 4
    .if !HAS_ERROR_CODE(vector)
    pushl $0
    .endif
    pushl $vector
    jmp trap_common
    .set vector, vector + 1
    .endr
    .size trap_stubs, . - trap_stubs

    .globl trap_common_clac
    .type trap_common, @function
trap_common:
    pushal
    pushl %ds
    pushl %es
    pushl %fs
    pushl %gs
    movl $SELECTOR_KERNEL_DATA, %eax
    movl %eax, %ds
    movl %eax, %es
    cld
trap_common_clac:
    NOP_FOR_CLAC
    movl %esp, %eax
    call trap_dispatch
    jmp trap_restore
    .size trap_common, . - trap_common

/* System calls: the most frequent way in, and therefore straight through.  A trap gate:
 * interrupts stay on.  It falls through to trap_restore. */
    .globl trap_syscall_entry, trap_syscall_clac
    .type trap_syscall_entry, @function
trap_syscall_entry:
    pushl $0
    pushl $VECTOR_SYSCALL
    pushal
    pushl %ds
    pushl %es
    pushl %fs
    pushl %gs
    movl $SELECTOR_KERNEL_DATA, %eax
    movl %eax, %ds
    movl %eax, %es
    cld
trap_syscall_clac:
    NOP_FOR_CLAC
    movl %esp, %eax
    call *trap_syscall_handler
    cli                         /* no work may come in between the test and IRET */
    cmpl $0, trap_user_work
    jne trap_syscall_work
    .size trap_syscall_entry, . - trap_syscall_entry

/* Back to what was interrupted; ESP is the frame's address. */
    .globl trap_restore, trap_pop_segments, trap_pop_segments_end, trap_iret
    .type trap_restore, @function
trap_restore:
trap_pop_segments:
    popl %gs
    popl %fs
    popl %es
    popl %ds
trap_pop_segments_end:
    popal
    addl $8, %esp               /* vector, error */
trap_iret:
    iret
    .size trap_restore, . - trap_restore

/* Page faults: how memory comes to programs, and so nearly as frequent.  An interrupt gate; the
 * processor has pushed an error code.  A fault that is answered goes straight back; everything
 * else is C's. */
    .globl trap_page_fault_entry, trap_page_fault_clac
    .type trap_page_fault_entry, @function
trap_page_fault_entry:
    pushl $VECTOR_PAGE_FAULT
    pushal
    pushl %ds
    pushl %es
    pushl %fs
    pushl %gs
    movl $SELECTOR_KERNEL_DATA, %eax
    movl %eax, %ds
    movl %eax, %es
    cld
trap_page_fault_clac:
    NOP_FOR_CLAC
    movl %esp, %eax
    call *trap_page_fault_handler
    testb %al, %al
    jz 1f
    cmpl $0, trap_user_work
    je trap_restore
    jmp 2f
1:  movl %esp, %eax
    call trap_not_answered
2:  movl %esp, %eax
    call trap_finish
    jmp trap_restore
    .size trap_page_fault_entry, . - trap_page_fault_entry

    .type trap_syscall_work, @function
trap_syscall_work:
    movl %esp, %eax
    call trap_run_user_work
    jmp trap_restore
    .size trap_syscall_work, . - trap_syscall_work

/* void trap_enter_user(struct trap_frame *frame) */
    .globl trap_enter_user
    .type trap_enter_user, @function
trap_enter_user:
    cli
    movl %eax, %esp
    jmp trap_restore
    .size trap_enter_user, . - trap_enter_user

/* Where the double-fault task starts, and starts again each time (gdt.c). */
    .globl double_fault_task
    .type double_fault_task, @function
double_fault_task:
    call gdt_double_fault
    addl $4, %esp               /* the error code */
    iret                        /* NT is set: switch back to the interrupted task */
    jmp double_fault_task
    .size double_fault_task, . - double_fault_task

    .section .note.GNU-stack, "", @progbits
