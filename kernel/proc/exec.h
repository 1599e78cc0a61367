/* kernel/proc/exec.h - from an ELF file to an address space ready to run.
 * System V ABI, Intel386 supplement: chapter 5 (program loading), figure 3-31 (initial
 * stack). */
#pragma once

#include "kernel/cpu/trap.h"
#include "kernel/fs/inode.h"
#include "mm/space.h"

/* argv and envp with their strings may have a quarter of the stack's limit, as on Linux: between
 * these. */
#define EXEC_STRINGS_MIN (128u * KiB)
#define EXEC_STRINGS_MAX (2u * MiB)
#define EXEC_STRING_MAX (128u * KiB) /* one of them, with its NUL */

/* argv and envp in kernel memory: `nbytes` of NUL-terminated strings, argc of argv then envc of
 * envp. */
struct exec_strings {
    char *bytes; /* kmalloc'ed, EXEC_STRINGS_MAX at most */
    uint32_t nbytes, size;
    unsigned argc, envc;
};

/* Append a string (argc and envc are the caller's); all strings of a program's array of
 * pointers (NULL address: none), whose number goes to *count.  0, -E2BIG, -ENOMEM, -EFAULT. */
int exec_strings_add(struct exec_strings *strings, const char *string);
int exec_strings_add_user(struct exec_strings *strings, uaddr_t array, unsigned *count);
/* Put `count` strings in the place of the first argument.  0, -E2BIG, -ENOMEM. */
int exec_strings_replace_first(struct exec_strings *strings, unsigned count,
                               const char *const replacement[]);
void exec_strings_free(struct exec_strings *strings);

struct exec_image {
    uaddr_t entry;
    uaddr_t stack; /* initial ESP: argc there, then argv[], envp[], the auxiliary vector */
};

/* Load the program in `file` (a static ELF executable, ET_EXEC or static-pie; or a "#!" script,
 * whose interpreter is then loaded and `strings` changed) into a new space, which becomes
 * active: its segments become ranges that are filled on faults from the page cache, bss and
 * stack follow.  `path`: as it was called, for AT_EXECFN.  0 with *space (the caller's
 * reference) and *image and *executable (reference: what was loaded); else the space that was
 * active is active again: -ENOEXEC, -EACCES (no regular file, not executable), -ENOMEM, -E2BIG,
 * -ELOOP (scripts), path errors. */
int exec_load(struct inode *cwd, struct inode *file, const char *path,
              struct exec_strings *strings, const struct space_limits *limits,
              struct space **space, struct exec_image *image, struct inode **executable);

/* execve(2) for the running process: on success `frame` starts the new program.  Errors as
 * above. */
int exec_replace(const char *path, struct exec_strings *strings, struct trap_frame *frame);
