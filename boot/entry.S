/* boot/entry.S - from the boot loader to kmain() in the higher half.
 *
 * The loader leaves us as the Multiboot Specification 3.2 says: 32-bit protected mode, flat
 * segments, paging and interrupts off, magic in EAX, physical address of the information in
 * EBX.  The kernel is loaded at 1 MiB but linked at KERNEL_BASE + 1 MiB, so nothing of it can run
 * before paging is on:
 *
 *     physical 0 .. 16 MiB <-- boot_page_tables <-- directory entries   0..3   (this code)
 *                                               <-- directory entries 768..771 (the kernel)
 *
 * Only this file's section .boot is linked where it is loaded.  Everything else is addressed as
 * PADDR(symbol) until the jump to higher_half.  mm/paging.c takes boot_page_directory over as
 * the kernel's directory and frees what lies between boot_tables_start and boot_tables_end.
 *
 * 4 KiB pages, because a 486 has no larger ones.  Sources: Multiboot Specification 0.6.96, 3.1
 * and 3.2; Intel SDM vol. 3, 2.5 (CR0) and 4.3 (32-bit paging). */
#include "boot/multiboot.h"
#include "kernel/lib/layout.h"

#define PADDR(symbol) ((symbol)-KERNEL_BASE)

#ifdef KASAN
#define BOOT_STACK_BYTES 16384  /* functions take more of it: see KERNEL_STACK_PAGES */
#else
#define BOOT_STACK_BYTES 8192
#endif
#define PAGE_BYTES 4096
#define ENTRIES_PER_TABLE 1024
#define ENTRY_BYTES 4
#define KERNEL_FIRST_ENTRY (KERNEL_BASE >> 22) /* directory entry that covers KERNEL_BASE */
#define PRESENT_WRITABLE 0x3

#define CR0_PG_WP 0x80010000  /* paging; ring 0 respects read-only pages */
#define EFLAGS_ID 0x00200000  /* can be flipped = CPUID exists */
#define CPUID_1_EDX_TSC 0x10

#define HEADER_FLAGS (MULTIBOOT_HEADER_ALIGN | MULTIBOOT_HEADER_MEMORY)

        .section .boot, "ax"
        .balign 4
        .long   MULTIBOOT_HEADER_MAGIC
        .long   HEADER_FLAGS
        .long   -(MULTIBOOT_HEADER_MAGIC + HEADER_FLAGS)

        .globl  boot_entry
boot_entry:
        cld
        movl    $PADDR(boot_stack_top), %esp
        pushl   %ebx                    /* kmain's second argument */
        pushl   %eax                    /* and its first */

        /* boot_tsc = RDTSC, where there is one: CPUID exists if EFLAGS.ID can be flipped. */
        pushfl
        popl    %eax
        movl    %eax, %ecx
        xorl    $EFLAGS_ID, %eax
        pushl   %eax
        popfl
        pushfl
        popl    %eax
        cmpl    %ecx, %eax
        je      no_tsc
        movl    $1, %eax
        cpuid
        testl   $CPUID_1_EDX_TSC, %edx
        jz      no_tsc
        rdtsc
        movl    %eax, PADDR(boot_tsc)
        movl    %edx, PADDR(boot_tsc) + 4
no_tsc:
        /* Page tables: frame 0, 1, 2 ... one after the other. */
        movl    $PADDR(boot_page_tables), %edi
        movl    $PRESENT_WRITABLE, %eax
        movl    $(BOOT_MAP_TABLES * ENTRIES_PER_TABLE), %ecx
1:      stosl
        addl    $PAGE_BYTES, %eax
        loop    1b

        /* Directory: every table twice. */
        movl    $PADDR(boot_page_directory), %edi
        movl    $PADDR(boot_page_tables) + PRESENT_WRITABLE, %eax
        movl    $BOOT_MAP_TABLES, %ecx
2:      movl    %eax, KERNEL_FIRST_ENTRY * ENTRY_BYTES(%edi)
        stosl
        addl    $PAGE_BYTES, %eax
        loop    2b

        movl    $PADDR(boot_page_directory), %eax
        movl    %eax, %cr3
        movl    %cr0, %eax
        orl     $CR0_PG_WP, %eax
        movl    %eax, %cr0
        movl    $higher_half, %eax
        jmp     *%eax

        .text
higher_half:
        addl    $KERNEL_BASE, %esp
        xorl    %ebp, %ebp              /* backtraces end here */
#ifdef KASAN
        call    kasan_early_init        /* the compiler's code writes to the shadow */
#endif
        popl    %eax
        popl    %edx
        call    kmain                   /* never returns */

        .section .bss.boot_tables, "aw", @nobits
        .balign PAGE_BYTES
        .globl  boot_page_tables
boot_page_tables:
        .skip   BOOT_MAP_TABLES * PAGE_BYTES

        .bss
        .balign PAGE_BYTES
        .globl  boot_page_directory
boot_page_directory:
        .skip   PAGE_BYTES

        .globl  boot_stack_bottom, boot_stack_top
boot_stack_bottom:
        .skip   BOOT_STACK_BYTES
boot_stack_top:

        .globl  boot_tsc                /* uint64_t: time-stamp counter at entry, 0 without one */
boot_tsc:
        .skip   8

        .section .note.GNU-stack, "", @progbits
