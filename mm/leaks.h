/* mm/leaks.h - memory that nobody gives back: what was allocated since a mark, and what nobody can
 * reach any more.
 * Below: slab, buddy, track (who allocated it).  Above: the shell.
 * Needs the kernel parameter slab_debug= with U.  Lock: interrupts off for as long as memory is
 * walked, some milliseconds: nobody is in the middle of anything, and nothing changes. */
#pragma once

#include "mm/slab.h"
#include "mm/track.h"

/* Objects of one kind that were allocated in one way. */
struct leak_site {
    char what[SLAB_NAME_MAX]; /* the cache, or the kind of the frames */
    bool frames;              /* blocks of frames */
    uint32_t count;
    uint64_t nbytes;
    uint32_t example;   /* the one allocated last: its address, or (frames) its first frame */
    struct track track; /* of that one */
};

/* The caller gives sites[capacity]; the rest is the result, the most bytes first.  `count` and
 * `nbytes` are of all that was found, also of what had no room in sites[]. */
struct leak_list {
    struct leak_site *sites;
    unsigned capacity, nsites;
    uint32_t count;
    uint64_t nbytes;
    uint32_t looked_at; /* objects and blocks whose users are known */
};

/* Is there anything to be found: are objects or frames tracked? */
bool leaks_available(void);

/* What is in use and was allocated after event number `after`, up to `upto` (track_serial()):
 * objects, and blocks of frames that are no slabs. */
void leaks_since(uint32_t after, uint32_t upto, struct leak_list *list);

/* Objects of caches, and large kmalloc() blocks, to which no pointer leads from the kernel's data,
 * the stacks, the registers, or any object that one of these leads to.  `visit_stacks` calls what
 * it is given for the used part of each kernel stack.  0, or -ENOMEM. */
typedef void leaks_visit(const void *start, const void *end);
int leaks_unreachable(void (*visit_stacks)(leaks_visit *visit), struct leak_list *list);
