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
 *             Up to SPARE_STACKS of them are kept, still mapped, for the threads to come: to
 *             map a stack costs more than the rest of a thread.
 * Programs    A program's thread starts with a trap frame on top of its stack, in the very
 *             place where a trap from ring 3 would have put it, and leaves through the same
 *             door:
 *
 *               top     struct trap_frame      registers in ring 3
 *                       struct switch_frame    eip = thread_enter_user (thread_entry.S)
 *               thread->esp
 *
 * Switch      What belongs to the running thread alone is exchanged: stack, address space (a
 *             kernel thread has none and keeps the one that is loaded), segment descriptors,
 *             FPU (lazily), the word that asks for work before ring 3, the count-down to an
 *             allocation that fails.
 * Time        Sleepers with a time limit are in a list of their own, in order: the tick looks
 *             at the first one only.
 * Lock        interrupts off.
 * Reading     Tanenbaum, Modern Operating Systems, 2.4; xv6 book, chapter "Scheduling". */
#include "kernel/sched/thread.h"

#include "kernel/cpu/cpu.h"
#include "kernel/cpu/switch.h"
#include "kernel/cpu/timer.h"
#include "kernel/lib/assert.h"
#include "kernel/lib/string.h"
#include "kernel/log.h"
#include "mm/inject.h"
#include "mm/kasan.h"
#include "mm/mm.h"
#include "mm/shrinker.h"
#include "mm/slab.h"
#include "mm/space.h"
#include "mm/vmalloc.h"

#define SPARE_STACKS 4u

static struct {
    struct thread *idle;
    struct thread *dead; /* to be freed by the thread that runs next */
    struct list_node run_queue;
    struct list_node all;
    struct list_node sleepers; /* with a time limit, in order of wake_tick */
    struct slab_cache *thread_cache, *fpu_cache;
    void *spare_stacks; /* each one's first word points to the next */
    void (*tick_hook)(uint64_t now_ticks);
    uint32_t next_id;
    bool need_resched;
    struct thread_stats stats;
} sched = {
    .run_queue = LIST_INIT(sched.run_queue),
    .all = LIST_INIT(sched.all),
    .sleepers = LIST_INIT(sched.sleepers),
    .next_id = 1,
};

struct thread *running_thread;

/* thread_entry.S, and what it calls. */
void thread_enter_user(void);
void thread_begin_user(struct trap_frame *frame);

static uintptr_t stack_top(const struct thread *thread)
{
    return (uintptr_t)thread->stack + KERNEL_STACK_PAGES * PAGE_SIZE;
}

struct trap_frame *thread_user_frame(const struct thread *thread)
{
    return (struct trap_frame *)stack_top(thread) - 1;
}

static struct thread *to_thread(struct list_node *run_node)
{
    return list_entry(run_node, struct thread, run_node);
}

/* ---- kernel stacks ---- */

static void *stack_alloc(void)
{
    uint32_t irq = irq_save();
    void *stack = sched.spare_stacks;

    if (stack) {
        sched.spare_stacks = *(void **)stack;
        sched.stats.spare_stacks--;
    }
    irq_restore(irq);
    if (!stack)
        return vmalloc(KERNEL_STACK_PAGES, PAGE_STACK);
    kasan_unpoison(stack, KERNEL_STACK_PAGES * PAGE_SIZE); /* frames that were never left */
    return stack;
}

static void stack_free(void *stack)
{
    uint32_t irq = irq_save();
    bool keep = sched.stats.spare_stacks < SPARE_STACKS;

    if (keep) {
        *(void **)stack = sched.spare_stacks;
        sched.spare_stacks = stack;
        sched.stats.spare_stacks++;
    }
    irq_restore(irq);
    if (!keep)
        vfree(stack);
}

uint32_t thread_shrink(void)
{
    uint32_t irq = irq_save(), count = sched.stats.spare_stacks;
    void *stack = sched.spare_stacks;

    sched.spare_stacks = NULL;
    sched.stats.spare_stacks = 0;
    irq_restore(irq);
    while (stack) {
        void *next = *(void **)stack;
        vfree(stack);
        stack = next;
    }
    return count * KERNEL_STACK_PAGES;
}

static uint32_t count_spare_stacks(void)
{
    return sched.stats.spare_stacks * KERNEL_STACK_PAGES;
}

