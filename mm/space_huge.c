/* 4 MiB pages of programs ("transparent huge pages").
 *
 * Problem   A program that uses a hundred megabytes takes a fault for each 4 KiB of it, and the
 *           processor, whose TLB has some dozens of entries, walks page tables all the time.
 * Idea      With PSE a directory entry maps 4 MiB itself.  Where a range of anonymous memory has an
 *           aligned piece of that size, its first touch brings all of it: one fault, one entry.
 * Frames    A huge page is a way of mapping, not a kind of frame.  It maps 1024 ordinary frames, side
 *           by side, each with its own references; all that counts frames need not know of it.
 *
 *               huge     directory [ .. | o large | .. ]
 *                                         '--------> [ frame 0x5400 | 0x5401 | ... | 0x57ff ]
 *               split    directory [ .. | o       | .. ]                 the same frames
 *                                         '--> table [ o ][ o ]...[ o ]
 *                                                      '-> 0x5400   '-> 0x57ff
 *
 *           So a split changes the tables of one space and nothing else, needs no memory (the table was
 *           set aside: paging_large.c), and cannot fail.
 * When      the first touch (for reading, too, if the range was advised: a read that got the zero frame
 *           would leave a table there, and no huge page could come any more), if
 *             - the processor has PSE;
 *             - the 4 MiB lie in one range, private and without a file;
 *             - nothing of them was touched before;
 *             - the kernel parameter transparent_hugepage= is `always`, and the range was not advised
 *               against it (MADV_NOHUGEPAGE), or it is `madvise` (so it is without the parameter), and
 *               the range was advised (MADV_HUGEPAGE);
 *             - buddy has a free block, or compaction makes one (only in a range that was advised).
 *               Reclaim does not run for it: small pages do as well.
 * Whole     munmap, DONTNEED, mprotect, fork and mremap to an aligned place take a huge page as a
 *           whole, if it lies in what they are asked for.  Else it is split:
 *
 *               munmap, DONTNEED of a part          the other pages stay, small
 *               mprotect, madvise of a part         a huge page never lies in two ranges
 *               write after fork (COW)              one page is copied; but if nobody else has a
 *                                                   reference any more, it becomes writable (REUSE)
 *               mremap elsewhere                    the entries move one by one
 *
 * Joined    MADV_COLLAPSE makes one of what small pages there are: their bytes are copied to a new
 *           block, and their table is set aside.  Nobody does that unasked: what is split stays so.
 * Limits    A program that touches one byte of each 4 MiB has more memory than it uses.  4 MiB are
 *           zeroed in one critical section: a millisecond.
 * Lock      the space's.
 * Reading   Linux, Documentation/admin-guide/mm/transhuge.rst; Navarro et al., "Practical, Transparent
 *           Operating System Support for Superpages", OSDI 2002. */
#include "kernel/cpu/cpu.h"
#include "kernel/cpu/trap.h"
#include "kernel/lib/errno.h"
#include "kernel/lib/parse.h"
#include "kernel/lib/string.h"
#include "kernel/log.h"
#include "mm/compact.h"
#include "mm/kmap.h"
#include "mm/space_internal.h"

#define HUGE_FRAMES (1u << HUGE_ORDER)
_Static_assert(HUGE_FRAMES *PAGE_SIZE == LARGE_PAGE_SIZE && HUGE_FRAMES == PTES_PER_TABLE &&
                   HUGE_ORDER <= BUDDY_MAX_ORDER,
               "a huge page is what one page table maps");

static struct {
    enum { HUGE_NEVER, HUGE_MADVISE, HUGE_ALWAYS } mode;
    struct space_huge_stats stats;
} huge;

