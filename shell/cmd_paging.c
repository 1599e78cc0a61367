/* shell/cmd_paging.c - who has the addresses: an address's way through the page tables, a
 * process's ranges, and the bytes themselves. */
#include "kernel/cpu/gdt.h"
#include "kernel/lib/errno.h"
#include "kernel/proc/process.h"
#include "mm/memmap.h"
#include "mm/space.h"
#include "mm/uaccess.h"
#include "mm/vmalloc.h"
#include "shell/commands.h"
#include "shell/describe.h"

#define PAGE_KB (PAGE_SIZE / KiB)

/* Widths of the three parts of a linear address (SDM vol. 3, figure 4-2), and of the two parts
 * when a directory entry maps 4 MiB itself (figure 4-3). */
#define DIRECTORY_BITS 10u
#define TABLE_BITS 10u
#define OFFSET_BITS 12u
#define LARGE_OFFSET_BITS (TABLE_BITS + OFFSET_BITS)

/* ---- walk ---- */

struct walk_query {
    uaddr_t address;
    struct paging_walk walk;
};

static void walk_space(struct space *space, struct walk_query *query)
{
    uint32_t flags = spin_lock(&space->lock);

    paging_walk(&space->directory, query->address, &query->walk);
    spin_unlock(&space->lock, flags);
}

static uint32_t page_offset(const struct walk_query *query)
{
    return query->address & ((query->walk.large ? LARGE_PAGE_SIZE : PAGE_SIZE) - 1);
}

/* The address cut into its parts, with a line from each part to what it means. */
static void draw_split(const struct walk_query *query)
{
    const struct paging_walk *walk = &query->walk;
    uint32_t offset = page_offset(query);

    shell_printf("linear address 0x%08x in binary, bits 31 to 0:\n\n    ", query->address);
    describe_bits(walk->pde_index, DIRECTORY_BITS);
    shell_printf(" ");
    if (walk->large) {
        describe_bits(offset, LARGE_OFFSET_BITS);
        shell_printf("\n    |          |\n    |          +-- 22 bits: offset in the 4 MiB page"
                     " 0x%x\n    |\n",
                     offset);
    } else {
        describe_bits(walk->pte_index, TABLE_BITS);
        shell_printf(" ");
        describe_bits(offset, OFFSET_BITS);
        shell_printf("\n    |          |          |\n"
                     "    |          |          +-- 12 bits: offset in the page %u (0x%x)\n"
                     "    |          +-- 10 bits: index in the page table %u\n",
                     offset, offset, walk->pte_index);
    }
    shell_printf("    +-- 10 bits: index in the page directory %u\n\n", walk->pde_index);
}

static void print_entry(const char *name, paddr_t table, unsigned index, pte_t entry)
{
    shell_printf("%s   at 0x%08x + %u * 4: 0x%08x ", name, table, index, entry);
    describe_entry(entry);
    shell_printf("\n");
}

static void print_steps(const struct walk_query *query)
{
    const struct paging_walk *walk = &query->walk;

    shell_printf("CR3   the page directory is at 0x%08x\n", walk->directory);
    print_entry("PDE", walk->directory, walk->pde_index, walk->pde);
    if ((walk->pde & PTE_PRESENT) != 0 && !walk->large)
        print_entry("PTE", walk->pde & ~PTE_FLAGS, walk->pte_index, walk->pte);
    if (!walk->mapped)
        return;
    shell_printf("=>    physical 0x%08x + 0x%x = 0x%08x, %s for %s\n",
                 walk->paddr - page_offset(query), page_offset(query), walk->paddr,
                 (walk->effective & PTE_WRITE) != 0 ? "writable" : "read-only",
                 (walk->effective & PTE_USER) != 0 ? "user and kernel" : "the kernel only");
    shell_printf("      frame %#x: ", walk->paddr >> PAGE_SHIFT);
    describe_frame(walk->paddr >> PAGE_SHIFT);
    shell_printf("\n");
}

/* "08048000-0804b000 r-xp", as in /proc/PID/maps. */
static void print_range(const struct vma_info *info)
{
    shell_printf(
        "%08x-%08x %c%c%c%c", info->start, info->end, (info->flags & VMA_READ) != 0 ? 'r' : '-',
        (info->flags & VMA_WRITE) != 0 ? 'w' : '-', (info->flags & VMA_EXEC) != 0 ? 'x' : '-',
        (info->flags & VMA_SHARED) != 0 ? 's' : 'p');
}

