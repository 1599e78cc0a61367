/* shell/jobs.c - the ends and stops of background programs.
 *
 * Problem     A line about an end must not fall into the line being typed, nor be lost under
 *             `watch`.
 * Method      The news are noted when they happen, with interrupts off, and printed by the shell's
 *             thread before it prompts.
 * Limits      JOBS_MAX of them between two prompts; further ends are only in the log (debug). */
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
    struct job news[JOBS_MAX];
    unsigned count;
} jobs;

/* Interrupts are off. */
static void note_news(uint32_t pid, const char *name, int status)
{
    if (jobs.count == JOBS_MAX)
        return;
    struct job *job = &jobs.news[jobs.count++];
    job->pid = pid;
    job->status = status;
    strlcpy(job->name, name, sizeof(job->name));
}

void jobs_init(void)
{
    process_set_news_hook(note_news);
}

/* Take the oldest news out; false if there are none. */
static bool take(struct job *job)
{
    uint32_t irq = irq_save();
    bool any = jobs.count > 0;

    if (any) {
        *job = jobs.news[0];
        jobs.count--;
        memmove(&jobs.news[0], &jobs.news[1], jobs.count * sizeof(struct job));
    }
    irq_restore(irq);
    return any;
}

void jobs_report(void)
{
    struct job job;

    while (take(&job)) {
        const char *stopped = signals_name(job.status - STATUS_STOPPED);
        const char *killed = signals_name(job.status - STATUS_SIGNALLED);
        if (stopped != NULL)
            shell_printf("[%u] %s: stopped by %s; `fg %u` lets it go on\n", job.pid, job.name,
                         stopped, job.pid);
        else if (killed != NULL)
            shell_printf("[%u] %s: killed by %s\n", job.pid, job.name, killed);
        else
            shell_printf("[%u] %s: exit status %d\n", job.pid, job.name, job.status);
    }
}
