/* The end of threads and processes, and waiting for it.
 *
 *     task_exit()          in the thread itself, which may sleep: futexes, its memory
 *       the last one       process_leave(): memory, files, directory, children, terminal
 *     task_gone()          when kernel stack and all are freed, by the thread that runs next
 *       the last one       the process is a zombie: its parent is told, or it is reaped at once
 *     process_wait_child() takes pid and status, and what it has used; the zombie is freed
 *
 * A zombie holds nothing but struct process.  It is reaped at once if nobody will ever wait:
 * its parent is the kernel and not waiting, or ignores SIGCHLD (or says SA_NOCLDWAIT). */
#include "kernel/cpu/timer.h"
#include "kernel/lib/assert.h"
#include "kernel/lib/errno.h"
#include "kernel/log.h"
#include "kernel/proc/futex.h"
#include "kernel/proc/process_internal.h"
#include "kernel/proc/tty.h"
#include "mm/slab.h"
#include "mm/uaccess.h"

#define STATUS_SIGNAL_MASK 0x7F  /* of a wait status: the signal; 0: it has exited */
#define WAIT_STATUS_STOPPED 0x7F /* the low byte, if it is not the end */
#define EXIT_CODE(wait_status) (((wait_status) >> 8) & 0xFF)

static struct process *child_of(struct list_node *sibling)
{
    return list_entry(sibling, struct process, sibling);
}

/* ---- the parent is told ---- */

static void tell_parent(struct process *child, int signal, int code, int status)
{
    const struct signal_info info = {
        .signal = signal,
        .code = code,
        .pid = (int32_t)child->pid,
        .status = status,
        .utime = (int32_t)child->user_ticks,
        .stime = (int32_t)child->system_ticks,
    };
    signal_send(child->parent, &info);
}

/* A background program's news go to who started it, and waits no longer. */
static void tell_starter(const struct process *process, int status)
{
    if (process->mode == PROCESS_BACKGROUND && processes.news_hook)
        processes.news_hook(process->pid, process->name, status);
}

/* A stop or a continuation: unless SA_NOCLDSTOP. */
static void tell_change(struct process *child, int code, int status)
{
    struct process *parent = child->parent;

    wait_queue_wake_all(&processes.changed);
    if (!parent) {
        if (code == CLD_STOPPED)
            tell_starter(child, STATUS_STOPPED + status);
        return;
    }
    const struct signal_action *action = &parent->signals.actions[SIGCHLD - 1];
    if (action->handler != SIG_IGN && !(action->flags & SA_NOCLDSTOP))
        tell_parent(child, SIGCHLD, code, status);
    wait_queue_wake_all(&parent->child_changed);
}

void process_stopped(struct process *process, int signal)
{
    uint32_t irq = 0;
    bool taken = processes_lock_nested(&irq);

    process->state = PROCESS_STOPPED;
    process->stop_signal = signal;
    process->stop_reported = process->continued = false;
    tell_change(process, CLD_STOPPED, signal);
    processes_unlock_nested(taken, irq);
}

void process_continued(struct process *process)
{
    uint32_t irq = 0;
    bool taken = processes_lock_nested(&irq);

    process->continued = true;
    tell_change(process, CLD_CONTINUED, SIGCONT);
    processes_unlock_nested(taken, irq);
}

/* ---- a thread ends ---- */

/* Does anybody but the running thread use the memory? */
static bool memory_is_shared(const struct process *process)
{
    return process->live_count > 1 || process->space->refs > 1;
}

void task_leave_memory(struct task *task)
{
    const uint32_t zero = 0;

    if (task->robust_list)
        futex_exit_robust(task);
    if (task->clear_child_tid && memory_is_shared(task->process)) {
        copy_to_user(task->clear_child_tid, &zero, sizeof(zero));
        futex_wake(task->clear_child_tid, 1);
    }
    task->robust_list = 0;
    task->clear_child_tid = 0;
}

