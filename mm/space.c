/* Address spaces.
 *
 * Problem   Give each program memory of its own, which costs a frame only where it is touched.
 * State     ranges (mm/vma: what may be there) and page tables (mm/paging: what is there).  The
 *           difference between the two is what page faults fill in (mm/fault).
 * Invariant Every page that is mapped lies in a range and has no right that the range lacks.
 * Frames    A user frame counts the page-table entries that map it (struct page.refs); who
 *           drops the last one frees it.  The zero frame is part of the kernel's image and is
 *           not counted.
 * Removal   Frames go first, in portions of at most one page table with the lock opened in
 *           between, so that taking down a gigabyte does not stop the machine; then the ranges.
 * Heap      [brk_start, brk): one range that brk(2) resizes.  Growing reserves addresses only.
 * Lock      one for each space; "spaces" for the list. */
#include "mm/space.h"

#include "kernel/lib/assert.h"
#include "kernel/lib/errno.h"
#include "kernel/lib/string.h"
#include "kernel/log.h"
#include "mm/buddy.h"
#include "mm/slab.h"
#include "mm/user_frame.h"

static struct {
    struct spinlock lock;
    struct list_node spaces;
    struct space *active;
    struct slab_cache *cache;
    uint32_t count;
    uint64_t past_faults[FAULT_CAUSE_COUNT]; /* of spaces that are gone */
} state = { .lock = SPINLOCK_INIT("spaces"), .spaces = LIST_INIT(state.spaces) };

/* Read-only for everybody: it lies among the kernel's constants. */
static const uint8_t zero_frame[PAGE_SIZE] __attribute__((aligned(PAGE_SIZE)));

const char *fault_cause_name(enum fault_cause cause)
{
    static const char *const names[FAULT_CAUSE_COUNT] = {
        [FAULT_ZERO_READ] = "pgfault_zero_read",
        [FAULT_ANON] = "pgfault_anon",
        [FAULT_ZERO_WRITE] = "pgfault_zero_write",
        [FAULT_COW] = "pgfault_cow",
        [FAULT_REUSE] = "pgfault_reuse",
        [FAULT_FILE] = "pgfault_file",
        [FAULT_STACK] = "pgfault_stack",
        [FAULT_SPURIOUS] = "pgfault_spurious",
        [FAULT_BAD] = "pgfault_bad",
    };
    return (unsigned)cause < FAULT_CAUSE_COUNT ? names[cause] : "?";
}

struct page *space_zero_page(void)
{
    return virt_to_page(zero_frame);
}

void user_frame_put(struct page *page)
{
    if (page == space_zero_page())
        return;
    ASSERT(page->refs > 0, "user frame %#x has no user left", page_to_pfn(page));
    if (--page->refs == 0)
        buddy_free(page, 0);
}

void space_init(void)
{
    vma_init();
    state.cache = slab_cache_create("space", sizeof(struct space), 0, NULL, 0);
    ASSERT(state.cache, "no memory for the cache of spaces");
}

struct space *space_create(void)
{
    struct space *space = slab_alloc(state.cache, PAGE_ZERO);

    if (!space)
        return NULL;
    space->lock = (struct spinlock)SPINLOCK_INIT("space");
    vma_set_init(&space->vmas);
    if (paging_directory_create(&space->directory) != 0) {
        slab_free(state.cache, space);
        return NULL;
    }
    uint32_t irq = spin_lock(&state.lock);
    list_add_tail(&state.spaces, &space->node);
    state.count++;
    spin_unlock(&state.lock, irq);
    return space;
}

/* Lock held.  Unmap one page and drop its frame. */
static void drop_page(struct space *space, uaddr_t address)
{
    struct page *page = pfn_to_page(paging_unmap(&space->directory, address) >> PAGE_SHIFT);

    if (page == space_zero_page())
        return;
    space->resident--;
    user_frame_put(page);
}

/* Drop the frames of [start, end); the lock is opened at each page table's end. */
static void drop_frames(struct space *space, uaddr_t start, uaddr_t end)
{
    while (start < end) {
        uaddr_t stop = MIN(end, ALIGN_DOWN(start, LARGE_PAGE_SIZE) + LARGE_PAGE_SIZE);
        uint32_t irq = spin_lock(&space->lock);

        while ((start = paging_next_mapped(&space->directory, start, stop)) < stop) {
            drop_page(space, start);
            start += PAGE_SIZE;
        }
        spin_unlock(&space->lock, irq);
    }
}

