/* user/lib/malloc.c - the user heap: malloc() and its family over sbrk() and mmap().
 *
 * Problem     Cut the memory that brk gives in whole pages into blocks of any size, and rebuild
 *             large runs as they come back: in few instructions, with little waste, and
 *             noticing a program that frees twice or writes past its blocks.
 * Words       chunk = header + block.  bin = list of free chunks of one size class.  held =
 *             freed, but not yet merged.  top = the free rest at the end of the heap; it is in
 *             no bin, and grows and shrinks with brk.  mapping = a block with pages of its own.
 * State       Chunks lie one behind the other without gaps.  Sizes are multiples of 16:
 *
 *              chunk                block, 16-byte aligned          next chunk
 *              +-----------+--------+----------------------------+-----------+--------+---
 *              | prev_size | head   | the caller's ...             prev_size | head   | ...
 *              +-----------+--------+----------------------------+-----------+--------+---
 *                                     next, prev, while free
 *              head:   31 .. 10  size / 16       9 H  held        8 F  free, in a bin
 *                       7 .. 1   bits 10 .. 4 of the chunk's address
 *                       0 P      the chunk before is not free
 *
 *             prev_size is a boundary tag (Knuth).  It is valid only while the chunk before is
 *             free; while that is in use, the four bytes belong to its block.  So a block costs
 *             4 bytes, rounded up to 16.  The address bits make a header worth checking: what
 *             lies anywhere else hardly ever looks like one, and the first byte that an overrun
 *             reaches is theirs.  P is among them, and set: a string's terminating 0 shows, too.
 * Bins        Below 1 KiB one bin for each size (16, 32 .. 1008), above it 8 for each power of
 *             two.  A bitmap of the bins that are not empty leads to the next larger chunk.
 * Held lists  Programs free what they will ask for again.  So a small chunk that is freed goes
 *             onto the stack of its size, and stays a chunk that its neighbours take for used:
 *             most pairs of malloc() and free() are a pop and a push.  The debt is settled when
 *             it costs memory: before the heap would grow into pages never touched while more
 *             than 1/HELD_SHARE of it is held, and when more is held than free() may keep.  Then
 *             merge_held() walks through the heap once and makes all bins anew, which costs a
 *             fraction of merging one chunk after the other.
 * Carving     A small request whose list is empty is cut off the front of one chunk, `to_carve`,
 *             a few stores each, until that is used up.  Then a larger free chunk takes its
 *             place (Lea's "designated victim"), or top up to the end of a page.
 * Invariants  1. Two free chunks are never neighbours, unless they would exceed CHUNK_MAX
 *                together; top's neighbour is not free.
 *             2. P of a chunk = the one before is not free; if it is, prev_size = its size.
 *             3. A chunk is in a bin exactly if it has F; a bin's bit = it has a chunk.
 *             4. A chunk has H exactly if it is in a held list or in quarantine, or is to_carve
 *                or top.
 *             malloc_check() tests all of them.
 * Alloc       Small: the held list of that size; else carve; else its bin; else carve from
 *             another chunk.  Larger: its bin, if the first chunk there will do, or the first
 *             chunk of the next bin that has one, the rest split off; else top, so that the
 *             heap's end moves late; only then sbrk().  From MAP_AT on: a mapping.
 * Free        A small chunk is held, a larger one merged with both neighbours at once; then into
 *             its bin at the head: the block that was used last is in the cache.
 * Resize      In place where what lies behind is free or top, beyond MAP_AT as well: a growing
 *             vector at the heap's end is never copied.  A mapping is moved by mremap(): page
 *             tables change, bytes do not.
 * Giving back When top reaches TRIM_AT, all but TOP_KEEP goes back by brk.  free() keeps at most
 *             HELD_KEEP bytes, or half of the heap, unmerged; what lies below a held chunk stays
 *             until the next merge.  Mappings go back at once, and malloc_trim() gives back all
 *             that it can.  Where brk is refused, each block gets a mapping.  If somebody else
 *             moved brk, the foreign part becomes a chunk in use that nobody frees, and the heap
 *             goes on behind it.
 * Example     malloc 20, 40, 20; free the middle one; malloc_trim, which merges:
 *             | 32 used | 48 used | 32 used | top    ->    | 32 used | 48 held | 32 used | top
 *                                                    ->    | 32 used | 48 free | 32 used | top
 * Detection   On free: the header, the neighbour's header (an overrun by one byte), the state (a
 *             second free).  On taking a chunk: its links, which exist twice while it is held,
 *             both ways round a bin else, and its boundary tag (a write after the free; wild
 *             links end the program by SIGSEGV instead).  Each ends the program with a line on
 *             stderr, "malloc: heap+0x1230: " and what is wrong.  STRATA_MALLOC=quarantine=N
 *             keeps the last N freed blocks, filled with a pattern that must still be there when
 *             they leave it, or the program exits; =guard puts each block in front of a page
 *             without access; both: "quarantine=100,guard".
 * Threads     One lock around everything.  It costs 8 instructions a pair when nobody waits.  A
 *             cache for each thread would cost as much to find on every call, and keep memory
 *             that other threads cannot use.
 * Limits      Requests are below 2 GiB.  Chunks are below 64 MiB; what grows beyond is copied
 *             into a mapping once.  A foreign pointer to the start of a page is looked up in the
 *             page before it.  The child of a program with threads must not use the heap.
 * Files       malloc_more.c has other names for the same, statistics, the validator, and what
 *             STRATA_MALLOC turns on; malloc_heap.h is what it shares with this one.
 * Reading     Knuth, TAOCP vol. 1, 2.5; Wilson et al., Dynamic Storage Allocation, 1995; Lea,
 *             A Memory Allocator; Masmano et al., TLSF, ECRTS 2004. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "user/lib/include/malloc.h"
#include "user/lib/malloc_heap.h"

#define HELD_KEEP (256u * 1024)
#define HELD_KEEP_SHARE 2 /* of the heap */
#define HELD_SHARE 14     /* of the heap, when it would grow */

