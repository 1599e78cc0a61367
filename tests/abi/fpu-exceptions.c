/* Unmasked exceptions of the FPU: SIGFPE with the reason, and death without a handler. */
#include "tests/abi/abi.h"

static volatile double zero = 0.0, one = 1.0, huge = 1e300;

static void unmask(uint16_t exceptions)
{
    uint16_t control = 0x037f & ~exceptions;

    __asm__ volatile("fnclex; fldcw %0" : : "m"(control));
}

static void divide(void)
{
    unmask(0x04);
    __asm__ volatile("fldl %0; fdivl %1; fwait; fstp %%st(0)" : : "m"(one), "m"(zero));
}

static void invalid(void)
{
    unmask(0x01);
    __asm__ volatile("fldl %0; fdivl %0; fwait; fstp %%st(0)" : : "m"(zero));
}

static void overflow(void)
{
    double result;

    unmask(0x08);
    __asm__ volatile("fldl %1; fmull %1; fstpl %0; fwait" : "=m"(result) : "m"(huge));
}

static void attempt(const char *what, void (*crime)(void), int code)
{
    if (sigsetjmp(fault_return, 1) == 0) {
        crime();
        say("%s: nothing happened", what);
    } else {
        say("%s: SIG%s, code %s", what, sigabbrev_np(fault_info.si_signo),
            fault_info.si_code == code ? "right" : "wrong");
    }
    __asm__ volatile("fninit");
}

int main(void)
{
    struct sigaction action = { .sa_sigaction = on_fault, .sa_flags = SA_SIGINFO };

    MUST(sigaction(SIGFPE, &action, NULL));
    attempt("division by zero", divide, FPE_FLTDIV);
    attempt("invalid operation", invalid, FPE_FLTINV);
    attempt("overflow", overflow, FPE_FLTOVF);
    handle(SIGFPE, SIG_DFL, 0);
    in_child("unhandled", divide);
    say("masked: %f", one / zero);
    return 0;
}
