/* The heap and the stack: the two ranges that grow.
 *
 * Heap      [brk_start, brk).  To grow it reserves addresses only; what programs do most often,
 *           to move the end of the range that ends there, searches for nothing (space.heap
 *           remembers it, and it stays in the set when the heap is empty).  The brk area consists
 *           of ordinary ranges: a program may unmap, protect or replace parts, as on Linux.
 * Stack     Grown by faults (mm/fault.c), down to the limit; a guard gap below it stays free. */
#include "kernel/lib/errno.h"
#include "mm/space_internal.h"

int space_map_stack(struct space *space, uaddr_t top, uint32_t nbytes)
{
    return space_map(space, top - nbytes, top,
                     VMA_READ | VMA_WRITE | VMA_GROWS_DOWN | VMA_STACK, NULL);
}

void space_set_brk_start(struct space *space, uaddr_t start)
{
    space->brk_start = space->brk = start;
}

/* Lock held.  The range that ends at `end`, if it is the heap's.  An empty one there is of use only while
 * it is remembered; later it would lie in the way. */
static struct vma *heap_range(struct space *space, uaddr_t end)
{
    struct vma *heap = space->heap;

    if (likely(heap && heap->end == end))
        return heap;
    vma_drop_empty(&space->vmas, end);
    heap = end > space->brk_start ? vma_find(&space->vmas, end - 1) : NULL;
    return space->heap = heap && (heap->flags & VMA_HEAP) && heap->end == end ? heap : NULL;
}

void space_drop_empty_heap(struct space *space, uaddr_t start, uaddr_t end)
{
    uaddr_t at = ALIGN_UP(space->brk, PAGE_SIZE); /* nowhere else */

    if (at < start || at >= end)
        return;
    space->heap = NULL;
    vma_drop_empty(&space->vmas, at);
}

/* Lock held.  Is [start, end) free, with a page more above it, or the gap that a stack keeps? */
static bool room_for_heap(struct space *space, const struct vma *heap, uaddr_t start,
                          uaddr_t end)
{
    const struct vma *next = heap ? vma_next(&space->vmas, heap)
                                  : vma_find_next(&space->vmas, start);

    /* `end` is a user address: no overflow. */
    if (likely(!next || next->start >= end + USER_STACK_GUARD))
        return true;
    return !(next->flags & VMA_GROWS_DOWN) && next->start >= end + PAGE_SIZE;
}

/* Lock held.  Both ends page-aligned. */
static int grow_heap(struct space *space, uaddr_t old_end, uaddr_t new_end)
{
    const unsigned flags = VMA_READ | VMA_WRITE | VMA_HEAP;
    struct vma *heap = heap_range(space, old_end);

    if (!room_for_heap(space, heap, old_end, new_end) ||
        space_check_room(space, (new_end - old_end) >> PAGE_SHIFT, flags) != 0)
        return -ENOMEM;
    if (likely(heap && heap->flags == flags)) { /* advice for the old end is not for the new */
        vma_resize(&space->vmas, heap, heap->start, new_end);
        return 0;
    }
    space->heap = NULL;
    vma_drop_empty(&space->vmas, old_end);
    return vma_insert(&space->vmas, old_end, new_end, flags, NULL);
}

/* Lock held.  Cutting the end off the heap's last range needs no memory, and so cannot fail. */
static int shrink_heap(struct space *space, uaddr_t old_end, uaddr_t new_end,
                       struct list_node *removed)
{
    struct vma *heap = heap_range(space, old_end);

    if (unlikely(!heap || heap->start > new_end)) {
        space->heap = NULL;
        vma_drop_empty(&space->vmas, old_end);
        return space_unmap_locked(space, new_end, old_end, removed);
    }
    if (old_end - new_end > PAGE_SIZE || !page_is_untouched(space, new_end))
        space_drop_pages(space, new_end, old_end);
    vma_resize(&space->vmas, heap, heap->start, new_end);
    if (unlikely(old_end == space->exec_end))
        space_update_exec_end(space);
    return 0;
}

/* Lock held.  Lower the heap's end to `brk`, but by no more than one critical section should.  True:
 * there is more to do.  (Where another thread has lowered it further, it stays.) */
static bool lower_portion(struct space *space, uaddr_t brk, struct list_node *removed)
{
    uaddr_t old_end = ALIGN_UP(space->brk, PAGE_SIZE), new_end = ALIGN_UP(brk, PAGE_SIZE);
    uaddr_t stop = brk;

    if (brk >= space->brk)
        return false;
    if (old_end - new_end > THIN_OUT_FROM)
        stop = new_end = ALIGN_DOWN(old_end - PAGE_SIZE, THIN_OUT_FROM);
    if (new_end < old_end && shrink_heap(space, old_end, new_end, removed) != 0)
        return false;
    space->brk = stop;
    return stop != brk;
}

/* brk(2) downwards. */
static uaddr_t lower_brk(struct space *space, uaddr_t brk)
{
    struct list_node removed = LIST_INIT(removed);
    uaddr_t result;
    bool more;

    do {
        uint32_t irq = spin_lock(&space->lock);
        more = lower_portion(space, brk, &removed);
        result = space->brk;
        spin_unlock(&space->lock, irq);
    } while (more);
    if (unlikely(!list_is_empty(&removed)))
        vma_free_list(&removed);
    return result;
}

uaddr_t space_brk(struct space *space, uaddr_t brk)
{
    if (brk < space->brk_start || brk >= USER_MAP_END)
        return space->brk;
    if (brk < space->brk)
        return lower_brk(space, brk);
    uint32_t irq = spin_lock(&space->lock);
    uaddr_t old_end = ALIGN_UP(space->brk, PAGE_SIZE), new_end = ALIGN_UP(brk, PAGE_SIZE);
    if (new_end <= old_end || grow_heap(space, old_end, new_end) == 0)
        space->brk = MAX(brk, space->brk);
    brk = space->brk;
    spin_unlock(&space->lock, irq);
    return brk;
}
