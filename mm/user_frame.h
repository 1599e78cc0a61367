/* mm/user_frame.h - references to user frames: from page-table entries, the page cache, and who
 * works on one for a moment.  Interrupts off (some lock held) or one user only. */
#pragma once

#include "kernel/cpu/cpu.h"
#include "kernel/lib/assert.h"
#include "mm/buddy.h"
#include "mm/kmap.h"
#include "mm/zeroed.h"

/* A frame for a user page, HIGHMEM or not: one reference, contents undefined.  NULL: no memory. */
static inline struct page *user_frame_alloc(enum page_kind kind)
{
    unsigned mobility = kind == PAGE_FILE ? PAGE_RECLAIMABLE : PAGE_MOVABLE;
    struct page *page = buddy_alloc(0, kind, PAGE_HIGHMEM_OK | mobility);
    if (likely(page)) {
        if (kind != PAGE_ANON) {
            page->cache = NULL; /* migration looks there at frames that have references */
            compiler_barrier();
        }
        page->refs = 1;
    }
    return page;
}

/* The same full of zeros. */
static inline struct page *user_frame_alloc_zeroed(enum page_kind kind)
{
    struct page *page;
    if (unlikely(zeroed_frames > 0) && (page = zeroed_take(kind)) != NULL)
        return page;
    page = user_frame_alloc(kind);
    if (likely(page))
        kmap_zero_frame(page);
    return page;
}

static inline void user_frame_get(struct page *page)
{
    page->refs++;
}

/* One reference less; the last one frees the frame.  Not for the zero frame, which is not counted. */
static inline void user_frame_put(struct page *page)
{
    ASSERT(page->refs > 0, "user frame %#x has no user left", page_to_pfn(page));
    if (--page->refs == 0)
        buddy_free(page, 0);
}
