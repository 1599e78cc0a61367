/* Address spaces, looked at: figures for `maps`, `smaps` and /proc, and the validator.
 *
 * Nothing here is counted while programs run, except the resident frames: whoever wants figures pays
 * for them, by a walk through the entries. */
#include "kernel/lib/errno.h"
#include "kernel/lib/string.h"
#include "kernel/log.h"
#include "mm/space_internal.h"

#define SHARE_SHIFT 20 /* shares of pages are summed up with so many binary places */

bool space_range_is_mapped(struct space *space, uaddr_t start, uaddr_t end)
{
    uint32_t irq = spin_lock(&space->lock);
    bool mapped = vma_range_is_mapped(&space->vmas, start, end);
    spin_unlock(&space->lock, irq);
    return mapped;
}

bool space_is_mapped(struct space *space, uaddr_t address)
{
    return space_range_is_mapped(space, address, address + 1);
}

/* Lock held. */
static pte_t entry_at(const struct space *space, uaddr_t address)
{
    return address < USER_END ? paging_lookup(&space->directory, address) : 0;
}

pte_t space_lookup(struct space *space, uaddr_t address)
{
    uint32_t irq = spin_lock(&space->lock);
    pte_t entry = entry_at(space, address);
    spin_unlock(&space->lock, irq);
    return entry;
}

int space_in_core(struct space *space, uaddr_t address)
{
    uint32_t irq = spin_lock(&space->lock);
    const struct vma *vma = vma_find(&space->vmas, address);
    int result = !vma ? -ENOMEM : entry_at(space, address) != 0;

    if (result == 0 && vma->backing.file && address < vma->backing.file_end) {
        struct page *page = pagecache_find(vma->backing.file, vma_page_index(vma, address));
        result = page != NULL;
        if (page)
            user_frame_put(page);
    }
    spin_unlock(&space->lock, irq);
    return result;
}

/* How many entries map a frame: its references, without the page cache's own. */
static uint32_t mappings(const struct page *page)
{
    bool cached = (page->kind == PAGE_FILE || page->kind == PAGE_SHMEM) && page->cache;
    return MAX(page->refs - cached, 1u);
}

void space_range_name(const struct vma *vma, struct page_cache_name *name)
{
    *name = (struct page_cache_name){ 0 };
    if (vma->backing.file)
        vma->backing.file->ops->get_name(vma->backing.file, name);
    else if (vma->flags & VMA_HEAP)
        strlcpy(name->path, "[heap]", sizeof(name->path));
    else if (vma->flags & VMA_STACK)
        strlcpy(name->path, "[stack]", sizeof(name->path));
}

/* Lock held.  One entry's part in the figures of its range. */
static void add_entry(struct vma_info *info, pte_t entry)
{
    struct page *page = entry_page(entry);

    info->resident++;
    info->anon += page->kind == PAGE_ANON;
    info->file_pages += page->kind == PAGE_FILE;
    info->shmem += page->kind == PAGE_SHMEM;
    info->shared += mappings(page) > 1;
    info->dirty += (entry & PTE_DIRTY) != 0;
    info->referenced += (entry & PTE_ACCESSED) != 0;
    info->pss_bytes += PAGE_SIZE / mappings(page);
}

/* Lock held.  4 MiB pages: each counts as the small ones that it is made of. */
static void add_large_entries(const struct space *space, const struct vma *vma,
                              struct vma_info *info)
{
    const pte_t *pde;

    for (uaddr_t at = vma->start; (pde = paging_next_large(&space->directory, &at, vma->end));
         at += LARGE_PAGE_SIZE) {
        for (unsigned i = 0; i < PTES_PER_TABLE; i++)
            add_entry(info, large_entry(*pde, i));
        info->huge += PTES_PER_TABLE;
    }
}

/* Lock held. */
static void fill_info(struct space *space, const struct vma *vma, struct vma_info *info)
{
    struct paging_run run = { .start = vma->start };

    *info = (struct vma_info){
        .start = vma->start,
        .end = vma->end,
        .flags = vma->flags,
        .executable_by_limit = !(vma->flags & VMA_EXEC) && vma->start < space->exec_end,
        .huge_eligible = space_huge_eligible(vma),
    };
    if (vma->backing.file)
        info->file_offset = (uint64_t)vma_page_index(vma, vma->start) << PAGE_SHIFT;
    space_range_name(vma, &info->file);
    while (paging_next_run(&space->directory, &run, vma->end))
        for (unsigned i = 0; i < run.count; i++)
            if (run.slots[i] && !entry_is_zero_frame(run.slots[i]))
                add_entry(info, run.slots[i]);
    add_large_entries(space, vma, info);
}

