/* mm/space_internal.h - what the files of mm/space and mm/fault share.  For nobody else.
 * "Lock held" means the space's. */
#pragma once

#include "mm/buddy.h"
#include "mm/space.h"
#include "mm/user_frame.h"

#define USER_MAP_END (USER_END - PAGE_SIZE)        /* the last user page is never mapped */
#define THIN_OUT_FROM (PTES_PER_TABLE * PAGE_SIZE) /* larger ranges are emptied in portions */

struct space_state {
    struct spinlock lock; /* "spaces": the list and the counts */
    struct list_node spaces;
    struct space *active;
    struct space *at_rest; /* locked by who has no entry in hand: they may be changed */
    struct slab_cache *cache;
    uint32_t count;
    uint64_t past_faults[FAULT_CAUSE_COUNT]; /* of spaces that are gone */
    bool randomise; /* addresses differ from run to run: no "norandmaps" */
};
extern struct space_state spaces;

#define ROOM_IN_ANY_MACHINE 256u /* pages: fewer than the smallest machine has */

/* The zero frame: read-only for everybody, it lies among the kernel's constants. */
extern const uint8_t zero_frame[PAGE_SIZE];

static inline bool entry_is_zero_frame(pte_t entry)
{
    return (entry & ~PTE_FLAGS) == (uintptr_t)zero_frame - KERNEL_BASE;
}

#define ZERO_FRAME_ENTRY (((uintptr_t)zero_frame - KERNEL_BASE) | PTE_USER | PTE_PRESENT)

static inline struct page *entry_page(pte_t entry)
{
    return pfn_to_page(entry >> PAGE_SHIFT);
}

/* How a page may be mapped in a range: the flags of its entry.  A frame that others refer to, and a
 * page that is what a file's source has, must not be written to. */
static inline pte_t entry_flags(const struct vma *vma, const struct page *page)
{
    bool writable = vma->flags & VMA_SHARED ? page->kind == PAGE_SHMEM
                                            : page->kind == PAGE_ANON && page->refs == 1;

    if (unlikely(!(vma->flags & VMA_PROT)))
        return PTE_USER | PTE_NO_ACCESS;
    return PTE_USER | PTE_PRESENT | (vma->flags & VMA_WRITE && writable ? PTE_WRITE : 0);
}

/* May say no where it is; never the other way round. */
static inline bool page_is_untouched(const struct space *space, uaddr_t address)
{
    const pte_t *slot = paging_find_slot(&space->directory, address);
    return slot && !*slot;
}

/* Fewer frames are mapped.  The peak is kept up to date here, and not at every fault. */
static inline void count_dropped(struct space *space, uint32_t npages)
{
    space->resident_peak = MAX(space->resident_peak, space->resident);
    space->resident -= npages;
}

/* Page-aligned, not empty, above USER_MIN, below USER_MAP_END? */
static inline bool is_user_range(uaddr_t start, uaddr_t end)
{
    return IS_ALIGNED(start, PAGE_SIZE) && IS_ALIGNED(end, PAGE_SIZE) && start < end &&
           start >= USER_MIN && end <= USER_MAP_END;
}

/* ---- space.c ---- */

/* An empty space that is not in the list of spaces yet; NULL: no memory. */
struct space *space_alloc(void);
void space_publish(struct space *space); /* into the list */
void space_free(struct space *space);    /* out of it, with all it maps */

/* Lock held.  Ranges in [start, end) have come (with these flags), gone or changed: exec_end, and
 * what was remembered of them, must follow. */
void space_update_exec_end(struct space *space);

static inline void space_ranges_changed(struct space *space, uaddr_t start, uaddr_t end,
                                        unsigned flags)
{
    if (start <= space->brk && end >= space->brk_start)
        space->heap = NULL;
    if (start < space->exec_end || (flags & VMA_EXEC))
        space_update_exec_end(space);
}

/* Lock held.  May `npages` pages of such a range be mapped, where `replaced` pages are mapped now?
 * 0, or -ENOMEM: a limit, or more than the machine has. */
int space_compare_limits(struct space *space, uint32_t npages, uint32_t replaced,
                         unsigned vma_flags);

/* The same where nothing is mapped. */
static inline int space_check_room(struct space *space, uint32_t npages, unsigned vma_flags)
{
    bool unlimited = (space->limits.address_space & space->limits.data) == SPACE_UNLIMITED;
    return likely(unlimited && npages <= ROOM_IN_ANY_MACHINE)
               ? 0
               : space_compare_limits(space, npages, 0, vma_flags);
}

