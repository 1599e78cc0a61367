/* kernel/cpu/trap.h - exceptions, interrupts and the system-call gate.
 * Entry code is trap_entry.S.  Upper layers register what they handle; cpu/ calls nothing above
 * it. */
#pragma once

#include "kernel/lib/types.h"

/* What entry pushes, lowest address first.  user_esp and user_ss are only there when the frame
 * came from ring 3 (trap_from_user). */
struct trap_frame {
    uint32_t gs, fs, es, ds;
    uint32_t edi, esi, ebp, kernel_esp, ebx, edx, ecx, eax; /* PUSHA's order */
    uint32_t vector, error;
    uint32_t eip, cs, eflags;
    uint32_t user_esp, user_ss;
};

/* A system call's arguments, in the order of its manual page; its result goes to EAX. */
#define ARG1(frame) ((frame)->ebx)
#define ARG2(frame) ((frame)->ecx)
#define ARG3(frame) ((frame)->edx)
#define ARG4(frame) ((frame)->esi)
#define ARG5(frame) ((frame)->edi)
#define ARG6(frame) ((frame)->ebp)

enum trap_vector {
    TRAP_DIVIDE = 0,
    TRAP_DEBUG = 1,
    TRAP_NMI = 2,
    TRAP_BREAKPOINT = 3,
    TRAP_OVERFLOW = 4,
    TRAP_BOUND = 5,
    TRAP_INVALID_OPCODE = 6,
    TRAP_NO_FPU = 7,
    TRAP_DOUBLE_FAULT = 8,
    TRAP_INVALID_TSS = 10,
    TRAP_SEGMENT_NOT_PRESENT = 11,
    TRAP_STACK_SEGMENT = 12,
    TRAP_GENERAL_PROTECTION = 13,
    TRAP_PAGE_FAULT = 14,
    TRAP_FPU_ERROR = 16,
    TRAP_ALIGNMENT = 17,
    TRAP_MACHINE_CHECK = 18,
    TRAP_SIMD = 19,
    TRAP_EXCEPTION_COUNT = 32,
    TRAP_IRQ_BASE = 32, /* 32..47: the PIC's 16 lines */
    TRAP_SYSCALL = 0x80,
};

/* Page-fault error code bits (SDM vol. 3, 4.7). */
#define PF_PRESENT 1u /* protection violation, not a missing page */
#define PF_WRITE 2u
#define PF_USER 4u
#define PF_RESERVED 8u
#define PF_FETCH 16u

static inline bool trap_from_user(const struct trap_frame *frame)
{
    return (frame->cs & 3) == 3;
}

/* The stack pointer at the moment of the trap.  The processor pushes ESP and SS only when it
 * changes privilege level; PUSHA's copy was taken below vector, error, EIP, CS and EFLAGS. */
#define TRAP_FRAME_BELOW_ESP (5 * sizeof(uint32_t))

static inline uintptr_t trap_frame_esp(const struct trap_frame *frame)
{
    return trap_from_user(frame) ? frame->user_esp : frame->kernel_esp + TRAP_FRAME_BELOW_ESP;
}

/* A handler returns true if it dealt with the exception; otherwise the next in line is asked:
 * for a ring-3 frame the user handler, for a kernel frame (and for NMI, #DF, #MC) the fatal
 * handler. */
typedef bool (*trap_handler)(struct trap_frame *frame);

/* Load the IDT.  Every vector has an entry; #DF is a task gate; 0x80 is open to ring 3. */
void trap_init(void);

/* Register the handler of one exception (vector < 32). */
void trap_set_handler(unsigned vector, trap_handler handler);

/* Register what happens to a program whose exception no handler dealt with; it must not return
 * to the program unchanged (proc/ kills the process). */
void trap_set_user_handler(void (*handler)(struct trap_frame *frame));

/* Register what reports an exception that nobody dealt with; must not return
 * (kernel/panic.c). */
void trap_set_fatal_handler(void (*handler)(const struct trap_frame *frame));

/* Hand `frame` to the fatal handler, or halt when there is none yet. */
_Noreturn void trap_fatal(const struct trap_frame *frame);

/* Register the system-call dispatcher; called with interrupts on, result goes to frame->eax. */
void trap_set_syscall_handler(void (*handler)(struct trap_frame *frame));

/* Register what runs after an interrupt was handled and before the interrupted code goes on:
 * the scheduler's preemption.  Called with interrupts off, only if that code had them on. */
void trap_set_preempt_hook(void (*hook)(void));

/* Register what runs just before a return to ring 3 if trap_user_work is not 0 (kills,
 * signals).  Called with interrupts off, once for each return; clearing trap_user_work is the
 * hook's business. */
void trap_set_user_work_hook(void (*hook)(struct trap_frame *frame));
extern volatile uint32_t trap_user_work;

/* Call that hook: for who goes to ring 3 without having come from there (a new thread). */
void trap_run_user_work(struct trap_frame *frame);

/* Start in ring 3 with this frame; never returns.  Interrupts are off until then. */
_Noreturn void trap_enter_user(struct trap_frame *frame);

/* "general protection", "page fault" ... */
const char *trap_name(unsigned vector);

/* A page fault's error code in words: "user write to a not-present page".  Returns text. */
const char *trap_page_fault_describe(uint32_t error, char *text, size_t size);
