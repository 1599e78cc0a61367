/* Pipes: a queue of bytes between programs (pipe(7)).
 *
 * Buffer    A ring of PIPE_PAGES pages.  head and tail count bytes written and read; modulo the
 *           ring's size they are places in it.  A page is allocated when the first byte is written to
 *           it and freed when its last byte was read.  An empty pipe begins its last page again, so
 *           that it has one at most.
 *
 *               tail                  head
 *                v                     v
 *           |...[xxxx|xxxxxxxx|xxxxxxxx]......|          x: written, not yet read
 *
 * Waiting   Readers wait for bytes or for the last writer to go (end of file), writers for room or
 *           for the last reader to go (EPIPE).
 * Atomic    A write of at most PIPE_BUF bytes goes in whole or waits.  Longer ones go in as room
 *           comes.
 * Names     A FIFO's inode is in a directory; pipe(2) makes one that is nowhere, but can be opened
 *           again through /proc/PID/fd.  The pipe itself exists while somebody has it open.
 * Locks     a mutex in each pipe: bytes are copied from and to user memory, which may fault.
 *           Interrupts off: who has it open, and the way from the inode to the pipe. */
#include "kernel/cpu/cpu.h"
#include "kernel/fs/file.h"
#include "kernel/lib/errno.h"
#include "kernel/lib/format.h"
#include "kernel/sched/mutex.h"
#include "mm/kmalloc.h"
#include "mm/uaccess.h"

#define PIPE_PAGES 16u
#define PIPE_BYTES (PIPE_PAGES * PAGE_SIZE)
#define PIPE_BUF 4096u

struct pipe {
    struct mutex mutex;
    unsigned readers, writers; /* open files of each end */
    uint32_t head, tail;       /* bytes written, read */
    uint8_t *pages[PIPE_PAGES];
    struct wait_queue readable, writable;
    uint32_t read_opens,
        write_opens; /* ends ever opened: open(2) of a FIFO waits for the other */
};

static uint32_t bytes_in(const struct pipe *pipe)
{
    return pipe->head - pipe->tail;
}

static struct pipe *pipe_alloc(void)
{
    struct pipe *pipe = kmalloc(sizeof(*pipe), PAGE_ZERO);

    if (!pipe)
        return NULL;
    mutex_init(&pipe->mutex, "pipe");
    wait_queue_init(&pipe->readable);
    wait_queue_init(&pipe->writable);
    return pipe;
}

static void pipe_free(struct pipe *pipe)
{
    for (unsigned i = 0; i < PIPE_PAGES; i++)
        kfree(pipe->pages[i]);
    kfree(pipe);
}

static bool is_writer(const struct file *file)
{
    return (file->flags & O_ACCMODE) != O_RDONLY;
}

static bool is_reader(const struct file *file)
{
    return (file->flags & O_ACCMODE) != O_WRONLY;
}

/* The part of a page from byte number `at` on, at most nbytes: its address and length. */
static uint8_t *piece_at(struct pipe *pipe, uint32_t at, uint32_t nbytes, uint32_t *length)
{
    uint8_t **page = &pipe->pages[at / PAGE_SIZE % PIPE_PAGES];

    *length = MIN(nbytes, PAGE_SIZE - at % PAGE_SIZE);
    if (!*page)
        *page = kmalloc(PAGE_SIZE, PAGE_ANY);
    return *page ? *page + at % PAGE_SIZE : NULL;
}

/* The reader has left a page: give it back, unless the writer has come round to its place in the ring
 * again, or the pipe is empty and can begin it once more. */
static void leave_page(struct pipe *pipe)
{
    uint8_t **page = &pipe->pages[(pipe->tail - 1) / PAGE_SIZE % PIPE_PAGES];

    if (pipe->tail % PAGE_SIZE != 0)
        return;
    if (bytes_in(pipe) == 0) {
        pipe->tail -= PAGE_SIZE;
        pipe->head = pipe->tail;
    } else if (bytes_in(pipe) <= PIPE_BYTES - PAGE_SIZE) {
        kfree(*page);
        *page = NULL;
    }
}

/* Mutex held.  Bytes moved; -EFAULT or -ENOMEM if none could be. */
static int32_t copy_out(struct pipe *pipe, uaddr_t buffer, uint32_t nbytes)
{
    uint32_t done = 0, length;

    nbytes = MIN(nbytes, bytes_in(pipe));
    while (done < nbytes) {
        const uint8_t *piece = piece_at(pipe, pipe->tail, nbytes - done, &length);
        uint32_t missing = (uint32_t)copy_to_user(buffer + done, piece, length);
        if (missing > 0)
            return done ? (int32_t)done : -EFAULT;
        done += length;
        pipe->tail += length;
        leave_page(pipe);
    }
    return (int32_t)done;
}

