/* Exceptions, interrupts and system calls: who gets which.
 *
 * Gates     Interrupt gates (interrupts off on entry) for everything except system calls: a
 *           page fault's handler must read CR2 before another fault can change it, and has
 *           little to do.  INT 0x80 is a trap gate: interrupts stay on.
 *           #DF is a task gate.
 * Ring 3    may execute INT 3, INTO and INT 0x80.  Every other INT n gives it #GP, whatever n
 *           is, so that a program cannot pretend to be the timer.
 * Order     the vector's handler; then for ring 3 the user handler, for the kernel the fatal
 *           one.  NMI and machine check are never a program's fault: they are fatal from
 *           anywhere.
 * Exit      After an interrupt, the preempt hook may switch threads.  Before a return to ring
 *           3, with interrupts off so that nothing can come in between, pending work is done.
 * Reading   SDM vol. 3, chapter 6. */
#include "kernel/cpu/trap.h"

#include "kernel/cpu/cpu.h"
#include "kernel/cpu/irq.h"
#include "kernel/lib/assert.h"
#include "kernel/lib/errno.h"
#include "kernel/lib/format.h"
#include "kernel/lib/string.h"

#define VECTOR_COUNT 256
#define POP_GS_BYTES 2
#define STUB_SIZE 16 /* trap_entry.S aligns each stub to this */

/* Gate descriptor, bits 40..47 (SDM vol. 3, 6.11). */
#define GATE_PRESENT 0x80u
#define GATE_RING3 0x60u
#define GATE_TASK 0x05u
#define GATE_INTERRUPT 0x0Eu
#define GATE_TRAP 0x0Fu

struct gate {
    uint16_t offset_low, selector;
    uint8_t zero, type;
    uint16_t offset_high;
};

/* trap_entry.S */
extern const uint8_t trap_stubs[], trap_pop_segments[], trap_pop_segments_end[], trap_iret[];
extern uint8_t trap_common_clac[], trap_syscall_clac[], trap_page_fault_clac[];
void trap_syscall_entry(void);
void trap_page_fault_entry(void);

/* Called by trap_entry.S. */
void trap_dispatch(struct trap_frame *frame);
void trap_run_user_work(struct trap_frame *frame);
void trap_not_answered(struct trap_frame *frame);
void trap_finish(struct trap_frame *frame);

static void no_syscalls(struct trap_frame *frame)
{
    frame->eax = (uint32_t)-ENOSYS;
}

static bool no_page_faults(struct trap_frame *frame)
{
    (void)frame;
    return false;
}

static struct gate idt[VECTOR_COUNT] __attribute__((aligned(8)));
volatile uint32_t trap_user_work;

/* Not static and not in struct trap: trap_entry.S calls through them. */
void (*trap_syscall_handler)(struct trap_frame *frame) = no_syscalls;
trap_handler trap_page_fault_handler = no_page_faults;

static struct {
    trap_handler handlers[TRAP_EXCEPTION_COUNT];
    void (*user_handler)(struct trap_frame *frame);
    void (*fatal_handler)(const struct trap_frame *frame);
    void (*preempt_hook)(void);
    void (*user_work_hook)(struct trap_frame *frame);
} trap;

static void set_gate(unsigned vector, uintptr_t offset, unsigned selector, unsigned type)
{
    idt[vector] = (struct gate){
        .offset_low = offset & 0xFFFF,
        .selector = selector,
        .type = GATE_PRESENT | type,
        .offset_high = offset >> 16,
    };
}

static void load_idt(void)
{
    const struct {
        uint16_t limit;
        uint32_t base;
    } __attribute__((packed)) pointer = { sizeof(idt) - 1, (uintptr_t)idt };
    __asm__ volatile("lidt %0" ::"m"(pointer));
}

/* See trap_entry.S: AC must be clear in the kernel where SMAP watches. */
static void patch_clac(void)
{
    static const uint8_t clac[] = { 0x0F, 0x01, 0xCA };
    cpu_patch_code(trap_common_clac, clac, sizeof(clac));
    cpu_patch_code(trap_syscall_clac, clac, sizeof(clac));
    cpu_patch_code(trap_page_fault_clac, clac, sizeof(clac));
}

