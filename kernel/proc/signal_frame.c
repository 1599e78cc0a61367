/* Handlers' frames: a signal becomes a call in ring 3, and sigreturn(2) undoes it.
 *
 * The registers of the moment are put on the program's stack, in Linux's layout, so that programs which
 * look into their ucontext find what they know; the frame is then changed so that ring 3 goes on in the
 * handler.  Its return address leads to the program's restorer, which calls sigreturn:
 *
 *     high   ....                     the interrupted function's stack (or the alternate stack)
 *            FXSAVE image    512      64-byte aligned
 *            FNSAVE image    112      <- sigcontext.fpstate
 *            restorer code     8      never used (the stack is not executable), debuggers look for it
 *            ucontext                 mask, alternate stack, sigcontext = all registers
 *            siginfo         128
 *            &ucontext, &siginfo, number   the handler's arguments
 *     low    return address           <- esp of the handler; esp + 4 is a multiple of 16
 *
 * That is the frame of SA_SIGINFO.  Handlers without it get the older frame: number, sigcontext, no
 * siginfo.
 *
 * Restart     A system call that was cut short left -ERESTARTxxx in eax.  With eax = its number again
 *             and eip on its INT 0x80 (two bytes), it is as if it had not begun.  Whether that is done,
 *             or the program gets EINTR, depends on the call and on whether a handler runs:
 *
 *                                      no handler     handler    handler with SA_RESTART
 *               ERESTARTSYS            again          EINTR      again
 *               ERESTARTNOINTR         again          again      again
 *               ERESTARTNOHAND         again          EINTR      EINTR
 *               ERESTART_RESTARTBLOCK  the rest (*)   EINTR      EINTR
 *
 *             (*) through restart_syscall(2): a sleep goes on until its first end.
 *
 * Trust       None.  What sigreturn loads was writable by the program: segments are forced to user
 *             ones, EFLAGS keeps the kernel's bits, MXCSR loses reserved ones, and an EIP behind the code
 *             segment's limit, at which IRET itself would fault, becomes SIGSEGV before it is loaded.
 * Reading     sigreturn(2), signal(7); Linux's <asm/sigcontext.h> for the layout. */
#include "kernel/cpu/cpu.h"
#include "kernel/lib/assert.h"
#include "kernel/lib/errno.h"
#include "kernel/lib/string.h"
#include "kernel/proc/process.h"
#include "kernel/proc/signal_internal.h"
#include "mm/uaccess.h"

/* struct sigcontext: selectors fill 32 bits, of which 16 count. */
struct user_registers {
    uint32_t gs, fs, es, ds;
    uint32_t edi, esi, ebp, esp, ebx, edx, ecx, eax;
    uint32_t trap_number, trap_error;
    uint32_t eip, cs, eflags, esp_at_signal, ss;
    uaddr_t fpstate;
    uint32_t old_mask, cr2;
};
_Static_assert(sizeof(struct user_registers) == 88, "struct sigcontext of i386");

struct user_stack { /* stack_t */
    uaddr_t base;
    uint32_t flags, size;
};

struct user_context { /* struct ucontext */
    uint32_t flags;
    uaddr_t link;
    struct user_stack stack;
    struct user_registers registers;
    signal_set mask;
};

struct x87_register {
    uint32_t low, high;
    uint16_t exponent;
} __attribute__((packed));

/* struct _fpstate: the FNSAVE image, and, if `magic` says so, an FXSAVE image behind it. */
struct user_fpstate {
    uint32_t control, status, tags, fp_eip, fp_cs, fp_data, fp_ds;
    struct x87_register st[8];
    uint16_t status_again, magic;
};
#define FPSTATE_OLD_SIZE sizeof(struct user_fpstate)
#define FPSTATE_FNSAVE_SIZE 108u
#define MAGIC_FXSAVE 0x0000u
#define MAGIC_FNSAVE_ONLY 0xFFFFu
#define FXSAVE_ALIGNMENT 64u
#define FPSTATE_FULL_SIZE (FPSTATE_OLD_SIZE + sizeof(struct fpu_state))
_Static_assert(sizeof(struct user_fpstate) == 112, "struct _fpstate without its FXSAVE image");

