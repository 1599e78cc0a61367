/* user/lib/malloc_heap.h - what the parts of malloc share.  malloc.c explains it. */
#pragma once

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "user/lib/include/malloc.h"

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

#define SMALL_LIMIT 1024u /* chunks below this have exact bins */
#define SMALL_BINS (SMALL_LIMIT / ALIGNMENT)
#define OCTAVE_SHIFT 3 /* log2 of the bins for each power of two above */
#define OCTAVE_BINS (1u << OCTAVE_SHIFT)
#define SMALL_LOG2 10u
#define BIN_COUNT (SMALL_BINS + (32 - SIZE_SHIFT - SMALL_LOG2) * OCTAVE_BINS)
#define WORD_BITS 32u
#define MAP_WORDS ((BIN_COUNT + WORD_BITS - 1) / WORD_BITS)
#define SCAN_MAX 16 /* how many chunks of a large request's own bin are looked at */

#define HELD_LISTS SMALL_BINS /* what has an exact bin can be held */
#define HELD_MAX (SMALL_LIMIT - ALIGNMENT)
#define HELD_KEEP (256u * 1024)
#define HELD_KEEP_SHARE 2 /* of the heap */
#define HELD_SHARE 12     /* of the heap, when it would grow */
#define TAKEN_SHARE 64    /* of the heap, between two walks through it */

#define CARVE_MAX (4u * 1024)

#define GROW_STEP (64u * 1024)
#define TRIM_AT (128u * 1024)
#define TOP_KEEP GROW_STEP
#define MAP_AT (128u * 1024)
#define MAP_LEAVE (MAP_AT / 4) /* a mapping that shrinks below this moves to the heap */

#define POISON 0xDF /* fills blocks in quarantine */
#define RECENT 16   /* how many unmapped blocks are remembered */

_Static_assert(sizeof(struct chunk) == 16, "sizes are those of a 32-bit machine");

/* What precedes a block with pages of its own. */
struct mapping {
    size_t offset; /* of the block from the first page */
    size_t length; /* of the pages, a guard page included */
    size_t usable; /* of the block */
    size_t seal;   /* of all that, and the block's address */
};

#define SEAL 0x5374617Au
_Static_assert(sizeof(struct mapping) == ALIGNMENT, "the block behind it is aligned");

struct heap {
    struct chunk *base; /* the first chunk; NULL before the first request */
    struct chunk *top;
    struct chunk *end;      /* where a chunk behind top would begin; room for its header */
    struct chunk *to_carve; /* small requests are cut off; looks held, in no list; or empty */
    size_t span;            /* (end - base) / 16 */
    size_t taken;           /* bytes from bins and top since all was merged */
    char *untouched;        /* memory from here on is as the kernel gave it: zero */
    intptr_t held_room;     /* how many bytes more may be held */
    size_t held_limit;      /* held_room when nothing is held */
    size_t mapped_bytes, mapped_blocks;
    size_t small_end, map_at; /* requests from here on are not small; get mappings; or 0 */
    bool started, guard;
    void **quarantine; /* a ring of blocks */
    size_t quarantine_size, quarantine_at;
    const void *recent[RECENT]; /* blocks whose pages were given back: not to be read */
    unsigned recent_at;
    uint32_t summary;             /* bit w: map[w] != 0 */
    uint32_t map[MAP_WORDS];      /* bit b: bin b is not empty */
    struct chunk bins[BIN_COUNT]; /* list heads: next, prev; head = the bin's number */
};

extern struct heap malloc_heap;
extern struct chunk *malloc_held[HELD_LISTS]; /* by size / 16 */

static inline size_t size_of(const struct chunk *c)
{
    return c->head >> SIZE_SHIFT & ~(size_t)(ALIGNMENT - 1);
}

static inline struct chunk *chunk_at(const void *chunk, ptrdiff_t distance)
{
    return (struct chunk *)((uintptr_t)chunk + (uintptr_t)distance);
}

static inline void *block_of(struct chunk *c)
{
    return (void *)((uintptr_t)c + BLOCK_OFFSET);
}

