/* mm/paging.h - two-level page tables.
 * Below: buddy (frames for tables).  Above: kmap, vmalloc, space, fault.
 * A directory is one address space's upper level; its entries from KERNEL_BASE up are the same
 * in all directories, and this module keeps them so.
 * Intel SDM vol. 3, 4.3 "32-bit paging".  Lock: "paging" for the kernel's part; user parts are
 * under the lock of the address space that owns the directory. */
#pragma once

#include "mm/page.h"

typedef uint32_t pte_t; /* also a directory entry */

/* Entry bits (SDM vol. 3, table 4-5 and 4-6). */
#define PTE_PRESENT 0x001u
#define PTE_WRITE 0x002u
#define PTE_USER 0x004u
#define PTE_WRITE_THROUGH 0x008u
#define PTE_CACHE_DISABLE 0x010u
#define PTE_ACCESSED 0x020u
#define PTE_DIRTY 0x040u
#define PTE_LARGE 0x080u /* in a directory entry: a 4 MiB page (PSE) */
#define PTE_GLOBAL 0x100u
#define PTE_NO_ACCESS \
    0x200u /* ours (the processor ignores it): a user page that is in memory, but
                              * PTE_PRESENT is clear because its range allows no access */
#define PTE_FLAGS 0xFFFu

#define PTES_PER_TABLE 1024u
#define LARGE_PAGE_SIZE (4u * MiB)

struct page_directory {
    pte_t *entries;        /* 1024, in low memory */
    paddr_t paddr;         /* for CR3 */
    struct list_node node; /* all directories: for changes in the kernel's part */
};

extern struct page_directory kernel_directory;

/* Build the direct map (4 MiB pages where the CPU has them, the kernel's image in 4 KiB pages
 * with text and read-only data protected), take the identity mapping away, switch to the
 * result. */
void paging_init(void);

/* Give the boot page tables that paging_init() left behind to buddy. */
void paging_free_boot_tables(void);

/* A directory with the kernel's part filled in and an empty user part.  0 or -ENOMEM. */
int paging_directory_create(struct page_directory *directory);

/* Free it.  The user part must be empty (every page unmapped). */
void paging_directory_destroy(struct page_directory *directory);

/* Load it into CR3, unless it is there already. */
void paging_activate(const struct page_directory *directory);
const struct page_directory *paging_active(void);

/* Map the page at `address` (page-aligned) to frame pfn with `flags` (PTE_WRITE, PTE_USER, ...;
 * PTE_PRESENT is implied).  A table is allocated if it is missing.  0, -ENOMEM (no frame for
 * the table), -EEXIST (something is mapped there). */
int paging_map(struct page_directory *directory, uintptr_t address, pfn_t pfn, pte_t flags);

/* Take the mapping away and return the entry as it was (with the dirty bit), 0 if there was
 * none.  The table is freed when this was its last entry.  The TLB forgets the page if the
 * directory is active. */
pte_t paging_unmap(struct page_directory *directory, uintptr_t address);

/* Replace frame and flags of a page that is mapped; -ENOENT if it is not. */
int paging_change(struct page_directory *directory, uintptr_t address, pfn_t pfn, pte_t flags);

/* The same, but nothing is flushed: the TLB may go on with the old entry until the caller does. */
int paging_change_unflushed(struct page_directory *directory, uintptr_t address, pfn_t pfn,
                            pte_t flags);

/* The entry that maps `address` (4 KiB pages; a 4 MiB page gives an equivalent entry), 0 if
 * none.  A PTE_NO_ACCESS entry is returned, too. */
pte_t paging_lookup(const struct page_directory *directory, uintptr_t address);

/* First address >= start, < end that has a page, else `end`; skips missing tables in one
 * step. */
uintptr_t paging_next_mapped(const struct page_directory *directory, uintptr_t start,
                             uintptr_t end);

/* ---- The user's part, entry by entry: for mm/space and mm/fault, which know what the pages are.
 * A slot is the place of one entry; 0 = not in use.  Lock: the space's.  A slot's address holds
 * as long as its table has an entry. ---- */

