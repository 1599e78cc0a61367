/* mm/vma.h - the ranges of an address space: what is mapped there, with which rights.
 * Pure bookkeeping: it knows nothing of page tables (mm/space.c does).  Lock: the space's.
 * A set's ranges are sorted, disjoint and page-aligned; only the heap's may be empty, and an empty
 * one is in nobody's way: searches do not find it, an insertion around it takes its place. */
#pragma once

#include "kernel/lib/list.h"
#include "kernel/lib/types.h"

#define VMA_READ (1u << 0)
#define VMA_WRITE (1u << 1)
#define VMA_EXEC (1u << 2)
#define VMA_PROT (VMA_READ | VMA_WRITE | VMA_EXEC)
#define VMA_GROWS_DOWN (1u << 3)  /* grows on a fault below it: a stack, MAP_GROWSDOWN */
#define VMA_HEAP (1u << 4)        /* the brk area */
#define VMA_STACK (1u << 5)       /* the program's first stack: "[stack]" in `maps` */
#define VMA_SHARED (1u << 6)      /* writes go to the file's pages, seen by all who map them */
#define VMA_NO_WRITE (1u << 7)    /* shared, of a file not open for writing: never VMA_WRITE */
#define VMA_NORESERVE (1u << 8)   /* not counted as committed */
#define VMA_HUGEPAGE (1u << 9)    /* madvise: 4 MiB pages where they fit (space_huge.c) ... */
#define VMA_DONTFORK (1u << 10)   /* madvise: a child does not get it ... */
#define VMA_WIPEONFORK (1u << 11) /* ... or gets it empty */
#define VMA_NOHUGEPAGE (1u << 12) /* ... or none, even if all others get them */

/* Private and writable: needs memory of its own sooner or later. */
static inline bool vma_is_data(unsigned flags)
{
    return (flags & (VMA_WRITE | VMA_SHARED)) == VMA_WRITE;
}

/* Ranges that one space may have (Linux: vm.max_map_count). */
#define VMA_COUNT_MAX 65530u

struct page_cache;

/* Where a range's contents come from.  All of it is in terms of addresses, so that it stays the
 * same when the range is split, merged or shortened. */
struct vma_backing {
    struct page_cache *file; /* NULL: anonymous, zeros; each range holds a reference */
    uint32_t
        page_offset; /* page index in the file = address / PAGE_SIZE + page_offset (mod 2^32) */
    uaddr_t
        file_end; /* private ranges only: bytes from here on are zeros, not the file's (bss) */
};                /* an anonymous range has 0 in all three */
#define VMA_WHOLE_FILE UINT32_MAX /* file_end of a range that has no bss */

struct vma {
    uaddr_t start, end; /* half-open, page-aligned */
    unsigned flags;
    struct vma_backing backing;
    struct list_node node; /* in address order */
};

static inline uint32_t vma_page_index(const struct vma *vma, uaddr_t address)
{
    return (address >> PAGE_SHIFT) + vma->backing.page_offset;
}

static inline uint32_t vma_npages(const struct vma *vma)
{
    return (vma->end - vma->start) >> PAGE_SHIFT;
}

/* As the heap's may be: nothing is there. */
static inline bool vma_is_empty(const struct vma *vma)
{
    return vma->start == vma->end;
}

struct vma_set {
    struct list_node list;
    unsigned count;
    uint32_t npages;   /* sum of the ranges */
    struct vma *hint;  /* the last one found or inserted; or, if that is gone, the one below */
    struct vma *spare; /* kept for the next insertion: programs map and unmap in turns */
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

/* The range below a range, NULL if it is the first. */
static inline struct vma *vma_prev(const struct vma_set *set, const struct vma *vma)
{
    return vma->node.prev == &set->list ? NULL : list_entry(vma->node.prev, struct vma, node);
}

/* The highest range, NULL if there is none. */
static inline struct vma *vma_last(const struct vma_set *set)
{
    return list_is_empty(&set->list) ? NULL : list_entry(set->list.prev, struct vma, node);
}

/* Nothing in [start, end)? */
bool vma_range_is_free(struct vma_set *set, uaddr_t start, uaddr_t end);

/* Insert a range; merged with its neighbours if those continue it.  Takes a reference to the
 * backing's file.  0, -EEXIST (overlap), -ENOMEM. */
int vma_insert(struct vma_set *set, uaddr_t start, uaddr_t end, unsigned flags,
               const struct vma_backing *backing);

/* Forget the empty range at `address`, if there is one. */
void vma_drop_empty(struct vma_set *set, uaddr_t address);

/* See to it that the next insertion or split cannot fail.  0 or -ENOMEM. */
int vma_reserve(struct vma_set *set);

/* Make `address` a boundary: a range that contains it becomes two.  0 or -ENOMEM (nothing
 * changed). */
int vma_split(struct vma_set *set, uaddr_t address);

/* Take [start, end) out of the set.  Both ends must be boundaries (vma_split): cannot fail.  The
 * ranges go to the list `removed`, for vma_free_list() when no lock is held any more: a file that
 * loses its last mapping may have much to tidy up. */
void vma_remove(struct vma_set *set, uaddr_t start, uaddr_t end, struct list_node *removed);
void vma_free_list(struct list_node *removed);

/* Is all of [start, end) mapped? */
bool vma_range_is_mapped(struct vma_set *set, uaddr_t start, uaddr_t end);

/* Let a range lie at [start, end), which is free, instead, with the same contents from its start
 * on: for mremap.  Cannot fail. */
void vma_move(struct vma_set *set, struct vma *vma, uaddr_t start, uaddr_t end);

/* The backing of contents that are to be seen from `to` on instead of from `from` on. */
void vma_move_backing(struct vma_backing *backing, uaddr_t from, uaddr_t to);

/* In all ranges of [start, end), whose ends must be boundaries, let the bits of `mask` be those
 * of `flags`.  Neighbours that have become alike are merged. */
void vma_set_flags(struct vma_set *set, uaddr_t start, uaddr_t end, unsigned mask,
                   unsigned flags);

/* Make `copy` (empty) have the same ranges, but those with VMA_DONTFORK: for fork.  0, or -ENOMEM
 * with `copy` empty. */
int vma_set_copy(struct vma_set *copy, const struct vma_set *set);

/* Move a stack's lower end or a heap's upper end; the caller has checked that the room is
 * free. */
static inline void vma_resize(struct vma_set *set, struct vma *vma, uaddr_t start, uaddr_t end)
{
    uint32_t old = vma->end - vma->start;

    vma->start = start;
    vma->end = end;
    set->npages += (end - start) / PAGE_SIZE - old / PAGE_SIZE;
}

/* Free all ranges.  No lock held. */
void vma_set_destroy(struct vma_set *set);

/* Sorted, disjoint, aligned, counts right. */
bool vma_check(struct vma_set *set);