#define RETCODE_SIZE 8u
struct old_frame {
    uaddr_t return_address;
    int32_t signal;
    struct user_registers registers;
};
/* Behind it lie room for the FPU state that very old programs expect there, then these: */
struct old_frame_tail {
    uint32_t mask_high;
    uint8_t retcode[RETCODE_SIZE];
};
#define OLD_FRAME_TAIL (sizeof(struct old_frame) + FPSTATE_FULL_SIZE)
#define OLD_FRAME_SIZE (OLD_FRAME_TAIL + sizeof(struct old_frame_tail))

struct rt_frame {
    uaddr_t return_address;
    int32_t signal;
    uaddr_t info_address, context_address;
    struct signal_info info;
    struct user_context context;
    uint8_t retcode[RETCODE_SIZE];
};

/* popl %eax; movl $119, %eax; int $0x80   and   movl $173, %eax; int $0x80 */
static const uint8_t old_retcode[RETCODE_SIZE] = { 0x58, 0xB8, 119, 0, 0, 0, 0xCD, 0x80 };
static const uint8_t rt_retcode[RETCODE_SIZE] = { 0xB8, 173, 0, 0, 0, 0xCD, 0x80, 0 };

/* EFLAGS that a program may set: the arithmetic ones, DF, TF, RF, AC. */
#define EFLAGS_ARITHMETIC 0x8D5u
#define EFLAGS_DF (1u << 10)
#define EFLAGS_RF (1u << 16)
#define EFLAGS_OF_PROGRAM (EFLAGS_ARITHMETIC | EFLAGS_DF | EFLAGS_TF | EFLAGS_RF | EFLAGS_AC)

#define STACK_ALIGNMENT 16u
#define SYSCALL_INSTRUCTION_SIZE 2u /* INT 0x80 */
#define SYSCALL_RESTART 0u          /* restart_syscall(2) */

/* ---- floating point ---- */

/* Fields of an FXSAVE image (SDM vol. 1, table 10-2). */
struct fxsave_head {
    uint16_t control, status, tags, opcode;
    uint32_t eip, cs, data, ds, mxcsr, mxcsr_mask;
    struct {
        struct x87_register value;
        uint8_t reserved[6];
    } st[8];
};

#define FNSAVE_HIGH_HALF 0xFFFF0000u
#define EXPONENT_MASK 0x7FFFu
#define INTEGER_BIT 0x80000000u
enum fpu_tag { TAG_VALID, TAG_ZERO, TAG_SPECIAL, TAG_EMPTY };

/* What FNSAVE would say of a register that is not empty. */
static enum fpu_tag tag_of(const struct x87_register *st)
{
    uint32_t exponent = st->exponent & EXPONENT_MASK;

    if (exponent == 0)
        return st->low == 0 && st->high == 0 ? TAG_ZERO : TAG_SPECIAL;
    return exponent != EXPONENT_MASK && (st->high & INTEGER_BIT) ? TAG_VALID : TAG_SPECIAL;
}

/* FXSAVE has one tag bit for each physical register, and ST(i) relative to the top of the stack. */
static uint32_t full_tags(const struct fxsave_head *fx)
{
    unsigned top = (fx->status >> 11) & 7;
    uint32_t tags = 0xFFFF; /* all empty */

    if ((fx->tags & 0xFF) == 0)
        return tags;
    for (unsigned i = 0; i < 8; i++)
        if ((fx->tags >> i) & 1)
            tags ^= (TAG_EMPTY ^ tag_of(&fx->st[(i - top) & 7].value)) << (2 * i);
    return tags;
}

static void old_from_fxsave(struct user_fpstate *fp, const struct fxsave_head *fx)
{
    fp->control = FNSAVE_HIGH_HALF | fx->control;
    fp->status = FNSAVE_HIGH_HALF | fx->status;
    fp->tags = FNSAVE_HIGH_HALF | full_tags(fx);
    fp->fp_eip = fx->eip;
    fp->fp_cs = (fx->cs & 0xFFFF) | (uint32_t)fx->opcode << 16;
    fp->fp_data = fx->data;
    fp->fp_ds = FNSAVE_HIGH_HALF | fx->ds;
    for (unsigned i = 0; i < 8; i++)
        fp->st[i] = fx->st[i].value;
    fp->status_again = fx->status;
    fp->magic = MAGIC_FXSAVE;
}

