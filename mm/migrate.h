/* mm/migrate.h - user frames change place while programs use them.
 * Below: space, pagecache, buddy.  Above: compact.
 * Context: interrupts off; sleeps never, allocates by buddy_alloc_moved() only, passes over what is
 * locked. */
#pragma once

#include "mm/page.h"

/* Move all user frames of [start, start + 2^order) to other places in their zone; the window is closed
 * (window_close, buddy_internal.h).  All or none: false if one of them has users that cannot be found
 * (pinned), or if there are no frames to move to.  *moved: how many; they have no reference now. */
bool migrate_window(pfn_t start, unsigned order, uint32_t *moved);
