/* Out of memory.
 *
 * Programs are promised more memory than there is (overcommit): most never use it.  When one
 * touches a page and there is no frame, even after reclaim has taken back what it can, somebody
 * has to go.
 *
 * Who         The one with the highest score: what its end gives back, in thousandths of
 *             memory, plus what the administrator said (oom_score_adj; -1000: never).
 * How         SIGKILL, to it and to all that share its memory: nothing is freed before the last
 *             of them has ended.  Whoever asked waits for that, at most a while: the chosen one
 *             may be waiting for something that the asker holds.  Then the next one is chosen.
 * Twice       While one that was chosen still has its memory, nobody else is.
 * Report      as Linux's: who asked, what memory is used for, who is there, who dies.
 * Reading     Linux, mm/oom_kill.c; proc(5), oom_score. */
#include "kernel/proc/oom.h"

#include "kernel/cpu/timer.h"
#include "kernel/lib/errno.h"
#include "kernel/lib/string.h"
#include "kernel/log.h"
#include "kernel/proc/process_internal.h"
#include "mm/buddy.h"
#include "mm/fault.h"
#include "mm/memstat.h"
#include "mm/user_frame.h"

#define SCORE_SCALE 1000
#define SCORE_ADJ_NEVER (-1000)
#define WAIT_TICKS (2 * TIMER_HZ)
#define REPORT_MAX 40u /* processes in the table of the report */
#define KB_PER_PAGE (PAGE_SIZE / KiB)

static struct {
    struct oom_stats stats;
    uint64_t give_up_tick; /* after it, whoever was chosen last is not waited for */
} oom;

struct victim {
    uint32_t pid;
    char name[PROCESS_NAME_MAX];
    struct space *space; /* only to compare */
    int score;
    uint32_t virtual_pages, resident, table_frames;
};

int oom_score(const struct process *process)
{
    struct space_stats stats;

    if (!process->space || process->oom_score_adj == SCORE_ADJ_NEVER)
        return 0;
    space_get_stats(process->space, &stats);
    uint64_t used = stats.resident + stats.table_frames;
    int score = (int)(used * SCORE_SCALE / buddy_managed_frames()) + process->oom_score_adj;
    return MIN(MAX(score, 0), 2 * SCORE_SCALE);
}

/* Lock held.  The highest score of those that are not ending already. */
static bool choose(struct victim *victim)
{
    struct process *best = NULL;
    struct space_stats stats;

    victim->score = -1;
    list_for_each(node, &processes.list) {
        struct process *process = list_entry(node, struct process, node);
        if (process->exiting || !process->space || process->oom_score_adj == SCORE_ADJ_NEVER ||
            process->vfork)
            continue; /* after vfork: the memory is the parent's, who may be protected */
        int score = oom_score(process);
        if (score <= victim->score)
            continue;
        best = process;
        victim->score = score;
    }
    if (!best)
        return false;
    space_get_stats(best->space, &stats);
    victim->pid = best->pid;
    victim->space = best->space;
    victim->virtual_pages = stats.virtual_pages;
    victim->resident = stats.resident;
    victim->table_frames = stats.table_frames;
    strlcpy(victim->name, best->name, sizeof(victim->name));
    return true;
}

/* Lock held.  From now on others wait for it. */
static void note_choice(const struct victim *victim)
{
    oom.stats.kills++;
    oom.stats.last_pid = victim->pid;
    oom.stats.last_pages = victim->resident;
    strlcpy(oom.stats.last_name, victim->name, sizeof(oom.stats.last_name));
    oom.give_up_tick = timer_ticks() + WAIT_TICKS;
}

/* The report has begun: it may have ended by itself. */
static void kill_all_of(const struct victim *victim)
{
    const struct signal_info info = { .signal = SIGKILL, .code = SI_KERNEL };
    uint32_t irq = spin_lock(&processes.lock);
    const struct process *chosen = process_find(victim->pid);
    bool there = chosen && chosen->space == victim->space;

    list_for_each(node, &processes.list) {
        struct process *process = list_entry(node, struct process, node);
        if (!there || process->space != victim->space)
            continue;
        process_begin_exit(process, SIGKILL);
        signal_send(process, &info);
    }
    spin_unlock(&processes.lock, irq);
}

