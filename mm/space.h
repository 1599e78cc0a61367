/* mm/space.h - a user address space: its ranges (vma) and its page tables (paging).
 * Below: vma, paging, buddy, kmap.  Above: fault, uaccess, proc.
 * Lock: `lock` in each space; functions take it themselves unless they say "lock held". */
#pragma once

#include "kernel/cpu/spinlock.h"
#include "mm/paging.h"
#include "mm/vma.h"

/* Why a page fault was served.  (Minor faults: no device is involved.) */
enum fault_cause {
    FAULT_ZERO_READ,  /* first read of anonymous memory: the shared zero frame */
    FAULT_ANON,       /* first write to anonymous memory: a private zeroed frame */
    FAULT_ZERO_WRITE, /* write to the zero frame: replaced by a private one */
    FAULT_COW,        /* write to a frame that others share: copied */
    FAULT_REUSE,      /* write to a frame that was shared and has one user left: no copy */
    FAULT_FILE,       /* first touch of a page with a program's contents */
    FAULT_STACK,      /* stack growth */
    FAULT_SPURIOUS,   /* the page was there already */
    FAULT_BAD,        /* no answer */
    FAULT_CAUSE_COUNT
};
const char *
fault_cause_name(enum fault_cause cause); /* as in vmstat: "pgfault_zero_read" ... */

struct space {
    struct spinlock lock;
    struct page_directory directory;
    struct vma_set vmas;
    uaddr_t brk_start, brk; /* heap: [brk_start, brk), brk is not page-aligned */
    struct vma *heap;       /* the heap's range; NULL before the first growth */
    uint32_t resident;      /* frames mapped, the zero frame not counted */
    uint32_t resident_peak;
    uint64_t faults[FAULT_CAUSE_COUNT];
    int fault_error;       /* why the last FAULT_BAD had no answer: -EFAULT, -ENOMEM */
    struct list_node node; /* all spaces */
};

void space_init(void);

/* An empty space, or NULL if there is no memory. */
struct space *space_create(void);

/* Free it with all it maps.  It must not be the active one. */
void space_destroy(struct space *space);

/* Make it the one in which user addresses are translated; NULL: none (kernel threads). */
void space_activate(struct space *space);
struct space *space_active(void);

/* Add a range, [start, end) page-aligned, above USER_MIN and below USER_END.  Nothing is
 * resident yet. 0, -EINVAL (alignment, bounds), -EEXIST (overlap), -ENOMEM. */
int space_map(struct space *space, uaddr_t start, uaddr_t end, unsigned vma_flags,
              const struct vma_backing *backing);

/* Take a range away with its frames; holes are allowed.  The heap is not: that is
 * space_brk()'s.  0, -EINVAL, -ENOMEM. */
int space_unmap(struct space *space, uaddr_t start, uaddr_t end);

/* Change the rights of a range.  0, -EINVAL, -ENOMEM (holes, as on Linux). */
int space_protect(struct space *space, uaddr_t start, uaddr_t end, unsigned prot);

/* The stack: `nbytes` mapped at its top at once, growing on faults down to USER_STACK_LIMIT. */
int space_map_stack(struct space *space, uaddr_t top, uint32_t nbytes);

/* Where the heap starts (page-aligned, end of the program). */
void space_set_brk_start(struct space *space, uaddr_t start);

/* brk(2): set the end of the heap; returns the new one, or the old one if it cannot be done. */
uaddr_t space_brk(struct space *space, uaddr_t brk);

/* mincore(2) for one page: is it in a range; is it resident? */
bool space_is_mapped(struct space *space, uaddr_t address);
bool space_is_resident(struct space *space, uaddr_t address);

/* Copies for the shell: the index-th range; false past the last one. */
struct vma_info {
    uaddr_t start, end;
    unsigned flags;
    uint32_t resident; /* frames */
    uint32_t file_offset;
    char name[32]; /* "[heap]", "[stack]", the backing's name or "" */
};
bool space_get_vma(struct space *space, unsigned index, struct vma_info *info);

struct space_stats {
    uint32_t vmas;
    uint32_t virtual_pages, resident, resident_peak;
    uint32_t table_frames;
    uaddr_t brk_start, brk;
    uint64_t faults[FAULT_CAUSE_COUNT];
};
void space_get_stats(struct space *space, struct space_stats *stats);

/* Totals over all spaces that ever were. */
struct space_totals {
    uint32_t spaces;
    uint32_t committed_pages; /* of the spaces that live: what they could write to */
    uint64_t faults[FAULT_CAUSE_COUNT];
};
void space_get_totals(struct space_totals *totals);

/* The shared zero frame. */
struct page *space_zero_page(void);

/* All spaces: ranges valid, resident counts right, every page inside a range, rights not
 * exceeded. */
bool space_check(void);
