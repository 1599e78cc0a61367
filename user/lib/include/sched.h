/* sched.h - give up the processor to somebody else who is ready (POSIX); processes that share more
 * or less with their parent (Linux). */
#pragma once

#include <sys/types.h>

#define CLONE_VM 0x00000100 /* the address space */
#define CLONE_FS 0x00000200
#define CLONE_FILES 0x00000400
#define CLONE_SIGHAND 0x00000800
#define CLONE_VFORK 0x00004000
#define CLONE_PARENT 0x00008000 /* the caller's parent becomes the child's, too */
#define CLONE_THREAD 0x00010000
#define CLONE_SYSVSEM 0x00040000
#define CLONE_SETTLS 0x00080000
#define CLONE_PARENT_SETTID 0x00100000
#define CLONE_CHILD_CLEARTID 0x00200000
#define CLONE_CHILD_SETTID 0x01000000

int sched_yield(void);

/* The child runs function(argument) on the stack below stack_top and ends with its result.  The last
 * three count only with the flags that ask for them.  Returns the child's id, or -1. */
int clone(int (*function)(void *), void *stack_top, int flags, void *argument, int *parent_tid,
          void *tls, int *child_tid);
