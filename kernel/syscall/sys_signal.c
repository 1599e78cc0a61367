/* System calls on signals: sigaction(2), kill(2), sigprocmask(2) and their kin. */
#include "kernel/cpu/cpu.h"
#include "kernel/lib/errno.h"
#include "kernel/proc/process.h"
#include "kernel/proc/timespec.h"
#include "kernel/syscall/syscall.h"
#include "mm/uaccess.h"

#define MINSIGSTKSZ 2048u

/* As programs have them. */
struct rt_action {
    uaddr_t handler;
    uint32_t flags;
    uaddr_t restorer;
    uint32_t mask_low, mask_high;
};
struct old_action {
    uaddr_t handler;
    uint32_t mask;
    uint32_t flags;
    uaddr_t restorer;
};
struct stack { /* stack_t */
    uaddr_t base;
    uint32_t flags, size;
};

#define SA_KNOWN                                                                        \
    (SA_NOCLDSTOP | SA_NOCLDWAIT | SA_SIGINFO | SA_RESTORER | SA_ONSTACK | SA_RESTART | \
     SA_NODEFER | SA_RESETHAND)

enum { SIG_BLOCK, SIG_UNBLOCK, SIG_SETMASK };

/* ---- actions ---- */

static int32_t sys_rt_sigaction(struct trap_frame *frame)
{
    uaddr_t new_address = ARG2(frame), old_address = ARG3(frame);
    struct signal_action action, old;
    struct rt_action user;

    if (ARG4(frame) != sizeof(signal_set))
        return -EINVAL;
    if (new_address) {
        if (copy_from_user(&user, new_address, sizeof(user)))
            return -EFAULT;
        action = (struct signal_action){ user.handler, user.flags & SA_KNOWN, user.restorer,
                                         user.mask_low | (signal_set)user.mask_high << 32 };
    }
    int error = signal_change_action((int)ARG1(frame), new_address ? &action : NULL, &old);
    if (error || !old_address)
        return error;
    user = (struct rt_action){ old.handler, old.flags, old.restorer, (uint32_t)old.mask,
                               (uint32_t)(old.mask >> 32) };
    return copy_to_user(old_address, &user, sizeof(user)) ? -EFAULT : 0;
}

static int32_t sys_sigaction(struct trap_frame *frame)
{
    uaddr_t new_address = ARG2(frame), old_address = ARG3(frame);
    struct signal_action action, old;
    struct old_action user;

    if (new_address) {
        if (copy_from_user(&user, new_address, sizeof(user)))
            return -EFAULT;
        action = (struct signal_action){ user.handler, user.flags & SA_KNOWN, user.restorer,
                                         user.mask };
    }
    int error = signal_change_action((int)ARG1(frame), new_address ? &action : NULL, &old);
    if (error || !old_address)
        return error;
    user = (struct old_action){ old.handler, (uint32_t)old.mask, old.flags, old.restorer };
    return copy_to_user(old_address, &user, sizeof(user)) ? -EFAULT : 0;
}

/* The System V way: the handler is good for one signal, which is not blocked meanwhile. */
static int32_t sys_signal(struct trap_frame *frame)
{
    const struct signal_action action = { .handler = ARG2(frame),
                                          .flags = SA_RESETHAND | SA_NODEFER };
    struct signal_action old;
    int error = signal_change_action((int)ARG1(frame), &action, &old);

    return error ? error : (int32_t)old.handler;
}