void space_destroy(struct space *space)
{
    ASSERT(space != state.active, "the active space cannot be destroyed");
    list_for_each(node, &space->vmas.list) {
        struct vma *vma = list_entry(node, struct vma, node);
        drop_frames(space, vma->start, vma->end);
    }
    uint32_t irq = spin_lock(&state.lock);
    list_remove(&space->node);
    state.count--;
    for (unsigned i = 0; i < FAULT_CAUSE_COUNT; i++)
        state.past_faults[i] += space->faults[i];
    spin_unlock(&state.lock, irq);
    ASSERT(space->resident == 0, "%u frames left in a space without pages", space->resident);
    vma_set_destroy(&space->vmas);
    paging_directory_destroy(&space->directory);
    slab_free(state.cache, space);
}

void space_activate(struct space *space)
{
    uint32_t irq = irq_save();
    state.active = space;
    paging_activate(space ? &space->directory : &kernel_directory);
    irq_restore(irq);
}

struct space *space_active(void)
{
    return state.active;
}

static bool is_user_range(uaddr_t start, uaddr_t end)
{
    return IS_ALIGNED(start, PAGE_SIZE) && IS_ALIGNED(end, PAGE_SIZE) && start < end &&
           start >= USER_MIN && end <= USER_END - PAGE_SIZE;
}

int space_map(struct space *space, uaddr_t start, uaddr_t end, unsigned vma_flags,
              const struct vma_backing *backing)
{
    if (!is_user_range(start, end))
        return -EINVAL;
    uint32_t irq = spin_lock(&space->lock);
    int error = vma_insert(&space->vmas, start, end, vma_flags, backing);
    spin_unlock(&space->lock, irq);
    return error;
}

/* Make both ends of a range boundaries; 0 or -ENOMEM. */
static int split_at_ends(struct space *space, uaddr_t start, uaddr_t end)
{
    int error = vma_split(&space->vmas, start);
    return error ? error : vma_split(&space->vmas, end);
}

int space_unmap(struct space *space, uaddr_t start, uaddr_t end)
{
    struct vma *heap = space->heap;

    if (!is_user_range(start, end) || (heap && start < heap->end && heap->start < end))
        return -EINVAL;
    uint32_t irq = spin_lock(&space->lock);
    int error = split_at_ends(space, start, end);
    spin_unlock(&space->lock, irq);
    if (error)
        return error;
    drop_frames(space, start, end);
    irq = spin_lock(&space->lock);
    vma_remove(&space->vmas, start, end);
    spin_unlock(&space->lock, irq);
    return 0;
}

/* Lock held.  Take rights that are gone out of the page tables; rights that were added come
 * with the next fault. */
static void restrict_pages(struct space *space, uaddr_t start, uaddr_t end, unsigned prot)
{
    uaddr_t address = start;

    while ((address = paging_next_mapped(&space->directory, address, end)) < end) {
        pte_t pte = paging_lookup(&space->directory, address);
        pte_t keep = pte & (PTE_DIRTY | PTE_ACCESSED | PTE_USER);
        if (!(prot & VMA_WRITE) && (pte & PTE_WRITE))
            paging_change(&space->directory, address, pte >> PAGE_SHIFT, keep);
        address += PAGE_SIZE;
    }
}

int space_protect(struct space *space, uaddr_t start, uaddr_t end, unsigned prot)
{
    int error;

    if (!is_user_range(start, end) || (prot & ~VMA_PROT))
        return -EINVAL;
    uint32_t irq = spin_lock(&space->lock);
    error = vma_range_is_mapped(&space->vmas, start, end) ? split_at_ends(space, start, end)
                                                          : -ENOMEM;
    if (!error) {
        vma_protect(&space->vmas, start, end, prot);
        restrict_pages(space, start, end, prot);
    }
    spin_unlock(&space->lock, irq);
    return error;
}

