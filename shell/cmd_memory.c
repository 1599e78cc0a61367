/* shell/cmd_memory.c - who has the memory: the allocators' figures under the names and in the
 * formats of Linux's /proc (proc(5), slabinfo(5)).  The figures come from the modules'
 * x_get_stats(). */
#include "kernel/cpu/irq.h"
#include "kernel/lib/errno.h"
#include "kernel/lib/string.h"
#include "kernel/proc/process.h"
#include "kernel/proc/syscall.h"
#include "kernel/proc/thread.h"
#include "mm/buddy.h"
#include "mm/kmap.h"
#include "mm/memmap.h"
#include "mm/memstat.h"
#include "mm/paging.h"
#include "mm/slab.h"
#include "mm/space.h"
#include "shell/commands.h"
#include "shell/describe.h"

typedef unsigned long long ull; /* what %llu takes */

/* ---- meminfo ---- */

static void print_kb(const char *name, uint32_t kb)
{
    shell_printf("%-15s %8u kB\n", name, kb);
}

/* What proc(5) describes. */
static void print_linux_fields(const struct memstat *stat)
{
    print_kb("MemTotal:", stat->mem_total);
    print_kb("MemFree:", stat->mem_free);
    print_kb("MemAvailable:", stat->mem_available);
    print_kb("Buffers:", 0); /* no block devices, */
    print_kb("Cached:", 0);  /* no page cache: programs are read where the loader put them */
    print_kb("HighTotal:", stat->high_total);
    print_kb("HighFree:", stat->high_free);
    print_kb("LowTotal:", stat->low_total);
    print_kb("LowFree:", stat->low_free);
    print_kb("SwapTotal:", 0);
    print_kb("SwapFree:", 0);
    print_kb("AnonPages:", stat->anon_pages);
    print_kb("Mapped:", stat->file_pages);
    print_kb("Slab:", stat->slab);
    print_kb("SReclaimable:", stat->slab_reclaimable);
    print_kb("SUnreclaim:", stat->slab_unreclaimable);
    print_kb("KernelStack:", stat->kernel_stack);
    print_kb("PageTables:", stat->page_tables);
    print_kb("Committed_AS:", stat->committed_as);
    print_kb("VmallocTotal:", stat->vmalloc_total);
    print_kb("VmallocUsed:", stat->vmalloc_used);
    print_kb("VmallocChunk:", stat->vmalloc_largest);
    print_kb("DirectMap4k:", stat->direct_map_4k);
    print_kb("DirectMap4M:", stat->direct_map_4m);
}

int cmd_meminfo(int argc, char *argv[])
{
    struct memstat stat;

    (void)argc;
    (void)argv;
    memstat_get(&stat);
    print_linux_fields(&stat);
    print_kb("KmallocLarge:", stat.kmalloc_large);
    print_kb("Reserved:", stat.reserved);
    print_kb("KernelImage:", stat.kernel_image);
    print_kb("MemMap:", stat.mem_map);
    print_kb("Initrd:", stat.modules);
    if (stat.test != 0)
        print_kb("Test:", stat.test);
    return 0;
}

/* ---- slabinfo ---- */

/* Exactly Linux's lines, too long for a screen. */
static void print_slabs_long(void)
{
    struct slab_stats s;

    shell_printf("# name            <active_objs> <num_objs> <objsize> <objperslab> "
                 "<pagesperslab> : tunables <limit> <batchcount> <sharedfactor> : slabdata "
                 "<active_slabs> <num_slabs> <sharedavail>\n");
    for (unsigned i = 0; slab_get_stats(i, &s); i++) {
        uint32_t active = s.slabs_full + s.slabs_partial;
        shell_printf("%-17s %6u %6u %6u %4u %4u", s.name, s.objects_in_use, s.objects_total,
                     s.slot_size, s.objects_per_slab, s.pages_per_slab);
        shell_printf(" : tunables %4u %4u %4u : slabdata %6u %6u %6u\n", 0, 0, 0, active,
                     active + s.slabs_empty, 0);
    }
}

