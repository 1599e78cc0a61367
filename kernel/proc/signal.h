/* kernel/proc/signal.h - signals (signal(7)): who gets them, and what then happens.
 * Below: sched, mm.  Above: process, tty, system calls.
 * Lock: "signals", one for all pending sets, masks and actions; taken inside. */
#pragma once

#include "kernel/cpu/trap.h"
#include "kernel/lib/list.h"

#define SIGHUP 1
#define SIGINT 2
#define SIGQUIT 3
#define SIGILL 4
#define SIGTRAP 5
#define SIGABRT 6
#define SIGBUS 7
#define SIGFPE 8
#define SIGKILL 9
#define SIGUSR1 10
#define SIGSEGV 11
#define SIGUSR2 12
#define SIGPIPE 13
#define SIGALRM 14
#define SIGTERM 15
#define SIGSTKFLT 16
#define SIGCHLD 17
#define SIGCONT 18
#define SIGSTOP 19
#define SIGTSTP 20
#define SIGTTIN 21
#define SIGTTOU 22
#define SIGURG 23
#define SIGXCPU 24
#define SIGXFSZ 25
#define SIGVTALRM 26
#define SIGPROF 27
#define SIGWINCH 28
#define SIGIO 29
#define SIGPWR 30
#define SIGSYS 31
#define SIGNAL_FIRST_REALTIME 32
#define SIGNAL_COUNT 64 /* numbers 1 .. 64 */

/* si_code (sigaction(2)). */
#define SI_USER 0
#define SI_KERNEL 0x80
#define SI_TKILL (-6)
#define SI_TIMER (-2)
#define ILL_ILLOPN 2
#define FPE_INTDIV 1
#define FPE_INTOVF 2
#define FPE_FLTDIV 3
#define FPE_FLTOVF 4
#define FPE_FLTUND 5
#define FPE_FLTRES 6
#define FPE_FLTINV 7
#define SEGV_MAPERR 1
#define SEGV_ACCERR 2
#define BUS_ADRALN 1
#define BUS_ADRERR 2
#define TRAP_BRKPT 1
#define TRAP_TRACE 2
#define CLD_EXITED 1
#define CLD_KILLED 2
#define CLD_DUMPED 3
#define CLD_STOPPED 5
#define CLD_CONTINUED 6

typedef uint64_t signal_set; /* bit n-1: signal n */

static inline signal_set signal_bit(int signal)
{
    return (signal_set)1 << (signal - 1);
}

/* What a handler is told: siginfo_t of i386, 128 bytes; the first words of its union. */
struct signal_info {
    int32_t signal, error, code;
    union {
        struct {
            int32_t pid;
            uint32_t uid;
            int32_t status; /* SIGCHLD; sigval for queued ones */
            int32_t utime, stime;
        };
        uaddr_t address; /* faults */
        uint8_t bytes[116];
    };
};
_Static_assert(sizeof(struct signal_info) == 128, "siginfo_t of i386 has 128 bytes");

#define SA_NOCLDSTOP 0x00000001u
#define SA_NOCLDWAIT 0x00000002u
#define SA_SIGINFO 0x00000004u
#define SA_RESTORER 0x04000000u
#define SA_ONSTACK 0x08000000u
#define SA_RESTART 0x10000000u
#define SA_NODEFER 0x40000000u
#define SA_RESETHAND 0x80000000u
#define SIG_DFL 0u
#define SIG_IGN 1u

/* As rt_sigaction(2) has it in memory. */
struct signal_action {
    uaddr_t handler;
    uint32_t flags;
    uaddr_t restorer;
    signal_set mask;
};

struct signal_pending {
    signal_set set;
    struct list_node queue; /* their signal_info; a number without an entry has a plain one */
};

/* In each process: shared by its threads. */
struct process_signals {
    struct signal_action actions[SIGNAL_COUNT];
    struct signal_pending pending;
    bool stop_taken; /* a thread is about to stop the process */
    /* SIGCONT has ended a stop: the thread that goes on tells the parent. */
    bool tell_continued;
};

/* In each thread. */
struct task_signals {
    signal_set blocked;
    signal_set awaited; /* sigtimedwait(2) takes these, blocked or not */
    signal_set saved; /* to be restored after a handler that sigsuspend, ppoll .. waited for */
    bool restore_saved;
    struct signal_pending pending;
    uaddr_t altstack;
    uint32_t altstack_size, altstack_flags;
    uint32_t trap_number, trap_error; /* of its last exception, for sigcontext */
    uaddr_t trap_address;
};

