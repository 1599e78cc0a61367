/* mm/vmalloc.h - kernel memory that is contiguous only virtually, with an unmapped guard page
 * below and above each area.  Used for kernel stacks and large tables.
 * Below: buddy, paging, slab.  Lock: "vmalloc".  Does not sleep. */
#pragma once

#include "mm/page.h"

void vmalloc_init(void);

/* Map npages fresh frames of the given kind (PAGE_VMALLOC, PAGE_STACK); NULL if frames, page
 * tables or addresses run out.  Contents undefined. */
void *vmalloc(unsigned npages, enum page_kind kind);
void vfree(void *address); /* NULL is allowed */

/* Is `address` in the vmalloc range but in no area's pages: in a guard, or where nothing is?
 * Used to tell a stack overflow; takes no lock. */
bool vmalloc_is_guard(uintptr_t address);

struct vmalloc_stats {
    uint32_t areas, pages;
    uint32_t total_bytes, used_bytes, largest_free_bytes; /* of address space */
};
void vmalloc_get_stats(struct vmalloc_stats *stats);
bool vmalloc_check(void);
