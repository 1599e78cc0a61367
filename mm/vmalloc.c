/* Virtually contiguous memory.
 *
 * Problem     A kernel stack must stop somewhere: below it there must be a page that faults.
 *             And a large table should not need a large free block.
 * Structure   A list of areas in address order.  An area of n pages occupies n + 1: the first
 *             stays unmapped, a guard.
 *
 *               VMALLOC_START                                          VMALLOC_END
 *               |guard|stack a |guard|stack b |      free      |guard|table   | ... |guard|
 *
 *             The last page of the whole range is never used, so every area has a guard on each
 *             side.
 * Alloc       First fit.  The frames are single and may come from HIGHMEM.
 * Lock        "vmalloc" for the list; page tables have their own. */
#include "mm/vmalloc.h"

#include "kernel/cpu/spinlock.h"
#include "kernel/log.h"
#include "mm/buddy.h"
#include "mm/paging.h"
#include "mm/slab.h"

struct area {
    uintptr_t start; /* of the guard page */
    uint32_t npages; /* without it */
    bool complete;   /* all its pages are mapped */
    struct list_node node;
};

static struct {
    struct spinlock lock;
    struct list_node areas;
    struct slab_cache *cache;
} state = { .lock = SPINLOCK_INIT("vmalloc"), .areas = LIST_INIT(state.areas) };

void vmalloc_init(void)
{
    state.cache = slab_cache_create("vmalloc_area", sizeof(struct area), 0, NULL, 0);
    ASSERT(state.cache, "no memory for the cache of vmalloc areas");
}

static uintptr_t area_end(const struct area *area)
{
    return area->start + (area->npages + 1) * PAGE_SIZE;
}

/* Lock held.  First gap that fits: links the area in, false if there is none. */
static bool place(struct area *new)
{
    uintptr_t limit = VMALLOC_END - PAGE_SIZE;
    uintptr_t gap = VMALLOC_START;
    struct list_node *node = state.areas.next;

    for (; node != &state.areas; node = node->next) {
        struct area *area = list_entry(node, struct area, node);
        if (area->start - gap >= (new->npages + 1) * PAGE_SIZE)
            break;
        gap = area_end(area);
    }
    if (node == &state.areas && limit - gap < (new->npages + 1) * PAGE_SIZE)
        return false;
    new->start = gap;
    list_insert_between(&new->node, node->prev, node);
    return true;
}

/* Lock held.  The area whose guard or pages contain `address`. */
static struct area *find(uintptr_t address)
{
    list_for_each(node, &state.areas) {
        struct area *area = list_entry(node, struct area, node);
        if (address >= area->start && address < area_end(area))
            return area;
    }
    return NULL;
}

static void release(struct area *area, uint32_t npages_mapped)
{
    area->complete = false;
    for (uint32_t i = 0; i < npages_mapped; i++) {
        pte_t pte = paging_unmap(&kernel_directory, area->start + (i + 1) * PAGE_SIZE);
        buddy_free(pfn_to_page(pte >> PAGE_SHIFT), 0);
    }
    uint32_t irq = spin_lock(&state.lock);
    list_remove(&area->node);
    spin_unlock(&state.lock, irq);
    slab_free(state.cache, area);
}

void *vmalloc(unsigned npages, enum page_kind kind)
{
    if (npages == 0 || npages > (VMALLOC_END - VMALLOC_START) / PAGE_SIZE)
        return NULL;
    struct area *area = slab_alloc(state.cache, PAGE_ANY);
    if (!area)
        return NULL;
    area->npages = npages;
    area->complete = false;
    uint32_t irq = spin_lock(&state.lock);
    bool placed = place(area);
    spin_unlock(&state.lock, irq);
    if (!placed) {
        slab_free(state.cache, area);
        return NULL;
    }
    uintptr_t address = area->start + PAGE_SIZE;
    for (unsigned i = 0; i < npages; i++) {
        struct page *page = buddy_alloc(0, kind, PAGE_HIGHMEM_OK);
        if (page && paging_map(&kernel_directory, address + i * PAGE_SIZE, page_to_pfn(page),
                               PTE_WRITE) == 0)
            continue;
        if (page)
            buddy_free(page, 0);
        release(area, i);
        return NULL;
    }
    area->complete = true;
    return (void *)address;
}

void vfree(void *address)
{
    if (!address)
        return;
    uint32_t irq = spin_lock(&state.lock);
    struct area *area = find((uintptr_t)address);
    spin_unlock(&state.lock, irq);
    ASSERT(area && area->start + PAGE_SIZE == (uintptr_t)address, "vfree of %p, not an area",
           address);
    release(area, area->npages);
}

/* No lock: it is asked in the middle of a fault, perhaps one that happened under the lock. */
bool vmalloc_is_guard(uintptr_t address)
{
    if (address < VMALLOC_START || address >= VMALLOC_END)
        return false;
    struct area *area = find(address);
    return !area || address < area->start + PAGE_SIZE;
}

void vmalloc_get_stats(struct vmalloc_stats *stats)
{
    uintptr_t gap = VMALLOC_START;
    uint32_t irq = spin_lock(&state.lock);

    *stats = (struct vmalloc_stats){ .total_bytes = VMALLOC_END - VMALLOC_START };
    list_for_each(node, &state.areas) {
        struct area *area = list_entry(node, struct area, node);
        stats->areas++;
        stats->pages += area->npages;
        stats->largest_free_bytes = MAX(stats->largest_free_bytes, area->start - gap);
        gap = area_end(area);
    }
    stats->largest_free_bytes = MAX(stats->largest_free_bytes, VMALLOC_END - gap);
    spin_unlock(&state.lock, irq);
    stats->used_bytes = stats->pages * PAGE_SIZE;
}

/* Lock held.  Guard unmapped, pages mapped. */
static bool check_area(const struct area *area)
{
    for (uint32_t i = 0; i <= area->npages; i++) {
        bool mapped = paging_lookup(&kernel_directory, area->start + i * PAGE_SIZE) != 0;
        if (mapped != (i > 0)) {
            log_err("vmalloc: area at %#x: page %u is %smapped", area->start, i,
                    mapped ? "" : "not ");
            return false;
        }
    }
    return true;
}

bool vmalloc_check(void)
{
    uintptr_t end = VMALLOC_START;
    bool good = true;
    uint32_t irq = spin_lock(&state.lock);

    list_for_each(node, &state.areas) {
        struct area *area = list_entry(node, struct area, node);
        if (area->start < end || area_end(area) >= VMALLOC_END) {
            log_err("vmalloc: area at %#x overlaps or is out of range", area->start);
            good = false;
        }
        end = area_end(area);
        if (area->complete)
            good &= check_area(area);
    }
    spin_unlock(&state.lock, irq);
    return good;
}
