/* From the boot loader to the first thread, straight down.  entry.S has turned on paging and
 * calls kmain() in the higher half, interrupts off. */
#include "kernel/main.h"

#include "boot/multiboot.h"
#include "kernel/cpu/cpu.h"
#include "kernel/cpu/fpu.h"
#include "kernel/cpu/gdt.h"
#include "kernel/cpu/guarded.h"
#include "kernel/cpu/irq.h"
#include "kernel/cpu/timer.h"
#include "kernel/cpu/trap.h"
#include "kernel/dev/console.h"
#include "kernel/dev/rtc.h"
#include "kernel/fs/inode.h"
#include "kernel/lib/parse.h"
#include "kernel/lib/string.h"
#include "kernel/log.h"
#include "kernel/panic.h"
#include "kernel/proc/itimer.h"
#include "kernel/proc/oom.h"
#include "kernel/proc/process.h"
#include "kernel/proc/signal.h"
#include "kernel/proc/tty.h"
#include "kernel/procfs/procfs.h"
#include "kernel/sched/thread.h"
#include "kernel/syscall/syscall.h"
#include "mm/inject.h"
#include "mm/memmap.h"
#include "mm/mm.h"

/* loglevel=N as on Linux: messages with a level below N reach the console. */
static void set_log_level(const char *cmdline)
{
    char value[8];
    uint32_t level;

    if (!parse_option(cmdline, "loglevel", value, sizeof(value)))
        return;
    if (parse_u32(value, &level) == 0 && level >= 1 && level <= LOG_DEBUG + 1)
        log_set_console_level((enum log_level)(level - 1));
    else
        log_warning("loglevel=%s: expected 1 to %d", value, LOG_DEBUG + 1);
}

/* Is this "KEY" or "KEY=..." with a key that somebody reads? */
static bool is_known(const char *word)
{
    static const char *const keys[] = { "console",    "inject", "loglevel",
                                        "norandmaps", "panic",  "run",
                                        "slab_debug", "test",   "transparent_hugepage" };

    for (unsigned i = 0; i < ARRAY_SIZE(keys); i++) {
        size_t length = strlen(keys[i]);
        if (!strncmp(word, keys[i], length) && (word[length] == '=' || word[length] == '\0'))
            return true;
    }
    return false;
}

/* A misspelt parameter must not pass in silence.  Some loaders put the kernel's path first. */
static void warn_of_unknown_parameters(const char *cmdline)
{
    static char copy[MEMMAP_CMDLINE_MAX];
    char *words[64];

    strlcpy(copy, cmdline, sizeof(copy));
    int count = parse_words(copy, words, ARRAY_SIZE(words));
    if (count < 0)
        log_warning("kernel parameters: an open quote, or too many words");
    for (int i = 0; i < count; i++)
        if (!is_known(words[i]) && !(i == 0 && strchr(words[i], '/')))
            log_warning("kernel parameter '%s' is not known", words[i]);
}

void kmain(uint32_t magic, uint32_t info_paddr)
{
    bool multiboot = magic == MULTIBOOT_LOADER_MAGIC;

    cpu_detect();
    gdt_init();  /* flat segments, task state */
    trap_init(); /* exceptions can be reported from here on */
    const char *problem = multiboot ? memmap_init(info_paddr) : "not loaded by multiboot";
    const char *cmdline = memmap_cmdline();
    console_init(cmdline);
    panic_init(cmdline);
    set_log_level(cmdline);
    warn_of_unknown_parameters(cmdline);
    ASSERT(!problem, "%s", problem);
    cpu_enable_features();
    guarded_init();

    mm_init(); /* buddy, paging, slab, kmalloc, vmalloc, spaces, faults */

    irq_init();   /* hardware interrupts, still masked */
    timer_init(); /* 100 ticks a second */
    rtc_init();   /* what time it is */
    fpu_init();
    thread_init();  /* scheduler */
    fs_init();      /* the tree of files, with what came from the boot loader */
    process_init(); /* programs in ring 3 */
    signal_init();
    itimer_init();
    oom_init(); /* what happens when no memory is left */
    tty_init(); /* the console as a terminal: who gets the keys */
    procfs_init();
    syscall_init(); /* int 0x80 */
    console_enable_input();
    inject_init(cmdline); /* from here on, allocations may fail on purpose */
    thread_run(start);    /* the shell, or a test kernel's tests */
}
