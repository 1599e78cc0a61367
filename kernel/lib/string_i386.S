/* kernel/lib/string_i386.S - memset, memcpy and memmove for i386, in the kernel and in
 * programs.
 *
 * Problem     Whole pages are cleared and copied all the time, and the compiler may turn any
 *             loop in C into a call of these very functions.
 * Method      The string instructions move 4 bytes per step (STOSL, MOVSL), then the 0..3 bytes
 *             that remain (SDM vol. 1, 7.3.9).  No alignment is needed, so none is made.
 * Arguments   come in EAX, EDX and ECX in the kernel (-mregparm=3, see the Makefile); in programs
 *             they lie above the return address (System V i386 ABI) and are fetched.
 * Registers   These three are the caller's to save; EDI and ESI are ours.  The ABI has DF clear at
 *             every call, and it is clear again on return. */

/* With KASAN=1, mm/kasan/shadow.c has functions of these names, which check and then come here. */
#ifdef KASAN
#define memset unchecked_memset
#define memcpy unchecked_memcpy
#define memmove unchecked_memmove
#endif

        .text

/* A function's first instructions. */
        .macro  FETCH_ARGUMENTS
#ifndef STRATA_REGPARM
        movl    4(%esp), %eax
        movl    8(%esp), %edx
        movl    12(%esp), %ecx
#endif
        .endm

/* void *memset(void *dst, int byte, size_t nbytes) */
        .globl  memset
        .type   memset, @function
        .p2align 4
memset:
        FETCH_ARGUMENTS
        pushl   %edi
        pushl   %eax                    /* the result */
        movl    %eax, %edi
        movzbl  %dl, %eax
        imull   $0x01010101, %eax       /* the byte, four times */
        movl    %ecx, %edx
        shrl    $2, %ecx
        rep stosl
        movl    %edx, %ecx
        andl    $3, %ecx
        rep stosb
        popl    %eax
        popl    %edi
        ret
        .size   memset, . - memset

/* void *memcpy(void *restrict dst, const void *restrict src, size_t nbytes) */
        .globl  memcpy
        .type   memcpy, @function
        .p2align 4
memcpy:
        FETCH_ARGUMENTS
        pushl   %edi
        pushl   %esi
        movl    %eax, %edi              /* EAX stays: the result */
        movl    %edx, %esi
        movl    %ecx, %edx
.Lcopy_forward:                         /* ECX = EDX = nbytes */
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
        FETCH_ARGUMENTS
        pushl   %edi
        pushl   %esi
        movl    %edx, %esi
        movl    %ecx, %edx
        movl    %eax, %edi
        subl    %esi, %edi              /* from src to dst */
        cmpl    %edx, %edi
        movl    %eax, %edi
        jae     .Lcopy_forward

        leal    -1(%edi,%edx), %edi     /* the last byte of each */
        leal    -1(%esi,%edx), %esi
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
