/* Page tables, looked at: one translation step by step, the statistics, and the validator. */
#include "kernel/log.h"
#include "mm/paging_internal.h"

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
    stats->maps += paging_user_maps;
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
    unsigned used = 0;

    for (unsigned i = 0; i < PTES_PER_TABLE; i++) {
        if (!(table[i] & PTE_USED))
            continue;
        used++;
        if ((table[i] & PTE_USER) != user)
            return violated("user bit", start + i * PAGE_SIZE, table[i], user);
    }
    struct page *page = virt_to_page(table);
    bool counted = page->kind == PAGE_TABLE && start < KMAP_START; /* not: boot's, kmap's */
    if (counted && page->entries != used)
        return violated("entries in the table", start, page->entries, used);
    return true;
}

/* Each 4 MiB page of a program has its user bit, and a table set aside. */
static bool check_large(const struct page_directory *directory)
{
    uint32_t spares = 0, found = 0;
    const pte_t *pde;

    for (uaddr_t at = 0; (pde = paging_find_large(directory, &at, USER_END));
         at += LARGE_PAGE_SIZE) {
        found++;
        if (!(*pde & PTE_USER))
            return violated("user bit of a 4 MiB page", at, *pde, PTE_USER);
    }
    list_for_each(node, &directory->spare_tables)
        spares++;
    if (found != directory->large)
        return violated("4 MiB pages counted", 0, directory->large, found);
    if (spares != directory->large)
        return violated("spare tables", 0, spares, directory->large);
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
        if (pde_is_table(pde) && !check_table(table_of(pde), start))
            return false;
    }
    return directory == &kernel_directory || check_large(directory);
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
