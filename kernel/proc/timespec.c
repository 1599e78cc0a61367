/* Times of programs: see timespec.h. */
#include "kernel/proc/timespec.h"

#include "kernel/cpu/timer.h"
#include "kernel/lib/errno.h"
#include "mm/uaccess.h"

/* Some 146 years: nobody sees the difference, and sums of two fit. */
#define LONGEST (INT64_MAX / 2)

struct pair32 {
    int32_t seconds, fraction;
};
struct pair64 {
    int64_t seconds;
    int32_t fraction, padding; /* upper half: not looked at on a 32-bit machine */
};

static int pair_get(uaddr_t address, enum time_format format, struct pair64 *pair)
{
    struct pair32 narrow;

    if (format == TIME_64)
        return copy_from_user(pair, address, sizeof(*pair)) ? -EFAULT : 0;
    if (copy_from_user(&narrow, address, sizeof(narrow)))
        return -EFAULT;
    *pair = (struct pair64){ .seconds = narrow.seconds, .fraction = narrow.fraction };
    return 0;
}

static int pair_put(uaddr_t address, enum time_format format, const struct pair64 *pair)
{
    struct pair32 narrow = { (int32_t)pair->seconds, pair->fraction };
    size_t left = format == TIME_64 ? copy_to_user(address, pair, sizeof(*pair))
                                    : copy_to_user(address, &narrow, sizeof(narrow));
    return left ? -EFAULT : 0;
}

static uint64_t to_ns(int64_t seconds, uint32_t ns)
{
    return seconds >= LONGEST / NS_PER_SECOND ? LONGEST
                                              : (uint64_t)seconds * NS_PER_SECOND + ns;
}

int timespec_get(uaddr_t address, enum time_format format, uint64_t *ns)
{
    struct pair64 pair;
    int error = pair_get(address, format, &pair);

    if (error)
        return error;
    if (pair.seconds < 0 || (uint32_t)pair.fraction >= NS_PER_SECOND)
        return -EINVAL;
    *ns = to_ns(pair.seconds, (uint32_t)pair.fraction);
    return 0;
}

int timespec_put(uaddr_t address, enum time_format format, uint64_t ns)
{
    const struct pair64 pair = { .seconds = (int64_t)(ns / NS_PER_SECOND),
                                 .fraction = (int32_t)(ns % NS_PER_SECOND) };
    return pair_put(address, format, &pair);
}

int timeval_get(uaddr_t address, uint64_t *ns)
{
    struct pair64 pair;
    int error = pair_get(address, TIME_32, &pair);

    if (error)
        return error;
    if (pair.seconds < 0 || (uint32_t)pair.fraction >= US_PER_SECOND)
        return -EINVAL;
    *ns = to_ns(pair.seconds, (uint32_t)pair.fraction * NS_PER_US);
    return 0;
}

int timeval_put(uaddr_t address, uint64_t ns)
{
    const struct pair64 pair = { .seconds = (int64_t)(ns / NS_PER_SECOND),
                                 .fraction = (int32_t)(ns % NS_PER_SECOND / NS_PER_US) };
    return pair_put(address, TIME_32, &pair);
}

uint64_t time_after(uint64_t now, uint64_t delay)
{
    return delay == NEVER ? NEVER : now + MIN(delay, (uint64_t)LONGEST);
}

enum sleep_end sleep_until(struct wait_queue *queue, uint64_t deadline)
{
    struct wait_queue nobody;
    uint64_t now = timer_ns();

    if (thread_current()->interrupted)
        return SLEEP_INTERRUPTED;
    if (now >= deadline)
        return SLEEP_TIMED_OUT;
    if (!queue) {
        wait_queue_init(&nobody);
        queue = &nobody;
    }
    if (deadline == NEVER)
        wait_queue_sleep(queue);
    else
        wait_queue_sleep_ticks(queue, (deadline - now) / NS_PER_TICK + 1);
    if (thread_current()->interrupted)
        return SLEEP_INTERRUPTED;
    return timer_ns() >= deadline ? SLEEP_TIMED_OUT : SLEEP_WOKEN;
}