/* What would happen at an address that the page tables do not map. */
static void explain_unmapped(struct space *space, uaddr_t address)
{
    struct vma_info info;

    shell_printf("=>    not mapped: an access raises a page fault (#PF)\n");
    if (!space) {
        if (address < USER_END)
            shell_printf("      (the kernel's own directory maps no user addresses: "
                         "`walk ADDRESS PID`)\n");
        return;
    }
    uaddr_t at = address; /* the first range that ends above it */
    if (space_next_vma(space, &at, &info) && address >= info.start) {
        shell_printf("      but ");
        print_range(&info);
        shell_printf(" %s allows it: a touch brings a frame\n", info.file.path);
        return;
    }
    shell_printf("      and no range of the process holds the address: SIGSEGV,\n"
                 "      unless the stack grows there\n");
}

int cmd_walk(int argc, char *argv[])
{
    struct walk_query query;
    struct space *space = NULL;
    uint32_t pid;

    if (shell_parse_number("walk", "ADDRESS", argv[1], 0, UINT32_MAX, &query.address) != 0)
        return -EINVAL;
    if (argc == 3) {
        if (shell_parse_number("walk", "PID", argv[2], 1, INT32_MAX, &pid) != 0)
            return -EINVAL;
        space = process_get_space(pid);
        if (!space)
            return shell_no_process("walk", pid);
        walk_space(space, &query);
    } else {
        paging_walk(&kernel_directory, query.address, &query.walk);
    }
    draw_split(&query);
    print_steps(&query);
    if (!query.walk.mapped)
        explain_unmapped(space, query.address);
    if (space)
        space_put(space);
    return 0;
}

/* ---- maps, smaps ---- */

static void print_maps(struct space *space)
{
    uint32_t virtual_kb = 0, resident_kb = 0;
    struct space_stats stats;
    struct vma_info info;
    unsigned count = 0;

    for (uaddr_t at = 0; space_next_vma(space, &at, &info); count++) {
        print_range(&info);
        shell_printf("%c %08llx %5u %-24s %8u kB\n", info.executable_by_limit ? '!' : ' ',
                     (unsigned long long)info.file_offset, info.file.inode, info.file.path,
                     info.resident * PAGE_KB);
        virtual_kb += (info.end - info.start) / KiB;
        resident_kb += info.resident * PAGE_KB;
    }
    space_get_stats(space, &stats);
    shell_printf("%u ranges, %u kB mapped, %u kB resident; code ends at %08x\n", count,
                 virtual_kb, resident_kb, stats.exec_end);
}

/* From kernel.ld. */
extern const char kernel_start[], kernel_text_end[], kernel_rodata_end[], kernel_end[];

/* A range of the kernel's part.  Rights are what the page tables say of its first page; `executable`
 * is what it is meant for, and the mark says where the code segment disagrees. */
static void print_kernel_range(uintptr_t start, uintptr_t end, bool executable,
                               const char *name, const char *more)
{
    pte_t entry = paging_lookup(&kernel_directory, start);
    bool reached = start < gdt_kernel_code_end();

    shell_printf("%08x-%08x %c%c%c%c %-18s %8u kB%s\n", (unsigned)start, (unsigned)end,
                 entry & PTE_PRESENT ? 'r' : '-', entry & PTE_WRITE ? 'w' : '-',
                 executable ? 'x' : '-', reached && !executable ? '!' : ' ', name,
                 (unsigned)((end - start) / KiB), more);
}

static void print_vmalloc_areas(void)
{
    struct vmalloc_area area;

    for (uintptr_t at = VMALLOC_START; vmalloc_next_area(at, &area); at = area.end) {
        pfn_t pfn = paging_lookup(&kernel_directory, area.start) >> PAGE_SHIFT;
        bool stack = !area.borrowed && pfn < max_pfn && pfn_to_page(pfn)->kind == PAGE_STACK;
        const char *cached = area.flags & VM_UNCACHED        ? " uncached"
                             : area.flags & VM_WRITE_THROUGH ? " write-through"
                                                             : "";
        print_kernel_range(area.start, area.end, area.flags & VM_EXEC,
                           area.borrowed ? "vmap"
                           : stack       ? "kernel stack"
                                         : "vmalloc",
                           cached);
    }
}

