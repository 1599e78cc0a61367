/* Page faults: the answers.
 *
 * Problem   A program touched a page that its page table does not allow.  Either its ranges say
 *           that the access is right, then the page is made so; or they do not, then the
 *           program is told.
 *
 *   address in a range? --no--> a stack above that may grow this far? --no--> -EFAULT     BAD
 *          |                       yes: grow it (STACK), go on |
 *          v  <-----------------------------------------------'
 *   range has the right? --no------------------------------------------------> -EACCES    BAD
 *          |
 *          v
 *   entry is empty:
 *      the page comes from       access  answer                                           cause
 *      ------------------------  ------  -----------------------------------------------  ----------
 *      nothing (zeros)           read    map the zero frame                               ZERO_READ
 *                                write   map a new zeroed frame                           ANON
 *      a file, private range     read    map the cache's page, read-only                  FILE
 *                                write   copy the cache's page at once                    FILE
 *      a file that ends in this  any     copy it, zeros behind the file's end (bss)       FILE
 *          page of the range
 *      a file, shared range      read    map the cache's page                             FILE
 *                                write   mark it dirty, map it writable                   SHARED
 *      a file too short for it,  any     -ENXIO                                           BAD
 *      or with no room (tmpfs)
 *
 *   entry is there, read-only, and the access is a write:
 *      the zero frame                    map a new zeroed frame                           ZERO_WRITE
 *      a frame with other users          copy it, map the copy                            COW
 *          (after fork; a cache's page)
 *      an anonymous frame, sole user     allow writing                                    REUSE
 *      a cache's page, shared range      mark it dirty, allow writing                     SHARED
 *
 *   no table, or a 4 MiB page in its place: where 4 MiB of zeros are wanted at once,      HUGE
 *           and how such a page is written to after a fork, is in space_huge.c
 *
 *   entry is there and allows the access: another thread was faster.  Nothing to do       SPURIOUS
 *
 *   no frame for any of these  -ENOMEM: what can be had without a lock is taken back; then the
 *           out-of-memory hook is asked, with interrupts on.  Either
 *           it makes room and the fault is tried again, or the program ends.
 *
 * Copy-on-write, drawn: after fork both entries are read-only and the frame counts two references.
 *
 *      parent r- --> [frame A, refs 2] <-- r- child        child writes: COW
 *      parent r- --> [frame A, refs 1]     [copy, refs 1] <-- rw child
 *      parent rw --> [frame A, refs 1]                     parent writes: REUSE, nothing copied
 *
 * From the kernel   only the copying instructions of mm/uaccess may touch user addresses; their
 *           faults are answered the same way, and where there is no answer they go on at their
 *           fix-up.
 * Stack     A fault below a stack's range grows it down, as far as its limit, unless it would come
 *           closer than USER_STACK_GUARD to the range below (so that a large frame cannot jump over
 *           the gap unseen: "Stack Clash", Qualys 2017).
 * Lock      the space's, from the search to the new entry. */
#include "mm/fault.h"

#include "kernel/cpu/cpu.h"
#include "kernel/lib/assert.h"
#include "kernel/lib/errno.h"
#include "kernel/lib/format.h"
#include "kernel/lib/string.h"
#include "mm/kmap.h"
#include "mm/reclaim.h"
#include "mm/space_internal.h"
#include "mm/uaccess.h"

static struct {
    bool (*oom_hook)(unsigned tries);
    int last_error;
} state;

/* One fault.  Passed by value, so that its parts can stay in registers; functions that answer
 * one return its cause, or -Exxx. */
struct fault {
    struct space *space;
    struct vma *vma;
    uaddr_t address; /* of the page */
    uint32_t error;  /* PF_ bits */
    pte_t *slot;     /* the page's entry */
};

static bool access_allowed(const struct vma *vma, uint32_t error)
{
    if (error & PF_WRITE)
        return vma->flags & VMA_WRITE;
    return vma->flags & VMA_PROT; /* i386 pages cannot be executable without being readable */
}

/* The stack above an address, if it may grow down to it: by its limit, and with its distance to
 * what lies below (unless that cannot be accessed: a guard of the program's own). */
static struct vma *stack_for(struct space *space, uaddr_t start)
{
    struct vma *stack = vma_find_next(&space->vmas, start);
    const struct vma *below;

    if (!stack || !(stack->flags & VMA_GROWS_DOWN) || start < USER_MIN ||
        stack->end - start > space->limits.stack)
        return NULL;
    below = vma_prev(&space->vmas, stack);
    if (below && (below->flags & VMA_PROT) && start - below->end < USER_STACK_GUARD)
        return NULL;
    return stack;
}

