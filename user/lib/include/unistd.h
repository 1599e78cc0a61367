/* unistd.h - the kernel's services (POSIX, and Linux for brk and syscall). */
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define STDIN_FILENO 0
#define STDOUT_FILENO 1
#define STDERR_FILENO 2

#define SEEK_SET 0
#define SEEK_CUR 1
#define SEEK_END 2

extern char **environ;

_Noreturn void _exit(int status);
pid_t fork(void);

/* The child borrows the parent's memory, and the parent waits, until the child calls execve() or
 * _exit().  It may do nothing else. */
__attribute__((returns_twice)) pid_t vfork(void);

/* Return only if they fail.  There is no search along a path. */
int execve(const char *path, char *const argv[], char *const envp[]);
int execv(const char *path, char *const argv[]);

pid_t getpid(void);
pid_t getppid(void);
pid_t gettid(void);

ssize_t read(int fd, void *buffer, size_t nbytes);
ssize_t write(int fd, const void *buffer, size_t nbytes);
off_t lseek(int fd, off_t offset, int whence);
int close(int fd);
int dup(int fd);
int dup2(int fd, int wanted);
int pipe(int ends[2]); /* read from [0] what was written to [1] */
int unlink(const char *path);
int rmdir(const char *path);
int chdir(const char *path);

unsigned sleep(unsigned seconds);
unsigned alarm(unsigned seconds);
int pause(void);

/* Move the end of the heap: to an address; by a distance (returns the old end, or (void *)-1). */
int brk(void *end);
void *sbrk(intptr_t increment);

/* Any system call by number, with up to six arguments of 32 bits. */
long syscall(long number, ...);
