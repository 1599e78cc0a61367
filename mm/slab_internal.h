/* mm/slab_internal.h - what slab.c (the allocator), slab_debug.c (its checks) and kmalloc.c (which
 * frees to caches without knowing them) share. */
#pragma once

#include "kernel/cpu/spinlock.h"
#include "mm/kasan.h"
#include "mm/slab.h"
#include "mm/track.h"

#define OFFSET_UNIT 4u /* struct page.free and the links count in words */
#define NO_FREE_SLOT 0xFFFFu
#ifdef KASAN
#define SLOT_ALIGN_MIN 8u /* what a byte of the shadow stands for */
#else
#define SLOT_ALIGN_MIN OFFSET_UNIT
#endif

/* Words about a slot while it is free.  They lie in the object itself or, in caches that must
 * leave it alone, behind it. */
struct slot_tail {
    uint16_t next;  /* valid while the slab's free list has it */
    uint16_t state; /* enum slot_state; inside a used object its owner's data */
};

enum slot_state { SLOT_FREE = 0xF7EE, SLOT_USED = 0xA110 };

/* Free objects in front of the slabs: a stack.  [0] is always NULL, so that there is a top. */
#define MAGAZINE_MAX 64u
struct magazine {
    uint32_t count;
    uint32_t capacity; /* 0: the cache has none */
    void *objects[1 + MAGAZINE_MAX];
};

/* In struct page.cache_id of a slab of the small order. */
#define SMALL_SLAB 0x80u
_Static_assert(SLAB_MAX_CACHES <= SMALL_SLAB, "no room for the mark of a small slab");

struct slab_cache {
    struct spinlock lock;
    struct magazine magazine;
    uint64_t allocs, failures, refills;
    uint32_t requested_low, requested_high; /* bytes; counted by kmalloc, without the lock */
    uint32_t taken; /* objects out of the slabs: in use or in the magazine */
    uint32_t slot_size, object_size, align;
    uint32_t slot_reciprocal, last_slot; /* see slab_is_slot_offset() */
    uint32_t offset_mask; /* bytes of a slab - 1: slabs are aligned to their size */
    pfn_t head_mask;      /* takes the number of any frame to that of the head */
    uint32_t objects_per_slab, objects_per_small_slab;
    uint8_t id;
    uint8_t order, small_order; /* of its slabs; of those made when there is no such block */
    uint16_t link_offset;       /* of the slot_tail in a slot */
    uint32_t colour_unit, colours, next_colour;
    struct list_node with_room; /* slabs with a free object; empty ones last */
    struct list_node full;
    uint32_t slabs, slabs_full, slabs_empty;
    uint32_t empty_kept;    /* empty slabs at most; small ones are given back at once */
    uint32_t frames, slots; /* of all slabs */
    unsigned debug;
#ifdef KASAN
    uint32_t track_offset; /* of the struct kasan_track in a slot */
#endif
    void (*constructor)(void *object);
    char name[SLAB_NAME_MAX];
};

/* Bytes before the first slot of a slab. */
static inline uint32_t slab_colour_bytes(const struct slab_cache *cache,
                                         const struct page *page)
{
    return page->colour * cache->colour_unit;
}

/* First slot of a slab. */
static inline uint8_t *slab_base(const struct slab_cache *cache, const struct page *page)
{
    return (uint8_t *)page_to_virt(page) + slab_colour_bytes(cache, page);
}

/* Slots of a slab. */
static inline uint32_t slab_slots(const struct slab_cache *cache, const struct page *page)
{
    return page->order == cache->order ? cache->objects_per_slab
                                       : cache->objects_per_small_slab;
}

/* Is there a slot so many bytes from the first one of a slab of the usual order?  (Below 0, too.)
 * Without a division: let d be the size of a slot and r = 2^32 / d rounded down, plus 1, so that
 * r * d = 2^32 + e with e from 1 to d.  Then x * r mod 2^32 is n * e if x = n * d, and at least r,
 * which is more, if x is no multiple of d (after Lemire, Kaser and Kurz, "Faster Remainder by
 * Direct Computation", 2019).  So one comparison with the last slot's n * e says it all.  That
 * holds while r is more than the slots of a slab times d: for 32 KiB and slots of 8 KiB, 2^19 is
 * more than 2^15. */
static inline bool slab_is_slot_offset(const struct slab_cache *cache, uint32_t offset)
{
    return offset * cache->slot_reciprocal <= cache->last_slot;
}

/* Is `object` the start of a slot of this slab, of whatever order? */
static inline bool slab_is_slot(const struct slab_cache *cache, const struct page *page,
                                const void *object)
{
    uint32_t offset = (uint32_t)((uintptr_t)object - (uintptr_t)slab_base(cache, page));
    return offset % cache->slot_size == 0 &&
           offset / cache->slot_size < slab_slots(cache, page);
}

