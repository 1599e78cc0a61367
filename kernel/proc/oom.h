/* kernel/proc/oom.h - no frame is left: choose a process, say why, end it.
 * Score: its resident pages and page tables in thousandths of all memory, plus oom_score_adj,
 * as on Linux; the highest one ends. */
#pragma once

#include "kernel/lib/types.h"

void oom_init(void); /* registers with mm/fault */

struct process;

/* 0 .. 2000; "processes" held. */
int oom_score(const struct process *process);

struct oom_stats {
    uint64_t kills;
    uint32_t last_pid;
    char last_name[16];
    uint32_t last_pages; /* resident when it was chosen */
};
void oom_get_stats(struct oom_stats *stats);

/* End the process with the highest score now (the shell's `oom kill`); its pid, or -ESRCH. */
int oom_kill_now(void);