void space_huge_init(const char *cmdline)
{
    static const char *const modes[] = {
        [HUGE_NEVER] = "never", [HUGE_MADVISE] = "madvise", [HUGE_ALWAYS] = "always"
    };
    char value[16] = "madvise";
    unsigned mode = 0;

    parse_option(cmdline, "transparent_hugepage", value, sizeof(value));
    while (mode < ARRAY_SIZE(modes) && strcmp(value, modes[mode]) != 0)
        mode++;
    if (mode == ARRAY_SIZE(modes)) {
        log_warning("transparent_hugepage=%s: expected always, madvise or never", value);
        mode = HUGE_MADVISE;
    }
    huge.stats.supported = cpu_has(CPU_PSE);
    huge.mode = huge.stats.supported ? mode : HUGE_NEVER;
    log_info("space: 4 MiB pages for programs: %s",
             huge.stats.supported ? modes[huge.mode] : "never, the processor has none");
}

void space_get_huge_stats(struct space_huge_stats *stats)
{
    uint32_t irq = irq_save();
    *stats = huge.stats;
    irq_restore(irq);
}

/* ---- the frames of one ---- */

static struct page *first_frame(pte_t pde)
{
    return entry_page(pde);
}

/* Directory entries that map the frames as one page come and go. */
static void count_map(struct page *first)
{
    if (first->huge_maps++ == 0)
        huge.stats.pages++;
}

static void count_unmap(struct page *first)
{
    if (--first->huge_maps == 0)
        huge.stats.pages--;
}

/* The block becomes 1024 frames full of zeros, each with one reference. */
static void make_frames(struct page *first)
{
    buddy_split_block(first, HUGE_ORDER);
    for (unsigned i = 0; i < HUGE_FRAMES; i++)
        first[i].refs = 1;
    if (page_is_lowmem(first)) { /* and so all of them: no block lies in two zones */
        memset(page_to_virt(first), 0, LARGE_PAGE_SIZE);
        return;
    }
    for (unsigned i = 0; i < HUGE_FRAMES; i++)
        kmap_zero_frame(&first[i]);
}

/* Has nobody else a reference to any of them? */
static bool are_alone(const struct page *first)
{
    for (unsigned i = 0; i < HUGE_FRAMES; i++)
        if (first[i].refs != 1)
            return false;
    return true;
}

/* One reference less to each.  A block of which nobody has any more is given back as it came. */
static void put_frames(struct page *first)
{
    if (are_alone(first)) {
        buddy_join_block(first, HUGE_ORDER);
        buddy_free(first, HUGE_ORDER);
        return;
    }
    for (unsigned i = 0; i < HUGE_FRAMES; i++)
        user_frame_put(&first[i]);
}

/* How they may be mapped in a range. */
static pte_t large_flags(const struct vma *vma, const struct page *first)
{
    pte_t flags = entry_flags(vma, first);

    return (flags & PTE_WRITE) && !are_alone(first) ? flags & ~PTE_WRITE : flags;
}

/* ---- faults ---- */

static bool is_wanted(const struct vma *vma)
{
    if (huge.mode == HUGE_ALWAYS)
        return !(vma->flags & VMA_NOHUGEPAGE);
    return huge.mode == HUGE_MADVISE && (vma->flags & VMA_HUGEPAGE);
}

/* May the 4 MiB from `start` on be one page of the range? */
static bool fits(const struct vma *vma, uaddr_t start)
{
    bool anonymous = !vma->backing.file || start >= vma->backing.file_end;

    return anonymous && !(vma->flags & VMA_SHARED) && start >= vma->start &&
           vma->end >= LARGE_PAGE_SIZE && start <= vma->end - LARGE_PAGE_SIZE;
}

/* Anywhere? */
static bool has_room(const struct vma *vma)
{
    return vma->end >= LARGE_PAGE_SIZE &&
           fits(vma, ALIGN_DOWN(vma->end - LARGE_PAGE_SIZE, LARGE_PAGE_SIZE));
}

bool space_huge_eligible(const struct vma *vma)
{
    return is_wanted(vma) && has_room(vma);
}

/* A free block, with these flags too; for who has asked for it, one that frames are moved away for: also
 * this space's own, for nobody here has an entry in hand. */
