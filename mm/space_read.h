/* mm/space_read.h - looking into an address space that is not the active one, page by page, for
 * /proc.  Only what is resident can be seen: nothing is faulted in.
 * Below: space, kmap.  Takes the space's lock. */
#pragma once

#include "mm/space.h"

/* Copy bytes at `address`; returns how many could be read before the first page that is not
 * resident. */
size_t space_read(struct space *space, uaddr_t address, void *dst, size_t nbytes);

/* One page, as /proc/PID/pagemap shows it. */
struct space_page {
    bool present;
    bool file;      /* of the page cache, or shared memory */
    bool exclusive; /* no other mapping */
    pfn_t pfn;
};
void space_get_page(struct space *space, uaddr_t address, struct space_page *page);
