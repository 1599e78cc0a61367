/* Processes: the table, and what others may look up in it.
 *
 * A process is what fork makes: memory, files, signal actions, a place in a family.  What runs
 * in it are its tasks, one for each thread.  Its life:
 *
 *     fork.c    process_clone()   a copy of the running process, or one more task in it
 *     start.c   process_start()   the first process of a session, from the kernel's shell
 *     exec.c    exec_replace()    another program in the same process
 *     exit.c    task_exit()       each task ends for itself, in its own thread; the last one
 *                                 gives back memory and files; task_gone(), when that thread is
 *                                 freed, makes the process a zombie
 *               process_wait_child(), process_wait(): take the status, and the zombie away
 *
 * So whoever has waited for a process finds all its memory free again.
 *
 * A process is never ended by force: it is marked (`exiting`, or a signal is pending), and its
 * threads see that on their way to ring 3, or when a sleep is cut short.  Whatever they do in
 * the kernel until then is done to the end.
 *
 * Family      A process without a parent belongs to the kernel: the shell started it, or its
 *             parent has ended.  An orphan that ends is reaped at once, and getppid() says 1.
 * Numbers     pids and tids come from one sequence; a number is free if no process, task, group
 *             or session has it.  The table is only searched when the stretch of numbers that
 *             the last search found free is used up (as Linux did until 2.4).
 * Lock        "processes": table, families, states, marks.  "signals" is taken inside. */
#include "kernel/proc/process.h"

#include "kernel/lib/assert.h"
#include "kernel/lib/errno.h"
#include "kernel/lib/string.h"
#include "kernel/log.h"
#include "kernel/proc/process_internal.h"
#include "mm/slab.h"

#define NUMBER_FIRST_AGAIN 300u    /* after NUMBER_MAX; the low ones stay with the long-lived */
#define TASKS_MAX (NUMBER_MAX / 8) /* tasks, and processes (zombies are some without tasks) */
/* A tid each; pid, group and session each. */
_Static_assert((1 + 3) * TASKS_MAX < NUMBER_MAX - NUMBER_FIRST_AGAIN,
               "some numbers are always free");

struct process_table processes = {
    .lock = SPINLOCK_INIT("processes"),
    .list = LIST_INIT(processes.list),
    .changed = { .threads = LIST_INIT(processes.changed.threads) },
    .next_number = NUMBER_FIRST,
};

static struct process *to_process(struct list_node *node)
{
    return list_entry(node, struct process, node);
}

static struct task *to_task(struct list_node *node)
{
    return list_entry(node, struct task, node);
}

void process_init(void)
{
    processes.process_cache = slab_cache_create("process", sizeof(struct process), 0, NULL, 0);
    processes.task_cache = slab_cache_create("task", sizeof(struct task), 0, NULL, 0);
    ASSERT(processes.process_cache && processes.task_cache, "no memory for processes");
    trap_set_user_work_hook(signal_deliver);
}

/* ---- numbers ---- */

/* A number in use: does it forbid the one that is to be given next, or how far is it away? */
static void note_number(uint32_t used, bool *taken)
{
    if (used == processes.next_number)
        *taken = true;
    else if (used > processes.next_number)
        processes.free_until = MIN(processes.free_until, used);
}

/* Lock held.  Is next_number free, and how far do the free ones reach? */
static bool next_number_is_free(void)
{
    bool taken = false;

    processes.free_until = NUMBER_MAX;
    list_for_each(node, &processes.list) {
        struct process *process = to_process(node);
        note_number(process->pid, &taken);
        note_number(process->pgid, &taken);
        note_number(process->sid, &taken);
        list_for_each(task, &process->tasks)
            note_number(to_task(task)->tid, &taken);
    }
    return !taken;
}

/* Lock held.  TASKS_MAX sees to it that there is a free one. */
static uint32_t take_number(void)
{
    while (processes.next_number >= processes.free_until && !next_number_is_free()) {
        processes.next_number++;
        if (processes.next_number >= NUMBER_MAX)
            processes.next_number = NUMBER_FIRST_AGAIN;
        processes.free_until = 0;
    }
    uint32_t number = processes.next_number++;
    if (processes.next_number >= NUMBER_MAX) {
        processes.next_number = NUMBER_FIRST_AGAIN;
        processes.free_until = 0;
    }
    return number;
}

