/* mm/uaccess.h - the only door to user memory.
 * A user address is untrusted: the access itself is tried, with the page-fault handler standing
 * by. If it finds no answer, the exception table tells it where the copy goes on with an error
 * (so checks cannot be raced or forgotten).  Thread context of the process that owns the
 * addresses. */
#pragma once

#include "kernel/cpu/trap.h"
#include "kernel/lib/types.h"
#include "mm/page.h"

/* Does [start, start + nbytes) lie in the user's half?  All that is checked before an access is
 * tried. */
bool user_range_is_valid(uaddr_t start, size_t nbytes);

/* Copy nbytes; returns the number of bytes NOT copied: 0 is success, as in Linux. */
size_t copy_from_user(void *dst, uaddr_t src, size_t nbytes);
size_t copy_to_user(uaddr_t dst, const void *src, size_t nbytes);

/* The same from or to a part of one frame, HIGHMEM or not.  (No kmap() around copy_to_user(): the copy
 * may be interrupted or wait for memory, and windows are few.) */
size_t copy_frame_to_user(uaddr_t dst, struct page *src, uint32_t start, size_t nbytes);
size_t copy_frame_from_user(struct page *dst, uint32_t start, uaddr_t src, size_t nbytes);

/* Fill with zeros; returns the number of bytes not cleared. */
size_t clear_user(uaddr_t dst, size_t nbytes);

/* Copy a string with its NUL into dst (size > 0).  Its length; -EFAULT; -ENAMETOOLONG if it
 * does not fit. */
int copy_string_from_user(char *dst, uaddr_t src, size_t size);

/* For fault.c: if the kernel instruction at frame->eip has an entry in the exception table,
 * make it continue at its fix-up; else false. */
bool uaccess_fixup(struct trap_frame *frame);
bool uaccess_is_guarded(uintptr_t eip);

/* Guarded access to any kernel address, for the shell's peek and poke: false instead of a panic
 * when nothing is mapped there (or it is read-only). */
bool kernel_peek(uintptr_t address, uint32_t *value, unsigned nbytes);
bool kernel_poke(uintptr_t address, uint32_t value, unsigned nbytes);
