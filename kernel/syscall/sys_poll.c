/* System calls that wait for files: poll(2), select(2) and their forms with a signal mask. */
#include "kernel/lib/bitops.h"
#include "kernel/lib/errno.h"
#include "kernel/lib/string.h"
#include "kernel/proc/timespec.h"
#include "kernel/syscall/sys_args.h"
#include "kernel/syscall/syscall.h"
#include "mm/kmalloc.h"
#include "mm/uaccess.h"

#define MS_PER_TICK (1000u / TIMER_HZ)
#define FOREVER UINT64_MAX

/* ---- time limits ---- */

enum time_form { TIMEVAL32, TIMESPEC32, TIMESPEC64 };

/* select(2) takes any number of microseconds, not only those of less than a second. */
static int get_long_timeval(uaddr_t address, uint64_t *ns)
{
    int32_t words[2];

    if (copy_from_user(words, address, sizeof(words)) != 0)
        return -EFAULT;
    if (words[0] < 0 || words[1] < 0)
        return -EINVAL;
    *ns = (uint64_t)(uint32_t)words[0] * NS_PER_SECOND +
          (uint64_t)(uint32_t)words[1] * NS_PER_US;
    return 0;
}

static enum time_format format_of(enum time_form form)
{
    return form == TIMESPEC64 ? TIME_64 : TIME_32;
}

/* A time limit from user memory, 0: none.  0, -EFAULT, -EINVAL. */
static int get_limit(uaddr_t address, enum time_form form, uint64_t *nticks)
{
    uint64_t ns;

    *nticks = FOREVER;
    if (address == 0)
        return 0;
    int error = form == TIMEVAL32 ? get_long_timeval(address, &ns)
                                  : timespec_get(address, format_of(form), &ns);
    if (!error) /* the tick under way does not count */
        *nticks = ns ? DIV_ROUND_UP(ns, NS_PER_TICK) + 1 : 0;
    return error;
}

/* select(2) and ppoll(2) say what is left of the limit.  A place that cannot be written is the
 * program's loss. */
static void put_rest(uaddr_t address, enum time_form form, uint64_t until)
{
    uint64_t now = timer_ticks();
    uint64_t ns = until > now ? (until - now) * NS_PER_TICK : 0;

    if (form == TIMEVAL32)
        (void)timeval_put(address, ns);
    else
        (void)timespec_put(address, format_of(form), ns);
}

/* ---- signal masks ---- */

/* 0: none given. */
static int use_mask(uaddr_t mask, uint32_t size)
{
    signal_set set;

    if (mask == 0)
        return 0;
    if (size != sizeof(set))
        return -EINVAL;
    if (copy_from_user(&set, mask, sizeof(set)) != 0)
        return -EFAULT;
    signal_set_mask_for_call(set);
    return 0;
}

/* ---- poll ---- */

struct linux_pollfd {
    int32_t fd;
    int16_t events, revents;
};

static void release_files(struct poll_request *requests, unsigned count)
{
    for (unsigned i = 0; i < count; i++)
        if (requests[i].file)
            file_put(requests[i].file);
}

/* Negative descriptors are passed over: they are never ready. */
static int poll_all(struct linux_pollfd *fds, struct poll_request *requests, unsigned count,
                    uint64_t nticks)
{
    unsigned used = 0;

    for (unsigned i = 0; i < count; i++)
        if (fds[i].fd >= 0)
            requests[used++] = (struct poll_request){
                .file = file_get(fds[i].fd),
                .events = (uint16_t)fds[i].events,
            };
    int ready = poll_wait(requests, used, nticks);
    for (unsigned i = 0, at = 0; i < count; i++)
        fds[i].revents = fds[i].fd < 0 ? 0 : (int16_t)requests[at++].result;
    release_files(requests, used);
    return ready;
}