#define GROW_STEP (64u * 1024)
#define TRIM_AT (128u * 1024)
#define TOP_KEEP GROW_STEP
#define MAP_AT (128u * 1024)
#define MAP_LEAVE (MAP_AT / 4) /* a mapping that shrinks below this moves to the heap */

#define NOINLINE __attribute__((noinline))
#define COLD __attribute__((noinline, cold))

struct chunk *malloc_held[SMALL_BINS];
struct heap malloc_heap = {
    .lock = LOCK_FREE,
    .freed = malloc_heap.recent,
    .freed_size = RECENT,
};

/* ---- Reports ----------------------------------------------------------------------------- */

static const char free_already[] = "block is free already";
static const char bad_header[] = "not a block, or its header was overwritten";
static const char overrun[] = "not a block, or written past its end";

/* Out of line: the checks are on the hot path, their consequence is not. */
_Noreturn COLD void malloc_die(const char *what, struct chunk *c)
{
    malloc_report(what, block_of(c));
    unlock(&malloc_heap.lock); /* whoever handles SIGABRT may still want memory */
    abort();
}

/* A chunk that does not look used: say why. */
static _Noreturn COLD void die_bad_chunk(struct chunk *c)
{
    bool marked = ((c->head ^ mark_of(c)) & ADDRESS_MASK) == 0;
    size_t room = (size_t)((char *)malloc_heap.top - (char *)c);

    if (marked && (c->head & (FREE | HELD)) != 0)
        malloc_die(free_already, c);
    malloc_die(marked && size_of(c) <= room ? overrun : bad_header, c);
}

/* ---- Bins -------------------------------------------------------------------------------- */

static void bin_remove(struct chunk *c, size_t size)
{
    struct chunk *next = c->next, *prev = c->prev;

    if (next->prev != c || prev->next != c || chunk_at(c, size)->prev_size != size)
        malloc_die("a free block was overwritten", c);
    next->prev = prev;
    prev->next = next;
    if (next == prev) /* only the list head is left, whose head is the bin's number */
        malloc_heap.map[next->head / WORD_BITS] &= ~(1u << next->head % WORD_BITS);
}

/* The first chunk of the first bin from `bin` on that is not empty; NULL if there is none. */
static inline struct chunk *bin_first_from(unsigned bin)
{
    unsigned word = bin / WORD_BITS;
    uint32_t bits = malloc_heap.map[word] & (UINT32_MAX << bin % WORD_BITS);

    while (bits == 0) {
        if (++word == MAP_WORDS)
            return NULL;
        bits = malloc_heap.map[word];
    }
    return malloc_heap.bins[word * WORD_BITS + (unsigned)__builtin_ctz(bits)].next;
}

/* A free chunk of at least `size` bytes, still in its bin; NULL if there is none. */
static inline struct chunk *find_fit(size_t size)
{
    unsigned bin = bin_of(size);
    struct chunk *first = bin_first_from(bin);

    if (first == NULL || size_of(first) >= size)
        return first;
    return bin_first_from(bin + 1); /* all of those are large enough */
}

