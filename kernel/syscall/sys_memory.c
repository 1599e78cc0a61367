/* System calls on memory: brk(2), mmap(2) and its family.
 *
 * What Linux checks before it looks at an address space is checked here, in its order: descriptor,
 * length and offset, address, the file's mode, the kind of mapping.  What follows is mm/space's,
 * which knows no descriptors: a file is its page cache there. */
#include "kernel/lib/errno.h"
#include "kernel/lib/string.h"
#include "kernel/syscall/sys_args.h"
#include "kernel/syscall/syscall.h"
#include "mm/fault.h"
#include "mm/uaccess.h"

/* <sys/mman.h>, Linux i386. */
#define PROT_READ 0x1u
#define PROT_WRITE 0x2u
#define PROT_EXEC 0x4u
#define PROT_SEM 0x8u
#define PROT_GROWSDOWN 0x01000000u
#define PROT_GROWSUP 0x02000000u
#define MAP_SHARED 0x01u
#define MAP_PRIVATE 0x02u
#define MAP_SHARED_VALIDATE 0x03u
#define MAP_TYPE 0x0Fu
#define MAP_FIXED 0x10u
#define MAP_ANONYMOUS 0x20u
#define MAP_GROWSDOWN 0x0100u
#define MAP_LOCKED 0x2000u
#define MAP_NORESERVE 0x4000u
#define MAP_POPULATE 0x8000u
#define MAP_HUGETLB 0x40000u
#define MAP_FIXED_NOREPLACE 0x100000u
#define MAP_LEGACY_MASK 0x7C07F973u /* what MAP_SHARED_VALIDATE accepts */
#define MS_ASYNC 1u
#define MS_INVALIDATE 2u
#define MS_SYNC 4u

#define DEVICE_ZERO DEVICE_NUMBER(1, 5)
#define MINCORE_PIECE 256u /* pages looked at before their bytes are written */

_Static_assert(PROT_READ == VMA_READ && PROT_WRITE == VMA_WRITE && PROT_EXEC == VMA_EXEC,
               "rights have the same bits");

static struct space *current_space(void)
{
    return process_current()->space;
}

static int32_t sys_brk(struct trap_frame *frame)
{
    return (int32_t)space_brk(current_space(), ARG1(frame));
}

/* ---- mmap ---- */

struct mmap_args {
    uaddr_t address;
    uint32_t nbytes, prot, flags;
    int fd;
    uint32_t page_offset;
};

/* Not of a file: anonymous, or of /dev/zero, which is the same. */
static int check_anonymous(const struct mmap_args *args, struct space_mmap *request)
{
    unsigned type = args->flags & MAP_TYPE;

    if (type == MAP_PRIVATE)
        return 0;
    if (type != MAP_SHARED || (args->flags & MAP_GROWSDOWN))
        return -EINVAL;
    struct page_cache *shared = pagecache_create_shared(ALIGN_UP(args->nbytes, PAGE_SIZE));
    if (!shared)
        return -ENOMEM;
    request->vma_flags |= VMA_SHARED;
    request->backing = (struct vma_backing){ shared, 0, VMA_WHOLE_FILE };
    return 0;
}

/* May an open file be mapped like this, and how?  Takes a reference to its page cache. */
static int check_file(const struct mmap_args *args, const struct file *file,
                      struct space_mmap *request)
{
    unsigned type = args->flags & MAP_TYPE, mode = file->flags & O_ACCMODE;
    bool shared = type == MAP_SHARED || type == MAP_SHARED_VALIDATE;

    if (!shared && type != MAP_PRIVATE)
        return -EINVAL;
    if (type == MAP_SHARED_VALIDATE && (args->flags & ~MAP_LEGACY_MASK))
        return -EOPNOTSUPP;
    if ((shared && (args->prot & PROT_WRITE) && mode != O_RDWR) || mode == O_WRONLY)
        return -EACCES;
    if (!file->inode || !file->inode->cache)
        return -ENODEV;
    if (args->flags & MAP_GROWSDOWN)
        return -EINVAL;
    if (shared)
        request->vma_flags |= VMA_SHARED | (mode == O_RDWR ? 0 : VMA_NO_WRITE);
    request->backing = (struct vma_backing){ pagecache_get(file->inode->cache),
                                             args->page_offset, VMA_WHOLE_FILE };
    return 0;
}

