/* /proc/PID: what proc(5) says of one process. */
#include "kernel/cpu/timer.h"
#include "kernel/lib/errno.h"
#include "kernel/lib/string.h"
#include "kernel/proc/oom.h"
#include "kernel/proc/process.h"
#include "kernel/procfs/show.h"
#include "mm/space_read.h"

typedef unsigned long long ull;

#define PAGE_KB (PAGE_SIZE / KiB)
#define MAPS_NAME_COLUMN 49u /* where i386 Linux puts the name */

static bool get_info(uint32_t pid, struct process_info *info)
{
    uint32_t found = pid;
    return process_next_info(&found, info) && found == pid;
}

/* ---- maps and smaps ---- */

static void show_range(struct text *text, const struct vma_info *vma)
{
    size_t line = text->length;

    text_printf(text, "%08x-%08x %c%c%c%c %08llx %02x:%02x %u ", vma->start, vma->end,
                vma->flags & VMA_READ ? 'r' : '-', vma->flags & VMA_WRITE ? 'w' : '-',
                vma->flags & VMA_EXEC ? 'x' : '-', vma->flags & VMA_SHARED ? 's' : 'p',
                (ull)vma->file_offset, vma->file.device >> 8, vma->file.device & 0xFF,
                vma->file.inode);
    if (vma->file.path[0] != '\0') {
        text_pad_to(text, line, MAPS_NAME_COLUMN);
        text_printf(text, "%s", vma->file.path);
    }
    text_printf(text, "\n");
}

int show_maps(struct text *text, uint32_t pid)
{
    struct space *space = process_get_space(pid);
    struct vma_info vma;

    if (!space)
        return -ESRCH;
    for (uaddr_t at = 0; space_next_vma(space, &at, &vma) && !text->failed;)
        show_range(text, &vma);
    space_put(space);
    return 0;
}

static void show_kb(struct text *text, const char *name, uint32_t kb)
{
    text_printf(text, "%-16s%8u kB\n", name, kb);
}

static void show_vm_flags(struct text *text, const struct vma_info *vma)
{
    static const struct {
        unsigned flag;
        const char *name;
    } names[] = {
        { VMA_READ, "rd" },     { VMA_WRITE, "wr" },      { VMA_EXEC, "ex" },
        { VMA_SHARED, "sh" },   { VMA_GROWS_DOWN, "gd" }, { VMA_NORESERVE, "nr" },
        { VMA_HUGEPAGE, "hg" }, { VMA_NOHUGEPAGE, "nh" },
    };

    text_printf(text, "VmFlags:");
    for (unsigned i = 0; i < ARRAY_SIZE(names); i++)
        if (vma->flags & names[i].flag)
            text_printf(text, " %s", names[i].name);
    text_printf(text, " \n");
}

static void show_range_in_full(struct text *text, const struct vma_info *vma)
{
    uint32_t shared_dirty = vma->dirty < vma->shared ? vma->dirty : vma->shared;
    uint32_t private = vma->resident - vma->shared;
    uint32_t private_dirty = MIN(vma->dirty - shared_dirty, private);

    show_range(text, vma);
    show_kb(text, "Size:", (vma->end - vma->start) / KiB);
    show_kb(text, "KernelPageSize:", PAGE_KB);
    show_kb(text, "MMUPageSize:", PAGE_KB);
    show_kb(text, "Rss:", vma->resident * PAGE_KB);
    show_kb(text, "Pss:", (uint32_t)(vma->pss_bytes / KiB));
    show_kb(text, "Shared_Clean:", (vma->shared - shared_dirty) * PAGE_KB);
    show_kb(text, "Shared_Dirty:", shared_dirty * PAGE_KB);
    show_kb(text, "Private_Clean:", (private - private_dirty) * PAGE_KB);
    show_kb(text, "Private_Dirty:", private_dirty * PAGE_KB);
    show_kb(text, "Referenced:", vma->referenced * PAGE_KB);
    show_kb(text, "Anonymous:", vma->anon * PAGE_KB);
    show_kb(text, "AnonHugePages:", vma->huge * PAGE_KB);
    show_kb(text, "Swap:", 0);
    text_printf(text, "%-16s%8u\n", "THPeligible:", vma->huge_eligible);
    show_vm_flags(text, vma);
}

int show_smaps(struct text *text, uint32_t pid)
{
    struct space *space = process_get_space(pid);
    struct vma_info vma;

    if (!space)
        return -ESRCH;
    for (uaddr_t at = 0; space_next_vma(space, &at, &vma) && !text->failed;)
        show_range_in_full(text, &vma);
    space_put(space);
    return 0;
}

/* ---- sizes ---- */

/* Everything that status, stat and statm say of memory, in pages. */
struct sizes {
    struct space_stats stats;
    uint32_t anon, file, shmem, shared_virtual;
    uaddr_t stack_start, code_start, code_end;
    uaddr_t arg_start, arg_end, env_start, env_end;
};

