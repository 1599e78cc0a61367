/* Where a program's thread runs first: switch_stacks() "returns" to here with ESP at the trap
 * frame that thread_create_user() has put on top of the stack. */
    .text
    .globl thread_enter_user
    .type thread_enter_user, @function
thread_enter_user:
    movl %esp, %eax
    call thread_begin_user
    jmp trap_restore
    .size thread_enter_user, . - thread_enter_user

    .section .note.GNU-stack, "", @progbits