/* Lock held.  Has the last one that was chosen still its memory, and may it still take its
 * time? */
static bool somebody_is_dying(void)
{
    const struct process *last = process_find(oom.stats.last_pid);
    return last && last->space && timer_ticks() < oom.give_up_tick;
}

/* ---- the report ---- */

static void report_process(const struct process_info *info)
{
    struct space *space = process_get_space(info->pid);
    struct space_stats stats;

    if (!space)
        return;
    space_get_stats(space, &stats);
    space_put(space);
    log_warning("[%7u] %8u %8u %8u %13d %s", info->pid, stats.virtual_pages, stats.resident,
                stats.table_frames, info->oom_score_adj, info->name);
}

/* In pages, as on Linux; not more than fit on a screen or two. */
static void report_processes(void)
{
    struct process_info info;
    unsigned count = 0;

    log_warning("[  pid  ] total_vm      rss pgtables oom_score_adj name");
    for (uint32_t pid = 0; process_next_info(&pid, &info); pid++)
        if (count++ < REPORT_MAX)
            report_process(&info);
    if (count > REPORT_MAX)
        log_warning("... and %u more", count - REPORT_MAX);
}

static void report_asker(void)
{
    const struct process *asker = process_current();

    if (asker)
        log_warning("%s[%u] invoked oom-killer: order=0, oom_score_adj=%d", asker->name,
                    asker->pid, asker->oom_score_adj);
    memstat_log(LOG_WARNING);
}

static void report_victim(const struct victim *victim)
{
    log_warning("Out of memory: Killed process %u (%s) total-vm:%ukB, rss:%ukB, pgtables:%ukB, "
                "score:%d",
                victim->pid, victim->name, victim->virtual_pages * KB_PER_PAGE,
                victim->resident * KB_PER_PAGE, victim->table_frames * KB_PER_PAGE,
                victim->score);
}

/* ---- the decision ---- */

enum decision { KILLED, WAITS, NOBODY };

static enum decision decide(struct victim *victim)
{
    uint32_t irq = spin_lock(&processes.lock);
    enum decision decision = NOBODY;

    if (somebody_is_dying()) {
        decision = WAITS;
    } else if (choose(victim)) {
        decision = KILLED;
        note_choice(victim);
    }
    spin_unlock(&processes.lock, irq);
    if (decision == KILLED) {
        report_asker();
        report_processes(); /* with the victim: it has not ended yet */
        kill_all_of(victim);
        report_victim(victim);
    }
    return decision;
}

static bool still_dying(void)
{
    uint32_t irq = spin_lock(&processes.lock);
    bool dying = somebody_is_dying();
    spin_unlock(&processes.lock, irq);
    return dying;
}

/* A last look, as Linux takes it: has somebody freed memory since the fault found none?  A page and a
 * page table, each asked for as the fault does, for what low memory keeps for the kernel is no help to
 * it.  A fault may need more (a page of a file also nodes of its tree), so it has this once only: else
 * it would be tried for ever. */
static bool memory_is_back(void)
{
    struct page *page = user_frame_alloc(PAGE_ANON);
    struct page *table = buddy_alloc(0, PAGE_TABLE, PAGE_ANY);

    if (page)
        user_frame_put(page);
    if (table)
        buddy_free(table, 0);
    return page && table;
}

/* For mm/fault: see fault_set_oom_hook(). */
static bool make_room(unsigned tries)
{
    struct victim victim;

    if (!process_current() || signal_is_fatal_pending())
        return false;
    if (tries == 0 && memory_is_back())
        return true;
    if (decide(&victim) == NOBODY)
        return false;
    while (!signal_is_fatal_pending() && still_dying()) {
        thread_sleep_ticks(1);
        thread_yield(); /* a thread that is interrupted does not sleep */
    }
    return !signal_is_fatal_pending();
}

int oom_kill_now(void)
{
    struct victim victim;

    return decide(&victim) == KILLED ? (int)victim.pid : -ESRCH;
}

void oom_get_stats(struct oom_stats *stats)
{
    uint32_t irq = spin_lock(&processes.lock);
    *stats = oom.stats;
    spin_unlock(&processes.lock, irq);
}

void oom_init(void)
{
    fault_set_oom_hook(make_room);
}
