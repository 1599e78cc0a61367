/* mm/vmalloc.h - kernel memory that is contiguous only virtually, with an unmapped guard page
 * below and above each area.  Used for kernel stacks and large tables, for memory that has to be
 * cached or used in another way than most, and for frames that have no kernel address.
 * Below: buddy, paging, slab, cache.  Lock: "vmalloc".  Does not sleep. */
#pragma once

#include "mm/page.h"

void vmalloc_init(void);

/* What an area can do; 0: read, write, cached, like all memory. */
#define VM_WRITE_THROUGH (1u << 0) /* each write goes to memory at once; reads are cached */
#define VM_UNCACHED (1u << 1)      /* nothing is cached: for what a device reads or writes */
#define VM_EXEC (1u << 2)          /* may be executed; see below */
#define VM_DMA (1u << 3)           /* vmalloc: frames below 16 MiB, each by itself */

/* Map npages fresh frames of the given kind (PAGE_VMALLOC, PAGE_STACK); NULL if frames, page
 * tables or addresses run out.  Contents undefined.
 * VM_WRITE_THROUGH, VM_UNCACHED: frames of low memory are in the direct map, too, as cached memory;
 * nobody else uses them there as long as the area exists.  The caches are flushed when the area is
 * made and when it is freed, so that neither the former nor the next owner meets an old line.
 * VM_EXEC: the kernel's code segment ends behind the highest of these areas; with none, where the
 * kernel's text ends.  What lies below can be executed as well (gdt_set_kernel_code_limit). */
void *vmalloc_flags(unsigned npages, enum page_kind kind, unsigned vm_flags);
void vfree(void *address); /* NULL is allowed */

static inline void *vmalloc(unsigned npages, enum page_kind kind)
{
    return vmalloc_flags(npages, kind, 0);
}

/* Map the npages frames from `pfn` on, which stay the caller's: device memory, or frames that the
 * caller has, and must not free or move before vunmap().  NULL as above, or if there are no such frames.
 * The caches are flushed as above, if it is memory. */
void *vmap(pfn_t pfn, unsigned npages, unsigned vm_flags);
void vunmap(void *address); /* NULL is allowed */

/* Is `address` in the vmalloc range but in no area's pages: in a guard, or where nothing is?
 * Used to tell a stack overflow; takes no lock. */
bool vmalloc_is_guard(uintptr_t address);

/* An area, for looking at. */
struct vmalloc_area {
    uintptr_t start, end; /* without the guard */
    unsigned flags;       /* VM_... */
    bool borrowed;        /* by vmap() */
};

/* The first area that ends above `address`; false: none. */
bool vmalloc_next_area(uintptr_t address, struct vmalloc_area *area);

struct vmalloc_stats {
    uint32_t areas, pages;                                /* those of vmap() included */
    uint32_t total_bytes, used_bytes, largest_free_bytes; /* of address space */
};
void vmalloc_get_stats(struct vmalloc_stats *stats);
bool vmalloc_check(void);
