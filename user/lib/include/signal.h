/* signal.h - signals by number, as on Linux i386.  There are no handlers: each one ends a program. */
#pragma once

#include <sys/types.h>

#define SIGINT 2
#define SIGILL 4
#define SIGTRAP 5
#define SIGABRT 6
#define SIGBUS 7
#define SIGFPE 8
#define SIGKILL 9
#define SIGSEGV 11
#define SIGTERM 15

int kill(pid_t pid, int signal);
