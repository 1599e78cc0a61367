/* Exceptions of programs become signals: which one, with which si_code and si_addr, as on Linux.
 *
 *     exception                signal   code                      address
 *     #DE divide               SIGFPE   FPE_INTDIV                the instruction
 *     #DB single step, INT1    SIGTRAP  TRAP_TRACE / TRAP_BRKPT   the instruction
 *     #BP INT3                 SIGTRAP  SI_KERNEL                 0
 *     #OF, #BR, #GP            SIGSEGV  SI_KERNEL                 0
 *     #UD, #NM (no FPU)        SIGILL   ILL_ILLOPN                the instruction
 *     #NP, #SS                 SIGBUS   SI_KERNEL                 0
 *     #MF, #XM                 SIGFPE   by the status word        the instruction
 *     #AC                      SIGBUS   BUS_ADRALN                0
 *     #PF                      SIGSEGV  SEGV_MAPERR, SEGV_ACCERR  the address (CR2)
 *                              SIGBUS   BUS_ADRERR                the same; no frame: SIGKILL
 *
 * One #GP is really a fault on a page: an instruction at or behind the code segment's limit, which
 * stands for a no-execute bit (see space->exec_end).
 * Without a handler the program ends here, and the log says why.
 * Reading     sigaction(2), "The siginfo_t argument"; SDM vol. 3, 6.15. */
#include "kernel/cpu/cpu.h"
#include "kernel/lib/errno.h"
#include "kernel/lib/format.h"
#include "kernel/lib/string.h"
#include "kernel/log.h"
#include "kernel/panic.h"
#include "kernel/proc/process.h"
#include "kernel/proc/signal_internal.h"
#include "mm/fault.h"

/* Exception flags of the x87 status word; MXCSR has the same order, with the masks 7 bits higher. */
#define FP_INVALID 0x01u
#define FP_DENORMAL 0x02u
#define FP_DIVIDE 0x04u
#define FP_OVERFLOW 0x08u
#define FP_UNDERFLOW 0x10u
#define FP_INEXACT 0x20u
#define MXCSR_MASK_SHIFT 7
/* Where the images of FNSAVE and FXSAVE have them. */
#define CONTROL_OFFSET 0
#define FNSAVE_STATUS_OFFSET 4
#define FXSAVE_STATUS_OFFSET 2
#define FXSAVE_MXCSR_OFFSET 24

static uint32_t fp_exceptions(unsigned vector)
{
    struct fpu_state *own = thread_current()->fpu;
    struct fpu_state state;
    uint16_t control, status;
    uint32_t mxcsr;

    fpu_save_current(&state, own);
    memcpy(&mxcsr, state.area + FXSAVE_MXCSR_OFFSET, sizeof(mxcsr));
    if (vector == TRAP_SIMD)
        return mxcsr & ~(mxcsr >> MXCSR_MASK_SHIFT);
    memcpy(&control, state.area + CONTROL_OFFSET, sizeof(control));
    memcpy(&status,
           state.area + (cpu_has(CPU_FXSR) ? FXSAVE_STATUS_OFFSET : FNSAVE_STATUS_OFFSET),
           sizeof(status));
    return status & ~(uint32_t)control;
}

static int fp_code(unsigned vector)
{
    uint32_t exceptions = fp_exceptions(vector);

    if (exceptions & FP_INVALID)
        return FPE_FLTINV;
    if (exceptions & FP_DIVIDE)
        return FPE_FLTDIV;
    if (exceptions & FP_OVERFLOW)
        return FPE_FLTOVF;
    if (exceptions & (FP_UNDERFLOW | FP_DENORMAL))
        return FPE_FLTUND;
    return exceptions & FP_INEXACT ? FPE_FLTRES : FPE_FLTINV;
}

static void fault_signal(int signal, int code, uaddr_t address, struct signal_info *info)
{
    info->signal = signal;
    info->code = code;
    info->address = address;
}

/* An address where no instruction can be executed: is anything there at all? */
static void execute_signal(uaddr_t eip, struct signal_info *info)
{
    bool mapped = space_is_mapped(process_current()->space, eip);

    fault_signal(SIGSEGV, mapped ? SEGV_ACCERR : SEGV_MAPERR, eip, info);
}

static void page_fault_signal(uaddr_t address, struct signal_info *info)
{
    switch (fault_last_error()) {
    case -EACCES:
        return fault_signal(SIGSEGV, SEGV_ACCERR, address, info);
    case -ENXIO:
        return fault_signal(SIGBUS, BUS_ADRERR, address, info);
    case -ENOMEM:
        return fault_signal(SIGKILL, SI_KERNEL, 0, info);
    default:
        return fault_signal(SIGSEGV, SEGV_MAPERR, address, info);
    }
}

