/* System calls: the table, and the calls themselves.
 *
 * Numbers, arguments, structures and errors are those of Linux on i386, so that its manual
 * pages (section 2) describe them and a program runs on both.  Each call checks in the order in
 * which Linux does, because a program can see that in the error it gets.  User memory is only
 * touched through mm/uaccess. */
#include "kernel/proc/syscall.h"

#include "kernel/cpu/timer.h"
#include "kernel/cpu/trap.h"
#include "kernel/lib/errno.h"
#include "kernel/lib/string.h"
#include "kernel/log.h"
#include "kernel/proc/process.h"
#include "kernel/proc/tty.h"
#include "mm/memstat.h"
#include "mm/uaccess.h"

#define NS_PER_SECOND 1000000000u
#define NS_PER_TICK (NS_PER_SECOND / TIMER_HZ)
#define MAX_RW_BYTES 0x7FFFF000u /* what one read or write moves at most, read(2) */
#define MAX_IOVECS 1024          /* UIO_MAXIOV */
#define COPY_CHUNK 2048u         /* through the kernel's stack, in pieces of this size */

/* The arguments, in the order of the manual page. */
#define ARG1(frame) ((frame)->ebx)
#define ARG2(frame) ((frame)->ecx)
#define ARG3(frame) ((frame)->edx)

static int32_t sys_exit(const struct trap_frame *frame)
{
    process_exit((int)(ARG1(frame) & 0xFF));
}

static int32_t sys_getpid(const struct trap_frame *frame)
{
    (void)frame;
    return (int32_t)process_current()->pid;
}

static int32_t sys_sched_yield(const struct trap_frame *frame)
{
    (void)frame;
    thread_yield();
    return 0;
}

static int32_t sys_brk(const struct trap_frame *frame)
{
    return (int32_t)space_brk(process_current()->space, ARG1(frame));
}

/* ---- input and output: descriptors 0, 1 and 2 are the console ---- */

static int32_t read_console(uaddr_t buffer, uint32_t nbytes)
{
    char line[COPY_CHUNK];

    if (!user_range_is_valid(buffer, nbytes))
        return -EFAULT;
    if (nbytes == 0)
        return 0;
    int length = tty_read_line(line, MIN(nbytes, sizeof(line)));
    if (length > 0 && copy_to_user(buffer, line, (size_t)length) != 0)
        return -EFAULT;
    return length;
}

static int32_t sys_read(const struct trap_frame *frame)
{
    if (ARG1(frame) != 0)
        return -EBADF;
    return read_console(ARG2(frame), MIN(ARG3(frame), MAX_RW_BYTES));
}

/* Bytes written; if a piece cannot be read: those before it, or -EFAULT if there are none. */
static int32_t write_console(uaddr_t buffer, uint32_t nbytes)
{
    char piece[COPY_CHUNK];
    uint32_t done = 0;

    if (!user_range_is_valid(buffer, nbytes))
        return -EFAULT;
    while (done < nbytes && !process_kill_pending()) {
        uint32_t length = MIN(nbytes - done, sizeof(piece));
        if (copy_from_user(piece, buffer + done, length) != 0)
            return done ? (int32_t)done : -EFAULT;
        tty_write(piece, length);
        done += length;
    }
    return (int32_t)done;
}

static int32_t sys_write(const struct trap_frame *frame)
{
    if (ARG1(frame) != 1 && ARG1(frame) != 2)
        return -EBADF;
    return write_console(ARG2(frame), MIN(ARG3(frame), MAX_RW_BYTES));
}

struct linux_iovec {
    uaddr_t base;
    uint32_t nbytes;
};

/* All pieces must be valid before the first is written (writev(2)): 0, -EFAULT, -EINVAL. */
static int32_t check_iovecs(uaddr_t vector, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        struct linux_iovec piece;
        if (copy_from_user(&piece, vector + i * (uint32_t)sizeof(piece), sizeof(piece)) != 0)
            return -EFAULT;
        if ((int32_t)piece.nbytes < 0)
            return -EINVAL;
        if (!user_range_is_valid(piece.base, piece.nbytes))
            return -EFAULT;
    }
    return 0;
}

