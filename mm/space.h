/* mm/space.h - a user address space: its ranges (vma) and its page tables (paging).
 * Below: vma, paging, pagecache, buddy, kmap.  Above: fault, uaccess, proc.
 * Lock: `lock` in each space; functions take it themselves unless they say "lock held". */
#pragma once

#include "kernel/cpu/spinlock.h"
#include "mm/pagecache.h"
#include "mm/paging.h"
#include "mm/vma.h"

/* Why a page fault was served.  (Minor faults: no device is involved.) */
enum fault_cause {
    FAULT_ZERO_READ,  /* first read of anonymous memory: the shared zero frame */
    FAULT_ANON,       /* first write to anonymous memory: a private zeroed frame */
    FAULT_ZERO_WRITE, /* write to the zero frame: replaced by a private one */
    FAULT_COW,        /* write to a frame that others share: copied */
    FAULT_REUSE,      /* write to a frame that was shared and has one user left: no copy */
    FAULT_FILE,       /* a page of the page cache mapped, or copied at once for a first write */
    FAULT_SHARED,     /* first write to a shared page: marked dirty */
    FAULT_HUGE,       /* first touch of 4 MiB of anonymous memory at once */
    FAULT_STACK,      /* stack growth */
    FAULT_SPURIOUS,   /* the page was there already */
    FAULT_BAD,        /* no answer */
    FAULT_CAUSE_COUNT
};
const char *
fault_cause_name(enum fault_cause cause); /* as in vmstat: "pgfault_zero_read" ... */

/* Limits of setrlimit(2), in bytes; SPACE_UNLIMITED: none. */
#define SPACE_UNLIMITED UINT32_MAX
struct space_limits {
    uint32_t address_space; /* RLIMIT_AS: all ranges */
    uint32_t data;          /* RLIMIT_DATA: private writable ranges, the stack not counted */
    uint32_t stack;         /* RLIMIT_STACK: how far a VMA_GROWS_DOWN range grows */
};

struct space {
    struct spinlock lock;
    struct page_directory directory;
    struct vma_set vmas;
    uint32_t refs;          /* processes and threads that run in it, and who looks at it */
    uaddr_t brk_start, brk; /* heap: [brk_start, brk), brk is not page-aligned */
    struct vma *heap;       /* the range that ends at brk, if it is known: saves the search */
    uaddr_t mmap_top;       /* the mmap area grows down from here */
    uaddr_t exec_end;       /* end of the highest executable range: the code segment's limit */
    uaddr_t arg_start, arg_end, env_start, env_end; /* strings on the stack, for /proc */
    struct space_limits limits;
    uint32_t resident; /* frames mapped, the zero frame not counted */
    uint32_t
        resident_peak; /* up to when `resident` last went down: use space_resident_peak() */
    uint64_t faults[FAULT_CAUSE_COUNT];
    struct list_node node; /* all spaces */
};

void space_init(void);

/* An empty space with one reference, or NULL if there is no memory. */
struct space *space_create(void);

struct space *space_get(struct space *space);

/* The last reference frees it with all it maps.  It must not be the active one then. */
void space_put(struct space *space);

/* A copy for fork(2): the same ranges; private frames are shared and write-protected in both until
 * one of them writes (copy-on-write), shared ranges share their pages.  `parent` should be the
 * active space.  NULL: no memory, and nothing has changed. */
struct space *space_fork(struct space *parent);

/* Make it the one in which user addresses are translated; NULL: none (kernel threads).  Sets the
 * user code segment's limit to exec_end, too. */
void space_activate(struct space *space);
struct space *space_active(void);

/* Add a range, [start, end) page-aligned, above USER_MIN and below USER_END.  Nothing is
 * resident yet.  backing NULL: anonymous.  0, -EINVAL (alignment, bounds), -EEXIST (overlap),
 * -ENOMEM (memory, or a limit). */
int space_map(struct space *space, uaddr_t start, uaddr_t end, unsigned vma_flags,
              const struct vma_backing *backing);

