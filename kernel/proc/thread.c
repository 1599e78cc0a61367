/* Threads and their scheduling.
 *
 * Problem     Several activities, one processor, and none may keep it for itself.
 * State       run queue: threads that could run, in order of arrival.  A sleeping thread is in
 *             a wait queue, or only in the list of all threads with a time to wake up at.
 *
 *                       create                    schedule
 *                 ---------------> READY  ----------------->  RUNNING ---> DEAD
 *                                    ^    <-----------------     |   exit
 *                                    |     preempted, yield      | sleep
 *                                    +------  SLEEPING  <--------+
 *                                     wake
 *
 * Preemption  At each tick, if somebody else is ready, the running thread goes to the end of
 *             the queue: round robin with a quantum of one tick (10 ms).  The switch happens on
 *             the way out of the timer interrupt, wherever the thread was, in ring 3 or in the
 *             kernel.
 * Stacks      Each from vmalloc, with a guard page below: an overflow faults.  A dead thread
 *             cannot free the stack it stands on; the thread that runs next does it.
 * Address spaces  A kernel thread has none and keeps the one that is loaded; CR3 changes only
 *             from one process to another.
 * Lock        interrupts off.
 * Reading     Tanenbaum, Modern Operating Systems, 2.4; xv6 book, chapter "Scheduling". */
#include "kernel/proc/thread.h"

#include "kernel/cpu/cpu.h"
#include "kernel/cpu/gdt.h"
#include "kernel/cpu/switch.h"
#include "kernel/cpu/timer.h"
#include "kernel/lib/assert.h"
#include "kernel/lib/string.h"
#include "kernel/log.h"
#include "kernel/proc/process.h"
#include "mm/buddy.h"
#include "mm/slab.h"
#include "mm/vmalloc.h"

static struct {
    struct thread *idle;
    struct thread *dead; /* to be freed by the thread that runs next */
    struct list_node run_queue;
    struct list_node all;
    struct slab_cache *thread_cache, *fpu_cache;
    uint32_t next_id;
    bool need_resched;
    struct thread_stats stats;
} sched = {
    .run_queue = LIST_INIT(sched.run_queue),
    .all = LIST_INIT(sched.all),
    .next_id = 1,
};

struct thread *running_thread;

static uintptr_t stack_top(const struct thread *thread)
{
    return (uintptr_t)thread->stack + KERNEL_STACK_PAGES * PAGE_SIZE;
}

static struct thread *to_thread(struct list_node *run_node)
{
    return list_entry(run_node, struct thread, run_node);
}

/* Interrupts off. */
static void make_ready(struct thread *thread)
{
    thread->state = THREAD_READY;
    thread->wake_tick = 0;
    list_add_tail(&sched.run_queue, &thread->run_node);
    if (running_thread == sched.idle)
        sched.need_resched = true;
}

static void free_thread(struct thread *thread)
{
    void (*gone)(void *) = thread->gone;
    void *argument = thread->argument;

    list_remove(&thread->all_node);
    sched.stats.threads--;
    vfree(thread->stack);
    if (thread->fpu) {
        fpu_release(thread->fpu);
        slab_free(sched.fpu_cache, thread->fpu);
    }
    slab_free(sched.thread_cache, thread);
    if (gone)
        gone(argument);
}

/* What every thread does first when the processor comes to it.  Interrupts off. */
static void finish_switch(void)
{
    struct thread *dead = sched.dead;

    sched.dead = NULL;
    if (dead)
        free_thread(dead);
}

static void switch_to(struct thread *next)
{
    struct thread *previous = running_thread;

    next->state = THREAD_RUNNING;
    sched.need_resched = false;
    if (next == previous)
        return;
    running_thread = next;
    sched.stats.switches++;
    next->switches++;
    gdt_set_kernel_stack(stack_top(next));
    fpu_switch(next->fpu);
    if (next->process && next->process->space)
        space_activate(next->process->space);
    switch_stacks(&previous->esp, next->esp);
    finish_switch();
}

/* Give the processor away; the current thread's new state is set.  Interrupts off, before and
 * after. */
static void schedule(void)
{
    struct thread *next = sched.idle;

    if (!list_is_empty(&sched.run_queue)) {
        next = to_thread(sched.run_queue.next);
        list_remove(&next->run_node);
    }
    switch_to(next);
}

/* The idle thread is never in the run queue: it runs when that is empty. */
static void requeue_current(void)
{
    if (running_thread == sched.idle)
        running_thread->state = THREAD_READY;
    else
        make_ready(running_thread);
}

