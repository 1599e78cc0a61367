/* user/lib/malloc_heap.h - the heap as malloc.c, which explains it, and malloc_more.c see it. */
#pragma once

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "user/lib/lock.h"

struct chunk {
    size_t prev_size;          /* size of the chunk before, while that is free */
    size_t head;               /* size, flags, address bits */
    struct chunk *next, *prev; /* in the bin; while held: the next one, and its complement */
};

#define ALIGNMENT 16u
#define PREV_NOT_FREE 1u
#define FREE 0x100u
#define HELD 0x200u
#define ADDRESS_MASK 0xFEu
#define ADDRESS_SHIFT 3 /* bit 3 of a chunk's address is set, and falls on PREV_NOT_FREE */
#define UNITS_SHIFT 10
#define SIZE_SHIFT 6 /* head to size: 10 bits are not the size, a unit is 2^4 bytes */

#define BLOCK_OFFSET offsetof(struct chunk, next) /* from chunk to block */
#define OVERHEAD sizeof(size_t)                   /* chunk size - usable size */
#define MIN_CHUNK sizeof(struct chunk)
#define CHUNK_MAX ((1u << (32 - SIZE_SHIFT)) - ALIGNMENT)

#define PAGE 4096u
#define REQUEST_MAX ((size_t)PTRDIFF_MAX - PAGE)

#define SMALL_LIMIT 1024u /* chunks below this have exact bins, and can be held */
#define SMALL_BINS (SMALL_LIMIT / ALIGNMENT)
#define OCTAVE_SHIFT 3 /* log2 of the bins for each power of two above */
#define OCTAVE_BINS (1u << OCTAVE_SHIFT)
#define SMALL_LOG2 10u
#define BIN_COUNT (SMALL_BINS + (32 - SIZE_SHIFT - SMALL_LOG2) * OCTAVE_BINS)
#define WORD_BITS 32u
#define MAP_WORDS (BIN_COUNT / WORD_BITS + 1) /* bit BIN_COUNT is there, and 0 */

#define POISON 0xDF /* fills blocks in quarantine, and what is left before a guard page */
#define RECENT 16   /* how many unmapped blocks are remembered */

_Static_assert(sizeof(struct chunk) == ALIGNMENT, "sizes are those of a 32-bit machine");

/* What precedes a block with pages of its own. */
struct mapping {
    size_t offset; /* of the block from the first page */
    size_t length; /* of the pages, a guard page included */
    size_t usable; /* of the block */
    size_t seal;   /* of all that, and the block's address: makes a mapping worth checking */
};

_Static_assert(sizeof(struct mapping) == ALIGNMENT, "the block behind it is aligned");

struct heap {
    int lock;           /* around all of this */
    struct chunk *base; /* the first chunk; NULL before the first request */
    struct chunk *top;
    struct chunk *end; /* where a chunk behind top would begin; room for its header */
    struct chunk *to_carve, *carve_end; /* small requests are cut off; in no list; or NULL */
    size_t span;                        /* (end - base) / ALIGNMENT */
    char *untouched;                    /* memory from here on is as the kernel gave it: zero */
    intptr_t held_room;                 /* how many units more may be held */
    size_t held_limit;                  /* held_room when nothing is held */
    size_t mapped_bytes, mapped_blocks;
    /* Requests from small_end on are not small, from map_at on get mappings; 0 before the first
     * request, and in guard mode. */
    size_t small_end, map_at;
    bool started, guard, quarantine;
    void **freed; /* a ring: the blocks in quarantine, or else those unmapped last */
    size_t freed_size, freed_at;
    void *recent[RECENT];         /* the ring without quarantine */
    uint32_t map[MAP_WORDS];      /* bit b: bin b is not empty */
    struct chunk bins[BIN_COUNT]; /* list heads: next, prev; head = the bin's number */
};

#pragma GCC visibility push(hidden) /* from the programs that use the shared library */

extern struct heap malloc_heap;
extern struct chunk *malloc_held[SMALL_BINS]; /* stacks, by size in units */