static int32_t sys_sigaltstack(struct trap_frame *frame)
{
    struct task_signals *own = &task_current()->signals;
    uaddr_t new_address = ARG1(frame), old_address = ARG2(frame);
    uint32_t state = signal_altstack_state(frame->user_esp);
    struct stack old = { own->altstack, own->altstack_flags | state, own->altstack_size };
    struct stack stack;

    if (new_address) {
        if (copy_from_user(&stack, new_address, sizeof(stack)))
            return -EFAULT;
        uint32_t mode = stack.flags & ~SS_AUTODISARM;
        if (state == SS_ONSTACK)
            return -EPERM;
        if (mode != 0 && mode != SS_ONSTACK && mode != SS_DISABLE)
            return -EINVAL;
        if (mode == SS_DISABLE)
            stack.base = stack.size = 0;
        else if (stack.size < MINSIGSTKSZ)
            return -ENOMEM;
        own->altstack = stack.base;
        own->altstack_size = stack.size;
        own->altstack_flags = stack.flags & SS_AUTODISARM;
    }
    return old_address && copy_to_user(old_address, &old, sizeof(old)) ? -EFAULT : 0;
}

/* ---- masks ---- */

static int change_mask(int how, signal_set set)
{
    signal_set blocked = task_current()->signals.blocked;

    switch (how) {
    case SIG_BLOCK:
        signal_set_blocked(blocked | set);
        return 0;
    case SIG_UNBLOCK:
        signal_set_blocked(blocked & ~set);
        return 0;
    case SIG_SETMASK:
        signal_set_blocked(set);
        return 0;
    default:
        return -EINVAL;
    }
}

static int32_t sys_rt_sigprocmask(struct trap_frame *frame)
{
    uaddr_t new_address = ARG2(frame), old_address = ARG3(frame);
    signal_set set, old = task_current()->signals.blocked;

    if (ARG4(frame) != sizeof(set))
        return -EINVAL;
    if (new_address) {
        if (copy_from_user(&set, new_address, sizeof(set)))
            return -EFAULT;
        int error = change_mask((int)ARG1(frame), set);
        if (error)
            return error;
    }
    return old_address && copy_to_user(old_address, &old, sizeof(old)) ? -EFAULT : 0;
}

/* Knows 32 signals; the others stay as they are. */
static int32_t sys_sigprocmask(struct trap_frame *frame)
{
    uaddr_t new_address = ARG2(frame), old_address = ARG3(frame);
    signal_set blocked = task_current()->signals.blocked;
    uint32_t low, old = (uint32_t)blocked;

    if (new_address) {
        if (copy_from_user(&low, new_address, sizeof(low)))
            return -EFAULT;
        int how = (int)ARG1(frame);
        signal_set high = how == SIG_SETMASK ? blocked >> 32 << 32 : 0;
        int error = change_mask(how, high | low);
        if (error)
            return error;
    }
    return old_address && copy_to_user(old_address, &old, sizeof(old)) ? -EFAULT : 0;
}

static int32_t sys_rt_sigpending(struct trap_frame *frame)
{
    signal_set set = signal_pending_blocked();

    if (ARG2(frame) > sizeof(set))
        return -EINVAL;
    return copy_to_user(ARG1(frame), &set, ARG2(frame)) ? -EFAULT : 0;
}

static int32_t sys_sigpending(struct trap_frame *frame)
{
    uint32_t set = (uint32_t)signal_pending_blocked();

    return copy_to_user(ARG1(frame), &set, sizeof(set)) ? -EFAULT : 0;
}

/* ---- waiting ---- */

static int32_t sys_pause(struct trap_frame *frame)
{
    (void)frame;
    uint32_t irq = irq_save();

    while (sleep_until(NULL, NEVER) != SLEEP_INTERRUPTED)
        ;
    irq_restore(irq);
    return -ERESTARTNOHAND;
}

static int32_t sys_rt_sigsuspend(struct trap_frame *frame)
{
    signal_set set;

    if (ARG2(frame) != sizeof(set))
        return -EINVAL;
    if (copy_from_user(&set, ARG1(frame), sizeof(set)))
        return -EFAULT;
    signal_set_mask_for_call(set);
    return sys_pause(frame);
}

/* Its first two arguments are history. */
static int32_t sys_sigsuspend(struct trap_frame *frame)
{
    signal_set_mask_for_call(ARG3(frame));
    return sys_pause(frame);
}

