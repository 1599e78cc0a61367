/* shell/cmd_system.c - the machine: validators, log, time, processor, power. */
#include "kernel/cpu/cpu.h"
#include "kernel/cpu/timer.h"
#include "kernel/dev/power.h"
#include "kernel/lib/errno.h"
#include "kernel/lib/string.h"
#include "kernel/log.h"
#include "kernel/panic.h"
#include "kernel/proc/process.h"
#include "kernel/sched/thread.h"
#include "mm/memstat.h"
#include "shell/commands.h"

/* Levels as counted by loglevel=: messages of a lower level are shown. */
#define LOGLEVEL_MIN 1u
#define LOGLEVEL_MAX 8u

/* ---- check ---- */

struct verdicts {
    unsigned passed, failed;
};

static void report(struct verdicts *verdicts, const char *name, bool verdict)
{
    shell_printf("%-16s %s\n", name, verdict ? "ok" : "FAILED");
    if (verdict)
        verdicts->passed++;
    else
        verdicts->failed++;
}

int cmd_check(int argc, char *argv[])
{
    struct verdicts verdicts = { 0, 0 };
    const char *name;
    bool verdict;

    (void)argc;
    (void)argv;
    for (unsigned i = 0; memstat_check_one(i, &name, &verdict); i++)
        report(&verdicts, name, verdict);
    report(&verdicts, "threads", thread_check());
    report(&verdicts, "processes", process_check());
    if (verdicts.failed == 0) {
        shell_printf("check: all %u validators passed\n", verdicts.passed);
        return 0;
    }
    shell_printf("check: %u of %u validators FAILED, see `dmesg`\n", verdicts.failed,
                 verdicts.passed + verdicts.failed);
    return -EIO;
}

/* ---- The log ---- */

/* Print a piece of the log's text without the "<level>" that each line begins with. */
static void print_log_text(const char *text, size_t nbytes, bool *in_level)
{
    const char *end = text + nbytes;

    while (text < end) {
        const char *stop = memchr(text, *in_level ? '>' : '\n', (size_t)(end - text));
        const char *next = stop == NULL ? end : stop + 1;
        if (!*in_level)
            shell_printf("%.*s", (int)(next - text), text);
        if (stop != NULL)
            *in_level = !*in_level;
        text = next;
    }
}

static int set_console_level(const char *command, const char *text)
{
    uint32_t level;

    if (shell_parse_number(command, "LEVEL", text, LOGLEVEL_MIN, LOGLEVEL_MAX, &level) != 0)
        return -EINVAL;
    log_set_console_level((enum log_level)(level - 1));
    return 0;
}

int cmd_dmesg(int argc, char *argv[])
{
    char text[256];
    uint64_t cursor = 0;
    bool in_level = true;
    size_t nbytes;

    if (argc > 1 && strcmp(argv[1], "-n") != 0)
        return shell_usage("dmesg", "'%s' is no option", argv[1]);
    if (argc == 2)
        return shell_usage("dmesg", "an argument is missing");
    if (argc == 3)
        return set_console_level("dmesg", argv[2]);
    while ((nbytes = log_read(&cursor, text, sizeof(text))) > 0)
        print_log_text(text, nbytes, &in_level);
    return 0;
}

int cmd_loglevel(int argc, char *argv[])
{
    if (argc == 2)
        return set_console_level("loglevel", argv[1]);
    shell_printf("%u\n", (unsigned)log_console_level() + 1);
    return 0;
}

/* ---- Time and processor ---- */

int cmd_uptime(int argc, char *argv[])
{
    struct thread_stats threads;
    uint64_t ticks = timer_ticks();
    uint32_t seconds = (uint32_t)(ticks / TIMER_HZ);

    (void)argc;
    (void)argv;
    thread_get_stats(&threads);
    shell_printf("up %u:%02u:%02u.%02u, %u threads, idle %u %% of the time\n", seconds / 3600,
                 seconds / 60 % 60, seconds % 60, (unsigned)(ticks % TIMER_HZ), threads.threads,
                 ticks == 0 ? 0 : (unsigned)(threads.idle_ticks * 100 / ticks));
    return 0;
}

struct register_bit {
    uint32_t bit;
    const char *name;
};

static void print_register(const char *name, uint32_t value, const struct register_bit *bits,
                           size_t count)
{
    shell_printf("%-16s: %#010x", name, value);
    for (size_t i = 0; i < count; i++)
        if ((value & bits[i].bit) != 0)
            shell_printf(" %s", bits[i].name);
    shell_printf("\n");
}

int cmd_cpuinfo(int argc, char *argv[])
{
    static const struct register_bit cr0[] = { { CR0_WP, "wp" }, { CR0_PG, "pg" } };
    static const struct register_bit cr4[] = { { CR4_PSE, "pse" },   { CR4_PGE, "pge" },
                                               { CR4_UMIP, "umip" }, { CR4_SMEP, "smep" },
                                               { CR4_SMAP, "smap" }, { CR4_OSFXSR, "osfxsr" } };

    (void)argc;
    (void)argv;
    shell_printf("%-16s: %s\n%-16s: %u\n%-16s: %u\n", "vendor_id", cpu_info.vendor,
                 "cpu family", cpu_info.family, "model", cpu_info.model);
    shell_printf("%-16s: %s\n%-16s: %u\n%-16s:", "model name", cpu_info.model_name, "stepping",
                 cpu_info.stepping, "flags");
    for (unsigned i = 0; i < CPU_FEATURE_COUNT; i++)
        if (cpu_has((enum cpu_feature)i))
            shell_printf(" %s", cpu_feature_name((enum cpu_feature)i));
    shell_printf("\n");
    print_register("cr0", cr0_read(), cr0, ARRAY_SIZE(cr0));
    if (cpu_has(CPU_CR4))
        print_register("cr4", cr4_read(), cr4, ARRAY_SIZE(cr4));
    return 0;
}

/* ---- The end ---- */

int cmd_reboot(int argc, char *argv[])
{
    (void)argc;
    (void)argv;
    power_reboot();
}

int cmd_poweroff(int argc, char *argv[])
{
    (void)argc;
    (void)argv;
    power_off();
}

int cmd_panic(int argc, char *argv[])
{
    char text[128] = "";
    size_t length = 0;

    if (argc == 1)
        panic("asked for by the shell");
    for (int i = 1; i < argc && length < sizeof(text); i++)
        length += (size_t)snprintf(text + length, sizeof(text) - length, "%s%s",
                                   i > 1 ? " " : "", argv[i]);
    panic("%s", text);
}
