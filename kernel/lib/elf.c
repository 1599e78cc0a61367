/* kernel/lib/elf.c - what a loader must not believe.
 *
 * The file comes from anybody.  Every number in it is compared with what it must fit into before it
 * is used, in an order in which no sum can wrap: first that a start lies inside, then that a length
 * is at most what is left. */
#include "kernel/lib/elf.h"

#include "kernel/lib/layout.h"
#include "kernel/lib/string.h"

bool elf_header_is_valid(const struct elf32_ehdr *header)
{
    return !memcmp(header->e_ident, ELFMAG, SELFMAG) &&
           header->e_ident[EI_CLASS] == ELFCLASS32 && header->e_ident[EI_DATA] == ELFDATA2LSB &&
           (header->e_type == ET_EXEC || header->e_type == ET_DYN) &&
           header->e_machine == EM_386 && header->e_phentsize == sizeof(struct elf32_phdr) &&
           header->e_phnum > 0 && header->e_phnum <= ELF_SEGMENTS_MAX;
}

bool elf_segment_is_valid(const struct elf32_phdr *segment, uint32_t base, uint64_t file_size)
{
    uint32_t start = segment->p_vaddr + base;

    return segment->p_filesz <= segment->p_memsz && segment->p_offset <= file_size &&
           segment->p_filesz <= file_size - segment->p_offset && start >= segment->p_vaddr &&
           start >= USER_MIN && start < USER_STACK_TOP &&
           segment->p_memsz <= USER_STACK_TOP - start &&
           ((segment->p_vaddr ^ segment->p_offset) & PAGE_MASK) == 0;
}

struct elf_extent elf_segment_extent(const struct elf32_phdr *segment, uint32_t base)
{
    uaddr_t address = segment->p_vaddr + base;
    uaddr_t start = ALIGN_DOWN(address, PAGE_SIZE);
    uaddr_t file_end = address + segment->p_filesz;

    return (struct elf_extent){
        .start = start,
        .middle = segment->p_filesz ? ALIGN_UP(file_end, PAGE_SIZE) : start,
        .end = ALIGN_UP(address + segment->p_memsz, PAGE_SIZE),
        .file_end = file_end,
        .file_page = segment->p_offset / PAGE_SIZE,
    };
}