/* Make [c, c + size) a free chunk.  c->head is valid as to mark and P; the one behind knows. */
static void set_free(struct chunk *c, size_t size)
{
    c->head = size << SIZE_SHIFT | FREE | (uint8_t)c->head;
    chunk_at(c, size)->prev_size = size;
    unsigned bin = bin_of(size);
    struct chunk *list = &malloc_heap.bins[bin], *first = list->next;
    c->next = first;
    c->prev = list;
    first->prev = c;
    list->next = c;
    malloc_heap.map[bin / WORD_BITS] |= 1u << bin % WORD_BITS;
}

/* Use the first `size` bytes of a chunk in a bin. */
static inline void cut(struct chunk *c, size_t size)
{
    size_t whole = size_of(c);
    struct chunk *next = chunk_at(c, size);

    bin_remove(c, whole);
    c->head -= FREE + ((whole - size) << SIZE_SHIFT);
    if (whole == size) {
        next->head |= PREV_NOT_FREE;
    } else {
        next->head = mark_of(next);
        set_free(next, whole - size);
    }
}

/* ---- Top and brk ------------------------------------------------------------------------- */

static void set_top(struct chunk *top)
{
    malloc_heap.top = top;
    top->head = HELD | mark_of(top);
}

static void set_end(struct chunk *end)
{
    malloc_heap.end = end;
    malloc_heap.span = (size_t)((char *)end - (char *)malloc_heap.base) / ALIGNMENT;
    if (malloc_heap.untouched > (char *)block_of(end))
        malloc_heap.untouched = block_of(end);
    size_t limit = malloc_heap.span / HELD_KEEP_SHARE;
    if (limit < HELD_KEEP / ALIGNMENT)
        limit = HELD_KEEP / ALIGNMENT;
    if (malloc_heap.quarantine) /* which takes the lists' place */
        limit = 0;
    malloc_heap.held_room += (intptr_t)(limit - malloc_heap.held_limit);
    malloc_heap.held_limit = limit;
}

/* Go on in memory that does not join the heap: the first piece, or behind a foreign sbrk().  What
 * lies between is a chunk in use that nobody frees. */
static bool start_segment(char *memory)
{
    struct chunk *first = chunk_at((void *)round_up((uintptr_t)memory, ALIGNMENT),
                                   BLOCK_OFFSET);
    struct chunk *foreign = malloc_heap.end;

    if (malloc_heap.base == NULL) {
        malloc_heap.base = first;
    } else {
        size_t rest = top_size(), gap = (size_t)((char *)first - (char *)foreign);
        if (memory < (char *)block_of(foreign))
            malloc_die("somebody else gave a part of the heap back", chunk_of(memory));
        if (gap > CHUNK_MAX || rest > CHUNK_MAX)
            return false;
        foreign->head = head_for(foreign, gap);
        if (rest > 0) {
            foreign->head &= ~PREV_NOT_FREE;
            set_free(malloc_heap.top, rest); /* whose header has a mark already */
        }
    }
    /* The rest of a page that somebody else used and gave back may hold anything. */
    memset(memory, 0, (size_t)(-(uintptr_t)memory & (PAGE - 1)));
    malloc_heap.untouched = block_of(first);
    set_top(first);
    return true;
}

/* Get at least `size` bytes into top; false if brk gives no more.  The heap's end is put on a page
 * boundary, so that the next piece joins this one. */
static bool grow_top(size_t size)
{
    if (top_size() >= size)
        return true;
    char *old = sbrk(0);
    size_t have = old == block_of(malloc_heap.end) ? top_size() : 0;
    size_t missing = size + ALIGNMENT - have; /* what alignment of the start may cost, too */
    size_t step = (missing < GROW_STEP ? GROW_STEP : round_up(missing, PAGE)) +
                  (-(uintptr_t)old & (PAGE - 1));
    char *memory = sbrk((intptr_t)step);

    if (memory == (char *)-1)
        return false;
    if ((malloc_heap.base == NULL || memory != block_of(malloc_heap.end)) &&
        !start_segment(memory)) {
        sbrk(-(intptr_t)step);
        return false;
    }
    uintptr_t end = (uintptr_t)memory + step;
    set_end(chunk_of((void *)(end & ~(uintptr_t)(ALIGNMENT - 1))));
    return top_size() >= size;
}

/* Give back all of top but `keep` bytes, unless somebody else's memory is above it.  sbrk() moves
 * by less than 2 GiB at a time. */
