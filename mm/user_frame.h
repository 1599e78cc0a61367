/* mm/user_frame.h - references to user frames: from page-table entries, the page cache, and who
 * works on one for a moment.  Interrupts off (some lock held) or one user only. */
#pragma once

#include "kernel/lib/assert.h"
#include "mm/buddy.h"

/* A frame for a user page, HIGHMEM or not: one reference, contents undefined.  NULL: no memory. */
static inline struct page *user_frame_alloc(enum page_kind kind)
{
    struct page *page = buddy_alloc(0, kind, PAGE_HIGHMEM_OK);
    if (likely(page))
        page->refs = 1;
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