static int32_t sys_writev(const struct trap_frame *frame)
{
    uaddr_t vector = ARG2(frame);
    uint32_t count = ARG3(frame), done = 0;

    if (ARG1(frame) != 1 && ARG1(frame) != 2)
        return -EBADF;
    if (count > MAX_IOVECS)
        return -EINVAL;
    int32_t error = check_iovecs(vector, count);
    if (error)
        return error;
    for (uint32_t i = 0; i < count; i++) {
        struct linux_iovec piece;
        if (copy_from_user(&piece, vector + i * (uint32_t)sizeof(piece), sizeof(piece)) != 0)
            return done ? (int32_t)done : -EFAULT;
        int32_t written = write_console(piece.base, MIN(piece.nbytes, MAX_RW_BYTES - done));
        if (written < 0)
            return done ? (int32_t)done : written;
        done += (uint32_t)written;
        if ((uint32_t)written < piece.nbytes)
            break;
    }
    return (int32_t)done;
}

/* ---- time ---- */

struct linux_timespec {
    int32_t seconds, nanoseconds;
};

static int32_t sys_nanosleep(const struct trap_frame *frame)
{
    struct linux_timespec request;

    if (copy_from_user(&request, ARG1(frame), sizeof(request)) != 0)
        return -EFAULT;
    if (request.seconds < 0 || request.nanoseconds < 0 ||
        request.nanoseconds >= (int32_t)NS_PER_SECOND)
        return -EINVAL;
    uint64_t nticks = (uint64_t)(uint32_t)request.seconds * TIMER_HZ +
                      DIV_ROUND_UP((uint32_t)request.nanoseconds, NS_PER_TICK);
    thread_sleep_ticks(nticks);
    return process_kill_pending() ? -EINTR : 0;
}

/* ---- information ---- */

#define UTSNAME_FIELD 65

struct linux_utsname {
    char sysname[UTSNAME_FIELD], nodename[UTSNAME_FIELD], release[UTSNAME_FIELD];
    char version[UTSNAME_FIELD], machine[UTSNAME_FIELD], domainname[UTSNAME_FIELD];
};

static int32_t sys_uname(const struct trap_frame *frame)
{
    static const struct linux_utsname name = {
        .sysname = "Strata",
        .nodename = "strata",
        .release = "6.1.0", /* the Linux whose system calls these are */
        .version = "#1",
        .machine = "i686",
        .domainname = "(none)",
    };
    return copy_to_user(ARG1(frame), &name, sizeof(name)) ? -EFAULT : 0;
}

/* struct sysinfo of sysinfo(2), in units of one byte (memory is below 4 GiB). */
struct linux_sysinfo {
    int32_t uptime;
    uint32_t loads[3], totalram, freeram, sharedram, bufferram, totalswap, freeswap;
    uint16_t procs, pad;
    uint32_t totalhigh, freehigh, mem_unit;
    uint8_t unused[8];
};
_Static_assert(sizeof(struct linux_sysinfo) == 64, "struct sysinfo of i386 has 64 bytes");

static uint16_t count_processes(void)
{
    struct process_info info;
    uint16_t count = 0;

    for (uint32_t pid = 0; process_next_info(&pid, &info); pid++)
        count++;
    return count;
}

static int32_t sys_sysinfo(const struct trap_frame *frame)
{
    struct memstat memory;

    memstat_get(&memory);
    const struct linux_sysinfo info = {
        .uptime = (int32_t)(timer_ticks() / TIMER_HZ),
        .totalram = memory.mem_total * KiB,
        .freeram = memory.mem_free * KiB,
        .totalhigh = memory.high_total * KiB,
        .freehigh = memory.high_free * KiB,
        .procs = count_processes(),
        .mem_unit = 1,
    };
    return copy_to_user(ARG1(frame), &info, sizeof(info)) ? -EFAULT : 0;
}

/* struct rusage of getrusage(2). */
struct linux_rusage {
    int32_t user_seconds, user_us, system_seconds, system_us;
    int32_t maxrss, ixrss, idrss, isrss, minflt, majflt, nswap;
    int32_t inblock, oublock, msgsnd, msgrcv, nsignals, nvcsw, nivcsw;
};
_Static_assert(sizeof(struct linux_rusage) == 72, "struct rusage of i386 has 72 bytes");

