/* user/lib/malloc_more.c - what is made of malloc.c: other names for the same, views of the heap and
 * its validator, options and the quarantine. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "user/lib/include/malloc.h"
#include "user/lib/malloc_heap.h"

/* ---- By other names ---------------------------------------------------------------------- */

void *reallocarray(void *block, size_t count, size_t nbytes)
{
    size_t total;
    if (__builtin_mul_overflow(count, nbytes, &total))
        return out_of_memory();
    return realloc(block, total);
}

void *memalign(size_t alignment, size_t nbytes)
{
    return aligned_alloc(alignment, nbytes);
}

int posix_memalign(void **result, size_t alignment, size_t nbytes)
{
    if (alignment % sizeof(void *) != 0)
        return EINVAL;
    int saved_errno = errno;
    void *block = aligned_alloc(alignment, nbytes);
    int error = block == NULL ? errno : 0;

    errno = saved_errno;
    if (block != NULL)
        *result = block;
    return error;
}

void *valloc(size_t nbytes)
{
    return aligned_alloc(PAGE, nbytes);
}

void *pvalloc(size_t nbytes)
{
    if (nbytes > REQUEST_MAX)
        return out_of_memory();
    return aligned_alloc(PAGE, round_up(nbytes == 0 ? 1 : nbytes, PAGE));
}

/* ---- Views ------------------------------------------------------------------------------- */

/* The header of the chunk that is carved does not tell. */
static size_t true_size(const struct chunk *c)
{
    return c == malloc_heap.to_carve ? (size_t)((char *)malloc_heap.carve_end - (char *)c)
                                     : size_of(c);
}

void malloc_walk(void (*visit)(const struct malloc_piece *piece, void *context), void *context)
{
    for (struct chunk *c = malloc_heap.base; c != malloc_heap.top;
         c = chunk_at(c, true_size(c))) {
        enum malloc_state state = (c->head & FREE) != 0   ? MALLOC_FREE
                                  : (c->head & HELD) != 0 ? MALLOC_HELD
                                                          : MALLOC_USED;
        visit(&(struct malloc_piece){ c, true_size(c), state }, context);
    }
    if (malloc_heap.base != NULL)
        visit(&(struct malloc_piece){ malloc_heap.top, top_size(), MALLOC_TOP }, context);
}

static void count_piece(const struct malloc_piece *piece, void *context)
{
    struct malloc_stats *stats = context;

    switch (piece->state) {
    case MALLOC_USED:
        stats->used_chunks++;
        stats->used_bytes += piece->nbytes;
        break;
    case MALLOC_HELD:
        stats->held_chunks++;
        stats->held_bytes += piece->nbytes;
        break;
    case MALLOC_FREE:
        stats->free_chunks++;
        stats->free_bytes += piece->nbytes;
        break;
    case MALLOC_TOP:
        stats->top_bytes = piece->nbytes;
        break;
    }
    stats->heap_bytes += piece->nbytes;
}

void malloc_get_stats(struct malloc_stats *stats)
{
    *stats = (struct malloc_stats){ 0 };
    lock(&malloc_heap.lock);
    malloc_walk(count_piece, stats);
    stats->mapped_bytes = malloc_heap.mapped_bytes;
    stats->mapped_blocks = malloc_heap.mapped_blocks;
    unlock(&malloc_heap.lock);
}

struct mallinfo2 mallinfo2(void)
{
    struct malloc_stats stats;

    malloc_get_stats(&stats);
    return (struct mallinfo2){
        .arena = stats.heap_bytes,
        .ordblks = stats.free_chunks + 1,
        .smblks = stats.held_chunks,
        .hblks = stats.mapped_blocks,
        .hblkhd = stats.mapped_bytes,
        .fsmblks = stats.held_bytes,
        .uordblks = stats.used_bytes,
        .fordblks = stats.free_bytes + stats.held_bytes + stats.top_bytes,
        .keepcost = stats.top_bytes,
    };
}

