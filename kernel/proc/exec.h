/* kernel/proc/exec.h - from an ELF file to an address space ready to run.
 * System V ABI, Intel386 supplement: chapter 5 (program loading), figure 3-31 (initial
 * stack). */
#pragma once

#include "mm/space.h"

struct exec_image {
    uaddr_t entry;
    uaddr_t stack; /* initial ESP: argc there, then argv[], envp[], the auxiliary vector */
};

/* Load a static ELF executable of `nbytes` bytes at `file` (memory that stays) into an empty
 * space: its segments become ranges that are filled on faults, bss and stack follow, argv and
 * an empty environment are put on the stack.  `space` must be the active one.  0, -ENOEXEC (not
 * such a file, or a damaged one), -ENOMEM, -E2BIG (arguments). */
int exec_load(struct space *space, const char *name, const uint8_t *file, uint32_t nbytes,
              int argc, char *const argv[], struct exec_image *image);