static NOINLINE void trim_top(size_t keep)
{
    size_t extra = top_size() > keep ? top_size() - keep : 0;
    int saved_errno = errno; /* POSIX: free() leaves it alone */

    extra = (extra < PTRDIFF_MAX ? extra : PTRDIFF_MAX) & ~(size_t)(PAGE - 1);
    if (extra > 0 && sbrk(0) == block_of(malloc_heap.end) &&
        sbrk(-(intptr_t)extra) != (void *)-1)
        set_end(chunk_at(malloc_heap.end, -extra));
    errno = saved_errno;
}

/* The used part of the heap will end at `end`, a page or less above what was ever used. */
static void touch(struct chunk *end)
{
    char *page_end = (char *)round_up((uintptr_t)block_of(end), PAGE);

    if (page_end > (char *)block_of(malloc_heap.end))
        page_end = block_of(malloc_heap.end);
    if (page_end > malloc_heap.untouched)
        malloc_heap.untouched = page_end;
}

/* ---- Merging ----------------------------------------------------------------------------- */

/* Merge c, which is in no bin or list, with what is free on either side, and put the result where
 * it belongs.  c's header gets F: also inside a larger chunk it tells of a second free. */
static void release(struct chunk *c)
{
    size_t size = size_of(c);
    struct chunk *next = chunk_at(c, size);
    bool is_last = next == malloc_heap.top;

    c->head |= FREE;
    while ((c->head & PREV_NOT_FREE) == 0 && (is_last || size + c->prev_size <= CHUNK_MAX)) {
        struct chunk *before = chunk_at(c, -c->prev_size);
        if (before < malloc_heap.base || before >= c || size_of(before) != c->prev_size)
            malloc_die("a free block was overwritten before this one", c);
        bin_remove(before, c->prev_size);
        size += c->prev_size;
        c = before;
    }
    if (is_last) {
        set_top(c);
        if (top_size() >= TRIM_AT)
            trim_top(TOP_KEEP);
        return;
    }
    if ((next->head & FREE) != 0 && size + size_of(next) <= CHUNK_MAX) {
        size_t next_size = size_of(next);
        bin_remove(next, next_size);
        size += next_size;
        next = chunk_at(next, next_size);
    }
    next->head &= ~PREV_NOT_FREE;
    set_free(c, size);
}

static void empty_lists(void)
{
    for (unsigned bin = 0; bin < BIN_COUNT; bin++) {
        struct chunk *list = &malloc_heap.bins[bin];
        list->next = list->prev = list;
        list->head = bin;
    }
    memset(malloc_heap.map, 0, sizeof(malloc_heap.map));
    memset(malloc_held, 0, sizeof(malloc_held));
}

/* What is left of the chunk that small requests are cut from becomes a free chunk. */
static void retire_carve(void)
{
    struct chunk *c = malloc_heap.to_carve;

    if (c != NULL) {
        c->head += ((size_t)((char *)malloc_heap.carve_end - (char *)c) << SIZE_SHIFT) - HELD;
        malloc_heap.to_carve = malloc_heap.carve_end = NULL;
        release(c);
    }
}

/* Merge whatever is held: go through the heap and make each run of free and held chunks one free
 * chunk.  The lists are not looked at, but made anew. */
static NOINLINE void merge_held(void)
{
    retire_carve();
    empty_lists();
    malloc_heap.top->head &= ~HELD; /* the last run ends there */
    for (struct chunk *c = malloc_heap.base; c < malloc_heap.top;) {
        if ((c->head & (FREE | HELD)) == 0) {
            c = next_of(c);
            if ((uint8_t)c->head != mark_of(c))
                malloc_die(bad_header, c);
            continue;
        }
        struct chunk *run = c, *next = next_of(c), *last = chunk_at(run, CHUNK_MAX);
        do {
            c->head = (c->head & ~HELD) | FREE; /* a second free will show */
            c = next;
            next = next_of(c);
        } while ((c->head & (FREE | HELD)) != 0 && next <= last);
        if (c == malloc_heap.top) {
            malloc_heap.top = run;
            break;
        }
        c->head &= ~PREV_NOT_FREE;
        set_free(run, (size_t)((char *)c - (char *)run));
    }
    set_top(malloc_heap.top);
    malloc_heap.held_room = (intptr_t)malloc_heap.held_limit;
    if (top_size() >= TRIM_AT)
        trim_top(TOP_KEEP);
}

/* ---- Taking ------------------------------------------------------------------------------ */