/* Nothing is mapped at the address.  0: a stack has grown down to it. */
static int grow_stack(struct space *space, uaddr_t address, uint32_t error, struct vma **grown)
{
    struct vma *stack = stack_for(space, address);

    if (!stack)
        return -EFAULT;
    if (!access_allowed(stack, error))
        return -EACCES;
    uint32_t npages = (stack->start - address) >> PAGE_SHIFT;
    if (space_check_room(space, npages, stack->flags | VMA_NORESERVE) != 0)
        return -EFAULT; /* beyond RLIMIT_AS: as on Linux, SIGSEGV */
    vma_resize(&space->vmas, stack, address, stack->end);
    *grown = stack;
    return 0;
}

/* Fill the empty entry. */
static ALWAYS_INLINE void fill_slot(struct fault fault, pte_t entry)
{
    *fault.slot = entry;
    paging_slots_filled(fault.slot, 1);
}

/* Fill the empty entry with a frame whose reference is ours, and becomes the entry's. */
static ALWAYS_INLINE void map_frame(struct fault fault, struct page *page, pte_t flags)
{
    fill_slot(fault, page_to_paddr(page) | flags);
    fault.space->resident++;
}

/* A private copy of a page of which the first nbytes count; the rest is zeros.  NULL: no memory. */
static struct page *copy_frame(struct page *page, uint32_t nbytes)
{
    struct page *copy = user_frame_alloc(PAGE_ANON);

    if (unlikely(!copy))
        return NULL;
    kmap_copy_frame(copy, page);
    if (nbytes < PAGE_SIZE) {
        uint8_t *window = kmap(copy);
        memset(window + nbytes, 0, PAGE_SIZE - nbytes);
        kunmap(window);
    }
    return copy;
}

/* The cache's page itself, or a copy of it.  Takes over the reference to it. */
static int map_cached(struct fault fault, struct page *page)
{
    bool write = fault.error & PF_WRITE;
    bool shared = fault.vma->flags & VMA_SHARED;
    uint32_t nbytes = MIN(fault.vma->backing.file_end - fault.address, PAGE_SIZE);

    if (shared && write) {
        pagecache_mark_dirty(page);
    } else if (!shared && (write || nbytes < PAGE_SIZE)) {
        struct page *copy = copy_frame(page, nbytes);
        user_frame_put(page);
        if (!copy)
            return -ENOMEM;
        page = copy;
    }
    map_frame(fault, page, entry_flags(fault.vma, page));
    return shared && write ? FAULT_SHARED : FAULT_FILE;
}

static int fill_from_file(struct fault fault)
{
    struct page_cache *file = fault.vma->backing.file;
    uint32_t index = vma_page_index(fault.vma, fault.address);

    if ((uint64_t)index << PAGE_SHIFT >= file->size)
        return -ENXIO;
    struct page *page = pagecache_page(file, index);
    if (page)
        return map_cached(fault, page);
    return pagecache_is_full(file) ? -ENXIO : -ENOMEM;
}

/* The entry is empty. */
static ALWAYS_INLINE int fill_page(struct fault fault)
{
    if (fault.vma->backing.file && fault.address < fault.vma->backing.file_end)
        return fill_from_file(fault);
    if (!(fault.error & PF_WRITE)) {
        fill_slot(fault, ZERO_FRAME_ENTRY);
        return FAULT_ZERO_READ;
    }
    struct page *page = user_frame_alloc_zeroed(PAGE_ANON);
    if (unlikely(!page))
        return -ENOMEM;
    map_frame(fault, page, PTE_USER | PTE_PRESENT | PTE_WRITE);
    return FAULT_ANON;
}

/* The entry, not empty, gets another frame, or the same with the right to write. */
static int replace_frame(struct fault fault, struct page *page, enum fault_cause cause)
{
    *fault.slot = page_to_paddr(page) | PTE_USER | PTE_PRESENT | PTE_WRITE;
    paging_flush_page(&fault.space->directory, fault.address);
    return cause;
}

/* The entry is there without the right to write; the range has it. */
static int make_writable(struct fault fault)
{
    struct page *old = entry_page(*fault.slot), *copy;

    if (fault.vma->flags & VMA_SHARED) {
        pagecache_mark_dirty(old);
        return replace_frame(fault, old, FAULT_SHARED);
    }
    if (old->kind == PAGE_ANON && old->refs == 1)
        return replace_frame(fault, old, FAULT_REUSE);
    if (!entry_is_zero_frame(*fault.slot)) {
        copy = copy_frame(old, PAGE_SIZE);
        if (!copy)
            return -ENOMEM;
        user_frame_put(old);
        return replace_frame(fault, copy, FAULT_COW);
    }
    copy = user_frame_alloc_zeroed(PAGE_ANON);
    if (!copy)
        return -ENOMEM;
    fault.space->resident++;
    return replace_frame(fault, copy, FAULT_ZERO_WRITE);
}

