/* kernel/panic.h - the end: what, where, registers, backtrace, state of memory, how to look
 * further. */
#pragma once

#include "kernel/cpu/trap.h"
#include "kernel/lib/assert.h"
#include "kernel/log.h"

/* From now on exceptions that nobody handles end in panic_trap(), and a panic ends as the
 * kernel parameter panic= says: halt (the default), poweroff, reboot, or test-exit (status 2 of
 * a test kernel).  After trap_init(). */
void panic_init(const char *cmdline);

/* Print the report and stop the machine (or, in a test kernel, do what its catcher does). */
_Noreturn void panic(const char *fmt, ...) PRINTF_LIKE(1, 2);

/* The same for an exception in the kernel: registers and backtrace are the frame's. */
_Noreturn void panic_trap(const struct trap_frame *frame);

/* Print a frame's registers, decoded fault, (kernel frames) backtrace and memory to the console
 * and the log, and go on: used for programs that are killed.  `cr2`: as it was at the trap; another
 * thread's fault may have changed the register since. */
void panic_print_frame(const struct trap_frame *frame, uintptr_t cr2);

/* Print "  #0 0xc0101234 buddy_alloc+0x24" lines from a chain of saved EBPs. */
void panic_print_backtrace(uintptr_t ebp, uintptr_t eip);

/* Walk a chain of saved EBPs: up to `max` return addresses into trace[]; returns how many.
 * Stops at anything that is not a kernel stack address.  Any context. */
unsigned panic_backtrace(uintptr_t ebp, uintptr_t trace[], unsigned max);

/* Upper layers hook in: mm/ tells of memory ... */
void panic_set_memory_report(void (*report)(enum log_level level));

/* ... says whether a kernel address is mapped (until then only the kernel image is taken to be)
 * ... */
void panic_set_mapped_check(bool (*is_mapped)(uintptr_t address));

/* ... and whether an address is in a guard page below a kernel stack, so that a double fault
 * there is called what it is. */
void panic_set_stack_check(bool (*is_guard)(uintptr_t address));

/* Who is about to panic and has more to tell than a line: `print` is called after the backtrace. */
void panic_set_details(void (*print)(void));

/* A test kernel's catcher gets the message ("page fault: kernel write to ...") before anything
 * is printed, with interrupts off; it may longjmp() away, also out of a kernel stack overflow.
 * If it returns, the panic goes on.  It is called for one panic only and must be set again for
 * the next, so that a panic inside it is reported. */
void panic_set_catcher(void (*catcher)(const char *message));
