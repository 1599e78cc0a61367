/* user/lib/malloc.c - the user heap: malloc() and its family over sbrk().
 *
 * Problem     Cut the memory that brk gives in whole pages into blocks of any size, and rebuild
 *             large runs as they come back: in few instructions, with little waste, and
 *             noticing a program that frees twice or writes past its blocks.
 * Words       chunk = header + block.  bin = list of free chunks of one size class.  top = the
 *             free chunk at the end of the heap; it is in no bin, and grows and shrinks with
 *             brk.
 * State       Chunks lie one behind the other without gaps; sizes are multiples of 16, so the
 *             low four bits of a size are free for flags:
 *
 *              chunk                    block, 16-byte aligned       next chunk
 *              +-----------+----------------+----------------------------+----------------+---
 *              | prev_size | size | 1 0 P U | the caller's ... prev_size | size | 1 0 P U | ..
 *              +-----------+----------------+----------------------------+----------------+---
 *                                             next, prev, while free
 *
 *             U: in use.  P: the chunk before is in use.  1 0: a mark, the same in every
 *             header.  prev_size is a boundary tag (Knuth).  It is valid only while the chunk
 *             before is free; while that is in use, the four bytes belong to its block.  So a
 *             block costs 4 bytes, rounded up to 16.
 * Bins        Below 1 KiB one bin for each size (16, 32 .. 1008), above it 8 for each power of
 *             two.  A bitmap of the bins that are not empty, and a summary of its words, find
 *             the next larger chunk by two bit searches (TLSF).
 * Invariants  1. Two free chunks are never neighbours; top's neighbour is in use.
 *             2. P of a chunk = U of the one before; if that is free, prev_size = its size.
 *             3. A chunk is in a bin exactly if it is free and not top; a bin's bit = it has
 *             one.  malloc_check() tests all of them.
 * Alloc       The bin of that size, or the first chunk of the next bin that has one, the rest
 *             split off; only then top, so that the heap's end moves late; only then sbrk().
 * Free        Merge with both neighbours at once, then into its bin at the head: the block that
 *             was used last is in the cache.
 * brk         Grows by at least GROW_STEP; untouched pages cost nothing.  When top reaches
 *             TRIM_AT, all but TOP_KEEP goes back.  If somebody else moved brk, the foreign
 *             part becomes a chunk in use that nobody frees, and the heap goes on behind it.
 * Example     malloc 20, 40, 20; then free the middle one, and bin 3 has it:
 *             | 32 used | 48 used | 32 used | top    ->    | 32 used | 48 free | 32 used | top
 * Detection   Before a block is freed its header, its size and the next header must be right:
 *             double and invalid frees and overruns by one byte end the program with a message.
 *             A chunk that leaves its bin must have the right links and boundary tag: that
 *             shows writes to freed blocks (wild links end the program by SIGSEGV instead).
 * Limits      One thread.  Requests are below 2 GiB.
 * Reading     Knuth, TAOCP vol. 1, 2.5; Wilson et al., Dynamic Storage Allocation, 1995; Lea,
 *             A Memory Allocator; Masmano et al., TLSF, ECRTS 2004. */
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "user/lib/include/malloc.h"

struct chunk {
    size_t prev_size;          /* size of the chunk before, while that is free */
    size_t head;               /* size and flags */
    struct chunk *next, *prev; /* in the bin, while free */
};

#define ALIGNMENT 16u
#define IN_USE 1u
#define PREV_IN_USE 2u
#define MARK 8u
#define MARK_MASK 12u
#define FLAGS_MASK (ALIGNMENT - 1)

#define BLOCK_OFFSET offsetof(struct chunk, next) /* from chunk to block */
#define OVERHEAD sizeof(size_t)                   /* chunk size - usable size */
#define MIN_CHUNK sizeof(struct chunk)
#define REQUEST_MAX ((size_t)PTRDIFF_MAX - 4096)

