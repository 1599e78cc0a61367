/* trace.h - a recorded sequence of heap operations: an array of these, in i386 byte order. */
#pragma once

#include <stdint.h>

enum { TRACE_MALLOC, TRACE_CALLOC, TRACE_REALLOC, TRACE_FREE };

struct trace_record {
    uint32_t operation : 2, slot : 30; /* the slot names the block; a free slot is used again */
    uint32_t nbytes;
};