/* Handlers change the old image: it has the last word. */
static void fxsave_from_old(struct fxsave_head *fx, const struct user_fpstate *fp)
{
    fx->control = (uint16_t)fp->control;
    fx->status = (uint16_t)fp->status;
    fx->tags = 0;
    for (unsigned i = 0; i < 8; i++)
        fx->tags |= (uint16_t)((((fp->tags >> (2 * i)) & 3) != TAG_EMPTY) << i);
    fx->opcode = (uint16_t)(fp->fp_cs >> 16);
    fx->eip = fp->fp_eip;
    fx->cs = fp->fp_cs & 0xFFFF;
    fx->data = fp->fp_data;
    fx->ds = fp->fp_ds & 0xFFFF;
    for (unsigned i = 0; i < 8; i++)
        fx->st[i].value = fp->st[i];
}

/* Where it goes below `esp`; 0 on a machine without an FPU. */
static uaddr_t fpstate_place(uaddr_t esp)
{
    if (!cpu_has(CPU_FPU))
        return 0;
    return ALIGN_DOWN(esp - sizeof(struct fpu_state), FXSAVE_ALIGNMENT) - FPSTATE_OLD_SIZE;
}

static size_t fpstate_push(uaddr_t address)
{
    struct fpu_state *own = thread_current()->fpu;
    struct user_fpstate fp;

    if (!address)
        return 0;
    fpu_sync(own);
    if (cpu_has(CPU_FXSR)) {
        old_from_fxsave(&fp, (const struct fxsave_head *)own->area);
        size_t left = copy_to_user(address, &fp, sizeof(fp));
        return left ? left
                    : copy_to_user(address + FPSTATE_OLD_SIZE, own->area, sizeof(own->area));
    }
    memcpy(&fp, own->area, FPSTATE_FNSAVE_SIZE);
    fp.status_again = (uint16_t)fp.status;
    fp.magic = MAGIC_FNSAVE_ONLY;
    return copy_to_user(address, &fp, sizeof(fp));
}

/* A handler begins with fresh registers: it may be called in the middle of anything. */
static void fpstate_reset(void)
{
    if (!cpu_has(CPU_FPU))
        return;
    fpu_discard(thread_current()->fpu);
    fpu_state_init(thread_current()->fpu);
}

/* The registers' memory is written in place: from here on it is what counts. */
static int fpstate_load(struct fpu_state *own, uaddr_t address)
{
    struct user_fpstate fp;

    if (copy_from_user(&fp, address, sizeof(fp)))
        return -EFAULT;
    if (!cpu_has(CPU_FXSR)) {
        memcpy(own->area, &fp, FPSTATE_FNSAVE_SIZE);
        return 0;
    }
    if (fp.magic != MAGIC_FXSAVE)
        fpu_state_init(own);
    else if (copy_from_user(own->area, address + FPSTATE_OLD_SIZE, sizeof(own->area)))
        return -EFAULT;
    fxsave_from_old((struct fxsave_head *)own->area, &fp);
    return 0;
}

/* 0, or -EFAULT. */
static int fpstate_pop(uaddr_t address)
{
    struct fpu_state *own = thread_current()->fpu;

    if (!cpu_has(CPU_FPU))
        return 0;
    if (!address) {
        fpstate_reset();
        return 0;
    }
    fpu_discard(own);
    int error = fpstate_load(own, address);
    fpu_sanitise(own);
    return error;
}

/* ---- the way to the handler ---- */

static bool on_altstack(const struct task_signals *own, uaddr_t esp)
{
    return esp > own->altstack && esp - own->altstack <= own->altstack_size;
}