/* Places count words from the start of the slab's first frame. */
static inline void *slab_slot_at(const struct page *page, uint16_t place)
{
    return (uint8_t *)page_to_virt(page) + place * OFFSET_UNIT;
}

static inline uint16_t slab_place_of(const struct page *page, const void *slot)
{
    return (uint16_t)(((uintptr_t)slot - (uintptr_t)page_to_virt(page)) / OFFSET_UNIT);
}

static inline struct slot_tail *slab_tail_of(const struct slab_cache *cache, void *slot)
{
    return (struct slot_tail *)((uint8_t *)slot + cache->link_offset);
}

static inline uint32_t slab_objects_in_use(const struct slab_cache *cache)
{
    return cache->taken - cache->magazine.count - kasan_quarantined(cache);
}

/* ---- slab.c, for kmalloc.c ---- */

extern struct slab_cache *slab_caches[SLAB_MAX_CACHES]; /* by id; NULL: unused */

/* The cache of a slab. */
static inline struct slab_cache *slab_owner(const struct page *page)
{
    return slab_caches[page->cache_id & ~SMALL_SLAB];
}

/* The head of the block that a pointer is in; NULL if there is no such frame. */
struct page *slab_block_of(const void *pointer);

/* Whatever the pointer is, with all checks. */
void slab_free_slowly(struct slab_cache *cache, void *object);

/* Where the head of a slab of the usual order must be, if the frame is in one. */
static ALWAYS_INLINE struct page *slab_usual_head(const struct slab_cache *cache, pfn_t pfn)
{
    return pfn_to_page(pfn & cache->head_mask);
}

/* Is that what it is? */
static ALWAYS_INLINE bool slab_is_usual(const struct slab_cache *cache, const struct page *page)
{
    return page->kind == PAGE_SLAB && page->cache_id == cache->id;
}

/* Free an object in a slab of the usual order, if nothing is to be done but to put it on top of the
 * magazine; else slowly. */
static ALWAYS_INLINE void slab_free_in(struct slab_cache *cache, const struct page *page,
                                       void *object)
{
#ifdef KASAN
    /* kmalloc.c may not look into a free object. */
    (void)page;
    slab_free_slowly(cache, object);
#else
    struct magazine *magazine = &cache->magazine;
    struct slot_tail *tail = slab_tail_of(cache, object);
    uint32_t offset = ((uintptr_t)object & cache->offset_mask) - slab_colour_bytes(cache, page);
    uint32_t irq = spin_lock(&cache->lock);

    if (unlikely(magazine->count == magazine->capacity || !slab_is_slot_offset(cache, offset) ||
                 tail->state == SLOT_FREE || magazine->objects[magazine->count] == object)) {
        spin_unlock(&cache->lock, irq);
        slab_free_slowly(cache, object);
        return;
    }
    tail->state = SLOT_FREE;
    magazine->objects[++magazine->count] = object;
    spin_unlock(&cache->lock, irq);
#endif
}

/* ---- slab_debug.c ---- */

/* Read slab_debug=FLAGS[,CACHE...]; the checks that it asks for in a cache of a name. */
void slab_debug_init(const char *cmdline);
unsigned slab_debug_flags_for(const char *name);

/* What is noted of an object lies at the end of its slab: who allocated and freed it (only with
 * SLAB_TRACK), and in front of all these the bytes that were asked for (only with
 * SLAB_SIZED). */
struct tracks *slab_tracks_of(const struct slab_cache *cache, const void *slot);

static inline uint32_t slab_tracks_bytes(const struct slab_cache *cache)
{
    return cache->debug & SLAB_TRACK ? sizeof(struct tracks) : 0;
}

static inline uint32_t slab_notes_bytes(const struct slab_cache *cache)
{
    return slab_tracks_bytes(cache) + (cache->debug & SLAB_SIZED ? sizeof(uint32_t) : 0);
}

/* Of a used object only the first `nbytes` may be used from now on: behind them begins the
 * redzone.  Nothing, if the cache has no SLAB_SIZED. */
void slab_debug_resize(struct slab_cache *cache, void *slot, size_t nbytes);

/* A slot of a new slab. */
void slab_debug_prepare(struct slab_cache *cache, void *slot);

/* Make a slot look free or used, and note who does it. */
void slab_debug_mark(struct slab_cache *cache, void *slot, enum slot_state state);

/* What is wrong with a slot that should look free or used: the text, or NULL if nothing is. */
const char *slab_debug_problem(struct slab_cache *cache, void *slot, enum slot_state state,
                               char *text, size_t size);

/* Log what is known of the object in whose slot `pointer` lies: what it is, which bytes are wrong
 * and who probably wrote them, who allocated and freed it.  Nothing, if its cache has no
 * debugging. */
void slab_debug_report(const void *pointer);

/* Walk one cache; logs the first violation.  Lock held. */
bool slab_debug_check(struct slab_cache *cache);
