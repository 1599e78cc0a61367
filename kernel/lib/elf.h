/* kernel/lib/elf.h - ELF for i386: what a loader reads and what a program finds on its stack.
 * Source: System V ABI (gABI) 4.1, chapters 4 and 5; System V i386 ABI 3.2 and 3.4.3; the names
 * are theirs. */
#pragma once

#include "kernel/lib/types.h"

#define EI_NIDENT 16
/* Indices into e_ident. */
#define EI_MAG0 0
#define EI_CLASS 4
#define EI_DATA 5
#define EI_VERSION 6

#define ELFMAG "\177ELF"
#define SELFMAG 4
#define ELFCLASS32 1
#define ELFDATA2LSB 1
#define EV_CURRENT 1

#define ET_EXEC 2
#define ET_DYN 3
#define EM_386 3

/* At offset 0 of the file. */
struct elf32_ehdr {
    uint8_t e_ident[EI_NIDENT];
    uint16_t e_type;
    uint16_t e_machine;
    uint32_t e_version;
    uint32_t e_entry; /* first instruction */
    uint32_t e_phoff; /* file offset of the program headers */
    uint32_t e_shoff;
    uint32_t e_flags;
    uint16_t e_ehsize;
    uint16_t e_phentsize; /* sizeof(struct elf32_phdr) */
    uint16_t e_phnum;
    uint16_t e_shentsize;
    uint16_t e_shnum;
    uint16_t e_shstrndx;
};

#define PT_NULL 0
#define PT_LOAD 1
#define PT_DYNAMIC 2
#define PT_INTERP 3
#define PT_NOTE 4
#define PT_PHDR 6
#define PT_TLS 7
#define PT_GNU_STACK 0x6474e551

#define PF_X 1u
#define PF_W 2u
#define PF_R 4u

/* A PT_LOAD segment: p_filesz bytes at p_offset go to p_vaddr; the rest up to p_memsz is zero.
 * p_offset and p_vaddr are equal modulo the page size. */
struct elf32_phdr {
    uint32_t p_type;
    uint32_t p_offset;
    uint32_t p_vaddr;
    uint32_t p_paddr;
    uint32_t p_filesz;
    uint32_t p_memsz;
    uint32_t p_flags;
    uint32_t p_align;
};

/* The auxiliary vector, above envp on a new program's stack; ends with AT_NULL. */
struct elf32_auxv {
    uint32_t a_type;
    uint32_t a_val;
};

#define AT_NULL 0
#define AT_PHDR 3   /* the program headers in memory */
#define AT_PHENT 4  /* size of one */
#define AT_PHNUM 5  /* how many */
#define AT_PAGESZ 6 /* bytes in a page */
#define AT_BASE 7
#define AT_FLAGS 8
#define AT_ENTRY 9
#define AT_UID 11
#define AT_EUID 12
#define AT_GID 13
#define AT_EGID 14
#define AT_PLATFORM 15
#define AT_HWCAP 16  /* CPUID leaf 1, EDX */
#define AT_CLKTCK 17 /* clock ticks a second, for times(2) */
#define AT_SECURE 23
#define AT_RANDOM 25 /* 16 random bytes */
#define AT_EXECFN 31 /* the program's file name */

/* ---- checks, in elf.c ---- */

#define ELF_SEGMENTS_MAX 64u

/* A program for this machine, with 1 .. ELF_SEGMENTS_MAX program headers of the right size? */
bool elf_header_is_valid(const struct elf32_ehdr *header);

/* Does a PT_LOAD segment lie inside the file, and, moved by `base` (whole pages), in user memory, such that file
 * pages and memory pages coincide? */
bool elf_segment_is_valid(const struct elf32_phdr *segment, uint32_t base, uint64_t file_size);

/* The pages of a valid segment: [start, middle) have bytes of the file from its page `file_page`
 * on, up to the address file_end; [middle, end) are zeros. */
struct elf_extent {
    uaddr_t start, middle, end;
    uaddr_t file_end;
    uint32_t file_page;
};
struct elf_extent elf_segment_extent(const struct elf32_phdr *segment, uint32_t base);
