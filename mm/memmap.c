/* The memory map.
 *
 * Problem   A loader hands over what the firmware said: ranges in any order, overlapping, not
 *           on page boundaries, empty, above 4 GiB, even wrapping around.  Parts that it calls
 *           usable hold our own image and modules.  The allocators need clean answers: which
 *           frames are free?
 * Idea      Paint.  Every range is a brush stroke with a strength (enum memmap_type); where
 *           strokes overlap, the strongest shows.  All edges are collected and sorted; between
 *           two neighbouring edges nothing changes, so one look at the strokes there gives the
 *           type.
 *
 *             usable    |======================|
 *             reserved          |~~~~~~|              (overlaps)
 *             kernel         |#####|
 *             result    |====|#####|~~~|=======|
 *
 *           With n strokes this is O(n^2); n is a few dozen, once.
 * Rounding  A frame is usable only if all of it is: usable strokes shrink to whole pages, all
 *           others grow.
 * Sources   Multiboot Specification 3.3; ACPI specification 15 (INT 15h, E820h). */
#include "mm/memmap.h"

#include "kernel/lib/assert.h"
#include "kernel/lib/errno.h"
#include "kernel/lib/string.h"
#include "kernel/log.h"
#include "mm/page.h"

#define FOUR_GIB ((uint64_t)1 << 32)
#define LAST_PAGE_END (UINT64_MAX & ~(uint64_t)PAGE_MASK)
#define BIOS_DATA_END 0x1000u
#define BIOS_AREA_START 0xA0000u
#define BIOS_AREA_END 0x100000u
#define MAX_MODULES 8u

static struct {
    struct memmap firmware, painted, final;
    char cmdline[MEMMAP_CMDLINE_MAX];
    char loader_name[64];
    unsigned module_count;
    struct memmap_module modules[MAX_MODULES];
} memmap;

const char *memmap_type_name(enum memmap_type type)
{
    static const char *const names[] = {
        [MEMMAP_HOLE] = "hole",         [MEMMAP_USABLE] = "usable",
        [MEMMAP_UNREACHABLE] = "above", [MEMMAP_RESERVED] = "reserved",
        [MEMMAP_ACPI] = "ACPI tables",  [MEMMAP_NVS] = "ACPI NVS",
        [MEMMAP_BAD] = "defective",     [MEMMAP_BIOS] = "BIOS",
        [MEMMAP_MODULE] = "module",     [MEMMAP_KERNEL] = "kernel",
        [MEMMAP_TABLES] = "mem tables",
    };
    return (unsigned)type < ARRAY_SIZE(names) ? names[type] : "?";
}

bool memmap_add(struct memmap *map, uint64_t start, uint64_t nbytes, enum memmap_type type)
{
    uint64_t end = start + nbytes < start ? UINT64_MAX : start + nbytes;

    if (nbytes == 0)
        return true;
    if (map->count == MEMMAP_MAX_RANGES)
        return false;
    map->ranges[map->count++] = (struct memmap_range){ start, end, type };
    return true;
}

/* Append to a sorted map, melting into the range before where nothing changes. */
static bool append(struct memmap *map, uint64_t start, uint64_t end, enum memmap_type type)
{
    struct memmap_range *last = map->count ? &map->ranges[map->count - 1] : NULL;

    if (last && last->type == type && last->end == start) {
        last->end = end;
        return true;
    }
    return memmap_add(map, start, end - start, type);
}

/* The page-aligned extent of a range, by the rounding rule above; may turn out empty. */
static struct memmap_range page_extent(const struct memmap_range *range)
{
    struct memmap_range extent = *range;

