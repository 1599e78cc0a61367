/* tests/host/shim/kernel/cpu/spinlock.h - locks for the host tests: there are no interrupts to turn off,
 * but taking a lock twice is still a bug. */
#pragma once

#include "kernel/lib/assert.h"

struct spinlock {
    const char *name;
    bool held;
};

#define SPINLOCK_INIT(lock_name)         \
    {                                    \
        .name = lock_name, .held = false \
    }

static inline uint32_t spin_lock(struct spinlock *lock)
{
    ASSERT(!lock->held, "lock '%s' taken twice", lock->name);
    lock->held = true;
    return 0;
}

static inline void spin_unlock(struct spinlock *lock, uint32_t flags)
{
    (void)flags;
    ASSERT(lock->held, "lock '%s' released but not held", lock->name);
    lock->held = false;
}

static inline bool spin_is_held(const struct spinlock *lock)
{
    return lock->held;
}
