/* kernel/proc/process.h - programs in ring 3: processes and their threads.
 *
 *   struct process   what fork makes: an address space, files, signal actions, a family
 *   struct task      one thread of it, with a thread number (tid) and a kernel thread
 *
 * Below: sched, mm/space, fs, signal.  Above: exec, system calls, tty, shell.
 * Lock: "processes" (table, states, families, exit statuses); spin lock, interrupts off. */
#pragma once

#include "kernel/fs/file.h"
#include "kernel/proc/itimer.h"
#include "kernel/proc/signal.h"
#include "kernel/proc/tty.h"
#include "kernel/sched/thread.h"
#include "mm/space.h"

#define PROCESS_NAME_MAX 16u /* with the NUL: TASK_COMM_LEN */
#define RLIMIT_COUNT 16u
#define RLIMIT_DATA 2
#define RLIMIT_STACK 3
#define RLIMIT_NOFILE 7
#define RLIMIT_AS 9

/* How a program ended, in one number, for who started it: its exit code (0 .. 255), or one of these
 * plus the signal's number. */
#define STATUS_SIGNALLED 256
#define STATUS_STOPPED 512 /* it has not ended */

enum process_state { PROCESS_RUNNING, PROCESS_STOPPED, PROCESS_ZOMBIE };
enum process_mode {
    PROCESS_FOREGROUND, /* started by the kernel's shell, which waits for it */
    PROCESS_BACKGROUND, /* started by the kernel's shell, reaped by itself */
    PROCESS_CHILD       /* made by fork; reaped by its parent, or by itself if that is gone */
};

struct resource_limit { /* struct rlimit64 */
    uint64_t current, maximum;
};
#define RLIM_INFINITY UINT64_MAX

struct process {
    uint32_t pid, pgid, sid;
    struct process *parent; /* NULL: the kernel (started by the shell, or adopted) */
    struct list_node children, sibling;
    struct list_node node;  /* all processes, in order of pid */
    struct list_node tasks; /* its threads */
    unsigned task_count;    /* of them */
    unsigned live_count;    /* of them that have not begun to end */
    char name[PROCESS_NAME_MAX];
    enum process_state state;
    int exit_signal; /* to the parent when it ends: SIGCHLD, or what clone said; 0: none */
    bool exiting;    /* exit_group or a fatal signal: every thread is to end */
    struct task *exec_task; /* while `exiting` is only for its execve: the one that stays */
    int wait_status; /* as wait(2) gives it: exit code << 8, or the signal that ended it */
    int stop_signal; /* while PROCESS_STOPPED */
    bool stop_reported, continued; /* for WUNTRACED and WCONTINUED */
    struct space *space;           /* a reference; NULL: not made yet, or gone */
    struct file_table *files;
    bool files_shared;              /* with another process (CLONE_FILES): exec makes a copy */
    struct inode *cwd, *executable; /* references; executable: /proc/PID/exe */
    uint32_t umask;
    struct process_signals signals;
    struct resource_limit limits[RLIMIT_COUNT];
    uint64_t start_ns;                   /* since boot */
    uint64_t user_ticks, system_ticks;   /* of threads that have ended */
    uint64_t child_ticks;                /* of children that were waited for */
    uint64_t minor_faults, child_faults; /* of spaces it has left; of children */
    uint32_t resident_peak, child_peak;  /* pages */
    struct itimer timers[ITIMER_COUNT];
    int oom_score_adj;
    int nice;         /* setpriority(2): -20 .. 19; kept, without effect */
    bool executed;    /* execve since fork: setpgid(2) by the parent comes too late */
    bool told_enosys; /* the log has a line on a system call that is missing */
    struct vfork_wait
        *vfork; /* somebody sleeps until this one has exec'ed or ended; else NULL */
    struct wait_queue child_changed; /* wait(2) of this process sleeps here */
    enum process_mode mode;
    struct tty_aside terminal;   /* of a job of the kernel's shell that has stopped */
    struct process_start *start; /* what process_start() wants loaded; NULL: it is */
};

