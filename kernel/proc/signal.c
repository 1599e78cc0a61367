/* Signals: who has which pending, and what becomes of it.
 *
 * Problem     Tell a program, at any moment, that something has happened.
 * Words       pending: sent, not yet acted upon; of the process (any of its threads may take it) or of
 *             one thread.  blocked: a thread's mask; what is in it stays pending.  action: what the
 *             process wants done: the default, nothing, or a call of its handler.
 *
 *     send ---> dropped, if it is ignored and not blocked
 *       |
 *       +-----> pending: a bit, and an entry with the details in a queue
 *                 |      (numbers 1..31 are there once at most; real-time ones are counted)
 *                 |
 *                 +--> thread_interrupt(): a thread that wants it leaves its sleep, and passes
 *                      signal_deliver() on its way to ring 3: handler, default action, or nothing
 *
 * Stop        SIGSTOP and its kin make the process PROCESS_STOPPED; its threads wait in
 *             signal_deliver().  SIGCONT ends that at the moment it is sent, even if it is blocked or
 *             ignored; SIGKILL too.  Pending stops and SIGCONT cancel each other.
 * Kill        SIGKILL is only a mark here.  The first thread that sees it ends the process, in its own
 *             context; process->exiting then sends the others the same way.
 * Invariant   thread->interrupted is set while a thread has anything to do in signal_deliver(); it may
 *             be set too often (a look finds nothing), never too rarely.
 * Frames of handlers, restarts of system calls: signal_frame.c.  Exceptions: signal_fault.c.
 * Lock        "signals"; with interrupts off, lists of threads do not change.
 * Reading     signal(7); POSIX.1-2017, XSH 2.4. */
#include "kernel/proc/signal.h"

#include "kernel/cpu/spinlock.h"
#include "kernel/lib/errno.h"
#include "kernel/lib/format.h"
#include "kernel/lib/string.h"
#include "kernel/proc/process.h"
#include "kernel/proc/signal_internal.h"
#include "mm/slab.h"

#define QUEUE_MAX \
    1024u /* entries of all processes together: nobody fills memory with signals */

struct queued_signal {
    struct list_node node;
    struct signal_info info;
};

static struct {
    struct spinlock lock;
    struct slab_cache *cache;
    struct wait_queue stopped; /* threads of stopped processes */
    struct signal_stats stats;
} signals = {
    .lock = SPINLOCK_INIT("signals"),
    .stopped = { .threads = LIST_INIT(signals.stopped.threads) },
};

enum default_action { TERMINATE, IGNORE, STOP, CONTINUE };

static enum default_action default_action(int signal)
{
    switch (signal) {
    case SIGCHLD:
    case SIGURG:
    case SIGWINCH:
        return IGNORE;
    case SIGCONT:
        return CONTINUE;
    case SIGSTOP:
    case SIGTSTP:
    case SIGTTIN:
    case SIGTTOU:
        return STOP;
    default:
        return TERMINATE;
    }
}

static signal_set stop_signals(void)
{
    return signal_bit(SIGSTOP) | signal_bit(SIGTSTP) | signal_bit(SIGTTIN) |
           signal_bit(SIGTTOU);
}

static signal_set unblockable(void)
{
    return signal_bit(SIGKILL) | signal_bit(SIGSTOP);
}

/* Signals that the thread itself has caused come before all others: their handlers must see the
 * registers of the moment. */
static signal_set synchronous(void)
{
    return signal_bit(SIGSEGV) | signal_bit(SIGBUS) | signal_bit(SIGILL) | signal_bit(SIGTRAP) |
           signal_bit(SIGFPE) | signal_bit(SIGSYS);
}

static struct task *to_task(struct list_node *node)
{
    return list_entry(node, struct task, node);
}

/* ---- queues; lock held ---- */

static void queue_init(struct signal_pending *pending)
{
    pending->set = 0;
    list_init(&pending->queue);
}

static void free_entry(struct queued_signal *entry)
{
    list_remove(&entry->node);
    slab_free(signals.cache, entry);
    signals.stats.queued--;
}

static void queue_remove(struct signal_pending *pending, signal_set set)
{
    if (!(pending->set & set))
        return;
    pending->set &= ~set;
    list_for_each_safe(node, &pending->queue) {
        struct queued_signal *entry = list_entry(node, struct queued_signal, node);
        if (signal_bit(entry->info.signal) & set)
            free_entry(entry);
    }
}