/* The slot for a user address; NULL: its table is missing. */
static inline pte_t *paging_find_slot(const struct page_directory *directory, uaddr_t address)
{
    pte_t pde = directory->entries[address / LARGE_PAGE_SIZE];

    if (unlikely(!pde))
        return NULL;
    pte_t *table = paddr_to_virt(pde & ~PTE_FLAGS);
    return &table[address / PAGE_SIZE % PTES_PER_TABLE];
}

/* The same, with the table made if it is missing; NULL: no memory.  Who does not fill a slot of it
 * then leaves an empty table: see paging_free_empty_tables(). */
pte_t *paging_make_slot(struct page_directory *directory, uaddr_t address);

/* Free the tables of [start, end) that have no entry. */
void paging_free_empty_tables(struct page_directory *directory, uaddr_t start, uaddr_t end);

extern uint64_t paging_user_maps; /* for paging_stats.maps */

/* Slots one behind the other, in one table: for loops over ranges. */
struct paging_run {
    uaddr_t start; /* the address that slots[0] maps */
    unsigned count;
    pte_t *slots;
};

/* Let `run`, set up as { .start = START }, be the first table's slots in [START, end), and with
 * each further call the next one's; addresses without a table are left out.  False: no more. */
bool paging_find_run(const struct page_directory *directory, struct paging_run *run,
                     uaddr_t start, uaddr_t end);

static inline bool paging_next_run(const struct page_directory *directory,
                                   struct paging_run *run, uaddr_t end)
{
    uaddr_t start = run->start + run->count * PAGE_SIZE;
    return start < end && paging_find_run(directory, run, start, end);
}

/* So many empty slots of the table of `slot` were filled. */
static inline void paging_slots_filled(pte_t *slot, unsigned count)
{
    virt_to_page(slot)->entries += (uint16_t)count;
    paging_user_maps += count;
}

/* So many slots of a run were cleared: the TLB forgets the run, and the table is freed if it is
 * empty now. */
void paging_slots_cleared(struct page_directory *directory, const struct paging_run *run,
                          unsigned count);

/* Entries in [start, start + npages) have lost rights or have other frames: the TLB forgets them
 * if the directory is active. */
void paging_flush(const struct page_directory *directory, uaddr_t start, uint32_t npages);
void paging_flush_page(const struct page_directory *directory, uaddr_t address);

/* ---- The kernel's part again. ---- */

/* The TLB forgets `npages` kernel pages from `start` on: one by one, or, where that is cheaper,
 * with all the others.  Or everything, global pages included. */
void paging_flush_kernel(uintptr_t start, uint32_t npages);
void paging_flush_everything(void);

/* The entries for the 4 MiB around a kernel address; the table is created if need be and from
 * then on never freed.  For kmap.c, which fills them itself.  NULL: no memory. */
pte_t *paging_pin_kernel_table(uintptr_t address);

/* The translation of one address, step by step, as the processor does it. */
struct paging_walk {
    paddr_t directory;  /* CR3 */
    unsigned pde_index; /* address bits 31..22 */
    pte_t pde;
    bool large;         /* the directory entry maps 4 MiB itself */
    unsigned pte_index; /* address bits 21..12 */
    pte_t pte;          /* only if !large and pde is present */
    bool mapped;
    paddr_t paddr;   /* only if mapped */
    pte_t effective; /* only if mapped: PTE_WRITE and PTE_USER where both levels allow it */
};
void paging_walk(const struct page_directory *directory, uintptr_t address,
                 struct paging_walk *walk);

struct paging_stats {
    uint32_t tables;      /* frames in page tables and directories of user spaces and kernel */
    uint32_t directories; /* the kernel's included */
    uint32_t direct_map_4k, direct_map_4m; /* pages in the direct map */
    uint64_t maps, unmaps, page_flushes, full_flushes;
};
void paging_get_stats(struct paging_stats *stats);

/* Check every directory: kernel parts equal, counts of the tables right, no user bit on a
 * kernel page. (What user pages map is space_check()'s.) */
bool paging_check(void);