static uint32_t shrink_stacks(uint32_t npages, pfn_t below)
{
    (void)npages; /* there are a few */
    (void)below;
    return thread_shrink();
}

/* To unmap a stack takes locks that an allocation may hold. */
static struct shrinker stack_shrinker = { .name = "kernel stacks",
                                          .cost = SHRINK_NOTHING_LOST,
                                          .context = SHRINK_UNLOCKED,
                                          .count = count_spare_stacks,
                                          .shrink = shrink_stacks };

/* ---- the switch ---- */

/* Interrupts off. */
static void make_ready(struct thread *thread)
{
    thread->state = THREAD_READY;
    list_add_tail(&sched.run_queue, &thread->run_node);
    if (running_thread == sched.idle)
        sched.need_resched = true;
}

static void free_parts(struct thread *thread)
{
    stack_free(thread->stack);
    if (thread->fpu) {
        fpu_release(thread->fpu);
        slab_free(sched.fpu_cache, thread->fpu);
    }
    slab_free(sched.thread_cache, thread);
}

/* What every thread does first when the processor comes to it: free the one that ended with the
 * switch.  Interrupts off. */
static void finish_switch(void)
{
    struct thread *dead = sched.dead;

    if (likely(!dead))
        return;
    void (*gone)(void *) = dead->gone;
    void *argument = dead->argument;
    sched.dead = NULL;
    list_remove(&dead->all_node);
    sched.stats.threads--;
    free_parts(dead);
    if (gone)
        gone(argument);
}

/* Exchange what user mode sees of the running thread. */
static void load_user_context(const struct thread *previous, const struct thread *next)
{
    if (next->space && next->space != space_active())
        space_activate(next->space);
    if (memcmp(previous->tls, next->tls, sizeof(next->tls)) != 0)
        gdt_load_tls(next->tls);
    fpu_switch(next->fpu);
    trap_user_work = next->user_work;
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
    load_user_context(previous, next);
    inject_switch(&next->inject_countdown);
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
    while (!list_is_empty(&sched.sleepers)) {
        struct thread *first = list_first(&sched.sleepers, struct thread, sleep_node);
        if (first->wake_tick > now)
            break;
        thread_wake(first);
    }
    if (sched.tick_hook)
        sched.tick_hook(now);
    if (!list_is_empty(&sched.run_queue))
        sched.need_resched = true;
}

void sched_set_tick_hook(void (*hook)(uint64_t now_ticks))
{
    sched.tick_hook = hook;
}

/* ---- life ---- */

/* Where a new kernel thread starts: switch_stacks() "returns" to here. */
static void thread_start(void)
{
    finish_switch();
    irq_enable();
    running_thread->entry(running_thread->argument);
    thread_exit();
}

/* Where a program's thread starts.  Interrupts are off, at the end, too: no work may come in
 * between the test and IRET. */
void thread_begin_user(struct trap_frame *frame)
{
    finish_switch();
    if (running_thread->entry) {
        irq_enable();
        running_thread->entry(running_thread->argument);
        irq_disable();
    }
    if (trap_user_work != 0)
        trap_run_user_work(frame);
}

/* The stack of a thread that has never run: `nbytes` (zeroed) on top, below them what
 * switch_stacks() pops. */
static void prepare_stack(struct thread *thread, size_t nbytes, void (*start)(void))
{
    void *top = (void *)(stack_top(thread) - nbytes);
    struct switch_frame *frame = (struct switch_frame *)top - 1;

    memset(top, 0, nbytes);
    *frame = (struct switch_frame){ .eip = (uintptr_t)start };
    thread->esp = (uintptr_t)frame;
}

/* A thread that is not ready yet; NULL: no memory. */
static struct thread *thread_alloc(const char *name, void (*entry)(void *), void *argument)
{
    struct thread *thread = slab_alloc(sched.thread_cache, PAGE_ZERO);

    if (!thread)
        return NULL;
    thread->stack = stack_alloc();
    if (!thread->stack) {
        slab_free(sched.thread_cache, thread);
        return NULL;
    }
    strlcpy(thread->name, name, sizeof(thread->name));
    thread->entry = entry;
    thread->argument = argument;
    list_init(&thread->run_node);
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

void thread_start_user(struct thread *thread)
{
    thread_register(thread);
    uint32_t irq = irq_save();
    make_ready(thread);
    irq_restore(irq);
}

struct thread *thread_create(const char *name, void (*entry)(void *), void *argument)
{
    struct thread *thread = thread_alloc(name, entry, argument);