/* Without memory a signal of the old kind is still delivered, but says nothing of its origin. */
static int queue_add(struct signal_pending *pending, const struct signal_info *info)
{
    bool real_time = info->signal >= SIGNAL_FIRST_REALTIME;
    struct queued_signal *entry = NULL;

    if (!real_time && (pending->set & signal_bit(info->signal)))
        return 0;
    if (signals.stats.queued < QUEUE_MAX)
        entry = slab_alloc(signals.cache, PAGE_ANY);
    if (!entry && real_time && info->code != SI_USER)
        return -EAGAIN;
    if (entry) {
        entry->info = *info;
        list_add_tail(&pending->queue, &entry->node);
        signals.stats.queued++;
    }
    pending->set |= signal_bit(info->signal);
    return 0;
}

/* Take the oldest entry of a number; the bit stays if there is another one. */
static void queue_take_number(struct signal_pending *pending, int signal,
                              struct signal_info *info)
{
    struct queued_signal *first = NULL;
    bool more = false;

    list_for_each(node, &pending->queue) {
        struct queued_signal *entry = list_entry(node, struct queued_signal, node);
        if (entry->info.signal != signal)
            continue;
        more = first != NULL;
        if (more)
            break;
        first = entry;
    }
    if (first) {
        *info = first->info;
        free_entry(first);
    } else {
        memset(info, 0, sizeof(*info));
        info->signal = signal;
    }
    if (!more)
        pending->set &= ~signal_bit(signal);
}

static int lowest(signal_set set)
{
    uint32_t low = (uint32_t)set;
    return low ? __builtin_ctz(low) + 1 : __builtin_ctz((uint32_t)(set >> 32)) + 33;
}

static bool queue_take(struct signal_pending *pending, signal_set wanted,
                       struct signal_info *info)
{
    signal_set set = pending->set & wanted;

    if (!set)
        return false;
    if (set & synchronous())
        set &= synchronous();
    queue_take_number(pending, lowest(set), info);
    return true;
}

/* ---- who is to act; lock held ---- */

static bool wants(const struct task *task, int signal)
{
    return ((~task->signals.blocked | task->signals.awaited) & signal_bit(signal)) != 0;
}

static signal_set deliverable(const struct task *task)
{
    const struct task_signals *own = &task->signals;
    return (own->pending.set | task->process->signals.pending.set) &
           (~own->blocked | own->awaited);
}

/* Is the thread to end because its process does?  (execve(2) ends all others.) */
static bool is_ending(const struct task *task)
{
    return task->process->exiting && task->process->exec_task != task;
}

/* Has the thread anything to do in signal_deliver()?  Mark it so, or not. */
static bool refresh(struct task *task)
{
    const struct process *process = task->process;
    bool busy = deliverable(task) || is_ending(task) || process->state == PROCESS_STOPPED ||
                process->signals.tell_continued;

    if (!task->thread)
        return busy;
    if (busy)
        thread_interrupt(task->thread);
    else
        thread_clear_interrupt(task->thread);
    return busy;
}

static void interrupt_all(struct process *process)
{
    list_for_each(node, &process->tasks)
        if (to_task(node)->thread)
            thread_interrupt(to_task(node)->thread);
}

/* Signals of the process that `not_me` does not want (any more): somebody else's? */
static void find_others(struct process *process, const struct task *not_me)
{
    list_for_each(node, &process->tasks)
        if (to_task(node) != not_me && (deliverable(to_task(node))))
            refresh(to_task(node));
}

static void wake(struct process *process, struct task *target, int signal)
{
    if (signal == SIGKILL) {
        interrupt_all(process);
    } else if (target) {
        if (wants(target, signal) && target->thread)
            thread_interrupt(target->thread);
    } else {
        list_for_each(node, &process->tasks) {
            struct task *task = to_task(node);
            if (!wants(task, signal) || !task->thread)
                continue;
            thread_interrupt(task->thread);
            break;
        }
    }
}

/* ---- send ---- */

static bool is_ignored(struct process *process, struct task *target, int signal)
{
    const struct task *task = target ? target : to_task(process->tasks.next);
    uaddr_t handler = process->signals.actions[signal - 1].handler;

    if ((task->signals.blocked | task->signals.awaited) & signal_bit(signal))
        return false;
    if (handler == SIG_DFL)
        return default_action(signal) == IGNORE || default_action(signal) == CONTINUE;
    return handler == SIG_IGN;
}

static void remove_everywhere(struct process *process, signal_set set)
{
    queue_remove(&process->signals.pending, set);
    list_for_each(node, &process->tasks)
        queue_remove(&to_task(node)->signals.pending, set);
}

static void end_stop(struct process *process)
{
    if (process->state != PROCESS_STOPPED)
        return;
    process->state = PROCESS_RUNNING;
    wait_queue_wake_all(&signals.stopped);
}