#define SMALL_LIMIT 1024u /* chunks below this have exact bins */
#define SMALL_BINS (SMALL_LIMIT / ALIGNMENT)
#define OCTAVE_SHIFT 3 /* log2 of the bins for each power of two above */
#define OCTAVE_BINS (1u << OCTAVE_SHIFT)
#define SMALL_LOG2 10u
#define BIN_COUNT (SMALL_BINS + (32 - SMALL_LOG2) * OCTAVE_BINS)
#define WORD_BITS 32u
#define MAP_WORDS ((BIN_COUNT + WORD_BITS - 1) / WORD_BITS)
#define SCAN_MAX 16 /* how many chunks of a large request's own bin are looked at */

#define BRK_PAGE 4096u
#define GROW_STEP (64u * 1024)
#define TRIM_AT (128u * 1024)
#define TOP_KEEP GROW_STEP

_Static_assert(sizeof(struct chunk) == 16, "sizes are those of a 32-bit machine");

static struct {
    struct chunk *base; /* the first chunk; NULL before the first request */
    struct chunk *top;
    struct chunk *end; /* where a chunk behind top would begin; its header has room below brk */
    char *untouched;   /* memory from here on is as the kernel gave it: zero */
    uint32_t summary;  /* bit w: map[w] != 0 */
    uint32_t map[MAP_WORDS];      /* bit b: bin b is not empty */
    struct chunk bins[BIN_COUNT]; /* list heads: next, prev; head = the bin's number */
} heap;

static size_t size_of(const struct chunk *c)
{
    return c->head & ~FLAGS_MASK;
}

static struct chunk *chunk_at(const void *chunk, ptrdiff_t distance)
{
    return (struct chunk *)((uintptr_t)chunk + (uintptr_t)distance);
}

static void *block_of(struct chunk *c)
{
    return (char *)c + BLOCK_OFFSET;
}

static struct chunk *chunk_of(const void *block)
{
    return chunk_at(block, -(ptrdiff_t)BLOCK_OFFSET);
}

static size_t top_size(void)
{
    return (size_t)((char *)heap.end - (char *)heap.top);
}

/* The chunk size for a request; the caller has compared it with REQUEST_MAX. */
static size_t chunk_size_for(size_t nbytes)
{
    size_t size = (nbytes + OVERHEAD + ALIGNMENT - 1) & ~(size_t)(ALIGNMENT - 1);
    return size < MIN_CHUNK ? MIN_CHUNK : size;
}

/* ---- Reports ----------------------------------------------------------------------------- */

/* Positions are relative to the heap's start: the same in every run. */
static void report(const char *what, const void *where)
{
    char line[128];
    int length;

    if ((struct chunk *)where < heap.base || (struct chunk *)where > heap.end)
        length = snprintf(line, sizeof(line), "malloc: outside the heap: %s\n", what);
    else
        length = snprintf(line, sizeof(line), "malloc: heap+%#zx: %s\n",
                          (size_t)((const char *)where - (char *)heap.base), what);
    if (write(STDERR_FILENO, line, (size_t)length) < 0)
        abort();
}

/* Out of line: the checks are on the hot path, their consequence is not. */
static _Noreturn __attribute__((noinline, cold)) void die(const char *what, const void *where)
{
    report(what, where);
    abort();
}

/* ---- Bins -------------------------------------------------------------------------------- */

static unsigned bin_of(size_t size)
{
    if (size < SMALL_LIMIT)
        return size / ALIGNMENT;
    unsigned log2 = WORD_BITS - 1 - (unsigned)__builtin_clz(size);
    unsigned within = (size >> (log2 - OCTAVE_SHIFT)) & (OCTAVE_BINS - 1);
    return SMALL_BINS + ((log2 - SMALL_LOG2) << OCTAVE_SHIFT) + within;
}

static void bin_insert(struct chunk *c, size_t size)
{
    unsigned bin = bin_of(size);
    struct chunk *list = &heap.bins[bin], *first = list->next;

    c->next = first;
    c->prev = list;
    first->prev = c;
    list->next = c;
    if (first == list) {
        heap.map[bin / WORD_BITS] |= 1u << bin % WORD_BITS;
        heap.summary |= 1u << bin / WORD_BITS;
    }
}

