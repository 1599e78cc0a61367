/* tests/kernel/mix.h - a worker that uses every allocator at random and knows what it holds: for the
 * storm (many of them at once) and the soak (one, for a long time, while memory runs out). */
#pragma once

#include "tests/kernel/test.h"

#include "mm/pagecache.h"
#include "mm/slab.h"
#include "mm/space.h"

#define MIX_HELD 16u  /* blocks of kernel memory */
#define MIX_PAGES 32u /* of the address space */
#define MIX_PIECES 8u /* of 4 MiB of it, which may be one page */

/* What all workers of a test share. */
struct mix_world {
    struct slab_cache *cache;
    struct page_cache file;
    volatile unsigned errors; /* a block or a page did not have what was written there */
};

struct mix_worker {
    struct mix_world *world;
    struct test random;
    struct {
        uint32_t *memory;
        uint32_t nbytes;
        unsigned kind;
        struct page *page; /* what it is a view of: vmap */
    } held[MIX_HELD];
    struct space *space; /* NULL: could not be had yet */
    bool mapped[MIX_PAGES + MIX_PIECES];
    uint32_t stamps[MIX_PAGES + MIX_PIECES]; /* what was written there; 0: nothing */
};

/* False: no memory for it. */
bool mix_begin(struct mix_world *world);
void mix_end(struct test *t, struct mix_world *world);

/* The same seed does the same, as far as memory lets it. */
void mix_worker_init(struct mix_worker *worker, struct mix_world *world, uint32_t seed);

/* One operation: take or give back something, looking at what is in it. */
void mix_step(struct mix_worker *worker);

/* Give back all that the worker holds. */
void mix_worker_end(struct mix_worker *worker);
