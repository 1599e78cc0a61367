/* kernel/sched/thread.h - threads and the scheduler: round robin, preemptive, one processor.
 * Below: cpu, mm.  Above: fs, proc, shell.
 * Lock: interrupts off (run queue, states, wait queues): a spin lock could not be held across
 * the switch.  A thread may be preempted wherever interrupts are on; who holds a spin lock has
 * them off. */
#pragma once

#include "kernel/cpu/fpu.h"
#include "kernel/cpu/gdt.h"
#include "kernel/cpu/trap.h"
#include "kernel/lib/list.h"

#ifdef KASAN
#define KERNEL_STACK_PAGES 4u /* redzones between the variables, and calls of the checks */
#else
#define KERNEL_STACK_PAGES 2u
#endif
#define THREAD_NAME_MAX 16u

enum thread_state { THREAD_READY, THREAD_RUNNING, THREAD_SLEEPING, THREAD_DEAD };

struct space;
struct task;

struct thread {
    uintptr_t esp; /* saved stack pointer while it does not run */
    enum thread_state state;
    uint32_t id;
    char name[THREAD_NAME_MAX];
    void *stack;                 /* vmalloc'ed, KERNEL_STACK_PAGES */
    struct task *task;           /* what proc/ knows of it; NULL: a kernel thread */
    struct space *space;         /* loaded whenever it runs; NULL: a kernel thread */
    struct fpu_state *fpu;       /* NULL: a kernel thread */
    uint64_t tls[GDT_TLS_COUNT]; /* its own segment descriptors (set_thread_area) */
    bool interrupted;            /* a signal is to be seen to: sleeps end early */
    bool deaf;                   /* the sleep it is in does not */
    uint32_t user_work;        /* trap_user_work while it runs: != 0, see to it before ring 3 */
    uint32_t inject_countdown; /* mm/inject.h: its N-th allocation fails; 0 = off */
    struct list_node run_node; /* in the run queue or a wait queue */
    struct list_node all_node;
    struct list_node sleep_node; /* while wake_tick != 0: in order of it */
    uint64_t wake_tick;          /* while it sleeps with a time limit; 0 = none */
    uint64_t ticks;              /* of the timer while it ran */
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

/* A thread for a program: not ready yet (thread_start_user), with FPU state, `space` (may be
 * NULL until it has made one), and `gone(task)`, which tells that all of it is freed.  It
 * begins with entry(task) (NULL: nothing) in the kernel and then goes to ring 3 with `frame`,
 * which is copied (NULL: zeros; entry fills in thread_user_frame()).  `parent`: the running
 * thread, whose FPU registers and segment descriptors it inherits; NULL: fresh ones.  NULL: no
 * memory. */
struct thread *thread_create_user(const char *name, struct task *task, struct space *space,
                                  void (*entry)(void *), const struct trap_frame *frame,
                                  struct thread *parent, void (*gone)(void *));
void thread_start_user(struct thread *thread);

/* Where the registers of a program's thread are while it is in the kernel: the top of its
 * kernel stack, for a trap from ring 3 always pushes them there. */
struct trap_frame *thread_user_frame(const struct thread *thread);

/* A thread that was created and never started: freed without calling gone(). */
void thread_discard(struct thread *thread);

/* The running thread changes its address space (exec; NULL: none any more); the old one's
 * reference is the caller's. */
void thread_set_space(struct space *space);

/* The running thread's FPU registers and segment descriptors as a new program finds them
 * (exec). */
void thread_reset_user(void);

/* A signal is there for the thread (or no longer): mark it; it leaves an interruptible sleep
 * and calls the user-work hook before it goes on in ring 3.  Any context. */
void thread_interrupt(struct thread *thread);
void thread_clear_interrupt(struct thread *thread);

/* The running thread.  Only the scheduler writes the variable. */
extern struct thread *running_thread;

static inline struct thread *thread_current(void)
{
    return running_thread;
}

_Noreturn void thread_exit(void);

/* Let others run. */
void thread_yield(void);

/* Sleep at least so many ticks (0: as thread_yield).  Returns early when the thread is
 * interrupted. */
void thread_sleep_ticks(uint64_t nticks);

/* Wait until `queue` is woken.  To lose no wake-up: interrupts off, test the condition, call
 * this (it returns with interrupts off), test again.  Returns false if the thread is
 * interrupted (a signal). */
bool wait_queue_sleep(struct wait_queue *queue);

/* The same, deaf to signals: for short waits that must succeed (mutex). */
void wait_queue_sleep_deaf(struct wait_queue *queue);

/* The same for who waits for the end only (SIGKILL): sleeps although the thread is interrupted
 * already, and is woken by each further thread_interrupt(), too; look what it was, and call
 * again. */
void wait_queue_sleep_again(struct wait_queue *queue);

/* The same as wait_queue_sleep() with a time limit in ticks; false on time-out or
 * interruption. */
bool wait_queue_sleep_ticks(struct wait_queue *queue, uint64_t nticks);

/* Wake all (or the first) of a queue; any context.  Returns how many. */
unsigned wait_queue_wake_all(struct wait_queue *queue);
unsigned wait_queue_wake_one(struct wait_queue *queue);

/* Make a sleeping thread ready, whatever it waits for. */
void thread_wake(struct thread *thread);

/* Be called at each tick of the timer, in interrupt context (alarms). */
void sched_set_tick_hook(void (*hook)(uint64_t now_ticks));

/* A few kernel stacks of threads that have ended are kept for the next ones: give them back.
 * Returns the number of frames. */
uint32_t thread_shrink(void);

/* Copies for `ps`: the thread with the smallest id >= *id; false when there is none. */
struct thread_info {
    uint32_t id;
    const struct task *task; /* NULL: a kernel thread; only to compare */
    char name[THREAD_NAME_MAX];
    enum thread_state state;
    uint64_t ticks, switches;
    uint32_t stack_bytes_used; /* when it was last switched away */
};
bool thread_next_info(uint32_t *id, struct thread_info *info);

/* Call `visit` for the used part of each thread's kernel stack (its registers are there, too), of
 * the running one up to the caller: for who looks for pointers (mm/leaks.h).  Interrupts off. */
void thread_visit_stacks(void (*visit)(const void *start, const void *end));

struct thread_stats {
    uint32_t threads, spare_stacks;
    uint64_t switches, preemptions, idle_ticks;
};
void thread_get_stats(struct thread_stats *stats);
bool thread_check(void);
