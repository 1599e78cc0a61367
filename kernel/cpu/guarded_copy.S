/* Guarded accesses: see guarded.h, and mm/uaccess.c for the idea.
 *
 * Most bytes go by doublewords.  When one of those faults for good, ECX has the doublewords
 * that are missing; the copy is taken up again by single bytes, so that the count that is
 * returned is exact. */

/* lea 0(%esi), %esi: three bytes that do nothing; guarded_init() puts STAC or CLAC there. */
#define NOP_FOR_SMAP .byte 0x8d, 0x76, 0x00

        .text
        .globl  guarded_copy_stac, guarded_copy_clac, guarded_zero_stac, guarded_zero_clac

/* size_t guarded_copy(void *dst, const void *src, size_t nbytes) */
        .globl  guarded_copy
        .type   guarded_copy, @function
guarded_copy:
        pushl   %ebp
        movl    %esp, %ebp
        pushl   %esi
        pushl   %edi
        movl    %eax, %edi
        movl    %edx, %esi
        movl    %ecx, %edx
guarded_copy_stac:
        NOP_FOR_SMAP
        shrl    $2, %ecx
copy_words:
        rep movsl
        movl    %edx, %ecx
        andl    $3, %ecx
copy_bytes:
        rep movsb
copy_done:
        movl    %ecx, %eax              /* bytes that are missing */
guarded_copy_clac:
        NOP_FOR_SMAP
        popl    %edi
        popl    %esi
        popl    %ebp
        ret
copy_words_failed:
        andl    $3, %edx
        leal    (%edx,%ecx,4), %ecx
        jmp     copy_bytes
        .size   guarded_copy, . - guarded_copy

/* size_t guarded_zero(void *dst, size_t nbytes) */
        .globl  guarded_zero
        .type   guarded_zero, @function
guarded_zero:
        pushl   %ebp
        movl    %esp, %ebp
        pushl   %edi
        movl    %eax, %edi
        xorl    %eax, %eax
guarded_zero_stac:
        NOP_FOR_SMAP
        movl    %edx, %ecx
        shrl    $2, %ecx
zero_words:
        rep stosl
        movl    %edx, %ecx
        andl    $3, %ecx
zero_bytes:
        rep stosb
zero_done:
        movl    %ecx, %eax              /* bytes that are missing */
guarded_zero_clac:
        NOP_FOR_SMAP
        popl    %edi
        popl    %ebp
        ret
zero_words_failed:
        andl    $3, %edx
        leal    (%edx,%ecx,4), %ecx
        jmp     zero_bytes
        .size   guarded_zero, . - guarded_zero

        .section .ex_table, "a"
        .balign 4
        .long   copy_words, copy_words_failed
        .long   copy_bytes, copy_done
        .long   zero_words, zero_words_failed
        .long   zero_bytes, zero_done

        .section .note.GNU-stack, "", @progbits
