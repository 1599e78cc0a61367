/* /proc's view of the machine's memory: meminfo, slabinfo, buddyinfo, zoneinfo, vmstat. */
#include "kernel/cpu/irq.h"
#include "kernel/proc/oom.h"
#include "kernel/proc/process.h"
#include "kernel/procfs/show.h"
#include "kernel/syscall/syscall.h"
#include "mm/buddy.h"
#include "mm/cache.h"
#include "mm/compact.h"
#include "mm/kmap.h"
#include "mm/memmap.h"
#include "mm/memstat.h"
#include "mm/reclaim.h"
#include "mm/slab.h"

typedef unsigned long long ull; /* what %llu takes */

/* ---- meminfo ---- */

static void show_kb(struct text *text, const char *name, uint32_t kb)
{
    text_printf(text, "%-15s %8u kB\n", name, kb);
}

/* What proc(5) describes. */
static void show_linux_fields(struct text *text, const struct memstat *stat)
{
    show_kb(text, "MemTotal:", stat->mem_total);
    show_kb(text, "MemFree:", stat->mem_free);
    show_kb(text, "MemAvailable:", stat->mem_available);
    show_kb(text, "Buffers:", 0); /* no block devices */
    show_kb(text, "Cached:", stat->cached);
    show_kb(text, "SwapCached:", 0);
    show_kb(text, "HighTotal:", stat->high_total);
    show_kb(text, "HighFree:", stat->high_free);
    show_kb(text, "LowTotal:", stat->low_total);
    show_kb(text, "LowFree:", stat->low_free);
    show_kb(text, "SwapTotal:", 0);
    show_kb(text, "SwapFree:", 0);
    show_kb(text, "AnonPages:", stat->anon_pages);
    show_kb(text, "Mapped:", stat->mapped);
    show_kb(text, "Shmem:", stat->shmem);
    show_kb(text, "Slab:", stat->slab);
    show_kb(text, "SReclaimable:", stat->slab_reclaimable);
    show_kb(text, "SUnreclaim:", stat->slab_unreclaimable);
    show_kb(text, "KernelStack:", stat->kernel_stack);
    show_kb(text, "PageTables:", stat->page_tables);
    show_kb(text, "Committed_AS:", stat->committed_as);
    show_kb(text, "VmallocTotal:", stat->vmalloc_total);
    show_kb(text, "VmallocUsed:", stat->vmalloc_used);
    show_kb(text, "VmallocChunk:", stat->vmalloc_largest);
    show_kb(text, "AnonHugePages:", stat->anon_huge_pages);
    show_kb(text, "DirectMap4k:", stat->direct_map_4k);
    show_kb(text, "DirectMap4M:", stat->direct_map_4m);
}

int show_meminfo(struct text *text, uint32_t unused)
{
    struct memstat stat;

    (void)unused;
    memstat_get(&stat);
    show_linux_fields(text, &stat);
    show_kb(text, "KmallocLarge:", stat.kmalloc_large);
    show_kb(text, "Reserved:", stat.reserved);
    show_kb(text, "KernelImage:", stat.kernel_image);
    show_kb(text, "MemMap:", stat.mem_map);
    show_kb(text, "Initrd:", stat.modules);
    if (stat.test != 0)
        show_kb(text, "Test:", stat.test);
    return 0;
}

/* ---- slabinfo ---- */

int show_slabinfo(struct text *text, uint32_t unused)
{
    struct slab_stats s;

    (void)unused;
    text_printf(text,
                "slabinfo - version: 2.1\n"
                "# name            <active_objs> <num_objs> <objsize> <objperslab> "
                "<pagesperslab> : tunables <limit> <batchcount> <sharedfactor> : slabdata "
                "<active_slabs> <num_slabs> <sharedavail>\n");
    for (unsigned i = 0; slab_get_stats(i, &s); i++) {
        uint32_t active = s.slabs_full + s.slabs_partial;
        text_printf(text, "%-17s %6u %6u %6u %4u %4u", s.name, s.objects_in_use,
                    s.objects_total, s.slot_size, s.objects_per_slab, s.pages_per_slab);
        text_printf(text, " : tunables %4u %4u %4u : slabdata %6u %6u %6u\n", 0, 0, 0, active,
                    active + s.slabs_empty, 0);
    }
    return 0;
}

/* ---- buddyinfo, zoneinfo ---- */

int show_buddyinfo(struct text *text, uint32_t unused)
{
    struct buddy_stats stats;

    (void)unused;
    buddy_drain(); /* what lies in the hot lists belongs to the blocks, too */
    buddy_get_stats(&stats);
    for (unsigned z = 0; z < ZONE_COUNT; z++) {
        const struct zone_stats *zone = &stats.zones[z];
        if (zone->managed == 0)
            continue;
        text_printf(text, "Node 0, zone %8s ", zone->name);
        for (unsigned order = 0; order <= BUDDY_MAX_ORDER; order++)
            text_printf(text, "%4u ", zone->free_blocks[order]);
        text_printf(text, "\n");
    }
    return 0;
}

