/* kernel/proc/futex.h - futex(2): sleep while a word of user memory has a value, wake who sleeps there.
 * Below: sched, mm.  Above: system calls, exit.
 * Lock: "futexes". */
#pragma once

#include "kernel/lib/types.h"

struct task;

/* Wake up to `count` threads that wait for the word at `address` of the running process.  How many. */
int futex_wake(uaddr_t address, int count);

/* The running thread ends: locks on its robust list (set_robust_list(2)) are marked as left by a dead
 * owner, and one waiter of each is woken.  Before it leaves its address space. */
void futex_exit_robust(struct task *task);

struct trap_frame;

/* The system calls: with a timespec of 32-bit and of 64-bit fields. */
int32_t sys_futex(struct trap_frame *frame);
int32_t sys_futex_time64(struct trap_frame *frame);
