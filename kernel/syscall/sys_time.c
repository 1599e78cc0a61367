/* System calls on time: clocks, sleeps, alarms. */
#include "kernel/cpu/cpu.h"
#include "kernel/cpu/timer.h"
#include "kernel/dev/rtc.h"
#include "kernel/lib/errno.h"
#include "kernel/proc/futex.h"
#include "kernel/proc/process.h"
#include "kernel/proc/timespec.h"
#include "kernel/syscall/syscall.h"
#include "mm/uaccess.h"

enum clock_id {
    CLOCK_REALTIME,
    CLOCK_MONOTONIC,
    CLOCK_PROCESS_CPUTIME_ID,
    CLOCK_THREAD_CPUTIME_ID,
    CLOCK_MONOTONIC_RAW,
    CLOCK_REALTIME_COARSE,
    CLOCK_MONOTONIC_COARSE,
    CLOCK_BOOTTIME,
    CLOCK_TAI = 11,
};
#define TIMER_ABSTIME 1u

/* ---- clocks ---- */

static uint64_t process_ticks(struct process *process)
{
    uint32_t irq = irq_save();
    uint64_t ticks = process->user_ticks + process->system_ticks;

    list_for_each(node, &process->tasks) {
        const struct task *task = list_entry(node, struct task, node);
        if (task->thread)
            ticks += task->thread->ticks;
    }
    irq_restore(irq);
    return ticks;
}

static int clock_read(uint32_t clock, uint64_t *now)
{
    switch (clock) {
    case CLOCK_REALTIME:
    case CLOCK_REALTIME_COARSE:
    case CLOCK_TAI:
        *now = rtc_now_ns();
        return 0;
    case CLOCK_MONOTONIC:
    case CLOCK_MONOTONIC_RAW:
    case CLOCK_MONOTONIC_COARSE:
    case CLOCK_BOOTTIME:
        *now = timer_ns();
        return 0;
    case CLOCK_PROCESS_CPUTIME_ID:
        *now = process_ticks(process_current()) * NS_PER_TICK;
        return 0;
    case CLOCK_THREAD_CPUTIME_ID:
        *now = thread_current()->ticks * NS_PER_TICK;
        return 0;
    default:
        return -EINVAL;
    }
}

static int32_t clock_gettime(struct trap_frame *frame, enum time_format format)
{
    uint64_t now;
    int error = clock_read(ARG1(frame), &now);

    return error ? error : timespec_put(ARG2(frame), format, now);
}

static int32_t sys_clock_gettime(struct trap_frame *frame)
{
    return clock_gettime(frame, TIME_32);
}

static int32_t sys_clock_gettime64(struct trap_frame *frame)
{
    return clock_gettime(frame, TIME_64);
}

static int32_t clock_getres(struct trap_frame *frame, enum time_format format)
{
    uint64_t now;
    int error = clock_read(ARG1(frame), &now);

    if (error || ARG2(frame) == 0)
        return error;
    bool coarse = ARG1(frame) == CLOCK_REALTIME_COARSE || ARG1(frame) == CLOCK_MONOTONIC_COARSE;
    return timespec_put(ARG2(frame), format, coarse ? NS_PER_TICK : 1);
}

static int32_t sys_clock_getres(struct trap_frame *frame)
{
    return clock_getres(frame, TIME_32);
}

static int32_t sys_clock_getres64(struct trap_frame *frame)
{
    return clock_getres(frame, TIME_64);
}

static int32_t clock_settime(struct trap_frame *frame, enum time_format format)
{
    uint64_t now;

    if (ARG1(frame) != CLOCK_REALTIME)
        return -EINVAL;
    int error = timespec_get(ARG2(frame), format, &now);
    if (!error)
        rtc_set_ns(now);
    return error;
}

static int32_t sys_clock_settime(struct trap_frame *frame)
{
    return clock_settime(frame, TIME_32);
}

static int32_t sys_clock_settime64(struct trap_frame *frame)
{
    return clock_settime(frame, TIME_64);
}

static int32_t sys_time(struct trap_frame *frame)
{
    uint32_t now = (uint32_t)(rtc_now_ns() / NS_PER_SECOND);

    if (ARG1(frame) && copy_to_user(ARG1(frame), &now, sizeof(now)))
        return -EFAULT;
    return (int32_t)now;
}

