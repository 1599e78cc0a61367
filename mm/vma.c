/* Virtual memory areas.
 *
 * Problem   Page tables say what is resident; they cannot say what may become resident, with
 *           which rights and from where.  That is the job of a list of ranges.
 * State     A doubly linked list in address order, and a hint: the range that was found last.
 *           Faults come in runs, so the hint answers most searches; else the list is walked.
 * Invariants  sorted, disjoint, page-aligned, none empty but perhaps the heap; two neighbours
 *           that touch and continue one another (same rights, contents that go on) are one
 *           range.
 * Cost      A program has about ten ranges; a tree pays from hundreds on.
 * Lock      none here: the owner's (struct space). */
#include "mm/vma.h"

#include "kernel/lib/assert.h"
#include "kernel/lib/errno.h"
#include "kernel/lib/string.h"
#include "kernel/log.h"
#include "mm/buddy.h"
#include "mm/slab.h"

static struct slab_cache *vma_cache;

void vma_init(void)
{
    vma_cache = slab_cache_create("vma", sizeof(struct vma), 0, NULL, 0);
    ASSERT(vma_cache, "no memory for the cache of VMAs");
}

void vma_set_init(struct vma_set *set)
{
    *set = (struct vma_set){ 0 };
    list_init(&set->list);
}

static struct vma *to_vma(struct list_node *node)
{
    return list_entry(node, struct vma, node);
}

static uint32_t npages_of(const struct vma *vma)
{
    return (vma->end - vma->start) >> PAGE_SHIFT;
}

struct vma *vma_find_next(struct vma_set *set, uaddr_t address)
{
    list_for_each(node, &set->list)
        if (to_vma(node)->end > address)
            return to_vma(node);
    return NULL;
}

/* Not the range that was found last: walk. */
struct vma *vma_search(struct vma_set *set, uaddr_t address)
{
    struct vma *vma = vma_find_next(set, address);

    if (!vma || address < vma->start)
        return NULL;
    set->hint = vma;
    return vma;
}

bool vma_range_is_free(struct vma_set *set, uaddr_t start, uaddr_t end)
{
    struct vma *vma = vma_find_next(set, start);
    return !vma || vma->start >= end;
}

bool vma_range_is_mapped(struct vma_set *set, uaddr_t start, uaddr_t end)
{
    struct vma *vma = vma_find(set, start);

    while (vma && vma->end < end) {
        struct vma *next = vma_next(set, vma);
        vma = next && next->start == vma->end ? next : NULL;
    }
    return vma != NULL;
}

/* The contents of a range, seen from `nbytes` further on. */
static struct vma_backing backing_at(const struct vma_backing *backing, uint32_t nbytes)
{
    struct vma_backing rest = *backing;

    if (!backing->data)
        return rest;
    rest.file_offset += nbytes;
    rest.data = backing->nbytes > nbytes ? backing->data + nbytes : NULL;
    rest.nbytes = backing->nbytes > nbytes ? backing->nbytes - nbytes : 0;
    return rest;
}

/* Is `b` what comes right behind `a`, so that both can be one range? */
static bool continues(const struct vma *a, const struct vma *b)
{
    if (a->end != b->start || a->flags != b->flags || strcmp(a->backing.name, b->backing.name))
        return false;
    if (!a->backing.data)
        return !b->backing.data;
    struct vma_backing expected = backing_at(&a->backing, a->end - a->start);
    return b->backing.data == expected.data && b->backing.nbytes == expected.nbytes;
}

/* Take a range out of the list; its memory is the caller's. */
static void unlink(struct vma_set *set, struct vma *vma)
{
    list_remove(&vma->node);
    set->count--;
    set->npages -= npages_of(vma);
    if (set->hint == vma)
        set->hint = NULL;
}

/* Join `vma` with the next range if that continues it. */
static void merge_with_next(struct vma_set *set, struct vma *vma)
{
    struct vma *next = vma_next(set, vma);

    if (!next || !continues(vma, next))
        return;
    unlink(set, next);
    vma_resize(set, vma, vma->start, next->end);
    slab_free(vma_cache, next);
}

static void merge_around(struct vma_set *set, struct vma *vma)
{
    merge_with_next(set, vma);
    if (vma->node.prev != &set->list)
        merge_with_next(set, to_vma(vma->node.prev));
}

int vma_insert(struct vma_set *set, uaddr_t start, uaddr_t end, unsigned flags,
               const struct vma_backing *backing)
{
    static const struct vma_backing anonymous = { .name = "" };
    struct vma *next = vma_find_next(set, start);
    struct vma *vma;

    if (next && next->start < end)
        return -EEXIST;
    vma = slab_alloc(vma_cache, PAGE_ANY);
    if (!vma)
        return -ENOMEM;
    vma->start = start;
    vma->end = end;
    vma->flags = flags;
    vma->backing = backing ? *backing : anonymous;
    struct list_node *before = next ? &next->node : &set->list;
    list_insert_between(&vma->node, before->prev, before);
    set->count++;
    set->npages += npages_of(vma);
    merge_around(set, vma);
    return 0;
}

int vma_split(struct vma_set *set, uaddr_t address)
{
    struct vma *vma = vma_find(set, address), *upper;

    if (!vma || vma->start == address)
        return 0;
    upper = slab_alloc(vma_cache, PAGE_ANY);
    if (!upper)
        return -ENOMEM;
    *upper = *vma;
    upper->start = address;
    upper->backing = backing_at(&vma->backing, address - vma->start);
    vma->end = address;
    list_insert_between(&upper->node, &vma->node, vma->node.next);
    set->count++;
    return 0;
}

void vma_remove(struct vma_set *set, uaddr_t start, uaddr_t end)
{
    struct vma *vma;

    while ((vma = vma_find_next(set, start)) != NULL && vma->start < end) {
        ASSERT(vma->start >= start && vma->end <= end,
               "range %#x-%#x is no boundary of %#x-%#x", start, end, vma->start, vma->end);
        unlink(set, vma);
        slab_free(vma_cache, vma);
    }
}

void vma_protect(struct vma_set *set, uaddr_t start, uaddr_t end, unsigned prot)
{
    struct vma *vma;

    for (vma = vma_find(set, start); vma && vma->start < end; vma = vma_next(set, vma))
        vma->flags = (vma->flags & ~VMA_PROT) | prot;
    /* Only now may ranges be joined: both edges, and what lies between them. */
    vma = vma_find_next(set, start ? start - 1 : 0);
    while (vma && vma->start < end) {
        uaddr_t old_end = vma->end;
        merge_with_next(set, vma);
        if (vma->end == old_end)
            vma = vma_next(set, vma);
    }
}

void vma_set_destroy(struct vma_set *set)
{
    vma_remove(set, 0, UINT32_MAX);
}

bool vma_check(struct vma_set *set)
{
    uint32_t npages = 0, count = 0;
    uaddr_t end = 0;

    list_for_each(node, &set->list) {
        struct vma *vma = to_vma(node);
        if (vma->start < end || vma->start > vma->end ||
            (vma->start == vma->end && !(vma->flags & VMA_HEAP)) ||
            !IS_ALIGNED(vma->start, PAGE_SIZE) || !IS_ALIGNED(vma->end, PAGE_SIZE)) {
            log_err("vma: range %#x-%#x behind %#x", vma->start, vma->end, end);
            return false;
        }
        end = vma->end;
        npages += npages_of(vma);
        count++;
    }
    if (npages != set->npages || count != set->count) {
        log_err("vma: %u ranges of %u pages, counted %u of %u", count, npages, set->count,
                set->npages);
        return false;
    }
    return true;
}