void malloc_stats(void)
{
    struct malloc_stats stats;
    char text[256];

    malloc_get_stats(&stats);
    int length = snprintf(text, sizeof(text),
                          "heap  %10zu bytes\nused  %10zu bytes in %zu chunks\n"
                          "held  %10zu bytes in %zu chunks\nfree  %10zu bytes in %zu chunks\n"
                          "top   %10zu bytes\nmaps  %10zu bytes in %zu blocks\n",
                          stats.heap_bytes, stats.used_bytes, stats.used_chunks,
                          stats.held_bytes, stats.held_chunks, stats.free_bytes,
                          stats.free_chunks, stats.top_bytes, stats.mapped_bytes,
                          stats.mapped_blocks);
    if (write(STDERR_FILENO, text, (size_t)length) < 0)
        errno = EIO;
}

/* ---- The validator ----------------------------------------------------------------------- */

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

/* What is wrong with the chunk at c, given the one before; NULL: nothing. */
static const char *chunk_fault(const struct chunk *c, const struct chunk *before)
{
    bool before_free = before != NULL && (before->head & FREE) != 0;

    if (((c->head ^ mark_of(c)) & ADDRESS_MASK) != 0)
        return "header without its mark";
    if (((c->head & PREV_NOT_FREE) == 0) != before_free)
        return "wrong flag for the chunk before";
    if (before_free && c->prev_size != size_of(before))
        return "wrong boundary tag";
    if (c == malloc_heap.top)
        return before_free ? "free chunk next to top" : NULL;
    if (true_size(c) < MIN_CHUNK ||
        true_size(c) > (size_t)((char *)malloc_heap.top - (char *)c))
        return "size leads out of the heap";
    if ((c->head & (FREE | HELD)) == (FREE | HELD))
        return "both free and held";
    if (before_free && (c->head & FREE) != 0 && size_of(before) + size_of(c) <= CHUNK_MAX)
        return "two free neighbours";
    return NULL;
}

/* Count the chunks in the bins, or report what is wrong with one and return -1. */
static long check_bins(void)
{
    long count = 0;

    for (unsigned bin = 0; bin < BIN_COUNT; bin++) {
        struct chunk *list = &malloc_heap.bins[bin];
        bool bit = (malloc_heap.map[bin / WORD_BITS] >> bin % WORD_BITS & 1) != 0;
        if (bit != (list->next != list)) {
            malloc_report("bitmap and bin disagree", list);
            return -1;
        }
        for (struct chunk *c = list->next; c != list; c = c->next) {
            if (c < malloc_heap.base || c >= malloc_heap.top || c->next->prev != c ||
                (c->head & FREE) == 0 || bin_of(size_of(c)) != bin) {
                malloc_report("wrong chunk in a bin", c);
                return -1;
            }
            count++;
        }
    }
    return count;
}

/* The same for the held lists and the quarantine. */
static long check_held(void)
{
    long count = 0;
    size_t nbytes = 0;

    for (unsigned list = 0; list < SMALL_BINS; list++) {
        for (struct chunk *c = malloc_held[list]; c != NULL; c = c->next) {
            if (c < malloc_heap.base || c >= malloc_heap.top ||
                size_of(c) != list * ALIGNMENT || (c->head & HELD) == 0) {
                malloc_report("wrong chunk in a held list", c);
                return -1;
            }
            nbytes += size_of(c);
            count++;
        }
    }
    if (nbytes != held_bytes()) {
        malloc_report("held bytes are not what the lists hold", malloc_heap.base);
        return -1;
    }
    for (size_t i = 0; malloc_heap.quarantine && i < malloc_heap.freed_size; i++)
        count += is_in_heap(chunk_of(malloc_heap.freed[i]));
    return count + (malloc_heap.to_carve != NULL);
}

static bool check_all(void)
{
    long free_chunks = 0, held_chunks = 0;
    struct chunk *before = NULL, *c = malloc_heap.base;

    while (c != NULL) {
        const char *fault = chunk_fault(c, before);
        if (fault != NULL) {
            malloc_report(fault, c);
            return false;
        }
        if (c == malloc_heap.top)
            break;
        free_chunks += (c->head & FREE) != 0;
        held_chunks += (c->head & HELD) != 0;
        before = c;
        c = chunk_at(c, true_size(c));
    }
    if (!malloc_heap.started)
        return true;
    long binned = check_bins(), listed = check_held();
    if (binned >= 0 && binned != free_chunks)
        malloc_report("a free chunk is in no bin", malloc_heap.base);
    if (listed >= 0 && listed != held_chunks)
        malloc_report("a held chunk is in no list", malloc_heap.base);
    return binned == free_chunks && listed == held_chunks;
}