static int32_t do_poll(uaddr_t address, uint32_t count, uint64_t nticks)
{
    size_t nbytes = count * sizeof(struct linux_pollfd);

    if (count > FILE_TABLE_MAX)
        return -EINVAL;
    struct poll_request *requests = kmalloc(count * sizeof(*requests) + nbytes + 1, PAGE_ANY);
    if (!requests)
        return -ENOMEM;
    struct linux_pollfd *fds = (struct linux_pollfd *)(requests + count);
    int32_t result = -EFAULT;
    if (copy_from_user(fds, address, nbytes) == 0) {
        result = poll_all(fds, requests, count, nticks);
        if (result >= 0 && copy_to_user(address, fds, nbytes) != 0)
            result = -EFAULT;
    }
    kfree(requests);
    return result;
}

static int32_t sys_poll(struct trap_frame *frame)
{
    int32_t ms = (int32_t)ARG3(frame);
    uint64_t nticks = ms < 0 ? FOREVER : ms ? DIV_ROUND_UP((uint32_t)ms, MS_PER_TICK) + 1 : 0;
    int32_t result = do_poll(ARG1(frame), ARG2(frame), nticks);
    return result == -EINTR ? -ERESTARTNOHAND : result;
}

static int32_t ppoll(struct trap_frame *frame, enum time_form form)
{
    uint64_t nticks;
    int32_t result = get_limit(ARG3(frame), form, &nticks);

    if (!result)
        result = use_mask(ARG4(frame), ARG5(frame));
    if (result)
        return result;
    uint64_t until = nticks == FOREVER ? FOREVER : timer_ticks() + nticks;
    result = do_poll(ARG1(frame), ARG2(frame), nticks);
    if (result != -EINTR)
        signal_restore_mask();
    if (nticks != FOREVER)
        put_rest(ARG3(frame), form, until);
    return result == -EINTR ? -ERESTARTNOHAND : result;
}

static int32_t sys_ppoll(struct trap_frame *frame)
{
    return ppoll(frame, TIMESPEC32);
}

static int32_t sys_ppoll_time64(struct trap_frame *frame)
{
    return ppoll(frame, TIMESPEC64);
}

/* ---- select: three bit sets ---- */

#define SELECT_IN (POLLIN | POLLRDNORM | POLLHUP | POLLERR)
#define SELECT_OUT (POLLOUT | POLLWRNORM | POLLERR)
#define SELECT_EXCEPT POLLPRI
#define SETS 3
#define WORDS (FILE_TABLE_MAX / 32)

static const unsigned set_events[SETS] = { SELECT_IN, SELECT_OUT, SELECT_EXCEPT };

struct select_work {
    uint32_t sets[SETS][WORDS];
    int fds[FILE_TABLE_MAX];
    struct poll_request requests[FILE_TABLE_MAX];
};

static bool is_member(const uint32_t *set, unsigned fd)
{
    return set[fd / 32] & 1u << fd % 32;
}

/* From bit sets to requests: their number, or -EBADF. */
static int collect(struct select_work *work, unsigned nfds)
{
    unsigned count = 0;

    for (unsigned fd = 0; fd < nfds; fd++) {
        unsigned events = 0;
        for (unsigned i = 0; i < SETS; i++)
            events |= is_member(work->sets[i], fd) ? set_events[i] : 0;
        if (!events)
            continue;
        struct file *file = file_get((int)fd);
        if (!file) {
            release_files(work->requests, count);
            return -EBADF;
        }
        work->fds[count] = (int)fd;
        work->requests[count++] = (struct poll_request){ .file = file, .events = events };
    }
    return (int)count;
}

/* From results to bit sets: the number of bits. */
static int distribute(struct select_work *work, unsigned count)
{
    uint32_t asked[SETS][WORDS];
    int bits = 0;

    memcpy(asked, work->sets, sizeof(asked));
    memset(work->sets, 0, sizeof(work->sets));
    for (unsigned at = 0; at < count; at++) {
        unsigned fd = (unsigned)work->fds[at];
        for (unsigned i = 0; i < SETS; i++) {
            if (!is_member(asked[i], fd) || !(work->requests[at].result & set_events[i]))
                continue;
            work->sets[i][fd / 32] |= 1u << fd % 32;
            bits++;
        }
    }
    return bits;
}

