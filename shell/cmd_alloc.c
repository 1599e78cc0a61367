/* shell/cmd_alloc.c - memory by its properties, taken by hand and held by the shell: what the
 * allocators can be asked for. */
#include "kernel/cpu/gdt.h"
#include "kernel/lib/bitops.h"
#include "kernel/lib/errno.h"
#include "kernel/lib/parse.h"
#include "kernel/lib/string.h"
#include "mm/kmalloc.h"
#include "mm/vmalloc.h"
#include "shell/commands.h"
#include "shell/describe.h"

#define HELD_MAX 16u
#define ALIGN_WORD "align="

enum property {
    WANT_ZERO = 1u << 0,
    WANT_DMA = 1u << 1,
    WANT_WRITE_THROUGH = 1u << 2,
    WANT_UNCACHED = 1u << 3,
    WANT_EXEC = 1u << 4,
};

/* What only an entry of its own can give: these need a mapping, and so come from vmalloc. */
#define WANT_MAPPING (WANT_WRITE_THROUGH | WANT_UNCACHED | WANT_EXEC)

static const struct {
    const char *name;
    unsigned property, vm_flag, page_flag;
} properties[] = {
    { "zero", WANT_ZERO, 0, PAGE_ZERO },
    { "dma", WANT_DMA, VM_DMA, PAGE_DMA },
    { "write-through", WANT_WRITE_THROUGH, VM_WRITE_THROUGH, 0 },
    { "uncached", WANT_UNCACHED, VM_UNCACHED, 0 },
    { "exec", WANT_EXEC, VM_EXEC, 0 },
};

static struct held {
    uint8_t *address; /* NULL: not in use */
    uint32_t nbytes;
    uint32_t align; /* 0: not asked for */
    unsigned wants; /* enum property */
} held[HELD_MAX];

static int parse_wants(int argc, char *argv[], struct held *request)
{
    for (int i = 0; i < argc; i++) {
        unsigned k = 0;
        if (!strncmp(argv[i], ALIGN_WORD, strlen(ALIGN_WORD))) {
            const char *number = argv[i] + strlen(ALIGN_WORD);
            if (parse_u32(number, &request->align) != 0 || !is_power_of_two(request->align) ||
                request->align > KMALLOC_MAX)
                return shell_usage("alloc", "'%s' is no power of two up to 4 MiB", number);
            continue;
        }
        while (k < ARRAY_SIZE(properties) && strcmp(argv[i], properties[k].name) != 0)
            k++;
        if (k == ARRAY_SIZE(properties))
            return shell_usage("alloc", "'%s' is no property", argv[i]);
        request->wants |= properties[k].property;
    }
    if ((request->wants & WANT_MAPPING) && request->align > PAGE_SIZE)
        return shell_usage("alloc", "a mapping of its own is aligned to 4096 at most");
    return 0;
}

/* More than a block has: frames side by side. */
static bool is_run(const struct held *one)
{
    return !(one->wants & WANT_MAPPING) && one->nbytes > KMALLOC_MAX;
}

static uint8_t *take_run(const struct held *request, unsigned page_flags)
{
    struct page *run = buddy_alloc_exact(DIV_ROUND_UP(request->nbytes, PAGE_SIZE), 0,
                                         PAGE_VMALLOC, page_flags & ~PAGE_ZERO);

    if (run && (request->wants & WANT_ZERO))
        memset(page_to_virt(run), 0, request->nbytes);
    return run ? page_to_virt(run) : NULL;
}

/* By mapping, by layout or by plain size, as the request needs it. */
static uint8_t *take(const struct held *request)
{
    unsigned vm_flags = 0, page_flags = PAGE_ANY;

    for (unsigned i = 0; i < ARRAY_SIZE(properties); i++)
        if (request->wants & properties[i].property) {
            vm_flags |= properties[i].vm_flag;
            page_flags |= properties[i].page_flag;
        }
    if (is_run(request)) /* it begins at a multiple of 4 MiB */
        return take_run(request, page_flags);
    if (!(request->wants & WANT_MAPPING))
        return request->align ? kmalloc_aligned(request->nbytes, request->align, page_flags)
                              : kmalloc(request->nbytes, page_flags);
    uint8_t *area = vmalloc_flags(DIV_ROUND_UP(request->nbytes, PAGE_SIZE), PAGE_VMALLOC,
                                  vm_flags);
    if (area && (request->wants & WANT_ZERO))
        memset(area, 0, request->nbytes);
    return area;
}

