/* Address spaces.
 *
 * Problem   Give each program memory of its own, which costs a frame only where it is touched.
 * State     ranges (mm/vma: what may be there) and page tables (mm/paging: what is there).  The
 *           difference between the two is what page faults fill in (mm/fault).
 *
 *               ranges   [ program r-x ][rw-][heap rw-]      [ file r-- ]     [ stack rw- ]
 *               entries    P . P P . .    P Z  P . . .         . P . .              . . P
 *
 *               P = a frame, Z = the shared zero frame, . = nothing yet
 *
 * Frames    A user frame counts its references: each entry that maps it, and the page cache if it
 *           is a page of a file.  Who drops the last one frees it.  The zero frame is part of the
 *           kernel's image and is not counted.
 * Rights    An entry allows what its range allows, except to write to what is not the program's
 *           alone.  So writable is
 *               in a private range  an anonymous frame with one reference,
 *               in a shared range   a page of the cache that is marked dirty (PAGE_SHMEM),
 *           and nothing else: the first write to anything else is a fault, which is how frames
 *           are copied (copy-on-write), and how files learn that they were changed.  A range
 *           without any right keeps its frames under entries that are not present, PTE_NO_ACCESS.
 * Fork      Tables are copied, frames are not: each gets a reference, and write-protection in both
 *           spaces (space_fork.c, space_pages.c).
 * Removal   Ranges and frames go together, in one critical section: if the frames went first,
 *           another thread could fault new ones in; if the ranges went first, it could map
 *           something new, which would lose its frames.  A critical section must be short, so a
 *           large range is thinned out before: its frames are dropped a table at a time, with
 *           interrupts on in between.  What other threads touch meanwhile is theirs until the end.
 * Code      i386 has no right to execute for a page.  But a segment has a limit: the user code
 *           segment ends where the highest executable range does (exec_end), so heap and stack,
 *           which lie above, cannot be executed.  What is mapped executable high up opens all
 *           below it; `maps` shows that.
 * Files     space.c        life and death, the active space, limits
 *           space_map.c    ranges: map, unmap, protect, advise
 *           space_mmap.c   where to map (mmap), and moving house (mremap)
 *           space_heap.c   heap and stack
 *           space_fork.c   a copy
 *           space_pages.c  the entries of a range: drop, protect, copy, move
 *           space_huge.c   4 MiB pages
 *           space_files.c  pages of files, taken out of all spaces
 *           space_view.c   figures for `maps`, `smaps`, /proc; the validator
 * Lock      one for each space, held from the search for a range to the change of its entries;
 *           "spaces" for the list of spaces.  Order: space, page cache, zone. */
#include "mm/space.h"

#include "kernel/cpu/gdt.h"
#include "kernel/cpu/random.h"
#include "kernel/lib/errno.h"
#include "kernel/lib/parse.h"
#include "kernel/lib/string.h"
#include "mm/memmap.h"
#include "mm/slab.h"
#include "mm/space_internal.h"

struct space_state spaces = { .lock = SPINLOCK_INIT("spaces"),
                              .spaces = LIST_INIT(spaces.spaces) };

const uint8_t zero_frame[PAGE_SIZE] __attribute__((aligned(PAGE_SIZE)));