struct task {
    uint32_t tid; /* the first thread's is the pid; so is, after execve, the only one's */
    struct process *process;
    struct thread *thread;
    struct list_node node; /* in process->tasks */
    struct task_signals signals;
    uaddr_t set_child_tid;   /* CLONE_CHILD_SETTID: its number goes there when it begins */
    uaddr_t clear_child_tid; /* set_tid_address(2): cleared, and a futex woken, at the end */
    uaddr_t robust_list;
    uint32_t robust_list_size;
    /* What restart_syscall(2) goes on with: a sleep that a stop has cut short, and when it ends
     * (ns since boot).  The arguments are still in the registers. */
    int32_t (*restart)(struct trap_frame *frame);
    uint64_t restart_until;
};

void process_init(void);

static inline struct task *task_current(void)
{
    return thread_current()->task;
}

/* The running thread's process, NULL for kernel threads. */
static inline struct process *process_current(void)
{
    struct task *task = task_current();
    return task ? task->process : NULL;
}

/* ---- from the kernel's shell ---- */

/* Start program argv[0] (a path, or the name of a file in /bin) with argc arguments and a small
 * environment (PATH, HOME, TERM, PWD), to which the strings NAME=VALUE of `environment` are added, or
 * replace what has their name (the list ends with NULL; NULL: none); as the leader of a session of its
 * own; descriptors 0, 1, 2 are the console.  PROCESS_FOREGROUND: the terminal is its, and somebody
 * calls process_wait(); PROCESS_BACKGROUND: it is reaped by itself.  Returns the pid, or -ENOENT,
 * -ENOEXEC, -EACCES, -ENOMEM, -E2BIG. */
int process_start(int argc, char *const argv[], char *const environment[],
                  enum process_mode mode);

/* Be told when a background process has ended (its exit code, or STATUS_SIGNALLED + signal) or stopped
 * (STATUS_STOPPED + signal).  Called with interrupts off: may not wait. */
typedef void (*process_news_hook)(uint32_t pid, const char *name, int status);
void process_set_news_hook(process_news_hook hook);

/* Wait until a process that was started in the foreground ends, reap it; its exit code or
 * STATUS_SIGNALLED + signal, or -ESRCH.  If it stops (Ctrl-Z), it becomes a background process, and the
 * result is STATUS_STOPPED + the signal that stopped it. */
int process_wait(uint32_t pid);

/* Let a process that was started in the background, or stopped, have the terminal; it goes on if it
 * was stopped.  Somebody must call process_wait() then.  0 or -ESRCH (none that the kernel started). */
int process_resume(uint32_t pid);

/* Send a signal (SI_USER, from pid 0).  0, -ESRCH, -EINVAL (no such signal). */
int process_kill(uint32_t pid, int signal);

/* ---- life and death (fork.c, exit.c) ---- */

#define CLONE_VM 0x00000100u
#define CLONE_FS 0x00000200u
#define CLONE_FILES 0x00000400u
#define CLONE_SIGHAND 0x00000800u
#define CLONE_VFORK 0x00004000u
#define CLONE_PARENT 0x00008000u
#define CLONE_THREAD 0x00010000u
#define CLONE_SYSVSEM 0x00040000u
#define CLONE_SETTLS 0x00080000u
#define CLONE_PARENT_SETTID 0x00100000u
#define CLONE_CHILD_CLEARTID 0x00200000u
#define CLONE_DETACHED 0x00400000u
#define CLONE_UNTRACED 0x00800000u
#define CLONE_CHILD_SETTID 0x01000000u
#define CLONE_IO 0x80000000u
#define CLONE_SIGNAL_MASK 0xFFu /* low byte: the signal at the end */

struct clone_request {
    uint32_t flags; /* CLONE_*, with the exit signal in the low byte */
    uaddr_t stack;  /* 0: the parent's */
    uaddr_t parent_tid, child_tid, tls;
};
/* A copy of the running process, or another thread of it; it returns 0 from the system call of
 * `frame`.  The pid (tid), or -EINVAL, -ENOMEM, -EAGAIN, -ERESTARTNOINTR (a signal first);
 * nothing is left behind by a failure. */
int process_clone(const struct clone_request *request, const struct trap_frame *frame);

/* End the running thread (exit(2)); the last one ends the process with `wait_status`. */
_Noreturn void task_exit(int wait_status);

/* End the running process with all its threads (exit_group(2), fatal signals). */
_Noreturn void process_exit(int wait_status);

/* Mark it: every thread ends when it gets there.  Any context. */
void process_begin_exit(struct process *process, int wait_status);

