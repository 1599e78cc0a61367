/* Two-level paging.
 *
 * Problem     Give every address space its own map from pages to frames, small for sparse
 *             spaces.
 * Structure   A virtual address is cut in three:
 *
 *               31        22 21        12 11          0
 *              [ directory  | table      | offset      ]
 *                10 bits      10 bits      12 bits
 *
 *             The directory's entry (PDE) names a table, the table's entry (PTE) names a frame.
 *             One table maps 4 MiB; a range that is not used costs no table.  With PSE a PDE
 *             can map 4 MiB itself (for programs: paging_large.c).
 * Kernel part Entries 768 .. 1023 (addresses from KERNEL_BASE up) are the same in every
 *             directory, so that the kernel is there whichever program runs.  When a kernel
 *             table comes or goes, all directories are changed at once; no fault is ever needed
 *             to catch up.
 *             Built at boot by paging_boot.c.
 * User part   Entries 0 .. 767.  What its pages are is the business of mm/space and mm/fault: they
 *             work on the slots themselves, a table at a time, and report here how many they
 *             filled or cleared.
 * Tables      struct page.entries counts what a table holds: at 0 it is freed.
 * TLB         The processor caches translations, never their absence (SDM vol. 3, 4.10.2.3):
 *             adding a page needs no flush; removing or changing one needs INVLPG if its
 *             directory is the active one, or if it is a kernel page.  INVLPG also drops cached
 *             directory entries, so it is enough when a table is freed, too.  From a few pages
 *             on it is cheaper to forget all but the kernel's (CR3 loaded anew); and kernel pages,
 *             which are global, all at once too (CR4.PGE changed).
 * Lock        "paging" for the list of directories and the kernel part.
 * Reading     Intel SDM vol. 3, 4.3 and 4.10. */
#include "mm/paging.h"

#include "kernel/cpu/cpu.h"
#include "kernel/lib/errno.h"
#include "kernel/lib/string.h"
#include "mm/buddy.h"
#include "mm/paging_internal.h"

struct page_directory kernel_directory;

struct paging_state paging = {
    .lock = SPINLOCK_INIT("paging"),
    .directories = LIST_INIT(paging.directories),
};

uint64_t paging_user_maps;

#define FLUSH_ALL_FROM 16 /* pages: INVLPG for each costs more than refilling the TLB */

pte_t *paging_table_alloc(unsigned flags)
{
    struct page *page = buddy_alloc(0, PAGE_TABLE, flags);

    if (!page)
        return NULL;
    paging.stats.tables++;
    return page_to_virt(page);
}

void paging_table_free(pte_t *table)
{
    paging.stats.tables--;
    buddy_free(virt_to_page(table), 0);
}

/* How many tables the user part has: counted in the directory's own frame, like a table's entries. */
static uint16_t *user_tables(const struct page_directory *directory)
{
    return &virt_to_page(directory->entries)->entries;
}

int paging_directory_create(struct page_directory *directory)
{
    directory->entries = paging_table_alloc(PAGE_ANY);
    if (!directory->entries)
        return -ENOMEM;
    directory->paddr = virt_to_paddr(directory->entries);
    memset(directory->entries, 0, KERNEL_PDE * sizeof(pte_t));
    directory->large = 0;
    list_init(&directory->spare_tables);

    uint32_t irq = spin_lock(&paging.lock);
    memcpy(directory->entries + KERNEL_PDE, kernel_directory.entries + KERNEL_PDE,
           (PTES_PER_TABLE - KERNEL_PDE) * sizeof(pte_t));
    list_add_tail(&paging.directories, &directory->node);
    paging.stats.directories++;
    spin_unlock(&paging.lock, irq);
    return 0;
}

void paging_directory_destroy(struct page_directory *directory)
{
    uint32_t irq = spin_lock(&paging.lock);

    ASSERT(paging.active != directory, "the active page directory cannot be destroyed");
    list_remove(&directory->node);
    paging.stats.directories--;
    spin_unlock(&paging.lock, irq);
    ASSERT(*user_tables(directory) == 0, "%u user tables left", *user_tables(directory));
    paging_table_free(directory->entries);
}

void paging_activate(const struct page_directory *directory)
{
    uint32_t irq = irq_save();

    if (paging.active != directory) {
        paging.active = directory;
        paging.stats.full_flushes++;
        cr3_write(directory->paddr);
    }
    irq_restore(irq);
}