static void get_sizes(uint32_t pid, struct sizes *sizes)
{
    struct space *space = process_get_space(pid);
    struct vma_info vma;

    *sizes = (struct sizes){ 0 };
    if (!space)
        return; /* a zombie has none */
    space_get_stats(space, &sizes->stats);
    for (uaddr_t at = 0; space_next_vma(space, &at, &vma);) {
        sizes->anon += vma.anon;
        sizes->file += vma.file_pages;
        sizes->shmem += vma.shmem;
        if (vma.flags & VMA_STACK)
            sizes->stack_start = space->arg_start;
        if ((vma.flags & VMA_EXEC) && sizes->code_end == 0) {
            sizes->code_start = vma.start;
            sizes->code_end = vma.end;
        }
    }
    sizes->arg_start = space->arg_start;
    sizes->arg_end = space->arg_end;
    sizes->env_start = space->env_start;
    sizes->env_end = space->env_end;
    space_put(space);
}

int show_statm(struct text *text, uint32_t pid)
{
    struct process_info info;
    struct sizes sizes;

    if (!get_info(pid, &info))
        return -ESRCH;
    get_sizes(pid, &sizes);
    text_printf(text, "%u %u %u %u 0 %u 0\n", sizes.stats.virtual_pages, sizes.stats.resident,
                sizes.file + sizes.shmem, sizes.stats.text_pages,
                sizes.stats.data_pages + sizes.stats.stack_pages);
    return 0;
}

/* ---- status ---- */

static const char *state_name(char letter)
{
    switch (letter) {
    case 'R':
        return "running";
    case 'T':
        return "stopped";
    case 'Z':
        return "zombie";
    default:
        return "sleeping";
    }
}

static void show_vm(struct text *text, const char *name, uint32_t npages)
{
    text_printf(text, "%s:\t%8u kB\n", name, npages * PAGE_KB);
}

static void show_status_memory(struct text *text, const struct sizes *sizes)
{
    show_vm(text, "VmPeak", sizes->stats.virtual_pages);
    show_vm(text, "VmSize", sizes->stats.virtual_pages);
    show_vm(text, "VmLck", 0);
    show_vm(text, "VmPin", 0);
    show_vm(text, "VmHWM", sizes->stats.resident_peak);
    show_vm(text, "VmRSS", sizes->stats.resident);
    show_vm(text, "RssAnon", sizes->anon);
    show_vm(text, "RssFile", sizes->file);
    show_vm(text, "RssShmem", sizes->shmem);
    show_vm(text, "VmData", sizes->stats.data_pages);
    show_vm(text, "VmStk", sizes->stats.stack_pages);
    show_vm(text, "VmExe", sizes->stats.text_pages);
    show_vm(text, "VmLib", 0);
    show_vm(text, "VmPTE", sizes->stats.table_frames);
    show_vm(text, "VmSwap", 0);
}

int show_pid_status(struct text *text, uint32_t pid)
{
    struct process_info info;
    struct sizes sizes;
    struct space_huge_stats huge;

    if (!get_info(pid, &info))
        return -ESRCH;
    get_sizes(pid, &sizes);
    text_printf(text, "Name:\t%s\nUmask:\t%04o\nState:\t%c (%s)\n", info.name, info.umask,
                info.state_letter, state_name(info.state_letter));
    text_printf(text, "Tgid:\t%u\nNgid:\t0\nPid:\t%u\nPPid:\t%u\nTracerPid:\t0\n", pid, pid,
                info.ppid);
    text_printf(text, "Uid:\t0\t0\t0\t0\nGid:\t0\t0\t0\t0\nFDSize:\t64\nGroups:\t0 \n");
    text_printf(text, "NSpgid:\t%u\nNSsid:\t%u\n", info.pgid, info.sid);
    if (info.state != PROCESS_ZOMBIE)
        show_status_memory(text, &sizes);
    space_get_huge_stats(&huge);
    text_printf(text, "THP_enabled:\t%u\nThreads:\t%u\n", huge.supported, info.threads);
    text_printf(text, "SigPnd:\t%016llx\nShdPnd:\t%016llx\nSigBlk:\t%016llx\n", 0ull,
                (ull)info.pending, (ull)info.blocked);
    text_printf(text, "SigIgn:\t%016llx\nSigCgt:\t%016llx\n", (ull)info.ignored,
                (ull)info.caught);
    text_printf(text, "Cpus_allowed:\t1\nCpus_allowed_list:\t0\n");
    return 0;
}

/* ---- stat: 52 fields in one line ---- */

#define PRIORITY_OF_NICE_0 20

