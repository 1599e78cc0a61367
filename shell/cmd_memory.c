/* shell/cmd_memory.c - who has the memory: the allocators' figures under the names and in the
 * formats of Linux's /proc (proc(5), slabinfo(5)).  The figures come from the modules'
 * x_get_stats(). */
#include "kernel/lib/errno.h"
#include "kernel/lib/string.h"
#include "kernel/proc/process.h"
#include "kernel/procfs/show.h"
#include "mm/buddy.h"
#include "mm/memmap.h"
#include "mm/memstat.h"
#include "mm/slab.h"
#include "mm/space.h"
#include "shell/commands.h"
#include "shell/describe.h"

typedef unsigned long long ull; /* what %llu takes */

/* ---- the whole in a line ---- */

/* As free(1) has it: what is free, or could be had at once, is no longer "used". */
int cmd_free(int argc, char *argv[])
{
    struct memstat stat;

    (void)argc;
    (void)argv;
    memstat_get(&stat);
    uint32_t cache = stat.buffers + stat.cached + stat.slab_reclaimable;
    shell_printf("      %12s%12s%12s%12s%12s%12s\n", "total", "used", "free", "shared",
                 "buff/cache", "available");
    shell_printf("Mem:  %12u%12u%12u%12u%12u%12u\n", stat.mem_total,
                 stat.mem_total - stat.mem_free - cache, stat.mem_free, stat.shmem, cache,
                 stat.mem_available);
    return 0;
}

/* ---- what /proc says, too ---- */

int cmd_meminfo(int argc, char *argv[])
{
    (void)argc;
    (void)argv;
    return describe_text(show_meminfo, 0);
}

int cmd_buddyinfo(int argc, char *argv[])
{
    (void)argc;
    (void)argv;
    return describe_text(show_buddyinfo, 0);
}

/* /proc/pagetypeinfo has the same in 122 columns.  Here the small orders, of which there may be many,
 * have more room than the others: 6 digits, 5, 4, and then 3. */
static void print_mobility(const struct zone_stats *zone, enum mobility mobility)
{
    const struct mobility_stats *of = &zone->by_mobility[mobility];

    shell_printf("%-8s%-12s%5u", zone->name, mobility_name(mobility), of->blocks);
    for (unsigned order = 0; order <= BUDDY_MAX_ORDER; order++)
        shell_printf(" %*u", (int)MAX(6u - MIN(order, 6u), 3u), of->free_blocks[order]);
    shell_printf("\n");
}

int cmd_pagetypeinfo(int argc, char *argv[])
{
    (void)argc;
    (void)argv;
    struct buddy_stats stats;

    buddy_drain();
    buddy_get_stats(&stats);
    shell_printf("%-8s%-12s%5s  free blocks of order 0 to %u\n", "ZONE", "MOBILITY", "4 MiB",
                 BUDDY_MAX_ORDER);
    for (unsigned zone = 0; zone < ZONE_COUNT; zone++)
        for (unsigned mobility = 0; stats.zones[zone].managed > 0 && mobility < MOBILITY_COUNT;
             mobility++)
            print_mobility(&stats.zones[zone], (enum mobility)mobility);
    return 0;
}

/* As in /proc/extfrag_index and unusable_index, in 80 columns. */
static void print_indices(int (*index)(const struct zone_stats *zone, unsigned order))
{
    struct buddy_stats stats;

    buddy_drain();
    buddy_get_stats(&stats);
    for (unsigned zone = 0; zone < ZONE_COUNT; zone++) {
        if (stats.zones[zone].managed == 0)
            continue;
        shell_printf("%-8s", stats.zones[zone].name);
        for (unsigned order = 0; order <= BUDDY_MAX_ORDER; order++) {
            int value = index(&stats.zones[zone], order);
            unsigned size = (unsigned)(value < 0 ? -value : value);
            shell_printf(" %s%u.%02u", value < 0 ? "-" : " ", size / 1000, size % 1000 / 10);
        }
        shell_printf("\n");
    }
}

int cmd_fragmentation(int argc, char *argv[])
{
    (void)argc;
    (void)argv;
    shell_printf(
        "Index, by order: 0 there is too little, 1 it is in pieces, -1 there is a block\n");
    print_indices(buddy_fragmentation_index);
    shell_printf("Part of free memory that is useless for it\n");
    print_indices(buddy_unusable_index);
    return 0;
}

int cmd_zoneinfo(int argc, char *argv[])
{
    (void)argc;
    (void)argv;
    return describe_text(show_zoneinfo, 0);
}

/* ---- slabinfo ---- */

/* The columns of /proc/slabinfo but the tunables, in 80 columns; `free` is ours: kB without an object. */
static void print_slabs(void)
{
    struct slab_stats s;

    shell_printf(
        "#                  active      num   obj     obj   pages  active    num   free\n"
        "# name               objs     objs  size perslab perslab   slabs  slabs     kB\n");
    for (unsigned i = 0; slab_get_stats(i, &s); i++) {
        uint32_t active = s.slabs_full + s.slabs_partial, slabs = active + s.slabs_empty;
        uint32_t held = s.frames * PAGE_SIZE;
        shell_printf("%-15s %8u %8u %5u %7u %7u %7u %6u %6u\n", s.name, s.objects_in_use,
                     s.objects_total, s.slot_size, s.objects_per_slab, s.pages_per_slab, active,
                     slabs, (held - s.objects_in_use * s.slot_size) / KiB);
    }
}

int cmd_slabinfo(int argc, char *argv[])
{
    if (argc == 2 && strcmp(argv[1], "-l") != 0)
        return shell_usage("slabinfo", "'%s' is no option", argv[1]);
    if (argc == 2)
        return describe_text(show_slabinfo, 0);
    shell_printf("slabinfo - version: 2.1\n");
    print_slabs();
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

static void print_faults(const uint64_t faults[FAULT_CAUSE_COUNT])
{
    uint64_t sum = 0;

    for (unsigned cause = 0; cause < FAULT_CAUSE_COUNT; cause++)
        sum += faults[cause];
    print_counter("pgfault", sum);
    for (unsigned cause = 0; cause < FAULT_CAUSE_COUNT; cause++)
        print_counter(fault_cause_name((enum fault_cause)cause), faults[cause]);
}

/* vmstat PID: one address space. */
static int print_space(const char *argument)
{
    struct space_stats stats;
    uint32_t pid;

    if (shell_parse_number("vmstat", "PID", argument, 1, INT32_MAX, &pid) != 0)
        return -EINVAL;
    struct space *space = process_get_space(pid);
    if (!space)
        return shell_no_process("vmstat", pid);
    space_get_stats(space, &stats);
    space_put(space);
    print_counter("nr_vmas", stats.vmas);
    print_counter("nr_virtual_pages", stats.virtual_pages);
    print_counter("nr_resident_pages", stats.resident);
    print_counter("nr_resident_peak", stats.resident_peak);
    print_counter("nr_table_pages", stats.table_frames);
    print_faults(stats.faults);
    return 0;
}

int cmd_vmstat(int argc, char *argv[])
{
    return argc > 1 ? print_space(argv[1]) : describe_text(show_vmstat, 0);
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
