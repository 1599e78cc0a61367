/* System calls about processes: making, ending and waiting for them, who is whose, limits and
 * usage.
 *
 * There is one user, root: identities are 0 and cannot be changed.  There is one processor, and
 * one kind of scheduling. */
#include "kernel/cpu/timer.h"
#include "kernel/lib/errno.h"
#include "kernel/lib/string.h"
#include "kernel/proc/exec.h"
#include "kernel/proc/process_internal.h"
#include "kernel/proc/tls.h"
#include "kernel/syscall/sys_args.h"
#include "kernel/syscall/syscall.h"
#include "mm/uaccess.h"

static int32_t to_user(uaddr_t address, const void *src, size_t nbytes)
{
    return copy_to_user(address, src, nbytes) ? -EFAULT : 0;
}

/* ---- life ---- */

static int32_t sys_exit(struct trap_frame *frame)
{
    task_exit((int)(ARG1(frame) & 0xFF) << 8);
}

static int32_t sys_exit_group(struct trap_frame *frame)
{
    process_exit((int)(ARG1(frame) & 0xFF) << 8);
}

static int32_t sys_fork(struct trap_frame *frame)
{
    const struct clone_request request = { .flags = SIGCHLD };
    return process_clone(&request, frame);
}

static int32_t sys_vfork(struct trap_frame *frame)
{
    const struct clone_request request = { .flags = CLONE_VM | CLONE_VFORK | SIGCHLD };
    return process_clone(&request, frame);
}

static int32_t sys_clone(struct trap_frame *frame)
{
    const struct clone_request request = {
        .flags = ARG1(frame),
        .stack = ARG2(frame),
        .parent_tid = ARG3(frame),
        .tls = ARG4(frame),
        .child_tid = ARG5(frame),
    };
    return process_clone(&request, frame);
}

static int32_t replace_program(const char *path, struct trap_frame *frame)
{
    struct exec_strings strings = { .bytes = NULL };
    int error = exec_strings_add_user(&strings, ARG2(frame), &strings.argc);

    if (!error && strings.argc == 0) { /* as Linux since 5.18: there is always an argv[0] */
        error = exec_strings_add(&strings, "");
        strings.argc = 1;
    }
    if (!error)
        error = exec_strings_add_user(&strings, ARG3(frame), &strings.envc);
    if (!error)
        error = exec_replace(path, &strings, frame);
    exec_strings_free(&strings);
    return error;
}

static int32_t sys_execve(struct trap_frame *frame)
{
    char *path;
    int error = path_get(ARG1(frame), &path);

    if (error)
        return error;
    error = replace_program(path, frame);
    path_free(path);
    return error;
}

/* ---- waiting ---- */

/* struct rusage of getrusage(2). */
struct linux_rusage {
    int32_t user_seconds, user_us, system_seconds, system_us;
    int32_t maxrss, ixrss, idrss, isrss, minflt, majflt, nswap;
    int32_t inblock, oublock, msgsnd, msgrcv, nsignals, nvcsw, nivcsw;
};
_Static_assert(sizeof(struct linux_rusage) == 72, "struct rusage of i386 has 72 bytes");

/* Time is only known in ticks, and not by mode: all of it counts as the program's own. */
static int32_t put_usage(uaddr_t address, uint64_t ticks, uint64_t faults, uint32_t peak)
{
    const struct linux_rusage usage = {
        .user_seconds = (int32_t)(ticks / TIMER_HZ),
        .user_us = (int32_t)(ticks % TIMER_HZ) * (int32_t)(1000000u / TIMER_HZ),
        .maxrss = (int32_t)(peak * (PAGE_SIZE / KiB)),
        .minflt = (int32_t)faults,
    };
    return to_user(address, &usage, sizeof(usage));
}

static int32_t wait_and_report(int32_t pid, unsigned options, uaddr_t status, uaddr_t usage)
{
    struct wait_result result;
    int found = process_wait_child(pid, options | WEXITED, &result);

    if (found <= 0)
        return found;
    if (status && copy_to_user(status, &result.wait_status, sizeof(result.wait_status)) != 0)
        return -EFAULT;
    if (usage && put_usage(usage, result.ticks, result.faults, result.resident_peak) != 0)
        return -EFAULT;
    return (int32_t)result.pid;
}

