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
 *             two.  A bitmap of the bins that are not empty, and a summary of its words, find
 *             the next larger chunk by two bit searches (TLSF).
 * Held lists  Programs free what they will ask for again.  So a small chunk that is freed goes
 *             onto the stack of its size, and stays a chunk that its neighbours take for used:
 *             most pairs of malloc() and free() are a pop and a push.  The debt is settled when
 *             it costs memory: before the heap would grow into pages never touched while more
 *             than 1/HELD_SHARE of it is held, and when more is held than free() may keep.  Then
 *             merge_held() walks through the heap once and makes all bins anew, which costs a
 *             fraction of merging one chunk after the other.
 * Carving     A small request that finds nothing of its size is cut off the front of one chunk,
 *             `to_carve`, a few stores each, until that is used up; then a larger free chunk
 *             takes its place (Lea's "designated victim"), or up to a page of top.
 * Invariants  1. Two free chunks are never neighbours, unless they would exceed CHUNK_MAX
 *                together; top's neighbour is not free.
 *             2. P of a chunk = the one before is not free; if it is, prev_size = its size.
 *             3. A chunk is in a bin exactly if it has F; a bin's bit = it has a chunk.
 *             4. A chunk has H exactly if it is in a held list or in quarantine, or to_carve.
 *             malloc_check() tests all of them.
 * Alloc       Small: the held list of that size; else its bin; else carve.  Larger: its bin, or
 *             the first chunk of the next bin that has one, the rest split off; else top, so
 *             that the heap's end moves late; only then sbrk().  From MAP_AT on: a mapping.
 * Free        A small chunk is held, a larger one merged with both neighbours at once; then into
 *             its bin at the head: the block that was used last is in the cache.
 * Resize      In place where what lies behind is free or top, beyond MAP_AT as well: a growing
 *             vector at the heap's end is never copied.  A mapping is moved by mremap(): page
 *             tables change, bytes do not.
 * Giving back When top reaches TRIM_AT, all but TOP_KEEP goes back by brk.  free() keeps at most
 *             HELD_KEEP bytes, or half of the heap, unmerged; what lies below a held chunk stays
 *             until the next merge.  Mappings go back at once, and malloc_trim() gives back all
 *             that it can.  Where brk is refused, each block
 *             gets a mapping.  If somebody else moved brk, the foreign part becomes a chunk in use
 *             that nobody frees, and the heap goes on behind it.
 * Example     malloc 20, 40, 20; free the middle one; malloc_trim, which merges:
 *             | 32 used | 48 used | 32 used | top    ->    | 32 used | 48 held | 32 used | top
 *                                                    ->    | 32 used | 48 free | 32 used | top
 * Detection   On free: the header, the neighbour's header (an overrun by one byte), the state (a
 *             second free).  On taking a chunk: its links, which exist twice while it is held,
 *             both ways round a bin else, and its boundary tag (a write after the free; wild
 *             links end the program by SIGSEGV instead).  Each ends the program with a line on
 *             stderr, "malloc: heap+0x1230: " and one of the texts at "Reports".
 *             STRATA_MALLOC=quarantine=N keeps the last N freed blocks, filled with a pattern
 *             that must still be there when they leave; =guard puts each block in front of a
 *             page without access; both: "quarantine=100,guard".
 * Threads     One lock around everything.  It costs 8 instructions a pair when nobody waits (a
 *             sleeper in futex else).  A cache for each thread would cost as much to find on
 *             every call, and keep memory that other threads cannot use.
 * Limits      Requests are below 2 GiB.  Chunks are below 64 MiB; what grows beyond is copied
 *             into a mapping once.  A foreign pointer to the start of a page is looked up in the
 *             page before it.  The child of a program with threads must not use the heap.
 * Files       This one has the heap in brk's memory and the functions of ISO C.  malloc_map.c has
 *             mappings and the debugging aids, malloc_more.c other names for the same,
 *             statistics and the validator; malloc_heap.h is what they share.
 * Reading     Knuth, TAOCP vol. 1, 2.5; Wilson et al., Dynamic Storage Allocation, 1995; Lea,
 *             A Memory Allocator; Masmano et al., TLSF, ECRTS 2004; Drepper, Futexes Are
 *             Tricky. */
#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "user/lib/malloc_heap.h"

static struct chunk nothing; /* to be carved: too small for any request */

