/* malloc.h - the user heap beyond ISO C: what POSIX and GNU systems offer, and a view inside. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

/* What a program may use of a block: at least what it asked for. */
size_t malloc_usable_size(const void *block);

/* aligned_alloc() under its old name; aligned to a page; the same, and rounded up to whole pages. */
void *memalign(size_t alignment, size_t nbytes);
void *valloc(size_t nbytes);
void *pvalloc(size_t nbytes);

/* Give back to the kernel what is free at the heap's end, but for `keep` bytes.  1: something was
 * given back; 0: nothing. */
int malloc_trim(size_t keep);

/* Print malloc_get_stats() on stderr. */
void malloc_stats(void);

/* Linux' names for it; fields that mean nothing here are 0. */
struct mallinfo2 {
    size_t arena;    /* heap_bytes */
    size_t ordblks;  /* free_chunks, and top */
    size_t smblks;   /* held_chunks */
    size_t hblks;    /* mapped_blocks */
    size_t hblkhd;   /* mapped_bytes */
    size_t usmblks;  /* 0 */
    size_t fsmblks;  /* held_bytes */
    size_t uordblks; /* used_bytes */
    size_t fordblks; /* free_bytes + held_bytes + top_bytes */
    size_t keepcost; /* top_bytes */
};

struct mallinfo2 mallinfo2(void);

struct malloc_stats {
    size_t heap_bytes; /* from the heap's start to its end */
    size_t used_bytes; /* in allocated chunks, headers included */
    size_t held_bytes; /* in chunks that were freed, but not merged with their neighbours yet */
    size_t free_bytes; /* in free chunks between them */
    size_t top_bytes;  /* free at the end of the heap; its pages may never have been touched */
    size_t used_chunks; /* how many */
    size_t held_chunks;
    size_t free_chunks;
    size_t mapped_bytes; /* in pages of blocks outside the heap */
    size_t mapped_blocks;
};

void malloc_get_stats(struct malloc_stats *stats);

/* The heap piece by piece, in address order: each starts where the one before ends.  `visit` must
 * not allocate or free, and no other thread may. */
enum malloc_state { MALLOC_USED, MALLOC_HELD, MALLOC_FREE, MALLOC_TOP };

struct malloc_piece {
    const void *start; /* of the header */
    size_t nbytes;
    enum malloc_state state;
};

void malloc_walk(void (*visit)(const struct malloc_piece *piece, void *context), void *context);

/* Walk the whole heap and all lists.  true: everything is consistent.  false: a message on stderr
 * says what is wrong, and where. */
bool malloc_check(void);