/* The awaited ones count as wanted meanwhile, though blocked: they end the sleep, and none of them is
 * dropped as ignored. */
static int wait_for_signal(signal_set set, uint64_t deadline, struct signal_info *info)
{
    struct task_signals *own = &task_current()->signals;
    enum sleep_end end = SLEEP_WOKEN;
    int signal;

    uint32_t irq = irq_save();
    own->awaited = set;
    while ((signal = signal_take(set, info)) == 0 && end == SLEEP_WOKEN)
        end = sleep_until(NULL, deadline);
    own->awaited = 0;
    irq_restore(irq);
    signal_set_blocked(own->blocked); /* what is no longer wanted interrupts no more */
    if (signal)
        return signal;
    return end == SLEEP_TIMED_OUT ? -EAGAIN : -EINTR;
}

static int32_t sigtimedwait(struct trap_frame *frame, enum time_format format)
{
    uaddr_t info_address = ARG2(frame), limit_address = ARG3(frame);
    uint64_t limit = NEVER;
    struct signal_info info;
    signal_set set;

    if (ARG4(frame) != sizeof(set))
        return -EINVAL;
    if (copy_from_user(&set, ARG1(frame), sizeof(set)))
        return -EFAULT;
    int error = limit_address ? timespec_get(limit_address, format, &limit) : 0;
    if (error)
        return error;
    set &= ~(signal_bit(SIGKILL) | signal_bit(SIGSTOP));
    int result = wait_for_signal(set, time_after(timer_ns(), limit), &info);
    if (result > 0 && info_address && copy_to_user(info_address, &info, sizeof(info)))
        return -EFAULT;
    return result;
}

static int32_t sys_rt_sigtimedwait(struct trap_frame *frame)
{
    return sigtimedwait(frame, TIME_32);
}

static int32_t sys_rt_sigtimedwait_time64(struct trap_frame *frame)
{
    return sigtimedwait(frame, TIME_64);
}

/* ---- sending ---- */

struct sending {
    struct signal_info info; /* number 0: only look whether there is somebody */
    uint32_t tgid;           /* of the thread that is meant; 0: any */
    int error;
};

static bool number_is_valid(int signal)
{
    return signal >= 0 && signal <= SIGNAL_COUNT;
}

static void to_process(struct process *process, void *context)
{
    struct sending *sending = context;

    if (!number_is_valid(sending->info.signal))
        sending->error = -EINVAL;
    else if (sending->info.signal)
        sending->error = signal_send(process, &sending->info);
}

static void to_task(struct task *task, void *context)
{
    struct sending *sending = context;

    if (sending->tgid && task->process->pid != sending->tgid)
        sending->error = -ESRCH;
    else if (!number_is_valid(sending->info.signal))
        sending->error = -EINVAL;
    else if (sending->info.signal)
        sending->error = signal_send_task(task, &sending->info);
}

static void from_me(struct sending *sending, int signal, int code)
{
    *sending = (struct sending){
        .info = { .signal = signal, .code = code, .pid = (int32_t)process_current()->pid }
    };
}

static int32_t sys_kill(struct trap_frame *frame)
{
    int32_t pid = (int32_t)ARG1(frame);
    struct sending sending;
    uint32_t group = pid == 0    ? process_current()->pgid
                     : pid == -1 ? 0 /* everybody */
                                 : -(uint32_t)pid;

    from_me(&sending, (int)ARG2(frame), SI_USER);
    if (pid > 0) {
        int error = process_with((uint32_t)pid, to_process, &sending);
        return error ? error : sending.error;
    }
    if (pid == INT32_MIN)
        return -ESRCH;
    return process_for_each(group, to_process, &sending) ? sending.error : -ESRCH;
}

static int32_t send_to_thread(uint32_t tid, struct sending *sending)
{
    int error = task_with(tid, to_task, sending);
    return error ? error : sending->error;
}

