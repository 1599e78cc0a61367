/* user/lib/lock.h - a lock between the threads of a process: one word, and futex for who waits.
 *
 * The word counts from LOCK_FREE to 0 and back, so that one test of the processor's flags tells
 * whether it was free, or whether somebody waits: nobody else costs a system call.  From LOCK_WAITED
 * on somebody may sleep.  Reading: Drepper, Futexes Are Tricky. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#define LOCK_FREE -1
#define LOCK_WAITED 1

#define SYS_FUTEX 240
#define FUTEX_WAIT_PRIVATE 128
#define FUTEX_WAKE_PRIVATE 129

#define LOCK_SLOW __attribute__((noinline, cold, unused)) static

/* Wait while the lock has `value`, or wake so many; without a time limit.  A kernel without futex
 * answers at once: then waiting is polling. */
static inline void lock_futex(int *lock, int operation, int value)
{
    long result;
    __asm__ volatile("int $0x80"
                     : "=a"(result)
                     : "0"(SYS_FUTEX), "b"(lock), "c"(operation), "d"(value), "S"(0)
                     : "memory");
}

/* Take it after try_lock() failed. */
LOCK_SLOW void lock_waiting(int *lock)
{
    while (__atomic_exchange_n(lock, LOCK_WAITED, __ATOMIC_ACQUIRE) != LOCK_FREE)
        lock_futex(lock, FUTEX_WAIT_PRIVATE, LOCK_WAITED);
}

LOCK_SLOW void *unlock_waking(int *lock, void *result)
{
    __atomic_store_n(lock, LOCK_FREE, __ATOMIC_RELEASE);
    lock_futex(lock, FUTEX_WAKE_PRIVATE, 1);
    return result;
}

/* false: somebody else has it, and knows that it must wake whoever waits. */
static inline bool try_lock(int *lock)
{
    return __builtin_expect(__atomic_add_fetch(lock, 1, __ATOMIC_ACQUIRE) == 0, 1);
}

static inline void lock(int *lock)
{
    if (!try_lock(lock))
        lock_waiting(lock);
}

/* Unlock as the last act: waking is a jump then, and `result` stays in its register. */
static inline void *unlocked(int *lock, void *result)
{
    if (__builtin_expect(__atomic_sub_fetch(lock, 1, __ATOMIC_RELEASE) >= 0, 0))
        return unlock_waking(lock, result);
    return result;
}

static inline void unlock(int *lock)
{
    unlocked(lock, NULL);
}