static inline struct chunk *chunk_of(const void *block)
{
    return chunk_at(block, -(ptrdiff_t)BLOCK_OFFSET);
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

/* A header that is valid as to the mark and P, for set_free(). */
static inline struct chunk *mark_only(struct chunk *c)
{
    c->head = mark_of(c);
    return c;
}

static inline size_t round_up(size_t nbytes, size_t unit)
{
    return (nbytes + unit - 1) & ~(unit - 1);
}

/* The chunk size for a request; the caller has compared it with REQUEST_MAX. */
static inline size_t chunk_size_for(size_t nbytes)
{
    _Static_assert(MIN_CHUNK == ALIGNMENT, "no request is too small");
    return round_up(nbytes + OVERHEAD, ALIGNMENT);
}

static inline void *out_of_memory(void)
{
    errno = ENOMEM;
    return NULL;
}

/* May this be a chunk?  A misaligned one is none: the rotation makes its distance large. */
static inline bool is_in_heap(const struct chunk *c)
{
    uintptr_t distance = (uintptr_t)c - (uintptr_t)malloc_heap.base;
    return (distance / ALIGNMENT | distance << (WORD_BITS - 4)) < malloc_heap.span;
}

static inline unsigned bin_of(size_t size)
{
    if (size < SMALL_LIMIT)
        return size / ALIGNMENT;
    unsigned log2 = (WORD_BITS - 1) ^ (unsigned)__builtin_clz(size);
    unsigned leading = size >> (log2 - OCTAVE_SHIFT); /* the bits from the highest one on */
    return SMALL_BINS - (SMALL_LOG2 + 1) * OCTAVE_BINS + log2 * OCTAVE_BINS + leading;
}

/* ---- Lock: malloc.c --------------------------------------------------------------------- */

/* The lock counts from LOCK_FREE to 0 and back, so that one test of the processor's flags tells
 * whether it was free, or whether somebody waits.  From LOCK_WAITED on somebody may sleep. */
#define LOCK_FREE -1
#define LOCK_WAITED 1

extern int malloc_lock;

void malloc_lock_wait(void);
void malloc_unlock_wake(void);

static inline bool try_lock(void)
{
    return __builtin_expect(__atomic_add_fetch(&malloc_lock, 1, __ATOMIC_ACQUIRE) == 0, 1);
}

/* false: it is still locked, because somebody waits for it. */
static inline bool try_unlock(void)
{
    return __builtin_expect(__atomic_sub_fetch(&malloc_lock, 1, __ATOMIC_RELEASE) < 0, 1);
}

static inline void lock(void)
{
    if (!try_lock())
        malloc_lock_wait();
}

static inline void unlock(void)
{
    if (!try_unlock())
        malloc_unlock_wake();
}

/* ---- Reports: malloc.c ------------------------------------------------------------------- */

static const char free_already[] = "block is free already";
static const char not_a_block[] = "not a block of the heap";
static const char bad_header[] = "not a block, or its header was overwritten";
static const char overrun[] = "not a block, or written past its end";
static const char written_free[] = "a free block was overwritten";
static const char written_before[] = "a free block was overwritten before this one";
static const char written_held[] = "a block was written to after it was freed";
static const char foreign_shrink[] = "somebody else gave a part of the heap back";

/* One line on stderr; the second ends the program.  `where`: an address in the heap, or not. */
void malloc_report(const char *what, const void *where);
_Noreturn void malloc_die(const char *what, const void *where);

/* ---- Mappings and debugging aids: malloc_map.c ------------------------------------------- */

/* Zeroed pages of its own for a block; NULL if there are none. */
void *malloc_map_block(size_t nbytes, size_t alignment);

/* The mapping of a block that is not in the heap; the program ends if it is none. */
struct mapping *malloc_checked_mapping(const void *block);

void malloc_unmap_block(void *block);

/* The same block with more or fewer pages, without copying; NULL if that cannot be. */
void *malloc_remap_block(struct mapping *m, size_t nbytes);

/* Set malloc_heap's guard and quarantine as STRATA_MALLOC says. */
void malloc_read_options(void);

/* A block enters quarantine, with its chunk or NULL for a mapping; the one that leaves for it, or
 * NULL, and its chunk are the result. */
void *malloc_exchange(void *block, struct chunk **c);
