/* tests/boot/nommap.S - a boot loader for tests that knows no memory map.
 *
 * QEMU always passes a map.  This program is what QEMU boots, well above the kernel; the real kernel is its
 * first module.  It loads the kernel's segments where they want to be, takes the map and the first
 * module out of the information, and jumps to the kernel: what is left are mem_lower and mem_upper.
 * (Multiboot Specification 3.3; System V ABI, chapter 5.) */
#include "boot/multiboot.h"

/* struct multiboot_info, struct multiboot_module */
#define INFO_FLAGS 0
#define INFO_MODS_COUNT 20
#define INFO_MODS_ADDR 24
#define INFO_MMAP_BIT 6
#define MODULE_START 0
#define MODULE_BYTES 16

/* struct elf32_ehdr, struct elf32_phdr */
#define EHDR_ENTRY 24
#define EHDR_PHOFF 28
#define EHDR_PHNUM 44
#define PHDR_TYPE 0
#define PHDR_OFFSET 4
#define PHDR_PADDR 12
#define PHDR_FILESZ 16
#define PHDR_MEMSZ 20
#define PHDR_BYTES 32
#define PT_LOAD 1

        .section .text
        .balign 4
        .long   MULTIBOOT_HEADER_MAGIC
        .long   MULTIBOOT_HEADER_ALIGN | MULTIBOOT_HEADER_MEMORY
        .long   -(MULTIBOOT_HEADER_MAGIC + (MULTIBOOT_HEADER_ALIGN | MULTIBOOT_HEADER_MEMORY))

        .globl  nommap_entry
nommap_entry:
        cld
        movl    INFO_MODS_ADDR(%ebx), %eax
        movl    MODULE_START(%eax), %ebp        /* the kernel's file */
        btrl    $INFO_MMAP_BIT, INFO_FLAGS(%ebx)
        addl    $MODULE_BYTES, INFO_MODS_ADDR(%ebx)
        decl    INFO_MODS_COUNT(%ebx)

        movl    EHDR_PHOFF(%ebp), %edx
        addl    %ebp, %edx                      /* a program header */
        movzwl  EHDR_PHNUM(%ebp), %eax          /* how many are left */
next:   cmpl    $PT_LOAD, PHDR_TYPE(%edx)
        jne     skip
        movl    PHDR_OFFSET(%edx), %esi
        addl    %ebp, %esi
        movl    PHDR_PADDR(%edx), %edi
        movl    PHDR_FILESZ(%edx), %ecx
        rep     movsb
        movl    PHDR_MEMSZ(%edx), %ecx
        subl    PHDR_FILESZ(%edx), %ecx
        movl    %eax, %esp                      /* kept: AL must be 0 */
        xorl    %eax, %eax
        rep     stosb
        movl    %esp, %eax
skip:   addl    $PHDR_BYTES, %edx
        decl    %eax
        jnz     next

        movl    $MULTIBOOT_LOADER_MAGIC, %eax
        jmp     *EHDR_ENTRY(%ebp)

        .section .note.GNU-stack, "", @progbits