const struct page_directory *paging_active(void)
{
    return paging.active;
}

/* Changing the kernel's part needs our lock; the user's part is under its space's. */
static uint32_t lock_part(uintptr_t address)
{
    return address >= KERNEL_BASE ? spin_lock(&paging.lock) : 0;
}

static void unlock_part(uintptr_t address, uint32_t irq)
{
    if (address >= KERNEL_BASE)
        spin_unlock(&paging.lock, irq);
}

void paging_set_pde(struct page_directory *directory, unsigned index, pte_t pde)
{
    if (index < KERNEL_PDE) {
        directory->entries[index] = pde;
        *user_tables(directory) += pde ? 1 : -1;
        return;
    }
    list_for_each(node, &paging.directories)
        list_entry(node, struct page_directory, node)->entries[index] = pde;
}

/* The slot of the PTE for `address`, or NULL if its table is missing. */
static pte_t *find_pte(const struct page_directory *directory, uintptr_t address)
{
    pte_t pde = directory->entries[pde_index(address)];

    if (!(pde & PTE_PRESENT))
        return NULL;
    ASSERT(!(pde & PTE_LARGE), "%#x is in a 4 MiB page", address);
    return &table_of(pde)[pte_index(address)];
}

/* The same, making the table if it is missing; NULL: no memory. */
static pte_t *make_pte(struct page_directory *directory, uintptr_t address)
{
    pte_t *pte = find_pte(directory, address);
    if (likely(pte))
        return pte;

    pte_t *table = paging_table_alloc(PAGE_ZERO);
    if (!table)
        return NULL;
    pte_t user = address < KERNEL_BASE ? PTE_USER : 0;
    paging_set_pde(directory, pde_index(address),
                   virt_to_paddr(table) | PTE_PRESENT | PTE_WRITE | user);
    return &table[pte_index(address)];
}

void paging_flush_page(const struct page_directory *directory, uaddr_t address)
{
    if (directory == paging.active || address >= KERNEL_BASE) {
        tlb_flush_page(address);
        paging.stats.page_flushes++;
    }
}

int paging_map(struct page_directory *directory, uintptr_t address, pfn_t pfn, pte_t flags)
{
    uint32_t irq = lock_part(address);
    pte_t *pte = make_pte(directory, address);
    int error = !pte ? -ENOMEM : *pte & PTE_PRESENT ? -EEXIST : 0;

    if (likely(!error)) {
        pte_t global = address < KERNEL_BASE ? 0 : paging.global;
        *pte = (pfn << PAGE_SHIFT) | flags | PTE_PRESENT | global;
        virt_to_page(pte)->entries++;
        paging.stats.maps++;
    }
    unlock_part(address, irq);
    return error;
}

/* Part locked.  Clear a present entry; its table goes with it when it was the last one. */
static void clear_pte(struct page_directory *directory, uintptr_t address, pte_t *pte)
{
    struct page *table = virt_to_page(pte);
    bool empty = --table->entries == 0;

    *pte = 0;
    if (empty)
        paging_set_pde(directory, pde_index(address), 0);
    paging_flush_page(directory, address);
    if (empty)
        paging_table_free(page_to_virt(table));
    paging.stats.unmaps++;
}

pte_t paging_unmap(struct page_directory *directory, uintptr_t address)
{
    uint32_t irq = lock_part(address);
    pte_t *pte = find_pte(directory, address);
    pte_t old = pte && (*pte & PTE_PRESENT) ? *pte : 0;

    if (old)
        clear_pte(directory, address, pte);
    unlock_part(address, irq);
    return old;
}

int paging_change_unflushed(struct page_directory *directory, uintptr_t address, pfn_t pfn,
                            pte_t flags)
{
    uint32_t irq = lock_part(address);
    pte_t *pte = find_pte(directory, address);
    bool mapped = pte && (*pte & PTE_PRESENT);

    if (mapped) {
        pte_t global = address < KERNEL_BASE ? 0 : paging.global;
        *pte = (pfn << PAGE_SHIFT) | flags | PTE_PRESENT | global;
    }
    unlock_part(address, irq);
    return mapped ? 0 : -ENOENT;
}

