/* mm/vma.h - the ranges of an address space: what is mapped there, with which rights.
 * Pure bookkeeping: it knows nothing of page tables (mm/space.c does).  Lock: the space's.
 * A set's ranges are sorted, disjoint and page-aligned. */
#pragma once

#include "kernel/lib/list.h"
#include "kernel/lib/types.h"

#define VMA_READ (1u << 0)
#define VMA_WRITE (1u << 1)
#define VMA_EXEC (1u << 2)
#define VMA_PROT (VMA_READ | VMA_WRITE | VMA_EXEC)
#define VMA_GROWS_DOWN (1u << 3) /* a stack */
#define VMA_HEAP (1u << 4)       /* the brk area */

/* Where a range's first contents come from: `nbytes` bytes at `data` (kernel memory that
 * stays), the rest is zero.  data = NULL: all zero (anonymous). */
struct vma_backing {
    const char *name; /* for `maps`; "" if none */
    const uint8_t *data;
    uint32_t nbytes;
    uint32_t file_offset; /* of data in its file; for `maps` */
};

struct vma {
    uaddr_t start, end; /* half-open, page-aligned */
    unsigned flags;
    struct vma_backing backing; /* data belongs to `start` */
    struct list_node node;      /* in address order */
};

struct vma_set {
    struct list_node list;
    unsigned count;
    uint32_t npages;  /* sum of the ranges */
    struct vma *hint; /* the last one found */
};

void vma_init(void); /* the cache of struct vma */

void vma_set_init(struct vma_set *set);

/* The range that contains `address`, else NULL. */
struct vma *vma_search(struct vma_set *set, uaddr_t address);

static inline struct vma *vma_find(struct vma_set *set, uaddr_t address)
{
    struct vma *hint = set->hint;
    return likely(hint && address >= hint->start && address < hint->end)
               ? hint
               : vma_search(set, address);
}

/* The first range that ends above `address` (contains it or lies above), else NULL. */
struct vma *vma_find_next(struct vma_set *set, uaddr_t address);

/* The range above a range, NULL if it is the last. */
static inline struct vma *vma_next(const struct vma_set *set, const struct vma *vma)
{
    return vma->node.next == &set->list ? NULL : list_entry(vma->node.next, struct vma, node);
}

/* Nothing in [start, end)? */
bool vma_range_is_free(struct vma_set *set, uaddr_t start, uaddr_t end);

/* Insert a range; merged with its neighbours if those continue it.  0, -EEXIST (overlap),
 * -ENOMEM. */
int vma_insert(struct vma_set *set, uaddr_t start, uaddr_t end, unsigned flags,
               const struct vma_backing *backing);

/* Make `address` a boundary: a range that contains it becomes two.  0 or -ENOMEM (nothing
 * changed). */
int vma_split(struct vma_set *set, uaddr_t address);

/* Take [start, end) out of the set.  Both ends must be boundaries (vma_split): cannot fail. */
void vma_remove(struct vma_set *set, uaddr_t start, uaddr_t end);

/* Is all of [start, end) mapped? */
bool vma_range_is_mapped(struct vma_set *set, uaddr_t start, uaddr_t end);

/* Set the rights (VMA_PROT bits) of [start, end); both ends must be boundaries.  Neighbours
 * that have become alike are merged. */
void vma_protect(struct vma_set *set, uaddr_t start, uaddr_t end, unsigned prot);

/* Move a stack's lower end or a heap's upper end; the caller has checked that the room is
 * free. */
static inline void vma_resize(struct vma_set *set, struct vma *vma, uaddr_t start, uaddr_t end)
{
    uint32_t old = vma->end - vma->start;

    vma->start = start;
    vma->end = end;
    set->npages += (end - start) / PAGE_SIZE - old / PAGE_SIZE;
}

/* Free all ranges. */
void vma_set_destroy(struct vma_set *set);

/* Sorted, disjoint, aligned, counts right. */
bool vma_check(struct vma_set *set);
