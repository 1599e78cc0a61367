/* mm/migrate.h - user frames change place while programs use them.
 * Below: space, pagecache, buddy.  Above: compact.
 * Context: interrupts off; sleeps never, allocates by buddy_alloc_quietly() only, passes over what is
 * locked. */
#pragma once

#include "mm/page.h"

/* Move all user frames of [start, start + 2^order) to other places; the window is closed (window_close,
 * buddy_internal.h).  All or none: 0 if one of them has users that cannot be found (pinned), or if there
 * are no frames to move to.  Returns how many were moved; they have no reference now. */
uint32_t migrate_window(pfn_t start, unsigned order);