    if (!thread)
        return NULL;
    /* The word above the frame is thread_start's return address: 0 ends backtraces. */
    prepare_stack(thread, 4 * sizeof(uint32_t), thread_start);
    thread_start_user(thread);
    return thread;
}

struct thread *thread_create_user(const char *name, struct task *task, struct space *space,
                                  void (*entry)(void *), const struct trap_frame *frame,
                                  struct thread *parent, void (*gone)(void *))
{
    struct thread *thread = thread_alloc(name, entry, task);

    if (!thread)
        return NULL;
    thread->fpu = slab_alloc(sched.fpu_cache, PAGE_ANY);
    if (!thread->fpu) {
        free_parts(thread);
        return NULL;
    }
    if (parent) {
        fpu_save_current(thread->fpu, parent->fpu);
        memcpy(thread->tls, parent->tls, sizeof(thread->tls));
    } else {
        fpu_state_init(thread->fpu);
    }
    prepare_stack(thread, sizeof(struct trap_frame), thread_enter_user);
    if (frame)
        *thread_user_frame(thread) = *frame;
    thread->task = task;
    thread->space = space;
    thread->gone = gone;
    return thread;
}

void thread_discard(struct thread *thread)
{
    free_parts(thread);
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

/* ---- of the running program ---- */

void thread_set_space(struct space *space)
{
    uint32_t irq = irq_save();
    running_thread->space = space;
    space_activate(space);
    irq_restore(irq);
}

void thread_reset_user(void)
{
    struct thread *thread = running_thread;
    uint32_t irq = irq_save();

    memset(thread->tls, 0, sizeof(thread->tls));
    gdt_load_tls(thread->tls);
    fpu_release(thread->fpu);
    fpu_state_init(thread->fpu);
    fpu_switch(thread->fpu);
    irq_restore(irq);
}

void thread_interrupt(struct thread *thread)
{
    uint32_t irq = irq_save();

    thread->interrupted = true;
    thread->user_work = 1;
    if (thread == running_thread)
        trap_user_work = 1;
    else if (!thread->deaf)
        thread_wake(thread);
    irq_restore(irq);
}

void thread_clear_interrupt(struct thread *thread)
{
    uint32_t irq = irq_save();

    thread->interrupted = false;
    thread->user_work = 0;
    if (thread == running_thread)
        trap_user_work = 0;
    irq_restore(irq);
}

/* ---- sleeping and waking ---- */

static void sleepers_insert(struct thread *thread)
{
    struct list_node *after = sched.sleepers.prev;

    while (after != &sched.sleepers &&
           list_entry(after, struct thread, sleep_node)->wake_tick > thread->wake_tick)
        after = after->prev;
    list_insert_between(&thread->sleep_node, after, after->next);
}

/* Interrupts off.  Sleep until woken, or until a tick (0: no limit). */
static void sleep_until(struct list_node *queue, uint64_t wake_tick)
{
    struct thread *thread = running_thread;

    thread->state = THREAD_SLEEPING;
    thread->wake_tick = wake_tick;
    if (wake_tick)
        sleepers_insert(thread);
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
        if (thread->wake_tick)
            list_remove(&thread->sleep_node);
        thread->wake_tick = 0;
        make_ready(thread);
    }
    irq_restore(irq);
}

/* The tick that is `nticks` away; for ever stays for ever. */
static uint64_t tick_after(uint64_t nticks)
{
    uint64_t now = timer_ticks();
    return nticks > UINT64_MAX - now ? UINT64_MAX : now + nticks;
}

void thread_sleep_ticks(uint64_t nticks)
{
    if (nticks == 0) {
        thread_yield();
        return;
    }
    uint32_t irq = irq_save();
    if (!running_thread->interrupted)
        sleep_until(NULL, tick_after(nticks + 1)); /* the tick under way does not count */
    irq_restore(irq);
}

void wait_queue_init(struct wait_queue *queue)
{
    list_init(&queue->threads);
}

bool wait_queue_sleep(struct wait_queue *queue)
{
    if (running_thread->interrupted)
        return false;
    sleep_until(&queue->threads, 0);
    return !running_thread->interrupted;
}

void wait_queue_sleep_deaf(struct wait_queue *queue)
{
    running_thread->deaf = true;
    sleep_until(&queue->threads, 0);
    running_thread->deaf = false;
}

void wait_queue_sleep_again(struct wait_queue *queue)
{
    sleep_until(&queue->threads, 0);
}

bool wait_queue_sleep_ticks(struct wait_queue *queue, uint64_t nticks)
{
    uint64_t wake_tick = tick_after(nticks);

    if (nticks == 0 || running_thread->interrupted)
        return false;
    sleep_until(&queue->threads, wake_tick);
    return !running_thread->interrupted && timer_ticks() < wake_tick;
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

/* ---- the beginning ---- */

static void idle_loop(void *unused)
{
    (void)unused;
    for (;;) {
        irq_disable();
        if (list_is_empty(&sched.run_queue) && !mm_idle())
            cpu_wait_for_interrupt(); /* preempt() switches when somebody has become ready */
        irq_enable();                 /* between two deeds of mm_idle(), too */
        thread_yield();
    }
}

void thread_init(void)
{
    sched.thread_cache = slab_cache_create("thread", sizeof(struct thread), 0, NULL, 0);
    sched.fpu_cache = slab_cache_create("fpu_state", sizeof(struct fpu_state),
                                        _Alignof(struct fpu_state), NULL, 0);
    ASSERT(sched.thread_cache && sched.fpu_cache, "no memory for the caches of threads");
    shrinker_register(&stack_shrinker);
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
    prepare_stack(sched.idle, 4 * sizeof(uint32_t), thread_start);
    sched.idle->state = THREAD_READY;
    thread_register(sched.idle);
    ASSERT(thread_create("main", run_main, (void *)entry), "no memory for the main thread");
    timer_set_tick_handler(tick);
    trap_set_preempt_hook(preempt);
    schedule();
    __builtin_unreachable();
}

/* ---- views ---- */

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
                                      .task = found->task,
                                      .state = found->state,
                                      .ticks = found->ticks,
                                      .switches = found->switches };
        info->stack_bytes_used = (uint32_t)(stack_top(found) - found->esp);
        strlcpy(info->name, found->name, sizeof(info->name));
    }
    irq_restore(irq);
    return found != NULL;
}