/* End all other threads of the running process and wait for it: for execve(2).  0, or -EINTR if
 * the whole process is to end: then go back to where that is seen to. */
int process_become_single(void);

#define WNOHANG 1u
#define WUNTRACED 2u /* and WSTOPPED */
#define WEXITED 4u   /* implied by wait4(2) */
#define WCONTINUED 8u
#define WNOWAIT 0x01000000u
#define WNOTHREAD 0x20000000u /* children belong to processes here: no difference */
#define WALL 0x40000000u
#define WCLONE 0x80000000u
#define WAIT_STATUS_CONTINUED 0xFFFF
struct wait_result {
    uint32_t pid;
    int wait_status; /* as wait(2) gives it */
    uint64_t ticks, faults;
    uint32_t resident_peak;
};
/* waitpid(2): `pid` as there (> 0, 0, -1, < -1); ends are reported only with WEXITED.  1:
 * `result` is set (and the zombie gone, without WNOWAIT); 0: WNOHANG and nothing yet; -ECHILD,
 * -ERESTARTSYS, -ESRCH (INT32_MIN). */
int process_wait_child(int32_t pid, unsigned options, struct wait_result *result);

/* A process stops: its state changes and its parent is told.  It goes on (since SIGCONT was sent,
 * its state says so): its parent is told.  By the process itself (signal.c). */
void process_stopped(struct process *process, int signal);
void process_continued(struct process *process);

/* ---- looking at processes ---- */

/* Is the running process to be killed?  Long loops in the kernel look here. */
static inline bool process_kill_pending(void)
{
    return thread_current()->interrupted && signal_is_fatal_pending();
}

/* Process group that owns the console's input (tcgetpgrp), 0: the kernel's shell.  Ctrl-C goes
 * to it. */
uint32_t process_foreground(void);
void process_set_foreground(uint32_t pgid);

/* setpgid(2) for the running process or a child of it: 0, -ESRCH, -EPERM, -EACCES.  setsid(2):
 * the new session, or -EPERM. */
int process_set_group(uint32_t pid, uint32_t pgid);
int process_new_session(void);

/* Call `use` with the process (or the thread's process, for a tid) while it cannot go away:
 * "processes" held, interrupts off.  0 or -ESRCH. */
int process_with(uint32_t pid, void (*use)(struct process *process, void *context),
                 void *context);
int task_with(uint32_t tid, void (*use)(struct task *task, void *context), void *context);

/* Call `use` for every process of a group (0: of all processes but pid 1 and the running
 * one's); returns how many. */
unsigned process_for_each(uint32_t pgid, void (*use)(struct process *process, void *context),
                          void *context);

/* Things of a process, with a reference; NULL: no such process, or it is gone from it. */
struct space *process_get_space(uint32_t pid);
struct file_table *process_get_files(uint32_t pid);
struct inode *process_get_cwd(uint32_t pid);
struct inode *process_get_executable(uint32_t pid);

/* Its limits as mm/ wants them. */
void process_space_limits(const struct process *process, struct space_limits *limits);

struct process_info {
    uint32_t pid, ppid, pgid, sid, tid; /* tid: of the first thread */
    char name[PROCESS_NAME_MAX];
    enum process_state state;
    bool background;   /* started by the shell with & */
    char state_letter; /* as in /proc/PID/stat: R S T Z */
    unsigned threads;
    uint32_t virtual_pages, resident; /* pages */
    uint64_t faults, ticks, child_ticks, start_ns;
    int wait_status, exit_signal, oom_score_adj, nice;
    uint32_t umask;
    uaddr_t user_eip, user_esp; /* of the first thread's last trap, 0 if not known */
    signal_set blocked, pending, ignored, caught;
    struct resource_limit limits[RLIMIT_COUNT];
};

/* Copies for `ps` and /proc: the process with the smallest pid >= *pid; false when there is
 * none. */
bool process_next_info(uint32_t *pid, struct process_info *info);

/* The same for the threads of a process: the smallest tid >= *tid. */
bool task_next_tid(uint32_t pid, uint32_t *tid);

struct process_stats {
    uint64_t forks; /* processes ever made */
    uint32_t processes, tasks, running;
};
void process_get_stats(struct process_stats *stats);
bool process_check(void);