/* The same columns but the tunables, in 80 columns; `free` is ours: kB without an object. */
static void print_slabs(void)
{
    struct slab_stats s;

    shell_printf(
        "#                  active      num   obj     obj   pages  active    num   free\n"
        "# name               objs     objs  size perslab perslab   slabs  slabs     kB\n");
    for (unsigned i = 0; slab_get_stats(i, &s); i++) {
        uint32_t active = s.slabs_full + s.slabs_partial, slabs = active + s.slabs_empty;
        uint32_t held = slabs * s.pages_per_slab * PAGE_SIZE;
        shell_printf("%-15s %8u %8u %5u %7u %7u %7u %6u %6u\n", s.name, s.objects_in_use,
                     s.objects_total, s.slot_size, s.objects_per_slab, s.pages_per_slab, active,
                     slabs, (held - s.objects_in_use * s.slot_size) / KiB);
    }
}

int cmd_slabinfo(int argc, char *argv[])
{
    if (argc == 2 && strcmp(argv[1], "-l") != 0)
        return shell_usage("slabinfo", "'%s' is no option", argv[1]);
    shell_printf("slabinfo - version: 2.1\n");
    if (argc == 2)
        print_slabs_long();
    else
        print_slabs();
    return 0;
}

/* ---- buddyinfo, zoneinfo ---- */

int cmd_buddyinfo(int argc, char *argv[])
{
    struct buddy_stats stats;

    (void)argc;
    (void)argv;
    buddy_get_stats(&stats);
    for (unsigned z = 0; z < ZONE_COUNT; z++) {
        const struct zone_stats *zone = &stats.zones[z];
        if (zone->managed == 0)
            continue;
        shell_printf("Node 0, zone %8s ", zone->name);
        for (unsigned order = 0; order <= BUDDY_MAX_ORDER; order++)
            shell_printf("%4u ", zone->free_blocks[order]);
        shell_printf("\n");
    }
    return 0;
}

/* Frames of RAM in [start, end). */
static uint32_t frames_present(pfn_t start, pfn_t end)
{
    const struct memmap *map = memmap_final();
    uint32_t present = 0;

    for (unsigned i = 0; i < map->count; i++) {
        uint64_t first = MAX(map->ranges[i].start >> PAGE_SHIFT, (uint64_t)start);
        uint64_t last = MIN(map->ranges[i].end >> PAGE_SHIFT, (uint64_t)end);
        if (memmap_is_ram(map->ranges[i].type) && first < last)
            present += (uint32_t)(last - first);
    }
    return present;
}

int cmd_zoneinfo(int argc, char *argv[])
{
    struct buddy_stats stats;

    (void)argc;
    (void)argv;
    buddy_get_stats(&stats);
    for (unsigned z = 0; z < ZONE_COUNT; z++) {
        const struct zone_stats *zone = &stats.zones[z];
        if (zone->managed == 0)
            continue;
        shell_printf("Node 0, zone %8s\n", zone->name);
        shell_printf("  pages free     %u\n        spanned  %u\n", zone->free,
                     MIN(zone->end, max_pfn) - zone->start);
        shell_printf("        present  %u\n        managed  %u\n",
                     frames_present(zone->start, zone->end), zone->managed);
        shell_printf("  start_pfn:           %u\n", zone->start);
    }
    return 0;
}

/* ---- memmap ---- */

static void print_memmap(const struct memmap *map)
{
    for (unsigned i = 0; i < map->count; i++) {
        const struct memmap_range *range = &map->ranges[i];
        uint64_t kb = (range->end - range->start) / KiB;
        shell_printf("  [mem 0x%09llx-0x%09llx] %9llu kB  %s\n", (ull)range->start,
                     (ull)range->end - 1, (ull)kb, memmap_type_name(range->type));
    }
}

int cmd_memmap(int argc, char *argv[])
{
    (void)argc;
    (void)argv;
    shell_printf("As the firmware and the boot loader (%s) report it:\n", memmap_loader_name());
    print_memmap(memmap_firmware());
    shell_printf("What became of it:\n");
    print_memmap(memmap_final());
    return 0;
}

/* ---- vmstat ---- */

static void print_counter(const char *name, uint64_t value)
{
    shell_printf("%s %llu\n", name, (ull)value);
}

/* Frames by kind now. */
static void print_frames(const struct buddy_stats *stats)
{
    shell_printf("nr_free_pages %u\n", stats->free);
    for (unsigned kind = PAGE_KIND_FIRST_USED; kind < PAGE_KIND_COUNT; kind++)
        shell_printf("nr_%s_pages %u\n", page_kind_name((enum page_kind)kind),
                     stats->frames[kind]);
}

