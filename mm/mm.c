/* The order in which the memory layers come up: each stands on those before it. */
#include "mm/mm.h"

#include "kernel/panic.h"
#include "mm/buddy.h"
#include "mm/compact.h"
#include "mm/fault.h"
#include "mm/kasan.h"
#include "mm/kmalloc.h"
#include "mm/kmap.h"
#include "mm/memmap.h"
#include "mm/memstat.h"
#include "mm/pagecache.h"
#include "mm/paging.h"
#include "mm/reclaim.h"
#include "mm/slab.h"
#include "mm/space.h"
#include "mm/track.h"
#include "mm/vmalloc.h"
#include "mm/zeroed.h"

static bool is_mapped(uintptr_t address)
{
    return paging_lookup(&kernel_directory, address) != 0;
}

/* One small deed at a time, so that whoever becomes ready need not wait. */
bool mm_idle(void)
{
    return reclaim_ahead() || zeroed_make();
}

void mm_init(void)
{
    paging_init(); /* the kernel's view of it: the direct map */
    kasan_init();  /* only with KASAN=1: from here on, each access is checked */
    page_init();   /* a struct page for each frame; free ones to buddy */
    paging_free_boot_tables();
    kmap_init();                 /* windows on frames outside the direct map */
    slab_init(memmap_cmdline()); /* caches of equal objects */
    kmalloc_init();              /* memory by size */
    track_init();                /* who allocated what, if asked for */
    vmalloc_init();              /* guarded stacks, large tables */
    pagecache_init();            /* pages of files */
    space_init();                /* user address spaces */
    fault_init();                /* demand paging */
    compact_init();              /* large blocks out of scattered frames */
    reclaim_init();              /* what can be given up when memory is short */
    panic_set_memory_report(memstat_log);
    panic_set_mapped_check(is_mapped);
    panic_set_stack_check(vmalloc_is_guard);
}