/* Lock held.  Make both ends of a range boundaries; 0 or -ENOMEM. */
int space_split_ends(struct space *space, uaddr_t start, uaddr_t end);

/* ---- space_pages.c ---- */

/* Lock held.  Unmap [start, end) and drop its frames. */
void space_drop_pages(struct space *space, uaddr_t start, uaddr_t end);

/* The same in portions, with the lock opened in between; lock not held. */
void space_thin_out(struct space *space, uaddr_t start, uaddr_t end);

/* Lock held.  The range has other rights: let the entries in [start, end) follow. */
void space_protect_pages(struct space *space, const struct vma *vma, uaddr_t start,
                         uaddr_t end);

/* Both locks held.  Map the pages of a range in the child, too. */
int space_copy_pages(struct space *child, struct space *parent, const struct vma *vma);

/* Lock held.  Move the entries of [from, from + nbytes) to `to`, where nothing is mapped.
 * 0, or -ENOMEM with everything where it was. */
int space_move_pages(struct space *space, uaddr_t from, uaddr_t to, uint32_t nbytes);

/* ---- space_huge.c: lock held ---- */

void space_huge_init(const char *cmdline);

/* May a first touch of the range bring a 4 MiB page? */
bool space_huge_eligible(const struct vma *vma);

/* paging_find_slot() found no slot, and the access is allowed.  The cause if a 4 MiB page is the answer,
 * or -ENOENT: it is an affair of small pages (a large one may have been split for that). */
#define HUGE_NO_ANSWER (-ENOENT)
int space_huge_fault(struct space *space, const struct vma *vma, uaddr_t address,
                     uint32_t error);

/* Can it have an answer at all?  It has none in a range that is too short for a 4 MiB page. */
static inline bool space_huge_may_answer(const struct space *space, const struct vma *vma)
{
    return space->directory.large != 0 || vma->end - vma->start >= LARGE_PAGE_SIZE;
}

/* Split those that an end of [start, end) lies inside of. */
void space_huge_split_ends(struct space *space, uaddr_t start, uaddr_t end);

/* Unmap those inside [start, end) and drop their frames, after splitting at the ends. */
void space_huge_drop(struct space *space, uaddr_t start, uaddr_t end);

/* The range has other rights.  No end of [start, end) lies inside of one. */
void space_huge_protect(struct space *space, const struct vma *vma, uaddr_t start, uaddr_t end);

/* Make 4 MiB pages of small ones, where all of the 4 MiB lie in [start, end), a part of the range.  0,
 * -EINVAL (the range is not for them; or nothing is there, or nothing that may be written to), -ENOMEM:
 * the last error, of those that are left as they were. */
int space_huge_collapse(struct space *space, const struct vma *vma, uaddr_t start, uaddr_t end);

/* Both locks held.  Map those of a range in the child, too.  0 or -ENOMEM. */
int space_huge_copy(struct space *child, struct space *parent, const struct vma *vma);

/* For a move of [from, from + nbytes) to `to`: first split those that cannot be moved whole, then
 * move the others. */
void space_huge_prepare_move(struct space *space, uaddr_t from, uaddr_t to, uint32_t nbytes);
void space_huge_move(struct space *space, uaddr_t from, uaddr_t to, uint32_t nbytes);

/* ---- space_map.c ---- */

/* Lock held.  Take ranges and frames away together; the ranges go to `removed`.  0, -ENOMEM. */
int space_unmap_locked(struct space *space, uaddr_t start, uaddr_t end,
                       struct list_node *removed);

/* ---- space_heap.c ---- */

/* Lock held.  Forget the empty range that the heap may have in [start, end): it would be in the way. */
void space_drop_empty_heap(struct space *space, uaddr_t start, uaddr_t end);

/* ---- space_mmap.c ---- */

/* Lock held.  The highest gap of nbytes below mmap_top (or below USER_MAP_END, if there is none);
 * `hint` is taken if it is free.  0: no room. */
uaddr_t space_find_gap(struct space *space, uaddr_t hint, uint32_t nbytes);

/* ---- space_view.c ---- */

/* Lock held.  What `maps` calls a range. */
void space_range_name(const struct vma *vma, struct page_cache_name *name);