void thread_yield(void)
{
    uint32_t irq = irq_save();
    requeue_current();
    schedule();
    irq_restore(irq);
}

/* On the way out of an interrupt.  Interrupts off. */
static void preempt(void)
{
    if (!sched.need_resched)
        return;
    sched.stats.preemptions++;
    requeue_current();
    schedule();
}

/* Timer interrupt: account, wake sleepers, end the quantum. */
static void tick(void)
{
    uint64_t now = timer_ticks();

    running_thread->ticks++;
    if (running_thread == sched.idle)
        sched.stats.idle_ticks++;
    list_for_each(node, &sched.all) {
        struct thread *thread = list_entry(node, struct thread, all_node);
        if (thread->state == THREAD_SLEEPING && thread->wake_tick && thread->wake_tick <= now)
            thread_wake(thread);
    }
    if (!list_is_empty(&sched.run_queue))
        sched.need_resched = true;
}

/* Where a new thread starts: switch_stacks() "returns" to here. */
static void thread_start(void)
{
    finish_switch();
    irq_enable();
    running_thread->entry(running_thread->argument);
    thread_exit();
}

static void prepare_stack(struct thread *thread)
{
    /* The word above the frame is thread_start's return address: 0 ends backtraces. */
    uint32_t *top = (uint32_t *)stack_top(thread) - 4;
    struct switch_frame *frame = (struct switch_frame *)top - 1;

    memset(top, 0, 4 * sizeof(*top));
    *frame = (struct switch_frame){ .eip = (uintptr_t)thread_start };
    thread->esp = (uintptr_t)frame;
}

/* A thread that is not ready yet; NULL: no memory. */
static struct thread *thread_alloc(const char *name, void (*entry)(void *), void *argument)
{
    struct thread *thread = slab_alloc(sched.thread_cache, PAGE_ZERO);

    if (!thread)
        return NULL;
    thread->stack = vmalloc(KERNEL_STACK_PAGES, PAGE_STACK);
    if (!thread->stack) {
        slab_free(sched.thread_cache, thread);
        return NULL;
    }
    strlcpy(thread->name, name, sizeof(thread->name));
    thread->entry = entry;
    thread->argument = argument;
    list_init(&thread->run_node);
    prepare_stack(thread);
    return thread;
}

/* Give it a number and enter it in the list of all threads. */
static void thread_register(struct thread *thread)
{
    uint32_t irq = irq_save();
    thread->id = sched.next_id++;
    list_add_tail(&sched.all, &thread->all_node);
    sched.stats.threads++;
    irq_restore(irq);
}

static void thread_launch(struct thread *thread)
{
    thread_register(thread);
    uint32_t irq = irq_save();
    make_ready(thread);
    irq_restore(irq);
}

struct thread *thread_create(const char *name, void (*entry)(void *), void *argument)
{
    struct thread *thread = thread_alloc(name, entry, argument);
    if (thread)
        thread_launch(thread);
    return thread;
}

struct thread *thread_create_user(struct process *process, void (*entry)(void *),
                                  void (*gone)(void *))
{
    struct thread *thread = thread_alloc(process->name, entry, process);

    if (!thread)
        return NULL;
    thread->fpu = slab_alloc(sched.fpu_cache, PAGE_ANY);
    if (!thread->fpu) {
        vfree(thread->stack);
        slab_free(sched.thread_cache, thread);
        return NULL;
    }
    fpu_state_init(thread->fpu);
    thread->process = process;
    thread->gone = gone;
    process->thread = thread;
    thread_launch(thread);
    return thread;
}

void thread_exit(void)
{
    irq_disable();
    running_thread->state = THREAD_DEAD;
    sched.dead = running_thread;
    schedule();
    ASSERT(false, "thread %u runs after its end", running_thread->id);
    __builtin_unreachable();
}

/* Interrupts off.  Sleep until woken, or until a tick (0: no limit). */
static void sleep_until(struct list_node *queue, uint64_t wake_tick)
{
    struct thread *thread = running_thread;

    thread->state = THREAD_SLEEPING;
    thread->wake_tick = wake_tick;
    if (queue)
        list_add_tail(queue, &thread->run_node);
    else
        list_init(&thread->run_node);
    schedule();
}

