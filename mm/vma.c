/* Virtual memory areas.
 *
 * Problem   Page tables say what is resident; they cannot say what may become resident, with
 *           which rights and from where.  That is the job of a list of ranges.
 * State     A doubly linked list in address order, and a hint: the range that was found last.
 *           Faults come in runs, so the hint answers most searches; else the list is walked, from
 *           the hint on if that lies low enough.
 * Contents  A range of a file says which page of it an address shows, not where the range
 *           starts in it; and where the file's bytes end, not how many there are.  So to split,
 *           to merge, to cut at either end changes `start` and `end` and nothing else:
 *
 *               file   page 5     6     7     8            page index = address / 4096 + offset
 *               range  |-----|-----|-----|.....|           offset = 5 - start / 4096
 *                      start             file_end = here, then zeros (bss)
 *
 * Invariants  sorted, disjoint, page-aligned, none empty but perhaps the heap; neighbours that a merge may make one
 *           (they touch, same flags, same offset in the same file) are merged where a range is
 *           inserted or changed.
 * Cost      A program has about ten ranges; a tree pays from hundreds on.
 * Lock      none here: the owner's (struct space). */
#include "mm/vma.h"

#include "kernel/lib/assert.h"
#include "kernel/lib/errno.h"
#include "kernel/lib/string.h"
#include "kernel/log.h"
#include "mm/buddy.h"
#include "mm/pagecache.h"
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

struct vma *vma_find_next(struct vma_set *set, uaddr_t address)
{
    struct list_node *node = set->list.next;

    if (set->hint && set->hint->start <= address) /* nothing below it ends above the address */
        node = &set->hint->node;
    for (; node != &set->list; node = node->next)
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
    const struct vma *vma = vma_find_next(set, start);