void process_account_space(struct process *process, const struct space *space)
{
    for (unsigned cause = 0; cause < FAULT_BAD; cause++)
        process->minor_faults += space->faults[cause];
    process->resident_peak = MAX(process->resident_peak, space_resident_peak(space));
}

/* Out of the process first, under the lock, so that nobody finds what is about to go. */
static void release_resources(struct process *process)
{
    uint32_t irq = spin_lock(&processes.lock);
    struct space *space = process->space;
    struct file_table *files = process->files;
    struct inode *cwd = process->cwd, *executable = process->executable;

    process->space = NULL;
    process->files = NULL;
    process->cwd = process->executable = NULL;
    if (space)
        process_account_space(process, space);
    spin_unlock(&processes.lock, irq);
    process_release_vfork(process);
    if (space)
        space_put(space);
    if (files)
        file_table_release(files);
    if (cwd)
        inode_put(cwd);
    if (executable)
        inode_put(executable);
}

/* The first child is nobody's now; false: there is none.  One that has ended already is out of the table,
 * and in *ended.  *lost: its group, if the process was its parent outside of it; else 0. */
static bool orphan_child(struct process *process, struct process **ended, uint32_t *lost)
{
    uint32_t irq = spin_lock(&processes.lock);
    bool any = !list_is_empty(&process->children);

    *ended = NULL;
    *lost = 0;
    if (any) {
        struct process *child = child_of(process->children.next);
        if (child->pgid != process->pgid && child->sid == process->sid)
            *lost = child->pgid;
        list_remove(&child->sibling);
        child->parent = NULL;
        if (child->state == PROCESS_ZOMBIE) {
            process_remove(child);
            *ended = child;
        }
    }
    spin_unlock(&processes.lock, irq);
    return any;
}

static void hang_up(struct process *process, void *context)
{
    (void)context;
    signal_send(process, &(struct signal_info){ .signal = SIGHUP, .code = SI_KERNEL });
    signal_send(process, &(struct signal_info){ .signal = SIGCONT, .code = SI_KERNEL });
}

static void note_other_session(struct process *process, void *sid)
{
    if (process->sid != *(const uint32_t *)sid)
        *(uint32_t *)sid = 0;
}

/* Is the group in this session, or gone? */
static bool group_is_of_session(uint32_t pgid, uint32_t sid)
{
    process_for_each(pgid, note_other_session, &sid);
    return sid != 0;
}

/* The end of the session that the kernel's shell has started in the foreground: the terminal is
 * the shell's again, and whoever else of the session had it is told. */
static void leave_terminal(struct process *process)
{
    uint32_t foreground = processes.foreground;

    if (process->mode == PROCESS_CHILD || process->sid != process->pid)
        return;
    if (process->mode == PROCESS_BACKGROUND && foreground != process->pgid)
        return;
    if (foreground && !group_is_of_session(foreground, process->sid))
        return;
    processes.foreground = 0;
    tty_reset();
    if (foreground && foreground != process->pgid)
        process_for_each(foreground, hang_up, NULL);
}

static void note_stopped(struct process *process, void *stopped)
{
    *(bool *)stopped |= process->state == PROCESS_STOPPED;
}

/* The group has lost a parent outside of it.  If that was the last, nobody is left to continue those of
 * it that are stopped: all of it are told (POSIX, _exit: SIGHUP, SIGCONT). */
static void tell_orphaned_group(uint32_t pgid)
{
    bool stopped = false;

    process_for_each(pgid, note_stopped, &stopped);
    if (stopped && signal_group_is_orphaned(pgid))
        process_for_each(pgid, hang_up, NULL);
}

/* Those of the children may be orphaned by the end of their parent, and its own by the end of a member
 * whose parent is outside. */
static void leave_groups(struct process *process)
{
    struct process *ended;
    uint32_t lost;

    while (orphan_child(process, &ended, &lost)) {
        if (ended)
            process_free(ended);
        if (lost)
            tell_orphaned_group(lost);
    }
    uint32_t irq = spin_lock(&processes.lock);
    bool was_outside = signal_has_parent_outside(process);
    spin_unlock(&processes.lock, irq);
    if (was_outside)
        tell_orphaned_group(process->pgid);
}