void thread_visit_stacks(void (*visit)(const void *start, const void *end))
{
    list_for_each(node, &sched.all) {
        struct thread *thread = list_entry(node, struct thread, all_node);
        uintptr_t start = thread == running_thread ? (uintptr_t)__builtin_frame_address(0)
                                                   : thread->esp;
        visit((const void *)start, (const void *)stack_top(thread));
    }
}

void thread_get_stats(struct thread_stats *stats)
{
    uint32_t irq = irq_save();
    *stats = sched.stats;
    irq_restore(irq);
}

/* Interrupts off.  Those with a time limit, in order of it, and nobody else. */
static bool sleepers_are_sorted(uint32_t expected)
{
    uint64_t last = 0;
    uint32_t count = 0;

    list_for_each(node, &sched.sleepers) {
        struct thread *thread = list_entry(node, struct thread, sleep_node);
        if (thread->state != THREAD_SLEEPING || thread->wake_tick < last)
            return false;
        last = thread->wake_tick;
        count++;
    }
    return count == expected;
}

bool thread_check(void)
{
    uint32_t running = 0, ready = 0, timed = 0, queued = 0, irq = irq_save();

    list_for_each(node, &sched.all) {
        struct thread *thread = list_entry(node, struct thread, all_node);
        running += thread->state == THREAD_RUNNING;
        ready += thread->state == THREAD_READY && thread != sched.idle;
        timed += thread->wake_tick != 0;
    }
    list_for_each(node, &sched.run_queue)
        queued++;
    bool sorted = sleepers_are_sorted(timed);
    bool work = trap_user_work == running_thread->user_work;
    irq_restore(irq);
    if (running == 1 && ready == queued && sorted && work)
        return true;
    log_err("thread: %u running, %u ready, %u in the run queue%s%s", running, ready, queued,
            sorted ? "" : ", sleepers out of order", work ? "" : ", wrong user work");
    return false;
}
