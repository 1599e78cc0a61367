/* kernel/cpu/fpu.h - the floating-point registers, switched lazily.
 * The kernel itself never uses them.  CR0.TS is set at a thread switch; the first FPU
 * instruction after it raises #NM, and only then are the registers saved and loaded
 * (SDM vol. 3, 13.4). */
#pragma once

#include "kernel/lib/types.h"

/* One thread's registers.  FXSAVE wants 16-byte alignment; FNSAVE needs only 108 bytes. */
struct fpu_state {
    uint8_t area[512] __attribute__((aligned(16)));
};

/* Detect, enable (FXSR/SSE where present) and handle #NM. */
void fpu_init(void);

/* A fresh state (control words as after FNINIT, MXCSR default). */
void fpu_state_init(struct fpu_state *state);

/* The running thread is now the one that owns `state` (NULL: a kernel thread, it may not use
 * the FPU).  Called at each thread switch with interrupts off. */
void fpu_switch(struct fpu_state *state);

/* `state` is about to be freed: forget it if its registers are loaded. */
void fpu_release(struct fpu_state *state);

/* `state` becomes a copy of what the running thread has in its registers (fork, signal frames); the
 * thread goes on with its own.  `owner`: the running thread's state. */
void fpu_save_current(struct fpu_state *state, struct fpu_state *owner);

/* The same without a copy, for the running thread's own state: fpu_sync() before it is read; before it is
 * written fpu_discard(), and then, in any case, fpu_sanitise(), because FXRSTOR faults on reserved bits
 * of MXCSR. */
void fpu_sync(struct fpu_state *owner);
void fpu_discard(struct fpu_state *owner);
void fpu_sanitise(struct fpu_state *state);
