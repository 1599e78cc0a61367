/* mm/kmap.h - short-lived kernel windows on single frames, HIGHMEM or not.
 * Lowmem frames are always mapped: for them both functions cost a comparison.
 * Lock: "kmap".  Any context; slots are few (1023): unmap soon. */
#pragma once

#include "mm/page.h"

void kmap_init(void);

/* An address for the frame's 4 KiB until kunmap(); never fails (running out of slots
 * panics). */
void *kmap(struct page *page);
void kunmap(void *address);

/* The two things done most often to a user frame. */
void kmap_zero_frame(struct page *page);
void kmap_copy_frame(struct page *dst, struct page *src);

struct kmap_stats {
    uint32_t slots, used, peak;
    uint64_t maps;
};
void kmap_get_stats(struct kmap_stats *stats);
