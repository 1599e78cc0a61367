/* The kernel's page tables as they are after boot: the direct map.
 *
 * entry.S has mapped the first 16 MiB at 0 and at KERNEL_BASE with tables of its own, enough for
 * the first steps in C.  Here these become the final map: all of low memory, in 4 MiB pages where
 * the processor has them; the 4 MiB around the kernel's image in 4 KiB pages, so that its text and
 * read-only data can be write-protected (CR0.WP makes that hold in ring 0, too). */
#include "kernel/cpu/cpu.h"
#include "kernel/cpu/gdt.h"
#include "kernel/lib/string.h"
#include "kernel/log.h"
#include "mm/buddy.h"
#include "mm/memmap.h"
#include "mm/paging_internal.h"

/* From entry.S: the directory that runs now, and the tables behind it. */
extern pte_t boot_page_directory[PTES_PER_TABLE];
extern pte_t boot_page_tables[BOOT_MAP_TABLES][PTES_PER_TABLE];

/* From kernel.ld. */
extern char kernel_start[], kernel_rodata_end[], kernel_end[];

/* What one page of the direct map may be used for. */
static pte_t direct_map_flags(uintptr_t address)
{
    bool text = address >= (uintptr_t)kernel_start && address < (uintptr_t)kernel_rodata_end;
    return PTE_PRESENT | paging.global | (text ? 0 : PTE_WRITE);
}

/* Fill a table for the 4 MiB of the direct map from `address` on. */
static void fill_direct_table(pte_t *table, uintptr_t address)
{
    for (unsigned i = 0; i < PTES_PER_TABLE; i++, address += PAGE_SIZE)
        table[i] = (address - KERNEL_BASE) | direct_map_flags(address);
    paging.stats.direct_map_4k += PTES_PER_TABLE;
}

/* Tables for chunks that need them, beyond those that entry.S left us; NULL if none are
 * needed. */
static pte_t *alloc_direct_tables(unsigned nchunks)
{
    unsigned ntables = cpu_has(CPU_PSE) || nchunks <= BOOT_MAP_TABLES
                           ? 0
                           : nchunks - BOOT_MAP_TABLES;
    paddr_t paddr = ntables ? memmap_alloc(ntables * PAGE_SIZE, BOOT_MAP_BYTES) : 0;

    ASSERT(ntables == 0 || paddr != 0, "no room for %u page tables below 16 MiB", ntables);
    paging.stats.tables += ntables;
    return ntables ? paddr_to_virt(paddr) : NULL;
}

static void build_direct_map(void)
{
    uint64_t lowmem = MIN(memmap_end(), (uint64_t)LOWMEM_MAX_BYTES);
    unsigned nchunks = (unsigned)DIV_ROUND_UP(lowmem, LARGE_PAGE_SIZE);
    unsigned image_chunks = DIV_ROUND_UP((uintptr_t)kernel_end - KERNEL_BASE, LARGE_PAGE_SIZE);
    pte_t *directory = boot_page_directory;
    pte_t *more_tables = alloc_direct_tables(nchunks);

    ASSERT(image_chunks <= BOOT_MAP_TABLES, "the kernel's image is too large");
    for (unsigned i = 0; i < nchunks; i++) {
        uintptr_t address = KERNEL_BASE + i * LARGE_PAGE_SIZE;
        if (cpu_has(CPU_PSE) && i >= image_chunks) {
            directory[pde_index(address)] = (address - KERNEL_BASE) | PTE_PRESENT | PTE_WRITE |
                                            PTE_LARGE | paging.global;
            paging.stats.direct_map_4m++;
        } else {
            pte_t *table = i < BOOT_MAP_TABLES
                               ? boot_page_tables[i]
                               : more_tables + (i - BOOT_MAP_TABLES) * PTES_PER_TABLE;
            fill_direct_table(table, address);
            directory[pde_index(address)] = virt_to_paddr(table) | PTE_PRESENT | PTE_WRITE;
            paging.boot_tables_used = MIN(i + 1, BOOT_MAP_TABLES);
        }
    }
    /* What entry.S mapped beyond the end of memory, and the identity mapping. */
    for (unsigned i = nchunks; i < BOOT_MAP_TABLES; i++)
        directory[KERNEL_PDE + i] = 0;
    memset(directory, 0, KERNEL_PDE * sizeof(pte_t));
}

void paging_init(void)
{
    paging.global = cpu_has(CPU_PGE) ? PTE_GLOBAL : 0;
    if (cpu_has(CPU_PSE))
        cr4_write(cr4_read() | CR4_PSE);
    build_direct_map();
    paging.stats.tables += paging.boot_tables_used + 1;
    paging.stats.directories = 1;

    kernel_directory.entries = boot_page_directory;
    kernel_directory.paddr = virt_to_paddr(boot_page_directory);
    list_add_tail(&paging.directories, &kernel_directory.node);
    cr0_write(cr0_read() | CR0_WP);
    cr3_write(kernel_directory.paddr);
    paging.active = &kernel_directory;
    if (cpu_has(CPU_PGE))
        cr4_write(cr4_read() | CR4_PGE);
    gdt_set_double_fault_cr3(kernel_directory.paddr);
    log_info("paging: direct map of %u large and %u small pages%s", paging.stats.direct_map_4m,
             paging.stats.direct_map_4k, paging.global ? ", global" : "");
}

void paging_free_boot_tables(void)
{
    paddr_t start = virt_to_paddr(boot_page_tables + paging.boot_tables_used);
    paddr_t end = virt_to_paddr(boot_page_tables + BOOT_MAP_TABLES);

    if (start == end)
        return;
    buddy_add_range(start >> PAGE_SHIFT, end >> PAGE_SHIFT);
    memmap_free(start, end);
}