static int32_t sys_wait4(struct trap_frame *frame)
{
    uint32_t options = ARG3(frame);

    if (options & ~(WNOHANG | WUNTRACED | WCONTINUED | WNOTHREAD | WCLONE | WALL))
        return -EINVAL;
    return wait_and_report((int32_t)ARG1(frame), options, ARG2(frame), ARG4(frame));
}

static int32_t sys_waitpid(struct trap_frame *frame)
{
    uint32_t options = ARG3(frame);

    if (options & ~(WNOHANG | WUNTRACED | WCONTINUED | WNOTHREAD | WCLONE | WALL))
        return -EINVAL;
    return wait_and_report((int32_t)ARG1(frame), options, ARG2(frame), 0);
}

enum wait_id_type { P_ALL, P_PID, P_PGID };

/* waitid's way to name children as waitpid's. */
static int wait_target(uint32_t type, int32_t id, int32_t *pid)
{
    if ((type == P_PID && id <= 0) || (type == P_PGID && id < 0) || type > P_PGID)
        return -EINVAL;
    *pid = type == P_ALL ? -1 : type == P_PID ? id : -id;
    return 0;
}

/* si_code and si_status from a wait status. */
static void fill_child_info(const struct wait_result *result, struct signal_info *info)
{
    int low = result->wait_status & 0xFF, high = (result->wait_status >> 8) & 0xFF;

    *info = (struct signal_info){ .signal = SIGCHLD, .pid = (int32_t)result->pid };
    if (result->wait_status == WAIT_STATUS_CONTINUED) {
        info->code = CLD_CONTINUED;
        info->status = SIGCONT;
    } else if (low == 0x7F) {
        info->code = CLD_STOPPED;
        info->status = high;
    } else {
        info->code = low ? CLD_KILLED : CLD_EXITED;
        info->status = low ? low : high;
    }
}

static int32_t sys_waitid(struct trap_frame *frame)
{
    uint32_t options = ARG4(frame);
    struct wait_result result;
    struct signal_info info = { 0 };
    int32_t pid;

    if (options & ~(WNOHANG | WNOWAIT | WEXITED | WUNTRACED | WCONTINUED | WNOTHREAD | WCLONE |
                    WALL) ||
        !(options & (WEXITED | WUNTRACED | WCONTINUED)))
        return -EINVAL;
    int error = wait_target(ARG1(frame), (int32_t)ARG2(frame), &pid);
    if (error)
        return error;
    int found = process_wait_child(pid, options, &result);
    if (found < 0)
        return found;
    if (found > 0)
        fill_child_info(&result, &info);
    if (found > 0 && ARG5(frame) &&
        put_usage(ARG5(frame), result.ticks, result.faults, result.resident_peak) != 0)
        return -EFAULT;
    return ARG3(frame) ? to_user(ARG3(frame), &info, sizeof(info)) : 0;
}

/* ---- who is whose ---- */

static int32_t sys_getpid(struct trap_frame *frame)
{
    (void)frame;
    return (int32_t)process_current()->pid;
}

static int32_t sys_gettid(struct trap_frame *frame)
{
    (void)frame;
    return (int32_t)task_current()->tid;
}

static int32_t sys_getppid(struct trap_frame *frame)
{
    (void)frame;
    uint32_t irq = irq_save();
    int32_t pid = (int32_t)process_parent_pid(process_current());
    irq_restore(irq);
    return pid;
}

static void note_group(struct process *process, void *pgid)
{
    *(uint32_t *)pgid = process->pgid;
}

static void note_session(struct process *process, void *sid)
{
    *(uint32_t *)sid = process->sid;
}

static int32_t sys_getpgrp(struct trap_frame *frame)
{
    (void)frame;
    return (int32_t)process_current()->pgid;
}

/* One number of a process (0: the running one). */
static int32_t look_up(uint32_t pid, void (*note)(struct process *, void *))
{
    uint32_t number = 0;
    int error = process_with(pid ? pid : process_current()->pid, note, &number);

    return error ? error : (int32_t)number;
}

static int32_t sys_getpgid(struct trap_frame *frame)
{
    return look_up(ARG1(frame), note_group);
}