/* mmap(2) without its descriptor. */
struct space_mmap {
    uaddr_t hint;
    uint32_t nbytes; /* > 0 */
    unsigned vma_flags;
    enum { SPACE_ANYWHERE, SPACE_FIXED, SPACE_FIXED_NOREPLACE } placement;
    struct vma_backing backing; /* page_offset: index of the first page; made relative inside */
};
/* Is the request right, whatever the space has?  -EINVAL, -ENOMEM, -EPERM (below USER_MIN), or 0.
 * (Linux looks at the address before it looks at the file, hence a function of its own.) */
int space_mmap_check(const struct space_mmap *request);

/* Answer a request that has passed the check.  0 with the address in *start, or -ENOMEM, -EEXIST
 * (FIXED_NOREPLACE).  What was there goes only if the new range can be had (SPACE_FIXED). */
int space_mmap(struct space *space, const struct space_mmap *request, uaddr_t *start);

/* munmap(2): take [start, start + nbytes) away with its frames; holes are allowed; parts of the heap
 * and of stacks too.  0, -EINVAL, -ENOMEM. */
int space_unmap(struct space *space, uaddr_t start, uint32_t nbytes);

/* mprotect(2).  `prot`: VMA_PROT bits; with VMA_GROWS_DOWN (PROT_GROWSDOWN) from the start of the
 * range on, which must be one that grows.  0, -EINVAL, -ENOMEM (holes: what lies before them is
 * changed, as on Linux; or no memory for a split, or more writable memory than there is), -EACCES
 * (VMA_NO_WRITE). */
int space_protect(struct space *space, uaddr_t start, uint32_t nbytes, unsigned prot);

#define SPACE_MREMAP_MAYMOVE 1u
#define SPACE_MREMAP_FIXED 2u
#define SPACE_MREMAP_DONTUNMAP 4u
/* mremap(2): page-table entries are moved, no frame is copied.  The new address, or -EINVAL, -EFAULT,
 * -ENOMEM. */
int64_t space_mremap(struct space *space, uaddr_t old, uint32_t old_nbytes, uint32_t new_nbytes,
                     unsigned flags, uaddr_t new_address);

/* madvise(2), Linux's numbers for `advice` (those that make pages resident are fault_populate()'s).
 * 0, -EINVAL, -ENOMEM (holes; what is mapped is done all the same), -EACCES, -EOPNOTSUPP.  The first range
 * that refuses ends it; in that range COLLAPSE still joins what it can, and the last error counts. */
enum space_advice {
    SPACE_ADV_NORMAL = 0,
    SPACE_ADV_RANDOM = 1,
    SPACE_ADV_SEQUENTIAL = 2,
    SPACE_ADV_WILLNEED = 3,
    SPACE_ADV_DONTNEED = 4,
    SPACE_ADV_FREE = 8,
    SPACE_ADV_REMOVE = 9,
    SPACE_ADV_DONTFORK = 10,
    SPACE_ADV_DOFORK = 11,
    SPACE_ADV_MERGEABLE = 12,
    SPACE_ADV_UNMERGEABLE = 13,
    SPACE_ADV_HUGEPAGE = 14,
    SPACE_ADV_NOHUGEPAGE = 15,
    SPACE_ADV_DONTDUMP = 16,
    SPACE_ADV_DODUMP = 17,
    SPACE_ADV_WIPEONFORK = 18,
    SPACE_ADV_KEEPONFORK = 19,
    SPACE_ADV_COLD = 20,
    SPACE_ADV_PAGEOUT = 21,
    SPACE_ADV_POPULATE_READ = 22,
    SPACE_ADV_POPULATE_WRITE = 23,
    SPACE_ADV_DONTNEED_LOCKED = 24,
    SPACE_ADV_COLLAPSE = 25,
};
int space_advise(struct space *space, uaddr_t start, uint32_t nbytes, int advice);

/* The program's stack: `nbytes` mapped at its top at once, growing on faults down to limits.stack. */
int space_map_stack(struct space *space, uaddr_t top, uint32_t nbytes);

/* Where the heap starts (page-aligned, end of the program, plus a random distance). */
void space_set_brk_start(struct space *space, uaddr_t start);

/* brk(2): set the end of the heap; returns the new one, or the old one if it cannot be done. */
uaddr_t space_brk(struct space *space, uaddr_t brk);

/* One page: is it in a range?  Its entry, for /proc/PID/pagemap: 0 if it is not resident; without
 * PTE_PRESENT (PTE_NO_ACCESS instead) if it is, in a range that allows no access. */
