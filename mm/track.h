/* mm/track.h - who allocated what, and when: kept beside each object and for each block of frames,
 * if the kernel parameter slab_debug= asks for it (U).
 * Below: panic.c (backtraces), symbols, timer.  Above: slab and buddy, which note; slab_debug.c and
 * leaks.c, which read.  Any context; who owns the memory owns its track. */
#pragma once

#include "kernel/log.h"
#include "mm/page.h"

#define TRACK_DEPTH 6u
#define TRACK_TEXT_MAX 200u /* enough for most in one line */

/* One event: an allocation or a free. */
struct track {
    uint32_t serial;                /* events are counted from 1; 0: there was none */
    uint32_t ticks : 30;            /* of the timer, when */
    uint32_t colour : 2;            /* leaks.c's, while it looks for what is out of reach */
    uintptr_t callers[TRACK_DEPTH]; /* return addresses, innermost first; 0 behind the last */
};

/* What a slot of a slab has. */
struct tracks {
    struct track alloc, free; /* the last of each */
};

/* Note the event that is happening: callers[0] is who called the allocators, whichever of them,
 * and however they called each other. */
void track_note(struct track *track);

/* The number of the last event. */
uint32_t track_serial(void);

/* One line of the way there: the callers from number `first` on, as many as fit into `size`,
 * but at least one.  "leak+0x1c < run_case+0x40", and if first > 0: "< start+0x1e0 < ...".  Returns
 * the number of the next one, TRACK_DEPTH behind the last. */
unsigned track_format(const struct track *track, unsigned first, char *text, size_t size);

/* Log "WHAT at 12.34 s by leak+0x1c < ...", in as many lines as it needs, or that nothing is
 * known. */
void track_log(const char *what, const struct track *track);

/* ---- Blocks of frames ---- */

extern bool track_pages; /* they are tracked; for buddy.c */

/* From now on (or, if there is no memory for that, not at all) track blocks of frames.  After
 * kmalloc_init(); only if slab_debug= asks for it. */
void track_init(void);

/* A block has just been taken from buddy. */
void track_page_alloc(const struct page *head);

/* A block has taken the place of another one: who took that has this one now. */
void track_page_move(const struct page *to, const struct page *from);

/* By whom; NULL if it is not known. */
struct track *track_of_page(const struct page *head);

/* Log who took the block last. */
void track_log_page(const struct page *head);
