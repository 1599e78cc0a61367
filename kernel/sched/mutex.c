/* Mutexes.
 *
 * Who finds it held sleeps in its queue.  The one that unlocks wakes the first in the queue but
 * does not hand the mutex over: whoever runs first may take it, and a thread that is woken in
 * vain waits again.  That costs fairness and saves a switch for each unlock of a mutex in
 * demand.
 * Before there are threads (running_thread is NULL) nobody can wait, and nothing is held. */
#include "kernel/sched/mutex.h"

#include "kernel/cpu/cpu.h"
#include "kernel/lib/assert.h"

void mutex_init(struct mutex *mutex, const char *name)
{
    mutex->name = name;
    mutex->holder = NULL;
    wait_queue_init(&mutex->waiters);
}

void mutex_lock(struct mutex *mutex)
{
    uint32_t irq = irq_save();

    ASSERT(!mutex->holder || mutex->holder != thread_current(), "mutex '%s' taken twice by %s",
           mutex->name, thread_current()->name);
    while (mutex->holder)
        wait_queue_sleep_deaf(&mutex->waiters);
    mutex->holder = thread_current();
    irq_restore(irq);
}

void mutex_unlock(struct mutex *mutex)
{
    uint32_t irq = irq_save();

    ASSERT(mutex->holder == thread_current(), "mutex '%s' released by who does not hold it",
           mutex->name);
    mutex->holder = NULL;
    wait_queue_wake_one(&mutex->waiters);
    irq_restore(irq);
}