struct heap malloc_heap = { .to_carve = &nothing };
struct chunk *malloc_held[HELD_LISTS];

/* ---- Lock -------------------------------------------------------------------------------- */

#define SYS_FUTEX 240
#define FUTEX_WAIT_PRIVATE 128
#define FUTEX_WAKE_PRIVATE 129

int malloc_lock = LOCK_FREE;

/* Wait while the lock has `value`, or wake so many; without a time limit.  A kernel without futex
 * answers at once: then waiting is polling. */
static void futex(int operation, int value)
{
    long result;
    __asm__ volatile("int $0x80"
                     : "=a"(result)
                     : "0"(SYS_FUTEX), "b"(&malloc_lock), "c"(operation), "d"(value), "S"(0)
                     : "memory");
}

__attribute__((cold)) void malloc_lock_wait(void)
{
    while (__atomic_exchange_n(&malloc_lock, LOCK_WAITED, __ATOMIC_ACQUIRE) != LOCK_FREE)
        futex(FUTEX_WAIT_PRIVATE, LOCK_WAITED);
}

__attribute__((cold)) void malloc_unlock_wake(void)
{
    __atomic_store_n(&malloc_lock, LOCK_FREE, __ATOMIC_RELEASE);
    futex(FUTEX_WAKE_PRIVATE, 1);
}

/* ---- Reports ----------------------------------------------------------------------------- */

/* Positions are relative to the heap's start: the same in every run. */
void malloc_report(const char *what, const void *where)
{
    char line[128];
    int length;

    if ((struct chunk *)where < malloc_heap.base || (struct chunk *)where > malloc_heap.end)
        length = snprintf(line, sizeof(line), "malloc: outside the heap: %s\n", what);
    else
        length = snprintf(line, sizeof(line), "malloc: heap+%#zx: %s\n",
                          (size_t)((const char *)where - (char *)malloc_heap.base), what);
    if (write(STDERR_FILENO, line, (size_t)length) < 0)
        abort();
}

/* Out of line: the checks are on the hot path, their consequence is not. */
_Noreturn __attribute__((noinline, cold)) void malloc_die(const char *what, const void *where)
{
    malloc_report(what, where);
    unlock(); /* whoever handles SIGABRT may still want memory */
    abort();
}

static _Noreturn __attribute__((noinline, cold)) void die_at(const char *what,
                                                             const struct chunk *c)
{
    malloc_die(what, (const char *)c + BLOCK_OFFSET);
}

static _Noreturn __attribute__((noinline, cold)) void die_bad_block(const struct chunk *c)
{
    bool marked = ((c->head ^ mark_of(c)) & ADDRESS_MASK) == 0;
    size_t room = (size_t)((char *)malloc_heap.top - (char *)c);

    if (marked && (c->head & (FREE | HELD)) != 0)
        die_at(free_already, c);
    die_at(marked && size_of(c) <= room ? overrun : bad_header, c);
}

/* ---- Bins -------------------------------------------------------------------------------- */

static void bin_insert(struct chunk *c, size_t size)
{
    unsigned bin = bin_of(size);
    struct chunk *list = &malloc_heap.bins[bin], *first = list->next;

    c->next = first;
    c->prev = list;
    first->prev = c;
    list->next = c;
    if (first == list) {
        malloc_heap.map[bin / WORD_BITS] |= 1u << bin % WORD_BITS;
        malloc_heap.summary |= 1u << bin / WORD_BITS;
    }
}

static void bin_remove(struct chunk *c, size_t size)
{
    struct chunk *next = c->next, *prev = c->prev;

    if (next->prev != c || prev->next != c || chunk_at(c, (ptrdiff_t)size)->prev_size != size)
        malloc_die(written_free, block_of(c));
    next->prev = prev;
    prev->next = next;
    if (next == prev) { /* only the list head is left */
        unsigned bin = next->head;
        malloc_heap.map[bin / WORD_BITS] &= ~(1u << bin % WORD_BITS);
        if (malloc_heap.map[bin / WORD_BITS] == 0)
            malloc_heap.summary &= ~(1u << bin / WORD_BITS);
    }
}