int space_map_stack(struct space *space, uaddr_t top, uint32_t nbytes)
{
    static const struct vma_backing stack = { .name = "[stack]" };
    return space_map(space, top - nbytes, top, VMA_READ | VMA_WRITE | VMA_GROWS_DOWN, &stack);
}

void space_set_brk_start(struct space *space, uaddr_t start)
{
    space->brk_start = space->brk = start;
}

/* Lock held.  How far may the heap reach?  To `next`, the range above it, but not into the room that
 * the stack may need. */
static uaddr_t heap_limit(const struct vma *next)
{
    uaddr_t limit = USER_STACK_TOP - USER_STACK_LIMIT - USER_STACK_GUARD;
    return next && next->start < limit ? next->start : limit;
}

/* Both ends page-aligned.  The range stays in the set when the heap is empty, so that a heap
 * that comes and goes costs no allocation.  0, -ENOMEM. */
static int grow_heap(struct space *space, uaddr_t old_end, uaddr_t new_end)
{
    static const struct vma_backing backing = { .name = "[heap]" };
    uint32_t irq = spin_lock(&space->lock);
    struct vma *heap = space->heap;
    struct vma *next = heap ? vma_next(&space->vmas, heap)
                            : vma_find_next(&space->vmas, old_end);
    uint32_t npages = (new_end - old_end) >> PAGE_SHIFT;
    int error = -ENOMEM;

    /* More than the machine has is refused at once, as by Linux's heuristic overcommit. */
    if (new_end <= heap_limit(next) && npages <= buddy_managed_frames()) {
        error = 0;
        if (heap)
            vma_resize(&space->vmas, heap, heap->start, new_end);
        else
            error = vma_insert(&space->vmas, old_end, new_end, VMA_READ | VMA_WRITE | VMA_HEAP,
                               &backing);
        space->heap = heap || error ? heap : vma_find(&space->vmas, old_end);
    }
    spin_unlock(&space->lock, irq);
    return error;
}

static void shrink_heap(struct space *space, uaddr_t old_end, uaddr_t new_end)
{
    drop_frames(space, new_end, old_end);
    uint32_t irq = spin_lock(&space->lock);
    vma_resize(&space->vmas, space->heap, space->heap->start, new_end);
    spin_unlock(&space->lock, irq);
}

uaddr_t space_brk(struct space *space, uaddr_t brk)
{
    uaddr_t old_end = ALIGN_UP(space->brk, PAGE_SIZE);
    uaddr_t new_end = ALIGN_UP(brk, PAGE_SIZE);

    if (brk < space->brk_start || brk >= USER_END)
        return space->brk;
    if (new_end > old_end && grow_heap(space, old_end, new_end) != 0)
        return space->brk;
    if (new_end < old_end)
        shrink_heap(space, old_end, new_end);
    return space->brk = brk;
}

bool space_is_mapped(struct space *space, uaddr_t address)
{
    uint32_t irq = spin_lock(&space->lock);
    bool mapped = vma_find(&space->vmas, address) != NULL;
    spin_unlock(&space->lock, irq);
    return mapped;
}

bool space_is_resident(struct space *space, uaddr_t address)
{
    uint32_t irq = spin_lock(&space->lock);
    bool resident = paging_lookup(&space->directory, address) != 0;
    spin_unlock(&space->lock, irq);
    return resident;
}

/* Lock held.  Frames mapped in a range, the zero frame not counted. */
static uint32_t count_resident(struct space *space, uaddr_t start, uaddr_t end)
{
    uint32_t count = 0;
    uaddr_t address = start;

    while ((address = paging_next_mapped(&space->directory, address, end)) < end) {
        pfn_t pfn = paging_lookup(&space->directory, address) >> PAGE_SHIFT;
        count += pfn_to_page(pfn) != space_zero_page();
        address += PAGE_SIZE;
    }
    return count;
}

bool space_get_vma(struct space *space, unsigned index, struct vma_info *info)
{
    uint32_t irq = spin_lock(&space->lock);
    bool found = false;

    list_for_each(node, &space->vmas.list) {
        struct vma *vma = list_entry(node, struct vma, node);
        if (vma->start == vma->end || index-- != 0)
            continue;
        *info = (struct vma_info){ .start = vma->start,
                                   .end = vma->end,
                                   .flags = vma->flags,
                                   .file_offset = vma->backing.file_offset };
        info->resident = count_resident(space, vma->start, vma->end);
        strlcpy(info->name, vma->backing.name, sizeof(info->name));
        found = true;
        break;
    }
    spin_unlock(&space->lock, irq);
    return found;
}

