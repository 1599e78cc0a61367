/* user/lib/crt0.S - the first instructions of a program.
 * The kernel leaves on the stack (System V i386 ABI, 3.4.3), from ESP up:
 *     argc | argv[0] .. argv[argc-1] | NULL | envp[0] .. | NULL | auxiliary vector */
        .text
        .globl  _start
        .type   _start, @function
_start:
        xorl    %ebp, %ebp              /* outermost frame: backtraces end here */
        movl    %esp, %eax
        andl    $-16, %esp              /* the ABI's alignment at a call, 1 argument on top */
        subl    $12, %esp
        pushl   %eax
        call    start_program           /* does not return */
        ud2
        .size   _start, . - _start

        .section .note.GNU-stack, "", @progbits