static bool is_dev_zero(const struct file *file)
{
    return file->inode && inode_is(file->inode, S_IFCHR) && file->inode->rdev == DEVICE_ZERO;
}

/* Without a file: `file` is NULL. */
static int32_t map(const struct mmap_args *args, const struct file *file)
{
    uint32_t npages = (ALIGN_UP(args->nbytes, PAGE_SIZE)) >> PAGE_SHIFT;
    struct space_mmap request = {
        .hint = args->address,
        .nbytes = args->nbytes,
        .vma_flags = (args->prot & VMA_PROT) |
                     (args->flags & MAP_GROWSDOWN ? VMA_GROWS_DOWN : 0) |
                     (args->flags & MAP_NORESERVE ? VMA_NORESERVE : 0),
        .placement = args->flags & MAP_FIXED_NOREPLACE ? SPACE_FIXED_NOREPLACE
                     : args->flags & MAP_FIXED         ? SPACE_FIXED
                                                       : SPACE_ANYWHERE,
    };
    if (args->page_offset + npages < npages)
        return -EOVERFLOW;
    int error = space_mmap_check(&request);
    if (!error)
        error = file && !is_dev_zero(file) ? check_file(args, file, &request)
                                           : check_anonymous(args, &request);
    if (error)
        return error;
    uaddr_t address;
    error = space_mmap(current_space(), &request, &address);
    if (request.backing.file)
        pagecache_put(request.backing.file); /* the range has its own reference */
    if (error)
        return error;
    if ((args->flags & (MAP_POPULATE | MAP_LOCKED)) && (args->prot & VMA_PROT)) {
        bool write = vma_is_data(request.vma_flags);
        fault_populate(current_space(), address, address + ALIGN_UP(args->nbytes, PAGE_SIZE),
                       PF_USER | (write ? PF_WRITE : 0));
    }
    return (int32_t)address;
}

static ALWAYS_INLINE int32_t mmap(const struct mmap_args *args)
{
    struct file *file;

    if (likely(args->flags & MAP_ANONYMOUS))
        return unlikely(args->flags & MAP_HUGETLB) ? -ENOMEM
                                                   : map(args, NULL); /* there is no pool */
    file = file_get(args->fd);
    if (!file || (file->flags & O_PATH)) {
        if (file)
            file_put(file);
        return -EBADF;
    }
    int32_t result = args->flags & MAP_HUGETLB ? -EINVAL : map(args, file);
    file_put(file);
    return result;
}

static int32_t sys_mmap2(struct trap_frame *frame)
{
    const struct mmap_args args = { ARG1(frame), ARG2(frame),      ARG3(frame),
                                    ARG4(frame), (int)ARG5(frame), ARG6(frame) };
    return mmap(&args);
}

/* The first form of the call: six words in memory, the offset in bytes. */
static int32_t sys_old_mmap(struct trap_frame *frame)
{
    uint32_t words[6];

    if (copy_from_user(words, ARG1(frame), sizeof(words)) != 0)
        return -EFAULT;
    if (!IS_ALIGNED(words[5], PAGE_SIZE))
        return -EINVAL;
    const struct mmap_args args = { words[0], words[1],      words[2],
                                    words[3], (int)words[4], words[5] >> PAGE_SHIFT };
    return mmap(&args);
}

/* ---- what there is already ---- */

static int32_t sys_munmap(struct trap_frame *frame)
{
    return space_unmap(current_space(), ARG1(frame), ARG2(frame));
}

static int32_t sys_mprotect(struct trap_frame *frame)
{
    uint32_t prot = ARG3(frame) & ~PROT_SEM;

    if ((prot & PROT_GROWSUP) || (prot & ~(VMA_PROT | PROT_GROWSDOWN)))
        return -EINVAL; /* nothing grows upwards */
    return space_protect(current_space(), ARG1(frame), ARG2(frame),
                         (prot & VMA_PROT) | (prot & PROT_GROWSDOWN ? VMA_GROWS_DOWN : 0));
}