/* ---- coming and going ---- */

/* Lock held.  New pids are nearly always the highest. */
static void insert_sorted(struct process *process)
{
    struct list_node *after = processes.list.prev;

    while (after != &processes.list && to_process(after)->pid > process->pid)
        after = after->prev;
    list_insert_between(&process->node, after, after->next);
}

/* Lock held. */
static void enter_process(struct process *process, uint32_t pid)
{
    process->pid = pid;
    if (!process->pgid)
        process->pgid = process->sid = pid;
    if (process->parent)
        list_add_tail(&process->parent->children, &process->sibling);
    if (process->mode == PROCESS_FOREGROUND)
        processes.foreground = pid;
    insert_sorted(process);
    processes.stats.processes++;
    processes.stats.forks++;
}

int process_enter(struct process *process, struct task *task)
{
    uint32_t irq = spin_lock(&processes.lock);
    int error = 0;

    if (process->exiting || processes.stats.tasks >= TASKS_MAX ||
        processes.stats.processes >= TASKS_MAX) {
        error = -EAGAIN;
    } else {
        task->tid = take_number();
        list_add_tail(&process->tasks, &task->node);
        processes.stats.tasks++;
        process->live_count++;
        if (process->task_count++ == 0)
            enter_process(process, task->tid);
    }
    spin_unlock(&processes.lock, irq);
    return error;
}

void process_remove(struct process *process)
{
    list_remove(&process->node);
    if (process->parent)
        list_remove(&process->sibling);
    process->parent = NULL;
    processes.stats.processes--;
}

/* ---- looking up ---- */

struct process *process_find(uint32_t pid)
{
    list_for_each(node, &processes.list)
        if (to_process(node)->pid == pid)
            return to_process(node);
    return NULL;
}

/* Lock held. */
static struct task *find_task(uint32_t tid)
{
    list_for_each(node, &processes.list)
        list_for_each(task, &to_process(node)->tasks)
            if (to_task(task)->tid == tid)
                return to_task(task);
    return NULL;
}

int process_with(uint32_t pid, void (*use)(struct process *process, void *context),
                 void *context)
{
    uint32_t irq = spin_lock(&processes.lock);
    struct process *process = process_find(pid);

    if (!process) {
        struct task *task = find_task(pid);
        process = task ? task->process : NULL;
    }
    if (process)
        use(process, context);
    spin_unlock(&processes.lock, irq);
    return process ? 0 : -ESRCH;
}

int task_with(uint32_t tid, void (*use)(struct task *task, void *context), void *context)
{
    uint32_t irq = spin_lock(&processes.lock);
    struct task *task = find_task(tid);

    if (task)
        use(task, context);
    spin_unlock(&processes.lock, irq);
    return task ? 0 : -ESRCH;
}

unsigned process_for_each(uint32_t pgid, void (*use)(struct process *process, void *context),
                          void *context)
{
    uint32_t irq = spin_lock(&processes.lock);
    struct process *self = process_current();
    unsigned count = 0;

    list_for_each(node, &processes.list) {
        struct process *process = to_process(node);
        if (pgid ? process->pgid != pgid : process->pid == 1 || process == self)
            continue;
        use(process, context);
        count++;
    }
    spin_unlock(&processes.lock, irq);
    return count;
}

struct space *process_get_space(uint32_t pid)
{
    uint32_t irq = spin_lock(&processes.lock);
    struct process *process = process_find(pid);
    struct space *space = process && process->space ? space_get(process->space) : NULL;
    spin_unlock(&processes.lock, irq);
    return space;
}

struct file_table *process_get_files(uint32_t pid)
{
    uint32_t irq = spin_lock(&processes.lock);
    struct process *process = process_find(pid);
    struct file_table *files = process && process->files ? file_table_hold(process->files)
                                                         : NULL;
    spin_unlock(&processes.lock, irq);
    return files;
}

