/* Page faults: the answers.
 *
 * Problem   A program touched a page that its page table does not allow.  Either its ranges say
 *           that the access is right, then the page is made so; or they do not, then the
 *           program is told.
 *
 *      range?  right?  page there?  write?  contents         answer                  cause
 *      ------  ------  -----------  ------  ---------------  ----------------------  ----------
 *      no                                   stack below?     grow it, then as below  STACK
 *      no                                                    none                    BAD
 *      yes     no                                            none                    BAD
 *      yes     yes     no           any     of a file        copy into a new frame   FILE
 *      yes     yes     no           no      zero             map the zero frame      ZERO_READ
 *      yes     yes     no           yes     zero             map a new zeroed frame  ANON
 *      yes     yes     read-only    yes     zero frame       map a new zeroed frame  ZERO_WRITE
 *      yes     yes     read-only    yes     others share it  copy, map the copy      COW
 *      yes     yes     read-only    yes     sole user        allow writing           REUSE
 *      yes     yes     yes          any                      nothing to do           SPURIOUS
 *
 * From the kernel   only the copying instructions of mm/uaccess may touch user addresses; their
 *           faults are answered the same way, and where there is no answer they go on at their
 *           fix-up.
 * Stack     A fault below a stack's range grows it down to USER_STACK_LIMIT below its top,
 *           unless it would come closer than USER_STACK_GUARD to the range below (so that a
 *           large frame cannot jump over the gap unseen: "Stack Clash", Qualys 2017).
 * Lock      the space's, from the search to the new entry. */
#include "mm/fault.h"

#include "kernel/lib/assert.h"
#include "kernel/lib/errno.h"
#include "kernel/lib/format.h"
#include "kernel/lib/string.h"
#include "mm/buddy.h"
#include "mm/kmap.h"
#include "mm/uaccess.h"
#include "mm/user_frame.h"

/* Lock held.  The stack that may grow down to `address`, grown; NULL if there is none. */
static struct vma *grow_stack(struct space *space, uaddr_t address)
{
    struct vma *stack = vma_find_next(&space->vmas, address);
    uaddr_t start = ALIGN_DOWN(address, PAGE_SIZE);

    if (!stack || !(stack->flags & VMA_GROWS_DOWN) || stack->end - start > USER_STACK_LIMIT)
        return NULL;
    if (!vma_range_is_free(&space->vmas, start - USER_STACK_GUARD, stack->start))
        return NULL;
    vma_resize(&space->vmas, stack, start, stack->end);
    return stack;
}

static bool access_allowed(const struct vma *vma, uint32_t error)
{
    if (error & PF_WRITE)
        return vma->flags & VMA_WRITE;
    return vma->flags & VMA_PROT; /* i386 pages cannot be executable without being readable */
}

static pte_t user_flags(const struct vma *vma)
{
    return PTE_USER | (vma->flags & VMA_WRITE ? PTE_WRITE : 0);
}

/* A frame for a user page: with one reference, contents undefined. */
static struct page *user_frame_alloc(enum page_kind kind)
{
    struct page *page = buddy_alloc(0, kind, PAGE_HIGHMEM_OK);
    if (page)
        page->refs = 1;
    return page;
}

/* Lock held.  Map a fresh frame; the frame is given back if that fails. */
static int map_frame(struct space *space, uaddr_t address, struct page *page, pte_t flags)
{
    int error = paging_map(&space->directory, address, page_to_pfn(page), flags);

    if (error) {
        user_frame_put(page);
        return error;
    }
    space->resident++;
    space->resident_peak = MAX(space->resident_peak, space->resident);
    return 0;
}

static int map_zeroed_frame(struct space *space, uaddr_t address, const struct vma *vma)
{
    struct page *page = user_frame_alloc(PAGE_ANON);

    if (!page)
        return -ENOMEM;
    kmap_zero_frame(page);
    return map_frame(space, address, page, user_flags(vma));
}

/* The page's part of the file, and zeros behind it. */
static int map_file_frame(struct space *space, uaddr_t address, const struct vma *vma)
{
    uint32_t offset = address - vma->start;
    uint32_t nbytes = MIN(vma->backing.nbytes - offset, PAGE_SIZE);
    struct page *page = user_frame_alloc(PAGE_FILE);

    if (!page)
        return -ENOMEM;
    uint8_t *window = kmap(page);
    memcpy(window, vma->backing.data + offset, nbytes);
    memset(window + nbytes, 0, PAGE_SIZE - nbytes);
    kunmap(window);
    return map_frame(space, address, page, user_flags(vma));
}

/* Lock held.  Nothing is mapped at `address` yet. */
static int fill_page(struct space *space, uaddr_t address, const struct vma *vma,
                     uint32_t error, enum fault_cause *cause)
{
    if (vma->backing.data && address - vma->start < vma->backing.nbytes) {
        *cause = FAULT_FILE;
        return map_file_frame(space, address, vma);
    }
    if (error & PF_WRITE) {
        *cause = FAULT_ANON;
        return map_zeroed_frame(space, address, vma);
    }
    *cause = FAULT_ZERO_READ;
    return paging_map(&space->directory, address, page_to_pfn(space_zero_page()), PTE_USER);
}