void trap_init(void)
{
    for (unsigned vector = 0; vector < VECTOR_COUNT; vector++) {
        unsigned ring3 = vector == TRAP_BREAKPOINT || vector == TRAP_OVERFLOW ? GATE_RING3 : 0;
        set_gate(vector, (uintptr_t)trap_stubs + vector * STUB_SIZE, SELECTOR_KERNEL_CODE,
                 GATE_INTERRUPT | ring3);
    }
    set_gate(TRAP_DOUBLE_FAULT, 0, SELECTOR_DOUBLE_FAULT_TSS, GATE_TASK);
    set_gate(TRAP_PAGE_FAULT, (uintptr_t)trap_page_fault_entry, SELECTOR_KERNEL_CODE,
             GATE_INTERRUPT);
    set_gate(TRAP_SYSCALL, (uintptr_t)trap_syscall_entry, SELECTOR_KERNEL_CODE,
             GATE_TRAP | GATE_RING3);
    if (cpu_has(CPU_SMAP))
        patch_clac();
    load_idt();
}

void trap_set_handler(unsigned vector, trap_handler handler)
{
    ASSERT(vector < TRAP_EXCEPTION_COUNT, "vector %u is not an exception", vector);
    if (vector == TRAP_PAGE_FAULT)
        trap_page_fault_handler = handler;
    else
        trap.handlers[vector] = handler;
}

void trap_set_user_handler(void (*handler)(struct trap_frame *frame))
{
    trap.user_handler = handler;
}

void trap_set_fatal_handler(void (*handler)(const struct trap_frame *frame))
{
    trap.fatal_handler = handler;
}

void trap_set_syscall_handler(void (*handler)(struct trap_frame *frame))
{
    trap_syscall_handler = handler;
}

void trap_set_preempt_hook(void (*hook)(void))
{
    trap.preempt_hook = hook;
}

void trap_set_user_work_hook(void (*hook)(struct trap_frame *frame))
{
    trap.user_work_hook = hook;
}

void trap_fatal(const struct trap_frame *frame)
{
    irq_disable();
    if (trap.fatal_handler != NULL)
        trap.fatal_handler(frame);
    cpu_halt();
}

/* A selector that the interrupted program had loaded is no longer good (its descriptor was
 * changed since): let it have the null selector, and POP again.  The bad one is on top of the
 * stack.  FS and GS themselves may still hold such selectors, which this trap's own frame has saved:
 * they are null from here on, or the way out of this trap would fault in turn, for ever. */
static bool fix_segment_pop(struct trap_frame *frame)
{
    if (trap_from_user(frame) || frame->eip < (uintptr_t)trap_pop_segments ||
        frame->eip >= (uintptr_t)trap_pop_segments_end)
        return false;
    *(uint32_t *)trap_frame_esp(frame) = 0;
    if (frame->eip <= (uintptr_t)trap_pop_segments + POP_GS_BYTES)
        frame->fs = 0; /* POP FS is still to come, or is what faulted */
    if (frame->eip == (uintptr_t)trap_pop_segments)
        frame->gs = 0; /* POP GS, the first of them, is what faulted */
    return true;
}

/* IRET itself faulted: the place to return to lies beyond the code segment's limit.  All other
 * registers are the program's again, and this trap has saved them right below what IRET would have
 * popped.  Over the three words that this trap pushed, both become one frame of a fault that the
 * program made at that place; the way back is through it. */
static void fault_at_return(struct trap_frame *frame)
{
    const size_t pushed = 3 * sizeof(uint32_t); /* EIP, CS, EFLAGS */
    struct trap_frame *user = (struct trap_frame *)((uintptr_t)frame + pushed);

    memmove(user, frame, offsetof(struct trap_frame, eip));
    trap.user_handler(user);
    trap_finish(user);
    trap_enter_user(user);
}

static bool is_segment_fault(uint32_t vector)
{
    return vector == TRAP_SEGMENT_NOT_PRESENT || vector == TRAP_GENERAL_PROTECTION;
}

