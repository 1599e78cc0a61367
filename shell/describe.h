/* shell/describe.h - memory in words, for the commands that explain. */
#pragma once

#include "kernel/procfs/show.h"
#include "mm/page.h"
#include "mm/paging.h"

/* A frame, without a newline at the end: "zone Normal, slab, cache vma, 3 objects in use".  A
 * block of several frames takes a second, indented line: "head of block 0x3fc0, 2^3 frames". */
void describe_frame(pfn_t pfn);

/* An entry's flags as letters: "PW---A---".  The same, and on a line of their own in words: "present,
 * ...". */
void describe_entry_letters(pte_t entry);
void describe_entry(pte_t entry);

/* One binary number of `width` digits. */
void describe_bits(uint32_t value, unsigned width);

/* Print a text of /proc (kernel/procfs/show.h), of a process or (pid 0) of the machine.  Its result. */
int describe_text(int (*show)(struct text *text, uint32_t pid), uint32_t pid);
