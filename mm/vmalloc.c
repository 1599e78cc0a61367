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
 * Kinds       An entry says how its page is cached (mm/cache.c), so an area can be uncached.  It
 *             cannot say whether it may be executed: that is a matter of where it lies.  The code
 *             segment reaches up to the end of the highest area with VM_EXEC:
 *
 *               |kernel text | data, heap ...    |stack |exec  |table |stack | ...
 *               [------------]                                  code, without such an area
 *               [---------------------------------------]       code, with it
 * Borrowed    vmap() does the same for frames that somebody else has: registers of devices above
 *             the direct map, or a block that is to be seen with another type.
 * Lock        "vmalloc" for the list; page tables have their own. */
#include "mm/vmalloc.h"

#include "kernel/cpu/gdt.h"
#include "kernel/cpu/spinlock.h"
#include "kernel/log.h"
#include "mm/buddy.h"
#include "mm/cache.h"
#include "mm/kasan.h"
#include "mm/paging.h"
#include "mm/slab.h"

#define FRAMES_MAX (1u << (32 - PAGE_SHIFT)) /* that an entry can name */

#define AREA_BORROWED (1u << 15) /* the frames are not ours: vmap() */

struct area {
    uintptr_t start; /* of the guard page */
    uintptr_t end;   /* of the last page */
    uint16_t flags;  /* VM_..., AREA_BORROWED */
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

static uintptr_t first_page(const struct area *area)
{
    return area->start + PAGE_SIZE;
}

static uint32_t npages_of(const struct area *area)
{
    return (area->end - first_page(area)) / PAGE_SIZE;
}

/* Lock held.  First gap of nbytes, the guard included: links the area in, false if there is none. */
static ALWAYS_INLINE bool place(struct area *new, uint32_t nbytes)
{
    uintptr_t limit = VMALLOC_END - PAGE_SIZE;
    uintptr_t gap = VMALLOC_START;
    struct list_node *node = state.areas.next;

    for (; node != &state.areas; node = node->next) {
        struct area *area = list_entry(node, struct area, node);
        if (area->start - gap >= nbytes)
            break;
        gap = area->end;
    }
    if (node == &state.areas && limit - gap < nbytes)
        return false;
    new->start = gap;
    new->end = gap + nbytes;
    list_insert_between(&new->node, node->prev, node);
    return true;
}

/* Lock held.  The first area that ends above `address`: the one that contains it, if one does. */
static struct area *first_above(uintptr_t address)
{
    list_for_each(node, &state.areas) {
        struct area *area = list_entry(node, struct area, node);
        if (address < area->end)
            return area;
    }
    return NULL;
}

/* How the entries of an area look. */
static pte_t entry_flags(unsigned vm_flags)
{
    if (vm_flags & VM_UNCACHED)
        return PTE_WRITE | PTE_WRITE_THROUGH | PTE_CACHE_DISABLE;
    return PTE_WRITE | (vm_flags & VM_WRITE_THROUGH ? PTE_WRITE_THROUGH : 0);
}

/* The kernel's code ends with the highest area that may be executed. */
static void set_code_limit(void)
{
    uintptr_t end = 0;
    uint32_t irq = spin_lock(&state.lock);

    list_for_each(node, &state.areas) {
        struct area *area = list_entry(node, struct area, node);
        if (area->complete && (area->flags & VM_EXEC))
            end = area->end;
    }
    gdt_set_kernel_code_limit(end);
    spin_unlock(&state.lock, irq);
}

/* All pages of an area with flags are mapped, or are still so: what was cached of its frames by another
 * mapping goes. */
static void flush_caches(const struct area *area)
{
    uintptr_t address = first_page(area);
    pfn_t pfn = paging_lookup(&kernel_directory, address) >> PAGE_SHIFT;

    if ((area->flags & (VM_UNCACHED | VM_WRITE_THROUGH)) && pfn < max_pfn)
        cache_flush_range(address, npages_of(area) * PAGE_SIZE);
}

static ALWAYS_INLINE void set_complete(struct area *area, bool complete)
{
    bool changed = area->complete != complete;

    area->complete = complete;
    if (complete) /* the addresses may have been a stack */
        kasan_unpoison((void *)first_page(area), npages_of(area) * PAGE_SIZE);
    if (likely(area->flags == 0) || !changed)
        return;
    flush_caches(area);
    if (area->flags & VM_EXEC)
        set_code_limit();
}

/* The pages below `end` are mapped. */
static void release(struct area *area, uintptr_t end)
{
    const bool borrowed = area->flags & AREA_BORROWED;

    set_complete(area, false);
    for (uintptr_t address = first_page(area); address < end; address += PAGE_SIZE) {
        pte_t pte = paging_unmap(&kernel_directory, address);
        if (!borrowed)
            buddy_free(pfn_to_page(pte >> PAGE_SHIFT), 0);
    }
    uint32_t irq = spin_lock(&state.lock);
    list_remove(&area->node);
    spin_unlock(&state.lock, irq);
    slab_free(state.cache, area);
}

/* An area that nothing is mapped in yet. */
static ALWAYS_INLINE struct area *reserve(unsigned npages, unsigned vm_flags)
{
    if (npages == 0 || npages > (VMALLOC_END - VMALLOC_START) / PAGE_SIZE)
        return NULL;
    struct area *area = slab_alloc(state.cache, PAGE_ANY);
    if (!area)
        return NULL;
    area->flags = (uint16_t)vm_flags;
    area->complete = false;
    uint32_t irq = spin_lock(&state.lock);
    bool placed = place(area, (npages + 1) * PAGE_SIZE);
    spin_unlock(&state.lock, irq);
    if (!placed) {
        slab_free(state.cache, area);
        return NULL;
    }
    return area;
}

void *vmalloc_flags(unsigned npages, enum page_kind kind, unsigned vm_flags)
{
    struct area *area = reserve(npages, vm_flags);
    if (!area)
        return NULL;

    const uintptr_t start = first_page(area), end = area->end;
    const pte_t flags = entry_flags(vm_flags);
    const unsigned frames = vm_flags & VM_DMA ? PAGE_DMA : PAGE_HIGHMEM_OK;
    for (uintptr_t address = start; address < end; address += PAGE_SIZE) {
        struct page *page = buddy_alloc(0, kind, frames);
        if (page && paging_map(&kernel_directory, address, page_to_pfn(page), flags) == 0)
            continue;
        if (page)
            buddy_free(page, 0);
        release(area, address);
        return NULL;
    }
    set_complete(area, true);
    return (void *)start;
}

void *vmap(pfn_t pfn, unsigned npages, unsigned vm_flags)
{
    if (pfn >= FRAMES_MAX || npages > FRAMES_MAX - pfn)
        return NULL;
    struct area *area = reserve(npages, vm_flags | AREA_BORROWED);
    if (!area)
        return NULL;

    const uintptr_t start = first_page(area), end = area->end;
    for (uintptr_t address = start; address < end; address += PAGE_SIZE, pfn++) {
        if (paging_map(&kernel_directory, address, pfn, entry_flags(vm_flags)) == 0)
            continue;
        release(area, address);
        return NULL;
    }
    set_complete(area, true);
    return (void *)start;
}

/* The area whose first page is at `address`, made by `maker`; anything else is the caller's bug. */
static ALWAYS_INLINE struct area *area_at(const void *address, const char *maker)
{
    uint32_t irq = spin_lock(&state.lock);
    struct area *area = first_above((uintptr_t)address);
    spin_unlock(&state.lock, irq);
    ASSERT(area && first_page(area) == (uintptr_t)address, "free of %p, not an area of %s()",
           address, maker);
    return area;
}

void vfree(void *address)
{
    if (!address)
        return;
    struct area *area = area_at(address, "vmalloc");
    ASSERT(!(area->flags & AREA_BORROWED), "vfree of %p, which is vmap()'s", address);
    release(area, area->end);
}

void vunmap(void *address)
{
    if (!address)
        return;
    struct area *area = area_at(address, "vmap");
    ASSERT(area->flags & AREA_BORROWED, "vunmap of %p, which is vmalloc()'s", address);
    release(area, area->end);
}

/* No lock: it is asked in the middle of a fault, perhaps one that happened under the lock. */
bool vmalloc_is_guard(uintptr_t address)
{
    if (address < VMALLOC_START || address >= VMALLOC_END)
        return false;
    struct area *area = first_above(address);
    return !area || address < first_page(area);
}

bool vmalloc_next_area(uintptr_t address, struct vmalloc_area *copy)
{
    uint32_t irq = spin_lock(&state.lock);
    const struct area *area = first_above(address);

    if (area)
        *copy = (struct vmalloc_area){ .start = first_page(area),
                                       .end = area->end,
                                       .flags = area->flags & ~AREA_BORROWED,
                                       .borrowed = area->flags & AREA_BORROWED };
    spin_unlock(&state.lock, irq);
    return area != NULL;
}

void vmalloc_get_stats(struct vmalloc_stats *stats)
{
    uintptr_t gap = VMALLOC_START;
    uint32_t irq = spin_lock(&state.lock);

    *stats = (struct vmalloc_stats){ .total_bytes = VMALLOC_END - VMALLOC_START };
    list_for_each(node, &state.areas) {
        struct area *area = list_entry(node, struct area, node);
        stats->areas++;
        stats->pages += npages_of(area);
        stats->largest_free_bytes = MAX(stats->largest_free_bytes, area->start - gap);
        gap = area->end;
    }
    stats->largest_free_bytes = MAX(stats->largest_free_bytes, VMALLOC_END - gap);
    spin_unlock(&state.lock, irq);
    stats->used_bytes = stats->pages * PAGE_SIZE;
}

/* Lock held.  Guard unmapped, pages mapped, and cached as the area says. */
static bool check_area(const struct area *area)
{
    const pte_t cached = PTE_WRITE_THROUGH | PTE_CACHE_DISABLE;

    for (uint32_t i = 0; i <= npages_of(area); i++) {
        pte_t pte = paging_lookup(&kernel_directory, area->start + i * PAGE_SIZE);
        bool mapped = pte != 0;
        if (mapped && (pte & cached) != (entry_flags(area->flags) & cached)) {
            log_err("vmalloc: area at %#x: page %u is cached in another way: %#x", area->start,
                    i, pte);
            return false;
        }
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
        if (area->start < end || area->end >= VMALLOC_END) {
            log_err("vmalloc: area at %#x overlaps or is out of range", area->start);
            good = false;
        }
        end = area->end;
        if (area->complete)
            good &= check_area(area);
    }
    spin_unlock(&state.lock, irq);
    return good;
}
