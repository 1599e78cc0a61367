/* shell/describe.c - frames and page-table entries in words. */
#include "shell/describe.h"

#include "mm/buddy.h"
#include "mm/memmap.h"
#include "mm/slab.h"
#include "mm/space.h"
#include "shell/shell.h"

#define NEXT_LINE "\n      "

static const char *zone_name(pfn_t pfn)
{
    struct buddy_stats stats;

    buddy_get_stats(&stats);
    for (unsigned z = 0; z < ZONE_COUNT; z++)
        if (pfn >= stats.zones[z].start && pfn < stats.zones[z].end)
            return stats.zones[z].name;
    return "none";
}

/* What the map of physical memory says about a frame. */
static const char *memmap_use(pfn_t pfn)
{
    const struct memmap *map = memmap_final();
    uint64_t address = (uint64_t)pfn << PAGE_SHIFT;

    for (unsigned i = 0; i < map->count; i++)
        if (address >= map->ranges[i].start && address < map->ranges[i].end)
            return memmap_type_name(map->ranges[i].type);
    return memmap_type_name(MEMMAP_HOLE);
}

/* First frame of the block that the frame lies in: a block of order k starts at a multiple of
 * 2^k. */
static pfn_t block_head(pfn_t pfn)
{
    for (unsigned order = 0; order <= BUDDY_MAX_ORDER; order++) {
        pfn_t head = ALIGN_DOWN(pfn, 1u << order);
        const struct page *page = pfn_to_page(head);
        if (page->kind != PAGE_TAIL && page->order >= order)
            return head;
    }
    return pfn;
}

static void describe_owner(struct page *head)
{
    switch (head->kind) {
    case PAGE_SLAB: {
        void *object;
        struct slab_cache *cache = slab_cache_of(page_to_virt(head), &object);
        shell_printf(", cache %s, %u objects in use",
                     cache == NULL ? "?" : slab_cache_name(cache), (unsigned)head->objects);
        break;
    }
    case PAGE_KMALLOC:
        shell_printf(", %u bytes asked for", head->nbytes);
        break;
    case PAGE_TABLE:
        shell_printf(", %u entries in use", head->entries);
        break;
    case PAGE_ANON:
    case PAGE_FILE:
    case PAGE_SHMEM: {
        /* The page cache has a reference, too. */
        uint32_t places = head->refs - (head->kind != PAGE_ANON && head->cache);
        shell_printf(", mapped in %u place%s%s", places, places == 1 ? "" : "s",
                     head == space_zero_page() ? ", the zero frame" : "");
        if (head->kind == PAGE_ANON && page_is_huge(head))
            shell_printf(", in a 4 MiB page");
        break;
    }
    default:
        break;
    }
}

void describe_frame(pfn_t pfn)
{
    if (pfn >= max_pfn) {
        shell_printf("%s, not RAM that is managed here", memmap_use(pfn));
        return;
    }
    pfn_t head_pfn = block_head(pfn);
    struct page *head = pfn_to_page(head_pfn);
    shell_printf("zone %s, ", zone_name(pfn));
    if (head->kind == PAGE_RESERVED) {
        shell_printf("reserved: %s", memmap_use(pfn));
        return;
    }
    shell_printf("%s", page_kind_name((enum page_kind)head->kind));
    if (head->order > 0)
        shell_printf(NEXT_LINE "%s block %#x, 2^%u frames",
                     pfn == head_pfn ? "head of" : "inside", head_pfn, head->order);
    describe_owner(head);
}

static const struct {
    pte_t bit;
    char letter;
    const char *set, *clear; /* in words; NULL: not worth a word */
} entry_bits[] = {
    { PTE_PRESENT, 'P', "present", "not present" },
    { PTE_WRITE, 'W', "writable", "read-only" },
    { PTE_USER, 'U', "user", "kernel only" },
    { PTE_WRITE_THROUGH, 'T', "write-through", NULL },
    { PTE_CACHE_DISABLE, 'C', "not cached", NULL },
    { PTE_ACCESSED, 'A', "accessed", NULL },
    { PTE_DIRTY, 'D', "dirty", NULL },
    { PTE_LARGE, 'S', "4 MiB page", NULL },
    { PTE_GLOBAL, 'G', "global", NULL },
};

void describe_entry_letters(pte_t entry)
{
    for (size_t i = 0; i < ARRAY_SIZE(entry_bits); i++)
        shell_printf("%c", (entry & entry_bits[i].bit) != 0 ? entry_bits[i].letter : '-');
}

void describe_entry(pte_t entry)
{
    const char *separator = NEXT_LINE;

    describe_entry_letters(entry);
    for (size_t i = 0; i < ARRAY_SIZE(entry_bits); i++) {
        const char *word = (entry & entry_bits[i].bit) != 0 ? entry_bits[i].set
                                                            : entry_bits[i].clear;
        if (word == NULL)
            continue;
        shell_printf("%s%s", separator, word);
        separator = ", ";
        if ((entry & PTE_PRESENT) == 0)
            break; /* the processor looks at nothing else then */
    }
}

void describe_bits(uint32_t value, unsigned width)
{
    while (width-- > 0)
        shell_printf("%c", (value >> width & 1) != 0 ? '1' : '0');
}

static void print(void *unused, const char *bytes, size_t nbytes)
{
    (void)unused;
    shell_printf("%.*s", (int)nbytes, bytes);
}

int describe_text(int (*show)(struct text *text, uint32_t pid), uint32_t pid)
{
    struct text text = { .sink = print };

    return show(&text, pid);
}