const char *fault_cause_name(enum fault_cause cause)
{
    static const char *const names[FAULT_CAUSE_COUNT] = {
        [FAULT_ZERO_READ] = "pgfault_zero_read",
        [FAULT_ANON] = "pgfault_anon",
        [FAULT_ZERO_WRITE] = "pgfault_zero_write",
        [FAULT_COW] = "pgfault_cow",
        [FAULT_REUSE] = "pgfault_reuse",
        [FAULT_FILE] = "pgfault_file",
        [FAULT_SHARED] = "pgfault_shared",
        [FAULT_HUGE] = "pgfault_huge",
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

void space_init(void)
{
    char value[2];

    vma_init();
    space_huge_init(memmap_cmdline());
    spaces.cache = slab_cache_create("space", sizeof(struct space), 0, NULL, 0);
    ASSERT(spaces.cache, "no memory for the cache of spaces");
    spaces.randomise = !parse_option(memmap_cmdline(), "norandmaps", value, sizeof(value));
}

uint32_t space_random_bytes(uint32_t npages)
{
    return spaces.randomise && npages > 0 ? (random_u32() % npages) << PAGE_SHIFT : 0;
}

struct space *space_alloc(void)
{
    struct space *space = slab_alloc(spaces.cache, PAGE_ZERO);

    if (!space)
        return NULL;
    space->lock = (struct spinlock)SPINLOCK_INIT("space");
    vma_set_init(&space->vmas);
    space->refs = 1;
    space->mmap_top = USER_STACK_TOP - USER_STACK_LIMIT - USER_STACK_GUARD;
    space->limits = (struct space_limits){ .address_space = SPACE_UNLIMITED,
                                           .data = SPACE_UNLIMITED,
                                           .stack = USER_STACK_LIMIT };
    if (paging_directory_create(&space->directory) != 0) {
        slab_free(spaces.cache, space);
        return NULL;
    }
    list_init(&space->node);
    return space;
}

void space_publish(struct space *space)
{
    uint32_t irq = spin_lock(&spaces.lock);
    list_add_tail(&spaces.spaces, &space->node);
    spaces.count++;
    spin_unlock(&spaces.lock, irq);
}

struct space *space_create(void)
{
    struct space *space = space_alloc();

    if (space)
        space_publish(space);
    return space;
}

struct space *space_get(struct space *space)
{
    uint32_t irq = spin_lock(&space->lock);
    space->refs++;
    spin_unlock(&space->lock, irq);
    return space;
}

static void unpublish(struct space *space)
{
    uint32_t irq = spin_lock(&spaces.lock);

    if (!list_is_empty(&space->node)) {
        list_remove(&space->node);
        spaces.count--;
    }
    for (unsigned i = 0; i < FAULT_CAUSE_COUNT; i++)
        spaces.past_faults[i] += space->faults[i];
    spin_unlock(&spaces.lock, irq);
}

void space_free(struct space *space)
{
    ASSERT(space != spaces.active, "the active space cannot be destroyed");
    list_for_each(node, &space->vmas.list) {
        struct vma *vma = list_entry(node, struct vma, node);
        space_thin_out(space, vma->start, vma->end);
    }
    unpublish(space);
    ASSERT(space->resident == 0, "%u frames left in a space without pages", space->resident);
    vma_set_destroy(&space->vmas);
    paging_directory_destroy(&space->directory);
    slab_free(spaces.cache, space);
}

void space_put(struct space *space)
{
    uint32_t irq = spin_lock(&space->lock);
    bool last = --space->refs == 0;

    spin_unlock(&space->lock, irq);
    if (last)
        space_free(space);
}

/* Without anything executable the segment ends where nothing is ever mapped. */
static void load_code_limit(const struct space *space)
{
    gdt_set_user_code_limit(MAX(space->exec_end, USER_MIN));
}

void space_activate(struct space *space)
{
    uint32_t irq = irq_save();

    spaces.active = space;
    paging_activate(space ? &space->directory : &kernel_directory);
    if (space)
        load_code_limit(space);
    irq_restore(irq);
}

struct space *space_active(void)
{
    return spaces.active;
}

static uaddr_t find_exec_end(const struct vma_set *set)
{
    for (const struct vma *vma = vma_last(set); vma; vma = vma_prev(set, vma))
        if (vma->flags & VMA_EXEC)
            return vma->end;
    return 0;
}

void space_update_exec_end(struct space *space)
{
    uaddr_t exec_end = find_exec_end(&space->vmas);

    if (exec_end == space->exec_end)
        return;
    space->exec_end = exec_end;
    if (space == spaces.active)
        load_code_limit(space);
}

static uint32_t data_pages(const struct vma_set *set)
{
    uint32_t npages = 0;

    list_for_each(node, &set->list) {
        const struct vma *vma = list_entry(node, struct vma, node);
        if (vma_is_data(vma->flags) && !(vma->flags & VMA_GROWS_DOWN))
            npages += vma_npages(vma);
    }
    return npages;
}

/* Linux's "heuristic" overcommit (vm.overcommit_memory = 0): what one request could write to must
 * not be more than the machine has; the sum of all may be. */
int space_compare_limits(struct space *space, uint32_t npages, uint32_t replaced,
                         unsigned vma_flags)
{
    uint32_t more = npages - replaced;
    bool data = vma_is_data(vma_flags);

    if (space->vmas.npages + more > space->limits.address_space / PAGE_SIZE)
        return -ENOMEM;
    if (space->limits.data != SPACE_UNLIMITED && data && !(vma_flags & VMA_GROWS_DOWN) &&
        data_pages(&space->vmas) + more > space->limits.data / PAGE_SIZE)
        return -ENOMEM;
    if (data && !(vma_flags & VMA_NORESERVE) && npages > buddy_managed_frames())
        return -ENOMEM;
    return 0;
}
