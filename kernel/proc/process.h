/* kernel/proc/process.h - programs in ring 3: one address space and one thread each.
 * Below: thread, mm/space, exec.  Above: syscall, tty, shell.
 * Lock: "processes" (table, states, exit statuses). */
#pragma once

#include "kernel/proc/thread.h"
#include "mm/space.h"

#define PROCESS_NAME_MAX 32u

/* The status of a process that a signal ended is this plus the signal's number, as shells have
 * it. */
#define STATUS_SIGNALLED 128

enum process_state { PROCESS_RUNNING, PROCESS_ZOMBIE };

/* Signals, as far as programs can be ended by them here; numbers as on Linux. */
#define SIGINT 2
#define SIGILL 4
#define SIGTRAP 5
#define SIGABRT 6
#define SIGBUS 7
#define SIGFPE 8
#define SIGKILL 9
#define SIGSEGV 11
#define SIGTERM 15
#define SIGCHLD 17
#define SIGCONT 18
#define SIGURG 23
#define SIGWINCH 28

enum process_mode { PROCESS_FOREGROUND, PROCESS_BACKGROUND };

struct process {
    uint32_t pid;
    char name[PROCESS_NAME_MAX];
    enum process_state state;
    enum process_mode
        mode; /* background: nobody waits; reaped by itself, with a line in the log */
    struct thread *thread;
    struct space *space; /* NULL: not made yet, or gone */
    unsigned pins;       /* process_with_space() users: the space must stay */
    int kill_signal;     /* != 0: end at the next return to ring 3 */
    int status;          /* exit status 0..255, or 128 + signal */
    bool told_enosys;    /* the log has a line on a system call that is missing */
    bool starting;       /* process_start() still looks at this structure */
    int load_error;      /* of exec, while it starts: 1 = not known yet */
    char **argv;         /* one kmalloc block with the strings, until it is loaded */
    int argc;
    struct wait_queue changed; /* loaded, or ended */
    struct list_node node;
};

void process_init(void);

/* Start program argv[0] (a file of the initrd, "hello" or "bin/hello") with argc arguments.
 * PROCESS_FOREGROUND: the console is its, and somebody calls process_wait();
 * PROCESS_BACKGROUND: it is reaped by itself.  Returns the pid, or -ENOENT, -ENOEXEC, -ENOMEM,
 * -E2BIG. */
int process_start(int argc, char *const argv[], enum process_mode mode);

/* Be told when a background process has ended.  Called with interrupts off: may not wait. */
typedef void (*process_end_hook)(uint32_t pid, const char *name, int status);
void process_set_end_hook(process_end_hook hook);

/* Wait until it ends, reap it; its status, or -ESRCH. */
int process_wait(uint32_t pid);

/* End a process with a signal (now if it runs in ring 3, else when it gets there).  0, -ESRCH,
 * -EINVAL (no such signal). */
int process_kill(uint32_t pid, int signal);

/* The running thread's process, NULL for kernel threads. */
static inline struct process *process_current(void)
{
    return thread_current()->process;
}

/* End the running process; `status` as in struct process. */
_Noreturn void process_exit(int status);

/* Is the running process to be killed?  Long loops and sleeps look here. */
static inline bool process_kill_pending(void)
{
    struct process *process = process_current();
    return process && process->kill_signal != 0;
}

/* Process that owns the console's input, 0: the shell.  Ctrl-C goes to it. */
uint32_t process_foreground(void);

/* Run `use` with the process's space while it cannot go away; 0 or -ESRCH. */
int process_with_space(uint32_t pid, void (*use)(struct space *space, void *context),
                       void *context);

struct process_info {
    uint32_t pid, thread_id;
    char name[PROCESS_NAME_MAX];
    enum process_state state;
    bool background;
    uint32_t virtual_pages, resident; /* pages */
    uint64_t faults, ticks;
};

/* Copies for `ps`: the process with the smallest pid >= *pid; false when there is none. */
bool process_next_info(uint32_t *pid, struct process_info *info);
bool process_check(void);
