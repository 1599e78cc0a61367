/* kernel/cpu/guarded.h - memory accesses that may fault: with an entry in the exception table.
 * Only mm/uaccess.c uses these. */
#pragma once

#include "kernel/lib/types.h"

/* If the instruction at `instruction` faults without an answer, execution goes on at
 * `fixup`. */
struct guarded_entry {
    uintptr_t instruction, fixup;
};

extern const struct guarded_entry ex_table_start[], ex_table_end[];

/* Copy nbytes upwards, or fill with zeros; returns the number of bytes NOT done.  User pages
 * are opened for it where SMAP guards them. */
size_t guarded_copy(void *dst, const void *src, size_t nbytes);
size_t guarded_zero(void *dst, size_t nbytes);

/* Where the processor has SMAP, put STAC and CLAC around the accesses.  Once, at boot. */
void guarded_init(void);
