/* shell/describe.h - memory in words, for the commands that explain. */
#pragma once

#include "mm/page.h"
#include "mm/paging.h"

/* One line on a frame, without a newline: "zone Normal, slab, block of 2^0 frames at pfn 0x123,
 * ...". */
void describe_frame(pfn_t pfn);

/* An entry's flags as letters, and on a line of their own in words: "PW---A---", "present,
 * ...". */
void describe_entry(pte_t entry);

/* One binary number of `width` digits. */
void describe_bits(uint32_t value, unsigned width);
