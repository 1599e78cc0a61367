/* mm/user_frame.h - references to user frames; between space.c and fault.c. */
#pragma once

#include "mm/page.h"

/* One page-table entry less maps the frame; the last one frees it.  The zero frame is not
 * counted. */
void user_frame_put(struct page *page);
