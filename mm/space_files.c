/* File pages, taken out of the address spaces that map them.
 *
 * There is no list of the entries that map a frame.  Both jobs here are rare, so all spaces are
 * searched: every range of a file says which of its pages are where. */
#include "mm/space_internal.h"

/* Lock held.  Forget the pages of a range from page index `first` of its file on. */
static void forget_range(struct space *space, const struct vma *vma, uint32_t first)
{
    uint32_t index = vma_page_index(vma, vma->start);
    uaddr_t start = vma->start;

    if (index < first && first - index >= vma_npages(vma))
        return;
    if (index < first)
        start += (first - index) * PAGE_SIZE;
    uaddr_t end = MIN(vma->end, vma->backing.file_end); /* what lies behind is not the file's */
    if (start < end)
        space_drop_pages(space, start, ALIGN_UP(end, PAGE_SIZE));
}

/* Private copies go, too, as on Linux: who maps a file that is cut gets SIGBUS behind its end. */
void space_forget_file(struct page_cache *file, uint32_t first)
{
    uint32_t irq = spin_lock(&spaces.lock);

    list_for_each(node, &spaces.spaces) {
        struct space *space = list_entry(node, struct space, node);
        uint32_t inner = spin_lock(&space->lock);
        list_for_each(range, &space->vmas.list) {
            const struct vma *vma = list_entry(range, struct vma, node);
            if (vma->backing.file == file)
                forget_range(space, vma, first);
        }
        spin_unlock(&space->lock, inner);
    }
    spin_unlock(&spaces.lock, irq);
}

/* Lock held.  Unmap PAGE_FILE pages of a run, at most `npages`, with frames below `below`; returns how
 * many.  They are never the last reference: that is the cache's. */
static uint32_t unmap_clean_run(struct space *space, const struct paging_run *run,
                                uint32_t npages, pfn_t below)
{
    unsigned cleared = 0;

    for (unsigned i = 0; i < run->count && cleared < npages; i++) {
        struct page *page = entry_page(run->slots[i]);
        if (!run->slots[i] || page->kind != PAGE_FILE || page_to_pfn(page) >= below)
            continue;
        run->slots[i] = 0;
        user_frame_put(page);
        cleared++;
    }
    count_dropped(space, cleared);
    paging_slots_cleared(&space->directory, run, cleared);
    return cleared;
}

/* Lock held. */
static uint32_t unmap_clean_space(struct space *space, uint32_t npages, pfn_t below)
{
    uint32_t cleared = 0;

    list_for_each(node, &space->vmas.list) {
        const struct vma *vma = list_entry(node, struct vma, node);
        struct paging_run run = { .start = vma->start };
        if (!vma->backing.file)
            continue;
        while (cleared < npages && paging_next_run(&space->directory, &run, vma->end))
            cleared += unmap_clean_run(space, &run, npages - cleared, below);
    }
    return cleared;
}

/* Runs inside allocations, of whoever holds whatever lock.  The space that was taken from goes to
 * the list's end, so that not always the same one has to give. */
uint32_t space_unmap_clean(uint32_t npages, pfn_t below)
{
    uint32_t cleared = 0;

    if (spin_is_held(&spaces.lock))
        return 0;
    uint32_t irq = spin_lock(&spaces.lock);
    for (uint32_t left = spaces.count; left > 0 && cleared < npages; left--) {
        struct space *space = list_first(&spaces.spaces, struct space, node);
        list_remove(&space->node);
        list_add_tail(&spaces.spaces, &space->node);
        if (spin_is_held(&space->lock))
            continue;
        uint32_t inner = spin_lock(&space->lock);
        cleared += unmap_clean_space(space, npages - cleared, below);
        spin_unlock(&space->lock, inner);
    }
    spin_unlock(&spaces.lock, irq);
    return cleared;
}
