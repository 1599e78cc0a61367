/* System calls: from a number to a function.
 *
 * Numbers, arguments, structures and errors are those of Linux on i386, so that its manual
 * pages (section 2) describe them and a program runs on both.  Each call checks in the order in
 * which Linux does, because a program can see that in the error it gets.  User memory is only
 * touched through mm/uaccess.
 *
 * The calls are in files by what they are about (sys_memory.c, sys_file.c ...), each with a table
 * of its own; here they are put into one array, in which every unused number has a function that
 * says so: the way to a call has no branch. */
#include "kernel/syscall/syscall.h"

#include "kernel/lib/assert.h"
#include "kernel/lib/errno.h"
#include "kernel/log.h"
#include "kernel/proc/process.h"

static int32_t not_implemented(struct trap_frame *frame);

static struct {
    syscall_function functions[SYSCALL_COUNT];
    const struct syscall_entry *entries[SYSCALL_COUNT];
    uint32_t calls[SYSCALL_COUNT];
} syscalls;

/* Said once for each process: an ordinary program tries many. */
static int32_t not_implemented(struct trap_frame *frame)
{
    struct process *process = process_current();

    if (!process->told_enosys)
        log_info("%s[%u]: system call %u is not implemented (told once)", process->name,
                 process->pid, frame->eax);
    process->told_enosys = true;
    return -ENOSYS;
}

static void dispatch(struct trap_frame *frame)
{
    uint32_t number = frame->eax;

    if (unlikely(number >= SYSCALL_COUNT)) {
        frame->eax = (uint32_t)not_implemented(frame);
        return;
    }
    frame->error = number; /* EAX will hold the result; a restart needs the number again */
    syscalls.calls[number]++;
    frame->eax = (uint32_t)syscalls.functions[number](frame);
}

static void add_table(const struct syscall_entry *table)
{
    for (const struct syscall_entry *entry = table; entry->name; entry++) {
        ASSERT(entry->number < SYSCALL_COUNT && !syscalls.entries[entry->number],
               "system call %u (%s) is in two tables", entry->number, entry->name);
        syscalls.entries[entry->number] = entry;
        syscalls.functions[entry->number] = entry->function;
    }
}

void syscall_init(void)
{
    static const struct syscall_entry *const tables[] = {
        process_syscalls, memory_syscalls, file_syscalls, directory_syscalls, stat_syscalls,
        poll_syscalls,    signal_syscalls, time_syscalls, info_syscalls,      refused_syscalls,
    };

    for (unsigned i = 0; i < SYSCALL_COUNT; i++)
        syscalls.functions[i] = not_implemented;
    for (unsigned i = 0; i < ARRAY_SIZE(tables); i++)
        add_table(tables[i]);
    trap_set_syscall_handler(dispatch);
}

bool syscall_next(unsigned *number, const struct syscall_entry **entry, uint64_t *calls)
{
    for (; *number < SYSCALL_COUNT; (*number)++) {
        if (!syscalls.entries[*number])
            continue;
        *entry = syscalls.entries[*number];
        *calls = syscalls.calls[*number];
        return true;
    }
    return false;
}

bool syscall_next_missing(unsigned *number, uint64_t *tries)
{
    for (; *number < SYSCALL_COUNT; (*number)++) {
        if (syscalls.entries[*number] || syscalls.calls[*number] == 0)
            continue;
        *tries = syscalls.calls[*number];
        return true;
    }
    return false;
}
