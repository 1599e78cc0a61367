/* A copy of an address space, for fork(2).
 *
 * Problem   A child gets the same memory as its parent, and most often throws it away at once
 *           (execve).  To copy the frames would be wasted work.
 * Idea      Copy what describes the memory: the ranges, and the page tables.  Every private frame
 *           is then used twice, and write-protected in both spaces; whoever writes first gets a copy
 *           of that one page (mm/fault.c: COW), the other one finds itself alone and gets the right
 *           to write back (REUSE).  Pages of shared ranges are simply in both.
 *
 *               parent  [ A rw ][ B rw ]          parent  [ A r- ]--+--[ A r- ]  child
 *                                         fork             [ B r- ]--+--[ B r- ]
 *                                                          references: 2 each
 *
 * Cost      For a small program three frames (directory and two tables), most of it zeroing them;
 *           an entry costs about fifteen instructions.  Pages of files are copied, too: cheaper than
 *           the faults that would bring them back.
 * TLB       The parent's entries have lost rights: its translations are forgotten once, at the end.
 * Limits    One critical section, a few milliseconds for each gigabyte that is resident. */
#include "kernel/cpu/cpu.h"
#include "kernel/lib/string.h"
#include "mm/space_internal.h"

/* Lock held. */
static int copy_all_pages(struct space *child, struct space *parent)
{
    list_for_each(node, &child->vmas.list) {
        const struct vma *vma = list_entry(node, struct vma, node);
        int error = vma->flags & VMA_WIPEONFORK ? 0 : space_copy_pages(child, parent, vma);
        if (error)
            return error;
    }
    return 0;
}

/* Lock held. */
static int copy_space(struct space *child, struct space *parent)
{
    int error = vma_set_copy(&child->vmas, &parent->vmas);

    if (error)
        return error;
    child->brk_start = parent->brk_start;
    child->brk = parent->brk;
    child->mmap_top = parent->mmap_top;
    child->arg_start = parent->arg_start;
    child->arg_end = parent->arg_end;
    child->env_start = parent->env_start;
    child->env_end = parent->env_end;
    child->limits = parent->limits;
    space_update_exec_end(child);
    error = copy_all_pages(child, parent);
    paging_flush(&parent->directory, USER_MIN, USER_END / PAGE_SIZE);
    return error;
}

/* The child is not in the list of spaces before it is whole: reclaim, which may run inside each
 * allocation here, does not see it, and leaves the parent alone because it is locked.  But interrupts
 * stay off until it is: in between, a file might be cut, and the child would keep its pages. */
struct space *space_fork(struct space *parent)
{
    struct space *child = space_alloc();

    if (!child)
        return NULL;
    uint32_t irq = irq_save();
    uint32_t inner = spin_lock(&parent->lock);
    int error = copy_space(child, parent);
    spin_unlock(&parent->lock, inner);
    if (!error)
        space_publish(child);
    irq_restore(irq);
    if (error) {
        space_free(child);
        return NULL;
    }
    return child;
}