static int32_t sys_tkill(struct trap_frame *frame)
{
    struct sending sending;

    if ((int32_t)ARG1(frame) <= 0)
        return -EINVAL;
    from_me(&sending, (int)ARG2(frame), SI_TKILL);
    return send_to_thread(ARG1(frame), &sending);
}

static int32_t sys_tgkill(struct trap_frame *frame)
{
    struct sending sending;

    if ((int32_t)ARG1(frame) <= 0 || (int32_t)ARG2(frame) <= 0)
        return -EINVAL;
    from_me(&sending, (int)ARG3(frame), SI_TKILL);
    sending.tgid = ARG1(frame);
    return send_to_thread(ARG2(frame), &sending);
}

/* The sender writes the details; only to itself may it pretend to be the kernel or kill(2). */
static int get_info(uaddr_t address, int signal, uint32_t pid, struct sending *sending)
{
    struct signal_info *info = &sending->info;

    if (copy_from_user(info, address, sizeof(*info)))
        return -EFAULT;
    info->signal = signal;
    sending->error = 0;
    if ((info->code >= 0 || info->code == SI_TKILL) && pid != process_current()->pid)
        return -EPERM;
    return 0;
}

static int32_t sys_rt_sigqueueinfo(struct trap_frame *frame)
{
    struct sending sending;
    uint32_t pid = ARG1(frame);
    int error = get_info(ARG3(frame), (int)ARG2(frame), pid, &sending);

    if (!error)
        error = process_with(pid, to_process, &sending);
    return error ? error : sending.error;
}

static int32_t sys_rt_tgsigqueueinfo(struct trap_frame *frame)
{
    struct sending sending;
    uint32_t pid = ARG1(frame), tid = ARG2(frame);

    if ((int32_t)pid <= 0 || (int32_t)tid <= 0)
        return -EINVAL;
    int error = get_info(ARG4(frame), (int)ARG3(frame), pid, &sending);
    if (error)
        return error;
    sending.tgid = pid;
    return send_to_thread(tid, &sending);
}

/* ---- going on ---- */

/* The registers still hold the arguments of the call that was cut short. */
static int32_t sys_restart_syscall(struct trap_frame *frame)
{
    struct task *task = task_current();
    int32_t (*restart)(struct trap_frame *) = task->restart;

    task->restart = NULL;
    return restart ? restart(frame) : -EINTR;
}

const struct syscall_entry signal_syscalls[] = {
    { 0, "restart_syscall", sys_restart_syscall, NULL },
    { 29, "pause", sys_pause, NULL },
    { 37, "kill", sys_kill, "every program is root" },
    { 48, "signal", sys_signal, NULL },
    { 67, "sigaction", sys_sigaction, NULL },
    { 72, "sigsuspend", sys_sigsuspend, NULL },
    { 73, "sigpending", sys_sigpending, NULL },
    { 119, "sigreturn", signal_return_old, NULL },
    { 126, "sigprocmask", sys_sigprocmask, NULL },
    { 173, "rt_sigreturn", signal_return_rt, NULL },
    { 174, "rt_sigaction", sys_rt_sigaction, NULL },
    { 175, "rt_sigprocmask", sys_rt_sigprocmask, NULL },
    { 176, "rt_sigpending", sys_rt_sigpending, NULL },
    { 177, "rt_sigtimedwait", sys_rt_sigtimedwait, NULL },
    { 178, "rt_sigqueueinfo", sys_rt_sigqueueinfo, NULL },
    { 179, "rt_sigsuspend", sys_rt_sigsuspend, NULL },
    { 186, "sigaltstack", sys_sigaltstack, NULL },
    { 238, "tkill", sys_tkill, NULL },
    { 270, "tgkill", sys_tgkill, NULL },
    { 335, "rt_tgsigqueueinfo", sys_rt_tgsigqueueinfo, NULL },
    { 421, "rt_sigtimedwait_time64", sys_rt_sigtimedwait_time64, NULL },
    { 0, NULL, NULL, NULL },
};