static int32_t sys_mremap(struct trap_frame *frame)
{
    return (int32_t)space_mremap(current_space(), ARG1(frame), ARG2(frame), ARG3(frame),
                                 ARG4(frame), ARG5(frame));
}

/* MADV_POPULATE_READ, _WRITE: in madvise's words. */
static int32_t populate(uaddr_t start, uint32_t nbytes, uint32_t error)
{
    uaddr_t end = start + ALIGN_UP(nbytes, PAGE_SIZE);

    if (!IS_ALIGNED(start, PAGE_SIZE) || end < start || (end == start && nbytes != 0))
        return -EINVAL;
    if (end == start)
        return 0;
    if (!space_range_is_mapped(current_space(), start, end))
        return -ENOMEM;
    switch (fault_populate(current_space(), start, end, error)) {
    case 0:
        return 0;
    case -EACCES:
        return -EINVAL;
    case -ENXIO:
        return -EFAULT;
    default:
        return -ENOMEM;
    }
}

static int32_t sys_madvise(struct trap_frame *frame)
{
    uaddr_t start = ARG1(frame);
    uint32_t nbytes = ARG2(frame);
    int advice = (int)ARG3(frame);

    if (advice == SPACE_ADV_POPULATE_READ)
        return populate(start, nbytes, PF_USER);
    if (advice == SPACE_ADV_POPULATE_WRITE)
        return populate(start, nbytes, PF_USER | PF_WRITE);
    return space_advise(current_space(), start, nbytes, advice);
}

/* A byte for each page: 1 if it is in memory. */
static int32_t sys_mincore(struct trap_frame *frame)
{
    uaddr_t start = ARG1(frame), vector = ARG3(frame);
    uint32_t npages = (ARG2(frame) >> PAGE_SHIFT) + ((ARG2(frame) & PAGE_MASK) != 0);
    uint8_t piece[MINCORE_PIECE];

    if (!IS_ALIGNED(start, PAGE_SIZE))
        return -EINVAL;
    if (!user_range_is_valid(start, ARG2(frame)))
        return -ENOMEM;
    if (!user_range_is_valid(vector, npages))
        return -EFAULT;
    for (uint32_t done = 0; done < npages;) {
        uint32_t count = MIN(npages - done, MINCORE_PIECE);
        for (uint32_t i = 0; i < count; i++) {
            int in_core = space_in_core(current_space(), start + (done + i) * PAGE_SIZE);
            if (in_core < 0)
                return in_core;
            piece[i] = (uint8_t)in_core;
        }
        if (copy_to_user(vector + done, piece, count) != 0)
            return -EFAULT;
        done += count;
    }
    return 0;
}

/* The page cache is the file: there is nothing to write back to, and so only the arguments are
 * checked. */
static int32_t sys_msync(struct trap_frame *frame)
{
    uaddr_t start = ARG1(frame), end = start + ALIGN_UP(ARG2(frame), PAGE_SIZE);
    uint32_t flags = ARG3(frame);

    if ((flags & ~(MS_ASYNC | MS_INVALIDATE | MS_SYNC)) || !IS_ALIGNED(start, PAGE_SIZE) ||
        (flags & (MS_ASYNC | MS_SYNC)) == (MS_ASYNC | MS_SYNC))
        return -EINVAL;
    if (end < start)
        return -ENOMEM;
    return start == end || space_range_is_mapped(current_space(), start, end) ? 0 : -ENOMEM;
}

const struct syscall_entry memory_syscalls[] = {
    { 45, "brk", sys_brk, NULL },
    { 90, "mmap", sys_old_mmap, "the form with its arguments in memory; as mmap2" },
    { 91, "munmap", sys_munmap, NULL },
    { 125, "mprotect", sys_mprotect, NULL },
    { 144, "msync", sys_msync, "checks its arguments; files live in memory" },
    { 163, "mremap", sys_mremap, NULL },
    { 192, "mmap2", sys_mmap2, "no MAP_HUGETLB; MAP_LOCKED is MAP_POPULATE" },
    { 218, "mincore", sys_mincore, NULL },
    { 219, "madvise", sys_madvise,
      "DONTNEED, FREE, POPULATE_*, *FORK, *HUGEPAGE, COLLAPSE act; no REMOVE" },
    { 0, NULL, NULL, NULL },
};
