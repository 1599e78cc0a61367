/* shell/cmd_pressure.c - memory under pressure: the page cache, reclaim, the out-of-memory killer,
 * failures on purpose. */
#include "kernel/lib/errno.h"
#include "kernel/lib/string.h"
#include "kernel/proc/oom.h"
#include "kernel/proc/process.h"
#include "kernel/syscall/syscall.h"
#include "mm/compact.h"
#include "mm/inject.h"
#include "mm/pagecache.h"
#include "mm/reclaim.h"
#include "mm/shrinker.h"
#include "shell/commands.h"

#define PAGE_KB (PAGE_SIZE / KiB)

typedef unsigned long long ull;

/* ---- pagecache ---- */

static void print_caches(void)
{
    struct pagecache_info info;

    shell_printf("%5s %9s %8s %8s %8s  %s\n", "REFS", "SIZE", "CLEAN kB", "DIRTY kB", "MAPS",
                 "FILE");
    for (unsigned i = 0; pagecache_get_info(i, &info); i++)
        shell_printf("%5u %9llu %8u %8u %8u  %s\n", info.refs, (ull)info.size,
                     info.file_pages * PAGE_KB, info.shmem_pages * PAGE_KB, info.mapped_pages,
                     info.name.path);
}

int cmd_pagecache(int argc, char *argv[])
{
    struct pagecache_stats stats;

    if (argc == 2 && strcmp(argv[1], "drop") != 0)
        return shell_usage("pagecache", "'%s' is not \"drop\"", argv[1]);
    if (argc == 2) {
        shell_printf("%u frames freed\n", reclaim_all());
        return 0;
    }
    print_caches();
    pagecache_get_stats(&stats);
    shell_printf("%u kB clean, %u kB dirty; %llu found, %llu filled, %llu dropped\n",
                 stats.file_pages * PAGE_KB, stats.shmem_pages * PAGE_KB, (ull)stats.hits,
                 (ull)stats.fills, (ull)stats.dropped);
    return 0;
}

/* ---- shrinkers ---- */

int cmd_shrinkers(int argc, char *argv[])
{
    struct shrinker shrinker;

    (void)argc;
    (void)argv;
    shell_printf("%4s %9s %9s %10s  %s\n", "COST", "KEPT kB", "CALLS", "FREED kB", "NAME");
    for (unsigned i = 0; shrinker_get(i, &shrinker); i++)
        shell_printf("%4u %9u %9llu %10llu  %s\n", shrinker.cost, shrinker.count() * PAGE_KB,
                     (ull)shrinker.calls, (ull)(shrinker.frames * PAGE_KB), shrinker.name);
    return 0;
}

/* ---- compact ---- */

int cmd_compact(int argc, char *argv[])
{
    struct compact_stats before, after;

    (void)argc;
    (void)argv;
    compact_get_stats(&before);
    uint32_t blocks = compact_all();
    compact_get_stats(&after);
    shell_printf("%llu frames moved, %u more free blocks of 4 MiB, %llu windows pinned\n",
                 (ull)(after.frames_moved - before.frames_moved), blocks,
                 (ull)(after.pinned - before.pinned));
    return 0;
}

/* ---- oom ---- */

static void get_score(struct process *process, void *score)
{
    *(int *)score = oom_score(process);
}

static void print_scores(void)
{
    struct process_info info;
    int score;

    shell_printf("%5s %6s %5s %8s  %s\n", "PID", "SCORE", "ADJ", "RSS kB", "NAME");
    for (uint32_t pid = 0; process_next_info(&pid, &info); pid++)
        if (process_with(pid, get_score, &score) == 0)
            shell_printf("%5u %6d %5d %8u  %s\n", pid, score, info.oom_score_adj,
                         info.resident * PAGE_KB, info.name);
}

static int kill_highest(void)
{
    int pid = oom_kill_now();

    if (pid < 0)
        shell_printf("oom: there is no process to end\n");
    else
        shell_printf("process %d is ended\n", pid);
    return MIN(pid, 0);
}

int cmd_oom(int argc, char *argv[])
{
    struct oom_stats stats;

    if (argc == 2)
        return strcmp(argv[1], "kill") == 0
                   ? kill_highest()
                   : shell_usage("oom", "'%s' is not \"kill\"", argv[1]);
    print_scores();
    oom_get_stats(&stats);
    shell_printf("%llu ended since the start", (ull)stats.kills);
    if (stats.kills > 0)
        shell_printf(", last %s[%u] with %u kB", stats.last_name, stats.last_pid,
                     stats.last_pages * PAGE_KB);
    shell_printf("\n");
    return 0;
}

/* ---- inject ---- */

static void print_rule(const struct inject_rule *rule)
{
    static const char *const modes[] = {
        [INJECT_NTH] = "the nth", [INJECT_EVERY] = "every nth", [INJECT_RANDOM] = "one in n"
    };

    if (rule->what == 0) {
        shell_printf("no allocation is made to fail\n");
        return;
    }
    shell_printf("to fail: %s, n = %u, of%s%s\n", modes[rule->mode], rule->n,
                 rule->what & INJECT_PAGE ? " page" : "",
                 rule->what & INJECT_SLAB ? " slab" : "");
}

int cmd_inject(int argc, char *argv[])
{
    struct inject_stats stats;
    struct inject_rule rule;
    char problem[96];

    if (argc == 2) {
        if (inject_parse(argv[1], &rule, problem, sizeof(problem)) != 0)
            return shell_usage("inject", "%s", problem);
        inject_set(&rule);
        return 0;
    }
    inject_get_stats(&stats);
    print_rule(&stats.rule);
    shell_printf("%u requests counted, %u failed; %u by a thread's fail-nth\n",
                 stats.candidates, stats.failed, stats.countdowns);
    return 0;
}

/* ---- syscalls ---- */

static void print_implemented(void)
{
    const struct syscall_entry *entry;
    uint64_t calls;

    for (unsigned number = 0; syscall_next(&number, &entry, &calls); number++)
        if (calls > 0)
            shell_printf("%4u %-20s %10llu\n", number, entry->name, (ull)calls);
}

static void print_missing(void)
{
    uint64_t tries;

    for (unsigned number = 0; syscall_next_missing(&number, &tries); number++)
        shell_printf("%4u %-20s %10llu\n", number, "(not implemented)", (ull)tries);
}

/* As Markdown, for docs/system-calls.md. */
static void print_table(void)
{
    const struct syscall_entry *entry;
    uint64_t calls;

    shell_printf("| number | name | what of it works |\n|---:|---|---|\n");
    for (unsigned number = 0; syscall_next(&number, &entry, &calls); number++)
        shell_printf("| %u | %s | %s |\n", number, entry->name,
                     entry->note ? entry->note : "all of its manual page");
}

int cmd_syscalls(int argc, char *argv[])
{
    if (argc == 2 && strcmp(argv[1], "-t") != 0)
        return shell_usage("syscalls", "'%s' is no option", argv[1]);
    if (argc == 2) {
        print_table();
        return 0;
    }
    print_implemented();
    print_missing();
    return 0;
}