static int32_t sys_gettimeofday(struct trap_frame *frame)
{
    const int32_t zone[2] = { 0, 0 }; /* struct timezone: UTC */

    if (ARG1(frame) && timeval_put(ARG1(frame), rtc_now_ns()))
        return -EFAULT;
    return ARG2(frame) && copy_to_user(ARG2(frame), zone, sizeof(zone)) ? -EFAULT : 0;
}

static int32_t sys_settimeofday(struct trap_frame *frame)
{
    uint64_t now;

    if (!ARG1(frame))
        return 0;
    int error = timeval_get(ARG1(frame), &now);
    if (!error)
        rtc_set_ns(now);
    return error;
}

/* struct tms, in ticks of 1/100 s; user and system time are not told apart. */
static int32_t sys_times(struct trap_frame *frame)
{
    struct process *process = process_current();
    const uint32_t times[4] = { (uint32_t)process_ticks(process), 0,
                                (uint32_t)process->child_ticks, 0 };
    _Static_assert(TIMER_HZ == 100, "programs expect 100 ticks a second");

    if (ARG1(frame) && copy_to_user(ARG1(frame), times, sizeof(times)))
        return -EFAULT;
    return (int32_t)timer_ticks();
}

/* ---- sleeps ---- */

/* SLEEP_TIMED_OUT or SLEEP_INTERRUPTED. */
static enum sleep_end sleep_through(uint64_t deadline)
{
    enum sleep_end end;
    uint32_t irq = irq_save();

    while ((end = sleep_until(NULL, deadline)) == SLEEP_WOKEN)
        ;
    irq_restore(irq);
    return end;
}

struct sleep_args {
    uaddr_t left; /* where the rest of a sleep is told; 0: nowhere */
    enum time_format format;
};

static int32_t sleep_on(struct sleep_args args, int32_t (*restart)(struct trap_frame *))
{
    struct task *task = task_current();
    uint64_t deadline = task->restart_until;

    if (sleep_through(deadline) == SLEEP_TIMED_OUT)
        return 0;
    uint64_t now = timer_ns(), left = deadline > now ? deadline - now : 0;
    if (left == 0)
        return 0;
    if (args.left && timespec_put(args.left, args.format, left))
        return -EFAULT;
    task->restart = restart;
    return -ERESTART_RESTARTBLOCK;
}

static int32_t nanosleep_rest(struct trap_frame *frame)
{
    return sleep_on((struct sleep_args){ ARG2(frame), TIME_32 }, nanosleep_rest);
}

static int32_t sys_nanosleep(struct trap_frame *frame)
{
    uint64_t delay;
    int error = timespec_get(ARG1(frame), TIME_32, &delay);

    if (error)
        return error;
    task_current()->restart_until = time_after(timer_ns(), delay);
    return nanosleep_rest(frame);
}

static int32_t clock_nanosleep_rest(struct trap_frame *frame)
{
    return sleep_on((struct sleep_args){ ARG4(frame), TIME_32 }, clock_nanosleep_rest);
}

static int32_t clock_nanosleep_rest64(struct trap_frame *frame)
{
    return sleep_on((struct sleep_args){ ARG4(frame), TIME_64 }, clock_nanosleep_rest64);
}

/* May one sleep by this clock?  0, -EINVAL (no such clock), -EOPNOTSUPP. */
static int sleep_clock(uint32_t clock)
{
    uint64_t now;

    switch (clock) {
    case CLOCK_REALTIME:
    case CLOCK_MONOTONIC:
    case CLOCK_BOOTTIME:
    case CLOCK_TAI:
        return 0;
    default:
        return clock_read(clock, &now) ? -EINVAL : -EOPNOTSUPP;
    }
}

static int32_t clock_nanosleep(struct trap_frame *frame, enum time_format format)
{
    uint64_t time, clock_now, now = timer_ns();
    int error = sleep_clock(ARG1(frame));

    if (!error)
        error = timespec_get(ARG3(frame), format, &time);
    if (error)
        return error;
    if (ARG2(frame) & TIMER_ABSTIME) {
        clock_read(ARG1(frame), &clock_now);
        uint64_t delay = time > clock_now ? time - clock_now : 0;
        bool done = sleep_through(time_after(now, delay)) == SLEEP_TIMED_OUT;
        return done ? 0 : -ERESTARTNOHAND; /* the time to wait for stays the same */
    }
    task_current()->restart_until = time_after(now, time);
    return format == TIME_32 ? clock_nanosleep_rest(frame) : clock_nanosleep_rest64(frame);
}

