/* The contents of regular files in tmpfs: bytes between programs and the page cache.
 *
 * Reading   page by page, from the frame in the cache to the program's buffer.  A hole that is read
 *           takes no frame.
 * Writing   page by page, too.  A page that is written from end to end and is not in memory is filled
 *           before it is put into the cache, so that it need not be zeroed first.
 * Locks     none is held while bytes are copied: the program's buffer may fault, and the fault may
 *           wait for memory.  The reference to the frame keeps it.  Two writers at one place mix their
 *           pages; two that append (O_APPEND) get places of their own.
 * Short     What could be moved before an error counts; the error is told only if nothing was. */
#include "kernel/fs/file.h"
#include "kernel/fs/tmpfs.h"
#include "kernel/lib/errno.h"
#include "kernel/lib/string.h"
#include "kernel/sched/thread.h"
#include "mm/kmap.h"
#include "mm/uaccess.h"

/* A part of one page of a file, and where it is in the caller's memory. */
struct piece {
    uint32_t index, start, nbytes;
    uint32_t done; /* bytes before it */
};

static struct piece piece_at(uint64_t offset, uint32_t done, uint32_t nbytes)
{
    uint32_t start = (uint32_t)(offset + done) % PAGE_SIZE;

    return (struct piece){
        .index = (uint32_t)((offset + done) >> PAGE_SHIFT),
        .start = start,
        .nbytes = MIN(PAGE_SIZE - start, nbytes - done),
        .done = done,
    };
}

/* ---- times ---- */

/* As "relatime" has it: only the first read after a change is noted. */
static void note_read(struct inode *inode)
{
    if (unlikely(inode->atime <= inode->mtime))
        inode->atime = fs_now();
}

static void note_write(struct inode *inode)
{
    inode->mtime = inode->ctime = fs_now();
}

/* ---- read ---- */

/* Number of bytes, or -EFAULT, -ENOMEM. */
static int32_t read_piece(struct page_cache *cache, uaddr_t buffer, const struct piece *piece)
{
    uaddr_t to = buffer + piece->done;
    struct page *page = pagecache_find(cache, piece->index);
    size_t missing;

    if (unlikely(!page && pagecache_is_hole(cache, piece->index))) {
        missing = clear_user(to, piece->nbytes);
    } else {
        if (unlikely(!page))
            page = pagecache_page(cache, piece->index);
        if (unlikely(!page))
            return -ENOMEM;
        missing = copy_frame_to_user(to, page, piece->start, piece->nbytes);
        pagecache_put_page(page);
    }
    return missing == piece->nbytes ? -EFAULT : (int32_t)(piece->nbytes - missing);
}

/* How many of nbytes from `offset` on the file has. */
static uint32_t bytes_left(const struct page_cache *cache, uint64_t offset, uint32_t nbytes)
{
    uint64_t size = cache->size;
    return offset >= size ? 0 : (uint32_t)MIN(size - offset, (uint64_t)nbytes);
}

static int32_t tmpfs_read(struct file *file, uaddr_t buffer, uint32_t nbytes, uint64_t *offset)
{
    struct page_cache *cache = file->inode->cache;
    uint32_t done = 0;
    int32_t moved = 0;

    nbytes = bytes_left(cache, *offset, nbytes);
    while (done < nbytes) {
        struct piece piece = piece_at(*offset, done, nbytes);
        moved = read_piece(cache, buffer, &piece);
        if (moved < 0)
            break;
        done += (uint32_t)moved;
    }
    if (done == 0 && moved < 0)
        return moved;
    *offset += done;
    note_read(file->inode);
    return (int32_t)done;
}

/* ---- write ---- */

/* A whole page that is not in memory.  0, -EEXIST (it is now), -ENOSPC, -EFAULT (and then nothing of
 * it is written). */
static int write_new_page(struct page_cache *cache, uaddr_t from, uint32_t index)
{
    struct page *page = user_frame_alloc(PAGE_SHMEM);

    if (!page)
        return -ENOSPC;
    int error = copy_frame_from_user(page, 0, from, PAGE_SIZE) ? -EFAULT : 0;
    if (!error)
        error = pagecache_add(cache, index, page);
    pagecache_put_page(page);
    return error == -ENOMEM ? -ENOSPC : error;
}

/* Into a page in memory.  Number of bytes, or -EFAULT. */
static int32_t write_into(struct page *page, uaddr_t from, const struct piece *piece)
{
    pagecache_mark_dirty(page);
    uint32_t missing = (uint32_t)copy_frame_from_user(page, piece->start, from, piece->nbytes);
    return missing == piece->nbytes ? -EFAULT : (int32_t)(piece->nbytes - missing);
}

/* Number of bytes, or -EFAULT, -ENOSPC. */
static int32_t write_piece(struct page_cache *cache, uaddr_t buffer, const struct piece *piece)
{
    uaddr_t from = buffer + piece->done;
    struct page *page = pagecache_find(cache, piece->index);

    if (!page && piece->nbytes == PAGE_SIZE) {
        int error = write_new_page(cache, from, piece->index);
        if (!error)
            return PAGE_SIZE;
        if (error == -ENOSPC)
            return error;
        /* -EEXIST: another thread was faster.  -EFAULT: perhaps its first bytes can be had. */
    }
    if (!page)
        page = pagecache_page(cache, piece->index);
    if (!page)
        return -ENOSPC;
    int32_t result = write_into(page, from, piece);
    pagecache_put_page(page);
    return result;
}

