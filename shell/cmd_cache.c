/* shell/cmd_cache.c - what the processor remembers: translations (the TLB) and memory (its caches),
 * each made visible by an experiment on frames that nobody else has. */
#include "kernel/cpu/cacheinfo.h"
#include "kernel/cpu/cpu.h"
#include "kernel/lib/bitops.h"
#include "kernel/lib/errno.h"
#include "kernel/lib/string.h"
#include "mm/buddy.h"
#include "mm/cache.h"
#include "mm/uaccess.h"
#include "mm/vmalloc.h"
#include "shell/commands.h"
#include "shell/describe.h"

#define WORDS_PER_PAGE (PAGE_SIZE / sizeof(uint32_t))

static int no_memory(const char *command)
{
    shell_printf("%s: not enough memory\n", command);
    return -ENOMEM;
}

/* ---- tlb ---- */

#define TLB_PAGES_MAX 8u
#define WORD_OLD 0xAAAAAAAAu
#define WORD_NEW 0xBBBBBBBBu

/* Pages whose frames are exchanged behind the TLB's back. */
struct tlb_window {
    struct page *old, *new; /* blocks of 2^order frames */
    unsigned order, npages;
    volatile uint32_t *words;
};

/* What is flushed after the entries have changed. */
static void flush_pages(const struct tlb_window *window)
{
    paging_flush_kernel((uintptr_t)window->words, window->npages);
}

static void load_cr3(const struct tlb_window *window)
{
    (void)window;
    tlb_flush_all();
}

static void flush_everything(const struct tlb_window *window)
{
    (void)window;
    paging_flush_everything();
}

struct tlb_step {
    const char *what;
    void (*flush)(const struct tlb_window *window);
};

#define TLB_STEPS_MAX 2

static const struct tlb_experiment {
    const char *name;
    unsigned npages;
    struct tlb_step steps[TLB_STEPS_MAX];
} tlb_experiments[] = {
    { "one", 1, { { "INVLPG of the page", flush_pages } } },
    { "range", TLB_PAGES_MAX, { { "INVLPG of each page", flush_pages } } },
    { "all",
      TLB_PAGES_MAX,
      { { "CR3 loaded anew", load_cr3 }, { "CR4.PGE off and on", flush_everything } } },
};

/* How many of its steps this processor knows: without CR4.PGE, CR3 is everything. */
static unsigned tlb_step_count(const struct tlb_experiment *experiment)
{
    return experiment->steps[1].flush && cpu_has(CPU_PGE) ? 2 : 1;
}

static void tlb_window_close(struct tlb_window *window)
{
    vunmap((void *)window->words);
    if (window->old)
        buddy_free(window->old, window->order);
    if (window->new)
        buddy_free(window->new, window->order);
}

static int tlb_window_open(struct tlb_window *window, unsigned npages)
{
    unsigned order = order_for(npages);

    *window = (struct tlb_window){
        .old = buddy_alloc(order, PAGE_VMALLOC, PAGE_ANY),
        .new = buddy_alloc(order, PAGE_VMALLOC, PAGE_ANY),
        .order = order,
        .npages = npages,
    };
    if (window->old && window->new)
        window->words = vmap(page_to_pfn(window->old), npages, 0);
    if (!window->words) {
        tlb_window_close(window);
        return -ENOMEM;
    }
    for (unsigned i = 0; i < npages; i++) {
        *(uint32_t *)page_to_virt(window->old + i) = WORD_OLD;
        *(uint32_t *)page_to_virt(window->new + i) = WORD_NEW;
    }
    return 0;
}

/* How many pages read what is in their old frames. */
static unsigned count_old(const struct tlb_window *window)
{
    unsigned count = 0;

    for (unsigned i = 0; i < window->npages; i++)
        count += window->words[i * WORDS_PER_PAGE] == WORD_OLD;
    return count;
}

/* Fill stale[]: pages that read their old frames after the change, and after each step.  Interrupts
 * off: nobody else shall load CR3, or need room in the TLB. */