static void bin_remove(struct chunk *c, size_t size)
{
    struct chunk *next = c->next, *prev = c->prev;

    if (next->prev != c || prev->next != c || chunk_at(c, (ptrdiff_t)size)->prev_size != size)
        die("a free block was overwritten", block_of(c));
    next->prev = prev;
    prev->next = next;
    if (next == prev) { /* only the list head is left */
        unsigned bin = next->head;
        heap.map[bin / WORD_BITS] &= ~(1u << bin % WORD_BITS);
        if (heap.map[bin / WORD_BITS] == 0)
            heap.summary &= ~(1u << bin / WORD_BITS);
    }
}

/* The first chunk of the first bin from `bin` on that is not empty; NULL if there is none. */
static struct chunk *bin_first_from(unsigned bin)
{
    unsigned word = bin / WORD_BITS;
    uint32_t bits = heap.map[word] & (UINT32_MAX << bin % WORD_BITS);

    if (bits == 0) {
        uint32_t words = heap.summary & (UINT32_MAX << word << 1);
        if (words == 0)
            return NULL;
        word = (unsigned)__builtin_ctz(words);
        bits = heap.map[word];
    }
    return heap.bins[word * WORD_BITS + (unsigned)__builtin_ctz(bits)].next;
}

/* A free chunk of at least `size` bytes, still in its bin; NULL if there is none.  Before the
 * first request the lists are NULL, and the bitmap is empty. */
static struct chunk *find_fit(size_t size)
{
    unsigned bin = bin_of(size);

    if (size >=
        SMALL_LIMIT) { /* its own bin has smaller ones too: take the best of the first */
        struct chunk *list = &heap.bins[bin], *best = NULL;
        int scanned = 0;
        for (struct chunk *c = list->next; c != list && c != NULL; c = c->next) {
            if (size_of(c) >= size && (best == NULL || size_of(c) < size_of(best)))
                best = c;
            if (++scanned == SCAN_MAX)
                break;
        }
        if (best != NULL)
            return best;
        bin++;
    }
    return bin_first_from(bin);
}

/* ---- Top and brk ------------------------------------------------------------------------- */

static void set_top(struct chunk *top)
{
    heap.top = top;
    top->head = MARK | PREV_IN_USE;
    if ((char *)block_of(top) > heap.untouched)
        heap.untouched = block_of(top);
}

/* Make [c, c + size) a free chunk.  Its neighbours are in use, and the one behind knows. */
static void set_free(struct chunk *c, size_t size)
{
    c->head = size | PREV_IN_USE | MARK;
    chunk_at(c, (ptrdiff_t)size)->prev_size = size;
    bin_insert(c, size);
}

static void heap_init(void)
{
    for (unsigned bin = 0; bin < BIN_COUNT; bin++) {
        struct chunk *list = &heap.bins[bin];
        list->next = list->prev = list;
        list->head = bin;
    }
}

/* Go on in memory that does not join the heap: the first piece, or behind a foreign sbrk(). */
static void start_segment(char *memory, size_t nbytes)
{
    uintptr_t from = ((uintptr_t)memory + ALIGNMENT - 1) & ~(uintptr_t)(ALIGNMENT - 1);
    uintptr_t to = ((uintptr_t)memory + nbytes) & ~(uintptr_t)(ALIGNMENT - 1);
    struct chunk *first = chunk_at((void *)from, BLOCK_OFFSET);

    if (heap.base != NULL && memory < (char *)block_of(heap.end))
        die("somebody else gave a part of the heap back", memory);
    /* The rest of a page that somebody else used and gave back may hold anything. */
    memset(memory, 0, (size_t)(-(uintptr_t)memory & (BRK_PAGE - 1)));
    if (heap.base == NULL) {
        heap_init();
        heap.base = first;
    } else {
        struct chunk *foreign = heap.end;
        size_t rest = top_size();
        foreign->head = (size_t)((char *)first - (char *)foreign) | IN_USE | MARK;
        if (rest > 0)
            set_free(heap.top, rest);
        else
            foreign->head |= PREV_IN_USE;
    }
    heap.end = chunk_at((void *)to, -(ptrdiff_t)BLOCK_OFFSET);
    heap.untouched = (char *)first;
    set_top(first);
}

