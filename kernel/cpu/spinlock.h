/* kernel/cpu/spinlock.h - mutual exclusion between threads and interrupt handlers.
 *
 * Strata runs on one processor, so a held lock means "interrupts off": nobody else can run and
 * there is nothing to spin on.  The owner is kept all the same: taking a lock twice, or
 * releasing one that is not held, is a bug that an SMP kernel would hang on, and it is caught
 * here.  Each structure that is shared has its own named lock, so that the locking can be
 * read. */
#pragma once

#include "kernel/cpu/cpu.h"
#include "kernel/lib/assert.h"

struct spinlock {
    const char *name;
    const void *holder; /* who called the function that took it; NULL = free */
};

#define SPINLOCK_INIT(lock_name)          \
    {                                     \
        .name = lock_name, .holder = NULL \
    }

/* Take `lock`.  Returns the interrupt state to hand to spin_unlock().  Any context; never
 * sleeps. */
static ALWAYS_INLINE uint32_t spin_lock(struct spinlock *lock)
{
    uint32_t flags = irq_save();
    ASSERT(lock->holder == NULL, "lock '%s' taken twice, first at %p", lock->name,
           lock->holder);
    lock->holder = __builtin_return_address(0);
    if (lock->holder == NULL)
        __builtin_unreachable(); /* so that an unlock in the same function knows it is held */
    return flags;
}

/* In a kernel made with STRESS=1: call `hook` (thread_yield) behind each unlock that turns interrupts
 * on again, as if an interrupt had waited for exactly that.  NULL: no more.  In others: nothing. */
#ifdef STRATA_STRESS
extern void (*spin_stress_hook)(void); /* in irq.c */

static inline void spin_stress(void (*hook)(void))
{
    spin_stress_hook = hook;
}

static inline void spin_stress_point(uint32_t flags)
{
    if ((flags & EFLAGS_IF) && spin_stress_hook)
        spin_stress_hook();
}
#else
static inline void spin_stress(void (*hook)(void))
{
    (void)hook;
}

static inline void spin_stress_point(uint32_t flags)
{
    (void)flags;
}
#endif

static ALWAYS_INLINE void spin_unlock(struct spinlock *lock, uint32_t flags)
{
    ASSERT(lock->holder != NULL, "lock '%s' released but not held", lock->name);
    lock->holder = NULL;
    irq_restore(flags);
    spin_stress_point(flags);
}

static inline bool spin_is_held(const struct spinlock *lock)
{
    return lock->holder != NULL;
}
