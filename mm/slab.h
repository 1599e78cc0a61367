/* mm/slab.h - caches of equal objects (Bonwick 1994).
 * Below: buddy.  Above: kmalloc and every kernel structure that is allocated more than once.
 * Lock: one per cache, named after it, plus "slab caches" for the list.  Does not sleep; any
 * context (creating and destroying caches: thread context). */
#pragma once

#include "mm/page.h"

#define SLAB_NAME_MAX 24u
#define SLAB_MAX_CACHES 128u
#define SLAB_MAX_OBJECT 8192u

/* Debug checks, chosen per cache by the kernel parameter slab_debug=FLAGS[,CACHE,...] (letters
 * as Linux's: F consistency and double free, Z redzones, P poison, U who allocated and freed;
 * bare slab_debug = all, all caches).  The name "page" in the list stands for U of frames. */
#define SLAB_CONSISTENCY (1u << 0)
#define SLAB_REDZONE (1u << 1)
#define SLAB_POISON (1u << 2)
#define SLAB_TRACK (1u << 3)
#define SLAB_DEBUG_ALL (SLAB_CONSISTENCY | SLAB_REDZONE | SLAB_POISON | SLAB_TRACK)

/* Of an object fewer bytes may be asked for than it has: with redzones, how many is remembered.
 * For kmalloc(); no check by itself. */
#define SLAB_SIZED (1u << 4)

struct slab_cache;

/* Create a cache of objects of `size` bytes (1 .. SLAB_MAX_OBJECT) on `align` boundaries (a
 * power of two, 0 = natural).  `constructor` runs once per object when its slab is made, not at
 * each allocation: an object must be freed in its constructed state.  It must not allocate.
 * `debug` adds to what slab_debug= asks for.  NULL: no memory, too many caches, or bad
 * arguments. */
struct slab_cache *slab_cache_create(const char *name, size_t size, size_t align,
                                     void (*constructor)(void *object), unsigned debug);

/* Destroy an empty cache.  -EBUSY (and a log line with the number) if objects are still in
 * use. */
int slab_cache_destroy(struct slab_cache *cache);

/* One object, or NULL if there is no memory (or one failure is injected, mm/inject.h).  `flags`: PAGE_ANY, or PAGE_ZERO (not with a
 * constructor). */
void *slab_alloc(struct slab_cache *cache, unsigned flags);

/* Give an object back to its cache.  A pointer that is not an allocated object of this cache is
 * a bug: panics with the object, the cache and what is wrong. */
void slab_free(struct slab_cache *cache, void *object);

/* Give all empty slabs of one cache (or of all) back to buddy, after the objects in magazines have
 * gone back to their slabs; returns the number of frames.  slab_shrink_all() may be called with
 * locks of caches held: it leaves out a cache whose lock is taken. */
uint32_t slab_cache_shrink(struct slab_cache *cache);
uint32_t slab_shrink_all(void);

/* Frames in slabs without a single object in use: slab_shrink_all() would free them. */
uint32_t slab_empty_frames(void);

/* The cache an object came from and the object's first byte; NULL if it is no slab memory. */
struct slab_cache *slab_cache_of(const void *pointer, void **object);
unsigned slab_cache_id(const struct slab_cache *cache); /* struct page.cache_id */
const char *slab_cache_name(const struct slab_cache *cache);
size_t slab_object_size(const struct slab_cache *cache); /* as asked for at creation */

struct slab_stats {
    char name[SLAB_NAME_MAX];
    uint32_t object_size, slot_size,
        align; /* bytes; a slot has the object and what debugging adds */
    uint32_t objects_per_slab, pages_per_slab, colours;
    uint32_t frames; /* in all slabs; some may be smaller than pages_per_slab */
    uint32_t objects_in_use, objects_total;
    uint32_t objects_in_magazine,
        magazine_capacity; /* free objects; their slabs hold them as used */
    uint32_t slabs_full, slabs_partial, slabs_empty; /* as the slabs see it, see above */
    uint64_t allocs, frees, failures;
    uint64_t refills;   /* allocations that found the magazine empty, or the cache has none */
    uint64_t requested; /* bytes that all calls of kmalloc asked for; 0: not its cache */
    unsigned debug;
};

/* Statistics of the index-th cache, in order of creation; false past the last one. */
bool slab_get_stats(unsigned index, struct slab_stats *stats);

/* Check every slab of every cache: lists, counts, free lists, magazines, redzones, poison.  What
 * is wrong is logged, with what is known of the object. */
bool slab_check(void);

/* The same for one cache: 1 sound, 0 not, -ENOENT if no cache has that name. */
int slab_check_cache(const char *name);

/* Before any cache exists; `cmdline` for slab_debug=. */
void slab_init(const char *cmdline);
