/* 4 MiB pages in the user's part of a directory.
 *
 * Problem   A directory entry can map 4 MiB itself: no table, one entry of the TLB for 1024 pages, one
 *           fault for all of them.  But later one page of it may have to be unlike the others, and then
 *           a table is needed, in places where failing is not an option (munmap, a fork's copy).
 * Idea      The table is set aside when the 4 MiB page is mapped (Linux: "deposit"): each such page has a
 *           spare table in its directory's list.  It is not filled before it is used.
 *
 *             whole   directory [ ... | frames 0x5400-0x57ff, large | ... ]    spare: ( table )
 *
 *             split   directory [ ... |           o                 | ... ]    spare: ( )
 *                                                 |
 *                                                 '--> table [ 0x5400 | 0x5401 | ... | 0x57ff ]
 *
 *           Both maps say the same, bit for bit: where they differ in an instant, the processor may use
 *           either.  So the entry is changed and then its old translation forgotten; INVLPG of any of
 *           its addresses forgets all of a large page (SDM vol. 3, 4.10.4.1).
 * Lock      the space's. */
#include "kernel/lib/errno.h"
#include "mm/buddy.h"
#include "mm/paging_internal.h"

static void put_spare(struct page_directory *directory, pte_t *table)
{
    list_add_head(&directory->spare_tables, &virt_to_page(table)->node);
}

static pte_t *take_spare(struct page_directory *directory)
{
    struct page *page = list_first(&directory->spare_tables, struct page, node);

    list_remove(&page->node);
    return page_to_virt(page);
}

static pte_t *large_pde(const struct page_directory *directory, uaddr_t address)
{
    pte_t *pde = &directory->entries[pde_index(address)];

    ASSERT(*pde & PTE_LARGE, "%#x is not in a 4 MiB page", address);
    return pde;
}

const pte_t *paging_find_large(const struct page_directory *directory, uaddr_t *at, uaddr_t end)
{
    for (unsigned i = pde_index(*at); i < KERNEL_PDE && (uaddr_t)i << PDE_SHIFT < end; i++) {
        if (!(directory->entries[i] & PTE_LARGE))
            continue;
        *at = (uaddr_t)i << PDE_SHIFT;
        return &directory->entries[i];
    }
    return NULL;
}

int paging_map_large(struct page_directory *directory, uaddr_t address, pfn_t pfn, pte_t flags)
{
    ASSERT(paging_large_is_free(directory, address), "something is mapped at %#x", address);
    pte_t *table = paging_table_alloc(PAGE_ANY);
    if (!table)
        return -ENOMEM;
    put_spare(directory, table);
    directory->large++;
    paging_set_pde(directory, pde_index(address), pfn << PAGE_SHIFT | flags | PTE_LARGE);
    return 0;
}

pte_t paging_unmap_large(struct page_directory *directory, uaddr_t address)
{
    pte_t old = *large_pde(directory, address);

    paging_set_pde(directory, pde_index(address), 0);
    paging_flush_page(directory, address);
    directory->large--;
    paging_table_free(take_spare(directory));
    return old;
}

void paging_change_large(struct page_directory *directory, uaddr_t address, pte_t flags)
{
    pte_t *pde = large_pde(directory, address);

    *pde = (*pde & ~(PTE_PRESENT | PTE_WRITE | PTE_USER | PTE_NO_ACCESS)) | flags;
    paging_flush_page(directory, address);
}

void paging_split_large(struct page_directory *directory, uaddr_t address)
{
    pte_t *pde = large_pde(directory, address), *table = take_spare(directory);

    for (unsigned i = 0; i < PTES_PER_TABLE; i++)
        table[i] = large_entry(*pde, i);
    paging_slots_filled(table, PTES_PER_TABLE);
    directory->large--;
    *pde = virt_to_paddr(table) | PTE_PRESENT | PTE_WRITE | PTE_USER;
    paging_flush_page(directory, address);
}

void paging_join_large(struct page_directory *directory, uaddr_t address, pfn_t pfn,
                       pte_t flags)
{
    pte_t *pde = &directory->entries[pde_index(address)], *table = table_of(*pde);

    ASSERT(pde_is_table(*pde), "there is no table for %#x", address);
    paging.stats.unmaps += virt_to_page(table)->entries;
    virt_to_page(table)->entries = 0;
    put_spare(directory, table);
    directory->large++;
    *pde = pfn << PAGE_SHIFT | flags | PTE_LARGE;
    paging_flush(directory, ALIGN_DOWN(address, LARGE_PAGE_SIZE), PTES_PER_TABLE);
}

void paging_move_large(struct page_directory *directory, uaddr_t from, uaddr_t to)
{
    pte_t old = *large_pde(directory, from);

    ASSERT(paging_large_is_free(directory, to), "something is mapped at %#x", to);
    paging_set_pde(directory, pde_index(from), 0);
    paging_set_pde(directory, pde_index(to), old);
    paging_flush_page(directory, from);
}