    while (vma && vma_is_empty(vma))
        vma = vma_next(set, vma);
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

/* Is `b` what comes right behind `a`, so that both can be one range? */
static bool continues(const struct vma *a, const struct vma *b)
{
    return a->end == b->start && a->flags == b->flags && a->backing.file == b->backing.file &&
           a->backing.page_offset == b->backing.page_offset &&
           a->backing.file_end == b->backing.file_end;
}

/* A range like `model`, for a set but not in it yet, with a reference to its file.  NULL: no
 * memory, or too many ranges. */
static ALWAYS_INLINE struct vma *vma_alloc(struct vma_set *set, const struct vma *model)
{
    struct vma *vma = set->spare;

    if (!vma && set->count < VMA_COUNT_MAX)
        vma = slab_alloc(vma_cache, PAGE_ANY);
    set->spare = NULL;
    if (vma) {
        vma->start = model->start;
        vma->end = model->end;
        vma->flags = model->flags;
        vma->backing = model->backing;
        if (vma->backing.file)
            pagecache_get(vma->backing.file);
    }
    return vma;
}

static void vma_free(struct vma *vma)
{
    if (vma->backing.file)
        pagecache_put(vma->backing.file);
    slab_free(vma_cache, vma);
}

/* A range that has been merged into its neighbour: kept, if there is no other spare. */
static void vma_discard(struct vma_set *set, struct vma *vma)
{
    if (set->spare || vma->backing.file)
        vma_free(vma);
    else
        set->spare = vma;
}

static void link_before(struct vma_set *set, struct vma *vma, struct list_node *before)
{
    list_insert_between(&vma->node, before->prev, before);
    set->count++;
    set->npages += vma_npages(vma);
}

/* Take a range out of the list; its memory is the caller's. */
static void unlink(struct vma_set *set, struct vma *vma)
{
    list_remove(&vma->node);
    set->count--;
    set->npages -= vma_npages(vma);
    if (set->hint == vma)
        set->hint = vma_prev(set, vma);
}

/* Join `vma` with the next range if that continues it. */
static void merge_with_next(struct vma_set *set, struct vma *vma)
{
    struct vma *next = vma_next(set, vma);

    if (!next || !continues(vma, next))
        return;
    unlink(set, next);
    vma_resize(set, vma, vma->start, next->end);
    vma_discard(set, next);
}

/* Can a new range be had by making a neighbour larger? */
static bool extend_neighbour(struct vma_set *set, const struct vma *model, struct vma *prev,
                             struct vma *next)
{
    if (prev && continues(prev, model)) {
        vma_resize(set, prev, prev->start, model->end);
        merge_with_next(set, prev);
        return true;
    }
    if (next && continues(model, next)) {
        vma_resize(set, next, model->start, next->end);
        return true;
    }
    return false;
}

/* Something lies where a range is to be inserted: in vain, unless it is empty. */
static __attribute__((noinline)) int drop_empty(struct vma_set *set, struct vma *vma,
                                                uaddr_t start, uaddr_t end)
{
    if (!vma_range_is_free(set, start, end))
        return -EEXIST;
    unlink(set, vma);
    vma_discard(set, vma);
    return 0;
}

int vma_insert(struct vma_set *set, uaddr_t start, uaddr_t end, unsigned flags,
               const struct vma_backing *backing)
{
    struct vma model = { .start = start, .end = end, .flags = flags };
    struct vma *next = vma_find_next(set, start);

    while (next && next->start < end) {
        int error = drop_empty(set, next, start, end);
        if (error)
            return error;
        next = vma_find_next(set, start);
    }
    struct vma *prev = next ? vma_prev(set, next) : vma_last(set);
    if (backing && backing->file)
        model.backing = *backing;
    if (extend_neighbour(set, &model, prev, next))
        return 0;
    struct vma *vma = vma_alloc(set, &model);
    if (!vma)
        return -ENOMEM;
    link_before(set, vma, next ? &next->node : &set->list);
    set->hint = vma;
    return 0;
}

void vma_drop_empty(struct vma_set *set, uaddr_t address)
{
    struct vma *vma = vma_find_next(set, address - 1), *next;

    for (; vma && vma->start <= address; vma = next) {
        next = vma_next(set, vma);
        if (vma->start == address && vma_is_empty(vma)) {
            unlink(set, vma);
            vma_discard(set, vma);
        }
    }
}

int vma_reserve(struct vma_set *set)
{
    if (!set->spare)
        set->spare = slab_alloc(vma_cache, PAGE_ANY);
    return set->spare ? 0 : -ENOMEM;
}

int vma_split(struct vma_set *set, uaddr_t address)
{
    struct vma *vma = vma_find(set, address);

    if (!vma || vma->start == address)
        return 0;
    struct vma *upper = vma_alloc(set, vma);
    if (!upper)
        return -ENOMEM;
    vma_resize(set, vma, vma->start, address);
    upper->start = address;
    link_before(set, upper, vma->node.next);
    return 0;
}

void vma_remove(struct vma_set *set, uaddr_t start, uaddr_t end, struct list_node *removed)
{
    struct vma *vma = vma_find_next(set, start);

    while (vma && vma->start < end) {
        struct vma *next = vma_next(set, vma);
        ASSERT(vma->start >= start && vma->end <= end,
               "range %#x-%#x is no boundary of %#x-%#x", start, end, vma->start, vma->end);
        unlink(set, vma);
        if (!set->spare && !vma->backing.file)
            set->spare = vma;
        else
            list_add_tail(removed, &vma->node);
        vma = next;
    }
}

void vma_move_backing(struct vma_backing *backing, uaddr_t from, uaddr_t to)
{
    if (!backing->file)
        return;
    backing->page_offset += (from >> PAGE_SHIFT) - (to >> PAGE_SHIFT);
    if (backing->file_end != VMA_WHOLE_FILE)
        backing->file_end += to - from;
}

void vma_move(struct vma_set *set, struct vma *vma, uaddr_t start, uaddr_t end)
{
    unlink(set, vma);
    vma_move_backing(&vma->backing, vma->start, start);
    vma->start = start;
    vma->end = end;
    struct vma *next = vma_find_next(set, start);
    link_before(set, vma, next ? &next->node : &set->list);
    merge_with_next(set, vma);
    if (vma_prev(set, vma))
        merge_with_next(set, vma_prev(set, vma));
}

void vma_free_list(struct list_node *removed)
{
    list_for_each_safe(node, removed)
        vma_free(to_vma(node));
    list_init(removed);
}

void vma_set_flags(struct vma_set *set, uaddr_t start, uaddr_t end, unsigned mask,
                   unsigned flags)
{
    struct vma *first = vma_find_next(set, start), *vma, *next;

    for (vma = first; vma && vma->start < end; vma = vma_next(set, vma))
        vma->flags = (vma->flags & ~mask) | (flags & mask);
    /* Only now may ranges be joined: both edges, and what lies between them. */
    vma = first ? vma_prev(set, first) : NULL;
    for (vma = vma ? vma : first; vma && vma->start < end; vma = next) {
        next = vma_next(set, vma);
        if (next && continues(vma, next)) {
            merge_with_next(set, vma);
            next = vma;
        }
    }
}

int vma_set_copy(struct vma_set *copy, const struct vma_set *set)
{
    list_for_each(node, &set->list) {
        if ((to_vma(node)->flags & VMA_DONTFORK) || vma_is_empty(to_vma(node)))
            continue;
        struct vma *vma = vma_alloc(copy, to_vma(node));
        if (!vma) {
            vma_set_destroy(copy);
            return -ENOMEM;
        }
        link_before(copy, vma, &copy->list);
    }
    return 0;
}

void vma_set_destroy(struct vma_set *set)
{
    vma_free_list(&set->list);
    if (set->spare)
        slab_free(vma_cache, set->spare);
    vma_set_init(set);
}

bool vma_check(struct vma_set *set)
{
    uint32_t npages = 0, count = 0;
    uaddr_t end = 0;

    list_for_each(node, &set->list) {
        struct vma *vma = to_vma(node);
        if (vma->start < end || vma->start > vma->end ||
            (vma_is_empty(vma) && !(vma->flags & VMA_HEAP)) ||
            !IS_ALIGNED(vma->start, PAGE_SIZE) || !IS_ALIGNED(vma->end, PAGE_SIZE)) {
            log_err("vma: range %#x-%#x behind %#x", vma->start, vma->end, end);
            return false;
        }
        end = vma->end;
        npages += vma_npages(vma);
        count++;
    }
    if (npages != set->npages || count != set->count) {
        log_err("vma: %u ranges of %u pages, counted %u of %u", count, npages, set->count,
                set->npages);
        return false;
    }
    return true;
}
