// sources: kernel/lib/elf.c
// cbmc: --unwind 6 --bounds-check --pointer-check
/* tests/cbmc/proof_elf.c - a segment of an ELF file that passes the checks lies in user memory and
 * in the file, for all values of all its fields, wherever it is moved to. */
#include "kernel/lib/elf.h"
#include "kernel/lib/layout.h"
#include "kernel/lib/string.h"
#include "tests/cbmc/proof.h"

void proof(void)
{
    struct elf32_phdr segment = { .p_vaddr = nondet_u32(),
                                  .p_offset = nondet_u32(),
                                  .p_filesz = nondet_u32(),
                                  .p_memsz = nondet_u32() };
    uint32_t base = nondet_u32();
    uint64_t file_size = nondet_u64();

    ASSUME(base % PAGE_SIZE == 0);
    if (!elf_segment_is_valid(&segment, base, file_size))
        return;
    struct elf_extent extent = elf_segment_extent(&segment, base);
    PROVE(USER_MIN <= extent.start && extent.start <= extent.middle);
    PROVE(extent.middle <= extent.end && extent.end <= USER_STACK_TOP);
    PROVE(IS_ALIGNED(extent.start | extent.middle | extent.end, PAGE_SIZE));
    PROVE(segment.p_filesz == 0 || extent.file_end <= extent.middle);
    uint64_t pages = (extent.middle - extent.start) >> PAGE_SHIFT;
    PROVE(pages == 0 || (extent.file_page + pages - 1) << PAGE_SHIFT < file_size);
    PROVE(((uint64_t)extent.file_page << PAGE_SHIFT) +
              (segment.p_vaddr + base - extent.start) ==
          segment.p_offset);
}