    if (range->type == MEMMAP_USABLE) {
        extent.start = MIN(range->start, LAST_PAGE_END);
        extent.start = ALIGN_UP(extent.start, PAGE_SIZE);
        extent.end = ALIGN_DOWN(range->end, PAGE_SIZE);
    } else {
        extent.start = ALIGN_DOWN(range->start, PAGE_SIZE);
        extent.end = range->end > LAST_PAGE_END ? LAST_PAGE_END
                                                : ALIGN_UP(range->end, PAGE_SIZE);
    }
    return extent;
}

static void insert_edge(uint64_t edges[], unsigned *count, uint64_t edge)
{
    unsigned i = *count;

    while (i > 0 && edges[i - 1] > edge) {
        edges[i] = edges[i - 1];
        i--;
    }
    edges[i] = edge;
    (*count)++;
}

/* The strongest stroke that covers [start, end), an interval without an edge inside. */
static enum memmap_type type_between(const struct memmap *strokes, uint64_t start, uint64_t end,
                                     uint64_t limit)
{
    enum memmap_type type = MEMMAP_HOLE;

    for (unsigned i = 0; i < strokes->count; i++) {
        const struct memmap_range *stroke = &strokes->ranges[i];
        if (stroke->start <= start && end <= stroke->end && stroke->type > type)
            type = stroke->type;
    }
    return type == MEMMAP_USABLE && start >= limit ? MEMMAP_UNREACHABLE : type;
}

bool memmap_normalize(const struct memmap *raw, uint64_t limit, struct memmap *out)
{
    static struct memmap strokes;
    static uint64_t edges[2 * MEMMAP_MAX_RANGES + 2];
    unsigned edge_count = 0;

    strokes.count = 0;
    insert_edge(edges, &edge_count, 0);
    insert_edge(edges, &edge_count, limit);
    for (unsigned i = 0; i < raw->count; i++) {
        struct memmap_range extent = page_extent(&raw->ranges[i]);
        if (extent.start >= extent.end)
            continue;
        strokes.ranges[strokes.count++] = extent;
        insert_edge(edges, &edge_count, extent.start);
        insert_edge(edges, &edge_count, extent.end);
    }
    out->count = 0;
    for (unsigned i = 0; i + 1 < edge_count; i++) {
        if (edges[i] == edges[i + 1])
            continue;
        if (!append(out, edges[i], edges[i + 1],
                    type_between(&strokes, edges[i], edges[i + 1], limit)))
            return false;
    }
    /* What lies above the last stroke is no hole but the end. */
    if (out->count && out->ranges[out->count - 1].type == MEMMAP_HOLE)
        out->count--;
    return true;
}

/* Only what entry.S has mapped can be read yet; a loader that puts its structures elsewhere has
 * them ignored instead of crashing us. */
static const void *boot_read(uint32_t paddr, uint32_t nbytes)
{
    bool visible = paddr < BOOT_MAP_BYTES && nbytes <= BOOT_MAP_BYTES - paddr;
    if (!visible)
        log_warning("memmap: the loader's data at %#x is out of reach, ignored", paddr);
    return visible ? paddr_to_virt(paddr) : NULL;
}

static void copy_boot_string(char *dst, size_t size, uint32_t paddr)
{
    const char *string = boot_read(paddr, 1);
    if (!string)
        return;
    size_t length = strnlen(string, MIN(size - 1, BOOT_MAP_BYTES - paddr));
    memcpy(dst, string, length);
    dst[length] = '\0';
    if (length == size - 1)
        log_warning("memmap: a string of the loader is longer than %u, cut", (unsigned)length);
}

static enum memmap_type type_of_firmware(uint32_t type)
{
    switch (type) {
    case 1:
        return MEMMAP_USABLE;
    case 3:
        return MEMMAP_ACPI;
    case 4:
        return MEMMAP_NVS;
    case 5:
        return MEMMAP_BAD;
    default:
        return MEMMAP_RESERVED;
    }
}