static struct page *take_block(struct space *space, const struct vma *vma, unsigned flags)
{
    flags |= PAGE_HIGHMEM_OK | PAGE_MOVABLE;
    spaces.at_rest = space;
    struct page *block = buddy_alloc(HUGE_ORDER, PAGE_ANON, flags);
    if (!block && (flags & PAGE_NO_RECLAIM) && (vma->flags & VMA_HUGEPAGE) &&
        compact_for(HUGE_ORDER, flags))
        block = buddy_alloc(HUGE_ORDER, PAGE_ANON, flags);
    spaces.at_rest = NULL;
    return block;
}

/* Nothing is mapped in the 4 MiB from `start` on. */
static int fill(struct space *space, const struct vma *vma, uaddr_t start)
{
    pte_t write = vma->flags & VMA_WRITE ? PTE_WRITE : 0; /* a read may bring it, too */
    /* Nothing is taken from anybody: small pages will do as well. */
    struct page *block = take_block(space, vma, PAGE_NO_RECLAIM);

    if (!block)
        goto fall_back;
    if (paging_map_large(&space->directory, start, page_to_pfn(block),
                         PTE_USER | PTE_PRESENT | write) != 0)
        goto free_block;
    make_frames(block);
    count_map(block);
    space->resident += HUGE_FRAMES;
    huge.stats.fault_alloc++;
    return FAULT_HUGE;

free_block:
    buddy_free(block, HUGE_ORDER);
fall_back:
    huge.stats.fault_fallback++;
    return HUGE_NO_ANSWER;
}

static void split(struct space *space, uaddr_t start, pte_t pde)
{
    count_unmap(first_frame(pde));
    paging_split_large(&space->directory, start);
    huge.stats.split++;
}

/* A write to a page that is there, and the range allows it. */
static int make_writable(struct space *space, const struct vma *vma, uaddr_t start, pte_t pde)
{
    pte_t flags = large_flags(vma, first_frame(pde));

    if (flags & PTE_WRITE) {
        paging_change_large(&space->directory, start, flags);
        return FAULT_REUSE;
    }
    split(space, start, pde);
    return HUGE_NO_ANSWER;
}

int space_huge_fault(struct space *space, const struct vma *vma, uaddr_t address,
                     uint32_t error)
{
    uaddr_t start = ALIGN_DOWN(address, LARGE_PAGE_SIZE), at = start;
    const pte_t *pde = paging_next_large(&space->directory, &at, address + PAGE_SIZE);
    bool write = error & PF_WRITE;

    if (pde)
        return write && !(*pde & PTE_WRITE) ? make_writable(space, vma, start, *pde)
                                            : FAULT_SPURIOUS;
    bool wanted = is_wanted(vma) && (write || (vma->flags & VMA_HUGEPAGE));
    return wanted && fits(vma, start) ? fill(space, vma, start) : HUGE_NO_ANSWER;
}

/* ---- MADV_COLLAPSE ---- */

static bool has_writable(const struct paging_run *run)
{
    for (unsigned i = 0; i < run->count; i++)
        if (run->slots[i] & PTE_WRITE)
            return true;
    return false;
}

/* The bytes of a table's pages, present or not, go into the frames of a block; its frames are dropped. */
static void gather(struct space *space, const struct paging_run *run, struct page *block)
{
    uint32_t dropped = 0;

    for (unsigned i = 0; i < HUGE_FRAMES; i++) {
        pte_t entry = run->slots[i];
        block[i].refs = 1;
        if (!entry || entry_is_zero_frame(entry)) {
            kmap_zero_frame(&block[i]);
            continue;
        }
        kmap_copy_frame(&block[i], entry_page(entry));
        user_frame_put(entry_page(entry));
        dropped++;
    }
    space->resident += HUGE_FRAMES - dropped;
}

static int collapse(struct space *space, const struct vma *vma, uaddr_t start)
{
    struct paging_run run;
    uaddr_t at = start;

    if (paging_next_large(&space->directory, &at, start + PAGE_SIZE))
        return 0;
    if (!paging_find_run(&space->directory, &run, start, start + LARGE_PAGE_SIZE) ||
        !has_writable(&run))
        return -EINVAL;
    struct page *block = take_block(space, vma, 0);
    if (!block)
        return -ENOMEM;
    buddy_split_block(block, HUGE_ORDER);
    gather(space, &run, block);
    paging_join_large(&space->directory, start, page_to_pfn(block), large_flags(vma, block));
    count_map(block);
    huge.stats.collapse_alloc++;
    return 0;
}