/* Get at least `size` bytes into top.  false, with errno = ENOMEM, if brk gives no more.  The
 * heap's end is put on a page boundary, so that the next piece joins this one. */
static bool grow_top(size_t size)
{
    while (heap.base == NULL || top_size() < size) {
        size_t have = heap.base == NULL ? 0 : top_size();
        uintptr_t old = (uintptr_t)sbrk(0);
        size_t missing = size + ALIGNMENT - have; /* + what alignment of the start may cost */
        size_t pages = (missing + BRK_PAGE - 1) & ~(size_t)(BRK_PAGE - 1);
        size_t to_boundary = (size_t)(-old & (BRK_PAGE - 1));
        size_t step = to_boundary + (pages < GROW_STEP ? GROW_STEP : pages);
        char *memory = step <= PTRDIFF_MAX ? sbrk((intptr_t)step) : (char *)-1;

        if (memory == (char *)-1 && step > to_boundary + pages) {
            step = to_boundary + pages;
            memory = sbrk((intptr_t)step);
        }
        if (memory == (char *)-1) {
            errno = ENOMEM;
            return false;
        }
        if (heap.base != NULL && memory == block_of(heap.end))
            heap.end = chunk_at(heap.end, (ptrdiff_t)step);
        else
            start_segment(memory, step);
    }
    return true;
}

/* Give back what top has too much, unless somebody else's memory is above it.  sbrk() moves by
 * less than 2 GiB at a time. */
static bool trim_top(void)
{
    size_t extra = top_size() - TOP_KEEP;

    extra = (extra < PTRDIFF_MAX ? extra : PTRDIFF_MAX) & ~(size_t)(BRK_PAGE - 1);
    if (sbrk(0) != block_of(heap.end) || sbrk(-(intptr_t)extra) == (void *)-1)
        return false;
    heap.end = chunk_at(heap.end, -(ptrdiff_t)extra);
    if (heap.untouched > (char *)block_of(heap.end))
        heap.untouched = block_of(heap.end);
    return true;
}

static struct chunk *take_from_top(size_t size)
{
    if (heap.base == NULL || top_size() < size) {
        if (!grow_top(size))
            return NULL;
    }
    struct chunk *c = heap.top;
    c->head = size | IN_USE | PREV_IN_USE | MARK;
    set_top(chunk_at(c, (ptrdiff_t)size));
    return c;
}

/* ---- Chunks ------------------------------------------------------------------------------ */

/* Use the first `size` of the `whole` bytes at c, which are in no bin; the next is used. */
static void set_used(struct chunk *c, size_t whole, size_t size)
{
    c->head = size | IN_USE | PREV_IN_USE | MARK;
    if (whole == size)
        chunk_at(c, (ptrdiff_t)size)->head |= PREV_IN_USE;
    else
        set_free(chunk_at(c, (ptrdiff_t)size), whole - size);
}

/* The chunk of a block that the caller handed in, after every check that is cheap. */
static struct chunk *checked_chunk(const void *block)
{
    struct chunk *c = chunk_of(block);

    if ((uintptr_t)block % ALIGNMENT != 0 || c < heap.base || c >= heap.top)
        die("not a block of the heap", block);
    if ((c->head & (MARK_MASK | IN_USE)) != (MARK | IN_USE))
        die((c->head & MARK_MASK) == MARK ? "block is free already"
                                          : "not a block, or its header was overwritten",
            block);
    size_t size = size_of(c);
    if (size - MIN_CHUNK >= (size_t)((char *)heap.top - (char *)c))
        die("not a block, or its header was overwritten", block);
    if ((chunk_at(c, (ptrdiff_t)size)->head & (MARK_MASK | PREV_IN_USE)) !=
        (MARK | PREV_IN_USE))
        die("not a block, or written past its end", block);
    return c;
}