static void read_firmware_map(const struct multiboot_info *info)
{
    const uint8_t *entries = boot_read(info->mmap_addr, info->mmap_length);
    uint32_t offset = 0;

    while (entries && offset + sizeof(struct multiboot_mmap_entry) <= info->mmap_length) {
        struct multiboot_mmap_entry entry;
        memcpy(&entry, entries + offset, sizeof(entry));
        if (!memmap_add(&memmap.firmware, entry.addr, entry.len, type_of_firmware(entry.type)))
            log_warning("memmap: too many ranges, %#llx ignored", entry.addr);
        if (entry.size > info->mmap_length)
            return; /* damaged: the next entry would be outside */
        offset += entry.size + sizeof(entry.size);
    }
}

static void read_modules(const struct multiboot_info *info)
{
    uint32_t count = MIN(info->mods_count, MAX_MODULES);
    const struct multiboot_module *modules = boot_read(info->mods_addr,
                                                       count * (uint32_t)sizeof(*modules));

    if (info->mods_count > MAX_MODULES)
        log_warning("memmap: %u modules, only %u are used", info->mods_count, MAX_MODULES);
    for (uint32_t i = 0; modules && i < count; i++) {
        struct memmap_module *module = &memmap.modules[memmap.module_count];
        if (modules[i].start >= modules[i].end)
            continue;
        module->start = modules[i].start;
        module->end = modules[i].end;
        if (modules[i].cmdline)
            copy_boot_string(module->name, sizeof(module->name), modules[i].cmdline);
        memmap.module_count++;
    }
}

/* Where what the firmware's ranges cover without a gap, from `start` on, ends. */
static uint64_t covered_until(uint64_t start)
{
    uint64_t end = start, before;

    do { /* they are in no order */
        before = end;
        for (unsigned i = 0; i < memmap.firmware.count; i++)
            if (memmap.firmware.ranges[i].start <= end)
                end = MAX(end, memmap.firmware.ranges[i].end);
    } while (end > before);
    return end;
}

static void cut_modules(void)
{
    for (unsigned i = 0; i < memmap.module_count; i++) {
        struct memmap_module *module = &memmap.modules[i];
        paddr_t end = (paddr_t)MIN(covered_until(module->start), (uint64_t)module->end);
        module->lost = module->end - end;
        module->end = end;
    }
}

static void read_loader_info(const struct multiboot_info *info)
{
    if (info->flags & MULTIBOOT_INFO_CMDLINE)
        copy_boot_string(memmap.cmdline, sizeof(memmap.cmdline), info->cmdline);
    if (info->flags & MULTIBOOT_INFO_LOADER_NAME)
        copy_boot_string(memmap.loader_name, sizeof(memmap.loader_name),
                         info->boot_loader_name);
    if (info->flags & MULTIBOOT_INFO_MODULES)
        read_modules(info);
    if (info->flags & MULTIBOOT_INFO_MMAP)
        read_firmware_map(info);
    if (memmap.firmware.count == 0 && (info->flags & MULTIBOOT_INFO_MEMORY)) {
        memmap_add(&memmap.firmware, 0, (uint64_t)info->mem_lower * KiB, MEMMAP_USABLE);
        memmap_add(&memmap.firmware, MiB, (uint64_t)info->mem_upper * KiB, MEMMAP_USABLE);
    }
    cut_modules();
}

/* Firmware's ranges plus what is in use already, painted over one another. */
static bool reserve_and_paint(void)
{
    extern char kernel_start[], kernel_end[];
    paddr_t image = virt_to_paddr(kernel_start);
    struct memmap *painted = &memmap.painted;
    bool complete = true;

    *painted = memmap.firmware;
    complete &= memmap_add(painted, 0, BIOS_DATA_END, MEMMAP_BIOS);
    complete &= memmap_add(painted, BIOS_AREA_START, BIOS_AREA_END - BIOS_AREA_START,
                           MEMMAP_BIOS);
    complete &= memmap_add(painted, image, virt_to_paddr(kernel_end) - image, MEMMAP_KERNEL);
    for (unsigned i = 0; i < memmap.module_count; i++) {
        const struct memmap_module *module = &memmap.modules[i];
        complete &= memmap_add(painted, module->start, module->end - module->start,
                               MEMMAP_MODULE);
    }
    return memmap_normalize(painted, FOUR_GIB, &memmap.final) && complete;
}

