/* Ranges: map, unmap, protect, advise.  What may be there; the entries follow (space_pages.c).
 *
 * Addresses and lengths come from programs: all checks are made here, in the order in which Linux
 * makes them, because a program can see it in the error. */
#include "kernel/lib/errno.h"
#include "kernel/lib/string.h"
#include "mm/space_internal.h"

int space_split_ends(struct space *space, uaddr_t start, uaddr_t end)
{
    const struct vma *vma = vma_find(&space->vmas, start);

    if (vma && vma->start == start && vma->end == end)
        return 0;
    if (unlikely(space->directory.large != 0))
        space_huge_split_ends(space, start, end);
    int error = vma_split(&space->vmas, start);
    return error ? error : vma_split(&space->vmas, end);
}

int space_map(struct space *space, uaddr_t start, uaddr_t end, unsigned vma_flags,
              const struct vma_backing *backing)
{
    if (!is_user_range(start, end))
        return -EINVAL;
    uint32_t irq = spin_lock(&space->lock);
    int error = space_check_room(space, (end - start) >> PAGE_SHIFT, vma_flags);
    if (!error)
        error = vma_insert(&space->vmas, start, end, vma_flags, backing);
    if (!error)
        space_ranges_changed(space, start, end, vma_flags);
    spin_unlock(&space->lock, irq);
    return error;
}

int space_unmap_locked(struct space *space, uaddr_t start, uaddr_t end,
                       struct list_node *removed)
{
    int error = space_split_ends(space, start, end);

    if (error)
        return error;
    space_drop_pages(space, start, end);
    vma_remove(&space->vmas, start, end, removed);
    space_ranges_changed(space, start, end, 0);
    return 0;
}

/* A length of zero, or an end beyond the user's half, is an error; an address below USER_MIN has
 * nothing mapped, which is none. */
int space_unmap(struct space *space, uaddr_t start, uint32_t nbytes)
{
    struct list_node removed = LIST_INIT(removed);
    int error = 0;

    if (!IS_ALIGNED(start, PAGE_SIZE) || nbytes == 0 || nbytes > USER_END ||
        start > USER_END - nbytes)
        return -EINVAL;
    uaddr_t end = ALIGN_UP(start + nbytes, PAGE_SIZE);
    if (end - start > THIN_OUT_FROM) {
        uint32_t irq = spin_lock(&space->lock);
        error = space_split_ends(space, start, end);
        spin_unlock(&space->lock, irq);
        if (error)
            return error;
        space_thin_out(space, start, end);
    }
    uint32_t irq = spin_lock(&space->lock);
    error = space_unmap_locked(space, start, end, &removed);
    spin_unlock(&space->lock, irq);
    if (unlikely(!list_is_empty(&removed)))
        vma_free_list(&removed);
    return error;
}

/* Lock held.  Give one range, or its part in [start, end), other rights. */
static int protect_range(struct space *space, struct vma *vma, uaddr_t start, uaddr_t end,
                         unsigned prot)
{
    start = MAX(start, vma->start);
    end = MIN(end, vma->end);
    unsigned flags = (vma->flags & ~VMA_PROT) | prot;
    if (flags == vma->flags)
        return 0;
    if ((prot & VMA_WRITE) && (vma->flags & VMA_NO_WRITE))
        return -EACCES;
    uint32_t more = vma_is_data(flags) && !vma_is_data(vma->flags) ? (end - start) >> PAGE_SHIFT
                                                                   : 0;
    if (more > 0 && space_check_room(space, more, flags) != 0 &&
        space_check_room(space, more, vma->flags) == 0)
        return -ENOMEM; /* for what it becomes, not for its length */
    bool whole = start == vma->start && end == vma->end;
    int error = whole ? 0 : space_split_ends(space, start, end);
    if (error)
        return error;
    vma_set_flags(&space->vmas, start, end, VMA_PROT, prot);
    space_protect_pages(space, vma_find(&space->vmas, start), start, end);
    space_ranges_changed(space, start, end, prot);
    return 0;
}

/* Lock held. */
static int protect_all(struct space *space, uaddr_t start, uaddr_t end, unsigned prot)
{
    struct vma *vma = vma_find(&space->vmas, start);

    if ((prot & VMA_GROWS_DOWN) && vma) {
        if (!(vma->flags & VMA_GROWS_DOWN))
            return -EINVAL;
        start = vma->start;
    }
    while (start < end) {
        if (!vma)
            return -ENOMEM;
        uaddr_t next = vma->end;
        int error = protect_range(space, vma, start, end, prot & VMA_PROT);
        if (error)
            return error;
        start = next;
        vma = start < end ? vma_find(&space->vmas, start) : NULL;
    }
    return 0;
}

int space_protect(struct space *space, uaddr_t start, uint32_t nbytes, unsigned prot)
{
    uaddr_t end = start + ALIGN_UP(nbytes, PAGE_SIZE);

    if (!IS_ALIGNED(start, PAGE_SIZE))
        return -EINVAL;
    if (nbytes == 0)
        return 0;
    if (end <= start)
        return -ENOMEM;
    if (prot & ~(VMA_PROT | VMA_GROWS_DOWN))
        return -EINVAL;
    uint32_t irq = spin_lock(&space->lock);
    int error = protect_all(space, start, end, prot);
    spin_unlock(&space->lock, irq);
    return error;
}

/* ---- madvise(2) ---- */

/* What a piece of advice does to one range. */
enum deed { NOTHING, DROP, SET_FLAGS, COLLAPSE, REFUSE_REMOVE, NOT_KNOWN };

struct advice {
    enum deed deed;
    bool anonymous_only;  /* -EINVAL for ranges of files and shared ones */
    unsigned mask, flags; /* SET_FLAGS */
};

