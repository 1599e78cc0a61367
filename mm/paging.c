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
 *             can map 4 MiB itself.
 * Kernel part Entries 768 .. 1023 (addresses from KERNEL_BASE up) are the same in every
 *             directory, so that the kernel is there whichever program runs.  When a kernel
 *             table comes or goes, all directories are changed at once; no fault is ever needed
 *             to catch up.
 * Image       The 4 MiB around the kernel's image are mapped in 4 KiB pages, so that its text
 *             and read-only data can be write-protected (CR0.WP makes that hold in ring 0 too).
 * Tables      struct page.entries counts what a table holds: at 0 it is freed.
 * TLB         The processor caches translations, never their absence (SDM vol. 3, 4.10.2.3):
 *             adding a page needs no flush; removing or changing one needs INVLPG if its
 *             directory is the active one, or if it is a kernel page.  INVLPG also drops cached
 *             directory entries, so it is enough when a table is freed, too.
 * Lock        "paging" for the list of directories and the kernel part.
 * Reading     Intel SDM vol. 3, 4.3 and 4.10. */
#include "mm/paging.h"

#include "kernel/cpu/cpu.h"
#include "kernel/cpu/gdt.h"
#include "kernel/cpu/spinlock.h"
#include "kernel/lib/errno.h"
#include "kernel/lib/string.h"
#include "kernel/log.h"
#include "mm/buddy.h"
#include "mm/memmap.h"

#define PDE_SHIFT 22
#define KERNEL_PDE (KERNEL_BASE >> PDE_SHIFT)
#define ENTRY_FRAME(entry) ((entry) >> PAGE_SHIFT)

/* From entry.S: the directory that runs now, and the tables behind it. */
extern pte_t boot_page_directory[PTES_PER_TABLE];
extern pte_t boot_page_tables[BOOT_MAP_TABLES][PTES_PER_TABLE];

/* From kernel.ld. */
extern char kernel_start[], kernel_text_end[], kernel_rodata_end[], kernel_end[];

struct page_directory kernel_directory;

static struct {
    struct spinlock lock;
    struct list_node directories;
    const struct page_directory *active;
    pte_t global;              /* PTE_GLOBAL where the processor has it, for kernel pages */
    unsigned boot_tables_used; /* of boot_page_tables, by the final direct map */
    struct paging_stats stats;
} paging = {
    .lock = SPINLOCK_INIT("paging"),
    .directories = LIST_INIT(paging.directories),
};

static unsigned pde_index(uintptr_t address)
{
    return address >> PDE_SHIFT;
}

static unsigned pte_index(uintptr_t address)
{
    return (address >> PAGE_SHIFT) % PTES_PER_TABLE;
}

static pte_t *table_of(pte_t pde)
{
    return paddr_to_virt(pde & ~PTE_FLAGS);
}

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

/* A table (or directory): low memory, zeroed. */
static pte_t *table_alloc(void)
{
    struct page *page = buddy_alloc(0, PAGE_TABLE, PAGE_ZERO);

    if (!page)
        return NULL;
    paging.stats.tables++;
    return page_to_virt(page);
}

static void table_free(pte_t *table)
{
    paging.stats.tables--;
    buddy_free(virt_to_page(table), 0);
}

