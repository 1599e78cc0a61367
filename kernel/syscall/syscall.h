/* kernel/syscall/syscall.h - system calls: int 0x80, Linux i386 numbers, registers and errors.
 * eax = number; ebx, ecx, edx, esi, edi, ebp = arguments; result or -errno in eax.
 * The calls themselves are in the sys_*.c files; each ends with its table. */
#pragma once

#include "kernel/cpu/trap.h"

#define SYSCALL_COUNT 512u

/* A handler; its result goes to frame->eax.  Those that set the whole frame (execve, sigreturn)
 * return frame->eax. */
typedef int32_t (*syscall_function)(struct trap_frame *frame);

struct syscall_entry {
    uint16_t number;
    const char *name;
    syscall_function function;
    const char
        *note; /* for docs/system-calls.md: what of it works; NULL: all of the manual page */
};

/* The tables, in the files' order; each ends with an entry without a name. */
extern const struct syscall_entry process_syscalls[], memory_syscalls[], file_syscalls[],
    directory_syscalls[], stat_syscalls[], poll_syscalls[], signal_syscalls[], time_syscalls[],
    info_syscalls[], refused_syscalls[];

/* Fill the dispatch table and register with cpu/trap. */
void syscall_init(void);

/* For `syscalls` and docs: the implemented call with the smallest number >= *number; false past the
 * last.  `calls`: how often it was called. */
bool syscall_next(unsigned *number, const struct syscall_entry **entry, uint64_t *calls);

/* Calls that programs asked for and did not get: the smallest number >= *number that was tried. */
bool syscall_next_missing(unsigned *number, uint64_t *tries);