static int32_t sys_getsid(struct trap_frame *frame)
{
    return look_up(ARG1(frame), note_session);
}

static int32_t sys_setpgid(struct trap_frame *frame)
{
    uint32_t pid = ARG1(frame) ? ARG1(frame) : process_current()->pid;
    uint32_t pgid = ARG2(frame) ? ARG2(frame) : pid;

    if ((int32_t)pgid < 0)
        return -EINVAL;
    return process_set_group(pid, pgid);
}

static int32_t sys_setsid(struct trap_frame *frame)
{
    (void)frame;
    return process_new_session();
}

static int32_t sys_set_tid_address(struct trap_frame *frame)
{
    task_current()->clear_child_tid = ARG1(frame);
    return (int32_t)task_current()->tid;
}

#define ROBUST_LIST_BYTES 12u /* struct robust_list_head */

static int32_t sys_set_robust_list(struct trap_frame *frame)
{
    if (ARG2(frame) != ROBUST_LIST_BYTES)
        return -EINVAL;
    task_current()->robust_list = ARG1(frame);
    task_current()->robust_list_size = ARG2(frame);
    return 0;
}

static void note_robust_list(struct task *task, void *list)
{
    *(uaddr_t *)list = task->robust_list;
}

static int32_t sys_get_robust_list(struct trap_frame *frame)
{
    const uint32_t nbytes = ROBUST_LIST_BYTES;
    uint32_t tid = ARG1(frame) ? ARG1(frame) : task_current()->tid;
    uaddr_t list = 0;

    if (task_with(tid, note_robust_list, &list) != 0)
        return -ESRCH;
    if (copy_to_user(ARG3(frame), &nbytes, sizeof(nbytes)) != 0)
        return -EFAULT;
    return to_user(ARG2(frame), &list, sizeof(list));
}

/* ---- identities: all are root ---- */

static int32_t sys_get_id(struct trap_frame *frame)
{
    (void)frame;
    return 0;
}

static int32_t set_ids(struct trap_frame *frame, unsigned count, uint32_t unchanged)
{
    const uint32_t ids[] = { ARG1(frame), ARG2(frame), ARG3(frame) };

    for (unsigned i = 0; i < count; i++)
        if (ids[i] != 0 && (ids[i] != unchanged || count == 1))
            return -EPERM;
    return 0;
}

#define UNCHANGED_16 0xFFFFu
#define UNCHANGED_32 UINT32_MAX

static int32_t sys_set_id(struct trap_frame *frame)
{
    return set_ids(frame, 1, UNCHANGED_32);
}

static int32_t sys_set_two_ids16(struct trap_frame *frame)
{
    return set_ids(frame, 2, UNCHANGED_16);
}

static int32_t sys_set_two_ids(struct trap_frame *frame)
{
    return set_ids(frame, 2, UNCHANGED_32);
}

static int32_t sys_set_three_ids16(struct trap_frame *frame)
{
    return set_ids(frame, 3, UNCHANGED_16);
}

static int32_t sys_set_three_ids(struct trap_frame *frame)
{
    return set_ids(frame, 3, UNCHANGED_32);
}

static int32_t get_three_ids(struct trap_frame *frame, size_t nbytes)
{
    const uint32_t zero = 0;

    if (copy_to_user(ARG1(frame), &zero, nbytes) || copy_to_user(ARG2(frame), &zero, nbytes) ||
        copy_to_user(ARG3(frame), &zero, nbytes))
        return -EFAULT;
    return 0;
}

static int32_t sys_get_three_ids16(struct trap_frame *frame)
{
    return get_three_ids(frame, sizeof(uint16_t));
}

static int32_t sys_get_three_ids(struct trap_frame *frame)
{
    return get_three_ids(frame, sizeof(uint32_t));
}

/* The identity for file accesses: the old one is the result, an error does not exist. */
static int32_t sys_set_fs_id(struct trap_frame *frame)
{
    (void)frame;
    return 0;
}

static int32_t sys_getgroups(struct trap_frame *frame)
{
    return (int32_t)ARG1(frame) < 0 ? -EINVAL : 0;
}

static int32_t sys_setgroups(struct trap_frame *frame)
{
    return ARG1(frame) == 0 ? 0 : -EPERM;
}