static int32_t copy_sets(struct select_work *work, const uaddr_t sets[SETS], unsigned nfds,
                         bool from_user)
{
    size_t nbytes = DIV_ROUND_UP(nfds, 32u) * 4;

    for (unsigned i = 0; i < SETS; i++) {
        if (sets[i] == 0)
            continue;
        size_t missing = from_user ? copy_from_user(work->sets[i], sets[i], nbytes)
                                   : copy_to_user(sets[i], work->sets[i], nbytes);
        if (missing > 0)
            return -EFAULT;
    }
    return 0;
}

static int32_t do_select(uint32_t nfds, const uaddr_t sets[SETS], uint64_t nticks)
{
    if ((int32_t)nfds < 0)
        return -EINVAL;
    nfds = MIN(nfds, FILE_TABLE_MAX);
    struct select_work *work = kmalloc(sizeof(*work), PAGE_ANY);
    if (!work)
        return -ENOMEM;
    memset(work->sets, 0, sizeof(work->sets));
    int32_t result = copy_sets(work, sets, nfds, true);
    if (!result)
        result = collect(work, nfds);
    if (result >= 0) {
        unsigned count = (unsigned)result;
        result = poll_wait(work->requests, count, nticks);
        release_files(work->requests, count);
        if (result >= 0) {
            result = distribute(work, count);
            if (copy_sets(work, sets, nfds, false) != 0)
                result = -EFAULT;
        }
    }
    kfree(work);
    return result;
}

static int32_t select_until(uint32_t nfds, const uaddr_t sets[SETS], uaddr_t limit,
                            enum time_form form)
{
    uint64_t nticks;
    int32_t result = get_limit(limit, form, &nticks);

    if (result)
        return result;
    uint64_t until = nticks == FOREVER ? FOREVER : timer_ticks() + nticks;
    result = do_select(nfds, sets, nticks);
    if (nticks != FOREVER)
        put_rest(limit, form, until);
    return result == -EINTR ? -ERESTARTNOHAND : result;
}

static int32_t sys_newselect(struct trap_frame *frame)
{
    const uaddr_t sets[SETS] = { ARG2(frame), ARG3(frame), ARG4(frame) };
    return select_until(ARG1(frame), sets, ARG5(frame), TIMEVAL32);
}

/* The first select(2) had its arguments in memory. */
static int32_t sys_select(struct trap_frame *frame)
{
    uint32_t words[5];

    if (copy_from_user(words, ARG1(frame), sizeof(words)) != 0)
        return -EFAULT;
    return select_until(words[0], &words[1], words[4], TIMEVAL32);
}

/* The sixth argument is the address of a pair: the mask's address and its size. */
static int32_t pselect(struct trap_frame *frame, enum time_form form)
{
    const uaddr_t sets[SETS] = { ARG2(frame), ARG3(frame), ARG4(frame) };
    uint32_t mask[2] = { 0 };

    if (ARG6(frame) && copy_from_user(mask, ARG6(frame), sizeof(mask)) != 0)
        return -EFAULT;
    int32_t result = use_mask(mask[0], mask[1]);
    if (result)
        return result;
    result = select_until(ARG1(frame), sets, ARG5(frame), form);
    if (result != -ERESTARTNOHAND)
        signal_restore_mask();
    return result;
}

static int32_t sys_pselect6(struct trap_frame *frame)
{
    return pselect(frame, TIMESPEC32);
}

static int32_t sys_pselect6_time64(struct trap_frame *frame)
{
    return pselect(frame, TIMESPEC64);
}

const struct syscall_entry poll_syscalls[] = {
    { 82, "select", sys_select, NULL },
    { 142, "_newselect", sys_newselect, NULL },
    { 168, "poll", sys_poll, NULL },
    { 308, "pselect6", sys_pselect6, NULL },
    { 309, "ppoll", sys_ppoll, NULL },
    { 413, "pselect6_time64", sys_pselect6_time64, NULL },
    { 414, "ppoll_time64", sys_ppoll_time64, NULL },
    { 0 },
};