static inline bool top_has(size_t size)
{
    return (char *)block_of(chunk_at(malloc_heap.top, size)) <= malloc_heap.untouched;
}

/* top has no `size` bytes that were used before.  Merge what is held, if that is worth a walk
 * through the heap: or let top have new pages.  Either way it is worth another try, or false. */
static NOINLINE bool make_room(size_t size)
{
    size_t used = (size_t)(malloc_heap.untouched - (char *)malloc_heap.base);

    if (held_bytes() > used / HELD_SHARE) {
        merge_held();
        return true;
    }
    if (!grow_top(size))
        return false;
    touch(chunk_at(malloc_heap.top, size));
    return true;
}

/* Cut `size` bytes off the front of top or to_carve, whose own header has size 0, and H: nobody can
 * free it. */
static inline struct chunk *carve(struct chunk **from, size_t size)
{
    struct chunk *c = *from, *rest = chunk_at(c, size);

    c->head += (size << SIZE_SHIFT) - HELD;
    rest->head = HELD | mark_of(rest);
    *from = rest;
    return c;
}

/* A chunk of `size` bytes for use, from a bin or top; NULL if there is no memory. */
static NOINLINE struct chunk *take(size_t size)
{
    do {
        struct chunk *c = find_fit(size);
        if (c != NULL) {
            cut(c, size);
            return c;
        }
        if (top_has(size))
            return carve(&malloc_heap.top, size);
    } while (make_room(size));
    return NULL;
}

/* Make two of a chunk in use.  Result: the second. */
static struct chunk *split(struct chunk *c, size_t size)
{
    size_t rest = size_of(c) - size;
    struct chunk *tail = chunk_at(c, size);

    c->head -= rest << SIZE_SHIFT;
    tail->head = head_for(tail, rest);
    return tail;
}

/* Cut a chunk in use down to `size`; the rest is freed. */
static void shrink(struct chunk *c, size_t size)
{
    if (size_of(c) > size)
        release(split(c, size));
}

/* Make a chunk at least `size` bytes large without moving it, if what is behind it allows. */
static bool extend(struct chunk *c, size_t size)
{
    size_t have = size_of(c);
    struct chunk *next = next_of(c);

    if (size > CHUNK_MAX)
        return false;
    if (next == malloc_heap.to_carve)
        retire_carve();
    if (next == malloc_heap.top && grow_top(size - have) && next == malloc_heap.top) {
        c->head += (size - have) << SIZE_SHIFT;
        touch(next_of(c));
        set_top(next_of(c));
        return true;
    }
    /* top has size 0, and became an ordinary chunk if brk went elsewhere */
    size_t more = size_of(next);
    if ((next->head & FREE) == 0 || have + more < size || have + more > CHUNK_MAX)
        return false;
    cut(next, more);
    c->head += more << SIZE_SHIFT;
    shrink(c, size);
    return true;
}

/* ---- Mappings ---------------------------------------------------------------------------- */

/*     first page                                                     last page
 *     +-------------------+---------+--------------------------------+---------------+
 *     |  (not touched)    | mapping | the caller's                   | guard, if any |
 *     +-------------------+---------+--------------------------------+---------------+
 *     |<---- offset ----------------|<------- usable --------------->|
 *     |<--------------------------------- length ------------------------------------>| */

#define SEAL 0x5374617Au

static size_t seal_of(const struct mapping *m)
{
    return SEAL ^ (uintptr_t)m ^ m->offset ^ m->length << 1 ^ m->usable << 2;
}

/* Where a freed block is remembered, which may not even be read; NULL if it is not. */
static void **find_freed(const void *block)
{
    for (size_t i = 0; i < malloc_heap.freed_size; i++) {
        if (malloc_heap.freed[i] == block)
            return &malloc_heap.freed[i];
    }
    return NULL;
}

/* Remember it for a second free.  Result: the block that is forgotten for it, or NULL. */
static void *remember_freed(void *block)
{
    void **place = &malloc_heap.freed[malloc_heap.freed_at++ % malloc_heap.freed_size];
    void *oldest = *place;

    *place = block;
    return oldest;
}

static void *set_mapping(char *start, size_t offset, size_t length, size_t usable)
{
    char *block = start + offset;
    struct mapping *m = mapping_of(block);
    void **freed = find_freed(block);

    if (freed != NULL)
        *freed = NULL; /* the address is a block again */
    *m = (struct mapping){ offset, length, usable, 0 };
    m->seal = seal_of(m);
    malloc_heap.mapped_bytes += length;
    malloc_heap.mapped_blocks++;
    return block;
}