struct process;
struct task;

void signal_init(void);

/* For process.c: a new process (fork: `from` is copied, nothing is pending; NULL: defaults), exec
 * (handlers back to default, ignored stays), the end (pending entries are freed). */
void signal_process_init(struct process *process, const struct process *from);
void signal_task_init(struct task *task, const struct task *from);
void signal_exec(struct process *process);
void signal_process_free(struct process *process);
void signal_task_free(struct task *task);

/* Send: to a process (any thread that does not block it), to one thread.  Ignored ones are dropped.
 * 0, -EAGAIN (no memory for a queued real-time signal).  Any context. */
int signal_send(struct process *process, const struct signal_info *info);
int signal_send_task(struct task *task, const struct signal_info *info);

/* A fault of the running thread: cannot be blocked or ignored (then it ends the process). */
void signal_force(const struct signal_info *info);

/* Is one pending that the running thread does not block?  (thread->interrupted says so without a
 * lock.)  Is it SIGKILL, or is the process ending? */
bool signal_is_pending(void);
bool signal_is_fatal_pending(void);

/* Is one pending by which the process ends, SIGKILL or another?  (Not those that leave a core dump: on
 * Linux they wait until the thread is back in the program.) */
bool signal_is_end_pending(void);

/* Block exactly these (SIGKILL and SIGSTOP never are): the running thread. */
void signal_set_blocked(signal_set blocked);

/* What ppoll, pselect and sigsuspend do: block `mask` for the time of this system call; if it then
 * returns -EINTR's kin and a handler runs, that handler returns to the mask from before.  A call that
 * ends otherwise calls signal_restore_mask() itself. */
void signal_set_mask_for_call(signal_set mask);
void signal_restore_mask(void);

/* The action of a signal: copies the old one out and the new one in (either may be NULL).  -EINVAL: no
 * such signal, or SIGKILL or SIGSTOP are to be changed. */
int signal_change_action(int signal, const struct signal_action *action,
                         struct signal_action *old);

/* Take a pending signal of `set` away from the running thread: its number and *info, 0: none. */
int signal_take(signal_set set, struct signal_info *info);

/* Pending for the running thread and blocked (sigpending(2)). */
signal_set signal_pending_blocked(void);

/* Does the running thread ignore or block it?  Then the terminal does not stop its group. */
bool signal_is_blocked_or_ignored(int signal);

/* Has no process of the group a parent outside of it in the same session (POSIX: orphaned)?  Then
 * nobody could continue it, and the keyboard's stop signals do not stop it. */
bool signal_group_is_orphaned(uint32_t pgid);

/* Is this one's parent outside of its group, in the same session?  Then it has kept the group from
 * being orphaned.  "processes" lock held. */
bool signal_has_parent_outside(const struct process *process);

/* The user-work hook's part: deliver what is pending, before `frame` goes back to ring 3: build
 * handlers' frames, restart system calls, end or stop the process.  Called with interrupts off, and
 * returns so.  Ends the thread if its process is ending. */
void signal_deliver(struct trap_frame *frame);

/* sigreturn(2) and rt_sigreturn(2): everything in the program's frame is untrusted.  A bad one forces
 * SIGSEGV.  The new eax. */
int32_t signal_return_old(struct trap_frame *frame);
int32_t signal_return_rt(struct trap_frame *frame);

/* frame->error of a trap that is no system call, or no longer one to start again; in a system call's
 * frame (vector TRAP_SYSCALL) that is the number. */
#define SIGNAL_NO_SYSCALL UINT32_MAX

/* sigaltstack(2)'s flags: is `esp` on the running thread's alternate stack? */
#define SS_ONSTACK 1u
#define SS_DISABLE 2u
#define SS_AUTODISARM 0x80000000u
uint32_t signal_altstack_state(uaddr_t esp);

/* Sends that were made, handlers that were called, and entries queued now. */
struct signal_stats {
    uint64_t sent, handled;
    uint32_t queued;
};
void signal_get_stats(struct signal_stats *stats);

/* "SIGSEGV", "SIGRT5"..., "?" */
const char *signal_name(int signal);
