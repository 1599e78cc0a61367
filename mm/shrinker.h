/* mm/shrinker.h - who keeps memory only in case it is needed says so here.
 * Below: nothing.  Above: reclaim calls them, and registers those of mm/; threads register theirs. */
#pragma once

#include "kernel/lib/list.h"
#include "kernel/lib/types.h"

/* What it costs to have it back: reclaim begins with the cheapest. */
enum shrink_cost {
    SHRINK_NOTHING_LOST, /* free already, or made again by the next who wants it */
    SHRINK_READ_AGAIN,   /* clean pages of files that nobody maps */
    SHRINK_MADE_AGAIN,   /* what an allocator keeps empty */
    SHRINK_FAULT_AGAIN   /* out of the page tables of programs: each page costs a fault */
};

/* From where it may be called: inside any allocation, where locks may be held; or not. */
enum shrink_context { SHRINK_ANYWHERE, SHRINK_UNLOCKED };

struct shrinker {
    const char *name;
    enum shrink_cost cost;
    enum shrink_context context;
    uint32_t (*count)(void); /* frames that it could give, about */
    /* Give back about `npages` frames, only such as lie below frame number `below` if it can choose;
     * returns how many.  Interrupts are off; it must not sleep, must not allocate and, unless
     * SHRINK_UNLOCKED, must leave alone what is locked (spin_is_held). */
    uint32_t (*shrink)(uint32_t npages, pfn_t below);
    uint64_t calls, frames; /* the registry's: how often, and what came of it */
    struct list_node node;
};

/* `shrinker` stays with the registry for ever. */
void shrinker_register(struct shrinker *shrinker);

/* Shrink, the cheapest first, until `npages` frames are free; they are wanted below frame number
 * `below`.  `context` is what the caller is in: from SHRINK_ANYWHERE those that are SHRINK_UNLOCKED are
 * passed over.  Those above `most` in cost are left alone.  Interrupts off.  Returns how many frames
 * came back. */
uint32_t shrinkers_run(uint32_t npages, pfn_t below, enum shrink_context context,
                       enum shrink_cost most);

/* For the shell: a copy of the index-th; false past the last. */
bool shrinker_get(unsigned index, struct shrinker *copy);