#define SLOT_MADE (-ENOENT)

/* There is no slot: no table, or a 4 MiB page in its place.  SLOT_MADE: there is one now. */
static __attribute__((noinline)) int make_slot(struct space *space, const struct vma *vma,
                                               uaddr_t address, uint32_t error)
{
    int cause = space_huge_may_answer(space, vma) ? space_huge_fault(space, vma, address, error)
                                                  : HUGE_NO_ANSWER;

    if (cause != HUGE_NO_ANSWER)
        return cause;
    return paging_make_slot(&space->directory, address) ? SLOT_MADE : -ENOMEM;
}

/* Lock held. */
static ALWAYS_INLINE int answer(struct space *space, uaddr_t address, uint32_t error)
{
    struct vma *vma = vma_find(&space->vmas, address);
    bool grown = false;
    pte_t *slot;

    if (unlikely(!vma)) {
        int result = grow_stack(space, address, error, &vma);
        if (result)
            return result;
        grown = true;
    }
    if (unlikely(!access_allowed(vma, error)))
        return -EACCES;
    while (unlikely(!(slot = paging_find_slot(&space->directory, address)))) {
        int cause = make_slot(space, vma, address, error);
        if (cause != SLOT_MADE)
            return cause;
    }
    struct fault fault = { space, vma, address, error, slot };
    if (!*slot) {
        int result = fill_page(fault);
        if (unlikely(result < 0)) /* the table may have been made in vain */
            paging_free_empty_tables(&space->directory, address, address + PAGE_SIZE);
        return result >= 0 && grown ? FAULT_STACK : result;
    }
    if ((error & PF_WRITE) && !(*slot & PTE_WRITE))
        return make_writable(fault);
    return FAULT_SPURIOUS;
}

int fault_handle(struct space *space, uaddr_t address, uint32_t error)
{
    uint32_t irq = spin_lock(&space->lock);
    int result = answer(space, ALIGN_DOWN(address, PAGE_SIZE), error);

    space->faults[likely(result >= 0) ? result : FAULT_BAD]++;
    spin_unlock(&space->lock, irq);
    return MIN(result, 0);
}

/* The end of the page that an address is in: of 4 MiB, perhaps. */
static uaddr_t end_of_page(struct space *space, uaddr_t address)
{
    uint32_t irq = spin_lock(&space->lock);
    uaddr_t at = address;
    bool large = paging_next_large(&space->directory, &at, address + PAGE_SIZE);

    spin_unlock(&space->lock, irq);
    return large ? at + LARGE_PAGE_SIZE : address + PAGE_SIZE;
}

int fault_populate(struct space *space, uaddr_t start, uaddr_t end, uint32_t error)
{
    for (uaddr_t address = start; address < end; address = end_of_page(space, address)) {
        int result = fault_handle(space, address, error);
        if (result)
            return result;
    }
    return 0;
}

void fault_set_oom_hook(bool (*hook)(unsigned tries))
{
    state.oom_hook = hook;
}

int fault_last_error(void)
{
    return state.last_error;
}

/* No frame.  True: the hook has made room, the fault can be tried again. */
static bool make_room(const struct trap_frame *frame, unsigned *tries)
{
    if (!state.oom_hook || !(frame->eflags & EFLAGS_IF))
        return false;
    if (reclaim_unlocked() > 0)
        return true;
    irq_enable();
    bool again = state.oom_hook((*tries)++);
    irq_disable();
    return again;
}

/* May the access be answered?  A supervisor access while ring 3 runs is the processor's own (to a
 * descriptor table; QEMU with SMAP also does IRET's pops so): to make the page accessible would not
 * help, and the instruction would fault for ever. */
static bool may_be_answered(const struct trap_frame *frame, const struct space *space,
                            uaddr_t address)
{
    if (!space || address >= USER_END)
        return false;
    return trap_from_user(frame) ? frame->error & PF_USER : uaccess_is_guarded(frame->eip);
}

/* The #PF handler. */
static bool page_fault(struct trap_frame *frame)
{
    uaddr_t address = cr2_read();
    struct space *space = spaces.active;
    unsigned tries = 0;
    int result = -EFAULT;

    if (likely(may_be_answered(frame, space, address))) {
        do {
            result = fault_handle(space, address, frame->error);
            if (likely(result == 0))
                return true;
        } while (result == -ENOMEM && make_room(frame, &tries));
    }
    state.last_error = result;
    return !trap_from_user(frame) && uaccess_fixup(frame);
}

void fault_init(void)
{
    trap_set_handler(TRAP_PAGE_FAULT, page_fault);
}
