/* mm/zeroed.h - free frames that are full of zeros already: made while the machine has nothing else to
 * do, used where zeros are wanted (PAGE_ZERO, user_frame_alloc_zeroed).
 * Below: buddy, kmap.  Above: the idle loop (through mm_idle), buddy for PAGE_ZERO.
 * They are free frames: counted so, and joined with the others by buddy_drain().
 * Lock: the zone's, taken inside. */
#pragma once

#include "mm/page.h"

struct pool;

extern uint32_t zeroed_frames; /* how many there are, all zones */

/* Make one more; false: there are enough, or memory is too short to keep some.  Interrupts off. */
bool zeroed_make(void);

/* Instead of a frame (order 0, just allocated), one of the same place that is zeroed; NULL: there is
 * none, and the frame is as it was. */
struct page *zeroed_exchange(struct page *page);

/* A zeroed frame for a program, with one reference; NULL: there is none, or a failure is to be injected. */
struct page *zeroed_take(enum page_kind kind);

/* For buddy.c: the pool's zeroed frames are on the free lists now. */
void zeroed_forget(struct pool *pool);
