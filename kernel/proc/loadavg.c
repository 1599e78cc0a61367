/* Load averages: exponentially damped means of the number of runnable threads of programs.
 *
 *     load = load * d + running * (1 - d)    every 5 seconds, with d = exp(-5 s / period)
 *
 * Reading     Gunther: UNIX Load Average, part 1 (2003). */
#include "kernel/proc/loadavg.h"

#include "kernel/cpu/cpu.h"
#include "kernel/proc/process.h"

/* d for 1, 5 and 15 minutes, with LOADAVG_SHIFT binary places: 65536 * exp(-5/60), ... */
static const uint32_t decay[3] = { 60296, 64453, 65173 };

static uint32_t averages[3];

void loadavg_sample(void)
{
    struct process_stats stats;

    process_get_stats(&stats);
    uint64_t now = (uint64_t)stats.running << LOADAVG_SHIFT;
    for (unsigned i = 0; i < ARRAY_SIZE(averages); i++) {
        uint64_t rest = (1u << LOADAVG_SHIFT) - decay[i];
        averages[i] = (uint32_t)((averages[i] * (uint64_t)decay[i] + now * rest) >>
                                 LOADAVG_SHIFT);
    }
}

void loadavg_get(uint32_t loads[3])
{
    uint32_t irq = irq_save();
    for (unsigned i = 0; i < ARRAY_SIZE(averages); i++)
        loads[i] = averages[i];
    irq_restore(irq);
}
