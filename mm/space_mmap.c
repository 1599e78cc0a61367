/* Where to map, and moving house.
 *
 * Placement   mmap(2) without a fixed address takes the highest gap that is large enough, below
 *             mmap_top: ranges grow towards the heap, which grows towards them, and neither has a
 *             border of its own.
 *
 *                 program  heap ->          <- mmap area | mmap_top   room for the stack  stack
 *
 *             Only when that area is full, the room above mmap_top is used.  An address that the
 *             program would like is taken if nothing is there.
 * mremap      A range that grows where it stands, if it can; otherwise a new range is made, and the
 *             entries move there: no frame is copied or even looked at.  Everything that can fail
 *             (limits, ranges, page tables) comes first, the move itself cannot.
 * Reading     mmap(2), mremap(2): the errors are Linux's, in its order. */
#include "kernel/lib/errno.h"
#include "kernel/lib/string.h"
#include "mm/space_internal.h"

/* Lowest address that a range with nbytes may have so that it ends below `vma`. */
static uaddr_t top_below(const struct vma *vma, uaddr_t top)
{
    uaddr_t gap = vma->flags & VMA_GROWS_DOWN ? USER_STACK_GUARD : 0;
    return MIN(top, vma->start > gap ? vma->start - gap : 0);
}

/* Lock held.  The highest gap that ends at `top` or below; 0: none. */
static uaddr_t gap_below(const struct space *space, uaddr_t top, uint32_t nbytes)
{
    for (const struct vma *vma = vma_last(&space->vmas); vma;
         vma = vma_prev(&space->vmas, vma)) {
        if (vma->end < top && top - vma->end >= nbytes)
            return top - nbytes;
        top = top_below(vma, top);
    }
    return top >= USER_MIN + nbytes ? top - nbytes : 0;
}

/* Lock held.  Is it free, and not in the gap that a stack above keeps? */
static bool is_free_place(struct space *space, uaddr_t start, uint32_t nbytes)
{
    const struct vma *next = vma_find_next(&space->vmas, start);

    while (next && vma_is_empty(next))
        next = vma_next(&space->vmas, next);
    return start >= USER_MIN && start <= USER_MAP_END - nbytes &&
           (!next || start + nbytes <= top_below(next, UINT32_MAX));
}

uaddr_t space_find_gap(struct space *space, uaddr_t hint, uint32_t nbytes)
{
    if (nbytes > USER_MAP_END - USER_MIN)
        return 0;
    if (hint != 0 && is_free_place(space, MAX(hint, USER_MIN), nbytes))
        return MAX(hint, USER_MIN);
    uaddr_t found = gap_below(space, space->mmap_top, nbytes);
    if (likely(found))
        return found;
    space_drop_empty_heap(space, 0, USER_END); /* it may halve the gap */
    found = gap_below(space, space->mmap_top, nbytes);
    return found ? found : gap_below(space, USER_MAP_END, nbytes);
}

int space_mmap_check(const struct space_mmap *request)
{
    uint32_t nbytes = ALIGN_UP(request->nbytes, PAGE_SIZE);

    if (request->nbytes == 0)
        return -EINVAL;
    if (request->nbytes > USER_MAP_END)
        return -ENOMEM;
    if (request->placement == SPACE_ANYWHERE)
        return 0;
    if (request->hint > USER_MAP_END - nbytes)
        return -ENOMEM;
    if (!IS_ALIGNED(request->hint, PAGE_SIZE))
        return -EINVAL;
    return request->hint < USER_MIN ? -EPERM : 0;
}

/* Lock held.  The address for a request, with the place made free if it is fixed. */
static int choose_place(struct space *space, const struct space_mmap *request, uint32_t nbytes,
                        uaddr_t *start, struct list_node *removed)
{
    if (request->placement == SPACE_ANYWHERE) {
        *start = space_find_gap(space, ALIGN_UP(request->hint, PAGE_SIZE), nbytes);
        return *start ? 0 : -ENOMEM;
    }
    *start = request->hint;
    if (vma_range_is_free(&space->vmas, *start, *start + nbytes))
        return 0;
    if (request->placement == SPACE_FIXED_NOREPLACE)
        return -EEXIST;
    int error = space_split_ends(space, *start, *start + nbytes);
    if (!error)
        error = vma_reserve(&space->vmas); /* from here on nothing can fail */
    return error ? error : space_unmap_locked(space, *start, *start + nbytes, removed);
}

/* Lock held.  Pages of [start, end) that are in ranges already. */
static uint32_t pages_mapped(struct space *space, uaddr_t start, uaddr_t end)
{
    uint32_t npages = 0;

    for (const struct vma *vma = vma_find_next(&space->vmas, start); vma && vma->start < end;
         vma = vma_next(&space->vmas, vma))
        npages += (MIN(end, vma->end) - MAX(start, vma->start)) >> PAGE_SHIFT;
    return npages;
}