/* The last thread: everything goes but the structure. */
static void process_leave(struct process *process)
{
    itimer_stop(process);
    release_resources(process);
    leave_groups(process);
    leave_terminal(process);
}

void task_exit(int wait_status)
{
    struct task *task = task_current();
    struct process *process = task->process;

    irq_enable();
    if (process->space)
        task_leave_memory(task);
    thread_set_space(NULL);
    uint32_t irq = spin_lock(&processes.lock);
    bool last = --process->live_count == 0;
    if (last && !process->exiting) {
        process->exiting = true;
        process->wait_status = wait_status;
    }
    spin_unlock(&processes.lock, irq);
    if (last)
        process_leave(process);
    irq_disable();
    process->user_ticks += task->thread->ticks;
    thread_exit();
}

void process_begin_exit(struct process *process, int wait_status)
{
    uint32_t irq = 0;
    bool taken = processes_lock_nested(&irq);

    if (!process->exiting || process->exec_task) {
        process->exiting = true;
        process->exec_task = NULL;
        process->wait_status = wait_status;
        list_for_each(node, &process->tasks) {
            struct thread *thread = list_entry(node, struct task, node)->thread;
            thread_interrupt(thread);
            if (process->state == PROCESS_STOPPED)
                thread_wake(thread);
        }
        wait_queue_wake_all(&processes.changed);
    }
    if (process->state == PROCESS_STOPPED)
        process->state = PROCESS_RUNNING;
    processes_unlock_nested(taken, irq);
}

void process_exit(int wait_status)
{
    struct process *process = process_current();

    process_begin_exit(process, wait_status);
    task_exit(process->wait_status);
}

/* Lock held.  The others are to end as if the process did. */
static bool begin_to_be_single(struct process *process)
{
    if (process->exiting)
        return false;
    process->exiting = true;
    process->exec_task = task_current();
    list_for_each(node, &process->tasks)
        if (list_entry(node, struct task, node) != process->exec_task)
            thread_interrupt(list_entry(node, struct task, node)->thread);
    return true;
}

int process_become_single(void)
{
    struct process *process = process_current();
    uint32_t irq = irq_save(), none = spin_lock(&processes.lock);
    bool begun = begin_to_be_single(process);

    spin_unlock(&processes.lock, none);
    while (begun && process->exec_task && process->task_count > 1)
        wait_queue_sleep_deaf(&processes.changed);
    bool single = begun && process->exec_task;
    if (single) {
        process->exec_task = NULL;
        process->exiting = false;
    }
    irq_restore(irq);
    return single ? 0 : -EINTR;
}

/* ---- a process has ended ---- */

/* Lock held.  Tell the parent; true: nobody waits, it is to be reaped now. */
static bool end_is_nobodys(struct process *process)
{
    struct process *parent = process->parent;
    int signal = process->wait_status & STATUS_SIGNAL_MASK;

    if (!parent)
        return process->mode != PROCESS_FOREGROUND;
    const struct signal_action *action = &parent->signals.actions[SIGCHLD - 1];
    bool by_sigchld = process->exit_signal == SIGCHLD;
    bool ignored = by_sigchld && action->handler == SIG_IGN;
    if (process->exit_signal && !ignored)
        tell_parent(process, process->exit_signal, signal ? CLD_KILLED : CLD_EXITED,
                    signal ? signal : EXIT_CODE(process->wait_status));
    wait_queue_wake_all(&parent->child_changed);
    return ignored || (by_sigchld && (action->flags & SA_NOCLDWAIT));
}

static void reap(struct process *process)
{
    tell_starter(process, process_end_status(process->wait_status));
    process_free(process);
}