/* What a signal does at the moment it is sent, whether anybody wants it or not. */
static void act_at_once(struct process *process, int signal)
{
    if (signal == SIGKILL || signal == SIGCONT)
        process->signals.stop_taken = false;
    if (signal == SIGKILL)
        end_stop(process);
    if (signal == SIGCONT) {
        remove_everywhere(process, stop_signals());
        process->signals.tell_continued |= process->state == PROCESS_STOPPED;
        end_stop(process);
    }
    if (default_action(signal) == STOP)
        remove_everywhere(process, signal_bit(SIGCONT));
}

static int send(struct process *process, struct task *target, const struct signal_info *info)
{
    uint32_t irq = spin_lock(&signals.lock);
    int error = 0;

    signals.stats.sent++;
    if (process->state != PROCESS_ZOMBIE && !list_is_empty(&process->tasks)) {
        act_at_once(process, info->signal);
        if (!is_ignored(process, target, info->signal)) {
            error = queue_add(target ? &target->signals.pending : &process->signals.pending,
                              info);
            wake(process, target, info->signal);
        }
    }
    spin_unlock(&signals.lock, irq);
    return error;
}

int signal_send(struct process *process, const struct signal_info *info)
{
    return send(process, NULL, info);
}

int signal_send_task(struct task *task, const struct signal_info *info)
{
    return send(task->process, task, info);
}

void signal_force(const struct signal_info *info)
{
    struct task *task = task_current();
    struct signal_action *action = &task->process->signals.actions[info->signal - 1];
    uint32_t irq = spin_lock(&signals.lock);

    if (action->handler == SIG_IGN || (task->signals.blocked & signal_bit(info->signal)))
        action->handler = SIG_DFL;
    task->signals.blocked &= ~signal_bit(info->signal);
    queue_add(&task->signals.pending, info);
    refresh(task);
    spin_unlock(&signals.lock, irq);
}

void signal_force_plain(int signal)
{
    const struct signal_info info = { .signal = signal, .code = SI_KERNEL };
    signal_force(&info);
}

bool signal_has_handler(int signal)
{
    struct task *task = task_current();
    uaddr_t handler = task->process->signals.actions[signal - 1].handler;

    return handler != SIG_DFL && handler != SIG_IGN &&
           !(task->signals.blocked & signal_bit(signal));
}

void signal_drop_handler(int signal)
{
    task_current()->process->signals.actions[signal - 1].handler = SIG_DFL;
}

/* ---- the running thread looks ---- */

bool signal_is_pending(void)
{
    struct task *task = task_current();
    return task && thread_current()->interrupted &&
           (deliverable(task) || is_ending(task) || task->process->state == PROCESS_STOPPED);
}

bool signal_is_fatal_pending(void)
{
    struct task *task = task_current();
    return task && (is_ending(task) ||
                    ((task->signals.pending.set | task->process->signals.pending.set) &
                     signal_bit(SIGKILL)));
}

/* Signals whose default action leaves a core dump on Linux (signal(7)). */
static signal_set core_signals(void)
{
    return synchronous() | signal_bit(SIGQUIT) | signal_bit(SIGABRT) | signal_bit(SIGXCPU) |
           signal_bit(SIGXFSZ);
}

bool signal_is_end_pending(void)
{
    const struct task *task = task_current();
    signal_set set = task ? deliverable(task) & ~core_signals() : 0;

    for (int signal = 1; signal <= SIGNAL_COUNT && set >> (signal - 1); signal++)
        if ((set & signal_bit(signal)) && default_action(signal) == TERMINATE &&
            task->process->signals.actions[signal - 1].handler == SIG_DFL)
            return true;
    return signal_is_fatal_pending();
}

signal_set signal_pending_blocked(void)
{
    struct task *task = task_current();
    return (task->signals.pending.set | task->process->signals.pending.set) &
           task->signals.blocked;
}

int signal_take(signal_set set, struct signal_info *info)
{
    struct task *task = task_current();
    uint32_t irq = spin_lock(&signals.lock);
    bool found = queue_take(&task->signals.pending, set, info) ||
                 queue_take(&task->process->signals.pending, set, info);

    refresh(task);
    spin_unlock(&signals.lock, irq);
    return found ? info->signal : 0;
}

void signal_set_blocked(signal_set blocked)
{
    struct task *task = task_current();
    uint32_t irq = spin_lock(&signals.lock);
    signal_set added = blocked & ~task->signals.blocked;

    task->signals.blocked = blocked & ~unblockable();
    refresh(task);
    if (added & task->process->signals.pending.set)
        find_others(task->process, task);
    spin_unlock(&signals.lock, irq);
}