static int32_t sys_umask(struct trap_frame *frame)
{
    struct process *process = process_current();
    uint32_t old = process->umask;

    process->umask = ARG1(frame) & 0777;
    return (int32_t)old;
}

/* ---- scheduling: one kind, one processor ---- */

static int32_t sys_sched_yield(struct trap_frame *frame)
{
    (void)frame;
    thread_yield();
    return 0;
}

static void exists(struct task *task, void *unused)
{
    (void)task;
    (void)unused;
}

/* Does a pid argument (0: the caller) name a thread? */
static int32_t check_tid(int32_t tid)
{
    if (tid < 0)
        return -EINVAL;
    return tid == 0 ? 0 : task_with((uint32_t)tid, exists, NULL);
}

static int32_t sys_sched_getaffinity(struct trap_frame *frame)
{
    const uint32_t mask = 1;
    int32_t error = check_tid((int32_t)ARG1(frame));

    if (ARG2(frame) < sizeof(mask) || ARG2(frame) % sizeof(mask) != 0)
        return -EINVAL;
    if (error)
        return error;
    return copy_to_user(ARG3(frame), &mask, sizeof(mask)) ? -EFAULT : (int32_t)sizeof(mask);
}

static int32_t sys_sched_setaffinity(struct trap_frame *frame)
{
    uint32_t mask = 0;
    int32_t error = check_tid((int32_t)ARG1(frame));

    if (error)
        return error;
    if (copy_from_user(&mask, ARG3(frame), MIN(ARG2(frame), sizeof(mask))) != 0)
        return -EFAULT;
    return mask & 1 ? 0 : -EINVAL;
}

static int32_t sys_sched_getscheduler(struct trap_frame *frame)
{
    return check_tid((int32_t)ARG1(frame)); /* SCHED_OTHER is 0 */
}

static int32_t sys_sched_getparam(struct trap_frame *frame)
{
    const uint32_t priority = 0;
    int32_t error = ARG2(frame) ? check_tid((int32_t)ARG1(frame)) : -EINVAL;

    return error ? error : to_user(ARG2(frame), &priority, sizeof(priority));
}

/* Of SCHED_OTHER the only priority is 0. */
static int32_t check_priority(int32_t tid, uaddr_t address)
{
    uint32_t priority;

    if (!address)
        return -EINVAL;
    if (copy_from_user(&priority, address, sizeof(priority)) != 0)
        return -EFAULT;
    int32_t error = check_tid(tid);
    return error ? error : priority == 0 ? 0 : -EINVAL;
}

static int32_t sys_sched_setparam(struct trap_frame *frame)
{
    return check_priority((int32_t)ARG1(frame), ARG2(frame));
}

static int32_t sys_sched_setscheduler(struct trap_frame *frame)
{
    if (ARG2(frame) != 0)
        return (int32_t)ARG2(frame) < 0 || ARG2(frame) > 6 ? -EINVAL : -EPERM;
    return check_priority((int32_t)ARG1(frame), ARG3(frame));
}

static int32_t sys_sched_get_priority_limit(struct trap_frame *frame)
{
    return ARG1(frame) == 0 ? 0 : -EINVAL;
}

#define NICE_MIN (-20)
#define NICE_MAX 19
#define PRIORITY_OF_NICE_0 20 /* getpriority(2) gives 20 - nice: errors stay apart */

enum priority_of { PRIO_PROCESS, PRIO_PGRP, PRIO_USER };

static void note_nice(struct process *process, void *lowest)
{
    *(int *)lowest = MIN(*(int *)lowest, process->nice);
}

static void set_nice(struct process *process, void *nice)
{
    process->nice = *(const int *)nice;
}

/* Call `use` for those that getpriority(2) and setpriority(2) mean by `which` and `who`: 0,
 * -EINVAL, -ESRCH. */
static int32_t for_priority(uint32_t which, uint32_t who,
                            void (*use)(struct process *process, void *context), void *context)
{
    const struct process *self = process_current();

    switch (which) {
    case PRIO_PROCESS:
        return process_with(who ? who : self->pid, use, context);
    case PRIO_PGRP:
        return process_for_each(who ? who : self->pgid, use, context) ? 0 : -ESRCH;
    case PRIO_USER:
        if (who != 0)
            return -ESRCH; /* all are root's */
        process_for_each(0, use, context);
        return process_with(self->pid, use, context);
    default:
        return -EINVAL;
    }
}