int paging_directory_create(struct page_directory *directory)
{
    directory->entries = table_alloc();
    if (!directory->entries)
        return -ENOMEM;
    directory->paddr = virt_to_paddr(directory->entries);

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
    for (unsigned i = 0; i < KERNEL_PDE; i++)
        ASSERT(directory->entries[i] == 0, "user pages left at %#x", i << PDE_SHIFT);
    table_free(directory->entries);
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

/* Set a directory entry; a kernel one in all directories.  Part locked. */
static void set_pde(struct page_directory *directory, unsigned index, pte_t pde)
{
    if (index < KERNEL_PDE) {
        directory->entries[index] = pde;
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

    pte_t *table = table_alloc();
    if (!table)
        return NULL;
    pte_t user = address < KERNEL_BASE ? PTE_USER : 0;
    set_pde(directory, pde_index(address),
            virt_to_paddr(table) | PTE_PRESENT | PTE_WRITE | user);
    return &table[pte_index(address)];
}

static void flush_page(const struct page_directory *directory, uintptr_t address)
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
        set_pde(directory, pde_index(address), 0);
    flush_page(directory, address);
    if (empty)
        table_free(page_to_virt(table));
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

int paging_change(struct page_directory *directory, uintptr_t address, pfn_t pfn, pte_t flags)
{
    uint32_t irq = lock_part(address);
    pte_t *pte = find_pte(directory, address);
    bool mapped = pte && (*pte & PTE_PRESENT);

    if (mapped) {
        pte_t global = address < KERNEL_BASE ? 0 : paging.global;
        *pte = (pfn << PAGE_SHIFT) | flags | PTE_PRESENT | global;
        flush_page(directory, address);
    }
    unlock_part(address, irq);
    return mapped ? 0 : -ENOENT;
}

pte_t paging_lookup(const struct page_directory *directory, uintptr_t address)
{
    pte_t pde = directory->entries[pde_index(address)];

    if (!(pde & PTE_PRESENT))
        return 0;
    if (pde & PTE_LARGE)
        return (pde & ~PTE_LARGE) + (pte_index(address) << PAGE_SHIFT);
    pte_t pte = table_of(pde)[pte_index(address)];
    return pte & PTE_PRESENT ? pte : 0;
}

uintptr_t paging_next_mapped(const struct page_directory *directory, uintptr_t start,
                             uintptr_t end)
{
    uintptr_t address = start;

    while (address < end) {
        pte_t pde = directory->entries[pde_index(address)];
        if (!(pde & PTE_PRESENT)) {
            uintptr_t next = ALIGN_DOWN(address, LARGE_PAGE_SIZE) + LARGE_PAGE_SIZE;
            if (next < address) /* wrapped at 4 GiB */
                return end;
            address = next;
        } else if ((pde & PTE_LARGE) || (table_of(pde)[pte_index(address)] & PTE_PRESENT)) {
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

void paging_walk(const struct page_directory *directory, uintptr_t address,
                 struct paging_walk *walk)
{
    *walk = (struct paging_walk){
        .directory = directory->paddr,
        .pde_index = pde_index(address),
        .pde = directory->entries[pde_index(address)],
        .pte_index = pte_index(address),
    };
    if (!(walk->pde & PTE_PRESENT))
        return;
    walk->large = walk->pde & PTE_LARGE;
    walk->effective = walk->pde;
    if (walk->large) {
        walk->paddr = (walk->pde & ~(LARGE_PAGE_SIZE - 1)) | (address & (LARGE_PAGE_SIZE - 1));
    } else {
        walk->pte = table_of(walk->pde)[walk->pte_index];
        if (!(walk->pte & PTE_PRESENT))
            return;
        walk->paddr = (walk->pte & ~PTE_FLAGS) | (address & PAGE_MASK);
        walk->effective &= walk->pte;
    }
    walk->effective &= PTE_PRESENT | PTE_WRITE | PTE_USER;
    walk->mapped = true;
}

void paging_get_stats(struct paging_stats *stats)
{
    uint32_t irq = spin_lock(&paging.lock);
    *stats = paging.stats;
    spin_unlock(&paging.lock, irq);
}

static bool violated(const char *what, uintptr_t address, pte_t is, pte_t should_be)
{
    log_err("paging: %s at %#x: %#x, should be %#x", what, address, is, should_be);
    return false;
}

/* One table: no entry's user bit contradicts its half; as many entries as counted. */
static bool check_table(const pte_t *table, uintptr_t start)
{
    pte_t user = start < KERNEL_BASE ? PTE_USER : 0;
    unsigned present = 0;

    for (unsigned i = 0; i < PTES_PER_TABLE; i++) {
        if (!(table[i] & PTE_PRESENT))
            continue;
        present++;
        if ((table[i] & PTE_USER) != user)
            return violated("user bit", start + i * PAGE_SIZE, table[i], user);
    }
    struct page *page = virt_to_page(table);
    bool counted = page->kind == PAGE_TABLE && start < KMAP_START; /* not: boot's, kmap's */
    if (counted && page->entries != present)
        return violated("entries in the table", start, page->entries, present);
    return true;
}

static bool check_directory(const struct page_directory *directory)
{
    for (unsigned i = 0; i < PTES_PER_TABLE; i++) {
        pte_t pde = directory->entries[i];
        uintptr_t start = (uintptr_t)i << PDE_SHIFT;

        if (i >= KERNEL_PDE &&
            ((pde ^ kernel_directory.entries[i]) & ~(PTE_ACCESSED | PTE_DIRTY)))
            return violated("kernel part", start, pde, kernel_directory.entries[i]);
        if (i >= KERNEL_PDE && (pde & PTE_USER))
            return violated("user bit in the kernel part", start, pde, pde & ~PTE_USER);
        if (i >= KERNEL_PDE && directory != &kernel_directory)
            continue; /* its tables are checked once, through the kernel's directory */
        if ((pde & PTE_PRESENT) && !(pde & PTE_LARGE) && !check_table(table_of(pde), start))
            return false;
    }
    return true;
}

bool paging_check(void)
{
    bool good = true;
    uint32_t irq = spin_lock(&paging.lock);

    list_for_each(node, &paging.directories)
        good &= check_directory(list_entry(node, struct page_directory, node));
    spin_unlock(&paging.lock, irq);
    return good;
}
