/* Thread-local segments.
 *
 * A C library finds the running thread's data through GS, whose selector names a segment that
 * starts at them.  The GDT has GDT_TLS_COUNT descriptors for this purpose; each thread has its
 * own values for them, which the scheduler loads.  A program describes a segment with struct
 * user_desc and gets back the number of the descriptor it lies in. */
#include "kernel/proc/tls.h"

#include "kernel/cpu/cpu.h"
#include "kernel/lib/errno.h"
#include "kernel/sched/thread.h"
#include "mm/uaccess.h"

#define ANY_ENTRY UINT32_MAX

/* struct user_desc of asm/ldt.h. */
struct linux_user_desc {
    uint32_t entry_number, base, limit;
    uint32_t seg_32bit : 1, contents : 2, read_exec_only : 1, limit_in_pages : 1;
    uint32_t seg_not_present : 1, useable : 1, unused : 25;
};
_Static_assert(sizeof(struct linux_user_desc) == 16, "struct user_desc has 16 bytes");

#define CONTENTS_MAX 1 /* data, growing up or down; 2 and 3 would be code */

/* How a descriptor is taken away: all zeros, or "not present" and nothing else. */
static bool is_empty(const struct linux_user_desc *desc)
{
    return !desc->base && !desc->limit && !desc->contents && !desc->seg_32bit &&
           !desc->limit_in_pages && !desc->useable &&
           desc->read_exec_only == desc->seg_not_present;
}

static uint64_t to_descriptor(const struct linux_user_desc *desc)
{
    const struct gdt_user_desc segment = {
        .base = desc->base,
        .limit = desc->limit,
        .seg_32bit = desc->seg_32bit,
        .contents = (uint8_t)desc->contents,
        .read_exec_only = desc->read_exec_only,
        .limit_in_pages = desc->limit_in_pages,
        .seg_not_present = desc->seg_not_present,
        .useable = desc->useable,
    };
    return is_empty(desc) ? 0 : gdt_make_tls(&segment);
}

int tls_read(uaddr_t address, int *index, uint64_t *descriptor)
{
    struct linux_user_desc desc;

    if (copy_from_user(&desc, address, sizeof(desc)) != 0)
        return -EFAULT;
    if (desc.entry_number != ANY_ENTRY &&
        desc.entry_number - GDT_TLS_FIRST >= (uint32_t)GDT_TLS_COUNT)
        return -EINVAL;
    if (!is_empty(&desc) && (!desc.seg_32bit || desc.contents > CONTENTS_MAX))
        return -EINVAL;
    *index = desc.entry_number == ANY_ENTRY ? -1 : (int)(desc.entry_number - GDT_TLS_FIRST);
    *descriptor = to_descriptor(&desc);
    return 0;
}

/* A descriptor that the running thread does not use; -ESRCH. */
static int find_free(const struct thread *thread)
{
    for (int i = 0; i < GDT_TLS_COUNT; i++)
        if (thread->tls[i] == 0)
            return i;
    return -ESRCH;
}

int32_t sys_set_thread_area(struct trap_frame *frame)
{
    struct thread *thread = thread_current();
    uint64_t descriptor;
    int index;
    int error = tls_read(frame->ebx, &index, &descriptor);

    if (error)
        return error;
    if (index < 0) {
        index = find_free(thread);
        if (index < 0)
            return index;
        const uint32_t number = GDT_TLS_FIRST + (uint32_t)index;
        if (copy_to_user(frame->ebx, &number, sizeof(number)) != 0)
            return -EFAULT;
    }
    uint32_t irq = irq_save();
    thread->tls[index] = descriptor;
    gdt_load_tls(thread->tls);
    irq_restore(irq);
    return 0;
}

int32_t sys_get_thread_area(struct trap_frame *frame)
{
    struct gdt_user_desc segment;
    uint32_t number;

    if (copy_from_user(&number, frame->ebx, sizeof(number)) != 0)
        return -EFAULT;
    if (number - GDT_TLS_FIRST >= (uint32_t)GDT_TLS_COUNT)
        return -EINVAL;
    uint64_t descriptor = thread_current()->tls[number - GDT_TLS_FIRST];
    gdt_parse_tls(descriptor, &segment);
    const struct linux_user_desc desc = {
        .entry_number = number,
        .base = segment.base,
        .limit = segment.limit,
        .seg_32bit = segment.seg_32bit,
        .contents = segment.contents & 3,
        .read_exec_only = descriptor ? segment.read_exec_only : 1,
        .limit_in_pages = segment.limit_in_pages,
        .seg_not_present = descriptor ? segment.seg_not_present : 1,
        .useable = segment.useable,
    };
    return copy_to_user(frame->ebx, &desc, sizeof(desc)) ? -EFAULT : 0;
}