struct inode *process_get_cwd(uint32_t pid)
{
    uint32_t irq = spin_lock(&processes.lock);
    struct process *process = process_find(pid);
    struct inode *cwd = process && process->cwd ? inode_get(process->cwd) : NULL;
    spin_unlock(&processes.lock, irq);
    return cwd;
}

struct inode *process_get_executable(uint32_t pid)
{
    uint32_t irq = spin_lock(&processes.lock);
    struct process *process = process_find(pid);
    struct inode *executable = process && process->executable ? inode_get(process->executable)
                                                              : NULL;
    spin_unlock(&processes.lock, irq);
    return executable;
}

/* ---- groups and sessions ---- */

uint32_t process_foreground(void)
{
    return processes.foreground;
}

void process_set_foreground(uint32_t pgid)
{
    processes.foreground = pgid;
}

/* Lock held.  Is there such a group, in this session? */
static bool group_exists(uint32_t pgid, uint32_t sid)
{
    list_for_each(node, &processes.list)
        if (to_process(node)->pgid == pgid && to_process(node)->sid == sid)
            return true;
    return false;
}

/* Lock held.  setpgid(2), with the checks in Linux's order. */
static int set_group(struct process *self, uint32_t pid, uint32_t pgid)
{
    struct process *process = process_find(pid);

    if (!process || (process != self && process->parent != self))
        return -ESRCH;
    if (process != self && process->sid != self->sid)
        return -EPERM;
    if (process != self && process->executed)
        return -EACCES;
    if (process->sid == process->pid)
        return -EPERM;
    if (pgid != pid && !group_exists(pgid, self->sid))
        return -EPERM;
    process->pgid = pgid;
    return 0;
}

int process_set_group(uint32_t pid, uint32_t pgid)
{
    uint32_t irq = spin_lock(&processes.lock);
    int error = set_group(process_current(), pid, pgid);
    spin_unlock(&processes.lock, irq);
    return error;
}

int process_new_session(void)
{
    struct process *self = process_current();
    uint32_t irq = spin_lock(&processes.lock);
    bool taken = false;

    list_for_each(node, &processes.list)
        taken |= to_process(node)->pgid == self->pid;
    if (!taken)
        self->pgid = self->sid = self->pid;
    spin_unlock(&processes.lock, irq);
    return taken ? -EPERM : (int)self->pid;
}

/* ---- views ---- */

static uint32_t limit_to_bytes(const struct resource_limit *limit)
{
    return limit->current >= SPACE_UNLIMITED ? SPACE_UNLIMITED : (uint32_t)limit->current;
}

void process_space_limits(const struct process *process, struct space_limits *limits)
{
    *limits = (struct space_limits){
        .address_space = limit_to_bytes(&process->limits[RLIMIT_AS]),
        .data = limit_to_bytes(&process->limits[RLIMIT_DATA]),
        .stack = limit_to_bytes(&process->limits[RLIMIT_STACK]),
    };
}

/* Lock held. */
static char state_letter(const struct process *process)
{
    if (process->state != PROCESS_RUNNING)
        return process->state == PROCESS_ZOMBIE ? 'Z' : 'T';
    list_for_each(node, &process->tasks) {
        enum thread_state state = to_task(node)->thread->state;
        if (state == THREAD_READY || state == THREAD_RUNNING)
            return 'R';
    }
    return 'S';
}

/* Lock held. */
static void fill_task_info(const struct process *process, struct process_info *info)
{
    const struct task *first = to_task(process->tasks.next);
    const struct trap_frame *frame = thread_user_frame(first->thread);

    info->tid = first->tid;
    info->user_eip = frame->eip;
    info->user_esp = frame->user_esp;
    info->blocked = first->signals.blocked;
    info->pending |= first->signals.pending.set;
    list_for_each(node, &process->tasks)
        info->ticks += to_task(node)->thread->ticks;
}

/* Lock held. */
static void fill_signal_info(const struct process *process, struct process_info *info)
{
    info->pending = process->signals.pending.set;
    for (int signal = 1; signal <= SIGNAL_COUNT; signal++) {
        uaddr_t handler = process->signals.actions[signal - 1].handler;
        if (handler == SIG_IGN)
            info->ignored |= signal_bit(signal);
        else if (handler != SIG_DFL)
            info->caught |= signal_bit(signal);
    }
}

