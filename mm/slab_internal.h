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

struct slab_cache {
    struct spinlock lock;
    struct magazine magazine;
    uint64_t allocs, failures, refills;
    uint32_t taken; /* objects out of the slabs: in use or in the magazine */
    uint32_t slot_size, object_size, align;
    uint32_t slot_reciprocal; /* 2^32 / slot_size, rounded up */
    uint32_t slots_bytes;     /* of all slots of a slab */
    uint32_t objects_per_slab;
    uint8_t id;
    uint8_t order;
    uint16_t link_offset; /* of the slot_tail in a slot */
    uint32_t colour_unit, colours, next_colour;
    struct list_node with_room; /* slabs with a free object; empty ones last */
    struct list_node full;
    uint32_t slabs, slabs_full, slabs_empty;
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

/* Is there a slot so many bytes from the first one?  Without a division: for x below 2^16 and
 * the reciprocal r of d, x is a multiple of d if and only if x * r mod 2^32 < r (Lemire, Kaser
 * and Kurz, "Faster Remainder by Direct Computation", 2019). */
static inline bool slab_is_slot_offset(const struct slab_cache *cache, uint32_t offset)
{
    return offset < cache->slots_bytes &&
           offset * cache->slot_reciprocal < cache->slot_reciprocal;
}

/* Is `object` the start of a slot of this slab? */
static inline bool slab_is_slot(const struct slab_cache *cache, const struct page *page,
                                const void *object)
{
    return slab_is_slot_offset(
        cache, (uint32_t)((uintptr_t)object - (uintptr_t)slab_base(cache, page)));
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

/* The head of the block that a pointer is in; NULL if there is no such frame. */
struct page *slab_block_of(const void *pointer);

/* Any object of a slab of the cache, with all checks. */
void slab_free_slowly(struct slab_cache *cache, struct page *page, void *object);

/* The frame that a pointer is in; NULL if there is none.  An address beyond the direct map may
 * give a frame of high memory, which is never PAGE_SLAB. */
static ALWAYS_INLINE struct page *slab_frame_of(const void *pointer)
{
    pfn_t pfn = virt_to_paddr(pointer) >> PAGE_SHIFT;
    return likely(pfn < max_pfn) ? pfn_to_page(pfn) : NULL;
}

/* Free an object in the first frame of a slab, if nothing is to be done but to put it on top of
 * the magazine; else slowly. */
static ALWAYS_INLINE void slab_free_in(struct slab_cache *cache, struct page *page,
                                       void *object)
{
    struct magazine *magazine = &cache->magazine;
    struct slot_tail *tail = slab_tail_of(cache, object);
    uint32_t offset = ((uintptr_t)object & PAGE_MASK) - slab_colour_bytes(cache, page);
    uint32_t irq = spin_lock(&cache->lock);

    if (unlikely(magazine->count == magazine->capacity || !slab_is_slot_offset(cache, offset) ||
                 tail->state == SLOT_FREE || magazine->objects[magazine->count] == object)) {
        spin_unlock(&cache->lock, irq);
        slab_free_slowly(cache, page, object);
        return;
    }
    tail->state = SLOT_FREE;
    magazine->objects[++magazine->count] = object;
    spin_unlock(&cache->lock, irq);
}

/* ---- slab_debug.c ---- */

/* Read slab_debug=FLAGS[,CACHE...]; the checks that it asks for in a cache of a name. */
void slab_debug_init(const char *cmdline);
unsigned slab_debug_flags_for(const char *name);

/* Who allocated and freed an object; only with SLAB_TRACK.  The tracks of a slab's objects lie at
 * its end. */
struct tracks *slab_tracks_of(const struct slab_cache *cache, const void *slot);

static inline uint32_t slab_tracks_bytes(const struct slab_cache *cache)
{
    return cache->debug & SLAB_TRACK ? sizeof(struct tracks) : 0;
}

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
