/* kernel/proc/itimer.h - alarms of processes (setitimer(2), alarm(2)): a signal after some time.
 * Below: sched, timer.  Above: system calls, exit.
 * Lock: "alarms".  They are looked at at each tick. */
#pragma once

#include "kernel/lib/list.h"

struct process;

enum itimer_kind {
    ITIMER_REAL,    /* time goes by: SIGALRM */
    ITIMER_VIRTUAL, /* the process runs: SIGVTALRM */
    ITIMER_PROF,    /* the process runs: SIGPROF (ticks are not told apart by ring) */
    ITIMER_COUNT
};

/* One of a process's; all zeros: off. */
struct itimer {
    uint64_t expires;  /* ITIMER_REAL: ns since boot; else ns of processor time left; 0: off */
    uint64_t interval; /* ns; 0: once */
    struct list_node node; /* ITIMER_REAL: in the list of armed ones, while expires != 0 */
};

/* Look at each tick, from now on.  After thread_init(). */
void itimer_init(void);

/* Send the signal after `delay` ns (0: never), then every `interval` ns (0: once). */
void itimer_set(struct process *process, enum itimer_kind kind, uint64_t delay,
                uint64_t interval);
void itimer_get(struct process *process, enum itimer_kind kind, uint64_t *left,
                uint64_t *interval);

/* The process ends. */
void itimer_stop(struct process *process);