bool space_get_vma(struct space *space, unsigned index, struct vma_info *info)
{
    uint32_t irq = spin_lock(&space->lock);
    bool found = false;

    list_for_each(node, &space->vmas.list) {
        const struct vma *vma = list_entry(node, struct vma, node);
        if (vma_is_empty(vma) || index-- != 0)
            continue;
        fill_info(space, vma, info);
        found = true;
        break;
    }
    spin_unlock(&space->lock, irq);
    return found;
}

bool space_next_vma(struct space *space, uaddr_t *at, struct vma_info *info)
{
    uint32_t irq = spin_lock(&space->lock);
    struct vma *last = space->vmas.hint; /* of a walk: where it was, which spares the search */
    struct vma *vma = last && last->end == *at ? vma_next(&space->vmas, last)
                                               : vma_find_next(&space->vmas, *at);

    while (vma && vma_is_empty(vma))
        vma = vma_next(&space->vmas, vma);
    if (vma) {
        fill_info(space, vma, info);
        space->vmas.hint = vma;
        *at = vma->end;
    }
    spin_unlock(&space->lock, irq);
    return vma != NULL;
}

/* Lock held.  Page tables, those set aside for 4 MiB pages too, and the directory. */
static uint32_t count_tables(const struct space *space)
{
    uint32_t count = 1;
    for (unsigned i = 0; i < KERNEL_BASE / LARGE_PAGE_SIZE; i++)
        count += space->directory.entries[i] != 0;
    return count;
}

/* Lock held.  As proc(5) divides them for VmData, VmStk, VmExe. */
static void add_range(struct space_stats *stats, const struct vma *vma)
{
    stats->vmas += !vma_is_empty(vma);
    if (vma->flags & VMA_GROWS_DOWN)
        stats->stack_pages += vma_npages(vma);
    else if (vma_is_data(vma->flags))
        stats->data_pages += vma_npages(vma);
    else if ((vma->flags & VMA_EXEC) && vma->backing.file)
        stats->text_pages += vma_npages(vma);
}

void space_get_stats(struct space *space, struct space_stats *stats)
{
    uint32_t irq = spin_lock(&space->lock);

    *stats = (struct space_stats){
        .virtual_pages = space->vmas.npages,
        .resident = space->resident,
        .resident_peak = space_resident_peak(space),
        .table_frames = count_tables(space),
        .brk_start = space->brk_start,
        .brk = space->brk,
        .exec_end = space->exec_end,
    };
    list_for_each(node, &space->vmas.list)
        add_range(stats, list_entry(node, struct vma, node));
    memcpy(stats->faults, space->faults, sizeof(stats->faults));
    spin_unlock(&space->lock, irq);
}

/* What the entries of a range that maps a file add to the pages that are mapped: each entry its
 * share, so that a page counts once, however many map it. */
static uint64_t mapped_shares(const struct space *space, const struct vma *vma)
{
    struct paging_run run = { .start = vma->start };
    uint64_t shares = 0;

    while (paging_next_run(&space->directory, &run, vma->end)) {
        for (unsigned i = 0; i < run.count; i++) {
            const struct page *page = entry_page(run.slots[i]);
            if (run.slots[i] && (page->kind == PAGE_FILE || page->kind == PAGE_SHMEM))
                shares += (1u << SHARE_SHIFT) / mappings(page);
        }
    }
    return shares;
}

static void add_space(struct space_totals *totals, const struct space *space, uint64_t *shares)
{
    list_for_each(node, &space->vmas.list) {
        const struct vma *vma = list_entry(node, struct vma, node);
        if ((vma->flags & VMA_WRITE) && !(vma->flags & VMA_NORESERVE))
            totals->committed_pages += vma_npages(vma);
        if (vma->backing.file)
            *shares += mapped_shares(space, vma);
    }
    for (unsigned i = 0; i < FAULT_CAUSE_COUNT; i++)
        totals->faults[i] += space->faults[i];
}

void space_get_totals(struct space_totals *totals)
{
    uint32_t irq = spin_lock(&spaces.lock);
    uint64_t shares = 0;

    *totals = (struct space_totals){ .spaces = spaces.count };
    memcpy(totals->faults, spaces.past_faults, sizeof(totals->faults));
    list_for_each(node, &spaces.spaces)
        add_space(totals, list_entry(node, struct space, node), &shares);
    totals->mapped_pages = (uint32_t)((shares + (1u << SHARE_SHIFT) / 2) >> SHARE_SHIFT);
    spin_unlock(&spaces.lock, irq);
}

