/* kernel/proc/process_internal.h - what the parts of the process module share: process.c (the
 * table), fork.c, exit.c, start.c, exec.c. */
#pragma once

#include "kernel/proc/exec.h"
#include "kernel/proc/process.h"

#define INIT_PID 1u       /* the kernel, as far as programs can see: it adopts orphans */
#define NUMBER_FIRST 2u   /* pids and tids are given from here on .. */
#define NUMBER_MAX 32768u /* pids and tids are below, as Linux's default */

struct process_table {
    struct spinlock lock;
    struct list_node list; /* in order of pid */
    struct slab_cache *process_cache, *task_cache;
    struct wait_queue changed; /* a thread is gone, a process has ended or stopped */
    uint32_t next_number;      /* to be given next .. */
    uint32_t free_until;       /* .. and nobody has one from there up to here */
    uint32_t foreground;
    process_news_hook news_hook;
    struct process_stats stats; /* without `running` */
};
extern struct process_table processes;

/* "processes" for functions that are also called with it held: on one processor, a lock that is
 * held is held by whoever asks. */
static inline bool processes_lock_nested(uint32_t *irq)
{
    if (spin_is_held(&processes.lock))
        return false;
    *irq = spin_lock(&processes.lock);
    return true;
}

static inline void processes_unlock_nested(bool taken, uint32_t irq)
{
    if (taken)
        spin_unlock(&processes.lock, irq);
}

/* ---- process.c ---- */

/* "processes" held, or the running process's own. */
static inline uint32_t process_parent_pid(const struct process *process)
{
    return process->parent ? process->parent->pid : INIT_PID;
}

/* The process with this pid, or NULL.  Lock held. */
struct process *process_find(uint32_t pid);

/* Enter a new process with its first task, or a task of a process that is entered already: it
 * gets its number.  0, or -EAGAIN (the process is ending; too many). */
int process_enter(struct process *process, struct task *task);

/* Take it out of the table, its family and its parent's.  Lock held. */
void process_remove(struct process *process);

/* ---- fork.c ---- */

/* A process with default limits that nobody knows yet; NULL: no memory. */
struct process *process_alloc(const char *name);

/* Free one that is not, or no longer, in the table, with all that it still has. */
void process_free(struct process *process);

/* A first or further thread of `process`, a copy of the running task `from` if that is not
 * NULL; the other arguments as for thread_create_user().  NULL: no memory. */
struct task *task_create(struct process *process, const struct task *from,
                         void (*entry)(void *task), const struct trap_frame *frame);
void task_discard(struct task *task); /* never started */

/* Whoever waits for the end of a vfork sleeps here; on its kernel stack. */
struct vfork_wait {
    struct wait_queue queue;
    bool done;
};

/* The process does not use its parent's memory any more. */
void process_release_vfork(struct process *process);

/* ---- exit.c ---- */

/* The end of a thread that has been freed; interrupts off. */
void task_gone(void *task);

/* The running task stops using its memory: futexes and clear_child_tid are seen to. */
void task_leave_memory(struct task *task);

/* Add up what the process has used of the space it leaves. */
void process_account_space(struct process *process, const struct space *space);

/* A wait status as who started the process gets it: an exit code, or STATUS_SIGNALLED + signal. */
static inline int process_end_status(int wait_status)
{
    int signal = wait_status & 0x7F;
    return signal ? STATUS_SIGNALLED + signal : (wait_status >> 8) & 0xFF;
}

/* ---- exec.c, start.c ---- */

/* The running process's program is this one now (it has no other threads); takes over the
 * references to `space`, which is active, and `executable`.  Cannot fail. */
void exec_commit(struct space *space, struct inode *executable, const char *path);

/* Registers of a program that starts. */
void exec_set_frame(struct trap_frame *frame, const struct exec_image *image);