void signal_set_mask_for_call(signal_set mask)
{
    struct task_signals *own = &task_current()->signals;

    own->saved = own->blocked;
    own->restore_saved = true;
    signal_set_blocked(mask);
}

void signal_restore_mask(void)
{
    struct task_signals *own = &task_current()->signals;

    if (!own->restore_saved)
        return;
    own->restore_saved = false;
    signal_set_blocked(own->saved);
}

bool signal_is_blocked_or_ignored(int signal)
{
    struct task *task = task_current();
    return (task->signals.blocked & signal_bit(signal)) ||
           task->process->signals.actions[signal - 1].handler == SIG_IGN;
}

int signal_change_action(int signal, const struct signal_action *action,
                         struct signal_action *old)
{
    struct process *process = process_current();

    if (signal < 1 || signal > SIGNAL_COUNT || (action && (signal_bit(signal) & unblockable())))
        return -EINVAL;
    struct signal_action *current = &process->signals.actions[signal - 1];
    uint32_t irq = spin_lock(&signals.lock);
    if (old)
        *old = *current;
    if (action) {
        *current = *action;
        current->mask &= ~unblockable();
        enum default_action without = default_action(signal);
        if (action->handler == SIG_IGN ||
            (action->handler == SIG_DFL && (without == IGNORE || without == CONTINUE)))
            remove_everywhere(process, signal_bit(signal));
    }
    spin_unlock(&signals.lock, irq);
    return 0;
}

/* ---- what happens: the running thread, on its way to ring 3 ---- */

/* Who is ending counts no more, as a parent or (below) as a member.  The kernel's shell is a parent,
 * too. */
bool signal_has_parent_outside(const struct process *process)
{
    const struct process *parent = process->parent;

    return parent ? parent->live_count > 0 && parent->pgid != process->pgid &&
                        parent->sid == process->sid
                  : process->mode != PROCESS_CHILD;
}

static void find_parent_outside(struct process *process, void *found)
{
    *(bool *)found |= process->live_count > 0 && signal_has_parent_outside(process);
}

bool signal_group_is_orphaned(uint32_t pgid)
{
    bool found = false;

    process_for_each(pgid, find_parent_outside, &found);
    return !found;
}

/* Unless a SIGCONT, or the end, has come since the stop signal was taken. */
static void stop(struct process *process, int signal)
{
    if (signal != SIGSTOP && signal_group_is_orphaned(process->pgid))
        return;
    uint32_t irq = irq_save();
    if (process->signals.stop_taken && !process->exiting) {
        process->signals.stop_taken = false;
        process_stopped(process, signal);
        interrupt_all(process);
    }
    irq_restore(irq);
}

static void do_default(struct process *process, int signal)
{
    switch (default_action(signal)) {
    case TERMINATE:
        process_exit(signal);
    case STOP:
        stop(process, signal);
        break;
    case IGNORE:
    case CONTINUE:
        break;
    }
}

/* The thread of a stopped process waits here. */
static void wait_while_stopped(struct process *process)
{
    uint32_t irq = irq_save();

    while (process->state == PROCESS_STOPPED && !is_ending(task_current())) {
        thread_clear_interrupt(thread_current());
        wait_queue_sleep(&signals.stopped);
    }
    bool tell = process->signals.tell_continued;
    process->signals.tell_continued = false;
    irq_restore(irq);
    if (tell)
        process_continued(process);
}

/* The next signal for which the action is not the default one; lock held.  SIGKILL first. */
static bool take_next(struct task *task, struct signal_info *info)
{
    signal_set wanted = ~task->signals.blocked;

    if (signal_is_fatal_pending())
        wanted = signal_bit(SIGKILL);
    return queue_take(&task->signals.pending, wanted, info) ||
           queue_take(&task->process->signals.pending, wanted, info);
}

bool signal_next_handled(struct signal_info *info, struct signal_action *action)
{
    struct task *task = task_current();
    struct process *process = task->process;

    for (;;) {
        wait_while_stopped(process);
        if (is_ending(task))
            task_exit(process->wait_status);
        uint32_t irq = spin_lock(&signals.lock);
        if (!take_next(task, info)) {
            spin_unlock(&signals.lock, irq);
            return false;
        }
        struct signal_action *current = &process->signals.actions[info->signal - 1];
        *action = *current;
        bool handled = action->handler != SIG_DFL && action->handler != SIG_IGN;
        signals.stats.handled += handled;
        process->signals.stop_taken |= !handled && default_action(info->signal) == STOP;
        if (handled && (action->flags & SA_RESETHAND))
            current->handler = SIG_DFL;
        spin_unlock(&signals.lock, irq);
        if (handled)
            return true;
        if (action->handler == SIG_DFL)
            do_default(process, info->signal);
    }
}