bool space_is_mapped(struct space *space, uaddr_t address);
bool space_range_is_mapped(struct space *space, uaddr_t start, uaddr_t end); /* all of it? */
pte_t space_lookup(struct space *space, uaddr_t address);

/* mincore(2), one page: 1 if no device would be needed to have it (resident, or in the page cache),
 * 0 if not, -ENOMEM if nothing is mapped there. */
int space_in_core(struct space *space, uaddr_t address);

/* Take every mapping of the pages of `file` from page index `first` on out of all spaces (the file
 * was cut). */
void space_forget_file(struct page_cache *file, uint32_t first);

/* Unmap PAGE_FILE pages (clean, of the page cache) with frame numbers below `below` from all spaces
 * whose lock is free, until `npages` mappings are gone; the pages can then be reclaimed, and come back
 * with a fault.  Returns how many went.  Any context. */
uint32_t space_unmap_clean(uint32_t npages, pfn_t below);

/* The most frames that were ever mapped at once. */
static inline uint32_t space_resident_peak(const struct space *space)
{
    return MAX(space->resident_peak, space->resident);
}

/* Copies for `maps`, `smaps` and /proc. */
struct vma_info {
    uaddr_t start, end;
    unsigned flags;
    uint64_t file_offset;
    struct page_cache_name
        file;          /* path "" and inode 0 for anonymous ranges; "[heap]", "[stack]" */
    uint32_t resident; /* pages: sum of the four below */
    uint32_t anon, file_pages, shmem; /* resident frames by kind */
    uint32_t huge;                    /* of `anon`: in 4 MiB pages */
    bool huge_eligible;               /* a first touch may bring one */
    uint32_t shared; /* of the resident: mapped by others too (references > 1 + cache) */
    uint32_t dirty, referenced; /* by the bits of the page-table entries */
    uint64_t pss_bytes;         /* proportional share: each frame / number of mappings */
    bool
        executable_by_limit; /* not VMA_EXEC, but below exec_end: can be executed all the same */
};
/* The index-th range; false past the last one. */
bool space_get_vma(struct space *space, unsigned index, struct vma_info *info);
/* The first range that ends above *at, which becomes its end: to walk over all of them, from 0 on,
 * whatever comes and goes meanwhile.  False past the last one. */
bool space_next_vma(struct space *space, uaddr_t *at, struct vma_info *info);

struct space_stats {
    uint32_t vmas;
    uint32_t virtual_pages, resident, resident_peak;
    uint32_t data_pages, stack_pages, text_pages; /* as in /proc/PID/status */
    uint32_t table_frames;
    uaddr_t brk_start, brk, exec_end;
    uint64_t faults[FAULT_CAUSE_COUNT];
};
void space_get_stats(struct space *space, struct space_stats *stats);

/* Totals over all spaces that ever were. */
struct space_totals {
    uint32_t spaces;
    uint32_t committed_pages; /* of the spaces that live: what they could write to */
    uint32_t mapped_pages;    /* file and shmem pages in page tables */
    uint64_t faults[FAULT_CAUSE_COUNT];
};
void space_get_totals(struct space_totals *totals);

/* 4 MiB pages of programs; the counters since boot, under Linux's names ("thp_fault_alloc" ...). */
struct space_huge_stats {
    bool supported;          /* by the processor: PSE */
    uint32_t pages;          /* now; one that several spaces map counts once */
    uint64_t fault_alloc;    /* first touches that brought one */
    uint64_t fault_fallback; /* that should have, but no free 4 MiB were left: small pages */
    uint64_t collapse_alloc; /* made of small pages: MADV_COLLAPSE */
    uint64_t split;          /* 4 MiB pages of one space that became small ones */
};
void space_get_huge_stats(struct space_huge_stats *stats);

/* The shared zero frame. */
struct page *space_zero_page(void);

/* Address-space layout randomisation, from the kernel parameter "norandmaps" (as on Linux): a random
 * number of pages below `npages`, page-aligned, in bytes; 0 when it is off. */
uint32_t space_random_bytes(uint32_t npages);

/* All spaces: ranges valid, resident counts right, every page inside a range, rights not
 * exceeded, references of frames enough. */
bool space_check(void);
