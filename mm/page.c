/* mem_map: the array of struct page, one for each frame from 0 to the end of usable memory.
 *
 * Holes (the PCI window below 4 GiB, the VGA area) have entries too, as PAGE_RESERVED: indexing
 * by frame number then needs no search, and costs 16 bytes for 4096 that are not there. */
#include "mm/page.h"

#include "kernel/lib/assert.h"
#include "kernel/lib/string.h"
#include "kernel/log.h"
#include "mm/buddy.h"
#include "mm/memmap.h"

struct page *mem_map;
pfn_t max_pfn;

const char *page_kind_name(enum page_kind kind)
{
    static const char *const names[PAGE_KIND_COUNT] = {
        [PAGE_RESERVED] = "reserved", [PAGE_TAIL] = "tail",       [PAGE_FREE] = "free",
        [PAGE_SLAB] = "slab",         [PAGE_KMALLOC] = "kmalloc", [PAGE_VMALLOC] = "vmalloc",
        [PAGE_STACK] = "stack",       [PAGE_TABLE] = "table",     [PAGE_ANON] = "anon",
        [PAGE_FILE] = "file",         [PAGE_SHMEM] = "shmem",     [PAGE_TEST] = "test",
    };
    return (unsigned)kind < PAGE_KIND_COUNT ? names[kind] : "?";
}

void page_init(void)
{
    const struct memmap *map = memmap_final();
    size_t nbytes;

    max_pfn = (pfn_t)(memmap_end() >> PAGE_SHIFT);
    nbytes = max_pfn * sizeof(struct page);
    paddr_t paddr = memmap_alloc(nbytes, MIN(max_pfn, LOWMEM_MAX_PFN) << PAGE_SHIFT);
    ASSERT(paddr != 0, "no room for mem_map (%u KiB)", nbytes / KiB);
    mem_map = paddr_to_virt(paddr);
    memset(mem_map, 0, nbytes);
    _Static_assert(PAGE_RESERVED == 0, "zeroed entries must mean PAGE_RESERVED");

    for (unsigned i = 0; i < map->count; i++)
        if (map->ranges[i].type == MEMMAP_USABLE)
            buddy_add_range((pfn_t)(map->ranges[i].start >> PAGE_SHIFT),
                            (pfn_t)(map->ranges[i].end >> PAGE_SHIFT));
    log_info("page: %u frames, mem_map takes %u KiB", max_pfn, nbytes / KiB);
}
