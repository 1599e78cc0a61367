/* shell/commands.h - the functions behind the table in commands.c, by file.
 * Each may rely on the number of arguments that its row allows. */
#pragma once

#include "shell/shell.h"

/* cmd_memory.c: who has the frames */
int cmd_meminfo(int argc, char *argv[]);
int cmd_free(int argc, char *argv[]);
int cmd_slabinfo(int argc, char *argv[]);
int cmd_buddyinfo(int argc, char *argv[]);
int cmd_pagetypeinfo(int argc, char *argv[]);
int cmd_fragmentation(int argc, char *argv[]);
int cmd_zoneinfo(int argc, char *argv[]);
int cmd_memmap(int argc, char *argv[]);
int cmd_vmstat(int argc, char *argv[]);
int cmd_page(int argc, char *argv[]);

/* cmd_paging.c: who has the addresses */
int cmd_walk(int argc, char *argv[]);
int cmd_maps(int argc, char *argv[]);
int cmd_smaps(int argc, char *argv[]);
int cmd_peek(int argc, char *argv[]);
int cmd_poke(int argc, char *argv[]);

/* cmd_cache.c: what the processor remembers */
int cmd_tlb(int argc, char *argv[]);
int cmd_cache(int argc, char *argv[]);

/* cmd_alloc.c: memory by its properties */
int cmd_alloc(int argc, char *argv[]);
int cmd_dealloc(int argc, char *argv[]);

/* cmd_pressure.c: when memory is short */
int cmd_pagecache(int argc, char *argv[]);
int cmd_shrinkers(int argc, char *argv[]);
int cmd_compact(int argc, char *argv[]);
int cmd_oom(int argc, char *argv[]);
int cmd_inject(int argc, char *argv[]);
int cmd_syscalls(int argc, char *argv[]);

/* cmd_slab.c: small objects, and memory that is not given back */
int cmd_slabtop(int argc, char *argv[]);
int cmd_slab_validate(int argc, char *argv[]);
int cmd_leaks(int argc, char *argv[]);

/* cmd_process.c: programs */
int cmd_ps(int argc, char *argv[]);
int cmd_run(int argc, char *argv[]);
int cmd_fg(int argc, char *argv[]);
int cmd_kill(int argc, char *argv[]);

/* cmd_system.c: the machine */
int cmd_check(int argc, char *argv[]);
int cmd_dmesg(int argc, char *argv[]);
int cmd_loglevel(int argc, char *argv[]);
int cmd_uptime(int argc, char *argv[]);
int cmd_cpuinfo(int argc, char *argv[]);
int cmd_reboot(int argc, char *argv[]);
int cmd_poweroff(int argc, char *argv[]);
int cmd_panic(int argc, char *argv[]);

/* cmd_session.c and watch.c: the shell itself */
int cmd_help(int argc, char *argv[]);
int cmd_watch(int argc, char *argv[]);
int cmd_echo(int argc, char *argv[]);
int cmd_sleep(int argc, char *argv[]);
int cmd_history(int argc, char *argv[]);
int cmd_clear(int argc, char *argv[]);