static int32_t sys_getpriority(struct trap_frame *frame)
{
    int lowest = NICE_MAX;
    int32_t error = for_priority(ARG1(frame), ARG2(frame), note_nice, &lowest);

    return error ? error : PRIORITY_OF_NICE_0 - lowest;
}

static int32_t sys_setpriority(struct trap_frame *frame)
{
    int nice = MIN(MAX((int32_t)ARG3(frame), NICE_MIN), NICE_MAX);

    return for_priority(ARG1(frame), ARG2(frame), set_nice, &nice);
}

/* ---- limits and usage ---- */

struct linux_rlimit {
    uint32_t current, maximum;
};

#define RLIM_INFINITY_32 UINT32_MAX
#define RLIM_INFINITY_OLD 0x7FFFFFFFu

struct limit_request {
    unsigned resource;
    const struct resource_limit *wanted;
    struct resource_limit old;
};

/* "processes" held. */
static void exchange_limit(struct process *process, void *context)
{
    struct limit_request *request = context;
    struct resource_limit *limit = &process->limits[request->resource];

    request->old = *limit;
    if (!request->wanted)
        return;
    *limit = *request->wanted;
    if (process->files)
        file_table_set_limit(process->files, (uint32_t)process->limits[RLIMIT_NOFILE].current);
    if (process->space)
        process_space_limits(process, &process->space->limits);
}

/* Get and set a limit of a process (0: the running one); `wanted` NULL: only get. */
static int32_t change_limit(uint32_t pid, unsigned resource,
                            const struct resource_limit *wanted, struct resource_limit *old)
{
    struct limit_request request = { .resource = resource, .wanted = wanted };

    if (resource >= RLIMIT_COUNT || (wanted && wanted->current > wanted->maximum))
        return -EINVAL;
    if (wanted && resource == RLIMIT_NOFILE && wanted->maximum > FILE_TABLE_MAX)
        return -EPERM;
    int error = process_with(pid ? pid : process_current()->pid, exchange_limit, &request);
    *old = request.old;
    return error;
}

static int32_t sys_prlimit64(struct trap_frame *frame)
{
    struct resource_limit wanted, old;
    bool set = ARG3(frame) != 0;

    if (set && copy_from_user(&wanted, ARG3(frame), sizeof(wanted)) != 0)
        return -EFAULT;
    int32_t error = change_limit(ARG1(frame), ARG2(frame), set ? &wanted : NULL, &old);
    if (error || !ARG4(frame))
        return error;
    return to_user(ARG4(frame), &old, sizeof(old));
}

static uint32_t to_32(uint64_t limit, uint32_t infinity)
{
    return limit >= infinity ? infinity : (uint32_t)limit;
}

static int32_t get_limit(struct trap_frame *frame, uint32_t infinity)
{
    struct resource_limit old;
    int32_t error = change_limit(0, ARG1(frame), NULL, &old);

    if (error)
        return error;
    const struct linux_rlimit limit = { to_32(old.current, infinity),
                                        to_32(old.maximum, infinity) };
    return to_user(ARG2(frame), &limit, sizeof(limit));
}

static int32_t sys_old_getrlimit(struct trap_frame *frame)
{
    return get_limit(frame, RLIM_INFINITY_OLD);
}

static int32_t sys_ugetrlimit(struct trap_frame *frame)
{
    return get_limit(frame, RLIM_INFINITY_32);
}

static uint64_t from_32(uint32_t limit)
{
    return limit == RLIM_INFINITY_32 ? RLIM_INFINITY : limit;
}

static int32_t sys_setrlimit(struct trap_frame *frame)
{
    struct linux_rlimit limit;
    struct resource_limit old;

    if (copy_from_user(&limit, ARG2(frame), sizeof(limit)) != 0)
        return -EFAULT;
    const struct resource_limit wanted = { from_32(limit.current), from_32(limit.maximum) };
    return change_limit(0, ARG1(frame), &wanted, &old);
}

#define RUSAGE_SELF 0
#define RUSAGE_CHILDREN (-1)
#define RUSAGE_THREAD 1