static bool is_behind_code(const struct trap_frame *frame)
{
    return frame->eip >= process_current()->space->exec_end;
}

static void signal_of(const struct trap_frame *frame, uaddr_t address, struct signal_info *info)
{
    memset(info, 0, sizeof(*info));
    switch (frame->vector) {
    case TRAP_DIVIDE:
        return fault_signal(SIGFPE, FPE_INTDIV, frame->eip, info);
    case TRAP_FPU_ERROR:
    case TRAP_SIMD:
        return fault_signal(SIGFPE, fp_code(frame->vector), frame->eip, info);
    case TRAP_DEBUG:
        return fault_signal(SIGTRAP, frame->eflags & EFLAGS_TF ? TRAP_TRACE : TRAP_BRKPT,
                            frame->eip, info);
    case TRAP_BREAKPOINT:
        return fault_signal(SIGTRAP, SI_KERNEL, 0, info);
    case TRAP_INVALID_OPCODE:
    case TRAP_NO_FPU:
        return fault_signal(SIGILL, ILL_ILLOPN, frame->eip, info);
    case TRAP_SEGMENT_NOT_PRESENT:
    case TRAP_STACK_SEGMENT:
        return fault_signal(SIGBUS, SI_KERNEL, 0, info);
    case TRAP_ALIGNMENT:
        return fault_signal(SIGBUS, BUS_ADRALN, 0, info);
    case TRAP_PAGE_FAULT:
        return page_fault_signal(address, info);
    case TRAP_GENERAL_PROTECTION:
        if (is_behind_code(frame))
            return execute_signal(frame->eip, info);
        break;
    }
    fault_signal(SIGSEGV, SI_KERNEL, 0, info);
}

/* Why the program ends, for the log. */
static void explain(const struct trap_frame *frame, const struct signal_info *info,
                    uaddr_t address, char *text, size_t size)
{
    struct space *space = process_current()->space;

    if (frame->vector == TRAP_PAGE_FAULT && info->signal == SIGKILL)
        snprintf(text, size, "out of memory at 0x%08x", address);
    else if (frame->vector == TRAP_PAGE_FAULT)
        fault_explain(space, address, frame->error, text, size);
    else if (frame->vector == TRAP_GENERAL_PROTECTION && is_behind_code(frame))
        snprintf(text, size, "executes 0x%08x, behind the end of the code at 0x%08x",
                 frame->eip, space->exec_end);
    else
        snprintf(text, size, "%s at eip 0x%08x", trap_name(frame->vector), frame->eip);
}

static void end_program(struct trap_frame *frame, const struct signal_info *info,
                        uaddr_t address)
{
    struct process *process = process_current();
    char text[192];

    explain(frame, info, address, text, sizeof(text));
    log_warning("%s[%u] killed by signal %d: %s", process->name, process->pid, info->signal,
                text);
    panic_print_frame(frame, address);
    process_exit(info->signal);
}

/* For cpu/trap: a program's exception that no handler had an answer to.  Interrupts are off, so that
 * CR2 and fault_last_error() are still this fault's. */
static void handle_exception(struct trap_frame *frame)
{
    struct task_signals *own = &task_current()->signals;
    uaddr_t address = frame->vector == TRAP_PAGE_FAULT ? cr2_read() : 0;
    struct signal_info info;

    own->trap_number = frame->vector;
    own->trap_error = frame->error;
    if (frame->vector == TRAP_PAGE_FAULT)
        own->trap_address = address;
    signal_of(frame, address, &info);
    irq_enable();
    if (!signal_has_handler(info.signal))
        end_program(frame, &info, address);
    signal_force(&info);
}

bool signal_check_eip(struct trap_frame *frame)
{
    struct signal_info info;

    if (likely(!is_behind_code(frame)))
        return false;
    memset(&info, 0, sizeof(info));
    execute_signal(frame->eip, &info);
    struct task_signals *own = &task_current()->signals;
    own->trap_number = TRAP_PAGE_FAULT;
    own->trap_error = PF_USER | (info.code == SEGV_ACCERR ? PF_PRESENT : 0);
    own->trap_address = frame->eip;
    signal_force(&info);
    return true;
}

void signal_fault_init(void)
{
    trap_set_user_handler(handle_exception);
}
