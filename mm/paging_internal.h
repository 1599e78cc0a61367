/* mm/paging_internal.h - what the files of mm/paging share.  For nobody else. */
#pragma once

#include "kernel/cpu/spinlock.h"
#include "mm/paging.h"

#define PDE_SHIFT 22
#define KERNEL_PDE (KERNEL_BASE >> PDE_SHIFT)

/* Entries that count: mapped, or in memory without access.  The slots of kmap that are free have
 * neither bit. */
#define PTE_USED (PTE_PRESENT | PTE_NO_ACCESS)

struct paging_state {
    struct spinlock lock;
    struct list_node directories;
    const struct page_directory *active;
    pte_t global;              /* PTE_GLOBAL where the processor has it, for kernel pages */
    unsigned boot_tables_used; /* of boot_page_tables, by the final direct map */
    struct paging_stats stats;
};
extern struct paging_state paging;

static inline unsigned pde_index(uintptr_t address)
{
    return address >> PDE_SHIFT;
}

static inline unsigned pte_index(uintptr_t address)
{
    return (address >> PAGE_SHIFT) % PTES_PER_TABLE;
}

static inline pte_t *table_of(pte_t pde)
{
    return paddr_to_virt(pde & ~PTE_FLAGS);
}

/* Set a directory entry; a kernel one in all directories.  Part locked. */
void paging_set_pde(struct page_directory *directory, unsigned index, pte_t pde);

/* A table or directory in low memory: zeroed with PAGE_ZERO.  NULL: no memory. */
pte_t *paging_table_alloc(unsigned flags);
void paging_table_free(pte_t *table);