int show_pid_stat(struct text *text, uint32_t pid)
{
    struct process_info info;
    struct sizes sizes;

    if (!get_info(pid, &info))
        return -ESRCH;
    get_sizes(pid, &sizes);
    text_printf(text, "%u (%s) %c %u %u %u %u %d 0 ", pid, info.name, info.state_letter,
                info.ppid, info.pgid, info.sid, 0u, -1);
    text_printf(text, "%llu 0 0 0 %llu 0 %llu 0 %d %d %u 0 ", (ull)info.faults, (ull)info.ticks,
                (ull)info.child_ticks, PRIORITY_OF_NICE_0 + info.nice, info.nice, info.threads);
    text_printf(text, "%llu %u %u 4294967295 ", (ull)(info.start_ns / NS_PER_TICK),
                sizes.stats.virtual_pages * PAGE_SIZE, sizes.stats.resident);
    text_printf(text, "%u %u %u %u %u ", sizes.code_start, sizes.code_end, sizes.stack_start,
                info.user_esp, info.user_eip);
    text_printf(text, "%u %u %u %u 0 0 0 ", (uint32_t)info.pending, (uint32_t)info.blocked,
                (uint32_t)info.ignored, (uint32_t)info.caught);
    text_printf(text, "%d 0 0 0 0 0 0 0 0 %u %u %u %u %u %d\n", info.exit_signal,
                sizes.stats.brk_start, sizes.arg_start, sizes.arg_end, sizes.env_start,
                sizes.env_end, info.wait_status);
    return 0;
}

/* ---- strings on the stack ---- */

enum strings { ARGUMENTS, ENVIRONMENT };

static int show_strings(struct text *text, uint32_t pid, enum strings which)
{
    struct space *space = process_get_space(pid);
    struct process_info info;
    char piece[256];

    if (!space)
        return get_info(pid, &info) ? 0 : -ESRCH; /* a zombie has none */
    uaddr_t at = which == ARGUMENTS ? space->arg_start : space->env_start;
    uaddr_t end = which == ARGUMENTS ? space->arg_end : space->env_end;
    while (at < end) {
        size_t got = space_read(space, at, piece, MIN(end - at, sizeof(piece)));
        if (got == 0)
            break;
        text_append(text, piece, got);
        at += (uaddr_t)got;
    }
    space_put(space);
    return 0;
}

int show_arguments(struct text *text, uint32_t pid)
{
    return show_strings(text, pid, ARGUMENTS);
}

int show_environment(struct text *text, uint32_t pid)
{
    return show_strings(text, pid, ENVIRONMENT);
}

/* ---- the small ones ---- */

int show_comm(struct text *text, uint32_t pid)
{
    struct process_info info;

    if (!get_info(pid, &info))
        return -ESRCH;
    text_printf(text, "%s\n", info.name);
    return 0;
}

static void show_limit(struct text *text, uint64_t limit)
{
    if (limit == RLIM_INFINITY)
        text_printf(text, "%-20s ", "unlimited");
    else
        text_printf(text, "%-20llu ", (ull)limit);
}

int show_limits(struct text *text, uint32_t pid)
{
    static const struct {
        const char *name, *unit;
    } names[RLIMIT_COUNT] = {
        { "Max cpu time", "seconds" },     { "Max file size", "bytes" },
        { "Max data size", "bytes" },      { "Max stack size", "bytes" },
        { "Max core file size", "bytes" }, { "Max resident set", "bytes" },
        { "Max processes", "processes" },  { "Max open files", "files" },
        { "Max locked memory", "bytes" },  { "Max address space", "bytes" },
        { "Max file locks", "locks" },     { "Max pending signals", "signals" },
        { "Max msgqueue size", "bytes" },  { "Max nice priority", "" },
        { "Max realtime priority", "" },   { "Max realtime timeout", "us" },
    };
    struct process_info info;

    if (!get_info(pid, &info))
        return -ESRCH;
    text_printf(text, "%-25s %-20s %-20s %-10s\n", "Limit", "Soft Limit", "Hard Limit",
                "Units");
    for (unsigned i = 0; i < RLIMIT_COUNT; i++) {
        text_printf(text, "%-25s ", names[i].name);
        show_limit(text, info.limits[i].current);
        show_limit(text, info.limits[i].maximum);
        text_printf(text, "%-10s\n", names[i].unit);
    }
    return 0;
}

static void get_score(struct process *process, void *score)
{
    *(int *)score = oom_score(process);
}

int show_oom_score(struct text *text, uint32_t pid)
{
    int score;

    if (process_with(pid, get_score, &score) != 0)
        return -ESRCH;
    text_printf(text, "%d\n", score);
    return 0;
}

int show_oom_score_adj(struct text *text, uint32_t pid)
{
    struct process_info info;

    if (!get_info(pid, &info))
        return -ESRCH;
    text_printf(text, "%d\n", info.oom_score_adj);
    return 0;
}
