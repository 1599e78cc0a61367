/* The context switch: see switch.h.  The caller-saved registers need no saving: to the compiler
 * this is a function call like any other. */
        .text
        .globl  switch_stacks
        .type   switch_stacks, @function
switch_stacks:
        pushl   %ebp
        pushl   %ebx
        pushl   %esi
        pushl   %edi
        movl    %esp, (%eax)            /* save */
        movl    %edx, %esp              /* load */
        popl    %edi
        popl    %esi
        popl    %ebx
        popl    %ebp
        ret
        .size   switch_stacks, . - switch_stacks

        .section .note.GNU-stack, "", @progbits