static void give_back(struct held *one)
{
    if (one->wants & WANT_MAPPING)
        vfree(one->address);
    else if (is_run(one))
        buddy_free_exact(virt_to_page(one->address), DIV_ROUND_UP(one->nbytes, PAGE_SIZE));
    else if (one->align)
        kfree_aligned(one->address, one->nbytes, one->align);
    else
        kfree(one->address);
    *one = (struct held){ 0 };
}

static const char *way(const struct held *one)
{
    return one->wants & WANT_MAPPING ? "vmalloc"
           : is_run(one)             ? "buddy_alloc_exact"
           : one->align              ? "kmalloc_aligned"
                                     : "kmalloc";
}

/* The physical address is the first byte's: in a mapping the next page's frame may be anywhere. */
static void print_held(const struct held *one)
{
    pte_t entry = paging_lookup(&kernel_directory, (uintptr_t)one->address);

    shell_printf("0x%08x  %8u  0x%08x  ", (unsigned)(uintptr_t)one->address, one->nbytes,
                 (entry & ~PTE_FLAGS) + ((uintptr_t)one->address & PAGE_MASK));
    describe_entry_letters(entry);
    shell_printf("  %s", way(one));
    for (unsigned i = 0; i < ARRAY_SIZE(properties); i++)
        if (one->wants & properties[i].property)
            shell_printf(" %s", properties[i].name);
    if (one->align)
        shell_printf(" " ALIGN_WORD "%u", one->align);
    shell_printf("\n");
}

static void print_title(void)
{
    shell_printf("ADDRESS        BYTES  PHYSICAL    ENTRY      BY\n");
}

static int print_all(void)
{
    print_title();
    for (unsigned i = 0; i < HELD_MAX; i++)
        if (held[i].address)
            print_held(&held[i]);
    shell_printf("kernel code ends at 0x%08x\n", (unsigned)gdt_kernel_code_end());
    return 0;
}

int cmd_alloc(int argc, char *argv[])
{
    struct held request = { 0 };
    uint64_t nbytes;
    unsigned slot = 0;

    if (argc == 1)
        return print_all();
    if (parse_size(argv[1], &nbytes) != 0 || nbytes == 0 || nbytes > LOWMEM_MAX_BYTES)
        return shell_usage("alloc", "'%s' is no size from 1 to 896M", argv[1]);
    request.nbytes = (uint32_t)nbytes;
    if (parse_wants(argc - 2, argv + 2, &request) != 0)
        return -EINVAL;
    while (slot < HELD_MAX && held[slot].address)
        slot++;
    if (slot == HELD_MAX)
        return shell_usage("alloc", "%u pieces are held already; `dealloc` one", HELD_MAX);
    request.address = take(&request);
    if (!request.address) {
        shell_printf("alloc: not enough memory\n");
        return -ENOMEM;
    }
    held[slot] = request;
    print_title();
    print_held(&held[slot]);
    return 0;
}

int cmd_dealloc(int argc, char *argv[])
{
    bool all = !strcmp(argv[1], "all");
    uint32_t address = 0, count = 0;

    (void)argc;
    if (!all && shell_parse_number("dealloc", "ADDRESS", argv[1], 0, UINT32_MAX, &address) != 0)
        return -EINVAL;
    for (unsigned i = 0; i < HELD_MAX; i++) {
        if (!held[i].address || (!all && (uintptr_t)held[i].address != address))
            continue;
        give_back(&held[i]);
        count++;
    }
    if (count == 0 && !all)
        return shell_usage("dealloc", "`alloc` holds nothing at 0x%08x", address);
    shell_printf("%u given back; kernel code ends at 0x%08x\n", count,
                 (unsigned)gdt_kernel_code_end());
    return 0;
}