int space_huge_collapse(struct space *space, const struct vma *vma, uaddr_t start, uaddr_t end)
{
    int result = 0;

    if (!huge.stats.supported || (vma->flags & VMA_NOHUGEPAGE) || !has_room(vma))
        return -EINVAL;
    start = ALIGN_UP(start, LARGE_PAGE_SIZE);
    for (; start < end && end - start >= LARGE_PAGE_SIZE; start += LARGE_PAGE_SIZE) {
        int error = fits(vma, start) ? collapse(space, vma, start) : -EINVAL;
        result = error ? error : result;
    }
    return result;
}

/* ---- ranges ---- */

static void split_at(struct space *space, uaddr_t address)
{
    uaddr_t at = address;
    const pte_t *pde = paging_next_large(&space->directory, &at, address + 1);

    if (pde && at != address)
        split(space, at, *pde);
}

void space_huge_split_ends(struct space *space, uaddr_t start, uaddr_t end)
{
    split_at(space, start);
    split_at(space, end);
}

static void drop(struct space *space, uaddr_t start)
{
    struct page *first = first_frame(paging_unmap_large(&space->directory, start));

    count_unmap(first);
    put_frames(first);
    count_dropped(space, HUGE_FRAMES);
}

void space_huge_drop(struct space *space, uaddr_t start, uaddr_t end)
{
    space_huge_split_ends(space, start, end);
    for (uaddr_t at = start; paging_next_large(&space->directory, &at, end);
         at += LARGE_PAGE_SIZE)
        drop(space, at);
}

void space_huge_protect(struct space *space, const struct vma *vma, uaddr_t start, uaddr_t end)
{
    const pte_t *pde;

    for (uaddr_t at = start; (pde = paging_next_large(&space->directory, &at, end));
         at += LARGE_PAGE_SIZE)
        paging_change_large(&space->directory, at, large_flags(vma, first_frame(*pde)));
}

int space_huge_copy(struct space *child, struct space *parent, const struct vma *vma)
{
    const pte_t *pde;

    for (uaddr_t at = vma->start; (pde = paging_next_large(&parent->directory, &at, vma->end));
         at += LARGE_PAGE_SIZE) {
        struct page *first = first_frame(*pde);
        pte_t flags = *pde & PTE_FLAGS & ~PTE_WRITE;
        if (paging_map_large(&child->directory, at, page_to_pfn(first), flags) != 0)
            return -ENOMEM;
        paging_change_large(&parent->directory, at, flags);
        for (unsigned i = 0; i < HUGE_FRAMES; i++)
            user_frame_get(&first[i]);
        count_map(first);
        child->resident += HUGE_FRAMES;
    }
    return 0;
}

/* Is the huge page at `at` moved by a multiple of its size? */
static bool moves_whole(uaddr_t from, uaddr_t to)
{
    return IS_ALIGNED(to - from, LARGE_PAGE_SIZE);
}

void space_huge_prepare_move(struct space *space, uaddr_t from, uaddr_t to, uint32_t nbytes)
{
    const pte_t *pde;

    space_huge_split_ends(space, from, from + nbytes);
    if (moves_whole(from, to))
        return;
    for (uaddr_t at = from; (pde = paging_next_large(&space->directory, &at, from + nbytes));
         at += LARGE_PAGE_SIZE)
        split(space, at, *pde);
}

void space_huge_move(struct space *space, uaddr_t from, uaddr_t to, uint32_t nbytes)
{
    for (uaddr_t at = from; paging_next_large(&space->directory, &at, from + nbytes);
         at += LARGE_PAGE_SIZE)
        paging_move_large(&space->directory, at, at + (to - from));
}