/* Zeroed pages of its own for a block; NULL if there are none.  In guard mode the block's end is
 * the start of a page without access; what alignment leaves between them is POISON. */
static void *map_block(size_t nbytes, size_t alignment)
{
    size_t usable = nbytes == 0 ? 1 : nbytes;
    size_t length = round_up(round_up(sizeof(struct mapping), alignment) + usable, PAGE);

    length += malloc_heap.guard ? PAGE : 0;
    if (length > REQUEST_MAX)
        return NULL;
    char *start = mmap(NULL, length, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1,
                       0);
    if (start == MAP_FAILED)
        return NULL;
    uintptr_t block = round_up((uintptr_t)start + sizeof(struct mapping), alignment);
    if (malloc_heap.guard) {
        char *guard = start + length - PAGE;
        block = (uintptr_t)(guard - usable) & ~(alignment - 1);
        mprotect(guard, PAGE, PROT_NONE);
        memset((char *)block + usable, POISON, (uintptr_t)guard - block - usable);
    } else {
        usable = (uintptr_t)start + length - block;
    }
    return set_mapping(start, block - (uintptr_t)start, length, usable);
}

/* The mapping of a block that is not in the heap; the program ends if it is none. */
static struct mapping *checked_mapping(const void *block)
{
    if (find_freed(block) != NULL)
        malloc_die(free_already, chunk_of(block));
    struct mapping *m = mapping_of(block);
    if ((uintptr_t)block % ALIGNMENT != 0 || m->seal != seal_of(m))
        malloc_die("not a block of the heap", chunk_of(block));
    const unsigned char *end = (const unsigned char *)block + m->usable;
    const unsigned char *guard = (const unsigned char *)block - m->offset + m->length - PAGE;
    while (malloc_heap.guard && end < guard) {
        if (*end++ != POISON)
            malloc_die(overrun, chunk_of(block));
    }
    return m;
}

static void unmap_block(void *block)
{
    struct mapping *m = mapping_of(block);
    int saved_errno = errno; /* POSIX: free() leaves it alone */

    if (!malloc_heap.quarantine)
        remember_freed(block);
    malloc_heap.mapped_bytes -= m->length;
    malloc_heap.mapped_blocks--;
    munmap((char *)block - m->offset, m->length);
    errno = saved_errno;
}

/* The same block with more or fewer pages, without copying; NULL if that cannot be. */
static void *remap_block(struct mapping *m, size_t nbytes)
{
    char *start = (char *)(m + 1) - m->offset;
    size_t offset = m->offset, length = m->length, wanted = round_up(offset + nbytes, PAGE);

    if (malloc_heap.guard || nbytes < MAP_LEAVE || wanted > REQUEST_MAX)
        return NULL;
    start = mremap(start, length, wanted, MREMAP_MAYMOVE);
    if (start == MAP_FAILED)
        return NULL;
    malloc_heap.mapped_bytes -= length;
    malloc_heap.mapped_blocks--;
    return set_mapping(start, offset, wanted, wanted - offset);
}

/* ---- malloc() ---------------------------------------------------------------------------- */

/* The first request comes here. */
static COLD void start_heap(void)
{
    empty_lists();
    malloc_read_options();
    malloc_heap.started = true;
    malloc_heap.map_at = malloc_heap.guard ? 0 : MAP_AT;
    malloc_heap.small_end = malloc_heap.guard ? 0 : SMALL_LIMIT - ALIGNMENT - OVERHEAD + 1;
}

/* An aligned place inside a larger chunk; both ends are freed. */
static void *align_chunk(struct chunk *c, size_t nbytes, size_t alignment)
{
    size_t front = -(uintptr_t)block_of(c) & (alignment - 1);

    if (front != 0) { /* a multiple of 16: room for a chunk */
        struct chunk *aligned = split(c, front);
        release(c);
        c = aligned;
    }
    shrink(c, chunk_size_for(nbytes));
    return block_of(c);
}

/* Any request.  Where mappings or brk are refused, the other may still do. */
static NOINLINE void *allocate_aligned(size_t nbytes, size_t alignment)
{
    size_t spare = alignment > ALIGNMENT ? alignment : 0;
    void *block = NULL;

    if (!malloc_heap.started)
        start_heap();
    if (nbytes > REQUEST_MAX - spare)
        return out_of_memory();
    if (nbytes + spare >= malloc_heap.map_at)
        block = map_block(nbytes, alignment);
    size_t size = chunk_size_for(nbytes + spare);
    if (block == NULL && !malloc_heap.guard && size <= CHUNK_MAX) {
        struct chunk *c = take(size);
        if (c != NULL)
            return spare == 0 ? block_of(c) : align_chunk(c, nbytes, alignment);
        block = map_block(nbytes, alignment);
    }
    return block != NULL ? block : out_of_memory();
}