uint32_t signal_altstack_state(uaddr_t esp)
{
    const struct task_signals *own = &task_current()->signals;

    if (own->altstack_size == 0)
        return SS_DISABLE;
    return !(own->altstack_flags & SS_AUTODISARM) && on_altstack(own, esp) ? SS_ONSTACK : 0;
}

struct placement {
    uaddr_t fpstate, frame;
};

/* -EFAULT: the alternate stack is too small. */
static int place(const struct trap_frame *frame, const struct signal_action *action,
                 uint32_t size, struct placement *place)
{
    const struct task_signals *own = &task_current()->signals;
    uaddr_t esp = frame->user_esp;
    uint32_t state = signal_altstack_state(esp);
    bool alternate = state == SS_ONSTACK;

    if ((action->flags & SA_ONSTACK) && state == 0) {
        esp = own->altstack + own->altstack_size;
        alternate = true;
    }
    place->fpstate = fpstate_place(esp);
    if (place->fpstate)
        esp = place->fpstate;
    place->frame = ALIGN_DOWN(esp - size + sizeof(uint32_t), STACK_ALIGNMENT) -
                   sizeof(uint32_t);
    return alternate && !on_altstack(own, place->frame) ? -EFAULT : 0;
}

static void fill_registers(struct user_registers *registers, const struct trap_frame *frame,
                           uaddr_t fpstate, signal_set mask)
{
    const struct task_signals *own = &task_current()->signals;

    *registers = (struct user_registers){
        .gs = frame->gs & 0xFFFF,
        .fs = frame->fs & 0xFFFF,
        .es = frame->es & 0xFFFF,
        .ds = frame->ds & 0xFFFF,
        .edi = frame->edi,
        .esi = frame->esi,
        .ebp = frame->ebp,
        .esp = frame->user_esp,
        .ebx = frame->ebx,
        .edx = frame->edx,
        .ecx = frame->ecx,
        .eax = frame->eax,
        .trap_number = own->trap_number,
        .trap_error = own->trap_error,
        .eip = frame->eip,
        .cs = frame->cs & 0xFFFF,
        .eflags = frame->eflags,
        .esp_at_signal = frame->user_esp,
        .ss = frame->user_ss & 0xFFFF,
        .fpstate = fpstate,
        .old_mask = (uint32_t)mask,
        .cr2 = own->trap_address,
    };
}

static uaddr_t return_address(const struct signal_action *action, uaddr_t retcode)
{
    return action->flags & SA_RESTORER ? action->restorer : retcode;
}

/* In the handler.  FS and GS stay: thread-local storage works there too. */
static void enter_handler(struct trap_frame *frame, uaddr_t handler, uaddr_t esp, int signal)
{
    frame->user_esp = esp;
    frame->eip = handler;
    frame->eax = (uint32_t)signal; /* arguments of register-calling handlers */
    frame->edx = frame->ecx = 0;
    frame->cs = SELECTOR_USER_CODE;
    frame->ds = frame->es = frame->user_ss = SELECTOR_USER_DATA;
    frame->eflags &= ~(EFLAGS_DF | EFLAGS_RF | EFLAGS_TF);
    frame->error = SIGNAL_NO_SYSCALL;
}

static int push_old_frame(struct trap_frame *frame, const struct signal_info *info,
                          const struct signal_action *action, signal_set mask)
{
    struct placement at;
    struct old_frame head;
    struct old_frame_tail tail = { .mask_high = (uint32_t)(mask >> 32) };

    if (place(frame, action, OLD_FRAME_SIZE, &at))
        return -EFAULT;
    uaddr_t tail_address = at.frame + OLD_FRAME_TAIL;
    head.return_address = return_address(action, tail_address +
                                                     offsetof(struct old_frame_tail, retcode));
    head.signal = info->signal;
    fill_registers(&head.registers, frame, at.fpstate, mask);
    memcpy(tail.retcode, old_retcode, sizeof(tail.retcode));
    if (fpstate_push(at.fpstate) || copy_to_user(at.frame, &head, sizeof(head)) ||
        copy_to_user(tail_address, &tail, sizeof(tail)))
        return -EFAULT;
    enter_handler(frame, action->handler, at.frame, info->signal);
    return 0;
}

