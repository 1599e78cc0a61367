/* kernel/lib/layout.h - the virtual address space, 4 GiB from the bottom up.
 * docs/memory-layout.md draws it with the reasons.
 *
 *   0xFFFFF000  never mapped
 *   0xFFC00000  kmap slots: short-lived windows on HIGHMEM frames          kernel rw-
 *   0xFF800000  never mapped
 *   0xF8000000  vmalloc: kernel stacks (a guard page below each), tables   kernel rw-
 *   0xC0000000  direct map of physical 0 .. 896 MiB            kernel rw-, image r-x and r--
 *   0xBFFFF000  never mapped
 *               user stack, grows down on faults, at most 8 MiB            user   rw-
 *               ... mmap area, grows down
 *               heap (brk), grows up from the end of bss                   user   rw-
 *   0x08048000  program: text r-x, rodata r--, data and bss rw-            user
 *   0x00000000  first 64 KiB never mapped: NULL dereferences fault
 *
 * In the build that checks each access to memory (make KASAN=1, mm/kasan.h) the direct map and the
 * vmalloc area give way to the shadow, one byte for eight of the kernel's gigabyte:
 *
 *   0xF8000000  vmalloc, up to 0xFA000000
 *   0xF0000000  shadow of 0xC0000000 .. 0xFFFFFFFF
 *   0xC0000000  direct map of physical 0 .. 768 MiB */
#pragma once

/* The assembler reads KERNEL_BASE and BOOT_MAP_* too, and so they have no suffix "u". */
#define KERNEL_BASE 0xC0000000
#define KERNEL_LOAD_PADDR 0x00100000u /* 1 MiB; the kernel is linked at KERNEL_BASE + this */

#ifdef KASAN
#define SHADOW_START 0xF0000000u /* the Makefile gives it to the compiler, too */
#define SHADOW_END 0xF8000000u
#define LOWMEM_MAX_BYTES 0x30000000u /* 768 MiB */
#define VMALLOC_END 0xFA000000u
#else
#define LOWMEM_MAX_BYTES 0x38000000u /* 896 MiB: what the direct map covers */
#define VMALLOC_END 0xFF800000u
#endif
#define LOWMEM_MAX_PFN (LOWMEM_MAX_BYTES >> 12)
#define DMA_MAX_PFN (0x01000000u >> 12) /* 16 MiB: what ISA DMA reaches */

#define VMALLOC_START 0xF8000000u
#define KMAP_START 0xFFC00000u
#define KMAP_END 0xFFFFF000u

#define USER_MIN 0x00010000u
#define USER_END 0xC0000000u
#define USER_STACK_TOP 0xBFFFF000u
#define USER_STACK_LIMIT (8u * 1024 * 1024)
#define USER_STACK_GUARD (1u * 1024 * 1024) /* kept free below the stack's limit */

/* What entry.S maps for the first steps: the first 16 MiB, at 0 and at KERNEL_BASE. */
#define BOOT_MAP_BYTES 0x01000000
#define BOOT_MAP_TABLES (BOOT_MAP_BYTES >> 22)
