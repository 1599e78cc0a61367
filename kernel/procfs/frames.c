/* /proc/PID/pagemap, /proc/kpageflags, /proc/kpagecount: which frame a page has, what a frame is, who
 * maps it (Linux, Documentation/admin-guide/mm/pagemap.rst).  Arrays of 64-bit words that are computed
 * as they are read; offsets and lengths are multiples of 8. */
#include "kernel/fs/file.h"
#include "kernel/lib/errno.h"
#include "kernel/proc/process.h"
#include "kernel/procfs/procfs.h"
#include "mm/space_read.h"
#include "mm/uaccess.h"

#define WORD sizeof(uint64_t)

/* Bits of a word of pagemap; the frame's number is in the low 55. */
#define PM_EXCLUSIVE ((uint64_t)1 << 56)
#define PM_FILE ((uint64_t)1 << 61)
#define PM_PRESENT ((uint64_t)1 << 63)

/* Bits of a word of kpageflags. */
#define KPF_UPTODATE ((uint64_t)1 << 3)
#define KPF_DIRTY ((uint64_t)1 << 4)
#define KPF_SLAB ((uint64_t)1 << 7)
#define KPF_BUDDY ((uint64_t)1 << 10)
#define KPF_MMAP ((uint64_t)1 << 11)
#define KPF_ANON ((uint64_t)1 << 12)
#define KPF_COMPOUND_HEAD ((uint64_t)1 << 15)
#define KPF_COMPOUND_TAIL ((uint64_t)1 << 16)
#define KPF_THP ((uint64_t)1 << 22)
#define KPF_NOPAGE ((uint64_t)1 << 20)
#define KPF_ZERO_PAGE ((uint64_t)1 << 24)
#define KPF_PGTABLE ((uint64_t)1 << 26)
#define KPF_RESERVED ((uint64_t)1 << 32)

/* Copy the words from *offset on that `word_at` gives, up to word number `count`. */
static int32_t read_words(uaddr_t buffer, uint32_t nbytes, uint64_t *offset, uint64_t count,
                          uint64_t (*word_at)(uint64_t index, void *context), void *context)
{
    uint32_t done = 0;

    if (*offset % WORD || nbytes % WORD)
        return -EINVAL;
    for (; done < nbytes && *offset / WORD < count; done += WORD, *offset += WORD) {
        uint64_t word = word_at(*offset / WORD, context);
        if (copy_to_user(buffer + done, &word, WORD) != 0)
            return done ? (int32_t)done : -EFAULT;
    }
    return (int32_t)done;
}

static uint64_t pagemap_word(uint64_t index, void *context)
{
    struct space_page page;

    space_get_page(context, (uaddr_t)index << PAGE_SHIFT, &page);
    if (!page.present)
        return 0;
    return PM_PRESENT | page.pfn | (page.file ? PM_FILE : 0) |
           (page.exclusive ? PM_EXCLUSIVE : 0);
}

static int32_t pagemap_read(struct file *file, uaddr_t buffer, uint32_t nbytes,
                            uint64_t *offset)
{
    struct space *space = process_get_space(procfs_pid_of(file));

    if (!space)
        return 0;
    int32_t result = read_words(buffer, nbytes, offset, USER_END >> PAGE_SHIFT, pagemap_word,
                                space);
    space_put(space);
    return result;
}

/* How often a frame is mapped. */
static uint64_t mappings_of(const struct page *page)
{
    switch (page->kind) {
    case PAGE_ANON:
        return page->refs;
    case PAGE_FILE:
    case PAGE_SHMEM:
        return page->refs - (page->cache != NULL);
    default:
        return 0;
    }
}

static uint64_t flags_of_kind(const struct page *page)
{
    uint64_t mapped = mappings_of(page) ? KPF_MMAP : 0;

    switch (page->kind) {
    case PAGE_RESERVED:
        return page == space_zero_page() ? KPF_ZERO_PAGE : KPF_RESERVED;
    case PAGE_FREE:
        return KPF_BUDDY;
    case PAGE_SLAB:
        return KPF_SLAB;
    case PAGE_TABLE:
        return KPF_PGTABLE;
    case PAGE_ANON:
        return KPF_ANON | KPF_UPTODATE | mapped | (page_is_huge(page) ? KPF_THP : 0);
    case PAGE_FILE:
        return KPF_UPTODATE | mapped;
    case PAGE_SHMEM:
        return KPF_UPTODATE | KPF_DIRTY | mapped;
    default:
        return 0;
    }
}

/* A tail is what its head is. */
static uint64_t kpageflags_word(uint64_t pfn, void *context)
{
    (void)context;
    if (pfn >= max_pfn)
        return KPF_NOPAGE;
    struct page *page = pfn_to_page((pfn_t)pfn);
    if (page->kind == PAGE_TAIL)
        return flags_of_kind(page_block_head(page)) | KPF_COMPOUND_TAIL;
    bool head = page->kind >= PAGE_KIND_FIRST_USED && page->order > 0;
    return flags_of_kind(page) | (head ? KPF_COMPOUND_HEAD : 0);
}

static uint64_t kpagecount_word(uint64_t pfn, void *context)
{
    (void)context;
    return mappings_of(pfn_to_page((pfn_t)pfn));
}

static int32_t kpageflags_read(struct file *file, uaddr_t buffer, uint32_t nbytes,
                               uint64_t *offset)
{
    (void)file;
    return read_words(buffer, nbytes, offset, max_pfn, kpageflags_word, NULL);
}

static int32_t kpagecount_read(struct file *file, uaddr_t buffer, uint32_t nbytes,
                               uint64_t *offset)
{
    (void)file;
    return read_words(buffer, nbytes, offset, max_pfn, kpagecount_word, NULL);
}

const struct file_ops pagemap_file_ops = { .read = pagemap_read, .seek = file_seek_in_size };
const struct file_ops kpageflags_file_ops = { .read = kpageflags_read,
                                              .seek = file_seek_in_size };
const struct file_ops kpagecount_file_ops = { .read = kpagecount_read,
                                              .seek = file_seek_in_size };