/* Pages that are dropped come back as zeros, or from their file: that is what DONTNEED promises and
 * what FREE allows.  Frames have no age and there is no swap yet, so COLD and PAGEOUT have nothing
 * to do; neither have hints about access patterns, merging of equal pages and core dumps. */
static struct advice describe(int number)
{
    switch (number) {
    case SPACE_ADV_NORMAL:
    case SPACE_ADV_RANDOM:
    case SPACE_ADV_SEQUENTIAL:
    case SPACE_ADV_WILLNEED:
    case SPACE_ADV_MERGEABLE:
    case SPACE_ADV_UNMERGEABLE:
    case SPACE_ADV_DONTDUMP:
    case SPACE_ADV_DODUMP:
    case SPACE_ADV_COLD:
    case SPACE_ADV_PAGEOUT:
        return (struct advice){ .deed = NOTHING };
    case SPACE_ADV_DONTNEED:
    case SPACE_ADV_DONTNEED_LOCKED:
        return (struct advice){ .deed = DROP };
    case SPACE_ADV_FREE:
        return (struct advice){ .deed = DROP, .anonymous_only = true };
    case SPACE_ADV_REMOVE:
        return (struct advice){ .deed = REFUSE_REMOVE };
    case SPACE_ADV_DONTFORK:
        return (struct advice){ SET_FLAGS, false, VMA_DONTFORK, VMA_DONTFORK };
    case SPACE_ADV_DOFORK:
        return (struct advice){ SET_FLAGS, false, VMA_DONTFORK, 0 };
    case SPACE_ADV_HUGEPAGE:
        return (struct advice){ SET_FLAGS, false, VMA_HUGEPAGE | VMA_NOHUGEPAGE, VMA_HUGEPAGE };
    case SPACE_ADV_NOHUGEPAGE:
        return (struct advice){ SET_FLAGS, false, VMA_HUGEPAGE | VMA_NOHUGEPAGE,
                                VMA_NOHUGEPAGE };
    case SPACE_ADV_COLLAPSE:
        return (struct advice){ .deed = COLLAPSE };
    case SPACE_ADV_WIPEONFORK:
        return (struct advice){ SET_FLAGS, true, VMA_WIPEONFORK, VMA_WIPEONFORK };
    case SPACE_ADV_KEEPONFORK:
        return (struct advice){ SET_FLAGS, false, VMA_WIPEONFORK, 0 };
    default:
        return (struct advice){ .deed = NOT_KNOWN };
    }
}

/* Lock held.  [start, end) lies in one range. */
static int advise_range(struct space *space, struct vma *vma, uaddr_t start, uaddr_t end,
                        const struct advice *advice)
{
    bool shared = vma->flags & VMA_SHARED;
    int error;

    if (advice->anonymous_only && (vma->backing.file || shared))
        return -EINVAL;
    switch (advice->deed) {
    case DROP:
        space_drop_pages(space, start, end);
        return 0;
    case SET_FLAGS:
        if ((vma->flags & advice->mask) == advice->flags)
            return 0;
        error = space_split_ends(space, start, end);
        if (error)
            return error;
        vma_set_flags(&space->vmas, start, end, advice->mask, advice->flags);
        space_ranges_changed(space, start, end, 0);
        return 0;
    case COLLAPSE:
        return space_huge_collapse(space, vma, start, end);
    case REFUSE_REMOVE: /* no holes can be made in the page cache */
        return !vma->backing.file ? -EINVAL : !shared ? -EACCES : -EOPNOTSUPP;
    default:
        return 0;
    }
}

/* Lock held.  Holes are skipped, and reported at the end.  A range that refuses moves *end, where all
 * of the advice ends: nothing behind it is advised, and COLLAPSE tries only the rest of the range. */
static int advise_portion(struct space *space, uaddr_t start, uaddr_t stop, uaddr_t *end,
                          const struct advice *advice)
{
    int result = 0;

    while (start < MIN(stop, *end)) {
        struct vma *vma = vma_find_next(&space->vmas, start);
        if (!vma || vma->start >= stop)
            return -ENOMEM;
        if (vma->start > start)
            result = -ENOMEM;
        uaddr_t vma_end = vma->end, next = MIN(stop, vma_end);
        int error = advise_range(space, vma, MAX(start, vma->start), next, advice);
        if (error) {
            *end = advice->deed == COLLAPSE ? MIN(*end, vma_end) : start;
            result = error;
        }
        start = next;
    }
    return result;
}

/* In portions, so that giving back a gigabyte does not stop the machine; they end at multiples of 4 MiB,
 * so that 4 MiB pages are not split for that. */
static int advise_all(struct space *space, uaddr_t start, uaddr_t end,
                      const struct advice *advice)
{
    int result = 0;

    while (start < end) {
        uint32_t portion = THIN_OUT_FROM - start % THIN_OUT_FROM;
        uaddr_t stop = end - start > portion ? start + portion : end;
        uint32_t irq = spin_lock(&space->lock);
        int error = advise_portion(space, start, stop, &end, advice);
        spin_unlock(&space->lock, irq);
        result = error ? error : result;
        start = stop;
    }
    return result;
}

int space_advise(struct space *space, uaddr_t start, uint32_t nbytes, int number)
{
    struct advice advice = describe(number);
    uint32_t length = ALIGN_UP(nbytes, PAGE_SIZE);

    if (advice.deed == NOT_KNOWN || !IS_ALIGNED(start, PAGE_SIZE) || (nbytes && !length) ||
        start + length < start)
        return -EINVAL;
    return advise_all(space, start, start + length, &advice);
}