/* An exception that its handler, if it has one, did not deal with. */
void trap_not_answered(struct trap_frame *frame)
{
    uint32_t vector = frame->vector;

    if (is_segment_fault(vector) && fix_segment_pop(frame))
        return;
    if (frame->eip == (uintptr_t)trap_iret && vector == TRAP_GENERAL_PROTECTION)
        fault_at_return(frame);
    bool program_at_fault = trap_from_user(frame) && vector != TRAP_NMI &&
                            vector != TRAP_MACHINE_CHECK;
    if (!program_at_fault || trap.user_handler == NULL)
        trap_fatal(frame);
    trap.user_handler(frame);
}

static void dispatch_exception(struct trap_frame *frame)
{
    uint32_t vector = frame->vector;
    trap_handler handler = vector < TRAP_EXCEPTION_COUNT ? trap.handlers[vector] : NULL;

    if (handler == NULL || !handler(frame))
        trap_not_answered(frame);
}

void trap_run_user_work(struct trap_frame *frame)
{
    if (trap.user_work_hook != NULL)
        trap.user_work_hook(frame);
}

/* The last thing before the return: work that is pending for ring 3. */
void trap_finish(struct trap_frame *frame)
{
    if (trap_from_user(frame)) {
        irq_disable();
        if (trap_user_work != 0)
            trap_run_user_work(frame);
    }
}

void trap_dispatch(struct trap_frame *frame)
{
    if (frame->vector - TRAP_IRQ_BASE < IRQ_COUNT) {
        irq_dispatch(frame->vector - TRAP_IRQ_BASE);
        if ((frame->eflags & EFLAGS_IF) && trap.preempt_hook != NULL)
            trap.preempt_hook();
    } else {
        dispatch_exception(frame);
    }
    trap_finish(frame);
}

const char *trap_name(unsigned vector)
{
    static const char *const names[TRAP_EXCEPTION_COUNT] = {
        [TRAP_DIVIDE] = "divide error",
        [TRAP_DEBUG] = "debug",
        [TRAP_NMI] = "non-maskable interrupt",
        [TRAP_BREAKPOINT] = "breakpoint",
        [TRAP_OVERFLOW] = "overflow",
        [TRAP_BOUND] = "bound range exceeded",
        [TRAP_INVALID_OPCODE] = "invalid opcode",
        [TRAP_NO_FPU] = "no FPU",
        [TRAP_DOUBLE_FAULT] = "double fault",
        [TRAP_INVALID_TSS] = "invalid TSS",
        [TRAP_SEGMENT_NOT_PRESENT] = "segment not present",
        [TRAP_STACK_SEGMENT] = "stack segment fault",
        [TRAP_GENERAL_PROTECTION] = "general protection",
        [TRAP_PAGE_FAULT] = "page fault",
        [TRAP_FPU_ERROR] = "floating-point error",
        [TRAP_ALIGNMENT] = "alignment check",
        [TRAP_MACHINE_CHECK] = "machine check",
        [TRAP_SIMD] = "SIMD floating-point error",
    };
    if (vector < TRAP_EXCEPTION_COUNT)
        return names[vector] != NULL ? names[vector] : "reserved exception";
    if (vector == TRAP_SYSCALL)
        return "system call";
    return vector - TRAP_IRQ_BASE < IRQ_COUNT ? "interrupt" : "unexpected interrupt";
}

/* Why an access to a present page was refused.  The error code does not tell a write-protected
 * page from a kernel page (ring 3) or, under SMAP, from a user page (kernel). */
static const char *refusing_page(uint32_t error)
{
    if (error & PF_RESERVED)
        return "page whose entry has reserved bits set";
    if (error & PF_USER)
        return error & PF_WRITE ? "protected page" : "kernel page";
    return error & PF_FETCH ? "user page" : error & PF_WRITE ? "read-only page" : "user page";
}

const char *trap_page_fault_describe(uint32_t error, char *text, size_t size)
{
    snprintf(text, size, "%s %s a %s", error & PF_USER ? "user" : "kernel",
             error & PF_FETCH   ? "instruction fetch from"
             : error & PF_WRITE ? "write to"
                                : "read of",
             error & PF_PRESENT ? refusing_page(error) : "not-present page");
    return text;
}