/* Lock held.  Is there room for a request at a fixed place?  It counts only what it adds. */
static int check_replacement(struct space *space, const struct space_mmap *request,
                             uint32_t nbytes)
{
    uint32_t replaced = pages_mapped(space, request->hint, request->hint + nbytes);

    return space_compare_limits(space, nbytes >> PAGE_SHIFT, replaced, request->vma_flags);
}

/* A large place is emptied in portions, but only when the new range can be had. */
static int empty_large_place(struct space *space, const struct space_mmap *request,
                             uint32_t nbytes)
{
    uaddr_t start = request->hint, end = start + nbytes;
    uint32_t irq = spin_lock(&space->lock);
    int error = check_replacement(space, request, nbytes);

    if (!error)
        error = space_split_ends(space, start, end);
    spin_unlock(&space->lock, irq);
    if (!error)
        space_thin_out(space, start, end);
    return error;
}

/* Lock held. */
static int map_request(struct space *space, const struct space_mmap *request, uint32_t nbytes,
                       uaddr_t *place, struct list_node *removed)
{
    const struct vma_backing *backing = NULL;
    struct vma_backing of_file;
    uaddr_t start;
    int error = request->placement == SPACE_FIXED
                    ? check_replacement(space, request, nbytes)
                    : space_check_room(space, nbytes >> PAGE_SHIFT, request->vma_flags);

    if (!error)
        error = choose_place(space, request, nbytes, &start, removed);
    if (error)
        return error;
    if (request->backing.file) {
        of_file = request->backing;
        of_file.page_offset -= start >> PAGE_SHIFT;
        backing = &of_file;
    }
    error = vma_insert(&space->vmas, start, start + nbytes, request->vma_flags, backing);
    if (error)
        return error;
    space_ranges_changed(space, start, start + nbytes, request->vma_flags);
    *place = start;
    return 0;
}

int space_mmap(struct space *space, const struct space_mmap *request, uaddr_t *start)
{
    struct list_node removed = LIST_INIT(removed);
    uint32_t nbytes = ALIGN_UP(request->nbytes, PAGE_SIZE);

    if (unlikely(request->placement == SPACE_FIXED && nbytes > THIN_OUT_FROM)) {
        int refused = empty_large_place(space, request, nbytes);
        if (refused)
            return refused;
    }
    uint32_t irq = spin_lock(&space->lock);
    int error = map_request(space, request, nbytes, start, &removed);
    spin_unlock(&space->lock, irq);
    if (unlikely(!list_is_empty(&removed)))
        vma_free_list(&removed);
    return error;
}

/* ---- mremap(2) ---- */

struct move {
    uaddr_t from, to; /* to: also a hint, unless SPACE_MREMAP_FIXED */
    uint32_t old_nbytes, new_nbytes;
    unsigned flags;
    struct list_node removed;
};

static int check_move(const struct move *move)
{
    unsigned known = SPACE_MREMAP_MAYMOVE | SPACE_MREMAP_FIXED | SPACE_MREMAP_DONTUNMAP;
    bool may_move = move->flags & SPACE_MREMAP_MAYMOVE;

    if ((move->flags & ~known) || ((move->flags & SPACE_MREMAP_FIXED) && !may_move))
        return -EINVAL;
    if ((move->flags & SPACE_MREMAP_DONTUNMAP) &&
        (!may_move || move->old_nbytes != move->new_nbytes))
        return -EINVAL;
    return IS_ALIGNED(move->from, PAGE_SIZE) && move->new_nbytes != 0 ? 0 : -EINVAL;
}

/* Lock held.  The range that [from, from + old) lies in, if it may become `new` long. */
static int check_resize(struct space *space, const struct move *move, struct vma **found)
{
    struct vma *vma = vma_find(&space->vmas, move->from);
    uint32_t old_nbytes = move->old_nbytes, new_nbytes = move->new_nbytes;

    if (!vma)
        return -EFAULT;
    if (old_nbytes == 0 && !(vma->flags & (VMA_SHARED | VMA_NO_WRITE)))
        return -EINVAL;
    if (old_nbytes > vma->end - move->from)
        return -EFAULT;
    *found = vma;
    bool keeps_old = move->flags & SPACE_MREMAP_DONTUNMAP;
    uint32_t more = keeps_old                 ? new_nbytes
                    : new_nbytes > old_nbytes ? new_nbytes - old_nbytes
                                              : 0;
    return more ? space_check_room(space, more >> PAGE_SHIFT, vma->flags) : 0;
}

/* Lock held.  Make the range longer where it stands. */
static bool grow_in_place(struct space *space, struct vma *vma, const struct move *move)
{
    uaddr_t end = move->from + move->new_nbytes;

    if (vma->end != move->from + move->old_nbytes || end < vma->end || end > USER_MAP_END ||
        !is_free_place(space, vma->end, end - vma->end))
        return false;
    space_drop_empty_heap(space, vma->end, end);
    vma_resize(&space->vmas, vma, vma->start, end);
    vma_set_flags(&space->vmas, vma->start, end, 0,
                  0); /* it may continue into the next one now */
    space_ranges_changed(space, move->from, end, VMA_EXEC);
    return true;
}

