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
    pte_t *entries;                /* 1024, in low memory */
    paddr_t paddr;                 /* for CR3 */
    struct list_node node;         /* all directories: for changes in the kernel's part */
    uint32_t large;                /* 4 MiB pages in the user's part ... */
    struct list_node spare_tables; /* ... and as many tables, for the day when they are split */
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
 * as long as its table has an entry.  4 MiB pages have no slots, and are passed over. ---- */

/* Does a directory entry name a table?  It is not 0, and not PTE_LARGE: the lowest byte says both at
 * once, for PTE_PRESENT is in it and PTE_LARGE is its sign (each fault asks: one instruction). */
static inline bool pde_is_table(pte_t pde)
{
    _Static_assert(PTE_LARGE == 1u << 7, "PTE_LARGE must be the sign of the lowest byte");
    return (int8_t)pde > 0;
}

/* The slot for a user address; NULL: its table is missing, or a 4 MiB page is in its place. */
static inline pte_t *paging_find_slot(const struct page_directory *directory, uaddr_t address)
{
    pte_t pde = directory->entries[address / LARGE_PAGE_SIZE];

    if (unlikely(!pde_is_table(pde)))
        return NULL;
    pte_t *table = paddr_to_virt(pde & ~PTE_FLAGS);
    pte_t *slot = &table[address / PAGE_SIZE % PTES_PER_TABLE];
    if (!slot)
        __builtin_unreachable(); /* tables lie in the direct map: callers need not ask twice */
    return slot;
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

/* ---- 4 MiB pages in the user's part (paging_large.c); the processor must have PSE.  `address`: any
 * in the page. ---- */

/* The directory entry of the first 4 MiB page that is at least partly in [*at, end), with *at set to its
 * start; NULL: there is none.  For loops:
 *     for (uaddr_t at = start; (pde = paging_next_large(directory, &at, end)); at += LARGE_PAGE_SIZE) */
const pte_t *paging_find_large(const struct page_directory *directory, uaddr_t *at,
                               uaddr_t end);

static inline const pte_t *paging_next_large(const struct page_directory *directory,
                                             uaddr_t *at, uaddr_t end)
{
    return likely(directory->large == 0) ? NULL : paging_find_large(directory, at, end);
}

/* Nothing is mapped in these 4 MiB, and there is no table for them? */
static inline bool paging_large_is_free(const struct page_directory *directory, uaddr_t address)
{
    return directory->entries[address / LARGE_PAGE_SIZE] == 0;
}

/* The entry that a page of a 4 MiB page would have in a table. */
static inline pte_t large_entry(pte_t pde, unsigned index)
{
    return (pde & ~PTE_LARGE) + index * PAGE_SIZE;
}

/* Map the 1024 frames from pfn on, a multiple of 1024, where paging_large_is_free().  `flags` as for a
 * slot (PTE_PRESENT is not implied).  A table is set aside, so that a split cannot fail: -ENOMEM if
 * there is none. */
int paging_map_large(struct page_directory *directory, uaddr_t address, pfn_t pfn, pte_t flags);

/* Take it away; returns the entry. */
pte_t paging_unmap_large(struct page_directory *directory, uaddr_t address);

/* Other flags for the same frames. */
void paging_change_large(struct page_directory *directory, uaddr_t address, pte_t flags);

/* The same frames with the same rights, by a table with 1024 entries. */
void paging_split_large(struct page_directory *directory, uaddr_t address);

/* The other way round: these frames, with `flags`, in place of the table, which is set aside.  What its
 * entries mapped is the caller's business. */
void paging_join_large(struct page_directory *directory, uaddr_t address, pfn_t pfn,
                       pte_t flags);

/* Let the page be at `to`, which paging_large_is_free(). */
void paging_move_large(struct page_directory *directory, uaddr_t from, uaddr_t to);

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
