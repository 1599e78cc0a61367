/* Alarms: see itimer.h.  The armed ones of real time are in a list in order of expiry, so that a tick
 * with nothing to do costs one comparison.  Those of processor time count down while their process is
 * the one that the tick has interrupted. */
#include "kernel/proc/itimer.h"

#include "kernel/cpu/spinlock.h"
#include "kernel/cpu/timer.h"
#include "kernel/proc/loadavg.h"
#include "kernel/proc/process.h"
#include "kernel/proc/timespec.h"

static struct {
    struct spinlock lock;
    struct list_node armed;
} alarms = {
    .lock = SPINLOCK_INIT("alarms"),
    .armed = LIST_INIT(alarms.armed),
};

static const int signals[ITIMER_COUNT] = {
    [ITIMER_REAL] = SIGALRM,
    [ITIMER_VIRTUAL] = SIGVTALRM,
    [ITIMER_PROF] = SIGPROF,
};

static struct itimer *to_timer(struct list_node *node)
{
    return list_entry(node, struct itimer, node);
}

/* Lock held. */
static void disarm(struct itimer *timer)
{
    if (timer->expires)
        list_remove(&timer->node);
    timer->expires = 0;
}

/* Lock held. */
static void arm(struct itimer *timer, uint64_t expires)
{
    struct list_node *after = alarms.armed.prev;

    while (after != &alarms.armed && to_timer(after)->expires > expires)
        after = after->prev;
    timer->expires = expires;
    list_insert_between(&timer->node, after, after->next);
}

static void fire(struct process *process, enum itimer_kind kind)
{
    const struct signal_info info = { .signal = signals[kind], .code = SI_KERNEL };
    signal_send(process, &info);
}

/* The process of the first alarm that is due, which is set for its next time; NULL: none is. */
static struct process *take_due(uint64_t now)
{
    struct process *process = NULL;
    uint32_t irq = spin_lock(&alarms.lock);
    struct itimer *timer = to_timer(alarms.armed.next);

    if (!list_is_empty(&alarms.armed) && timer->expires <= now) {
        uint64_t missed = timer->interval ? (now - timer->expires) / timer->interval : 0;
        uint64_t next = timer->expires + (missed + 1) * timer->interval;
        process = container_of(timer, struct process, timers[ITIMER_REAL]);
        disarm(timer);
        if (timer->interval)
            arm(timer, next);
    }
    spin_unlock(&alarms.lock, irq);
    return process;
}

static void count_down(struct process *process, enum itimer_kind kind)
{
    struct itimer *timer = &process->timers[kind];

    if (timer->expires == 0)
        return;
    if (timer->expires > NS_PER_TICK) {
        timer->expires -= NS_PER_TICK;
        return;
    }
    timer->expires = timer->interval;
    fire(process, kind);
}

/* In the timer's interrupt. */
static void tick(uint64_t ticks)
{
    struct process *running = process_current(), *due;

    if (!list_is_empty(&alarms.armed)) {
        uint64_t now = timer_ns();
        while ((due = take_due(now)) != NULL)
            fire(due, ITIMER_REAL);
    }
    if (running) {
        count_down(running, ITIMER_VIRTUAL);
        count_down(running, ITIMER_PROF);
    }
    if (ticks % LOADAVG_TICKS == 0)
        loadavg_sample();
}

void itimer_init(void)
{
    sched_set_tick_hook(tick);
}

void itimer_set(struct process *process, enum itimer_kind kind, uint64_t delay,
                uint64_t interval)
{
    struct itimer *timer = &process->timers[kind];
    uint32_t irq = spin_lock(&alarms.lock);

    if (kind == ITIMER_REAL) {
        disarm(timer);
        if (delay)
            arm(timer, time_after(timer_ns(), delay));
    } else {
        timer->expires = delay;
    }
    timer->interval = interval;
    spin_unlock(&alarms.lock, irq);
}

void itimer_get(struct process *process, enum itimer_kind kind, uint64_t *left,
                uint64_t *interval)
{
    const struct itimer *timer = &process->timers[kind];
    uint32_t irq = spin_lock(&alarms.lock);
    uint64_t now = kind == ITIMER_REAL ? timer_ns() : 0;

    /* One that is due but not sent yet is not off. */
    *left = timer->expires == 0 ? 0 : timer->expires > now ? timer->expires - now : NS_PER_US;
    *interval = timer->interval;
    spin_unlock(&alarms.lock, irq);
}

void itimer_stop(struct process *process)
{
    uint32_t irq = spin_lock(&alarms.lock);

    disarm(&process->timers[ITIMER_REAL]);
    process->timers[ITIMER_VIRTUAL].expires = process->timers[ITIMER_PROF].expires = 0;
    spin_unlock(&alarms.lock, irq);
}
