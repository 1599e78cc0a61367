/* The whole of memory in one view.
 *
 * Nothing is counted here a second time: every figure is asked from the module that owns it, so
 * that what the shell shows is what the allocators believe. */
#include "mm/memstat.h"

#include "kernel/lib/format.h"
#include "kernel/lib/string.h"
#include "mm/memmap.h"
#include "mm/pagecache.h"
#include "mm/paging.h"
#include "mm/slab.h"
#include "mm/space.h"
#include "mm/vmalloc.h"

#define PAGE_KIB (PAGE_SIZE / KiB)

/* KiB of the memory map with this type, below 4 GiB. */
static uint32_t mapped_kib(enum memmap_type type)
{
    const struct memmap *map = memmap_final();
    uint64_t bytes = 0;

    for (unsigned i = 0; i < map->count; i++)
        if (map->ranges[i].type == type)
            bytes += map->ranges[i].end - map->ranges[i].start;
    return (uint32_t)(bytes / KiB);
}

static void get_vmalloc(struct memstat *stat)
{
    struct vmalloc_stats vmalloc;

    vmalloc_get_stats(&vmalloc);
    stat->vmalloc_total = vmalloc.total_bytes / KiB;
    stat->vmalloc_used = vmalloc.used_bytes / KiB;
    stat->vmalloc_largest = vmalloc.largest_free_bytes / KiB;
}

static void get_paging(struct memstat *stat)
{
    struct paging_stats paging;

    paging_get_stats(&paging);
    stat->direct_map_4k = paging.direct_map_4k * PAGE_KIB;
    stat->direct_map_4m = paging.direct_map_4m * (LARGE_PAGE_SIZE / KiB);
}

static void get_pagecache(struct memstat *stat)
{
    struct pagecache_stats pagecache;

    pagecache_get_stats(&pagecache);
    stat->cached = (pagecache.file_pages + pagecache.shmem_pages) * PAGE_KIB;
    stat->mem_available += pagecache.file_pages * PAGE_KIB;
}

/* Of the free frames, those that programs cannot have. */
static uint32_t kept_frames(const struct buddy_stats *buddy)
{
    uint32_t kept = 0;

    for (unsigned id = 0; id < ZONE_COUNT; id++)
        kept += MIN(buddy->zones[id].min + buddy->zones[id].kept_from[ZONE_HIGHMEM],
                    buddy->zones[id].free);
    return kept;
}

static void get_frames(struct memstat *stat)
{
    struct buddy_stats buddy;
    uint32_t empty = slab_empty_frames();

    buddy_get_stats(&buddy);
    stat->mem_total = buddy.managed * PAGE_KIB;
    stat->mem_free = buddy.free * PAGE_KIB;
    stat->mem_available = (buddy.free - kept_frames(&buddy) + empty) * PAGE_KIB;
    stat->high_total = buddy.zones[ZONE_HIGHMEM].managed * PAGE_KIB;
    stat->high_free = buddy.zones[ZONE_HIGHMEM].free * PAGE_KIB;
    stat->low_total = stat->mem_total - stat->high_total;
    stat->low_free = stat->mem_free - stat->high_free;
    stat->anon_pages = buddy.frames[PAGE_ANON] * PAGE_KIB;
    stat->file_pages = buddy.frames[PAGE_FILE] * PAGE_KIB;
    stat->shmem = buddy.frames[PAGE_SHMEM] * PAGE_KIB;
    stat->slab = buddy.frames[PAGE_SLAB] * PAGE_KIB;
    stat->slab_reclaimable = empty * PAGE_KIB;
    stat->slab_unreclaimable = stat->slab - stat->slab_reclaimable;
    stat->kmalloc_large = buddy.frames[PAGE_KMALLOC] * PAGE_KIB;
    stat->kernel_stack = buddy.frames[PAGE_STACK] * PAGE_KIB;
    stat->page_tables = buddy.frames[PAGE_TABLE] * PAGE_KIB;
    stat->test = buddy.frames[PAGE_TEST] * PAGE_KIB;
}

