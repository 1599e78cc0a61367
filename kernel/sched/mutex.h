/* kernel/sched/mutex.h - mutual exclusion for threads that may sleep while they hold it.
 * Thread context only.  Not recursive.  The wait is not cut short by signals: holders are
 * quick. */
#pragma once

#include "kernel/sched/thread.h"

struct mutex {
    const char *name;
    struct thread *holder; /* NULL: free */
    struct wait_queue waiters;
};

#define MUTEX_INIT(mutex, mutex_name)                                                 \
    {                                                                                 \
        .name = mutex_name, .waiters = {.threads = LIST_INIT(mutex.waiters.threads) } \
    }

void mutex_init(struct mutex *mutex, const char *name);
void mutex_lock(struct mutex *mutex);
void mutex_unlock(struct mutex *mutex);