/* Lock held.  Page tables and the directory. */
static uint32_t count_tables(const struct space *space)
{
    uint32_t count = 1;
    for (unsigned i = 0; i < KERNEL_BASE / LARGE_PAGE_SIZE; i++)
        count += space->directory.entries[i] & PTE_PRESENT;
    return count;
}

void space_get_stats(struct space *space, struct space_stats *stats)
{
    uint32_t irq = spin_lock(&space->lock);

    *stats = (struct space_stats){
        .vmas = space->vmas.count,
        .virtual_pages = space->vmas.npages,
        .resident = space->resident,
        .resident_peak = space->resident_peak,
        .table_frames = count_tables(space),
        .brk_start = space->brk_start,
        .brk = space->brk,
    };
    memcpy(stats->faults, space->faults, sizeof(stats->faults));
    spin_unlock(&space->lock, irq);
}

static uint32_t writable_pages(struct vma_set *set)
{
    uint32_t npages = 0;

    list_for_each(node, &set->list) {
        struct vma *vma = list_entry(node, struct vma, node);
        if (vma->flags & VMA_WRITE)
            npages += (vma->end - vma->start) >> PAGE_SHIFT;
    }
    return npages;
}

void space_get_totals(struct space_totals *totals)
{
    uint32_t irq = spin_lock(&state.lock);

    *totals = (struct space_totals){ .spaces = state.count };
    memcpy(totals->faults, state.past_faults, sizeof(totals->faults));
    list_for_each(node, &state.spaces) {
        struct space *space = list_entry(node, struct space, node);
        totals->committed_pages += writable_pages(&space->vmas);
        for (unsigned i = 0; i < FAULT_CAUSE_COUNT; i++)
            totals->faults[i] += space->faults[i];
    }
    spin_unlock(&state.lock, irq);
}

static bool violated(const char *what, uaddr_t address, uint32_t is, uint32_t should_be)
{
    log_err("space: %s at %#x: %#x, should be %#x", what, address, is, should_be);
    return false;
}

/* Lock held.  One mapped page against its range and its frame. */
static bool check_page(struct space *space, uaddr_t address)
{
    pte_t pte = paging_lookup(&space->directory, address);
    struct vma *vma = vma_find(&space->vmas, address);
    struct page *page = pfn_to_page(pte >> PAGE_SHIFT);

    if (!vma)
        return violated("page outside every range", address, pte, 0);
    if ((pte & PTE_WRITE) && !(vma->flags & VMA_WRITE))
        return violated("right to write", address, pte, pte & ~PTE_WRITE);
    if (page == space_zero_page())
        return !(pte & PTE_WRITE) || violated("writable zero frame", address, pte, pte);
    if (page->kind != PAGE_ANON && page->kind != PAGE_FILE)
        return violated("kind of frame", address, page->kind, PAGE_ANON);
    if (page->refs == 0)
        return violated("references to the frame", address, 0, 1);
    if ((pte & PTE_WRITE) && page->refs != 1)
        return violated("writable and shared", address, page->refs, 1);
    return true;
}

static bool check_space(struct space *space)
{
    uaddr_t address = 0;
    uint32_t resident;

    if (!vma_check(&space->vmas))
        return false;
    while ((address = paging_next_mapped(&space->directory, address, USER_END)) < USER_END) {
        if (!check_page(space, address))
            return false;
        address += PAGE_SIZE;
    }
    resident = count_resident(space, 0, USER_END);
    return resident == space->resident ||
           violated("resident frames", 0, space->resident, resident);
}

bool space_check(void)
{
    bool good = true;
    uint32_t irq = spin_lock(&state.lock);

    list_for_each(node, &state.spaces) {
        struct space *space = list_entry(node, struct space, node);
        uint32_t space_irq = spin_lock(&space->lock);
        good &= check_space(space);
        spin_unlock(&space->lock, space_irq);
    }
    spin_unlock(&state.lock, irq);
    return good;
}
