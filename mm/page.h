/* mm/page.h - one structure for each page frame.
 * Below: memmap (which memory exists).  Above: buddy and everyone who owns frames. */
#pragma once

#include "kernel/lib/layout.h"
#include "kernel/lib/list.h"
#include "kernel/lib/types.h"

/* Who uses a frame.  The accounting identity: PAGE_FREE + the kinds after it = managed
 * frames. */
enum page_kind {
    PAGE_RESERVED, /* not RAM, or never given to buddy: firmware, kernel, mem_map, modules */
    PAGE_TAIL, /* inside a block (free or used); only the block's first frame speaks for it */
    PAGE_FREE, /* first frame of a free block */
    PAGE_SLAB, /* slab caches, small kmalloc */
    PAGE_KMALLOC, /* large kmalloc */
    PAGE_VMALLOC, /* vmalloc */
    PAGE_STACK,   /* kernel stacks */
    PAGE_TABLE,   /* page directories and page tables */
    PAGE_ANON,    /* anonymous user memory: heap, bss, stack, private copies */
    PAGE_FILE,    /* page cache: what a file's source has, may be dropped */
    PAGE_SHMEM,   /* page cache: the only copy (tmpfs, shared memory) */
    PAGE_TEST,    /* test kernels and benchmarks */
    PAGE_KIND_COUNT
};
#define PAGE_KIND_FIRST_USED PAGE_SLAB

struct page_cache;

/* 16 bytes, 0.4 % of memory.  `kind` and `order` are valid for the first frame of a block; the
 * unions belong to whoever owns the block. */
struct page {
    uint8_t kind;  /* enum page_kind */
    uint8_t order; /* the block has 2^order frames */
    union {
        uint16_t entries;    /* PAGE_TABLE: entries in use */
        uint16_t objects;    /* PAGE_SLAB: objects in use */
        uint16_t referenced; /* PAGE_FILE: used since the clock's hand came by (pagecache.c) */
        uint16_t huge_maps;  /* PAGE_ANON: 4 MiB pages that begin with it (space_huge.c) */
    };
    union {
        uint32_t refs; /* user frames: page-table entries that map it, and the page cache */
        struct {
            uint8_t cache_id; /* PAGE_SLAB: index in the table of caches, see slab_internal.h;
                                 also in the tails of most slabs, as a hint to kfree() */
            uint8_t colour;   /* PAGE_SLAB: offset of the first object, in colour units */
            uint16_t free;    /* PAGE_SLAB: first free object, see slab.c */
        };
        uint32_t nbytes; /* PAGE_KMALLOC: size asked for */
    };
    union {
        struct list_node node;        /* PAGE_FREE: buddy's list; PAGE_SLAB: the cache's list */
        struct {                      /* PAGE_FILE, PAGE_SHMEM */
            struct page_cache *cache; /* NULL: taken out of it, still mapped somewhere */
            uint32_t index;
        };
    };
};
_Static_assert(sizeof(void *) != 4 || sizeof(struct page) == 16,
               "struct page must be 16 bytes");

extern struct page *mem_map; /* indexed by frame number */
extern pfn_t max_pfn;        /* number of entries in mem_map */

/* In the host tests, physical memory is a block of the test program. */
#ifdef STRATA_HOST
extern uintptr_t host_direct_map;
#define DIRECT_MAP host_direct_map
#else
#define DIRECT_MAP KERNEL_BASE
#endif

static inline pfn_t page_to_pfn(const struct page *page)
{
    return (pfn_t)(page - mem_map);
}

static inline struct page *pfn_to_page(pfn_t pfn)
{
    return &mem_map[pfn];
}

static inline paddr_t page_to_paddr(const struct page *page)
{
    return page_to_pfn(page) << PAGE_SHIFT;
}

/* Low memory only (below 896 MiB): the direct map.  HIGHMEM frames need mm/kmap.h. */
static inline void *paddr_to_virt(paddr_t paddr)
{
    return (void *)(DIRECT_MAP + paddr);
}

static inline paddr_t virt_to_paddr(const void *virt)
{
    return (paddr_t)((uintptr_t)virt - DIRECT_MAP);
}

static inline void *page_to_virt(const struct page *page)
{
    return paddr_to_virt(page_to_paddr(page));
}

static inline struct page *virt_to_page(const void *virt)
{
    return pfn_to_page(virt_to_paddr(virt) >> PAGE_SHIFT);
}

static inline bool page_is_lowmem(const struct page *page)
{
    return page_to_pfn(page) < LOWMEM_MAX_PFN;
}

#define HUGE_ORDER 10u /* a 4 MiB page of a program: 2^10 frames */

/* Is a frame part of a 4 MiB page (space_huge.c)? */
static inline bool page_is_huge(const struct page *page)
{
    const struct page *first = pfn_to_page(ALIGN_DOWN(page_to_pfn(page), 1u << HUGE_ORDER));
    return first->kind == PAGE_ANON && first->order == 0 && first->huge_maps > 0;
}

/* "slab", "anon", ... */
const char *page_kind_name(enum page_kind kind);

/* The first frame of the block that `page` is in (itself unless it is a PAGE_TAIL).  A block
 * starts at a multiple of its size, so the head's number is the tail's with low bits
 * cleared. */
static inline struct page *page_block_head(struct page *page)
{
    pfn_t pfn = page_to_pfn(page);
    while (mem_map[pfn].kind == PAGE_TAIL)
        pfn &= pfn - 1;
    return &mem_map[pfn];
}

/* Create mem_map for all memory in memmap_final() and hand the usable frames to buddy. */
void page_init(void);
