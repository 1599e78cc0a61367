/* fork, vfork and clone: a process from a process, a thread from a thread.
 *
 * Everything that can fail comes first, on structures that nobody else knows; then the new one
 * gets its number and is entered in the table, which fails only if the process is about to end;
 * then it is started.  So a failure has nothing to undo but memory.
 *
 *     flags                memory         files     actions    what comes out
 *     0 (fork)             copy-on-write  copied    copied     a process
 *     VM, VFORK            the same       copied    copied     a process; the parent sleeps
 *                                                              until it has exec'ed or ended
 *     VM, FILES, SIGHAND,  the same       the same  the same   another task of the process
 *     THREAD
 *
 * What a process shares with another is counted there (struct space, file_table, inode), so
 * neither needs to know who else has it.  Tasks of one process share the process. */
#include "kernel/cpu/timer.h"
#include "kernel/lib/assert.h"
#include "kernel/lib/errno.h"
#include "kernel/lib/string.h"
#include "kernel/proc/process_internal.h"
#include "kernel/proc/tls.h"
#include "mm/slab.h"
#include "mm/uaccess.h"

#define DEFAULT_UMASK 022u
#define DEFAULT_MEMLOCK_BYTES (8u * MiB)
#define DEFAULT_MESSAGE_BYTES 819200u

enum {
    RLIMIT_CORE = 4,
    RLIMIT_NPROC = 6,
    RLIMIT_MEMLOCK = 8,
    RLIMIT_SIGPENDING = 11,
    RLIMIT_MSGQUEUE = 12,
    RLIMIT_NICE = 13,
    RLIMIT_RTPRIO = 14
};

#define ALL_OF_A_THREAD (CLONE_VM | CLONE_SIGHAND | CLONE_FILES)
#define KNOWN_FLAGS                                                                        \
    (CLONE_SIGNAL_MASK | CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_VFORK | \
     CLONE_PARENT | CLONE_THREAD | CLONE_SYSVSEM | CLONE_SETTLS | CLONE_PARENT_SETTID |    \
     CLONE_CHILD_CLEARTID | CLONE_DETACHED | CLONE_UNTRACED | CLONE_CHILD_SETTID | CLONE_IO)

/* ---- structures ---- */

static void default_limits(struct resource_limit *limits)
{
    for (unsigned i = 0; i < RLIMIT_COUNT; i++)
        limits[i] = (struct resource_limit){ RLIM_INFINITY, RLIM_INFINITY };
    limits[RLIMIT_STACK].current = USER_STACK_LIMIT;
    limits[RLIMIT_CORE].current = 0;
    limits[RLIMIT_NPROC].current = limits[RLIMIT_NPROC].maximum = NUMBER_MAX / 8;
    limits[RLIMIT_NOFILE].current = limits[RLIMIT_NOFILE].maximum = FILE_TABLE_MAX;
    limits[RLIMIT_MEMLOCK].current = limits[RLIMIT_MEMLOCK].maximum = DEFAULT_MEMLOCK_BYTES;
    limits[RLIMIT_SIGPENDING].current = limits[RLIMIT_SIGPENDING].maximum = NUMBER_MAX / 8;
    limits[RLIMIT_MSGQUEUE].current = limits[RLIMIT_MSGQUEUE].maximum = DEFAULT_MESSAGE_BYTES;
    limits[RLIMIT_NICE] = limits[RLIMIT_RTPRIO] = (struct resource_limit){ 0, 0 };
}

/* What every new process has; signals are the caller's. */
static struct process *alloc_common(const char *name)
{
    struct process *process = slab_alloc(processes.process_cache, PAGE_ZERO);

    if (!process)
        return NULL;
    strlcpy(process->name, name, sizeof(process->name));
    list_init(&process->children);
    list_init(&process->tasks);
    wait_queue_init(&process->child_changed);
    process->exit_signal = SIGCHLD;
    process->start_ns = timer_ns();
    return process;
}

struct process *process_alloc(const char *name)
{
    struct process *process = alloc_common(name);

    if (!process)
        return NULL;
    signal_process_init(process, NULL);
    default_limits(process->limits);
    process->umask = DEFAULT_UMASK;
    return process;
}

void process_free(struct process *process)
{
    if (process->space)
        space_put(process->space);
    if (process->files)
        file_table_release(process->files);
    if (process->cwd)
        inode_put(process->cwd);
    if (process->executable)
        inode_put(process->executable);
    signal_process_free(process);
    slab_free(processes.process_cache, process);
}

struct task *task_create(struct process *process, const struct task *from,
                         void (*entry)(void *task), const struct trap_frame *frame)
{
    struct task *task = slab_alloc(processes.task_cache, PAGE_ZERO);

    if (!task)
        return NULL;
    task->process = process;
    signal_task_init(task, from);
    task->thread = thread_create_user(process->name, task, process->space, entry, frame,
                                      from ? from->thread : NULL, task_gone);
    if (!task->thread) {
        signal_task_free(task);
        slab_free(processes.task_cache, task);
        return NULL;
    }
    return task;
}

void task_discard(struct task *task)
{
    thread_discard(task->thread);
    signal_task_free(task);
    slab_free(processes.task_cache, task);
}

/* ---- a copy of a process ---- */

/* 0 or -ENOMEM; what has been copied by then is in `child`. */
static int copy_resources(struct process *child, struct process *parent, uint32_t flags)
{
    uint32_t irq = spin_lock(&processes.lock); /* another thread may be in chdir() */

    child->cwd = inode_get(parent->cwd);
    spin_unlock(&processes.lock, irq);
    child->executable = inode_get(parent->executable);
    if (flags & CLONE_FILES) {
        child->files = file_table_hold(parent->files);
        child->files_shared = parent->files_shared = true;
    } else {
        child->files = file_table_copy(parent->files);
    }
    if (!child->files)
        return -ENOMEM;
    child->space = flags & CLONE_VM ? space_get(parent->space) : space_fork(parent->space);
    return child->space ? 0 : -ENOMEM;
}