static void release(struct chunk *c)
{
    size_t size = size_of(c);
    struct chunk *next = chunk_at(c, (ptrdiff_t)size);

    c->head &=
        ~IN_USE; /* also when the header ends up inside a larger chunk: a second free shows */
    if ((c->head & PREV_IN_USE) == 0) {
        struct chunk *before = chunk_at(c, -(ptrdiff_t)c->prev_size);
        if (before < heap.base || before >= c || size_of(before) != c->prev_size)
            die("a free block was overwritten before this one", block_of(c));
        bin_remove(before, c->prev_size);
        size += c->prev_size;
        c = before;
    }
    if (next == heap.top) {
        set_top(c);
        while (top_size() >= TRIM_AT && trim_top())
            ;
        return;
    }
    if ((next->head & IN_USE) == 0) {
        size_t next_size = size_of(next);
        bin_remove(next, next_size);
        size += next_size;
    } else {
        next->head &= ~PREV_IN_USE;
    }
    set_free(c, size);
}

/* Cut a chunk in use down to `size`; the rest is freed. */
static void shrink(struct chunk *c, size_t size)
{
    size_t rest = size_of(c) - size;
    if (rest == 0)
        return;
    struct chunk *tail = chunk_at(c, (ptrdiff_t)size);
    c->head -= rest;
    tail->head = rest | IN_USE | PREV_IN_USE | MARK;
    release(tail);
}

/* Make a chunk at least `size` bytes large without moving it, if what is behind it allows. */
static bool extend(struct chunk *c, size_t size)
{
    size_t have = size_of(c);
    struct chunk *next = chunk_at(c, (ptrdiff_t)have);

    if (next == heap.top && grow_top(size - have) && next == heap.top) {
        c->head += size - have;
        set_top(chunk_at(c, (ptrdiff_t)size));
        return true;
    }
    size_t more = size_of(
        next); /* top has size 0, and became an ordinary chunk if it was left */
    if ((next->head & IN_USE) != 0 || have + more < size)
        return false;
    bin_remove(next, more);
    c->head += more;
    chunk_at(next, (ptrdiff_t)more)->head |= PREV_IN_USE;
    shrink(c, size);
    return true;
}

/* ---- The family -------------------------------------------------------------------------- */

void *malloc(size_t nbytes)
{
    if (nbytes > REQUEST_MAX) {
        errno = ENOMEM;
        return NULL;
    }
    size_t size = chunk_size_for(nbytes);
    struct chunk *c = find_fit(size);
    if (c != NULL) {
        size_t whole = size_of(c);
        bin_remove(c, whole);
        set_used(c, whole, size);
    } else {
        c = take_from_top(size);
        if (c == NULL)
            return NULL;
    }
    return block_of(c);
}

void free(void *block)
{
    if (block != NULL)
        release(checked_chunk(block));
}

/* Memory that was never touched since the kernel gave it is zero: writing zeros there would
 * only make it resident. */
void *calloc(size_t count, size_t nbytes)
{
    size_t total;
    if (__builtin_mul_overflow(count, nbytes, &total)) {
        errno = ENOMEM;
        return NULL;
    }
    char *untouched = heap.untouched;
    char *block = malloc(total);
    if (block != NULL && block < untouched) {
        size_t dirty = (size_t)(untouched - block);
        memset(block, 0, dirty < total ? dirty : total);
    }
    return block;
}

/* A size of 0 is an allocation like any other: realloc() never frees. */
void *realloc(void *block, size_t nbytes)
{
    if (block == NULL)
        return malloc(nbytes);
    struct chunk *c = checked_chunk(block);
    if (nbytes > REQUEST_MAX) {
        errno = ENOMEM;
        return NULL;
    }
    size_t size = chunk_size_for(nbytes), have = size_of(c);
    if (size <= have) {
        shrink(c, size);
        return block;
    }
    if (extend(c, size))
        return block;

    void *copy = malloc(nbytes);
    if (copy != NULL) {
        memcpy(copy, block, have - OVERHEAD);
        release(c);
    }
    return copy;
}