bool signal_refresh(void)
{
    uint32_t irq = spin_lock(&signals.lock);
    bool busy = refresh(task_current());
    spin_unlock(&signals.lock, irq);
    return busy;
}

/* ---- life of processes and threads ---- */

void signal_process_init(struct process *process, const struct process *from)
{
    /* Other threads of `from` may be changing its actions. */
    uint32_t irq = spin_lock(&signals.lock);

    queue_init(&process->signals.pending);
    process->signals.stop_taken = process->signals.tell_continued = false;
    if (from)
        memcpy(process->signals.actions, from->signals.actions, sizeof(from->signals.actions));
    else
        memset(process->signals.actions, 0, sizeof(process->signals.actions));
    spin_unlock(&signals.lock, irq);
}

/* A thread has no part of its maker's alternate stack; a process has a copy of it. */
void signal_task_init(struct task *task, const struct task *from)
{
    struct task_signals *own = &task->signals;

    memset(own, 0, sizeof(*own));
    queue_init(&own->pending);
    if (!from)
        return;
    own->blocked = from->signals.blocked;
    if (task->process == from->process)
        return;
    own->altstack = from->signals.altstack;
    own->altstack_size = from->signals.altstack_size;
    own->altstack_flags = from->signals.altstack_flags;
}

void signal_exec(struct process *process)
{
    uint32_t irq = spin_lock(&signals.lock);

    for (unsigned i = 0; i < SIGNAL_COUNT; i++) {
        struct signal_action *action = &process->signals.actions[i];
        *action = (struct signal_action){ .handler = action->handler == SIG_IGN ? SIG_IGN
                                                                                : SIG_DFL };
    }
    list_for_each(node, &process->tasks) {
        struct task_signals *own = &to_task(node)->signals;
        own->altstack = own->altstack_size = own->altstack_flags = 0;
    }
    spin_unlock(&signals.lock, irq);
}

void signal_process_free(struct process *process)
{
    uint32_t irq = spin_lock(&signals.lock);
    queue_remove(&process->signals.pending, ~(signal_set)0);
    spin_unlock(&signals.lock, irq);
}

/* What it was to take from the process is somebody else's now. */
void signal_task_free(struct task *task)
{
    uint32_t irq = spin_lock(&signals.lock);
    queue_remove(&task->signals.pending, ~(signal_set)0);
    if (task->process->signals.pending.set)
        find_others(task->process, task);
    spin_unlock(&signals.lock, irq);
}

void signal_init(void)
{
    signals.cache = slab_cache_create("sigqueue", sizeof(struct queued_signal), 0, NULL, 0);
    ASSERT(signals.cache, "no memory for the cache of queued signals");
    signal_fault_init();
}

void signal_get_stats(struct signal_stats *stats)
{
    uint32_t irq = spin_lock(&signals.lock);
    *stats = signals.stats;
    spin_unlock(&signals.lock, irq);
}

const char *signal_name(int signal)
{
    static const char *const names[] = {
        "?",        "SIGHUP",  "SIGINT",    "SIGQUIT", "SIGILL",  "SIGTRAP",   "SIGABRT",
        "SIGBUS",   "SIGFPE",  "SIGKILL",   "SIGUSR1", "SIGSEGV", "SIGUSR2",   "SIGPIPE",
        "SIGALRM",  "SIGTERM", "SIGSTKFLT", "SIGCHLD", "SIGCONT", "SIGSTOP",   "SIGTSTP",
        "SIGTTIN",  "SIGTTOU", "SIGURG",    "SIGXCPU", "SIGXFSZ", "SIGVTALRM", "SIGPROF",
        "SIGWINCH", "SIGIO",   "SIGPWR",    "SIGSYS",
    };
    static char real_time[SIGNAL_COUNT + 1 - SIGNAL_FIRST_REALTIME][sizeof("SIGRT32")];

    if (signal > 0 && signal < (int)ARRAY_SIZE(names))
        return names[signal];
    if (signal < SIGNAL_FIRST_REALTIME || signal > SIGNAL_COUNT)
        return names[0];
    char *text = real_time[signal - SIGNAL_FIRST_REALTIME];
    snprintf(text, sizeof(real_time[0]), "SIGRT%d", signal - SIGNAL_FIRST_REALTIME);
    return text;
}
