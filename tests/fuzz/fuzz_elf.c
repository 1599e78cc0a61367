// sources: kernel/lib/elf.c kernel/lib/parse.c tests/host/shim/host.c mm/page.c mm/memmap.c mm/buddy.c mm/buddy_check.c mm/mobility.c mm/inject.c
/* tests/fuzz/fuzz_elf.c - the checks of an ELF file: whatever passes them can be mapped without a sum
 * that wraps, inside user memory and inside the file.  The input is a distance for ET_DYN, then the
 * file; what lies behind the input's end is as if it were there. */
#include "host.h"
#include "kernel/lib/elf.h"
#include "kernel/lib/layout.h"
#include "tests/fuzz/fuzz.h"

#define BASE_PAGES_MAX 2048u
#define FILE_SIZE_MAX (64u * KiB)

static void check_segment(const struct elf32_phdr *segment, uint32_t base, uint64_t file_size)
{
    struct elf_extent extent = elf_segment_extent(segment, base);
    uaddr_t address = segment->p_vaddr + base;

    CHECK(IS_ALIGNED(extent.start | extent.middle | extent.end, PAGE_SIZE));
    CHECK(USER_MIN <= extent.start && extent.start <= extent.middle);
    CHECK(extent.middle <= extent.end && extent.end <= USER_STACK_TOP);
    CHECK(extent.start <= address && address - extent.start < PAGE_SIZE);
    CHECK(extent.file_end <= address + segment->p_memsz);
    CHECK(segment->p_filesz == 0 || extent.file_end <= extent.middle);
    /* The byte at `address` is the one at p_offset, and no page begins beyond the file. */
    CHECK((uint64_t)extent.file_page * PAGE_SIZE + (address - extent.start) ==
          segment->p_offset);
    uint64_t pages = (extent.middle - extent.start) / PAGE_SIZE;
    CHECK(pages == 0 || (extent.file_page + pages - 1) * PAGE_SIZE < file_size);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t nbytes)
{
    static uint8_t file[FILE_SIZE_MAX];
    struct choices choices = choices_of(bytes, nbytes);
    uint32_t base = choose(&choices, BASE_PAGES_MAX) * PAGE_SIZE;
    size_t file_size = MIN((size_t)(choices.end - choices.at), sizeof(file));
    struct elf32_ehdr header;

    memset(file, 0, sizeof(file));
    memcpy(file, choices.at, file_size);
    memcpy(&header, file, sizeof(header));
    if (!elf_header_is_valid(&header))
        return 0;
    CHECK(header.e_phnum <= ELF_SEGMENTS_MAX);
    uint64_t size = header.e_shoff ? UINT64_MAX - header.e_shoff : FILE_SIZE_MAX;
    for (unsigned i = 0; i < header.e_phnum; i++) {
        struct elf32_phdr segment;
        uint64_t at = (uint64_t)header.e_phoff + i * sizeof(segment);
        if (at + sizeof(segment) > sizeof(file))
            return 0;
        memcpy(&segment, file + at, sizeof(segment));
        if (elf_segment_is_valid(&segment, base, size))
            check_segment(&segment, base, size);
    }
    return 0;
}