void thread_wake(struct thread *thread)
{
    uint32_t irq = irq_save();
    if (thread->state == THREAD_SLEEPING) {
        list_remove(&thread->run_node);
        make_ready(thread);
    }
    irq_restore(irq);
}

void thread_sleep_ticks(uint64_t nticks)
{
    if (nticks == 0) {
        thread_yield();
        return;
    }
    uint32_t irq = irq_save();
    if (!process_kill_pending())
        sleep_until(NULL, timer_ticks() + nticks + 1); /* the tick under way does not count */
    irq_restore(irq);
}

void wait_queue_init(struct wait_queue *queue)
{
    list_init(&queue->threads);
}

bool wait_queue_sleep(struct wait_queue *queue)
{
    if (process_kill_pending())
        return false;
    sleep_until(&queue->threads, 0);
    return !process_kill_pending();
}

bool wait_queue_sleep_ticks(struct wait_queue *queue, uint64_t nticks)
{
    uint64_t wake_tick = timer_ticks() + nticks;

    if (nticks == 0 || process_kill_pending())
        return false;
    sleep_until(&queue->threads, wake_tick);
    return !process_kill_pending() && timer_ticks() < wake_tick;
}

unsigned wait_queue_wake_all(struct wait_queue *queue)
{
    unsigned count = 0;
    while (wait_queue_wake_one(queue))
        count++;
    return count;
}

unsigned wait_queue_wake_one(struct wait_queue *queue)
{
    uint32_t irq = irq_save();
    bool any = !list_is_empty(&queue->threads);

    if (any)
        thread_wake(to_thread(queue->threads.next));
    irq_restore(irq);
    return any;
}

static void idle_loop(void *unused)
{
    (void)unused;
    for (;;) {
        irq_disable();
        if (list_is_empty(&sched.run_queue))
            cpu_wait_for_interrupt(); /* preempt() switches when somebody has become ready */
        thread_yield();
    }
}

void thread_init(void)
{
    sched.thread_cache = slab_cache_create("thread", sizeof(struct thread), 0, NULL, 0);
    sched.fpu_cache = slab_cache_create("fpu_state", sizeof(struct fpu_state),
                                        _Alignof(struct fpu_state), NULL, 0);
    ASSERT(sched.thread_cache && sched.fpu_cache, "no memory for the caches of threads");
}

static void run_main(void *entry)
{
    ((void (*)(void))entry)();
}

void thread_run(void (*entry)(void))
{
    static struct thread boot; /* stands for the stack that is left here for ever */

    irq_disable();
    running_thread = &boot;
    sched.idle = thread_alloc("idle", idle_loop, NULL);
    ASSERT(sched.idle, "no memory for the idle thread");
    sched.idle->state = THREAD_READY;
    thread_register(sched.idle);
    ASSERT(thread_create("main", run_main, (void *)entry), "no memory for the main thread");
    timer_set_tick_handler(tick);
    trap_set_preempt_hook(preempt);
    schedule();
    __builtin_unreachable();
}

bool thread_next_info(uint32_t *id, struct thread_info *info)
{
    struct thread *found = NULL;
    uint32_t irq = irq_save();

    list_for_each(node, &sched.all) {
        struct thread *thread = list_entry(node, struct thread, all_node);
        if (thread->id >= *id && (!found || thread->id < found->id))
            found = thread;
    }
    if (found) {
        *id = found->id;
        *info = (struct thread_info){ .id = found->id,
                                      .pid = found->process ? found->process->pid : 0,
                                      .state = found->state,
                                      .ticks = found->ticks,
                                      .switches = found->switches };
        info->stack_bytes_used = (uint32_t)(stack_top(found) - found->esp);
        strlcpy(info->name, found->name, sizeof(info->name));
    }
    irq_restore(irq);
    return found != NULL;
}

void thread_get_stats(struct thread_stats *stats)
{
    uint32_t irq = irq_save();
    *stats = sched.stats;
    irq_restore(irq);
}

bool thread_check(void)
{
    uint32_t running = 0, ready = 0, queued = 0, irq = irq_save();

    list_for_each(node, &sched.all) {
        struct thread *thread = list_entry(node, struct thread, all_node);
        running += thread->state == THREAD_RUNNING;
        ready += thread->state == THREAD_READY && thread != sched.idle;
    }
    list_for_each(node, &sched.run_queue)
        queued++;
    irq_restore(irq);
    if (running != 1 || ready != queued) {
        log_err("thread: %u running, %u ready, %u in the run queue", running, ready, queued);
        return false;
    }
    return true;
}