static void print_faults(const uint64_t faults[FAULT_CAUSE_COUNT])
{
    uint64_t sum = 0;

    for (unsigned cause = 0; cause < FAULT_CAUSE_COUNT; cause++)
        sum += faults[cause];
    print_counter("pgfault", sum);
    for (unsigned cause = 0; cause < FAULT_CAUSE_COUNT; cause++)
        print_counter(fault_cause_name((enum fault_cause)cause), faults[cause]);
}

static void print_buddy_events(const struct buddy_stats *stats)
{
    static const char *const names[ZONE_COUNT] = { "pgalloc_dma", "pgalloc_normal",
                                                   "pgalloc_high" };
    uint64_t frees = 0, splits = 0, merges = 0;

    for (unsigned z = 0; z < ZONE_COUNT; z++) {
        const struct zone_stats *zone = &stats->zones[z];
        print_counter(names[z], zone->allocs);
        frees += zone->frees;
        splits += zone->splits;
        merges += zone->merges;
    }
    print_counter("pgfree", frees);
    print_counter("buddy_split", splits);
    print_counter("buddy_merge", merges);
    print_counter("buddy_fail", stats->failures);
}

static void print_machine_events(void)
{
    struct paging_stats paging;
    struct kmap_stats kmap;
    struct thread_stats threads;
    uint64_t calls, all_calls = 0, interrupts = 0;
    unsigned number;
    const char *name;

    paging_get_stats(&paging);
    kmap_get_stats(&kmap);
    thread_get_stats(&threads);
    for (unsigned line = 0; line < IRQ_COUNT; line++)
        interrupts += irq_count(line);
    for (unsigned i = 0; syscall_info(i, &number, &name, &calls); i++)
        all_calls += calls;
    print_counter("pte_map", paging.maps);
    print_counter("pte_unmap", paging.unmaps);
    print_counter("tlb_flush_page", paging.page_flushes);
    print_counter("tlb_flush_all", paging.full_flushes);
    print_counter("kmap", kmap.maps);
    print_counter("ctxt", threads.switches);
    print_counter("preempt", threads.preemptions);
    print_counter("intr", interrupts);
    print_counter("syscall", all_calls);
}

static void copy_space_stats(struct space *space, void *context)
{
    space_get_stats(space, context);
}

/* vmstat PID: one address space. */
static int print_space(const char *argument)
{
    struct space_stats space;
    uint32_t pid;

    if (shell_parse_number("vmstat", "PID", argument, 1, INT32_MAX, &pid) != 0)
        return -EINVAL;
    if (process_with_space(pid, copy_space_stats, &space) != 0)
        return shell_no_process("vmstat", pid);
    print_counter("nr_vmas", space.vmas);
    print_counter("nr_virtual_pages", space.virtual_pages);
    print_counter("nr_resident_pages", space.resident);
    print_counter("nr_resident_peak", space.resident_peak);
    print_counter("nr_table_pages", space.table_frames);
    print_faults(space.faults);
    return 0;
}

int cmd_vmstat(int argc, char *argv[])
{
    struct buddy_stats stats;
    struct space_totals totals;

    if (argc > 1)
        return print_space(argv[1]);
    buddy_get_stats(&stats);
    space_get_totals(&totals);
    print_frames(&stats);
    print_faults(totals.faults);
    print_buddy_events(&stats);
    print_machine_events();
    return 0;
}

/* ---- page ---- */

int cmd_page(int argc, char *argv[])
{
    uint32_t pfn;

    (void)argc;
    if (shell_parse_number("page", "PFN", argv[1], 0, UINT32_MAX >> PAGE_SHIFT, &pfn) != 0)
        return -EINVAL;
    shell_printf("frame %#x (%u), physical 0x%08x-0x%08x\n", pfn, pfn, pfn << PAGE_SHIFT,
                 (pfn << PAGE_SHIFT) + PAGE_MASK);
    if (pfn < max_pfn && pfn < LOWMEM_MAX_PFN)
        shell_printf("      at 0x%08x in the direct map\n",
                     (unsigned)(uintptr_t)page_to_virt(pfn_to_page(pfn)));
    shell_printf("      ");
    describe_frame(pfn);
    shell_printf("\n");
    return 0;
}