static uint64_t own_ticks(const struct process *process)
{
    uint64_t ticks = process->user_ticks + process->system_ticks;
    uint32_t irq = irq_save();

    list_for_each(node, &process->tasks)
        ticks += list_entry(node, struct task, node)->thread->ticks;
    irq_restore(irq);
    return ticks;
}

static int32_t sys_getrusage(struct trap_frame *frame)
{
    const struct process *process = process_current();
    const struct space *space = process->space;
    int32_t who = (int32_t)ARG1(frame);
    uint64_t faults = process->minor_faults;

    if (who < RUSAGE_CHILDREN || who > RUSAGE_THREAD)
        return -EINVAL;
    if (who == RUSAGE_CHILDREN)
        return put_usage(ARG2(frame), process->child_ticks, process->child_faults,
                         process->child_peak);
    for (unsigned cause = 0; cause < FAULT_BAD; cause++)
        faults += space->faults[cause];
    return put_usage(ARG2(frame),
                     who == RUSAGE_THREAD ? thread_current()->ticks : own_ticks(process),
                     faults, MAX(process->resident_peak, space_resident_peak(space)));
}

/* ---- odds and ends ---- */

#define PR_GET_DUMPABLE 3
#define PR_SET_DUMPABLE 4
#define PR_SET_NAME 15
#define PR_GET_NAME 16

static int32_t set_name(uaddr_t address)
{
    struct process *process = process_current();
    char name[PROCESS_NAME_MAX] = "";
    int length = copy_string_from_user(name, address, sizeof(name));

    if (length == -EFAULT)
        return -EFAULT;
    name[sizeof(name) - 1] = '\0'; /* a longer one is cut */
    if (task_current()->tid == process->pid)
        strlcpy(process->name, name, sizeof(process->name));
    strlcpy(thread_current()->name, name, sizeof(thread_current()->name));
    return 0;
}

static int32_t sys_prctl(struct trap_frame *frame)
{
    switch (ARG1(frame)) {
    case PR_SET_NAME:
        return set_name(ARG2(frame));
    case PR_GET_NAME:
        return to_user(ARG2(frame), thread_current()->name, PROCESS_NAME_MAX);
    case PR_GET_DUMPABLE:
        return 1;
    case PR_SET_DUMPABLE:
        return ARG2(frame) <= 1 ? 0 : -EINVAL;
    default:
        return -EINVAL;
    }
}

#define PERSONALITY_QUERY UINT32_MAX

static int32_t sys_personality(struct trap_frame *frame)
{
    return ARG1(frame) == 0 || ARG1(frame) == PERSONALITY_QUERY ? 0 : -EINVAL;
}

#define ROOT_ONLY "all processes are root's: 0 is accepted, EPERM else"
#define ONE_KIND "SCHED_OTHER only"