/* The first chunk of the first bin from `bin` on that is not empty; NULL if there is none. */
static inline struct chunk *bin_first_from(unsigned bin)
{
    unsigned word = bin / WORD_BITS;
    uint32_t bits = malloc_heap.map[word] & (UINT32_MAX << bin % WORD_BITS);

    if (bits == 0) {
        uint32_t words = malloc_heap.summary & (UINT32_MAX << word << 1);
        if (words == 0)
            return NULL;
        word = (unsigned)__builtin_ctz(words);
        bits = malloc_heap.map[word];
    }
    return malloc_heap.bins[word * WORD_BITS + (unsigned)__builtin_ctz(bits)].next;
}

/* The best of the first chunks in the list that are large enough; NULL if none is. */
static struct chunk *best_of(struct chunk *list, size_t size)
{
    struct chunk *best = NULL, *before = list;
    size_t best_size = SIZE_MAX;
    int scanned = 0;

    for (struct chunk *c = list->next; c != list && scanned < SCAN_MAX; c = c->next) {
        if (c->prev != before)
            die_at(written_free, before);
        before = c;
        size_t have = size_of(c);
        if (have >= size && have < best_size) {
            best = c;
            best_size = have;
        }
        scanned++;
    }
    return best;
}

/* A free chunk of at least `size` bytes, still in its bin; NULL if there is none. */
static inline struct chunk *find_fit(size_t size)
{
    if (size < SMALL_LIMIT)
        return bin_first_from(size / ALIGNMENT);
    unsigned bin = bin_of(size); /* has smaller ones, too */
    struct chunk *best = best_of(&malloc_heap.bins[bin], size);
    return best != NULL || bin + 1 == BIN_COUNT ? best : bin_first_from(bin + 1);
}

/* ---- Top and brk ------------------------------------------------------------------------- */

static void set_top(struct chunk *top)
{
    malloc_heap.top = top;
    top->head = mark_of(top);
}

static void set_end(struct chunk *end)
{
    malloc_heap.end = end;
    malloc_heap.span = (size_t)((char *)end - (char *)malloc_heap.base) / ALIGNMENT;
    if (malloc_heap.untouched > (char *)block_of(end))
        malloc_heap.untouched = block_of(end);
}

/* Make [c, c + size) a free chunk.  c->head is valid as to P; the one behind knows. */
static void set_free(struct chunk *c, size_t size)
{
    c->head = size << SIZE_SHIFT | FREE | (uint8_t)c->head;
    chunk_at(c, (ptrdiff_t)size)->prev_size = size;
    bin_insert(c, size);
}

/* Go on in memory that does not join the heap: the first piece, or behind a foreign sbrk(). */
static bool start_segment(char *memory, size_t nbytes)
{
    uintptr_t from = round_up((uintptr_t)memory, ALIGNMENT);
    uintptr_t to = ((uintptr_t)memory + nbytes) & ~(uintptr_t)(ALIGNMENT - 1);
    struct chunk *first = chunk_at((void *)from, BLOCK_OFFSET);

    if (malloc_heap.base != NULL && memory < (char *)block_of(malloc_heap.end))
        malloc_die(foreign_shrink, memory);
    if (malloc_heap.base == NULL) {
        malloc_heap.base = first;
    } else {
        struct chunk *foreign = malloc_heap.end;
        size_t rest = top_size(), gap = (size_t)((char *)first - (char *)foreign);
        if (gap > CHUNK_MAX || rest > CHUNK_MAX)
            return false;
        foreign->head = head_for(foreign, gap);
        if (rest > 0) {
            foreign->head &= ~PREV_NOT_FREE;
            set_free(malloc_heap.top, rest); /* whose header is a mark already */
        }
    }
    /* The rest of a page that somebody else used and gave back may hold anything. */
    memset(memory, 0, (size_t)(-(uintptr_t)memory & (PAGE - 1)));
    set_end(chunk_at((void *)to, -(ptrdiff_t)BLOCK_OFFSET));
    malloc_heap.untouched = block_of(first);
    set_top(first);
    return true;
}

/* Get at least `size` bytes into top; false if brk gives no more.  The heap's end is put on a page
 * boundary, so that the next piece joins this one. */