/* The next five take what malloc() did not find a step before.  All give the lock back. */
static NOINLINE void *allocate_slowly(size_t nbytes)
{
    return unlocked(&malloc_heap.lock, allocate_aligned(nbytes, ALIGNMENT));
}

static COLD void *allocate_waiting(size_t nbytes)
{
    lock_waiting(&malloc_heap.lock);
    return allocate_slowly(nbytes);
}

/* The rest of the carved chunk is too small.  A chunk of just the right size will do; else all of a
 * larger one is to be carved from now on, or top up to the end of a page. */
static NOINLINE void *allocate_refilled(size_t units)
{
    size_t size = units * ALIGNMENT, piece;

    do {
        struct chunk *c = bin_first_from(units);
        if (c != NULL && size_of(c) == size) {
            cut(c, size);
            return unlocked(&malloc_heap.lock, block_of(c));
        }
        retire_carve();
        c = bin_first_from(units + 1);
        piece = PAGE - ((uintptr_t)block_of(malloc_heap.top) & (PAGE - ALIGNMENT));
        if (piece <= size)
            piece += PAGE;
        if (c != NULL)
            cut(c, size_of(c));
        else if (top_has(piece))
            c = carve(&malloc_heap.top, piece);
        if (c != NULL) {
            malloc_heap.to_carve = c;
            malloc_heap.carve_end = next_of(c);
            c->head = HELD | mark_of(c);
            return unlocked(&malloc_heap.lock, block_of(carve(&malloc_heap.to_carve, size)));
        }
    } while (make_room(piece));
    return allocate_slowly(size - OVERHEAD);
}

static NOINLINE void *allocate_carved(size_t units)
{
    size_t size = units * ALIGNMENT;

    if (chunk_at(malloc_heap.to_carve, size) >= malloc_heap.carve_end)
        return allocate_refilled(units);
    return unlocked(&malloc_heap.lock, block_of(carve(&malloc_heap.to_carve, size)));
}

static COLD void *allocate_damaged(size_t units)
{
    if (malloc_held[units] != NULL)
        malloc_die(written_freed, malloc_held[units]);
    return allocate_carved(units);
}

/* A function of its own, because calloc() may not call malloc(): compilers make malloc() and
 * memset() a calloc().  All that is rare is called last, and needs no stack frame here. */
static inline void *allocate(size_t nbytes)
{
    if (!try_lock(&malloc_heap.lock))
        return allocate_waiting(nbytes);
    if (nbytes >= malloc_heap.small_end)
        return allocate_slowly(nbytes);
    size_t units = (nbytes + OVERHEAD + ALIGNMENT - 1) / ALIGNMENT;
    struct chunk *c = malloc_held[units];
    if (c == NULL)
        return allocate_carved(units);
    if (((uintptr_t)c->next ^ (uintptr_t)c->prev) != UINTPTR_MAX)
        return allocate_damaged(units);
    malloc_held[units] = c->next;
    malloc_heap.held_room += (intptr_t)units;
    c->head &= ~HELD;
    return unlocked(&malloc_heap.lock, block_of(c));
}

void *malloc(size_t nbytes)
{
    return allocate(nbytes);
}

/* Memory that was never touched since the kernel gave it is zero: writing zeros there would
 * only make it resident. */
void *calloc(size_t count, size_t nbytes)
{
    size_t total;
    if (__builtin_mul_overflow(count, nbytes, &total))
        return out_of_memory();
    if (total < SMALL_LIMIT - ALIGNMENT) {
        void *block = allocate(total);
        return block == NULL ? NULL : memset(block, 0, total);
    }
    lock(&malloc_heap.lock);
    char *untouched = malloc_heap.untouched;
    char *block = allocate_aligned(total, ALIGNMENT);
    bool in_heap = is_in_heap(chunk_of(block));
    unlock(&malloc_heap.lock);
    if (in_heap && block < untouched) {
        size_t dirty = (size_t)(untouched - block);
        memset(block, 0, dirty < total ? dirty : total);
    }
    return block;
}

/* ---- free() ------------------------------------------------------------------------------ */