const struct syscall_entry process_syscalls[] = {
    { 1, "exit", sys_exit, NULL },
    { 2, "fork", sys_fork, NULL },
    { 7, "waitpid", sys_waitpid, NULL },
    { 11, "execve", sys_execve, "static ELF files and scripts; 128 KiB of arguments" },
    { 20, "getpid", sys_getpid, NULL },
    { 23, "setuid", sys_set_id, ROOT_ONLY },
    { 24, "getuid", sys_get_id, NULL },
    { 46, "setgid", sys_set_id, ROOT_ONLY },
    { 47, "getgid", sys_get_id, NULL },
    { 49, "geteuid", sys_get_id, NULL },
    { 50, "getegid", sys_get_id, NULL },
    { 57, "setpgid", sys_setpgid, NULL },
    { 60, "umask", sys_umask, NULL },
    { 64, "getppid", sys_getppid, "1: adopted or started by the kernel" },
    { 65, "getpgrp", sys_getpgrp, NULL },
    { 66, "setsid", sys_setsid, NULL },
    { 70, "setreuid", sys_set_two_ids16, ROOT_ONLY },
    { 71, "setregid", sys_set_two_ids16, ROOT_ONLY },
    { 75, "setrlimit", sys_setrlimit, "kept; AS, DATA, STACK and NOFILE are obeyed" },
    { 76, "old_getrlimit", sys_old_getrlimit, NULL },
    { 77, "getrusage", sys_getrusage, "times in ticks, all as user time; faults; maxrss" },
    { 80, "getgroups16", sys_getgroups, "no supplementary groups" },
    { 81, "setgroups16", sys_setgroups, ROOT_ONLY },
    { 96, "getpriority", sys_getpriority, "of processes, not of threads" },
    { 97, "setpriority", sys_setpriority, "kept; no effect on scheduling" },
    { 114, "wait4", sys_wait4, NULL },
    { 120, "clone", sys_clone,
      "as fork, vfork, posix_spawn and threads use it; no namespaces; actions are shared by "
      "threads only" },
    { 132, "getpgid", sys_getpgid, NULL },
    { 136, "personality", sys_personality, "PER_LINUX" },
    { 138, "setfsuid16", sys_set_fs_id, "always 0" },
    { 139, "setfsgid16", sys_set_fs_id, "always 0" },
    { 147, "getsid", sys_getsid, NULL },
    { 154, "sched_setparam", sys_sched_setparam, ONE_KIND },
    { 155, "sched_getparam", sys_sched_getparam, ONE_KIND },
    { 156, "sched_setscheduler", sys_sched_setscheduler, ONE_KIND },
    { 157, "sched_getscheduler", sys_sched_getscheduler, ONE_KIND },
    { 158, "sched_yield", sys_sched_yield, NULL },
    { 159, "sched_get_priority_max", sys_sched_get_priority_limit, ONE_KIND },
    { 160, "sched_get_priority_min", sys_sched_get_priority_limit, ONE_KIND },
    { 164, "setresuid16", sys_set_three_ids16, ROOT_ONLY },
    { 165, "getresuid16", sys_get_three_ids16, NULL },
    { 170, "setresgid16", sys_set_three_ids16, ROOT_ONLY },
    { 171, "getresgid16", sys_get_three_ids16, NULL },
    { 172, "prctl", sys_prctl, "PR_SET_NAME, PR_GET_NAME, PR_SET_DUMPABLE, PR_GET_DUMPABLE" },
    { 190, "vfork", sys_vfork, NULL },
    { 191, "ugetrlimit", sys_ugetrlimit, NULL },
    { 199, "getuid32", sys_get_id, NULL },
    { 200, "getgid32", sys_get_id, NULL },
    { 201, "geteuid32", sys_get_id, NULL },
    { 202, "getegid32", sys_get_id, NULL },
    { 203, "setreuid32", sys_set_two_ids, ROOT_ONLY },
    { 204, "setregid32", sys_set_two_ids, ROOT_ONLY },
    { 205, "getgroups32", sys_getgroups, "no supplementary groups" },
    { 206, "setgroups32", sys_setgroups, ROOT_ONLY },
    { 208, "setresuid32", sys_set_three_ids, ROOT_ONLY },
    { 209, "getresuid32", sys_get_three_ids, NULL },
    { 210, "setresgid32", sys_set_three_ids, ROOT_ONLY },
    { 211, "getresgid32", sys_get_three_ids, NULL },
    { 213, "setuid32", sys_set_id, ROOT_ONLY },
    { 214, "setgid32", sys_set_id, ROOT_ONLY },
    { 215, "setfsuid32", sys_set_fs_id, "always 0" },
    { 216, "setfsgid32", sys_set_fs_id, "always 0" },
    { 224, "gettid", sys_gettid, NULL },
    { 241, "sched_setaffinity", sys_sched_setaffinity, "there is processor 0" },
    { 242, "sched_getaffinity", sys_sched_getaffinity, "there is processor 0" },
    { 243, "set_thread_area", sys_set_thread_area, "data segments" },
    { 244, "get_thread_area", sys_get_thread_area, NULL },
    { 252, "exit_group", sys_exit_group, NULL },
    { 258, "set_tid_address", sys_set_tid_address, NULL },
    { 284, "waitid", sys_waitid, "P_ALL, P_PID, P_PGID" },
    { 311, "set_robust_list", sys_set_robust_list, NULL },
    { 312, "get_robust_list", sys_get_robust_list, NULL },
    { 340, "prlimit64", sys_prlimit64, "kept; AS, DATA, STACK and NOFILE are obeyed" },
    { 0 },
};