void task_gone(void *argument)
{
    struct task *task = argument;
    struct process *process = task->process;
    uint32_t irq = spin_lock(&processes.lock);
    bool to_reap = false;

    list_remove(&task->node);
    processes.stats.tasks--;
    signal_task_free(task);
    slab_free(processes.task_cache, task);
    if (--process->task_count == 0) {
        process->state = PROCESS_ZOMBIE;
        to_reap = end_is_nobodys(process);
        if (to_reap)
            process_remove(process);
    }
    wait_queue_wake_all(&processes.changed);
    spin_unlock(&processes.lock, irq);
    if (to_reap)
        reap(process);
}

/* ---- wait ---- */

static bool is_meant(const struct process *child, const struct process *self, int32_t pid,
                     unsigned options)
{
    bool other_signal = child->exit_signal != SIGCHLD;

    if (!(options & WALL) && other_signal != ((options & WCLONE) != 0))
        return false;
    if (pid > 0)
        return child->pid == (uint32_t)pid;
    return pid == -1 || child->pgid == (pid ? (uint32_t)-pid : self->pgid);
}

/* Has the child something to report?  Its wait status, or -1. */
static int take_news(struct process *child, unsigned options)
{
    bool keep = options & WNOWAIT;

    if (child->state == PROCESS_ZOMBIE)
        return options & WEXITED ? child->wait_status : -1;
    if (child->state == PROCESS_STOPPED && (options & WUNTRACED) && !child->stop_reported) {
        child->stop_reported = !keep;
        return child->stop_signal << 8 | WAIT_STATUS_STOPPED;
    }
    if (child->continued && (options & WCONTINUED)) {
        child->continued = keep;
        return WAIT_STATUS_CONTINUED;
    }
    return -1;
}

static void fill_result(const struct process *child, int wait_status,
                        struct wait_result *result)
{
    *result = (struct wait_result){
        .pid = child->pid,
        .wait_status = wait_status,
        .ticks = child->user_ticks + child->system_ticks + child->child_ticks,
        .faults = child->minor_faults + child->child_faults,
        .resident_peak = MAX(child->resident_peak, child->child_peak),
    };
}

/* The parent takes over what the child has used. */
static void inherit_usage(struct process *parent, const struct wait_result *usage)
{
    parent->child_ticks += usage->ticks;
    parent->child_faults += usage->faults;
    parent->child_peak = MAX(parent->child_peak, usage->resident_peak);
}

/* Lock held.  1: *result; if a zombie is to go, it is out of the table and in *ended.  0:
 * nothing yet.  -ECHILD: there is no child to wait for. */
static int look_at_children(struct process *self, int32_t pid, unsigned options,
                            struct wait_result *result, struct process **ended)
{
    int found = -ECHILD;

    list_for_each(node, &self->children) {
        struct process *child = child_of(node);
        if (!is_meant(child, self, pid, options))
            continue;
        found = 0;
        int wait_status = take_news(child, options);
        if (wait_status < 0)
            continue;
        fill_result(child, wait_status, result);
        if (child->state == PROCESS_ZOMBIE && !(options & WNOWAIT)) {
            inherit_usage(self, result);
            process_remove(child);
            *ended = child;
        }
        return 1;
    }
    return found;
}

int process_wait_child(int32_t pid, unsigned options, struct wait_result *result)
{
    struct process *self = process_current(), *ended = NULL;
    bool interrupted = false;
    int found;

    if (pid == INT32_MIN)
        return -ESRCH;
    uint32_t irq = irq_save(); /* no child may end between the look and the sleep */
    for (;;) {
        uint32_t none = spin_lock(&processes.lock);
        found = look_at_children(self, pid, options, result, &ended);
        spin_unlock(&processes.lock, none);
        if (found != 0 || (options & WNOHANG))
            break;
        if (interrupted) {
            found = -ERESTARTSYS;
            break;
        }
        interrupted = !wait_queue_sleep(&self->child_changed);
    }
    irq_restore(irq);
    if (ended)
        process_free(ended);
    return found;
}