/* Lock held.  The old range stays (DONTUNMAP), or only its file's pages are wanted once more (an old
 * length of 0): a second range, which gets the entries. */
static int64_t duplicate_range(struct space *space, const struct vma *vma, struct move *move)
{
    uaddr_t to = move->to, end = to + move->new_nbytes;
    struct vma_backing backing = vma->backing;
    unsigned flags = vma->flags & ~(VMA_HEAP | VMA_STACK);

    vma_move_backing(&backing, move->from, to);
    int error = vma_insert(&space->vmas, to, end, flags, &backing); /* may join `vma` with it */
    if (error)
        return error;
    error = space_move_pages(space, move->from, to, move->old_nbytes);
    if (error && space_split_ends(space, to, end) == 0)
        vma_remove(&space->vmas, to, end, &move->removed);
    space_ranges_changed(space, to, end, flags);
    return error ? error : (int64_t)to;
}

/* Lock held.  Nothing is mapped at move->to, and old_nbytes <= new_nbytes. */
static int64_t move_range(struct space *space, struct move *move)
{
    uaddr_t from = move->from, end = from + move->old_nbytes;
    struct vma *vma = vma_find(&space->vmas, from);

    if ((move->flags & SPACE_MREMAP_DONTUNMAP) || move->old_nbytes == 0)
        return duplicate_range(space, vma, move);
    int error = space_split_ends(space, from, end);
    if (!error)
        error = space_move_pages(space, from, move->to, move->old_nbytes);
    if (error)
        return error;
    vma = vma_find(&space->vmas, from);
    vma->flags &= ~(VMA_HEAP | VMA_STACK);
    vma_move(&space->vmas, vma, move->to, move->to + move->new_nbytes);
    space_ranges_changed(space, from, end, 0);
    space_ranges_changed(space, move->to, move->to + move->new_nbytes, VMA_EXEC);
    return move->to;
}

/* Lock held.  The new place is the caller's choice, or the old range stays, too. */
static int64_t remap_to(struct space *space, struct move *move)
{
    bool fixed = move->flags & SPACE_MREMAP_FIXED;
    uaddr_t end = move->from + move->old_nbytes;
    struct vma *vma;
    int error;

    if (!IS_ALIGNED(move->to, PAGE_SIZE) || move->new_nbytes > USER_MAP_END ||
        move->to > USER_MAP_END - move->new_nbytes ||
        (end > move->to && move->to + move->new_nbytes > move->from))
        return -EINVAL;
    if (fixed && move->to < USER_MIN)
        return -EPERM;
    if (fixed) {
        error = space_unmap_locked(space, move->to, move->to + move->new_nbytes,
                                   &move->removed);
        if (error)
            return error;
    }
    if (move->old_nbytes > move->new_nbytes) {
        if (end < move->from || end > USER_END)
            return -EINVAL;
        error = space_unmap_locked(space, move->from + move->new_nbytes, end, &move->removed);
        if (error)
            return error;
        move->old_nbytes = move->new_nbytes;
    }
    error = check_resize(space, move, &vma);
    if (error)
        return error;
    if (!fixed)
        move->to = space_find_gap(space, move->to, move->new_nbytes);
    return move->to ? move_range(space, move) : -ENOMEM;
}

/* Lock held. */
static int64_t remap(struct space *space, struct move *move)
{
    struct vma *vma = vma_find(&space->vmas, move->from);
    int error;

    if (!vma)
        return -EFAULT;
    if (move->flags & (SPACE_MREMAP_FIXED | SPACE_MREMAP_DONTUNMAP))
        return remap_to(space, move);
    if (move->old_nbytes >= move->new_nbytes) {
        uaddr_t end = move->from + move->old_nbytes;
        error = end < move->from || end > USER_END ? -EINVAL
                : move->old_nbytes == move->new_nbytes
                    ? 0
                    : space_unmap_locked(space, move->from + move->new_nbytes, end,
                                         &move->removed);
        return error ? error : (int64_t)move->from;
    }
    error = check_resize(space, move, &vma);
    if (error)
        return error;
    if (grow_in_place(space, vma, move))
        return move->from;
    if (!(move->flags & SPACE_MREMAP_MAYMOVE))
        return -ENOMEM;
    move->to = space_find_gap(space, 0, move->new_nbytes);
    return move->to ? move_range(space, move) : -ENOMEM;
}

int64_t space_mremap(struct space *space, uaddr_t old, uint32_t old_nbytes, uint32_t new_nbytes,
                     unsigned flags, uaddr_t new_address)
{
    struct move move = {
        .from = old,
        .to = new_address,
        .old_nbytes = ALIGN_UP(old_nbytes, PAGE_SIZE),
        .new_nbytes = ALIGN_UP(new_nbytes, PAGE_SIZE),
        .flags = flags,
    };
    int error = check_move(&move);

    if (error)
        return error;
    list_init(&move.removed);
    uint32_t irq = spin_lock(&space->lock);
    int64_t result = remap(space, &move);
    spin_unlock(&space->lock, irq);
    vma_free_list(&move.removed);
    return result;
}
