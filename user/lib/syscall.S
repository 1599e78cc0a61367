/* user/lib/syscall.S - the system calls that C cannot make: with six arguments, those that return
 * twice on one stack or on a new one, and the way back from a signal handler.
 * Arguments lie above the return address (System V i386 ABI, 2.2); EBX, ESI, EDI, EBP are the
 * caller's. */
#include "user/lib/syscall.h"

#define SAVED 16                        /* bytes: four registers */
#define ARGUMENT(n) (4 * (n))(%esp)     /* the n-th, from 1, at a function's first instruction */

        .text

/* long syscall_raw6(long number, long a, long b, long c, long d, long e, long f) */
        .globl  syscall_raw6
        .type   syscall_raw6, @function
syscall_raw6:
        pushl   %ebx
        pushl   %esi
        pushl   %edi
        pushl   %ebp
        movl    SAVED+4(%esp), %eax
        movl    SAVED+8(%esp), %ebx
        movl    SAVED+12(%esp), %ecx
        movl    SAVED+16(%esp), %edx
        movl    SAVED+20(%esp), %esi
        movl    SAVED+24(%esp), %edi
        movl    SAVED+28(%esp), %ebp
        int     $0x80
        popl    %ebp
        popl    %edi
        popl    %esi
        popl    %ebx
        ret
        .size   syscall_raw6, . - syscall_raw6

/* pid_t vfork(void)
 * The child runs first, on the parent's stack, and what it calls overwrites the return address
 * there.  So it waits in ECX, which the kernel keeps for both. */
        .globl  vfork
        .type   vfork, @function
vfork:
        popl    %ecx
        movl    $SYS_vfork, %eax
        int     $0x80
        pushl   %ecx
        pushl   %eax
        call    syscall_result
        popl    %ecx
        ret
        .size   vfork, . - vfork

/* int clone(int (*function)(void *), void *stack_top, int flags, void *argument,
 *           int *parent_tid, void *tls, int *child_tid)
 * The child finds function and argument on its own stack; what the function returns ends it. */
        .globl  clone
        .type   clone, @function
clone:
        movl    ARGUMENT(1), %eax
        movl    ARGUMENT(2), %ecx
        movl    ARGUMENT(4), %edx
        andl    $-16, %ecx              /* the ABI's alignment at a call, 1 argument on top */
        subl    $16, %ecx
        movl    %edx, (%ecx)
        movl    %eax, -4(%ecx)
        subl    $4, %ecx

        pushl   %ebx
        pushl   %esi
        pushl   %edi
        movl    12+12(%esp), %ebx       /* flags */
        movl    12+20(%esp), %edx       /* parent_tid */
        movl    12+24(%esp), %esi       /* tls */
        movl    12+28(%esp), %edi       /* child_tid */
        movl    $SYS_clone, %eax
        int     $0x80
        testl   %eax, %eax
        jz      1f
        popl    %edi
        popl    %esi
        popl    %ebx
        pushl   %eax
        call    syscall_result
        popl    %ecx
        ret
1:      xorl    %ebp, %ebp              /* the new stack's outermost frame */
        popl    %eax
        call    *%eax
        movl    %eax, %ebx
        movl    $SYS_exit, %eax
        int     $0x80
        ud2
        .size   clone, . - clone

/* Where signal handlers return to.  The kernel has left one of two frames above ESP: the older one,
 * whose call wants the signal number gone from the stack, or with SA_SIGINFO the newer one. */
        .globl  signal_return
        .type   signal_return, @function
signal_return:
        popl    %eax
        movl    $SYS_sigreturn, %eax
        int     $0x80
        ud2
        .size   signal_return, . - signal_return

        .globl  signal_return_info
        .type   signal_return_info, @function
signal_return_info:
        movl    $SYS_rt_sigreturn, %eax
        int     $0x80
        ud2
        .size   signal_return_info, . - signal_return_info

        .section .note.GNU-stack, "", @progbits
