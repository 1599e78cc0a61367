/* unistd.h - the kernel's services (POSIX, and Linux for brk and syscall). */
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define STDIN_FILENO 0
#define STDOUT_FILENO 1
#define STDERR_FILENO 2

extern char **environ;

_Noreturn void _exit(int status);
ssize_t read(int fd, void *buffer, size_t nbytes);
ssize_t write(int fd, const void *buffer, size_t nbytes);
pid_t getpid(void);
unsigned sleep(unsigned seconds);

/* Move the end of the heap: to an address; by a distance (returns the old end, or (void *)-1). */
int brk(void *end);
void *sbrk(intptr_t increment);

/* Any system call by number, with up to three arguments. */
long syscall(long number, long a, long b, long c);
