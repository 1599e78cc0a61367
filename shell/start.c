/* shell/start.c - what the product does when everything is up: a banner, the commands of the
 * kernel parameter run="COMMAND; COMMAND", and the shell. */
#include "kernel/cpu/cpu.h"
#include "kernel/lib/parse.h"
#include "kernel/lib/string.h"
#include "kernel/log.h"
#include "kernel/main.h"
#include "mm/memmap.h"
#include "mm/memstat.h"
#include "shell/jobs.h"
#include "shell/shell.h"

static void show_banner(void)
{
    struct memstat stat;

    memstat_get(&stat);
    shell_printf("\nStrata: a kernel for learning how memory works\n"
                 "%u kB of memory, %u kB free.  Type `help` for the commands.\n\n",
                 stat.mem_total, stat.mem_free);
}

static void run_boot_commands(void)
{
    static char commands[SHELL_LINE_MAX];

    if (!parse_option(memmap_cmdline(), "run", commands, sizeof(commands)))
        return;
    if (strlen(commands) == sizeof(commands) - 1) {
        log_err("run=: longer than %u characters, not run", (unsigned)sizeof(commands) - 2);
        return;
    }
    shell_printf(SHELL_PROMPT "%s\n", commands);
    shell_execute(commands);
}

/* For `dmesg`, and for the benchmark that boots the product. */
static void log_boot_time(void)
{
    extern uint64_t boot_tsc; /* boot/entry.S: the counter when the boot loader handed over */

    if (cpu_has(CPU_TSC))
        log_debug("start: %llu ticks of the time-stamp counter from entry to prompt",
                  tsc_read() - boot_tsc);
}

void start(void)
{
    jobs_init();
    show_banner();
    log_boot_time();
    run_boot_commands();
    shell_main(NULL);
}