bool malloc_check(void)
{
    lock(&malloc_heap.lock);
    bool consistent = check_all();
    unlock(&malloc_heap.lock);
    return consistent;
}

/* ---- Options and quarantine -------------------------------------------------------------- */

#define WORD_SHOWN 60u /* bytes of a wrong word */

/* A frozen block of the heap must hold nothing but the pattern. */
static void check_frozen(const void *block)
{
    struct chunk *c = chunk_of(block);
    const unsigned char *bytes = block;

    for (size_t i = 0; i < size_of(c) - OVERHEAD; i++) {
        if (bytes[i] != POISON)
            malloc_die(written_freed, c);
    }
}

/* One line on stderr. */
static void complain(const char *what, const char *word, size_t length)
{
    char line[160];
    int n = snprintf(line, sizeof(line), "malloc: STRATA_MALLOC: %s '%.*s'\n", what,
                     (int)(length < WORD_SHOWN ? length : WORD_SHOWN), word);

    if (write(STDERR_FILENO, line, (size_t)n) < 0)
        abort();
}

/* One word of STRATA_MALLOC; false: it is neither of the two. */
static bool read_option(const char *word, size_t length, size_t *quarantined)
{
    static const char guard[] = "guard", quarantine[] = "quarantine=";
    const size_t prefix = sizeof(quarantine) - 1;
    char *end;

    if (length == sizeof(guard) - 1 && memcmp(word, guard, length) == 0) {
        malloc_heap.guard = true;
        return true;
    }
    if (length <= prefix || memcmp(word, quarantine, prefix) != 0 || word[prefix] < '0' ||
        word[prefix] > '9')
        return false;
    *quarantined = strtoul(word + prefix, &end, 10);
    return end == word + length;
}

/* At the program's end: what is still in quarantine must be as it was left. */
static void check_quarantine(void)
{
    lock(&malloc_heap.lock);
    for (size_t i = 0; i < malloc_heap.freed_size; i++) {
        void *block = malloc_heap.freed[i];
        if (is_in_heap(chunk_of(block)))
            check_frozen(block);
    }
    unlock(&malloc_heap.lock);
}

/* The last so many freed blocks are kept; false: there is no memory for the list of them. */
static bool start_quarantine(size_t count)
{
    if (count >= REQUEST_MAX / sizeof(void *))
        return false;
    void **ring = mmap(NULL, count * sizeof(void *), PROT_READ | PROT_WRITE,
                       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (ring == MAP_FAILED)
        return false;
    malloc_heap.freed = ring;
    malloc_heap.freed_size = count;
    malloc_heap.quarantine = true;
    atexit(check_quarantine);
    return true;
}

/* Words with commas between them. */
void malloc_read_options(void)
{
    const char *options = getenv("STRATA_MALLOC"), *word = options;
    size_t quarantined = 0;

    while (word != NULL && *word != '\0') {
        const char *comma = strchr(word, ',');
        size_t length = comma != NULL ? (size_t)(comma - word) : strlen(word);
        if (length > 0 && !read_option(word, length, &quarantined))
            complain("neither guard nor quarantine=N:", word, length);
        word += length + (word[length] == ',');
    }
    if (quarantined > 0 && !start_quarantine(quarantined))
        complain("no memory for the list of", options, strlen(options));
}

void malloc_freeze(void *block)
{
    struct chunk *c = chunk_of(block);

    if (is_in_heap(c)) {
        c->head |= HELD;
        memset(block, POISON, size_of(c) - OVERHEAD);
    } else {
        struct mapping *m = mapping_of(block);
        mprotect((char *)block - m->offset, m->length, PROT_NONE);
    }
}

void malloc_thaw(void *block)
{
    if (is_in_heap(chunk_of(block))) {
        check_frozen(block);
        chunk_of(block)->head &= ~HELD;
    } else {
        uintptr_t page = (uintptr_t)mapping_of(block) & ~(uintptr_t)(PAGE - 1);
        mprotect((void *)page, PAGE, PROT_READ);
    }
}