/* Lock held. */
static void fill_info(const struct process *process, struct process_info *info)
{
    *info = (struct process_info){
        .pid = process->pid,
        .ppid = process_parent_pid(process),
        .pgid = process->pgid,
        .sid = process->sid,
        .tid = process->pid,
        .state = process->state,
        .background = process->mode == PROCESS_BACKGROUND,
        .state_letter = state_letter(process),
        .threads = process->task_count,
        .faults = process->minor_faults,
        .ticks = process->user_ticks + process->system_ticks,
        .child_ticks = process->child_ticks,
        .start_ns = process->start_ns,
        .wait_status = process->wait_status,
        .exit_signal = process->exit_signal,
        .oom_score_adj = process->oom_score_adj,
        .nice = process->nice,
        .umask = process->umask,
    };
    strlcpy(info->name, process->name, sizeof(info->name));
    memcpy(info->limits, process->limits, sizeof(info->limits));
    fill_signal_info(process, info);
    if (!list_is_empty(&process->tasks))
        fill_task_info(process, info);
    if (process->space) {
        info->virtual_pages = process->space->vmas.npages;
        info->resident = process->space->resident;
        for (unsigned cause = 0; cause < FAULT_BAD; cause++)
            info->faults += process->space->faults[cause];
    }
}

bool process_next_info(uint32_t *pid, struct process_info *info)
{
    uint32_t irq = spin_lock(&processes.lock);
    bool found = false;

    list_for_each(node, &processes.list) {
        struct process *process = to_process(node);
        if (process->pid < *pid)
            continue;
        *pid = process->pid;
        fill_info(process, info);
        found = true;
        break;
    }
    spin_unlock(&processes.lock, irq);
    return found;
}

bool task_next_tid(uint32_t pid, uint32_t *tid)
{
    uint32_t irq = spin_lock(&processes.lock), best = UINT32_MAX;
    struct process *process = process_find(pid);

    if (process)
        list_for_each(node, &process->tasks)
            if (to_task(node)->tid >= *tid)
                best = MIN(best, to_task(node)->tid);
    spin_unlock(&processes.lock, irq);
    if (best == UINT32_MAX)
        return false;
    *tid = best;
    return true;
}

void process_get_stats(struct process_stats *stats)
{
    uint32_t irq = spin_lock(&processes.lock);

    *stats = processes.stats;
    stats->running = 0;
    list_for_each(node, &processes.list)
        stats->running += state_letter(to_process(node)) == 'R';
    spin_unlock(&processes.lock, irq);
}

/* ---- check ---- */

/* Lock held. */
static bool check_process(const struct process *process)
{
    unsigned tasks = 0;
    bool good = process->live_count <= process->task_count;

    list_for_each(node, &process->tasks) {
        good &= to_task(node)->process == process && to_task(node)->thread != NULL;
        tasks++;
    }
    list_for_each(node, &process->children)
        good &= list_entry(node, struct process, sibling)->parent == process;
    good &= tasks == process->task_count;
    good &= (process->state == PROCESS_ZOMBIE) == (tasks == 0);
    good &= process->live_count > 0 || (!process->files && list_is_empty(&process->children)) ||
            process->exiting;
    return good;
}

bool process_check(void)
{
    uint32_t last = 0, count = 0, tasks = 0, irq = spin_lock(&processes.lock);
    bool good = true;

    list_for_each(node, &processes.list) {
        struct process *process = to_process(node);
        bool fine = process->pid > last && check_process(process);
        if (!fine)
            log_err("process: %u (%s) is inconsistent, or out of order", process->pid,
                    process->name);
        good &= fine;
        last = process->pid;
        tasks += process->task_count;
        count++;
    }
    if (count != processes.stats.processes || tasks != processes.stats.tasks) {
        log_err("process: %u processes with %u threads, counted %u with %u", count, tasks,
                processes.stats.processes, processes.stats.tasks);
        good = false;
    }
    spin_unlock(&processes.lock, irq);
    return good;
}