static bool grow_top(size_t size)
{
    while (malloc_heap.base == NULL || top_size() < size) {
        size_t have = malloc_heap.base == NULL ? 0 : top_size();
        uintptr_t old = (uintptr_t)sbrk(0);
        size_t missing = size + ALIGNMENT - have; /* + what alignment of the start may cost */
        size_t pages = round_up(missing, PAGE), to_boundary = -old & (PAGE - 1);
        size_t step = to_boundary + (pages < GROW_STEP ? GROW_STEP : pages);
        char *memory = step <= PTRDIFF_MAX ? sbrk((intptr_t)step) : (char *)-1;

        if (memory == (char *)-1 && step > to_boundary + pages) {
            step = to_boundary + pages;
            memory = sbrk((intptr_t)step);
        }
        if (memory == (char *)-1)
            return false;
        if (malloc_heap.base != NULL && memory == block_of(malloc_heap.end)) {
            set_end(chunk_at(malloc_heap.end, (ptrdiff_t)step));
        } else if (!start_segment(memory, step)) {
            sbrk(-(intptr_t)step);
            return false;
        }
    }
    return true;
}

/* Give back all of top but `keep` bytes, unless somebody else's memory is above it.  sbrk() moves
 * by less than 2 GiB at a time. */
static __attribute__((noinline)) bool trim_top(size_t keep)
{
    if (malloc_heap.base == NULL || top_size() < keep)
        return false;
    int saved_errno = errno; /* POSIX: free() leaves it alone */
    size_t before = top_size();
    while (sbrk(0) == block_of(malloc_heap.end)) {
        size_t extra = top_size() - keep;
        extra = (extra < PTRDIFF_MAX ? extra : PTRDIFF_MAX) & ~(size_t)(PAGE - 1);
        if (extra == 0 || sbrk(-(intptr_t)extra) == (void *)-1)
            break;
        set_end(chunk_at(malloc_heap.end, -(ptrdiff_t)extra));
    }
    errno = saved_errno;
    return top_size() < before;
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

/* ---- Chunks ------------------------------------------------------------------------------ */

/* Merge the `size` bytes at c, which are in no bin or list, with what is free on either side, and
 * put the result where it belongs.  c's header is valid, and has F: also when it ends up inside a
 * larger chunk it tells of a second free. */
static void merge(struct chunk *c, size_t size)
{
    struct chunk *next = chunk_at(c, (ptrdiff_t)size);
    bool is_last = next == malloc_heap.top;

    while ((c->head & PREV_NOT_FREE) == 0 && (is_last || size + c->prev_size <= CHUNK_MAX)) {
        struct chunk *before = chunk_at(c, -(ptrdiff_t)c->prev_size);
        if (before < malloc_heap.base || before >= c || size_of(before) != c->prev_size)
            malloc_die(written_before, block_of(c));
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
        next = chunk_at(next, (ptrdiff_t)next_size);
    }
    next->head &= ~PREV_NOT_FREE;
    set_free(c, size);
}

static void release(struct chunk *c)
{
    c->head |= FREE;
    merge(c, size_of(c));
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
    malloc_heap.summary = 0;
}

/* The end of the run of free and held chunks that starts at c. */
static inline struct chunk *end_of_run(struct chunk *c)
{
    struct chunk *top = malloc_heap.top, *last = chunk_at(c, CHUNK_MAX);

    while (c != top && (c->head & (FREE | HELD)) != 0) {
        struct chunk *next = chunk_at(c, (ptrdiff_t)size_of(c));
        if (next > last)
            break;
        c->head = (c->head & ~HELD) | FREE; /* a second free will show */
        c = next;
    }
    return c;
}

/* Merge whatever is held: go through the heap and make each run of free and held chunks one free
 * chunk.  The lists are not looked at, but made anew. */
static void merge_held(void)
{
    struct chunk *c = malloc_heap.base, *top = malloc_heap.top;

    empty_lists();
    while (c < top) {
        if ((c->head & (FREE | HELD)) == 0) {
            c = chunk_at(c, (ptrdiff_t)size_of(c));
            if ((uint8_t)c->head != mark_of(c))
                die_at(bad_header, c);
            continue;
        }
        struct chunk *run = c;
        c = end_of_run(run);
        if (c == top) {
            set_top(run);
            break;
        }
        c->head &= ~PREV_NOT_FREE;
        set_free(run, (size_t)((char *)c - (char *)run));
    }
    malloc_heap.taken = 0;
    malloc_heap.to_carve = &nothing;
    malloc_heap.held_room = (intptr_t)malloc_heap.held_limit;
    if (top_size() >= TRIM_AT)
        trim_top(TOP_KEEP);
}

/* free() would hold more than it may with these `units`, which are counted, but in no list. */
static void limit_held(size_t units)
{
    size_t now = held_bytes() / ALIGNMENT;
    size_t share = (size_t)((char *)malloc_heap.top - (char *)malloc_heap.base) / ALIGNMENT /
                   HELD_KEEP_SHARE;

    malloc_heap.held_limit = share > HELD_KEEP / ALIGNMENT ? share : HELD_KEEP / ALIGNMENT;
    malloc_heap.held_room = (intptr_t)(malloc_heap.held_limit - now);
    if (malloc_heap.held_room < 0)
        merge_held();
    else
        malloc_heap.held_room += (intptr_t)units;
}

/* top has no `size` bytes that were used before.  Merge what is held, if that is worth a walk
 * through the heap: or let top have new pages.  Either way it is worth another try, or NULL. */
static __attribute__((noinline)) bool make_room(size_t size)
{
    size_t used = (size_t)(malloc_heap.untouched - (char *)malloc_heap.base);

    if (malloc_heap.base != NULL && held_bytes() > used / HELD_SHARE &&
        malloc_heap.taken > used / TAKEN_SHARE) {
        merge_held();
        return true;
    }
    if ((malloc_heap.base == NULL || top_size() < size) && !grow_top(size))
        return false;
    touch(chunk_at(malloc_heap.top, (ptrdiff_t)size));
    return true;
}

/* Use the first `size` bytes of a chunk in a bin. */
static inline void cut(struct chunk *c, size_t size)
{
    size_t whole = size_of(c);
    struct chunk *next = chunk_at(c, (ptrdiff_t)size);

    bin_remove(c, whole);
    c->head -= FREE + ((whole - size) << SIZE_SHIFT);
    if (whole == size)
        next->head |= PREV_NOT_FREE;
    else
        set_free(mark_only(next), whole - size);
}

/* A chunk of `size` bytes for use, from a bin or top; NULL if that needs more than top has. */
static inline struct chunk *take_present(struct chunk *fit, size_t size)
{
    if (fit != NULL) {
        cut(fit, size);
        return fit;
    }
    struct chunk *c = malloc_heap.top, *rest = chunk_at(c, (ptrdiff_t)size);
    if ((char *)block_of(rest) > malloc_heap.untouched)
        return NULL;
    c->head = head_for(c, size);
    set_top(rest);
    return c;
}

/* The same, with more memory if need be; NULL if there is none. */
static __attribute__((noinline)) struct chunk *take(size_t size)
{
    struct chunk *c = take_present(find_fit(size), size);

    while (c == NULL && make_room(size))
        c = take_present(find_fit(size), size);
    malloc_heap.taken += size;
    return c;
}

/* What is left of the chunk that small requests are cut from becomes a free chunk. */
static void retire_carve(void)
{
    struct chunk *c = malloc_heap.to_carve;

    malloc_heap.to_carve = &nothing;
    if (c != &nothing) {
        c->head ^= HELD | FREE;
        merge(c, size_of(c));
    }
}

/* Cut a chunk in use down to `size`; the rest is freed. */
static void shrink(struct chunk *c, size_t size)
{
    size_t rest = size_of(c) - size;
    if (rest == 0)
        return;
    struct chunk *tail = chunk_at(c, (ptrdiff_t)size);
    c->head -= rest << SIZE_SHIFT;
    tail->head = head_for(tail, rest);
    release(tail);
}

/* Make a chunk at least `size` bytes large without moving it, if what is behind it allows. */
static bool extend(struct chunk *c, size_t size)
{
    size_t have = size_of(c);
    struct chunk *next = chunk_at(c, (ptrdiff_t)have);

    if (size > CHUNK_MAX)
        return false;
    if (next == malloc_heap.to_carve)
        retire_carve();
    if (next == malloc_heap.top && grow_top(size - have) && next == malloc_heap.top) {
        c->head += (size - have) << SIZE_SHIFT;
        touch(chunk_at(c, (ptrdiff_t)size));
        set_top(chunk_at(c, (ptrdiff_t)size));
        return true;
    }
    /* top has size 0, and became an ordinary chunk if it was left */
    size_t more = size_of(next);
    if ((next->head & FREE) == 0 || have + more < size || have + more > CHUNK_MAX)
        return false;
    bin_remove(next, more);
    c->head += more << SIZE_SHIFT;
    chunk_at(next, (ptrdiff_t)more)->head |= PREV_NOT_FREE;
    shrink(c, size);
    return true;
}

/* ---- The family -------------------------------------------------------------------------- */

/* Does the chunk that the caller handed in, and the header behind it, look right? */
static inline bool looks_used(const struct chunk *c)
{
    const struct chunk *next = chunk_at(c, (ptrdiff_t)size_of(c));

    return ((c->head ^ mark_of(c)) & (ADDRESS_MASK | FREE | HELD)) == 0 &&
           next <= malloc_heap.top && (uint8_t)next->head == mark_of(next);
}

static inline void check_used(const struct chunk *c)
{
    if (!looks_used(c))
        die_bad_block(c);
}

/* The first request comes here. */
static __attribute__((noinline, cold)) void start_heap(void)
{
    empty_lists();
    malloc_read_options();
    malloc_heap.held_limit = malloc_heap.quarantine_size > 0 ? 0 : HELD_KEEP / ALIGNMENT;
    malloc_heap.held_room = (intptr_t)malloc_heap.held_limit;
    malloc_heap.started = true;
    malloc_heap.map_at = malloc_heap.guard ? 0 : MAP_AT;
    malloc_heap.small_end = malloc_heap.guard ? 0 : HELD_MAX - OVERHEAD + 1;
}

/* Out of the ordinary: the first request, mappings, no memory, guard pages. */
static __attribute__((noinline)) void *allocate_large(size_t nbytes)
{
    if (!malloc_heap.started)
        start_heap();
    if (nbytes > REQUEST_MAX)
        return out_of_memory();
    void *block = nbytes >= MAP_AT || malloc_heap.guard ? malloc_map_block(nbytes, ALIGNMENT)
                                                        : NULL;
    if (block != NULL)
        return block;
    size_t size = chunk_size_for(nbytes);
    struct chunk *c = size > CHUNK_MAX || malloc_heap.guard ? NULL : take(size);
    if (c != NULL)
        return block_of(c);
    if (nbytes < MAP_AT && !malloc_heap.guard) /* brk is refused */
        block = malloc_map_block(nbytes, ALIGNMENT);
    return block != NULL ? block : out_of_memory();
}

/* For all that is not simply held.  Gives the lock back. */
static __attribute__((noinline)) void free_slowly(struct chunk *c)
{
    if (malloc_heap.quarantine_size > 0) {
        malloc_heap.held_room = 0; /* every free() comes here */
        void *oldest = malloc_exchange(block_of(c), &c);
        if (oldest != NULL && c == NULL)
            malloc_unmap_block(oldest);
    } else if (malloc_heap.held_room < 0) {
        limit_held(c->head >> UNITS_SHIFT);
    }
    if (c != NULL)
        release(c);
    unlock();
}

static __attribute__((noinline)) void free_suspect(struct chunk *c)
{
    check_used(c);
    free_slowly(c);
}

static __attribute__((noinline)) void free_outside(struct chunk *c)
{
    void *block = block_of(c);

    c = NULL;
    if (block != NULL) {
        malloc_checked_mapping(block);
        if (malloc_heap.quarantine_size > 0)
            block = malloc_exchange(block, &c);
        if (c != NULL)
            release(c);
        else if (block != NULL)
            malloc_unmap_block(block);
    }
    unlock();
}

/* How much of top to carve from: what was used before, but at most CARVE_MAX; else new memory up to
 * the end of a page. */
static size_t carve_from_top(size_t size)
{
    size_t used = (size_t)(malloc_heap.untouched - (char *)block_of(malloc_heap.top));
    size_t page_rest = -(uintptr_t)block_of(malloc_heap.top) & (PAGE - 1);
    size_t piece = used < CARVE_MAX ? used & ~(size_t)(ALIGNMENT - 1) : CARVE_MAX;

    if (malloc_heap.base == NULL)
        return size;
    if (piece < size)
        piece = page_rest;
    return piece < size ? size : piece;
}

/* Take a chunk of at least `size` bytes to carve from.  false: there is no memory. */
static bool refill_carve(size_t size)
{
    retire_carve();
    struct chunk *c = bin_first_from(size / ALIGNMENT);
    if (c != NULL) {
        cut(c, size_of(c));
        malloc_heap.taken += size_of(c);
    } else {
        c = take(carve_from_top(size));
    }
    if (c == NULL)
        return false;
    malloc_heap.to_carve = c;
    c->head |= HELD;
    return true;
}

static __attribute__((noinline)) void *allocate_slowly(size_t nbytes)
{
    struct chunk *c = nbytes < malloc_heap.map_at ? take(chunk_size_for(nbytes)) : NULL;
    void *block = c != NULL ? block_of(c) : allocate_large(nbytes);
    unlock();
    return block;
}

/* Cut `units` off the front of the chunk to carve, which has more. */
static inline void *carve(size_t units)
{
    struct chunk *c = malloc_heap.to_carve, *rest = chunk_at(c, (ptrdiff_t)(units * ALIGNMENT));
    size_t head = c->head, rest_head = head - (units << UNITS_SHIFT);

    c->head = units << UNITS_SHIFT | (uint8_t)head;
    rest->head = rest_head;
    *(uint8_t *)&rest->head = mark_of(rest);
    malloc_heap.to_carve = rest;
    return block_of(c);
}

static __attribute__((noinline, cold)) void *unlock_waking(void *block)
{
    malloc_unlock_wake();
    return block;
}

/* The next three take what malloc() did not find a step before.  All give the lock back. */
static __attribute__((noinline)) void *allocate_refilled(size_t units)
{
    size_t size = units * ALIGNMENT;

    if (!refill_carve(size + MIN_CHUNK))
        return allocate_slowly(size - OVERHEAD);
    void *block = carve(units);
    unlock();
    return block;
}

static __attribute__((noinline)) void *allocate_binned(size_t units)
{
    struct chunk *c = malloc_heap.bins[units].next;
    cut(c, units * ALIGNMENT);
    unlock();
    return block_of(c);
}

static __attribute__((noinline)) void *allocate_small(size_t units)
{
    if ((malloc_heap.map[units / WORD_BITS] >> units % WORD_BITS & 1) != 0)
        return allocate_binned(units);
    if (malloc_heap.to_carve->head >> UNITS_SHIFT <= units)
        return allocate_refilled(units);
    void *block = carve(units);
    if (!try_unlock())
        return unlock_waking(block);
    return block;
}

static __attribute__((noinline)) void *allocate_damaged(size_t units)
{
    if (malloc_held[units] != NULL)
        die_at(written_held, malloc_held[units]);
    return allocate_small(units);
}

static __attribute__((noinline, cold)) void *allocate_waiting(size_t nbytes)
{
    malloc_lock_wait();
    return allocate_slowly(nbytes);
}

/* A function of its own, because calloc() may not call malloc(): compilers make malloc() and
 * memset() a calloc().  All that is rare is called last, and needs no stack frame here. */
static inline void *allocate(size_t nbytes)
{
    if (!try_lock())
        return allocate_waiting(nbytes);
    if (nbytes >= malloc_heap.small_end)
        return allocate_slowly(nbytes);
    size_t units = (nbytes + OVERHEAD + ALIGNMENT - 1) / ALIGNMENT;
    struct chunk *c = malloc_held[units];
    if (c == NULL)
        return allocate_small(units);
    if (((uintptr_t)c->next ^ (uintptr_t)c->prev) != UINTPTR_MAX)
        return allocate_damaged(units);
    malloc_held[units] = c->next;
    malloc_heap.held_room += (intptr_t)units;
    c->head &= ~HELD;
    if (!try_unlock())
        return unlock_waking(block_of(c));
    return block_of(c);
}

void *malloc(size_t nbytes)
{
    return allocate(nbytes);
}

static __attribute__((noinline, cold)) void free_waiting(struct chunk *c)
{
    malloc_lock_wait();
    if (is_in_heap(c))
        free_suspect(c);
    else
        free_outside(c);
}

void free(void *block)
{
    struct chunk *c = chunk_of(block);

    if (!try_lock())
        return free_waiting(c);
    if (!is_in_heap(c)) /* NULL is not, either */
        return free_outside(c);
    if (!looks_used(c))
        return free_suspect(c);
    size_t units = c->head >> UNITS_SHIFT;
    if (units >= HELD_LISTS || (malloc_heap.held_room -= (intptr_t)units) < 0)
        return free_slowly(c);
    struct chunk *first = malloc_held[units];
    c->head |= HELD;
    c->next = first;
    c->prev = (struct chunk *)~(uintptr_t)first;
    malloc_held[units] = c;
    unlock();
}

/* Memory that was never touched since the kernel gave it is zero: writing zeros there would
 * only make it resident. */
void *calloc(size_t count, size_t nbytes)
{
    size_t total;
    if (__builtin_mul_overflow(count, nbytes, &total))
        return out_of_memory();
    if (total <= HELD_MAX - OVERHEAD) {
        void *block = allocate(total);
        return block == NULL ? NULL : memset(block, 0, total);
    }
    lock();
    char *untouched = malloc_heap.untouched;
    char *block = allocate_large(total);
    bool is_mapping = block != NULL && !is_in_heap(chunk_of(block));
    unlock();
    if (block != NULL && !is_mapping && block < untouched) {
        size_t dirty = (size_t)(untouched - block);
        memset(block, 0, dirty < total ? dirty : total);
    }
    return block;
}

/* Resize without copying; NULL if the block has to move.  *usable: its size before. */
static void *resize(void *block, size_t nbytes, size_t *usable)
{
    struct chunk *c = chunk_of(block);

    if (!is_in_heap(c)) {
        struct mapping *m = malloc_checked_mapping(block);
        *usable = m->usable;
        return nbytes > REQUEST_MAX ? NULL : malloc_remap_block(m, nbytes);
    }
    check_used(c);
    size_t have = size_of(c);
    *usable = have - OVERHEAD;
    if (nbytes > REQUEST_MAX)
        return NULL;
    size_t size = chunk_size_for(nbytes);
    if (size <= have)
        shrink(c, size);
    else if (!extend(c, size))
        return NULL;
    return block;
}

/* A size of 0 is an allocation like any other: realloc() never frees. */
void *realloc(void *block, size_t nbytes)
{
    size_t usable;

    if (block == NULL)
        return malloc(nbytes);
    lock();
    void *moved = resize(block, nbytes, &usable);
    unlock();
    if (moved != NULL)
        return moved;
    moved = malloc(nbytes);
    if (moved != NULL) {
        memcpy(moved, block, usable < nbytes ? usable : nbytes);
        free(block);
    }
    return moved;
}

/* Take enough to have an aligned place inside; free both ends. */
static void *allocate_aligned(size_t alignment, size_t nbytes)
{
    if (!malloc_heap.started)
        start_heap();
    if (nbytes + alignment >= MAP_AT || malloc_heap.guard) {
        void *block = malloc_map_block(nbytes, alignment);
        if (block != NULL || malloc_heap.guard)
            return block;
    }
    struct chunk *c = nbytes + alignment > CHUNK_MAX - ALIGNMENT
                          ? NULL
                          : take(chunk_size_for(nbytes + alignment));
    if (c == NULL)
        return malloc_map_block(nbytes, alignment);
    size_t front = -(uintptr_t)block_of(c) & (alignment - 1);
    if (front != 0) { /* a multiple of 16: room for a chunk */
        struct chunk *aligned = chunk_at(c, (ptrdiff_t)front);
        aligned->head = head_for(aligned, size_of(c) - front);
        c->head -= (size_of(c) - front) << SIZE_SHIFT;
        release(c);
        c = aligned;
    }
    shrink(c, chunk_size_for(nbytes));
    return block_of(c);
}

void *aligned_alloc(size_t alignment, size_t nbytes)
{
    if (alignment == 0 || (alignment & (alignment - 1)) != 0) {
        errno = EINVAL;
        return NULL;
    }
    if (alignment <= ALIGNMENT)
        return malloc(nbytes);
    if (alignment > REQUEST_MAX || nbytes > REQUEST_MAX - alignment)
        return out_of_memory();
    lock();
    void *block = allocate_aligned(alignment, nbytes);
    unlock();
    return block != NULL ? block : out_of_memory();
}

size_t malloc_usable_size(const void *block)
{
    if (block == NULL)
        return 0;
    lock();
    struct chunk *c = chunk_of(block);
    size_t usable;
    if (is_in_heap(c)) {
        check_used(c);
        usable = size_of(c) - OVERHEAD;
    } else {
        usable = malloc_checked_mapping(block)->usable;
    }
    unlock();
    return usable;
}

int malloc_trim(size_t keep)
{
    lock();
    if (malloc_heap.base != NULL && malloc_heap.quarantine_size == 0)
        merge_held();
    bool trimmed = trim_top(keep);
    unlock();
    return trimmed;
}
