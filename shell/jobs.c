/* shell/jobs.c - the ends of background programs.
 *
 * Problem     A line about an end must not fall into the line being typed, nor be lost under
 *             `watch`.
 * Method      The end is noted when it happens, with interrupts off, and printed by the shell's
 *             thread before it prompts.
 * Limits      JOBS_MAX ends between two prompts; further ones are only in the log (debug). */
#include "shell/jobs.h"

#include "kernel/cpu/cpu.h"
#include "kernel/lib/string.h"
#include "kernel/proc/process.h"
#include "shell/shell.h"
#include "shell/signals.h"

#define JOBS_MAX 16u

struct job {
    uint32_t pid;
    char name[PROCESS_NAME_MAX];
    int status;
};

static struct {
    struct job ended[JOBS_MAX];
    unsigned count;
} jobs;

/* Interrupts are off. */
static void note_end(uint32_t pid, const char *name, int status)
{
    if (jobs.count == JOBS_MAX)
        return;
    struct job *job = &jobs.ended[jobs.count++];
    job->pid = pid;
    job->status = status;
    strlcpy(job->name, name, sizeof(job->name));
}

void jobs_init(void)
{
    process_set_end_hook(note_end);
}

/* Take the oldest end out; false if there is none. */
static bool take(struct job *job)
{
    uint32_t irq = irq_save();
    bool any = jobs.count > 0;

    if (any) {
        *job = jobs.ended[0];
        jobs.count--;
        memmove(&jobs.ended[0], &jobs.ended[1], jobs.count * sizeof(struct job));
    }
    irq_restore(irq);
    return any;
}

void jobs_report(void)
{
    struct job job;

    while (take(&job)) {
        const char *signal = signals_name(job.status - STATUS_SIGNALLED);
        if (signal != NULL)
            shell_printf("[%u] %s: killed by %s\n", job.pid, job.name, signal);
        else
            shell_printf("[%u] %s: exit status %d\n", job.pid, job.name, job.status);
    }
}
