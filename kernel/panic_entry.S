/* panic() and assert_failed(): before anything changes a register, all of them are saved, in
 * the layout of struct trap_frame (trap.h), as if the call had been an exception.  ESP at the
 * call points to the return address, with the arguments above it (where a variable number of them
 * goes). */
#include "kernel/cpu/cpu.h"

        .macro  PANIC_ENTRY name, handler
        .globl  \name
        .type   \name, @function
\name:
        pushfl
        pushl   %cs
        pushl   8(%esp)                 /* eip: the return address ... */
        decl    (%esp)                  /* ... may be the next function's: the call itself */
        pushl   $0                      /* error */
        pushl   $0                      /* vector */
        pushal
        pushl   %ds
        pushl   %es
        pushl   %fs
        pushl   %gs
        cli
        cld
        movl    %esp, %eax
        call    \handler
        .size   \name, . - \name
        .endm

        .text
        PANIC_ENTRY panic, panic_called
        PANIC_ENTRY assert_failed, assert_called

        .section .note.GNU-stack, "", @progbits
