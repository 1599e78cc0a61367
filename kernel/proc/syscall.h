/* kernel/proc/syscall.h - system calls: int 0x80, Linux i386 numbers, registers and errors.
 * eax = number; ebx, ecx, edx, esi, edi, ebp = arguments; result or -errno in eax. */
#pragma once

#include "kernel/lib/types.h"

/* Register with cpu/trap. */
void syscall_init(void);

/* For `help` and docs: the index-th implemented call; false past the last. */
bool syscall_info(unsigned index, unsigned *number, const char **name, uint64_t *calls);
