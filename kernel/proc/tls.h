/* kernel/proc/tls.h - segment descriptors of a program's threads: set_thread_area(2). */
#pragma once

#include "kernel/cpu/gdt.h"

/* Read the struct user_desc at `address`; *index: which of the GDT_TLS_COUNT descriptors it is
 * for, or -1 if the kernel is to choose.  0, -EFAULT, -EINVAL (no such descriptor, or no data
 * segment). */
int tls_read(uaddr_t address, int *index, uint64_t *descriptor);

/* The system calls. */
struct trap_frame;
int32_t sys_set_thread_area(struct trap_frame *frame);
int32_t sys_get_thread_area(struct trap_frame *frame);