static int32_t copy_in(struct pipe *pipe, uaddr_t buffer, uint32_t nbytes)
{
    uint32_t done = 0, length;

    nbytes = MIN(nbytes, PIPE_BYTES - bytes_in(pipe));
    while (done < nbytes) {
        uint8_t *piece = piece_at(pipe, pipe->head, nbytes - done, &length);
        if (!piece)
            return done ? (int32_t)done : -ENOMEM;
        if (copy_from_user(piece, buffer + done, length) != 0)
            return done ? (int32_t)done : -EFAULT;
        done += length;
        pipe->head += length;
    }
    return (int32_t)done;
}

static void wake(struct wait_queue *queue)
{
    wait_queue_wake_all(queue);
    poll_notify();
}

static bool may_read(const struct pipe *pipe)
{
    return bytes_in(pipe) > 0 || pipe->writers == 0;
}

/* `least`: bytes that must go in at once. */
static bool may_write(const struct pipe *pipe, uint32_t least)
{
    return PIPE_BYTES - bytes_in(pipe) >= least || pipe->readers == 0;
}

static int32_t pipe_read(struct file *file, uaddr_t buffer, uint32_t nbytes, uint64_t *offset)
{
    struct pipe *pipe = file->private;
    bool woken = true;
    int32_t result;

    (void)offset;
    if (nbytes == 0)
        return 0;
    mutex_lock(&pipe->mutex);
    while (!may_read(pipe) && !(file->flags & O_NONBLOCK) && woken) {
        uint32_t irq = irq_save();
        mutex_unlock(&pipe->mutex);
        if (!may_read(pipe))
            woken = wait_queue_sleep(&pipe->readable);
        irq_restore(irq);
        mutex_lock(&pipe->mutex);
    }
    if (may_read(pipe))
        result = copy_out(pipe, buffer, nbytes); /* 0 at the end of file */
    else
        result = woken ? -EAGAIN : -ERESTARTSYS;
    mutex_unlock(&pipe->mutex);
    if (result > 0)
        wake(&pipe->writable);
    return result;
}

/* Mutex held, and open while it waits.  True: `least` bytes have room, or nobody reads. */
static bool wait_for_room(struct pipe *pipe, uint32_t least)
{
    bool woken = true;

    while (!may_write(pipe, least) && woken) {
        uint32_t irq = irq_save();
        mutex_unlock(&pipe->mutex);
        if (!may_write(pipe, least))
            woken = wait_queue_sleep(&pipe->writable);
        irq_restore(irq);
        mutex_lock(&pipe->mutex);
    }
    return may_write(pipe, least);
}

static int32_t pipe_write(struct file *file, uaddr_t buffer, uint32_t nbytes, uint64_t *offset)
{
    struct pipe *pipe = file->private;
    uint32_t least = nbytes <= PIPE_BUF ? nbytes : 1, done = 0;
    int32_t result = 0;

    (void)offset;
    mutex_lock(&pipe->mutex);
    while (done < nbytes && result >= 0) {
        if (!may_write(pipe, least) && (file->flags & O_NONBLOCK))
            result = -EAGAIN;
        else if (!wait_for_room(pipe, least))
            result = -ERESTARTSYS;
        else if (pipe->readers == 0)
            result = -EPIPE;
        else
            result = copy_in(pipe, buffer + done, nbytes - done);
        if (result > 0) {
            done += (uint32_t)result;
            wake(&pipe->readable);
        }
    }
    mutex_unlock(&pipe->mutex);
    return done ? (int32_t)done : result;
}

static unsigned pipe_poll(struct file *file)
{
    struct pipe *pipe = file->private;
    unsigned result = 0;

    if (is_reader(file)) {
        result |= bytes_in(pipe) > 0 ? POLLIN | POLLRDNORM : 0;
        result |= pipe->writers == 0 && pipe->write_opens ? POLLHUP : 0;
    }
    if (is_writer(file)) {
        result |= PIPE_BYTES - bytes_in(pipe) >= PIPE_BUF ? POLLOUT | POLLWRNORM : 0;
        result |= pipe->readers == 0 ? POLLERR : 0;
    }
    return result;
}

#define FIONREAD 0x541Bu

static int32_t pipe_ioctl(struct file *file, uint32_t request, uaddr_t argument)
{
    uint32_t nbytes = bytes_in(file->private);

    if (request != FIONREAD)
        return -ENOTTY;
    return copy_to_user(argument, &nbytes, sizeof(nbytes)) ? -EFAULT : 0;
}