/* A line of pagetypeinfo: the free blocks of one mobility. */
static void show_free_of(struct text *text, const struct zone_stats *zone,
                         enum mobility mobility)
{
    text_printf(text, "Node    0, zone %8s, type %12s ", zone->name, mobility_name(mobility));
    for (unsigned order = 0; order <= BUDDY_MAX_ORDER; order++)
        text_printf(text, "%6u ", zone->by_mobility[mobility].free_blocks[order]);
    text_printf(text, "\n");
}

static void show_blocks_of(struct text *text, const struct zone_stats *zone)
{
    text_printf(text, "Node 0, zone %8s ", zone->name);
    for (unsigned mobility = 0; mobility < MOBILITY_COUNT; mobility++)
        text_printf(text, "%12u ", zone->by_mobility[mobility].blocks);
    text_printf(text, "\n");
}

int show_pagetypeinfo(struct text *text, uint32_t unused)
{
    struct buddy_stats stats;

    (void)unused;
    buddy_drain();
    buddy_get_stats(&stats);
    text_printf(text, "Page block order: %u\nPages per block:  %u\n\n", BUDDY_MAX_ORDER,
                1u << BUDDY_MAX_ORDER);
    text_printf(text, "%-43s", "Free pages count per migrate type at order");
    for (unsigned order = 0; order <= BUDDY_MAX_ORDER; order++)
        text_printf(text, "%6u ", order);
    text_printf(text, "\n");
    for (unsigned z = 0; z < ZONE_COUNT; z++)
        for (unsigned mobility = 0; stats.zones[z].managed && mobility < MOBILITY_COUNT;
             mobility++)
            show_free_of(text, &stats.zones[z], (enum mobility)mobility);
    text_printf(text, "\n%-22s", "Number of blocks type");
    for (unsigned mobility = 0; mobility < MOBILITY_COUNT; mobility++)
        text_printf(text, "%12s ", mobility_name((enum mobility)mobility));
    text_printf(text, "\n");
    for (unsigned z = 0; z < ZONE_COUNT; z++)
        if (stats.zones[z].managed > 0)
            show_blocks_of(text, &stats.zones[z]);
    return 0;
}

/* A line of Linux's debugfs files extfrag_index and unusable_index. */
static void show_thousandths(struct text *text, const struct zone_stats *zone,
                             int (*index)(const struct zone_stats *zone, unsigned order))
{
    text_printf(text, "Node 0, zone %8s ", zone->name);
    for (unsigned order = 0; order <= BUDDY_MAX_ORDER; order++) {
        int value = index(zone, order);
        unsigned size = (unsigned)(value < 0 ? -value : value);
        text_printf(text, "%s%u.%03u ", value < 0 ? "-" : "", size / 1000, size % 1000);
    }
    text_printf(text, "\n");
}

static int show_index(struct text *text,
                      int (*index)(const struct zone_stats *zone, unsigned order))
{
    struct buddy_stats stats;

    buddy_drain();
    buddy_get_stats(&stats);
    for (unsigned z = 0; z < ZONE_COUNT; z++)
        if (stats.zones[z].managed > 0)
            show_thousandths(text, &stats.zones[z], index);
    return 0;
}

int show_extfrag_index(struct text *text, uint32_t unused)
{
    (void)unused;
    return show_index(text, buddy_fragmentation_index);
}

