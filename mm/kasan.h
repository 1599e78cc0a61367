/* mm/kasan.h - every access to memory checked: the kernel's address sanitizer (make KASAN=1).
 * The idea is told in mm/kasan/shadow.c.  Here are the places where the allocators say what may be
 * used; in a build without KASAN all of these are nothing.
 * Below: paging, buddy, slab (whose state they note).  No lock: interrupts off where it matters. */
#pragma once

#include "kernel/lib/types.h"

struct page;
struct slab_cache;

#ifdef KASAN

/* Make the shadow of low memory and of the vmalloc area, and begin to check.  Between
 * paging_init() and page_init(); panics if there is not enough memory for it. */
void kasan_init(void);

/* The bytes may be used.  Nothing happens outside the kernel's gigabyte. */
void kasan_unpoison(const void *start, size_t nbytes);

/* What the compiler cannot see, because it is done in assembly: report if the bytes may not be
 * used. */
void kasan_check_read(const void *start, size_t nbytes);
void kasan_check_write(const void *start, size_t nbytes);

/* buddy: a block changes hands (frames of HIGHMEM have no shadow). */
void kasan_frames_allocated(struct page *block, unsigned order);
void kasan_frames_freed(struct page *block, unsigned order);

/* slab: room for redzone and notes behind what ends at `end`; a slab was cut into free objects; an
 * object (or NULL) is handed out. */
uint32_t kasan_slot_end(struct slab_cache *cache, uint32_t end);
void kasan_slab_made(struct slab_cache *cache, struct page *slab);
void kasan_object_allocated(struct slab_cache *cache, void *object);

/* An object is given back: true if it goes to the quarantine, which will free it later.  A pointer
 * that is none of the cache's objects: false, slab.c knows what to say.  Panics at a double free. */
bool kasan_object_freed(struct slab_cache *cache, void *object);

/* Free what is in the quarantine, except into caches whose lock is held. */
void kasan_quarantine_flush(void);
uint32_t kasan_quarantined(const struct slab_cache *cache);

/* The quarantine keeps up to so many bytes of objects (0: none). */
void kasan_quarantine_limit(size_t nbytes);

/* kmalloc: of an object (or NULL) or a block only `nbytes` were asked for. */
void kasan_object_sized(struct slab_cache *cache, void *object, size_t nbytes);
void kasan_block_sized(struct page *block, size_t nbytes);

struct kasan_stats {
    uint32_t shadow_bytes;      /* shadow, its page tables, and the notes on frames */
    uint32_t quarantined_bytes; /* objects that are free but not yet given back */
    uint32_t traces;            /* different backtraces seen */
};
void kasan_get_stats(struct kasan_stats *stats);

#else

static inline void kasan_init(void)
{
}
static inline void kasan_unpoison(const void *start, size_t nbytes)
{
    (void)start, (void)nbytes;
}
static inline void kasan_check_read(const void *start, size_t nbytes)
{
    (void)start, (void)nbytes;
}
static inline void kasan_check_write(const void *start, size_t nbytes)
{
    (void)start, (void)nbytes;
}
static inline void kasan_frames_allocated(struct page *block, unsigned order)
{
    (void)block, (void)order;
}
static inline void kasan_frames_freed(struct page *block, unsigned order)
{
    (void)block, (void)order;
}
static inline uint32_t kasan_slot_end(struct slab_cache *cache, uint32_t end)
{
    (void)cache;
    return end;
}
static inline void kasan_slab_made(struct slab_cache *cache, struct page *slab)
{
    (void)cache, (void)slab;
}
static inline void kasan_object_allocated(struct slab_cache *cache, void *object)
{
    (void)cache, (void)object;
}
static inline bool kasan_object_freed(struct slab_cache *cache, void *object)
{
    (void)cache, (void)object;
    return false;
}
static inline void kasan_quarantine_flush(void)
{
}
static inline uint32_t kasan_quarantined(const struct slab_cache *cache)
{
    (void)cache;
    return 0;
}
static inline void kasan_quarantine_limit(size_t nbytes)
{
    (void)nbytes;
}
static inline void kasan_object_sized(struct slab_cache *cache, void *object, size_t nbytes)
{
    (void)cache, (void)object, (void)nbytes;
}
static inline void kasan_block_sized(struct page *block, size_t nbytes)
{
    (void)block, (void)nbytes;
}

#endif