static int print_kernel_maps(void)
{
    const uintptr_t start = (uintptr_t)kernel_start, text_end = (uintptr_t)kernel_text_end;
    const uintptr_t rodata_end = (uintptr_t)kernel_rodata_end, end = (uintptr_t)kernel_end;
    uintptr_t lowmem = (uintptr_t)MIN(memmap_end(), (uint64_t)LOWMEM_MAX_BYTES);

    print_kernel_range(KERNEL_BASE, start, false, "direct map", "");
    print_kernel_range(start, text_end, true, "kernel text", "");
    print_kernel_range(text_end, rodata_end, false, "kernel constants", "");
    print_kernel_range(rodata_end, end, false, "kernel data", "");
    print_kernel_range(end, KERNEL_BASE + lowmem, false, "direct map", "");
    print_vmalloc_areas();
    shell_printf("code ends at %08x\n", (unsigned)gdt_kernel_code_end());
    return 0;
}

int cmd_maps(int argc, char *argv[])
{
    uint32_t pid;

    if (argc == 1)
        return print_kernel_maps();
    if (shell_parse_number("maps", "PID", argv[1], 1, INT32_MAX, &pid) != 0)
        return -EINVAL;
    struct space *space = process_get_space(pid);
    if (!space)
        return shell_no_process("maps", pid);
    print_maps(space);
    space_put(space);
    return 0;
}

int cmd_smaps(int argc, char *argv[])
{
    uint32_t pid;

    (void)argc;
    if (shell_parse_number("smaps", "PID", argv[1], 1, INT32_MAX, &pid) != 0)
        return -EINVAL;
    int error = describe_text(show_smaps, pid);
    return error == -ESRCH ? shell_no_process("smaps", pid) : error;
}

/* ---- peek, poke ---- */

#define PEEK_WORDS_PER_ROW 4u
#define PEEK_DEFAULT_WORDS 16u
#define PEEK_MAX_WORDS 1024u

static void print_ascii(const uint32_t words[], unsigned count)
{
    const char *bytes = (const char *)words;

    shell_printf("%*s", (int)((PEEK_WORDS_PER_ROW - count) * 9) + 2, "");
    for (size_t i = 0; i < count * sizeof(words[0]); i++)
        shell_printf("%c", bytes[i] >= ' ' && bytes[i] <= '~' ? bytes[i] : '.');
    shell_printf("\n");
}

/* Print up to a row of `count` words; returns how many could be read. */
static unsigned peek_row(uintptr_t address, uint32_t count)
{
    uint32_t words[PEEK_WORDS_PER_ROW];
    unsigned wanted = MIN(count, PEEK_WORDS_PER_ROW), got = 0;

    while (got < wanted &&
           kernel_peek(address + got * sizeof(words[0]), &words[got], sizeof(words[0])))
        got++;
    if (got == 0)
        return 0;
    shell_printf("%08x:", (unsigned)address);
    for (unsigned i = 0; i < got; i++)
        shell_printf(" %08x", words[i]);
    print_ascii(words, got);
    return got;
}

int cmd_peek(int argc, char *argv[])
{
    uint32_t address, count = PEEK_DEFAULT_WORDS;

    if (shell_parse_number("peek", "ADDRESS", argv[1], 0, UINT32_MAX, &address) != 0)
        return -EINVAL;
    if (argc == 3 &&
        shell_parse_number("peek", "COUNT", argv[2], 1, PEEK_MAX_WORDS, &count) != 0)
        return -EINVAL;
    if (!IS_ALIGNED(address, sizeof(uint32_t)))
        return shell_usage("peek", "ADDRESS is a multiple of 4, not %#x", address);
    while (count > 0) {
        unsigned wanted = MIN(count, PEEK_WORDS_PER_ROW);
        unsigned got = peek_row(address, count);
        address += got * sizeof(uint32_t);
        count -= got;
        if (got < wanted) {
            shell_printf("peek: nothing is mapped at 0x%08x\n", address);
            return -EFAULT;
        }
        if (address == 0)
            break; /* the end of the address space */
    }
    return 0;
}

int cmd_poke(int argc, char *argv[])
{
    uint32_t address, value, old;

    (void)argc;
    if (shell_parse_number("poke", "ADDRESS", argv[1], 0, UINT32_MAX, &address) != 0 ||
        shell_parse_number("poke", "VALUE", argv[2], 0, UINT32_MAX, &value) != 0)
        return -EINVAL;
    if (!IS_ALIGNED(address, sizeof(value)))
        return shell_usage("poke", "ADDRESS is a multiple of 4, not %#x", address);
    if (!kernel_peek(address, &old, sizeof(old))) {
        shell_printf("poke: nothing is mapped at 0x%08x\n", address);
        return -EFAULT;
    }
    if (!kernel_poke(address, value, sizeof(value))) {
        shell_printf("poke: 0x%08x is read-only\n", address);
        return -EFAULT;
    }
    shell_printf("%08x: %08x -> %08x\n", address, old, value);
    return 0;
}
