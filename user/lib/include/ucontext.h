/* ucontext.h - the third argument of an SA_SIGINFO handler: the registers at the interruption, which
 * the handler may change (Linux i386). */
#pragma once

#include <signal.h>

enum {
    REG_GS,
    REG_FS,
    REG_ES,
    REG_DS,
    REG_EDI,
    REG_ESI,
    REG_EBP,
    REG_ESP,
    REG_EBX,
    REG_EDX,
    REG_ECX,
    REG_EAX,
    REG_TRAPNO,
    REG_ERR, /* of a page fault: bit 0 protection, bit 1 write, bit 2 user (SDM vol. 3, 4.7) */
    REG_EIP,
    REG_CS,
    REG_EFL,
    REG_UESP,
    REG_SS,
    NGREG
};

typedef struct {
    int gregs[NGREG];
    void *fpregs;
    unsigned long oldmask, cr2;
} mcontext_t;

typedef struct ucontext {
    unsigned long uc_flags;
    struct ucontext *uc_link;
    stack_t uc_stack;
    mcontext_t uc_mcontext;
    sigset_t uc_sigmask;
} ucontext_t;