/* ---- the validator ---- */

static bool violated(const char *what, uaddr_t address, uint32_t is, uint32_t should_be)
{
    log_err("space: %s at %#x: %#x, should be %#x", what, address, is, should_be);
    return false;
}

/* Lock held.  One entry against its range and its frame. */
static bool check_entry(const struct vma *vma, uaddr_t address, pte_t entry)
{
    const struct page *page = entry_page(entry);
    bool zero = entry_is_zero_frame(entry);
    pte_t allowed = zero ? PTE_USER | (vma->flags & VMA_PROT ? PTE_PRESENT : PTE_NO_ACCESS)
                         : entry_flags(vma, page);
    pte_t rights = entry & (PTE_PRESENT | PTE_WRITE | PTE_USER | PTE_NO_ACCESS);

    if (!zero && page->kind != PAGE_ANON && page->kind != PAGE_FILE && page->kind != PAGE_SHMEM)
        return violated("kind of frame", address, page->kind, PAGE_ANON);
    if (!zero && page->refs == 0)
        return violated("references to the frame", address, 0, 1);
    if ((rights | (allowed & PTE_WRITE)) != allowed)
        return violated("rights of a page", address, rights, allowed);
    return true;
}

/* Lock held.  The 4 MiB pages of a range: none may reach beyond it. */
static bool check_large_pages(const struct space *space, const struct vma *vma,
                              uint32_t *npages)
{
    const pte_t *pde;

    for (uaddr_t at = vma->start; (pde = paging_next_large(&space->directory, &at, vma->end));
         at += LARGE_PAGE_SIZE) {
        if (at < vma->start || vma->end - at < LARGE_PAGE_SIZE)
            return violated("4 MiB page in two ranges", at, vma->start, vma->end);
        if (entry_page(*pde)->huge_maps == 0)
            return violated("4 MiB page not counted", at, 0, 1);
        for (unsigned i = 0; i < PTES_PER_TABLE; i++)
            if (!check_entry(vma, at + i * PAGE_SIZE, large_entry(*pde, i)))
                return false;
        *npages += PTES_PER_TABLE;
    }
    return true;
}

/* Lock held.  All entries of a range; how many frames, how many entries. */
static bool check_range(const struct space *space, const struct vma *vma, uint32_t *frames,
                        uint32_t *entries)
{
    struct paging_run run = { .start = vma->start };

    while (paging_next_run(&space->directory, &run, vma->end)) {
        for (unsigned i = 0; i < run.count; i++) {
            pte_t entry = run.slots[i];
            if (!entry)
                continue;
            ++*entries;
            *frames += !entry_is_zero_frame(entry);
            if (!check_entry(vma, run.start + i * PAGE_SIZE, entry))
                return false;
        }
    }
    return true;
}

/* Lock held.  Entries in all tables, in ranges or not. */
static uint32_t count_entries(const struct space *space)
{
    struct paging_run run = { .start = 0 };
    uint32_t count = space->directory.large * PTES_PER_TABLE;

    while (paging_next_run(&space->directory, &run, USER_END))
        for (unsigned i = 0; i < run.count; i++)
            count += run.slots[i] != 0;
    return count;
}

static bool check_space(struct space *space)
{
    uint32_t irq = spin_lock(&space->lock);
    uint32_t frames = 0, entries = 0, huge = 0;
    uaddr_t exec_end = 0;
    bool good = vma_check(&space->vmas);

    list_for_each(node, &space->vmas.list) {
        const struct vma *vma = list_entry(node, struct vma, node);
        good = good && check_range(space, vma, &frames, &entries) &&
               check_large_pages(space, vma, &huge);
        exec_end = vma->flags & VMA_EXEC ? vma->end : exec_end;
    }
    if (good && frames + huge != space->resident)
        good = violated("resident frames counted", 0, space->resident, frames + huge);
    if (good && entries + huge != count_entries(space))
        good = violated("pages outside every range", 0, count_entries(space), entries + huge);
    if (good && exec_end != space->exec_end)
        good = violated("end of executable ranges", 0, space->exec_end, exec_end);
    spin_unlock(&space->lock, irq);
    return good;
}

bool space_check(void)
{
    uint32_t irq = spin_lock(&spaces.lock);
    bool good = true;

    list_for_each(node, &spaces.spaces)
        good &= check_space(list_entry(node, struct space, node));
    spin_unlock(&spaces.lock, irq);
    return good;
}