/* ---- opening and closing: interrupts off ---- */

static void count_end(struct pipe *pipe, const struct file *file, int step)
{
    if (is_reader(file))
        pipe->readers += (unsigned)step;
    if (is_writer(file))
        pipe->writers += (unsigned)step;
}

static void pipe_release(struct file *file)
{
    struct pipe *pipe = file->private;
    uint32_t irq = irq_save();

    count_end(pipe, file, -1);
    bool last = pipe->readers == 0 && pipe->writers == 0;
    if (last)
        file->inode->private = NULL;
    wake(&pipe->readable);
    wake(&pipe->writable);
    irq_restore(irq);
    if (last)
        pipe_free(pipe);
}

/* The inode's pipe, or `fresh` if it has none, with one more end open. */
static struct pipe *join(struct file *file, struct pipe *fresh)
{
    struct pipe *pipe = file->inode->private;

    if (!pipe)
        pipe = file->inode->private = fresh;
    file->private = pipe;
    count_end(pipe, file, +1);
    pipe->read_opens += is_reader(file);
    pipe->write_opens += is_writer(file);
    wake(&pipe->readable);
    return pipe;
}

/* Wait until the other end has been opened, even if it is closed again already. */
static int wait_for_other_end(struct pipe *pipe, const unsigned *present, const uint32_t *opens)
{
    uint32_t before = *opens;
    bool woken = true;

    while (*present == 0 && *opens == before && woken)
        woken = wait_queue_sleep(&pipe->readable);
    return *present > 0 || *opens != before ? 0 : -ERESTARTSYS;
}

/* As fifo(7) has it: readers wait for a writer and writers for a reader, unless O_NONBLOCK (a reader
 * does not wait then, a writer gets -ENXIO) or O_RDWR.  A pipe without a name waits for nobody. */
static int wait_after_join(const struct file *file, struct pipe *pipe)
{
    bool nonblock = file->flags & O_NONBLOCK;

    if (file->inode->device == PIPE_DEVICE || (is_reader(file) && is_writer(file)))
        return 0;
    if (is_reader(file))
        return nonblock ? 0 : wait_for_other_end(pipe, &pipe->writers, &pipe->write_opens);
    if (nonblock)
        return pipe->readers == 0 ? -ENXIO : 0;
    return wait_for_other_end(pipe, &pipe->readers, &pipe->read_opens);
}

static int pipe_open(struct file *file)
{
    struct pipe *fresh = pipe_alloc();

    if (!fresh)
        return -ENOMEM;
    uint32_t irq = irq_save();
    struct pipe *pipe = join(file, fresh);
    int error = wait_after_join(file, pipe);
    irq_restore(irq);
    if (pipe != fresh)
        pipe_free(fresh);
    if (error)
        pipe_release(file);
    return error;
}

const struct file_ops fifo_file_ops = {
    .open = pipe_open,
    .read = pipe_read,
    .write = pipe_write,
    .poll = pipe_poll,
    .ioctl = pipe_ioctl,
    .release = pipe_release,
};

/* ---- pipe(2) ---- */

static void show_pipe_path(const struct inode *inode, char *text, size_t size)
{
    snprintf(text, size, "pipe:[%u]", inode->number);
}

static void free_inode(struct inode *inode)
{
    kfree(inode);
}

/* An inode that is in no directory, with one reference; NULL: no memory. */
static struct inode *make_inode(void)
{
    static const struct inode_ops ops = { .path = show_pipe_path, .release = free_inode };
    static uint32_t last_number;
    struct inode *inode = kmalloc(sizeof(*inode), PAGE_ANY);

    if (!inode)
        return NULL;
    uint32_t irq = irq_save();
    uint32_t number = ++last_number;
    irq_restore(irq);
    *inode = (struct inode){
        .number = number,
        .device = PIPE_DEVICE,
        .mode = S_IFIFO | 0600,
        .nlink = 1,
        .refs = 1,
        .ops = &ops,
        .file_ops = &fifo_file_ops,
    };
    inode->atime = inode->mtime = inode->ctime = fs_now();
    return inode;
}

int pipe_create(unsigned flags, struct file **read_end, struct file **write_end)
{
    struct inode *inode = make_inode();

    if (!inode)
        return -ENOMEM;
    int error = file_open(inode, flags | O_RDONLY, read_end);
    if (!error) {
        error = file_open(inode, flags | O_WRONLY, write_end);
        if (error)
            file_release(*read_end);
    }
    inode_put(inode); /* the ends have references of their own */
    return error;
}
