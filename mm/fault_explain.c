/* A fault that had no answer, in words: for whoever has to find the error. */
#include "kernel/lib/format.h"
#include "mm/fault.h"
#include "mm/space_internal.h"

/* Lock held.  Why has an access to a range no answer? */
static const char *refusal(const struct vma *vma, uaddr_t address, uint32_t error)
{
    const struct page_cache *file = vma->backing.file;
    bool allowed = vma->flags & (error & PF_WRITE ? VMA_WRITE : VMA_PROT);

    if (!allowed || !file || address >= vma->backing.file_end)
        return "does not allow it";
    if ((uint64_t)vma_page_index(vma, address) << PAGE_SHIFT >= file->size)
        return "maps a file that ends before it";
    return pagecache_is_full(file) ? "has no room for it" : "does not allow it";
}

/* Lock held.  The range that is nearest to `address`, or contains it without an answer. */
static const struct vma *nearest(struct space *space, uaddr_t address, uint32_t error,
                                 const char **relation)
{
    const struct vma *near = NULL;
    uint32_t distance = UINT32_MAX;

    list_for_each(node, &space->vmas.list) {
        const struct vma *vma = list_entry(node, struct vma, node);
        bool below = vma->end <= address, above = vma->start > address;
        uint32_t gap = below ? address - vma->end : above ? vma->start - address : 0;
        if (vma->start == vma->end || gap >= distance)
            continue;
        near = vma;
        distance = gap;
        *relation = below   ? "ends below"
                    : above ? "starts above"
                            : refusal(vma, address, error);
    }
    return near;
}

static void describe_nearest(struct space *space, uaddr_t address, uint32_t error, char *text,
                             size_t size)
{
    const char *relation = "";
    struct page_cache_name name;
    uint32_t irq = spin_lock(&space->lock);
    const struct vma *near = nearest(space, address, error, &relation);

    if (near) {
        space_range_name(near, &name);
        snprintf(text, size, "; nearest mapping %08x-%08x %c%c%c %s %s", near->start, near->end,
                 near->flags & VMA_READ ? 'r' : '-', near->flags & VMA_WRITE ? 'w' : '-',
                 near->flags & VMA_EXEC ? 'x' : '-', name.path, relation);
    }
    spin_unlock(&space->lock, irq);
}

const char *fault_explain(struct space *space, uaddr_t address, uint32_t error, char *text,
                          size_t size)
{
    char access[64], surroundings[96 + sizeof(((struct page_cache_name *)NULL)->path)];

    trap_page_fault_describe(error, access, sizeof(access));
    surroundings[0] = '\0';
    if (address >= USER_END) {
        snprintf(surroundings, sizeof(surroundings), "; that is the kernel's half");
    } else if (space) {
        describe_nearest(space, address, error, surroundings, sizeof(surroundings));
    }
    snprintf(text, size, "%s at 0x%08x%s", access, address, surroundings);
    return text;
}