static struct user_stack save_altstack(struct task_signals *own)
{
    struct user_stack stack = { own->altstack, own->altstack_flags, own->altstack_size };

    if (own->altstack_size == 0)
        stack.flags |= SS_DISABLE;
    return stack;
}

static int push_rt_frame(struct trap_frame *frame, const struct signal_info *info,
                         const struct signal_action *action, signal_set mask)
{
    struct task_signals *own = &task_current()->signals;
    struct placement at;
    struct rt_frame rt;

    if (place(frame, action, sizeof(rt), &at))
        return -EFAULT;
    rt.return_address = return_address(action, at.frame + offsetof(struct rt_frame, retcode));
    rt.signal = info->signal;
    rt.info_address = at.frame + offsetof(struct rt_frame, info);
    rt.context_address = at.frame + offsetof(struct rt_frame, context);
    rt.info = *info;
    rt.context.flags = 0;
    rt.context.link = 0;
    rt.context.stack = save_altstack(own);
    fill_registers(&rt.context.registers, frame, at.fpstate, mask);
    rt.context.mask = mask;
    memcpy(rt.retcode, rt_retcode, sizeof(rt.retcode));
    if (fpstate_push(at.fpstate) || copy_to_user(at.frame, &rt, sizeof(rt)))
        return -EFAULT;
    enter_handler(frame, action->handler, at.frame, info->signal);
    frame->edx = rt.info_address;
    frame->ecx = rt.context_address;
    if (own->altstack_flags & SS_AUTODISARM)
        own->altstack = own->altstack_size = own->altstack_flags = 0;
    return 0;
}

/* ---- restarts ---- */

static bool was_syscall(const struct trap_frame *frame)
{
    return frame->vector == TRAP_SYSCALL && frame->error != SIGNAL_NO_SYSCALL;
}

static void start_again(struct trap_frame *frame, uint32_t number)
{
    frame->eax = number;
    frame->eip -= SYSCALL_INSTRUCTION_SIZE;
    frame->error = SIGNAL_NO_SYSCALL;
}

static void restart_or_fail(struct trap_frame *frame, uint32_t action_flags)
{
    if (!was_syscall(frame))
        return;
    switch ((int32_t)frame->eax) {
    case -ERESTARTSYS:
        if (action_flags & SA_RESTART) {
            start_again(frame, frame->error);
            return;
        }
        frame->eax = (uint32_t)-EINTR;
        break;
    case -ERESTARTNOINTR:
        start_again(frame, frame->error);
        break;
    case -ERESTARTNOHAND:
    case -ERESTART_RESTARTBLOCK:
        frame->eax = (uint32_t)-EINTR;
        break;
    }
}

static void restart_without_handler(struct trap_frame *frame)
{
    if (!was_syscall(frame))
        return;
    switch ((int32_t)frame->eax) {
    case -ERESTARTSYS:
    case -ERESTARTNOINTR:
    case -ERESTARTNOHAND:
        start_again(frame, frame->error);
        break;
    case -ERESTART_RESTARTBLOCK:
        start_again(frame, SYSCALL_RESTART);
        break;
    }
}

/* ---- delivery ---- */

static void call_handler(struct trap_frame *frame, const struct signal_info *info,
                         const struct signal_action *action)
{
    struct task_signals *own = &task_current()->signals;
    signal_set mask = own->restore_saved ? own->saved : own->blocked;

    restart_or_fail(frame, action->flags);
    int error = action->flags & SA_SIGINFO ? push_rt_frame(frame, info, action, mask)
                                           : push_old_frame(frame, info, action, mask);
    if (error) { /* nowhere to put it: a fault of the program */
        if (info->signal == SIGSEGV)
            signal_drop_handler(SIGSEGV);
        signal_force_plain(SIGSEGV);
        return;
    }
    fpstate_reset();
    own->restore_saved = false;
    signal_set added = action->flags & SA_NODEFER ? 0 : signal_bit(info->signal);
    signal_set_blocked(own->blocked | action->mask | added);
}