/* alignment: a power of two.  Takes enough to have an aligned place inside; frees both ends. */
void *aligned_alloc(size_t alignment, size_t nbytes)
{
    if (alignment == 0 || (alignment & (alignment - 1)) != 0) {
        errno = EINVAL;
        return NULL;
    }
    if (alignment <= ALIGNMENT)
        return malloc(nbytes);
    if (alignment > REQUEST_MAX || nbytes > REQUEST_MAX - alignment) {
        errno = ENOMEM;
        return NULL;
    }
    char *block = malloc(nbytes + alignment);
    if (block == NULL)
        return NULL;

    struct chunk *c = chunk_of(block);
    size_t front = (size_t)(-(uintptr_t)block & (alignment - 1));
    if (front != 0) { /* a multiple of 16: room for a chunk */
        struct chunk *aligned = chunk_at(c, (ptrdiff_t)front);
        aligned->head = (size_of(c) - front) | IN_USE | PREV_IN_USE | MARK;
        c->head = front | (c->head & FLAGS_MASK);
        release(c);
        c = aligned;
    }
    shrink(c, chunk_size_for(nbytes));
    return block_of(c);
}

size_t malloc_usable_size(const void *block)
{
    return block == NULL ? 0 : size_of(checked_chunk(block)) - OVERHEAD;
}

/* ---- Statistics and the validator -------------------------------------------------------- */

void malloc_get_stats(struct malloc_stats *stats)
{
    *stats = (struct malloc_stats){ 0 };
    if (heap.base == NULL)
        return;
    stats->heap_bytes = (size_t)((char *)heap.end - (char *)heap.base);
    stats->top_bytes = top_size();
    for (struct chunk *c = heap.base; c != heap.top; c = chunk_at(c, (ptrdiff_t)size_of(c))) {
        if ((c->head & IN_USE) != 0) {
            stats->used_chunks++;
            stats->used_bytes += size_of(c);
        } else {
            stats->free_chunks++;
            stats->free_bytes += size_of(c);
        }
    }
}

/* What is wrong with the chunk at c, given the one before; NULL: nothing. */
static const char *chunk_fault(const struct chunk *c, const struct chunk *before)
{
    bool before_used = before == NULL || (before->head & IN_USE) != 0;

    if ((c->head & MARK_MASK) != MARK)
        return "header without its mark";
    if (((c->head & PREV_IN_USE) != 0) != before_used)
        return "wrong flag for the chunk before";
    if (!before_used && c->prev_size != size_of(before))
        return "wrong boundary tag";
    if (c == heap.top)
        return NULL;
    if (size_of(c) < MIN_CHUNK || size_of(c) > (size_t)((char *)heap.top - (char *)c))
        return "size leads out of the heap";
    if (!before_used && (c->head & IN_USE) == 0)
        return "two free neighbours";
    return NULL;
}

/* Count the chunks in the bins, or report what is wrong with one and return -1. */
static long check_bins(void)
{
    long count = 0;

    for (unsigned bin = 0; bin < BIN_COUNT; bin++) {
        struct chunk *list = &heap.bins[bin];
        bool bit = (heap.map[bin / WORD_BITS] >> bin % WORD_BITS & 1) != 0;
        if (bit != (list->next != list)) {
            report("bitmap and bin disagree", list);
            return -1;
        }
        for (struct chunk *c = list->next; c != list; c = c->next) {
            if (c < heap.base || c >= heap.top || c->next->prev != c ||
                (c->head & IN_USE) != 0 || bin_of(size_of(c)) != bin) {
                report("wrong chunk in a bin", c);
                return -1;
            }
            count++;
        }
    }
    for (unsigned word = 0; word < MAP_WORDS; word++) {
        if ((heap.summary >> word & 1) != (heap.map[word] != 0)) {
            report("summary and bitmap disagree", &heap.map[word]);
            return -1;
        }
    }
    return count;
}

bool malloc_check(void)
{
    long free_chunks = 0;
    struct chunk *before = NULL, *c = heap.base;

    if (heap.base == NULL)
        return true;
    for (;; c = chunk_at(c, (ptrdiff_t)size_of(c))) {
        const char *fault = chunk_fault(c, before);
        if (fault == NULL && c == heap.top && before != NULL && (before->head & IN_USE) == 0)
            fault = "free chunk next to top";
        if (fault != NULL) {
            report(fault, c);
            return false;
        }
        if (c == heap.top)
            break;
        free_chunks += (c->head & IN_USE) == 0;
        before = c;
    }
    long binned = check_bins();
    if (binned >= 0 && binned != free_chunks)
        report("a free chunk is in no bin", heap.base);
    return binned == free_chunks;
}