static void tlb_exchange(const struct tlb_experiment *experiment, struct tlb_window *window,
                         unsigned stale[1 + TLB_STEPS_MAX])
{
    uint32_t irq = irq_save();

    (void)count_old(window); /* now the TLB knows every page */
    for (unsigned i = 0; i < window->npages; i++)
        paging_change_unflushed(&kernel_directory, (uintptr_t)window->words + i * PAGE_SIZE,
                                page_to_pfn(window->new) + i, PTE_WRITE);
    stale[0] = count_old(window);
    for (unsigned i = 0; i < tlb_step_count(experiment); i++) {
        experiment->steps[i].flush(window);
        stale[1 + i] = count_old(window);
    }
    irq_restore(irq);
}

static void tlb_line(const char *what, unsigned stale, unsigned npages)
{
    shell_printf("  %-28s %u of %u read%s the old frame%s\n", what, stale, npages,
                 npages == 1 ? "s" : "", stale ? ": the TLB answers" : "");
}

static int tlb_run(const struct tlb_experiment *experiment)
{
    unsigned stale[1 + TLB_STEPS_MAX];
    struct tlb_window window;

    if (tlb_window_open(&window, experiment->npages) != 0)
        return no_memory("tlb");
    tlb_exchange(experiment, &window, stale);
    shell_printf("tlb %s: %u page%s at 0x%08x, from frame %#x to %#x\n", experiment->name,
                 window.npages, window.npages == 1 ? "" : "s",
                 (unsigned)(uintptr_t)window.words, page_to_pfn(window.old),
                 page_to_pfn(window.new));
    tlb_line("entries changed, no flush", stale[0], window.npages);
    for (unsigned i = 0; i < tlb_step_count(experiment); i++)
        tlb_line(experiment->steps[i].what, stale[1 + i], window.npages);
    if (tlb_step_count(experiment) > 1 && stale[1] == 0)
        shell_printf("  (A processor's CR3 spares global pages; this emulator's does not.)\n");
    tlb_window_close(&window);
    return 0;
}

int cmd_tlb(int argc, char *argv[])
{
    struct paging_stats stats;
    bool found = false;

    for (unsigned i = 0; i < ARRAY_SIZE(tlb_experiments); i++) {
        if (argc == 2 && strcmp(argv[1], tlb_experiments[i].name) != 0)
            continue;
        found = true;
        int error = tlb_run(&tlb_experiments[i]);
        if (error)
            return error;
    }
    if (!found)
        return shell_usage("tlb", "'%s' is none of one, range and all", argv[1]);
    paging_get_stats(&stats);
    shell_printf("since the start: %llu pages flushed, and %llu times everything\n",
                 (unsigned long long)stats.page_flushes,
                 (unsigned long long)stats.full_flushes);
    return 0;
}

/* ---- cache: what there is ---- */

static void print_caches(void)
{
    struct cpu_cache cache;

    for (unsigned i = 0; cpu_cache_get(i, &cache); i++)
        shell_printf("L%u %-12s %6u kB, %2u ways, lines of %u bytes\n", cache.level,
                     cpu_cache_type_name(cache.type), cache.nbytes / KiB, cache.ways,
                     cache.line_bytes);
    if (cpu_info.clflush_bytes)
        shell_printf("CLFLUSH takes a line of %u bytes, WBINVD takes all\n",
                     cpu_info.clflush_bytes);
    else
        shell_printf("no CLFLUSH here: a flush is WBINVD, which takes all\n");
}

/* ---- cache: three types of memory, timed ---- */

#define ROUNDS 8 /* the best counts: the others were disturbed */

struct cache_timing {
    uint32_t reads, writes; /* ticks for a page, word by word */
    uint32_t first;         /* ticks for one word that no cache has */
};

static uint32_t time_reads(const volatile uint32_t *words)
{
    uint64_t start = tsc_read();

    for (unsigned i = 0; i < WORDS_PER_PAGE; i++)
        (void)words[i];
    memory_barrier();
    return (uint32_t)(tsc_read() - start);
}

static uint32_t time_writes(volatile uint32_t *words)
{
    uint64_t start = tsc_read();

    for (unsigned i = 0; i < WORDS_PER_PAGE; i++)
        words[i] = i;
    memory_barrier();
    return (uint32_t)(tsc_read() - start);
}

static uint32_t time_first(const volatile uint32_t *words)
{
    cache_flush_range((uintptr_t)words, sizeof(words[0]));
    uint64_t start = tsc_read();
    (void)words[0];
    memory_barrier();
    return (uint32_t)(tsc_read() - start);
}

static struct cache_timing time_page(volatile uint32_t *words)
{
    struct cache_timing best = { UINT32_MAX, UINT32_MAX, UINT32_MAX };