const char *memmap_init(uint32_t info_paddr)
{
    const struct multiboot_info *info = boot_read(info_paddr, sizeof(*info));

    if (!info)
        return "the boot loader's information is above 16 MiB";
    read_loader_info(info);
    if (!reserve_and_paint())
        return "the firmware's memory map has too many ranges";
    for (unsigned i = 0; i < memmap.final.count; i++)
        if (memmap.final.ranges[i].type == MEMMAP_USABLE)
            return NULL;
    return "the boot loader reported no memory";
}

const struct memmap *memmap_firmware(void)
{
    return &memmap.firmware;
}

const struct memmap *memmap_final(void)
{
    return &memmap.final;
}

/* Cut [start, end) out of the index-th range and give it another type. */
static void carve(struct memmap *map, unsigned index, uint64_t start, uint64_t end,
                  enum memmap_type type)
{
    struct memmap_range whole = map->ranges[index];
    struct memmap_range pieces[] = { { whole.start, start, whole.type },
                                     { start, end, type },
                                     { end, whole.end, whole.type } };
    unsigned tail = map->count - index - 1;
    unsigned npieces = 0;

    for (unsigned i = 0; i < ARRAY_SIZE(pieces); i++)
        if (pieces[i].start < pieces[i].end)
            pieces[npieces++] = pieces[i];
    ASSERT(map->count + npieces - 1 <= MEMMAP_MAX_RANGES, "memory map full");
    memmove(&map->ranges[index + npieces], &map->ranges[index + 1], tail * sizeof(whole));
    memcpy(&map->ranges[index], pieces, npieces * sizeof(whole));
    map->count += npieces - 1;
}

paddr_t memmap_alloc(size_t nbytes, paddr_t limit)
{
    uint64_t size = ALIGN_UP((uint64_t)nbytes, PAGE_SIZE);

    for (unsigned i = memmap.final.count; i-- > 0;) {
        const struct memmap_range *range = &memmap.final.ranges[i];
        uint64_t end = MIN(range->end, (uint64_t)limit);
        if (range->type != MEMMAP_USABLE || end < range->start + size)
            continue;
        carve(&memmap.final, i, end - size, end, MEMMAP_TABLES);
        return (paddr_t)(end - size);
    }
    return 0;
}

bool memmap_is_ram(enum memmap_type type)
{
    return type == MEMMAP_USABLE || type == MEMMAP_MODULE || type == MEMMAP_KERNEL ||
           type == MEMMAP_TABLES;
}

uint64_t memmap_end(void)
{
    uint64_t end = 0;

    for (unsigned i = 0; i < memmap.final.count; i++)
        if (memmap_is_ram(memmap.final.ranges[i].type))
            end = memmap.final.ranges[i].end;
    return end;
}

void memmap_free(paddr_t start, paddr_t end)
{
    for (unsigned i = 0; i < memmap.final.count; i++) {
        const struct memmap_range *range = &memmap.final.ranges[i];
        if (range->start <= start && end <= range->end) {
            carve(&memmap.final, i, start, end, MEMMAP_USABLE);
            return;
        }
    }
    ASSERT(false, "%#x-%#x is in no range", start, end);
}

const char *memmap_cmdline(void)
{
    return memmap.cmdline;
}

const char *memmap_loader_name(void)
{
    return memmap.loader_name;
}

unsigned memmap_module_count(void)
{
    return memmap.module_count;
}

const struct memmap_module *memmap_module(unsigned index)
{
    ASSERT(index < memmap.module_count, "no module %u", index);
    return &memmap.modules[index];
}