/* How much the program may use of its block; the program ends if it is none. */
static size_t checked_usable(const void *block)
{
    struct chunk *c = chunk_of(block);

    if (!is_in_heap(c))
        return checked_mapping(block)->usable;
    if (!looks_used(c))
        die_bad_chunk(c);
    return size_of(c) - OVERHEAD;
}

static inline void free_really(struct chunk *c)
{
    if (is_in_heap(c))
        release(c);
    else
        unmap_block(block_of(c));
}

/* A block, or NULL, goes into quarantine; the one that leaves for it is freed. */
static COLD void pass_quarantine(void *block)
{
    void *oldest = remember_freed(block);

    malloc_heap.held_room = 0; /* every free() comes here */
    if (oldest != NULL) {
        malloc_thaw(oldest);
        free_really(chunk_of(oldest));
    }
}

/* For all that is not simply held.  Both give the lock back. */
static NOINLINE void free_checked(struct chunk *c)
{
    if (malloc_heap.quarantine) {
        malloc_freeze(block_of(c));
        pass_quarantine(block_of(c));
    } else {
        if (malloc_heap.held_room < 0)
            merge_held();
        free_really(c);
    }
    unlock(&malloc_heap.lock);
}

static NOINLINE void free_unchecked(struct chunk *c)
{
    if (block_of(c) == NULL)
        return unlock(&malloc_heap.lock);
    checked_usable(block_of(c));
    free_checked(c);
}

static COLD void free_waiting(struct chunk *c)
{
    lock_waiting(&malloc_heap.lock);
    free_unchecked(c);
}

void free(void *block)
{
    struct chunk *c = chunk_of(block);

    if (!try_lock(&malloc_heap.lock))
        return free_waiting(c);
    if (!is_in_heap(c) || !looks_used(c)) /* NULL is not, either */
        return free_unchecked(c);
    size_t units = c->head >> UNITS_SHIFT;
    if (units >= SMALL_BINS || (malloc_heap.held_room -= (intptr_t)units) < 0)
        return free_checked(c);
    struct chunk *first = malloc_held[units];
    c->head |= HELD;
    c->next = first;
    c->prev = (struct chunk *)~(uintptr_t)first;
    malloc_held[units] = c;
    unlock(&malloc_heap.lock);
}

/* ---- realloc() and the rest of the family ------------------------------------------------ */

/* In place if that can be.  A size of 0 is an allocation like any other: realloc() never frees. */
void *realloc(void *block, size_t nbytes)
{
    if (block == NULL || nbytes > REQUEST_MAX)
        return malloc(nbytes);
    struct chunk *c = chunk_of(block);
    size_t size = chunk_size_for(nbytes);
    void *moved = block;

    lock(&malloc_heap.lock);
    size_t usable = checked_usable(block);
    if (!is_in_heap(c))
        moved = remap_block(mapping_of(block), nbytes);
    else if (size <= size_of(c))
        shrink(c, size);
    else if (!extend(c, size))
        moved = NULL;
    unlock(&malloc_heap.lock);
    if (moved != NULL)
        return moved;
    moved = malloc(nbytes);
    if (moved == NULL) /* a block that is only to shrink may stay as it is */
        return nbytes <= usable ? block : NULL;
    memcpy(moved, block, usable < nbytes ? usable : nbytes);
    free(block);
    return moved;
}

void *aligned_alloc(size_t alignment, size_t nbytes)
{
    if (alignment == 0 || (alignment & (alignment - 1)) != 0) {
        errno = EINVAL;
        return NULL;
    }
    if (alignment <= ALIGNMENT)
        return malloc(nbytes);
    if (alignment > REQUEST_MAX)
        return out_of_memory();
    lock(&malloc_heap.lock);
    return unlocked(&malloc_heap.lock, allocate_aligned(nbytes, alignment));
}

size_t malloc_usable_size(const void *block)
{
    if (block == NULL)
        return 0;
    lock(&malloc_heap.lock);
    size_t usable = checked_usable(block);
    unlock(&malloc_heap.lock);
    return usable;
}

int malloc_trim(size_t keep)
{
    lock(&malloc_heap.lock);
    struct chunk *end = malloc_heap.end;
    for (size_t i = 0; malloc_heap.quarantine && i < malloc_heap.freed_size; i++)
        pass_quarantine(NULL);
    if (malloc_heap.base != NULL)
        merge_held();
    trim_top(keep);
    bool trimmed = malloc_heap.end < end;
    unlock(&malloc_heap.lock);
    return trimmed;
}