static int32_t sys_clock_nanosleep(struct trap_frame *frame)
{
    return clock_nanosleep(frame, TIME_32);
}

static int32_t sys_clock_nanosleep64(struct trap_frame *frame)
{
    return clock_nanosleep(frame, TIME_64);
}

/* ---- alarms ---- */

#define TIMEVAL_SIZE 8u /* struct itimerval: interval, then value */

static int itimerval_put(uaddr_t address, uint64_t interval, uint64_t left)
{
    int error = timeval_put(address, interval);
    return error ? error : timeval_put(address + TIMEVAL_SIZE, left);
}

static int32_t sys_getitimer(struct trap_frame *frame)
{
    uint64_t left, interval;

    if (ARG1(frame) >= ITIMER_COUNT)
        return -EINVAL;
    itimer_get(process_current(), ARG1(frame), &left, &interval);
    return itimerval_put(ARG2(frame), interval, left);
}

/* No new value means "off": an old bug that programs may rely on. */
static int32_t sys_setitimer(struct trap_frame *frame)
{
    uint64_t delay = 0, interval = 0, old_left, old_interval;

    if (ARG2(frame)) {
        int error = timeval_get(ARG2(frame), &interval);
        if (!error)
            error = timeval_get(ARG2(frame) + TIMEVAL_SIZE, &delay);
        if (error)
            return error;
    }
    if (ARG1(frame) >= ITIMER_COUNT)
        return -EINVAL;
    itimer_get(process_current(), ARG1(frame), &old_left, &old_interval);
    itimer_set(process_current(), ARG1(frame), delay, interval);
    return ARG3(frame) ? itimerval_put(ARG3(frame), old_interval, old_left) : 0;
}

/* What was left, to the nearest second, but not 0 if there was an alarm. */
static int32_t sys_alarm(struct trap_frame *frame)
{
    uint64_t left, interval;

    itimer_get(process_current(), ITIMER_REAL, &left, &interval);
    itimer_set(process_current(), ITIMER_REAL, (uint64_t)ARG1(frame) * NS_PER_SECOND, 0);
    uint32_t seconds = (uint32_t)((left + NS_PER_SECOND / 2) / NS_PER_SECOND);
    return seconds == 0 && left > 0 ? 1 : (int32_t)seconds;
}

const struct syscall_entry time_syscalls[] = {
    { 13, "time", sys_time, NULL },
    { 27, "alarm", sys_alarm, NULL },
    { 43, "times", sys_times, "system time counts as user time" },
    { 78, "gettimeofday", sys_gettimeofday, NULL },
    { 79, "settimeofday", sys_settimeofday, "the time zone is not kept" },
    { 104, "setitimer", sys_setitimer, "VIRTUAL counts system time, too; ticks of 10 ms" },
    { 105, "getitimer", sys_getitimer, NULL },
    { 162, "nanosleep", sys_nanosleep, "ends at a tick (10 ms)" },
    { 240, "futex", sys_futex, "no priority inheritance" },
    { 264, "clock_settime", sys_clock_settime, "CLOCK_REALTIME" },
    { 265, "clock_gettime", sys_clock_gettime, "no clocks of other processes and threads" },
    { 266, "clock_getres", sys_clock_getres, NULL },
    { 267, "clock_nanosleep", sys_clock_nanosleep, "not on processor time" },
    { 403, "clock_gettime64", sys_clock_gettime64, "as clock_gettime" },
    { 404, "clock_settime64", sys_clock_settime64, "CLOCK_REALTIME" },
    { 406, "clock_getres_time64", sys_clock_getres64, NULL },
    { 407, "clock_nanosleep_time64", sys_clock_nanosleep64, "as clock_nanosleep" },
    { 422, "futex_time64", sys_futex_time64, "as futex" },
    { 0, NULL, NULL, NULL },
};
