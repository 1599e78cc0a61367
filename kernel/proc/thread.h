/* kernel/proc/thread.h - kernel threads and the scheduler: round robin, preemptive, one
 * processor. Below: cpu, mm.  Above: process, tty, shell.
 * Lock: interrupts off (run queue, states, wait queues): a spin lock could not be held across
 * the switch.  A thread may be preempted wherever interrupts are on; who holds a spin lock has
 * them off. */
#pragma once

#include "kernel/cpu/fpu.h"
#include "kernel/cpu/trap.h"
#include "kernel/lib/list.h"

#define KERNEL_STACK_PAGES 2u
#define THREAD_NAME_MAX 16u

enum thread_state { THREAD_READY, THREAD_RUNNING, THREAD_SLEEPING, THREAD_DEAD };

struct process;

struct thread {
    uintptr_t esp; /* saved stack pointer while it does not run */
    enum thread_state state;
    uint32_t id;
    char name[THREAD_NAME_MAX];
    void *stack;               /* vmalloc'ed, KERNEL_STACK_PAGES */
    struct process *process;   /* NULL: a kernel thread */
    struct fpu_state *fpu;     /* NULL: a kernel thread */
    struct list_node run_node; /* in the run queue or a wait queue */
    struct list_node all_node;
    uint64_t wake_tick; /* while it sleeps with a time limit; 0 = none */
    uint64_t ticks;     /* of the timer while it ran */
    uint64_t switches;
    void (*entry)(void *argument);
    void *argument;
    void (*gone)(void *argument); /* called when all of the thread is freed; interrupts off */
};

/* Threads that wait for one event, in order of arrival. */
struct wait_queue {
    struct list_node threads;
};

void wait_queue_init(struct wait_queue *queue);

/* Set up the scheduler; nothing runs yet. */
void thread_init(void);

/* Leave the boot stack for good: start the idle thread and the thread that runs `entry`, both
 * on guarded stacks, with interrupts on. */
_Noreturn void thread_run(void (*entry)(void));

/* Start a kernel thread; NULL if there is no memory.  It ends when entry returns. */
struct thread *thread_create(const char *name, void (*entry)(void *), void *argument);

/* Start the thread of a process: with FPU state; `gone(argument)` tells that all of it is
 * freed. */
struct thread *thread_create_user(struct process *process, void (*entry)(void *),
                                  void (*gone)(void *));

/* The running thread.  Only the scheduler writes the variable. */
extern struct thread *running_thread;

static inline struct thread *thread_current(void)
{
    return running_thread;
}

_Noreturn void thread_exit(void);

/* Let others run. */
void thread_yield(void);

/* Sleep at least so many ticks (0: as thread_yield).  Returns early when the process is
 * killed. */
void thread_sleep_ticks(uint64_t nticks);

/* Wait until `queue` is woken.  To lose no wake-up: interrupts off, test the condition, call
 * this (it returns with interrupts off), test again.  Returns false if the thread's process is
 * being killed. */
bool wait_queue_sleep(struct wait_queue *queue);

/* The same with a time limit in ticks; false on time-out or kill. */
bool wait_queue_sleep_ticks(struct wait_queue *queue, uint64_t nticks);

/* Wake all (or the first) of a queue; any context.  Returns how many. */
unsigned wait_queue_wake_all(struct wait_queue *queue);
unsigned wait_queue_wake_one(struct wait_queue *queue);

/* Make a sleeping thread ready, whatever it waits for (kill). */
void thread_wake(struct thread *thread);

/* Copies for `ps`: the thread with the smallest id >= *id; false when there is none. */
struct thread_info {
    uint32_t id;
    uint32_t pid; /* 0: a kernel thread */
    char name[THREAD_NAME_MAX];
    enum thread_state state;
    uint64_t ticks, switches;
    uint32_t stack_bytes_used; /* when it was last switched away */
};
bool thread_next_info(uint32_t *id, struct thread_info *info);

struct thread_stats {
    uint32_t threads;
    uint64_t switches, preemptions, idle_ticks;
};
void thread_get_stats(struct thread_stats *stats);
bool thread_check(void);
