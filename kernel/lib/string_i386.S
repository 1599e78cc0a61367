/* kernel/lib/string_i386.S - memset, memcpy and memmove for i386, in the kernel and in
 * programs.
 *
 * Problem     Whole pages are cleared and copied all the time, and the compiler may turn any
 *             loop in C into a call of these very functions.
 * Method      The string instructions move 4 bytes per step (STOSL, MOVSL), then the 0..3 bytes
 *             that remain (SDM vol. 1, 7.3.9).  No alignment is needed, so none is made.
 * Registers   EAX, ECX and EDX are the caller's to save (System V i386 ABI); EDI and ESI are
 *             ours. The ABI has DF clear at every call, and it is clear again on return. */

        .text

/* Both prologues push two registers: the arguments follow them and the return address. */
#define ARG1 12(%esp)
#define ARG2 16(%esp)
#define ARG3 20(%esp)

/* void *memset(void *dst, int byte, size_t nbytes) */
        .globl  memset
        .type   memset, @function
        .p2align 4
memset:
        movl    %edi, %edx              /* EDX keeps EDI: cheaper than the stack */
        movl    4(%esp), %edi
        movzbl  8(%esp), %eax
        imull   $0x01010101, %eax       /* the byte, four times */
        movl    12(%esp), %ecx
        shrl    $2, %ecx
        rep stosl
        movl    12(%esp), %ecx
        andl    $3, %ecx
        rep stosb
        movl    4(%esp), %eax
        movl    %edx, %edi
        ret
        .size   memset, . - memset

/* void *memcpy(void *restrict dst, const void *restrict src, size_t nbytes) */
        .globl  memcpy
        .type   memcpy, @function
        .p2align 4
memcpy:
        pushl   %edi
        pushl   %esi
        movl    ARG1, %edi
        movl    ARG2, %esi
        movl    ARG3, %edx
        movl    %edi, %eax              /* the result */
.Lcopy_forward:
        movl    %edx, %ecx
        shrl    $2, %ecx
        rep movsl
        movl    %edx, %ecx
        andl    $3, %ecx
        rep movsb
        popl    %esi
        popl    %edi
        ret
        .size   memcpy, . - memcpy

/* void *memmove(void *dst, const void *src, size_t nbytes)
 * Upwards is right unless dst lies inside [src, src + nbytes): there a byte would be
 * overwritten before it is read, and the copy goes downwards.  One unsigned comparison
 * decides. */
        .globl  memmove
        .type   memmove, @function
        .p2align 4
memmove:
        pushl   %edi
        pushl   %esi
        movl    ARG1, %edi
        movl    ARG2, %esi
        movl    ARG3, %edx
        movl    %edi, %eax
        movl    %edi, %ecx
        subl    %esi, %ecx
        cmpl    %edx, %ecx
        jae     .Lcopy_forward

        leal    -1(%edi,%edx), %edi     /* the last byte of each */
        leal    -1(%esi,%edx), %esi
        movl    %edx, %ecx
        andl    $3, %ecx
        std
        rep movsb
        subl    $3, %edi                /* from a last byte to the word that ends there */
        subl    $3, %esi
        movl    %edx, %ecx
        shrl    $2, %ecx
        rep movsl
        cld
        popl    %esi
        popl    %edi
        ret
        .size   memmove, . - memmove

        .section .note.GNU-stack, "", @progbits
