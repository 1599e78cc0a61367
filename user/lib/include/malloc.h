/* malloc.h - the user heap beyond ISO C. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

/* What a program may use of a block: at least what it asked for. */
size_t malloc_usable_size(const void *block);

struct malloc_stats {
    size_t heap_bytes;  /* from the heap's start to its end */
    size_t used_bytes;  /* in allocated chunks, headers included */
    size_t free_bytes;  /* in free chunks between them */
    size_t top_bytes;   /* free at the end of the heap; its pages may never have been touched */
    size_t used_chunks; /* how many */
    size_t free_chunks;
};

void malloc_get_stats(struct malloc_stats *stats);

/* Walk the whole heap and all lists.  true: everything is consistent.  false: a message on stderr
 * says what is wrong, and where. */
bool malloc_check(void);
