/* Devices that are no hardware (null(4), zero(4), full(4), random(4)).
 *
 *              read                      write
 *   null       end of file               swallowed
 *   zero       zeros                     swallowed
 *   full       zeros                     -ENOSPC
 *   random     random bytes              stirs the generator
 *   urandom    the same
 *
 * Shared or private mappings of /dev/zero are anonymous memory: that is mmap's business. */
#include "kernel/fs/devices.h"

#include "kernel/cpu/random.h"
#include "kernel/fs/file.h"
#include "kernel/lib/assert.h"
#include "kernel/lib/errno.h"
#include "kernel/sched/thread.h"
#include "mm/uaccess.h"

#define MEMORY_MAJOR 1 /* Linux, devices.txt: "Memory devices" */
#define CHUNK 256u     /* bytes on the kernel's stack at a time */

/* A result for `done` of nbytes. */
static int32_t count_or_fault(uint32_t done, uint32_t nbytes)
{
    return done == 0 && nbytes > 0 ? -EFAULT : (int32_t)done;
}

static int32_t null_read(struct file *file, uaddr_t buffer, uint32_t nbytes, uint64_t *offset)
{
    (void)file, (void)buffer, (void)nbytes, (void)offset;
    return 0;
}

static int32_t null_write(struct file *file, uaddr_t buffer, uint32_t nbytes, uint64_t *offset)
{
    (void)file, (void)buffer, (void)offset;
    return (int32_t)nbytes;
}

static int32_t zero_read(struct file *file, uaddr_t buffer, uint32_t nbytes, uint64_t *offset)
{
    (void)file, (void)offset;
    return count_or_fault(nbytes - (uint32_t)clear_user(buffer, nbytes), nbytes);
}

static int32_t full_write(struct file *file, uaddr_t buffer, uint32_t nbytes, uint64_t *offset)
{
    (void)file, (void)buffer, (void)nbytes, (void)offset;
    return -ENOSPC;
}

static int32_t random_read(struct file *file, uaddr_t buffer, uint32_t nbytes, uint64_t *offset)
{
    uint8_t chunk[CHUNK];
    uint32_t done = 0, missing = 0;

    (void)file, (void)offset;
    while (done < nbytes && missing == 0 && !(done > 0 && thread_current()->interrupted)) {
        uint32_t length = MIN(CHUNK, nbytes - done);
        random_bytes(chunk, length);
        missing = (uint32_t)copy_to_user(buffer + done, chunk, length);
        done += length - missing;
    }
    return count_or_fault(done, nbytes);
}

static int32_t random_write(struct file *file, uaddr_t buffer, uint32_t nbytes,
                            uint64_t *offset)
{
    uint8_t chunk[CHUNK];
    uint32_t done = 0, missing = 0;

    (void)file, (void)offset;
    while (done < nbytes && missing == 0) {
        uint32_t length = MIN(CHUNK, nbytes - done);
        missing = (uint32_t)copy_from_user(chunk, buffer + done, length);
        random_stir(chunk, length - missing);
        done += length - missing;
    }
    return count_or_fault(done, nbytes);
}

/* These have no position: seeking works, and goes nowhere. */
static int64_t seek_nowhere(struct file *file, int64_t offset, int whence)
{
    (void)file, (void)offset, (void)whence;
    return 0;
}

void devices_init(void)
{
    static const struct file_ops null_ops = { .read = null_read,
                                              .write = null_write,
                                              .seek = seek_nowhere };
    static const struct file_ops zero_ops = { .read = zero_read,
                                              .write = null_write,
                                              .seek = seek_nowhere };
    static const struct file_ops full_ops = { .read = zero_read,
                                              .write = full_write,
                                              .seek = seek_nowhere };
    static const struct file_ops random_ops = { .read = random_read,
                                                .write = random_write,
                                                .seek = seek_nowhere };
    static const struct {
        const char *name;
        unsigned minor;
        const struct file_ops *ops;
    } devices[] = {
        { "null", 3, &null_ops },     { "zero", 5, &zero_ops },      { "full", 7, &full_ops },
        { "random", 8, &random_ops }, { "urandom", 9, &random_ops },
    };

    for (unsigned i = 0; i < ARRAY_SIZE(devices); i++) {
        int error = fs_add_device(
            devices[i].name, DEVICE_NUMBER(MEMORY_MAJOR, devices[i].minor), devices[i].ops);
        ASSERT(!error, "no memory for /dev/%s", devices[i].name);
    }
}
