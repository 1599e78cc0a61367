/* kernel/proc/signal_internal.h - what signal.c, signal_frame.c and signal_fault.c share. */
#pragma once

#include "kernel/proc/signal.h"

/* The next pending signal that has a handler, with its action, or false.  Default actions are taken on
 * the way: the process may stop, or end. */
bool signal_next_handled(struct signal_info *info, struct signal_action *action);

/* Bring thread->interrupted up to date; is there anything to do? */
bool signal_refresh(void);

/* Would `signal` of the running thread reach a handler now? */
bool signal_has_handler(int signal);

/* Its handler cannot be called: back to the default. */
void signal_drop_handler(int signal);

/* A forced signal of which nothing is known but the number (SI_KERNEL). */
void signal_force_plain(int signal);

/* Instruction addresses behind the code segment's limit cannot be loaded: if frame->eip is one, force
 * the SIGSEGV that executing it would give, and return true. */
bool signal_check_eip(struct trap_frame *frame);

/* Register for exceptions of programs (signal_fault.c). */
void signal_fault_init(void);
