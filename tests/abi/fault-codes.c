/* The handler of each fault is told why and where: si_code, si_addr. */
#include "tests/abi/abi.h"
#include <ucontext.h>

static uintptr_t fault_eip;

static void note(int signal, siginfo_t *info, void *context)
{
    fault_eip = ((ucontext_t *)context)->uc_mcontext.gregs[REG_EIP];
    on_fault(signal, info, context);
}

static void divide(void)
{
    __asm__ volatile("xorl %%ecx, %%ecx; xorl %%edx, %%edx; divl %%ecx"
                     :
                     :
                     : "eax", "ecx", "edx");
}

static void undefined(void)
{
    __asm__ volatile("ud2");
}

static void breakpoint(void)
{
    __asm__ volatile("int3");
}

static void privileged(void)
{
    __asm__ volatile("hlt");
}

static void wild_jump(void)
{
    ((void (*)(void))0x100)();
}

static void attempt(const char *what, void (*crime)(void), int code)
{
    if (sigsetjmp(fault_return, 1) == 0)
        crime();
    say("%s: SIG%s, code %s, address is eip: %s", what, sigabbrev_np(fault_info.si_signo),
        fault_info.si_code == code ? "right" : "wrong",
        (uintptr_t)fault_info.si_addr == fault_eip ? "yes" : "no");
}

int main(void)
{
    struct sigaction action = { .sa_sigaction = note, .sa_flags = SA_SIGINFO };
    const int faults[] = { SIGSEGV, SIGFPE, SIGILL, SIGTRAP, SIGBUS };

    for (unsigned i = 0; i < LENGTH(faults); i++)
        MUST(sigaction(faults[i], &action, NULL));
    attempt("division by zero", divide, FPE_INTDIV);
    attempt("undefined instruction", undefined, ILL_ILLOPN);
    attempt("breakpoint", breakpoint, SI_KERNEL);
    attempt("privileged instruction", privileged, SI_KERNEL);
    attempt("wild jump", wild_jump, SEGV_MAPERR);
    return 0;
}
