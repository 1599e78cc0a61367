/* Waiting for several files at once.
 *
 * Every file can say what is possible now (file_ops.poll).  Who waits for one of many sleeps in one
 * common queue; whoever makes a file readable or writable wakes all of them, and each looks at its
 * files again.  With a handful of waiters that is less work than entering every waiter into a queue
 * of every file. */
#include "kernel/cpu/cpu.h"
#include "kernel/cpu/timer.h"
#include "kernel/fs/file.h"
#include "kernel/lib/errno.h"
#include "kernel/sched/thread.h"

static struct wait_queue waiters = { .threads = LIST_INIT(waiters.threads) };

void poll_notify(void)
{
    wait_queue_wake_all(&waiters);
}

/* Look at every file once. */
static int look(struct poll_request *requests, unsigned count)
{
    int ready = 0;

    for (unsigned i = 0; i < count; i++) {
        struct poll_request *request = &requests[i];
        const struct file_ops *ops = request->file ? request->file->ops : NULL;
        unsigned possible = !ops        ? POLLNVAL
                            : ops->poll ? ops->poll(request->file)
                                        : POLLIN | POLLOUT | POLLRDNORM | POLLWRNORM;

        request->result = possible & (request->events | POLLERR | POLLHUP | POLLNVAL);
        ready += request->result != 0;
    }
    return ready;
}

int poll_wait(struct poll_request *requests, unsigned count, uint64_t nticks)
{
    uint64_t until = nticks == UINT64_MAX ? UINT64_MAX : timer_ticks() + nticks;
    uint32_t irq = irq_save(); /* nothing becomes ready between the look and the sleep */
    int ready;

    while ((ready = look(requests, count)) == 0) {
        uint64_t now = timer_ticks();
        if (now >= until)
            break;
        if (until == UINT64_MAX)
            wait_queue_sleep(&waiters);
        else
            wait_queue_sleep_ticks(&waiters, until - now);
        if (thread_current()->interrupted) {
            ready = look(requests, count);
            if (ready == 0)
                ready = -EINTR;
            break;
        }
    }
    irq_restore(irq);
    return ready;
}
