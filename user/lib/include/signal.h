/* signal.h - signals and handlers, as on Linux i386. */
#pragma once

#include <sys/types.h>

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
#define SIGCHLD 17
#define SIGCONT 18
#define SIGSTOP 19
#define SIGTSTP 20
#define SIGTTIN 21
#define SIGTTOU 22
#define SIGXCPU 24
#define SIGXFSZ 25
#define SIGWINCH 28
#define SIGSYS 31
#define NSIG 65

/* Sets: bit n - 1 is for signal n. */
typedef unsigned long long sigset_t;

#define SIG_BLOCK 0
#define SIG_UNBLOCK 1
#define SIG_SETMASK 2

static inline int sigemptyset(sigset_t *set)
{
    *set = 0;
    return 0;
}

static inline int sigfillset(sigset_t *set)
{
    *set = ~0ull;
    return 0;
}

static inline int sigaddset(sigset_t *set, int signal)
{
    *set |= 1ull << (signal - 1);
    return 0;
}

static inline int sigdelset(sigset_t *set, int signal)
{
    *set &= ~(1ull << (signal - 1));
    return 0;
}

static inline int sigismember(const sigset_t *set, int signal)
{
    return (*set >> (signal - 1) & 1) != 0;
}

/* What a handler is told, 128 bytes.  Which member counts depends on the signal. */
union sigval {
    int sival_int;
    void *sival_ptr;
};

typedef struct {
    int si_signo, si_errno, si_code;
    union {
        struct {
            pid_t pid;
            unsigned uid;
            union sigval value;
        } from; /* kill() */
        struct {
            pid_t pid;
            unsigned uid;
            int status;
            long user_ticks, system_ticks;
        } child;       /* SIGCHLD */
        void *address; /* SIGSEGV, SIGBUS, SIGILL, SIGFPE */
        int room[29];
    } about;
} siginfo_t;

#define si_pid about.from.pid
#define si_uid about.from.uid
#define si_value about.from.value
#define si_status about.child.status
#define si_addr about.address

/* si_code */
#define SI_USER 0
#define SI_KERNEL 0x80
#define SI_TKILL (-6)
#define SEGV_MAPERR 1 /* SIGSEGV: nothing is mapped there */
#define SEGV_ACCERR 2 /* something is, but not for this kind of access */
#define BUS_ADRALN 1
#define BUS_ADRERR 2 /* SIGBUS: a page behind the end of the file */
#define FPE_INTDIV 1
#define ILL_ILLOPN 2
#define CLD_EXITED 1
#define CLD_KILLED 2

/* Handlers. */
#define SIG_DFL ((void (*)(int))0)
#define SIG_IGN ((void (*)(int))1)
#define SIG_ERR ((void (*)(int)) - 1)

#define SA_NOCLDSTOP 0x00000001ul
#define SA_NOCLDWAIT 0x00000002ul
#define SA_SIGINFO 0x00000004ul
#define SA_ONSTACK 0x08000000ul
#define SA_RESTART 0x10000000ul
#define SA_NODEFER 0x40000000ul
#define SA_RESETHAND 0x80000000ul

/* In the kernel's order.  sigaction() fills in sa_restorer. */
struct sigaction {
    union {
        void (*sa_handler)(int signal);
        void (*sa_sigaction)(int signal, siginfo_t *info, void *context); /* SA_SIGINFO */
    };
    unsigned long sa_flags;
    void (*sa_restorer)(void);
    sigset_t sa_mask;
};

typedef struct {
    void *ss_sp;
    int ss_flags;
    size_t ss_size;
} stack_t;

#define SS_ONSTACK 1
#define SS_DISABLE 2
#define MINSIGSTKSZ 2048
#define SIGSTKSZ 8192

int kill(pid_t pid, int signal);
int raise(int signal);
int sigaction(int signal, const struct sigaction *wanted, struct sigaction *old);
int sigprocmask(int how, const sigset_t *set, sigset_t *old);
int sigaltstack(const stack_t *wanted, stack_t *old);