#define RUSAGE_CHILDREN (-1)
#define RUSAGE_THREAD 1

static int32_t sys_getrusage(const struct trap_frame *frame)
{
    int32_t who = (int32_t)ARG1(frame);
    struct linux_rusage usage = { 0 };
    struct space_stats space;
    uint64_t ticks = thread_current()->ticks;

    if (who < RUSAGE_CHILDREN || who > RUSAGE_THREAD)
        return -EINVAL;
    if (who != RUSAGE_CHILDREN) {
        space_get_stats(process_current()->space, &space);
        for (unsigned cause = 0; cause < FAULT_BAD; cause++)
            usage.minflt += (int32_t)space.faults[cause];
        usage.maxrss = (int32_t)(space.resident_peak * (PAGE_SIZE / KiB));
        usage.user_seconds = (int32_t)(ticks / TIMER_HZ);
        usage.user_us = (int32_t)(ticks % TIMER_HZ) * (int32_t)(NS_PER_TICK / 1000);
    }
    return copy_to_user(ARG2(frame), &usage, sizeof(usage)) ? -EFAULT : 0;
}

static int32_t sys_mincore(const struct trap_frame *frame)
{
    struct space *space = process_current()->space;
    uaddr_t start = ARG1(frame), vector = ARG3(frame);
    uint32_t npages = ARG2(frame) / PAGE_SIZE + (ARG2(frame) % PAGE_SIZE != 0);

    if (!IS_ALIGNED(start, PAGE_SIZE))
        return -EINVAL;
    if (!user_range_is_valid(start, ARG2(frame)))
        return -ENOMEM;
    if (!user_range_is_valid(vector, npages))
        return -EFAULT;
    for (uint32_t i = 0; i < npages; i++) {
        uaddr_t address = start + i * PAGE_SIZE;
        if (!space_is_mapped(space, address))
            return -ENOMEM;
        uint8_t resident = space_is_resident(space, address);
        if (copy_to_user(vector + i, &resident, 1) != 0)
            return -EFAULT;
    }
    return 0;
}

static int32_t sys_kill(const struct trap_frame *frame)
{
    if ((int32_t)ARG1(frame) <= 0)
        return -ESRCH; /* process groups: there are none */
    return process_kill(ARG1(frame), (int)ARG2(frame));
}

/* ---- the table ---- */

static const struct {
    const char *name;
    int32_t (*function)(const struct trap_frame *frame);
} table[] = {
    [1] = { "exit", sys_exit },
    [3] = { "read", sys_read },
    [4] = { "write", sys_write },
    [20] = { "getpid", sys_getpid },
    [37] = { "kill", sys_kill },
    [45] = { "brk", sys_brk },
    [77] = { "getrusage", sys_getrusage },
    [116] = { "sysinfo", sys_sysinfo },
    [122] = { "uname", sys_uname },
    [146] = { "writev", sys_writev },
    [158] = { "sched_yield", sys_sched_yield },
    [162] = { "nanosleep", sys_nanosleep },
    [218] = { "mincore", sys_mincore },
    [252] = { "exit_group", sys_exit },
};

static uint32_t calls[ARRAY_SIZE(table)];

/* Said once for each process: an ordinary program tries many. */
static int32_t not_implemented(uint32_t number)
{
    struct process *process = process_current();

    if (!process->told_enosys)
        log_info("%s[%u]: system call %u is not implemented (told once)", process->name,
                 process->pid, number);
    process->told_enosys = true;
    return -ENOSYS;
}

static void dispatch(struct trap_frame *frame)
{
    uint32_t number = frame->eax;

    if (unlikely(number >= ARRAY_SIZE(table) || !table[number].function)) {
        frame->eax = (uint32_t)not_implemented(number);
        return;
    }
    calls[number]++;
    frame->eax = (uint32_t)table[number].function(frame);
}

void syscall_init(void)
{
    trap_set_syscall_handler(dispatch);
}

bool syscall_info(unsigned index, unsigned *number, const char **name, uint64_t *count)
{
    for (unsigned i = 0; i < ARRAY_SIZE(table); i++) {
        if (!table[i].function || index-- != 0)
            continue;
        *number = i;
        *name = table[i].name;
        *count = calls[i];
        return true;
    }
    return false;
}
