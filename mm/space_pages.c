/* The entries of a range.
 *
 * All of these go through the page tables a run at a time (paging_next_run): one look at the
 * directory for up to 1024 slots, a loop over the slots, and one message to mm/paging at the end
 * (so many were cleared, so many filled).  An empty slot costs four instructions, a missing table
 * one step for 4 MiB.  4 MiB pages are no runs: a space that has any deals with them first
 * (space_huge.c), and what it splits of them are runs then. */
#include "kernel/lib/errno.h"
#include "kernel/lib/string.h"
#include "mm/space_internal.h"

/* Lock held. */
static void drop_run(struct space *space, const struct paging_run *run)
{
    unsigned cleared = 0, zeros = 0;
    pte_t *end = run->slots + run->count;

    for (pte_t *slot = run->slots; slot < end; slot++) {
        pte_t entry = *slot;
        if (!entry)
            continue;
        *slot = 0;
        cleared++;
        if (unlikely(entry_is_zero_frame(entry)))
            zeros++;
        else
            user_frame_put(entry_page(entry));
    }
    if (cleared == 0)
        return;
    count_dropped(space, cleared - zeros);
    paging_slots_cleared(&space->directory, run, cleared);
}

void space_drop_pages(struct space *space, uaddr_t start, uaddr_t end)
{
    struct paging_run run = { .start = start };

    if (unlikely(space->directory.large != 0))
        space_huge_drop(space, start, end);
    while (paging_next_run(&space->directory, &run, end))
        drop_run(space, &run);
}

/* 4 MiB pages, one in each portion. */
static void thin_out_huge(struct space *space, uaddr_t start, uaddr_t end)
{
    while (start < end) {
        uaddr_t stop = MIN(ALIGN_DOWN(start, LARGE_PAGE_SIZE) + LARGE_PAGE_SIZE, end);
        uint32_t irq = spin_lock(&space->lock);
        space_huge_drop(space, start, stop);
        spin_unlock(&space->lock, irq);
        start = stop;
    }
}

void space_thin_out(struct space *space, uaddr_t start, uaddr_t end)
{
    struct paging_run run = { .start = start };
    bool more;

    if (unlikely(space->directory.large != 0))
        thin_out_huge(space, start, end);
    do {
        uint32_t irq = spin_lock(&space->lock);
        more = paging_next_run(&space->directory, &run, end);
        if (more)
            drop_run(space, &run);
        spin_unlock(&space->lock, irq);
    } while (more);
}

void space_protect_pages(struct space *space, const struct vma *vma, uaddr_t start, uaddr_t end)
{
    struct paging_run run = { .start = start };

    if (unlikely(space->directory.large != 0))
        space_huge_protect(space, vma, start, end);
    while (paging_next_run(&space->directory, &run, end)) {
        unsigned changed = 0;
        for (pte_t *slot = run.slots; slot < run.slots + run.count; slot++) {
            pte_t entry = *slot;
            if (!entry)
                continue;
            *slot = (entry & ~(PTE_PRESENT | PTE_WRITE | PTE_NO_ACCESS)) |
                    entry_flags(vma, entry_page(entry));
            changed++;
        }
        if (changed)
            paging_flush(&space->directory, run.start, run.count);
    }
}

/* One more reference to each frame of a run, whose entries go to `slots` as well.  `keep`: the
 * entry bits that both may have.  Returns how many. */
static unsigned copy_run(const struct paging_run *run, pte_t *slots, pte_t keep,
                         uint32_t *frames)
{
    unsigned filled = 0;

    for (unsigned i = 0; i < run->count; i++) {
        pte_t entry = run->slots[i];
        if (!entry)
            continue;
        entry &= keep;
        run->slots[i] = slots[i] = entry;
        filled++;
        if (entry_is_zero_frame(entry))
            continue;
        user_frame_get(entry_page(entry));
        ++*frames;
    }
    return filled;
}

static bool run_is_empty(const struct paging_run *run)
{
    for (unsigned i = 0; i < run->count; i++)
        if (run->slots[i])
            return false;
    return true;
}

int space_copy_pages(struct space *child, struct space *parent, const struct vma *vma)
{
    struct paging_run run = { .start = vma->start };
    pte_t keep = vma->flags & VMA_SHARED ? ~0u : ~PTE_WRITE;
    uint32_t frames = 0;

    if (unlikely(parent->directory.large != 0) && space_huge_copy(child, parent, vma) != 0)
        return -ENOMEM;
    while (paging_next_run(&parent->directory, &run, vma->end)) {
        if (run_is_empty(&run))
            continue; /* its table has pages of other ranges only */
        pte_t *slots = paging_make_slot(&child->directory, run.start);
        if (!slots)
            return -ENOMEM;
        frames = 0;
        unsigned filled = copy_run(&run, slots, keep, &frames);
        paging_slots_filled(slots, filled);
        child->resident += frames;
    }
    return 0;
}

/* Make the tables that the entries of a range will need at their new place; 0 or -ENOMEM. */
static int make_tables(struct space *space, uaddr_t from, uaddr_t to, uint32_t nbytes)
{
    struct paging_run run = { .start = from };

    while (paging_next_run(&space->directory, &run, from + nbytes)) {
        uaddr_t first = to + (run.start - from), last = first + (run.count - 1) * PAGE_SIZE;
        if (run_is_empty(&run))
            continue;
        if (!paging_make_slot(&space->directory, first) ||
            !paging_make_slot(&space->directory, last))
            return -ENOMEM;
    }
    return 0;
}

/* Move the entries of a run, as many as one table takes at `to`. */
static void move_run(struct space *space, struct paging_run *run, uaddr_t to)
{
    pte_t *slots = paging_find_slot(&space->directory, to);
    unsigned moved = 0;

    run->count = MIN(run->count, PTES_PER_TABLE - to / PAGE_SIZE % PTES_PER_TABLE);
    if (run_is_empty(run))
        return;
    for (unsigned i = 0; i < run->count; i++) {
        moved += run->slots[i] != 0;
        slots[i] = run->slots[i];
        run->slots[i] = 0;
    }
    paging_slots_filled(slots, moved);
    paging_slots_cleared(&space->directory, run, moved);
}

int space_move_pages(struct space *space, uaddr_t from, uaddr_t to, uint32_t nbytes)
{
    struct paging_run run = { .start = from };
    bool huge = space->directory.large != 0;

    if (unlikely(huge))
        space_huge_prepare_move(space, from, to, nbytes);
    int error = make_tables(space, from, to, nbytes);

    while (!error && paging_next_run(&space->directory, &run, from + nbytes))
        move_run(space, &run, to + (run.start - from));
    paging_free_empty_tables(&space->directory, to, to + nbytes);
    if (unlikely(huge) && !error)
        space_huge_move(space, from, to, nbytes);
    return error;
}
