/* User memory, from the kernel.
 *
 * Problem   A system call gets addresses from a program that may lie.  To look in the page
 *           tables first would be slow, easy to forget, and wrong by the time of the copy.
 * Idea      Two steps.  The range must lie below USER_END: one comparison, so that a program
 *           cannot name the kernel's memory.  Then the copy is simply tried.  Untouched pages
 *           are filled in by the fault handler as for the program itself.  If there is no
 *           answer to a fault, the handler finds the faulting instruction in the exception
 *           table (kernel/cpu/guarded_copy.S) and lets it continue at its fix-up, which returns
 *           how much is missing.
 * HIGHMEM   A frame without an address is copied through a window, with interrupts off: else each of
 *           many threads could be stopped in its copy and keep one, until none is left.  A fault is
 *           then answered only if that takes no waiting.  If it is not, the window is closed, the
 *           fault is taken once more with interrupts on, and the copy goes on behind it.
 * SMAP      Where the processor has it, the kernel faults on any user page, except between STAC
 *           and CLAC: only the guarded copies have these.
 * Reading   Linux, Documentation/x86/exception-tables (the idea is from there). */
#include "mm/uaccess.h"

#include "kernel/cpu/cpu.h"
#include "kernel/cpu/guarded.h"
#include "kernel/lib/errno.h"
#include "kernel/lib/layout.h"
#include "mm/kasan.h"
#include "mm/kmap.h"

#define STRING_PIECE 32u /* divides PAGE_SIZE */

bool user_range_is_valid(uaddr_t start, size_t nbytes)
{
    return nbytes <= USER_END && start <= USER_END - nbytes;
}

size_t copy_from_user(void *dst, uaddr_t src, size_t nbytes)
{
    if (!user_range_is_valid(src, nbytes))
        return nbytes;
    kasan_check_write(dst, nbytes);
    return guarded_copy(dst, (const void *)src, nbytes);
}

size_t copy_to_user(uaddr_t dst, const void *src, size_t nbytes)
{
    if (!user_range_is_valid(dst, nbytes))
        return nbytes;
    kasan_check_read(src, nbytes);
    return guarded_copy((void *)dst, src, nbytes);
}

size_t clear_user(uaddr_t dst, size_t nbytes)
{
    if (!user_range_is_valid(dst, nbytes))
        return nbytes;
    return guarded_zero((void *)dst, nbytes);
}

size_t copy_frame_to_user(uaddr_t dst, struct page *src, uint32_t start, size_t nbytes)
{
    size_t missing = nbytes;

    if (likely(page_is_lowmem(src)))
        return copy_to_user(dst, (uint8_t *)page_to_virt(src) + start, nbytes);
    do {
        size_t done = nbytes - missing;
        uint32_t irq = irq_save();
        uint8_t *window = kmap(src);
        missing = copy_to_user(dst + done, window + start + done, missing);
        kunmap(window);
        irq_restore(irq);
    } while (missing > 0 && clear_user(dst + (nbytes - missing), 1) == 0);
    return missing;
}

size_t copy_frame_from_user(struct page *dst, uint32_t start, uaddr_t src, size_t nbytes)
{
    size_t missing = nbytes;
    uint8_t probe;

    if (likely(page_is_lowmem(dst)))
        return copy_from_user((uint8_t *)page_to_virt(dst) + start, src, nbytes);
    do {
        size_t done = nbytes - missing;
        uint32_t irq = irq_save();
        uint8_t *window = kmap(dst);
        missing = copy_from_user(window + start + done, src + done, missing);
        kunmap(window);
        irq_restore(irq);
    } while (missing > 0 && copy_from_user(&probe, src + (nbytes - missing), 1) == 0);
    return missing;
}

/* In pieces that do not cross a page's end: behind it there may be nothing, and then the string's
 * bytes before it count.  Strings are short, so are the pieces. */
int copy_string_from_user(char *dst, uaddr_t src, size_t size)
{
    size_t done = 0;

    while (done < size) {
        size_t nbytes = MIN(STRING_PIECE - (src + done) % STRING_PIECE, size - done);
        if (copy_from_user(dst + done, src + done, nbytes) != 0)
            return -EFAULT;
        for (size_t stop = done + nbytes; done < stop; done++)
            if (dst[done] == '\0')
                return (int)done;
    }
    return -ENAMETOOLONG;
}

static const struct guarded_entry *find_entry(uintptr_t eip)
{
    for (const struct guarded_entry *entry = ex_table_start; entry < ex_table_end; entry++)
        if (entry->instruction == eip)
            return entry;
    return NULL;
}

bool uaccess_is_guarded(uintptr_t eip)
{
    return find_entry(eip) != NULL;
}

bool uaccess_fixup(struct trap_frame *frame)
{
    const struct guarded_entry *entry = find_entry(frame->eip);

    if (entry)
        frame->eip = entry->fixup;
    return entry != NULL;
}

bool kernel_peek(uintptr_t address, uint32_t *value, unsigned nbytes)
{
    *value = 0;
    return address >= KERNEL_BASE && nbytes <= sizeof(*value) &&
           guarded_copy(value, (const void *)address, nbytes) == 0;
}

bool kernel_poke(uintptr_t address, uint32_t value, unsigned nbytes)
{
    return address >= KERNEL_BASE && nbytes <= sizeof(value) &&
           guarded_copy((void *)address, &value, nbytes) == 0;
}
