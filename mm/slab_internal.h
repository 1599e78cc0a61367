/* mm/slab_internal.h - what slab.c (the allocator) and slab_debug.c (its checks) share. */
#pragma once

#include "kernel/cpu/spinlock.h"
#include "mm/slab.h"

#define OFFSET_UNIT 4u /* struct page.free and the links count in words */
#define NO_FREE_SLOT 0xFFFFu

/* Behind the object, in caches that cannot keep the link inside. */
struct slot_tail {
    uint16_t next;  /* valid while free */
    uint16_t state; /* enum slot_state, with SLAB_CONSISTENCY */
};

enum slot_state { SLOT_FREE = 0xF7EE, SLOT_USED = 0xA110 };

struct slab_cache {
    struct spinlock lock;
    struct list_node with_room; /* slabs with a free object; empty ones last */
    struct list_node full;
    uint32_t slabs, slabs_full, slabs_empty;
    uint8_t id;
    uint8_t order;
    uint16_t link_offset; /* of the link in a slot */
    uint32_t slot_size, object_size, align;
    uint32_t objects_per_slab;
    uint32_t colour_unit, colours, next_colour;
    unsigned debug;
    uint64_t allocs, frees, failures;
    void (*constructor)(void *object);
    char name[SLAB_NAME_MAX];
};

/* First slot of a slab. */
static inline uint8_t *slab_base(const struct slab_cache *cache, const struct page *page)
{
    return (uint8_t *)page_to_virt(page) + page->colour * cache->colour_unit;
}

/* Is `object` the start of a slot of this slab? */
static inline bool slab_is_slot(const struct slab_cache *cache, const struct page *page,
                                const void *object)
{
    uintptr_t offset = (uintptr_t)object - (uintptr_t)slab_base(cache, page);
    return offset % cache->slot_size == 0 &&
           offset / cache->slot_size < cache->objects_per_slab;
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

static inline uint16_t *slab_link_of(const struct slab_cache *cache, void *slot)
{
    return (uint16_t *)((uint8_t *)slot + cache->link_offset);
}

/* ---- slab_debug.c ---- */

/* Read slab_debug=FLAGS[,CACHE...]; the checks that it asks for in a cache of a name. */
void slab_debug_init(const char *cmdline);
unsigned slab_debug_flags_for(const char *name);

/* Make a slot look free or used. */
void slab_debug_mark(struct slab_cache *cache, void *slot, enum slot_state state);

/* What is wrong with a slot that should look free or used: the text, or NULL if nothing is. */
const char *slab_debug_problem(struct slab_cache *cache, void *slot, enum slot_state state,
                               char *text, size_t size);

/* Walk one cache; logs the first violation.  Lock held. */
bool slab_debug_check(struct slab_cache *cache);