/* One line on stderr.  `where`: an address in the heap, or not. */
void malloc_report(const char *what, const void *where);

/* The same for a block, and the end of the program. */
_Noreturn void malloc_die(const char *what, struct chunk *c);

/* Set malloc_heap's guard and quarantine as STRATA_MALLOC says. */
void malloc_read_options(void);

/* A block in quarantine is still what it was, but not to be used: frozen.  malloc_thaw() ends the
 * program if it was written to. */
void malloc_freeze(void *block);
void malloc_thaw(void *block);

#pragma GCC visibility pop

/* Of a held block, and of one in quarantine. */
static const char written_freed[] = "a block was written to after it was freed";

static inline size_t size_of(const struct chunk *c)
{
    return c->head >> SIZE_SHIFT & ~(size_t)(ALIGNMENT - 1);
}

/* A distance downwards is a negative number, as an unsigned one. */
static inline struct chunk *chunk_at(const void *chunk, size_t distance)
{
    return (struct chunk *)((uintptr_t)chunk + distance);
}

static inline struct chunk *next_of(const struct chunk *c)
{
    return chunk_at(c, size_of(c));
}

static inline void *block_of(struct chunk *c)
{
    return chunk_at(c, BLOCK_OFFSET);
}

static inline struct chunk *chunk_of(const void *block)
{
    return chunk_at(block, -BLOCK_OFFSET);
}

static inline struct mapping *mapping_of(const void *block)
{
    return (struct mapping *)((uintptr_t)block - sizeof(struct mapping));
}

static inline size_t top_size(void)
{
    return (size_t)((char *)malloc_heap.end - (char *)malloc_heap.top);
}

static inline size_t held_bytes(void)
{
    return (malloc_heap.held_limit - (size_t)malloc_heap.held_room) * ALIGNMENT;
}

/* The low byte of a header at c, P set. */
static inline uint8_t mark_of(const struct chunk *c)
{
    return (uint8_t)((uintptr_t)c >> ADDRESS_SHIFT);
}

/* The header of a chunk in use, or with F or H if the caller adds that; P is set. */
static inline size_t head_for(const struct chunk *c, size_t size)
{
    return size << SIZE_SHIFT | mark_of(c);
}

static inline size_t round_up(size_t nbytes, size_t unit)
{
    return (nbytes + unit - 1) & ~(unit - 1);
}

static inline void *out_of_memory(void)
{
    errno = ENOMEM;
    return NULL;
}

/* The chunk size for a request. */
static inline size_t chunk_size_for(size_t nbytes)
{
    _Static_assert(MIN_CHUNK == ALIGNMENT, "no request is too small");
    return round_up(nbytes + OVERHEAD, ALIGNMENT);
}

/* May this be a chunk?  A misaligned one is none: the rotation makes its distance large. */
static inline bool is_in_heap(const struct chunk *c)
{
    uintptr_t distance = (uintptr_t)c - (uintptr_t)malloc_heap.base;
    return (distance / ALIGNMENT | distance << (WORD_BITS - 4)) < malloc_heap.span;
}

/* Does the chunk that the caller handed in, and the header behind it, look right? */
static inline bool looks_used(const struct chunk *c)
{
    const struct chunk *next = next_of(c);

    return ((c->head ^ mark_of(c)) & (ADDRESS_MASK | FREE | HELD)) == 0 &&
           next <= malloc_heap.top && (uint8_t)next->head == mark_of(next);
}

static inline unsigned bin_of(size_t size)
{
    if (size < SMALL_LIMIT)
        return size / ALIGNMENT;
    unsigned log2 = (WORD_BITS - 1) ^ (unsigned)__builtin_clz(size);
    unsigned leading = size >> (log2 - OCTAVE_SHIFT); /* the bits from the highest one on */
    return SMALL_BINS - (SMALL_LOG2 + 1) * OCTAVE_BINS + log2 * OCTAVE_BINS + leading;
}