int paging_change(struct page_directory *directory, uintptr_t address, pfn_t pfn, pte_t flags)
{
    int error = paging_change_unflushed(directory, address, pfn, flags);

    if (!error)
        paging_flush_page(directory, address);
    return error;
}

void paging_flush_kernel(uintptr_t start, uint32_t npages)
{
    if (npages >= FLUSH_ALL_FROM) {
        paging_flush_everything();
        return;
    }
    for (uint32_t i = 0; i < npages; i++)
        paging_flush_page(&kernel_directory, start + i * PAGE_SIZE);
}

void paging_flush_everything(void)
{
    tlb_flush_global();
    paging.stats.full_flushes++;
}

pte_t paging_lookup(const struct page_directory *directory, uintptr_t address)
{
    pte_t pde = directory->entries[pde_index(address)];

    if (!(pde & PTE_USED))
        return 0;
    if (pde & PTE_LARGE)
        return large_entry(pde, pte_index(address));
    pte_t pte = table_of(pde)[pte_index(address)];
    return pte & PTE_USED ? pte : 0;
}

uintptr_t paging_next_mapped(const struct page_directory *directory, uintptr_t start,
                             uintptr_t end)
{
    uintptr_t address = start;

    while (address < end) {
        pte_t pde = directory->entries[pde_index(address)];
        if (!(pde & PTE_USED)) {
            uintptr_t next = ALIGN_DOWN(address, LARGE_PAGE_SIZE) + LARGE_PAGE_SIZE;
            if (next < address) /* wrapped at 4 GiB */
                return end;
            address = next;
        } else if ((pde & PTE_LARGE) || (table_of(pde)[pte_index(address)] & PTE_USED)) {
            return address;
        } else {
            address += PAGE_SIZE;
        }
    }
    return end;
}

pte_t *paging_pin_kernel_table(uintptr_t address)
{
    uint32_t irq = lock_part(address);
    pte_t *pte = make_pte(&kernel_directory, address);

    if (pte)
        virt_to_page(pte)->entries++; /* never reaches 0 again */
    unlock_part(address, irq);
    return pte ? pte - pte_index(address) : NULL;
}

/* ---- the user's part, in runs of slots ---- */

pte_t *paging_make_slot(struct page_directory *directory, uaddr_t address)
{
    return make_pte(directory, address);
}

void paging_free_empty_tables(struct page_directory *directory, uaddr_t start, uaddr_t end)
{
    struct paging_run run = { .start = start };

    while (paging_next_run(directory, &run, end)) {
        struct page *table = virt_to_page(run.slots);
        if (table->entries != 0)
            continue;
        paging_set_pde(directory, pde_index(run.start), 0);
        paging_flush(directory, run.start, 1);
        paging_table_free(page_to_virt(table));
    }
}

bool paging_find_run(const struct page_directory *directory, struct paging_run *run,
                     uaddr_t start, uaddr_t end)
{
    while (start < end && !pde_is_table(directory->entries[pde_index(start)]))
        start = ALIGN_DOWN(start, LARGE_PAGE_SIZE) + LARGE_PAGE_SIZE;
    if (start >= end)
        return false;
    run->start = start;
    run->count = MIN((end - start) / PAGE_SIZE, PTES_PER_TABLE - pte_index(start));
    run->slots = table_of(directory->entries[pde_index(start)]) + pte_index(start);
    return true;
}

void paging_slots_cleared(struct page_directory *directory, const struct paging_run *run,
                          unsigned count)
{
    struct page *table = virt_to_page(run->slots);
    bool empty;

    if (count == 0)
        return;
    table->entries -= (uint16_t)count;
    empty = table->entries == 0;
    if (empty)
        paging_set_pde(directory, pde_index(run->start), 0);
    paging_flush(directory, run->start, run->count);
    if (empty)
        paging_table_free(page_to_virt(table));
    paging.stats.unmaps += count;
}

void paging_flush(const struct page_directory *directory, uaddr_t start, uint32_t npages)
{
    if (directory != paging.active)
        return;
    if (npages >= FLUSH_ALL_FROM) {
        tlb_flush_all();
        paging.stats.full_flushes++;
        return;
    }
    for (uint32_t i = 0; i < npages; i++)
        tlb_flush_page(start + i * PAGE_SIZE);
    paging.stats.page_flushes += npages;
}