    for (unsigned i = 0; i < ROUNDS; i++) {
        uint32_t irq = irq_save();
        best.reads = MIN(best.reads, time_reads(words));
        best.writes = MIN(best.writes, time_writes(words));
        best.first = MIN(best.first, time_first(words));
        irq_restore(irq);
    }
    return best;
}

static void print_per_word(uint32_t ticks)
{
    const uint32_t tenths = ticks * 10 / WORDS_PER_PAGE;
    shell_printf("%7u.%u", tenths / 10, tenths % 10);
}

static int print_type(const char *name, unsigned vm_flags)
{
    volatile uint32_t *words = vmalloc_flags(1, PAGE_VMALLOC, vm_flags);

    if (!words)
        return no_memory("cache");
    words[0] = 0;
    struct cache_timing timing = cpu_has(CPU_TSC) ? time_page(words)
                                                  : (struct cache_timing){ 0 };
    shell_printf("%-13s  0x%08x  ", name, (unsigned)(uintptr_t)words);
    describe_entry_letters(paging_lookup(&kernel_directory, (uintptr_t)words));
    if (cpu_has(CPU_TSC)) {
        shell_printf("  ");
        print_per_word(timing.reads);
        print_per_word(timing.writes);
        shell_printf("  %16u", timing.first);
    }
    shell_printf("\n");
    vfree((void *)words);
    return 0;
}

static int print_types(void)
{
    static const struct {
        const char *name;
        unsigned vm_flags;
    } types[] = { { "write-back", 0 },
                  { "write-through", VM_WRITE_THROUGH },
                  { "uncached", VM_UNCACHED } };
    int error = 0;

    shell_printf("\n%-13s  %-10s  %-9s  %s\n", "memory", "a page at", "entry",
                 cpu_has(CPU_TSC) ? "ticks: read    write  read after flush"
                                  : "(no time-stamp counter here)");
    for (unsigned i = 0; i < ARRAY_SIZE(types) && !error; i++)
        error = print_type(types[i].name, types[i].vm_flags);
    if (!error)
        shell_printf("(An emulator has no caches: there, what differs is chance.)\n");
    return error;
}

/* ---- cache flush ---- */

/* Is all of [address, address + nbytes) mapped kernel memory? */
static bool is_mapped(uint32_t address, uint32_t nbytes, uint32_t *hole)
{
    uint32_t value;

    for (uint32_t at = address; at - address < nbytes;
         at = ALIGN_DOWN(at, PAGE_SIZE) + PAGE_SIZE)
        if (at < KERNEL_BASE || !kernel_peek(at, &value, 1)) {
            *hole = at;
            return false;
        }
    return true;
}

static int flush_range(char *argv[])
{
    uint32_t address, nbytes, hole;
    struct cache_stats before, after;

    if (shell_parse_number("cache", "ADDRESS", argv[0], 0, UINT32_MAX, &address) != 0 ||
        shell_parse_number("cache", "BYTES", argv[1], 1, UINT32_MAX, &nbytes) != 0)
        return -EINVAL;
    if (nbytes > UINT32_MAX - address)
        return shell_usage("cache", "the range ends above 4 GiB");
    if (!is_mapped(address, nbytes, &hole)) {
        shell_printf("cache: no kernel memory is mapped at 0x%08x; nothing was flushed\n",
                     hole);
        return -EFAULT;
    }
    cache_get_stats(&before);
    cache_flush_range(address, nbytes);
    cache_get_stats(&after);
    if (after.lines != before.lines)
        shell_printf("%llu lines of %u bytes written back and forgotten (CLFLUSH)\n",
                     (unsigned long long)(after.lines - before.lines), cpu_info.clflush_bytes);
    else
        shell_printf("every line written back and forgotten (WBINVD: no CLFLUSH here)\n");
    return 0;
}

int cmd_cache(int argc, char *argv[])
{
    if (argc == 1) {
        print_caches();
        return print_types();
    }
    if (strcmp(argv[1], "flush") != 0)
        return shell_usage("cache", "'%s' is not flush", argv[1]);
    if (argc == 3)
        return shell_usage("cache", "BYTES is missing");
    if (argc == 4)
        return flush_range(argv + 2);
    cache_flush_all();
    shell_printf("every line written back and forgotten (WBINVD)\n");
    return 0;
}