void memstat_get(struct memstat *stat)
{
    struct space_totals spaces;
    struct space_huge_stats huge;

    memset(stat, 0, sizeof(*stat));
    get_frames(stat);
    get_pagecache(stat);
    get_vmalloc(stat);
    get_paging(stat);
    space_get_totals(&spaces);
    stat->committed_as = spaces.committed_pages * PAGE_KIB;
    stat->mapped = spaces.mapped_pages * PAGE_KIB;
    space_get_huge_stats(&huge);
    stat->anon_huge_pages = huge.pages * (LARGE_PAGE_SIZE / KiB);
    stat->kernel_image = mapped_kib(MEMMAP_KERNEL);
    stat->mem_map = mapped_kib(MEMMAP_TABLES);
    stat->modules = mapped_kib(MEMMAP_MODULE);
    stat->reserved = stat->kernel_image + stat->mem_map + stat->modules;
}

void memstat_log(enum log_level level)
{
    uint32_t frames[PAGE_KIND_COUNT], high_free;

    buddy_peek_frames(frames, &high_free);
    log_write(level, "memory: %u KiB, free %u (low %u, high %u)",
              buddy_managed_frames() * PAGE_KIB, frames[PAGE_FREE] * PAGE_KIB,
              (frames[PAGE_FREE] - high_free) * PAGE_KIB, high_free * PAGE_KIB);
    log_write(level, "memory: slab %u, tables %u, stacks %u", frames[PAGE_SLAB] * PAGE_KIB,
              frames[PAGE_TABLE] * PAGE_KIB, frames[PAGE_STACK] * PAGE_KIB);
    log_write(level, "memory: anon %u, file %u, shmem %u", frames[PAGE_ANON] * PAGE_KIB,
              frames[PAGE_FILE] * PAGE_KIB, frames[PAGE_SHMEM] * PAGE_KIB);
}

/* free + every kind of use = managed, exactly. */
static bool identity_check(void)
{
    struct buddy_stats buddy;
    uint32_t sum = 0;

    buddy_get_stats(&buddy);
    for (unsigned kind = PAGE_FREE; kind < PAGE_KIND_COUNT; kind++)
        sum += buddy.frames[kind];
    if (sum == buddy.managed)
        return true;
    log_err("memstat: frames by kind add up to %u, managed are %u", sum, buddy.managed);
    return false;
}

/* Frames in the slabs of all caches = frames accounted to slabs. */
static bool slab_frames_check(void)
{
    struct buddy_stats buddy;
    struct slab_stats cache;
    uint32_t frames = 0;
    uint32_t irq = irq_save(); /* one moment for both counts */

    for (unsigned i = 0; slab_get_stats(i, &cache); i++)
        frames += cache.frames;
    buddy_get_stats(&buddy);
    irq_restore(irq);
    if (frames == buddy.frames[PAGE_SLAB])
        return true;
    log_err("memstat: slabs have %u frames, accounted are %u", frames, buddy.frames[PAGE_SLAB]);
    return false;
}

static const struct {
    const char *name;
    bool (*check)(void);
} checks[] = {
    { "accounting", identity_check },     { "buddy", buddy_check },
    { "paging", paging_check },           { "slab", slab_check },
    { "slab frames", slab_frames_check }, { "vmalloc", vmalloc_check },
    { "page cache", pagecache_check },    { "spaces", space_check },
};

bool memstat_check_one(unsigned index, const char **name, bool *verdict)
{
    if (index >= ARRAY_SIZE(checks))
        return false;
    *name = checks[index].name;
    *verdict = checks[index].check();
    return true;
}

bool memstat_check(void)
{
    bool good = true;
    for (unsigned i = 0; i < ARRAY_SIZE(checks); i++)
        good &= checks[i].check();
    return good;
}