/* Where the bytes go, and how many may: -EFBIG if none. */
static int32_t place_of_write(struct file *file, uint32_t *nbytes, uint64_t *offset)
{
    struct page_cache *cache = file->inode->cache;
    bool append = file->flags & O_APPEND;
    uint64_t limit = file->flags & O_LARGEFILE ? TMPFS_FILE_MAX : TMPFS_SMALL_FILE_MAX;
    uint64_t start = append ? cache->size : *offset;

    if (start >= limit)
        return -EFBIG;
    *nbytes = (uint32_t)MIN((uint64_t)*nbytes, limit - start);
    *offset = append ? pagecache_reserve(cache, *nbytes) : start;
    return 0;
}

static int32_t tmpfs_write(struct file *file, uaddr_t buffer, uint32_t nbytes, uint64_t *offset)
{
    struct page_cache *cache = file->inode->cache;
    uint32_t done = 0;
    int32_t moved = 0;

    if (nbytes == 0)
        return 0;
    int32_t error = place_of_write(file, &nbytes, offset);
    if (error)
        return error;
    while (done < nbytes) {
        struct piece piece = piece_at(*offset, done, nbytes);
        moved = write_piece(cache, buffer, &piece);
        if (moved < 0)
            break;
        done += (uint32_t)moved;
    }
    if ((file->flags & O_APPEND) && done < nbytes && cache->size == *offset + nbytes)
        pagecache_resize(cache, *offset + done); /* what was reserved in vain */
    if (done == 0)
        return moved;
    pagecache_grow(cache, *offset + done);
    *offset += done;
    note_write(file->inode);
    return (int32_t)done;
}

int tmpfs_truncate(struct inode *inode, uint64_t size)
{
    if (size > TMPFS_FILE_MAX)
        return -EFBIG;
    pagecache_resize(inode->cache, size);
    note_write(inode);
    return 0;
}

/* How many of the pages [first, end) are not in memory; no more than `most` are counted. */
static uint32_t count_missing(struct page_cache *cache, uint32_t first, uint32_t end,
                              uint32_t most)
{
    uint32_t missing = 0;

    for (uint32_t index = first; index < end && missing < most; index++) {
        struct page *page = pagecache_find(cache, index);
        if (page)
            pagecache_put_page(page);
        missing += !page;
    }
    return missing;
}

/* Is there room in the file system for the pages [first, end)? */
static bool have_room(struct page_cache *cache, uint32_t first, uint32_t end)
{
    struct pagecache_stats stats;

    pagecache_get_stats(&stats);
    uint32_t left = stats.limit - MIN(stats.limit, stats.limited_pages);
    return count_missing(cache, first, end, left + 1) <= left;
}

int tmpfs_allocate(struct inode *inode, uint64_t start, uint64_t end, enum inode_size_rule rule)
{
    struct page_cache *cache = inode->cache;

    if (end > TMPFS_FILE_MAX)
        return -EFBIG;
    uint32_t first = (uint32_t)(start >> PAGE_SHIFT);
    uint32_t stop = (uint32_t)((end + PAGE_MASK) >> PAGE_SHIFT);
    if (!have_room(cache, first, stop))
        return -ENOSPC;
    for (uint32_t index = first; index < stop; index++) {
        if (thread_current()->interrupted)
            return -EINTR;
        struct page *page = pagecache_page(cache, index);
        if (!page)
            return -ENOSPC;
        pagecache_mark_dirty(page); /* one that equals the source could be dropped */
        pagecache_put_page(page);
    }
    if (rule == INODE_GROW)
        pagecache_grow(cache, end);
    inode->ctime = fs_now();
    return 0;
}

const struct file_ops tmpfs_file_ops = {
    .read = tmpfs_read,
    .write = tmpfs_write,
    .seek = file_seek_in_size,
};

/* ---- for the kernel itself ---- */

enum direction { OUT_OF_FILE, INTO_FILE };

/* One piece between a page and kernel memory. */
static int move_piece(struct page_cache *cache, const struct piece *piece, uint8_t *memory,
                      enum direction direction)
{
    struct page *page = pagecache_page(cache, piece->index);

    if (!page)
        return direction == INTO_FILE ? -ENOSPC : -ENOMEM;
    uint8_t *bytes = kmap(page);
    if (direction == INTO_FILE) {
        pagecache_mark_dirty(page);
        memcpy(bytes + piece->start, memory + piece->done, piece->nbytes);
    } else {
        memcpy(memory + piece->done, bytes + piece->start, piece->nbytes);
    }
    kunmap(bytes);
    pagecache_put_page(page);
    return 0;
}

static int32_t move(struct page_cache *cache, uint64_t offset, void *memory, uint32_t nbytes,
                    enum direction direction)
{
    for (uint32_t done = 0; done < nbytes;) {
        struct piece piece = piece_at(offset, done, nbytes);
        int error = move_piece(cache, &piece, memory, direction);
        if (error)
            return error;
        done += piece.nbytes;
    }
    return (int32_t)nbytes;
}

int32_t inode_read(struct inode *inode, uint64_t offset, void *dst, uint32_t nbytes)
{
    if (!inode->cache)
        return -EINVAL;
    return move(inode->cache, offset, dst, bytes_left(inode->cache, offset, nbytes),
                OUT_OF_FILE);
}

int32_t inode_write(struct inode *inode, uint64_t offset, const void *src, uint32_t nbytes)
{
    if (!inode->cache || offset + nbytes > TMPFS_FILE_MAX)
        return -EINVAL;
    int32_t moved = move(inode->cache, offset, (void *)src, nbytes, INTO_FILE);
    if (moved > 0) {
        pagecache_grow(inode->cache, offset + nbytes);
        note_write(inode);
    }
    return moved;
}