static struct process *copy_process(struct process *parent, uint32_t flags)
{
    struct process *child = alloc_common(parent->name);

    if (!child)
        return NULL;
    signal_process_init(child, parent);
    if (copy_resources(child, parent, flags) != 0) {
        process_free(child);
        return NULL;
    }
    child->mode = PROCESS_CHILD;
    child->pgid = parent->pgid;
    child->sid = parent->sid;
    child->umask = parent->umask;
    child->exit_signal = flags & CLONE_SIGNAL_MASK;
    child->oom_score_adj = parent->oom_score_adj;
    child->nice = parent->nice;
    child->told_enosys = parent->told_enosys;
    memcpy(child->limits, parent->limits, sizeof(child->limits));
    return child;
}

/* ---- vfork ---- */

void process_release_vfork(struct process *process)
{
    uint32_t irq = irq_save();
    struct vfork_wait *wait = process->vfork;

    process->vfork = NULL;
    if (wait) {
        wait->done = true;
        wait_queue_wake_all(&wait->queue);
    }
    irq_restore(irq);
}

/* Deaf to signals, but not to those that end the process; `child` exists until it is done. */
static void wait_for_vfork(struct vfork_wait *wait, struct process *child)
{
    uint32_t irq = irq_save();

    while (!wait->done) {
        if (thread_current()->interrupted && signal_is_end_pending()) {
            child->vfork = NULL;
            break;
        }
        wait_queue_sleep_again(&wait->queue);
    }
    irq_restore(irq);
}

/* ---- clone ---- */

static int check_request(uint32_t flags)
{
    if (flags & ~KNOWN_FLAGS || (flags & CLONE_SIGNAL_MASK) > SIGNAL_COUNT)
        return -EINVAL;
    if ((flags & CLONE_SIGHAND) && !(flags & CLONE_VM))
        return -EINVAL;
    /* Actions, files and memory are shared by a process's threads, and by nobody else. */
    if (flags & CLONE_THREAD)
        return (flags & ALL_OF_A_THREAD) == ALL_OF_A_THREAD ? 0 : -EINVAL;
    return flags & CLONE_SIGHAND ? -EINVAL : 0;
}

/* The first thing the new task does: only now is its own memory the one that is loaded. */
static void write_own_number(void *argument)
{
    struct task *task = argument;
    copy_to_user(task->set_child_tid, &task->tid, sizeof(task->tid));
}

/* The task that `request` asks for, in `process`; NULL: no memory. */
static struct task *copy_task(struct process *process, const struct clone_request *request,
                              const struct trap_frame *frame)
{
    const struct task *from = task_current();
    struct trap_frame copy = *frame;

    copy.eax = 0;
    if (request->stack)
        copy.user_esp = request->stack;
    struct task *task = task_create(
        process, from, request->flags & CLONE_CHILD_SETTID ? write_own_number : NULL, &copy);
    if (!task)
        return NULL;
    if (request->flags & CLONE_CHILD_SETTID)
        task->set_child_tid = request->child_tid;
    if (request->flags & CLONE_CHILD_CLEARTID)
        task->clear_child_tid = request->child_tid;
    return task;
}

/* Number, table, family; nobody's parent can end in between.  Not while there is a signal to see
 * to: a new member of the group would miss one that all of it was sent (a SIGKILL, say), a new
 * thread the stop of its process.  The program calls again when it has seen to it. */
static int enter(struct task *task, uint32_t flags)
{
    struct process *self = process_current();
    uint32_t irq = irq_save();

    if (!(flags & CLONE_THREAD))
        task->process->parent = flags & CLONE_PARENT ? self->parent : self;
    int error = signal_is_pending() ? -ERESTARTNOINTR : process_enter(task->process, task);
    irq_restore(irq);
    return error;
}

/* Start a task that is complete; its number, or enter()'s error with everything undone. */
static int launch(struct task *task, const struct clone_request *request)
{
    struct process *process = task->process;
    bool is_process = !(request->flags & CLONE_THREAD);
    struct vfork_wait wait = { .done = false };

    int error = enter(task, request->flags);
    if (error) {
        task_discard(task);
        if (is_process)
            process_free(process);
        return error;
    }
    uint32_t number = task->tid; /* once it runs, it may be gone at any moment */
    if (request->flags & CLONE_PARENT_SETTID)
        copy_to_user(request->parent_tid, &number, sizeof(number));
    bool waits = is_process && (request->flags & CLONE_VFORK);
    wait_queue_init(&wait.queue);
    if (waits)
        process->vfork = &wait;
    thread_start_user(task->thread);
    if (waits)
        wait_for_vfork(&wait, process);
    return (int)number;
}

int process_clone(const struct clone_request *request, const struct trap_frame *frame)
{
    struct process *parent = process_current();
    uint64_t descriptor = 0;
    int index = -1;
    int error = check_request(request->flags);

    if (!error && request->flags & CLONE_SETTLS)
        error = tls_read(request->tls, &index, &descriptor);
    if (error)
        return error;
    if (request->flags & CLONE_SETTLS && index < 0)
        return -EINVAL;
    bool is_process = !(request->flags & CLONE_THREAD);
    struct process *process = is_process ? copy_process(parent, request->flags) : parent;
    if (!process)
        return -ENOMEM;
    struct task *task = copy_task(process, request, frame);
    if (!task) {
        if (is_process)
            process_free(process);
        return -ENOMEM;
    }
    if (request->flags & CLONE_SETTLS)
        task->thread->tls[index] = descriptor;
    return launch(task, request);
}
