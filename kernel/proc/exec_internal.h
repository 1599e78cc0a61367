/* kernel/proc/exec_internal.h - what exec.c and exec_stack.c share. */
#pragma once

#include "kernel/lib/elf.h"
#include "kernel/proc/exec.h"

/* What a new program is told on its stack. */
struct exec_start {
    const struct exec_strings *strings;
    const char *path;
    const struct elf32_ehdr *header;
    uaddr_t entry, phdrs;
};

/* How many bytes of the stack that takes, at most. */
uint32_t exec_stack_bytes(const struct exec_start *start);

/* Write it below `top` in the active space; *sp: the initial ESP.  0, -ENOMEM. */
int exec_build_stack(struct space *space, uaddr_t top, const struct exec_start *start,
                     uaddr_t *sp);
