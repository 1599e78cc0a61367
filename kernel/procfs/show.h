/* kernel/procfs/show.h - what the files of /proc say (proc(5)), as text.  The kernel's shell shows the
 * same texts with its commands.
 * Below: mm, proc.  Above: procfs.c, shell.  Each takes what it shows as copies from its owner. */
#pragma once

#include "kernel/procfs/text.h"

/* The machine.  The second argument is not used: they stand in one table with the next ones. */
int show_meminfo(struct text *text, uint32_t unused);
int show_slabinfo(struct text *text, uint32_t unused);
int show_buddyinfo(struct text *text, uint32_t unused);
int show_pagetypeinfo(struct text *text, uint32_t unused);
int show_extfrag_index(struct text *text, uint32_t unused);
int show_unusable_index(struct text *text, uint32_t unused);
int show_zoneinfo(struct text *text, uint32_t unused);
int show_vmstat(struct text *text, uint32_t unused);
int show_stat(struct text *text, uint32_t unused);
int show_uptime(struct text *text, uint32_t unused);
int show_loadavg(struct text *text, uint32_t unused);
int show_filesystems(struct text *text, uint32_t unused);
int show_mounts(struct text *text, uint32_t unused);
int show_version(struct text *text, uint32_t unused);
int show_command_line(struct text *text, uint32_t unused);
int show_cpuinfo(struct text *text, uint32_t unused);

/* A process: 0, or -ESRCH. */
int show_maps(struct text *text, uint32_t pid);
int show_smaps(struct text *text, uint32_t pid);
int show_pid_status(struct text *text, uint32_t pid);
int show_pid_stat(struct text *text, uint32_t pid);
int show_statm(struct text *text, uint32_t pid);
int show_arguments(struct text *text, uint32_t pid);
int show_environment(struct text *text, uint32_t pid);
int show_limits(struct text *text, uint32_t pid);
int show_comm(struct text *text, uint32_t pid);
int show_oom_score(struct text *text, uint32_t pid);
int show_oom_score_adj(struct text *text, uint32_t pid);
