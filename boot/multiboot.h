/* boot/multiboot.h - Multiboot Specification 0.6.96, sections 3.1 (header) and 3.3
 * (information). */
#pragma once

#define MULTIBOOT_HEADER_MAGIC 0x1BADB002
#define MULTIBOOT_HEADER_ALIGN 0x1  /* modules on page boundaries */
#define MULTIBOOT_HEADER_MEMORY 0x2 /* memory information wanted */
#define MULTIBOOT_LOADER_MAGIC 0x2BADB002

#ifndef __ASSEMBLER__

#include "kernel/lib/types.h"

#define MULTIBOOT_INFO_MEMORY (1u << 0)
#define MULTIBOOT_INFO_CMDLINE (1u << 2)
#define MULTIBOOT_INFO_MODULES (1u << 3)
#define MULTIBOOT_INFO_MMAP (1u << 6)
#define MULTIBOOT_INFO_LOADER_NAME (1u << 9)

struct multiboot_info {
    uint32_t flags;
    uint32_t mem_lower; /* KiB from 0 */
    uint32_t mem_upper; /* KiB from 1 MiB */
    uint32_t boot_device;
    uint32_t cmdline;    /* physical address of a string */
    uint32_t mods_count; /* modules */
    uint32_t mods_addr;  /* physical address of struct multiboot_module[] */
    uint32_t syms[4];
    uint32_t mmap_length; /* bytes */
    uint32_t mmap_addr;   /* physical address of the first entry */
    uint32_t drives_length, drives_addr;
    uint32_t config_table;
    uint32_t boot_loader_name;
};

struct multiboot_module {
    uint32_t start, end; /* physical, half-open */
    uint32_t cmdline;
    uint32_t reserved;
};

struct multiboot_mmap_entry {
    uint32_t size; /* of the rest of this entry: the next one starts at &addr + size */
    uint64_t addr;
    uint64_t len;
    uint32_t type; /* 1 usable, 2 reserved, 3 ACPI tables, 4 ACPI NVS, 5 defective */
} __attribute__((packed));

#endif
