/* /proc's view of the machine, memory apart: stat, uptime, loadavg and what programs look for. */
#include "kernel/cpu/cpu.h"
#include "kernel/cpu/irq.h"
#include "kernel/cpu/timer.h"
#include "kernel/dev/rtc.h"
#include "kernel/proc/loadavg.h"
#include "kernel/proc/process.h"
#include "kernel/procfs/show.h"
#include "mm/memmap.h"

typedef unsigned long long ull;

int show_stat(struct text *text, uint32_t unused)
{
    struct thread_stats threads;
    struct process_stats processes;
    uint64_t interrupts = 0, busy;

    (void)unused;
    thread_get_stats(&threads);
    process_get_stats(&processes);
    busy = timer_ticks() - MIN(timer_ticks(), threads.idle_ticks);
    for (unsigned line = 0; line < IRQ_COUNT; line++)
        interrupts += irq_count(line);
    /* One processor; the time of ring 3 and of the kernel is not told apart. */
    text_printf(text, "cpu  %llu 0 0 %llu 0 0 0 0 0 0\n", (ull)busy, (ull)threads.idle_ticks);
    text_printf(text, "cpu0 %llu 0 0 %llu 0 0 0 0 0 0\n", (ull)busy, (ull)threads.idle_ticks);
    text_printf(text, "intr %llu", (ull)interrupts);
    for (unsigned line = 0; line < IRQ_COUNT; line++)
        text_printf(text, " %llu", (ull)irq_count(line));
    text_printf(text, "\nctxt %llu\nbtime %llu\nprocesses %llu\n", (ull)threads.switches,
                (ull)((rtc_now_ns() - timer_ns()) / NS_PER_SECOND), (ull)processes.forks);
    text_printf(text, "procs_running %u\nprocs_blocked 0\n", MAX(processes.running, 1u));
    return 0;
}

/* Hundredths of a second. */
static void show_seconds(struct text *text, uint64_t ticks)
{
    text_printf(text, "%llu.%02u", (ull)(ticks / TIMER_HZ),
                (unsigned)(ticks % TIMER_HZ) * (100 / TIMER_HZ));
}

int show_uptime(struct text *text, uint32_t unused)
{
    struct thread_stats threads;

    (void)unused;
    thread_get_stats(&threads);
    show_seconds(text, timer_ticks());
    text_printf(text, " ");
    show_seconds(text, threads.idle_ticks);
    text_printf(text, "\n");
    return 0;
}

int show_loadavg(struct text *text, uint32_t unused)
{
    const uint32_t one = 1u << LOADAVG_SHIFT;
    struct process_stats stats;
    struct process_info info;
    uint32_t loads[3], last = 0;

    (void)unused;
    loadavg_get(loads);
    process_get_stats(&stats);
    for (uint32_t pid = 0; process_next_info(&pid, &info); pid++)
        last = pid;
    for (unsigned i = 0; i < 3; i++)
        text_printf(text, "%u.%02u ", loads[i] / one, (loads[i] % one) * 100 / one);
    text_printf(text, "%u/%u %u\n", MAX(stats.running, 1u), stats.tasks, last);
    return 0;
}

int show_filesystems(struct text *text, uint32_t unused)
{
    (void)unused;
    text_printf(text, "nodev\ttmpfs\nnodev\tdevtmpfs\nnodev\tproc\n");
    return 0;
}

int show_mounts(struct text *text, uint32_t unused)
{
    (void)unused;
    text_printf(
        text, "rootfs / tmpfs rw 0 0\ndevtmpfs /dev devtmpfs rw 0 0\nproc /proc proc rw 0 0\n");
    return 0;
}

int show_version(struct text *text, uint32_t unused)
{
    (void)unused;
    text_printf(text, "Strata version 6.1.0 (i386; system calls of Linux 6.1)\n");
    return 0;
}

int show_command_line(struct text *text, uint32_t unused)
{
    (void)unused;
    text_printf(text, "%s\n", memmap_cmdline());
    return 0;
}

int show_cpuinfo(struct text *text, uint32_t unused)
{
    (void)unused;
    text_printf(text, "processor\t: 0\nvendor_id\t: %s\n", cpu_info.vendor);
    text_printf(text, "cpu family\t: %u\nmodel\t\t: %u\nmodel name\t: %s\nstepping\t: %u\n",
                cpu_info.family, cpu_info.model, cpu_info.model_name, cpu_info.stepping);
    text_printf(text, "flags\t\t:");
    for (unsigned feature = 0; feature < CPU_FEATURE_COUNT; feature++)
        if (cpu_has((enum cpu_feature)feature))
            text_printf(text, " %s", cpu_feature_name((enum cpu_feature)feature));
    text_printf(text, "\n\n");
    return 0;
}