void signal_deliver(struct trap_frame *frame)
{
    struct signal_info info;
    struct signal_action action;

    do {
        irq_enable();
        while (signal_next_handled(&info, &action))
            call_handler(frame, &info, &action);
        restart_without_handler(frame);
        signal_restore_mask();
        signal_check_eip(frame);
        irq_disable(); /* nothing may come in between the last look and ring 3 */
    } while (signal_refresh());
}

/* ---- the way back ---- */

/* A data selector that POP can load: flat, or a descriptor of the thread's own; else the null one. */
static uint32_t safe_selector(uint32_t selector)
{
    const struct thread *thread = thread_current();
    uint32_t index = (selector & 0xFFFF) / 8;

    selector &= 0xFFFF;
    if (selector == SELECTOR_USER_DATA || selector == SELECTOR_USER_CODE)
        return selector;
    bool own = (selector & 7) == 3 && index >= GDT_TLS_FIRST &&
               index < GDT_TLS_FIRST + GDT_TLS_COUNT && thread->tls[index - GDT_TLS_FIRST] != 0;
    return own ? selector : 0;
}

static int load_registers(struct trap_frame *frame, const struct user_registers *registers)
{
    if (fpstate_pop(registers->fpstate))
        return -EFAULT;
    frame->gs = safe_selector(registers->gs);
    frame->fs = safe_selector(registers->fs);
    frame->es = safe_selector(registers->es);
    frame->ds = safe_selector(registers->ds);
    frame->edi = registers->edi;
    frame->esi = registers->esi;
    frame->ebp = registers->ebp;
    frame->user_esp = registers->esp;
    frame->ebx = registers->ebx;
    frame->edx = registers->edx;
    frame->ecx = registers->ecx;
    frame->eax = registers->eax;
    frame->eip = registers->eip;
    frame->cs = SELECTOR_USER_CODE;
    frame->user_ss = SELECTOR_USER_DATA;
    frame->eflags = (frame->eflags & ~EFLAGS_OF_PROGRAM) |
                    (registers->eflags & EFLAGS_OF_PROGRAM);
    frame->error = SIGNAL_NO_SYSCALL;
    return 0;
}

static int32_t finish_return(struct trap_frame *frame, int error)
{
    frame->error = SIGNAL_NO_SYSCALL;
    if (error)
        signal_force_plain(SIGSEGV);
    else
        signal_check_eip(frame);
    return error ? 0 : (int32_t)frame->eax;
}

/* The handler's RET took the return address away, the restorer popped the number. */
int32_t signal_return_old(struct trap_frame *frame)
{
    uaddr_t address = frame->user_esp - offsetof(struct old_frame, registers);
    struct old_frame head;
    uint32_t mask_high;

    if (copy_from_user(&head, address, sizeof(head)) ||
        copy_from_user(&mask_high, address + OLD_FRAME_TAIL, sizeof(mask_high)))
        return finish_return(frame, -EFAULT);
    task_current()->restart = NULL;
    signal_set_blocked(head.registers.old_mask | (signal_set)mask_high << 32);
    return finish_return(frame, load_registers(frame, &head.registers));
}

static void restore_altstack(const struct user_stack *stack, uaddr_t esp)
{
    struct task_signals *own = &task_current()->signals;

    if (signal_altstack_state(esp) == SS_ONSTACK)
        return; /* the program stands on it */
    bool disabled = (stack->flags & SS_DISABLE) != 0;
    own->altstack = disabled ? 0 : stack->base;
    own->altstack_size = disabled ? 0 : stack->size;
    own->altstack_flags = stack->flags & SS_AUTODISARM;
}

int32_t signal_return_rt(struct trap_frame *frame)
{
    uaddr_t address = frame->user_esp - offsetof(struct rt_frame, signal);
    struct user_context context;

    if (copy_from_user(&context, address + offsetof(struct rt_frame, context), sizeof(context)))
        return finish_return(frame, -EFAULT);
    task_current()->restart = NULL;
    signal_set_blocked(context.mask);
    int error = load_registers(frame, &context.registers);
    if (!error)
        restore_altstack(&context.stack, frame->user_esp);
    return finish_return(frame, error);
}