/* Lock held.  A write to a page that is mapped read-only in a writable range. */
static int make_writable(struct space *space, uaddr_t address, const struct vma *vma, pte_t pte,
                         enum fault_cause *cause)
{
    struct page *old = pfn_to_page(pte >> PAGE_SHIFT);
    bool zero = old == space_zero_page();

    if (!zero && old->refs == 1) {
        *cause = FAULT_REUSE;
        return paging_change(&space->directory, address, page_to_pfn(old), user_flags(vma));
    }
    struct page *copy = user_frame_alloc(PAGE_ANON);
    if (!copy)
        return -ENOMEM;
    if (zero) {
        *cause = FAULT_ZERO_WRITE;
        kmap_zero_frame(copy);
        space->resident++;
        space->resident_peak = MAX(space->resident_peak, space->resident);
    } else {
        *cause = FAULT_COW;
        kmap_copy_frame(copy, old);
        user_frame_put(old);
    }
    return paging_change(&space->directory, address, page_to_pfn(copy), user_flags(vma));
}

/* Lock held. */
static int answer(struct space *space, uaddr_t address, uint32_t error, enum fault_cause *cause)
{
    struct vma *vma = vma_find(&space->vmas, address);
    uaddr_t page_address = ALIGN_DOWN(address, PAGE_SIZE);

    if (unlikely(!vma)) {
        vma = grow_stack(space, address);
        int result = vma ? fill_page(space, page_address, vma, error, cause) : -EFAULT;
        *cause = FAULT_STACK;
        return result;
    }
    if (!access_allowed(vma, error))
        return -EFAULT;
    if (!(error & PF_PRESENT)) {
        int result = fill_page(space, page_address, vma, error, cause);
        if (result != -EEXIST)
            return result;
    } else if (error & PF_WRITE) {
        pte_t pte = paging_lookup(&space->directory, page_address);
        if (!(pte & PTE_WRITE))
            return make_writable(space, page_address, vma, pte, cause);
    }
    *cause = FAULT_SPURIOUS; /* somebody else's fault brought the page in */
    return 0;
}

int fault_handle(struct space *space, uaddr_t address, uint32_t error)
{
    enum fault_cause cause = FAULT_BAD;
    uint32_t irq = spin_lock(&space->lock);
    int result = answer(space, address, error, &cause);

    space->faults[result == 0 ? cause : FAULT_BAD]++;
    if (result != 0)
        space->fault_error = result;
    spin_unlock(&space->lock, irq);
    return result;
}

/* Lock held.  The range that is nearest to `address`, which none that allows the access
 * contains. */
static const struct vma *nearest(struct space *space, uaddr_t address, const char **relation)
{
    const struct vma *near = NULL;
    uint32_t distance = UINT32_MAX;

    list_for_each(node, &space->vmas.list) {
        const struct vma *vma = list_entry(node, struct vma, node);
        bool below = vma->end <= address, above = vma->start > address;
        uint32_t gap = below ? address - vma->end : above ? vma->start - address : 0;
        if (vma->start == vma->end || gap >= distance)
            continue;
        near = vma;
        distance = gap;
        *relation = below ? "ends below" : above ? "starts above" : "does not allow it";
    }
    return near;
}

static void describe_nearest(struct space *space, uaddr_t address, char *text, size_t size)
{
    const char *relation = "";
    uint32_t irq = spin_lock(&space->lock);
    const struct vma *near = nearest(space, address, &relation);

    if (near)
        snprintf(text, size, "; nearest mapping %08x-%08x %c%c%c %s %s", near->start, near->end,
                 near->flags & VMA_READ ? 'r' : '-', near->flags & VMA_WRITE ? 'w' : '-',
                 near->flags & VMA_EXEC ? 'x' : '-', near->backing.name, relation);
    spin_unlock(&space->lock, irq);
}

const char *fault_explain(struct space *space, uaddr_t address, uint32_t error, char *text,
                          size_t size)
{
    char access[64], surroundings[96];

    trap_page_fault_describe(error, access, sizeof(access));
    surroundings[0] = '\0';
    if (address >= USER_END) {
        snprintf(surroundings, sizeof(surroundings), "; that is the kernel's half");
    } else if (space) {
        describe_nearest(space, address, surroundings, sizeof(surroundings));
    }
    snprintf(text, size, "%s at 0x%08x%s", access, address, surroundings);
    return text;
}

/* Was the access the program's own, to its own half?  Only those are answered. */
static bool is_users(uaddr_t address, uint32_t error)
{
    return address < USER_END && (error & PF_USER);
}

bool fault_was_out_of_memory(struct space *space, uaddr_t address, uint32_t error)
{
    return is_users(address, error) && space->fault_error == -ENOMEM;
}

/* The #PF handler.  May the access be answered, and by whom?  A supervisor access while ring 3
 * runs is the processor's own (to a descriptor table; QEMU with SMAP also does IRET's pops so):
 * to make the page accessible would not help, and the instruction would fault for ever. */
static bool page_fault(struct trap_frame *frame)
{
    uaddr_t address = cr2_read();
    struct space *space = space_active();
    bool from_user = trap_from_user(frame);
    bool may_answer = from_user ? is_users(address, frame->error)
                                : address < USER_END && uaccess_is_guarded(frame->eip);

    if (may_answer && space && fault_handle(space, address, frame->error) == 0)
        return true;
    return !from_user && uaccess_fixup(frame);
}

void fault_init(void)
{
    trap_set_handler(TRAP_PAGE_FAULT, page_fault);
}