int show_unusable_index(struct text *text, uint32_t unused)
{
    (void)unused;
    return show_index(text, buddy_unusable_index);
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

int show_zoneinfo(struct text *text, uint32_t unused)
{
    struct buddy_stats stats;

    (void)unused;
    buddy_get_stats(&stats);
    for (unsigned z = 0; z < ZONE_COUNT; z++) {
        const struct zone_stats *zone = &stats.zones[z];
        if (zone->managed == 0)
            continue;
        text_printf(text, "Node 0, zone %8s\n", zone->name);
        text_printf(text, "  pages free     %u\n        min      %u\n", zone->free, zone->min);
        text_printf(text, "        low      %u\n        high     %u\n", zone->low, zone->high);
        text_printf(text, "        spanned  %u\n", MIN(zone->end, max_pfn) - zone->start);
        text_printf(text, "        present  %u\n        managed  %u\n",
                    frames_present(zone->start, zone->end), zone->managed);
        text_printf(text, "        zeroed   %u\n        hot      %u\n        protection: (",
                    zone->zeroed, zone->hot);
        for (unsigned best = 0; best < ZONE_COUNT; best++)
            text_printf(text, "%s%u", best > 0 ? ", " : "", zone->kept_from[best]);
        text_printf(text, ")\n");
        text_printf(text, "  start_pfn:           %u\n", zone->start);
    }
    return 0;
}

/* ---- vmstat ---- */

static void show_counter(struct text *text, const char *name, uint64_t value)
{
    text_printf(text, "%s %llu\n", name, (ull)value);
}

/* Frames by kind now. */
static void show_frames(struct text *text, const struct buddy_stats *stats)
{
    text_printf(text, "nr_free_pages %u\n", stats->free);
    for (unsigned kind = PAGE_KIND_FIRST_USED; kind < PAGE_KIND_COUNT; kind++)
        text_printf(text, "nr_%s_pages %u\n", page_kind_name((enum page_kind)kind),
                    stats->frames[kind]);
}

/* 4 MiB pages of programs. */
static void show_huge(struct text *text)
{
    struct space_huge_stats huge;

    space_get_huge_stats(&huge);
    text_printf(text, "nr_anon_transparent_hugepages %u\n", huge.pages);
    show_counter(text, "thp_fault_alloc", huge.fault_alloc);
    show_counter(text, "thp_fault_fallback", huge.fault_fallback);
    show_counter(text, "thp_collapse_alloc", huge.collapse_alloc);
    show_counter(text, "thp_split_pmd", huge.split);
}

static void show_faults(struct text *text)
{
    struct space_totals totals;
    uint64_t sum = 0;

    space_get_totals(&totals);
    for (unsigned cause = 0; cause < FAULT_CAUSE_COUNT; cause++)
        sum += totals.faults[cause];
    show_counter(text, "pgfault", sum);
    show_counter(text, "pgmajfault", 0);
    for (unsigned cause = 0; cause < FAULT_CAUSE_COUNT; cause++)
        show_counter(text, fault_cause_name((enum fault_cause)cause), totals.faults[cause]);
}

static void show_buddy_events(struct text *text, const struct buddy_stats *stats)
{
    static const char *const names[ZONE_COUNT] = { "pgalloc_dma", "pgalloc_normal",
                                                   "pgalloc_high" };
    uint64_t frees = 0, splits = 0, merges = 0;

    for (unsigned z = 0; z < ZONE_COUNT; z++) {
        const struct zone_stats *zone = &stats->zones[z];
        show_counter(text, names[z], zone->allocs);
        frees += zone->frees;
        splits += zone->splits;
        merges += zone->merges;
    }
    show_counter(text, "pgfree", frees);
    show_counter(text, "buddy_split", splits);
    show_counter(text, "buddy_merge", merges);
    show_counter(text, "buddy_fail", stats->failures);
}

static void show_compaction(struct text *text)
{
    struct compact_stats stats;

    compact_get_stats(&stats);
    show_counter(text, "compact_stall", stats.requests);
    show_counter(text, "compact_success", stats.successes);
    show_counter(text, "compact_fail", stats.failures);
    show_counter(text, "pgmigrate_success", stats.frames_moved);
    show_counter(text, "compact_pinned", stats.pinned);
}

static void show_cache_events(struct text *text)
{
    struct pagecache_stats cache;
    struct reclaim_stats reclaim;
    struct oom_stats oom;

    pagecache_get_stats(&cache);
    reclaim_get_stats(&reclaim);
    oom_get_stats(&oom);
    show_counter(text, "pagecache_hit", cache.hits);
    show_counter(text, "pagecache_fill", cache.fills);
    show_counter(text, "pagecache_drop", cache.dropped);
    show_counter(text, "reclaim_run", reclaim.runs);
    show_counter(text, "reclaim_fail", reclaim.failures);
    show_counter(text, "reclaim_ahead", reclaim.ahead);
    show_counter(text, "reclaim_slab", reclaim.slab_frames);
    show_counter(text, "reclaim_unmap", reclaim.unmapped);
    show_counter(text, "oom_kill", oom.kills);
}

static void show_machine_events(struct text *text)
{
    struct paging_stats paging;
    struct cache_stats cache;
    struct kmap_stats kmap;
    struct thread_stats threads;
    const struct syscall_entry *entry;
    uint64_t calls, all_calls = 0, interrupts = 0;

    paging_get_stats(&paging);
    cache_get_stats(&cache);
    kmap_get_stats(&kmap);
    thread_get_stats(&threads);
    for (unsigned line = 0; line < IRQ_COUNT; line++)
        interrupts += irq_count(line);
    for (unsigned number = 0; syscall_next(&number, &entry, &calls); number++)
        all_calls += calls;
    show_counter(text, "pte_map", paging.maps);
    show_counter(text, "pte_unmap", paging.unmaps);
    show_counter(text, "nr_tlb_local_flush_one", paging.page_flushes);
    show_counter(text, "nr_tlb_local_flush_all", paging.full_flushes);
    show_counter(text, "clflush", cache.lines);
    show_counter(text, "wbinvd", cache.all);
    show_counter(text, "kmap", kmap.maps);
    show_counter(text, "ctxt", threads.switches);
    show_counter(text, "preempt", threads.preemptions);
    show_counter(text, "intr", interrupts);
    show_counter(text, "syscall", all_calls);
}

int show_vmstat(struct text *text, uint32_t unused)
{
    struct buddy_stats stats;

    (void)unused;
    buddy_get_stats(&stats);
    show_frames(text, &stats);
    show_faults(text);
    show_huge(text);
    show_buddy_events(text, &stats);
    show_compaction(text);
    show_cache_events(text);
    show_machine_events(text);
    return 0;
}
