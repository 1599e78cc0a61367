/* mm/memmap.h - which physical memory exists, and what it is for.
 * Below: the boot loader's map.  Above: page (frames), buddy.
 * Everything here runs once, at boot, before any allocator; no locks.  Addresses are 64-bit
 * because the firmware's are: memory above 4 GiB is listed, and then left alone. */
#pragma once

#include "boot/multiboot.h"
#include "kernel/lib/types.h"

/* In rising order of strength: where ranges overlap, the stronger type wins. */
enum memmap_type {
    MEMMAP_HOLE,        /* nobody said anything about it */
    MEMMAP_USABLE,      /* free RAM: these frames go to the buddy allocator */
    MEMMAP_UNREACHABLE, /* RAM above 4 GiB, or above what the tables here can hold */
    MEMMAP_RESERVED,    /* firmware: reserved */
    MEMMAP_ACPI,        /* firmware: ACPI tables */
    MEMMAP_NVS,         /* firmware: ACPI non-volatile storage */
    MEMMAP_BAD,         /* firmware: defective RAM */
    MEMMAP_BIOS, /* first page (IVT, BIOS data) and 0xA0000..0xFFFFF: VGA, option ROMs, BIOS */
    MEMMAP_MODULE, /* boot modules: the initrd */
    MEMMAP_KERNEL, /* the kernel's image */
    MEMMAP_TABLES, /* taken with memmap_alloc(): mem_map, first page tables */
};

struct memmap_range {
    uint64_t start, end; /* half-open */
    enum memmap_type type;
};

#define MEMMAP_CMDLINE_MAX 2048u /* bytes with the NUL, as Linux: COMMAND_LINE_SIZE */
#define MEMMAP_MAX_RANGES 160u

struct memmap {
    unsigned count;
    struct memmap_range ranges[MEMMAP_MAX_RANGES];
};

/* "usable", "kernel", ... */
const char *memmap_type_name(enum memmap_type type);

/* RAM that can be reached, free or in use: usable, module, kernel or mem tables. */
bool memmap_is_ram(enum memmap_type type);

/* Append a range as it is.  Zero-length ranges are dropped, and a wrapping one (end < start) is
 * cut at 2^64.  When the table is full, the range is
 * dropped; returns false. */
bool memmap_add(struct memmap *map, uint64_t start, uint64_t nbytes, enum memmap_type type);

/* From `raw` (unsorted, overlapping, unaligned) make `out`: sorted, disjoint, page-aligned,
 * covering from 0 to the highest address in raw, neighbours of one type merged.  Usable ranges
 * shrink inwards to page boundaries, all others grow outwards.  Usable memory at or above
 * `limit` becomes
 * MEMMAP_UNREACHABLE.  false if the result has too many ranges: then the highest ones are
 *                      missing. */
bool memmap_normalize(const struct memmap *raw, uint64_t limit, struct memmap *out);

/* Read the loader's map and modules, reserve what is in use.  `info_paddr` is what the loader
 * passed. Without a memory map, mem_lower and mem_upper are used.  NULL, or what is wrong (the
 * console is not up yet). */
const char *memmap_init(uint32_t info_paddr);

/* The firmware's ranges as they came, and the normalized map after all reservations. */
const struct memmap *memmap_firmware(void);
const struct memmap *memmap_final(void);

/* Take nbytes (rounded up to pages) of usable memory below `limit`, highest address first (low
 * memory is what devices need); its type becomes MEMMAP_TABLES.  0 if there is none.  Only
 * until page_init() has handed memory to buddy. */
paddr_t memmap_alloc(size_t nbytes, paddr_t limit);

/* Boot memory that is no longer needed: [start, end), inside one range, becomes usable. */
void memmap_free(paddr_t start, paddr_t end);

/* First address above all RAM below 4 GiB, free or in use. */
uint64_t memmap_end(void);

/* The kernel's command line ("" if none) and the boot modules, copied from the loader's
 * structures. A module's data is at start .. end, physical.  QEMU's loader does not look whether there
 * is memory: the `lost` bytes behind `end` are where the firmware's map has nothing. */
struct memmap_module {
    paddr_t start, end;
    uint32_t lost;
    char name[64];
};
const char *memmap_cmdline(void);
const char *memmap_loader_name(void);
unsigned memmap_module_count(void);
const struct memmap_module *memmap_module(unsigned index);
