/* user/lib/malloc_map.c - blocks with pages of their own; guard pages and quarantine.
 *
 *     first page                                                     last page
 *     +-------------------+---------+--------------------------------+---------------+
 *     |  (not touched)    | mapping | the caller's                   | guard, if any |
 *     +-------------------+---------+--------------------------------+---------------+
 *     |<---- offset ----------------|<------- usable --------------->|
 *     |<--------------------------------- length ------------------------------------>|
 *
 * The seal makes a mapping worth checking.  Blocks that were unmapped may not even be read: the last
 * RECENT are remembered, so that a second free is told from a crash. */
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "user/lib/malloc_heap.h"

static struct mapping *mapping_of(const void *block)
{
    return (struct mapping *)((uintptr_t)block - sizeof(struct mapping));
}

static size_t seal_of(const struct mapping *m)
{
    return SEAL ^ (uintptr_t)m ^ m->offset ^ m->length << 1 ^ m->usable << 2;
}

static void *set_mapping(char *start, size_t offset, size_t length, size_t usable)
{
    struct mapping *m = mapping_of(start + offset);

    *m = (struct mapping){ offset, length, usable, 0 };
    m->seal = seal_of(m);
    malloc_heap.mapped_bytes += length;
    malloc_heap.mapped_blocks++;
    for (unsigned i = 0; i < RECENT; i++) /* the address is a block again */
        malloc_heap.recent[i] = malloc_heap.recent[i] == start + offset ? NULL
                                                                        : malloc_heap.recent[i];
    return start + offset;
}

/* Zeroed pages of its own for a block; NULL if there are none.  In guard mode the block's end is
 * the start of a page without access; what alignment leaves between them is POISON. */
void *malloc_map_block(size_t nbytes, size_t alignment)
{
    size_t usable = nbytes == 0 ? 1 : nbytes;
    size_t offset = round_up(sizeof(struct mapping), alignment);
    size_t length = round_up(offset + usable, PAGE) + (malloc_heap.guard ? PAGE : 0);

    if (alignment > PAGE)
        length += alignment;
    if (length > REQUEST_MAX || length < nbytes)
        return NULL;
    char *start = mmap(NULL, length, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1,
                       0);
    if (start == MAP_FAILED)
        return NULL;
    if (malloc_heap.guard) {
        char *guard = start + length - PAGE;
        char *block = (char *)((uintptr_t)(guard - usable) & ~(uintptr_t)(alignment - 1));
        mprotect(guard, PAGE, PROT_NONE);
        memset(block + usable, POISON, (size_t)(guard - block) - usable);
        offset = (size_t)(block - start);
    } else {
        offset += -(uintptr_t)(start + offset) & (alignment - 1);
        usable = length - offset;
    }
    return set_mapping(start, offset, length, usable);
}

/* The mapping of a block that is not in the heap. */
struct mapping *malloc_checked_mapping(const void *block)
{
    for (unsigned i = 0; i < RECENT; i++) {
        if (malloc_heap.recent[i] == block)
            malloc_die(free_already, block);
    }
    for (size_t i = 0; malloc_heap.guard && i < malloc_heap.quarantine_size; i++) {
        if (malloc_heap.quarantine[i] == block)
            malloc_die(free_already, block);
    }
    struct mapping *m = mapping_of(block);
    if ((uintptr_t)block % ALIGNMENT != 0 || m->seal != seal_of(m))
        malloc_die(not_a_block, block);
    const unsigned char *end = (const unsigned char *)block + m->usable;
    const unsigned char *guard = (const unsigned char *)block - m->offset + m->length - PAGE;
    while (malloc_heap.guard && end < guard) {
        if (*end++ != POISON)
            malloc_die(overrun, block);
    }
    return m;
}

void malloc_unmap_block(void *block)
{
    struct mapping *m = mapping_of(block);

    malloc_heap.mapped_bytes -= m->length;
    malloc_heap.mapped_blocks--;
    malloc_heap.recent[malloc_heap.recent_at++ % RECENT] = block;
    int saved_errno = errno; /* POSIX: free() leaves it alone */
    munmap((char *)block - m->offset, m->length);
    errno = saved_errno;
}

/* Other pages behind the same block, without copying; NULL if that cannot be. */
void *malloc_remap_block(struct mapping *m, size_t nbytes)
{
    char *start = (char *)(m + 1) - m->offset;
    size_t offset = m->offset, length = m->length, wanted = round_up(offset + nbytes, PAGE);

    if (malloc_heap.guard || nbytes < MAP_LEAVE || wanted > REQUEST_MAX)
        return NULL;
    if (wanted != length)
        start = mremap(start, length, wanted, MREMAP_MAYMOVE);
    if (start == MAP_FAILED)
        return NULL;
    malloc_heap.mapped_bytes -= length;
    malloc_heap.mapped_blocks--;
    return set_mapping(start, offset, wanted, wanted - offset);
}

/* ---- Debugging aids: guard pages and quarantine ------------------------------------------ */

static void *page_of(const void *address)
{
    return (void *)((uintptr_t)address & ~(uintptr_t)(PAGE - 1));
}

/* Read STRATA_MALLOC.  Other words in it mean nothing. */
void malloc_read_options(void)
{
    static const char quarantine[] = "quarantine=";
    const char *option = getenv("STRATA_MALLOC");

    while (option != NULL) {
        option += *option == ',';
        if (strncmp(option, "guard", sizeof("guard") - 1) == 0)
            malloc_heap.guard = true;
        else if (strncmp(option, quarantine, sizeof(quarantine) - 1) == 0)
            malloc_heap.quarantine_size = strtoul(option + sizeof(quarantine) - 1, NULL, 10);
        option = strchr(option, ',');
    }
    if (malloc_heap.quarantine_size > 0 &&
        malloc_heap.quarantine_size < REQUEST_MAX / sizeof(void *))
        malloc_heap.quarantine = mmap(NULL, malloc_heap.quarantine_size * sizeof(void *),
                                      PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1,
                                      0);
    if (malloc_heap.quarantine == NULL || malloc_heap.quarantine == MAP_FAILED)
        malloc_heap.quarantine_size = 0;
}

/* A freed block enters quarantine: it is still what it was, but not to be used. */
static void freeze(void *block, struct chunk *c)
{
    if (c != NULL) {
        c->head |= HELD;
        memset(block, POISON, size_of(c) - OVERHEAD);
    } else {
        struct mapping *m = mapping_of(block);
        mprotect((char *)block - m->offset, m->length, PROT_NONE);
    }
}

static void thaw(void *block, struct chunk *c)
{
    if (c == NULL) {
        mprotect(page_of(mapping_of(block)), PAGE, PROT_READ);
        return;
    }
    const unsigned char *bytes = block;
    for (size_t i = 0; i < size_of(c) - OVERHEAD; i++) {
        if (bytes[i] != POISON)
            malloc_die(written_held, block);
    }
    c->head &= ~HELD;
}

/* A block enters quarantine; the one that leaves for it has served its time.  NULL: none. */
void *malloc_exchange(void *block, struct chunk **c)
{
    void **place =
        &malloc_heap.quarantine[malloc_heap.quarantine_at++ % malloc_heap.quarantine_size];
    void *oldest = *place;

    freeze(block, *c);
    *place = block;
    *c = NULL;
    if (oldest == NULL)
        return NULL;
    struct chunk *old = chunk_of(oldest);
    if (old >= malloc_heap.base && old < malloc_heap.top)
        *c = old;
    thaw(oldest, *c);
    return oldest;
}
