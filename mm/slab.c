/* Slab caches.
 *
 * Problem     The kernel needs many small structures of a few kinds.  From pages directly they
 *             would waste memory; from one general heap they would fragment it, and each would
 *             have to be initialised again and again.
 * Words       cache = all objects of one kind; slab = a block of frames cut into equal slots;
 *             slot = an object and what debugging adds to it; colour = offset of the first
 *             slot.
 * Slab        |colour|slot 0|slot 1| ... |slot n-1|rest|        2^order frames from buddy
 *             The slab's bookkeeping is in the struct page of its first frame: objects in use,
 *             first free slot, number of the cache.  Nothing is stored beside the objects, so a
 *             4 KiB slab holds 16 objects of 256 bytes.
 * Free list   A free slot holds the place of the next one (16 bits, in units of 4 bytes from
 *             the slab's start).  It lies in the object itself, unless the object must stay as
 *             it is (constructed, or poisoned): then it lies behind it.
 * States      full <-> partial <-> empty.  A cache has a list of the slabs with room and one of
 *             the full ones.  A slab that becomes empty goes to the end of its list, so that
 *             objects are taken from partial slabs first and empty ones stay so; more than
 *             EMPTY_SLABS_KEPT of them go back to buddy.
 * Colouring   Without it, the first object of every slab has the same address bits, and all
 *             compete for the same cache lines.  Successive slabs shift their slots by one
 *             colour, using up the rest at the end that is lost anyway.
 * Constructor runs when a slab is made.  Objects are freed in their constructed state, so that
 *             work (list heads, locks) is not done again: Bonwick's main idea.
 * Debugging   slab_debug.c: redzones, poison, states.
 * Checks      always: an object that is freed must be the start of a slot of that cache, and
 *             not the one that was freed last.
 * Locks       one for each cache; buddy's zone locks are taken inside it.
 * Limits      Objects up to 4 KiB.  Constructors run under the cache's lock.
 * Reading     J. Bonwick, "The Slab Allocator", USENIX Summer 1994. */
#include "mm/slab.h"

#include "kernel/lib/bitops.h"
#include "kernel/lib/errno.h"
#include "kernel/lib/string.h"
#include "kernel/log.h"
#include "mm/buddy.h"
#include "mm/slab_internal.h"

#define EMPTY_SLABS_KEPT 2u
#define MAX_SLAB_ORDER 3u
#define MAX_COLOURS 256u /* struct page has 8 bits for it */
#define COLOUR_UNIT 32u  /* a cache line of the 486 to Pentium III */
#define MIN_REDZONE 4u

static struct {
    struct spinlock lock;
    struct slab_cache *caches[SLAB_MAX_CACHES]; /* by id; NULL: unused */
    struct slab_cache cache_cache;              /* the cache of struct slab_cache */
} slab = { .lock = SPINLOCK_INIT("slab caches") };
_Static_assert(SLAB_MAX_CACHES <= 256, "struct page has 8 bits for the cache");

/* Unlock and stop: the caller of slab_alloc or slab_free, or a stray write, is to blame. */
#define SLAB_BUG(cache, irq, fmt, ...)                              \
    do {                                                            \
        spin_unlock(&(cache)->lock, irq);                           \
        ASSERT(false, "slab %s: " fmt, (cache)->name, __VA_ARGS__); \
    } while (0)

/* ---- slabs ---- */

/* Cut a fresh block into slots, construct the objects, chain them in address order. */
static void slab_format(struct slab_cache *cache, struct page *page)
{
    uint8_t *base = slab_base(cache, page);

    for (unsigned i = 0; i < cache->objects_per_slab; i++) {
        uint8_t *slot = base + i * cache->slot_size;
        bool last = i + 1 == cache->objects_per_slab;
        if (cache->constructor)
            cache->constructor(slot);
        if (cache->debug)
            slab_debug_mark(cache, slot, SLOT_FREE);
        *slab_link_of(cache, slot) = last ? NO_FREE_SLOT
                                          : slab_place_of(page, slot + cache->slot_size);
    }
    page->free = slab_place_of(page, base);
}

/* Lock held.  A new, empty slab; NULL: no memory. */
static struct page *slab_grow(struct slab_cache *cache)
{
    struct page *page = buddy_alloc(cache->order, PAGE_SLAB, PAGE_ANY);

    if (!page) {
        cache->failures++;
        return NULL;
    }
    page->cache_id = cache->id;
    page->objects = 0;
    page->colour = (uint8_t)cache->next_colour;
    cache->next_colour = cache->next_colour + 1 < cache->colours ? cache->next_colour + 1 : 0;
    slab_format(cache, page);
    list_add_head(&cache->with_room, &page->node);
    cache->slabs++;
    cache->slabs_empty++;
    return page;
}

/* Lock held.  Give an empty slab back. */
static void slab_release(struct slab_cache *cache, struct page *page)
{
    list_remove(&page->node);
    cache->slabs--;
    cache->slabs_empty--;
    buddy_free(page, cache->order);
}

/* ---- objects ---- */

/* Lock held.  Hand out the first free slot of a slab. */
static void *take_slot(struct slab_cache *cache, struct page *page)
{
    void *slot = slab_slot_at(page, page->free);

    page->free = *slab_link_of(cache, slot);
    if (page->objects++ == 0)
        cache->slabs_empty--;
    if (page->free == NO_FREE_SLOT) {
        list_remove(&page->node);
        list_add_head(&cache->full, &page->node);
        cache->slabs_full++;
    }
    cache->allocs++;
    return slot;
}

/* Lock held.  The slot that is next to be handed out must have been left alone since it was
 * freed. */
static void check_and_mark_used(struct slab_cache *cache, struct page *page, uint32_t irq)
{
    void *slot = slab_slot_at(page, page->free);
    char text[96];
    const char *problem = slab_debug_problem(cache, slot, SLOT_FREE, text, sizeof(text));

    if (problem)
        SLAB_BUG(cache, irq, "%s", problem);
    slab_debug_mark(cache, slot, SLOT_USED);
}

void *slab_alloc(struct slab_cache *cache, unsigned flags)
{
    uint32_t irq = spin_lock(&cache->lock);
    struct page *page = list_first(&cache->with_room, struct page, node);

    if (unlikely(list_is_empty(&cache->with_room)))
        page = slab_grow(cache);
    if (unlikely(!page)) {
        spin_unlock(&cache->lock, irq);
        return NULL;
    }
    if (unlikely(cache->debug))
        check_and_mark_used(cache, page, irq);
    void *object = take_slot(cache, page);
    spin_unlock(&cache->lock, irq);
    if (flags & PAGE_ZERO)
        memset(object, 0, cache->object_size);
    return object;
}

/* The slab that a pointer is in; NULL if it is in none. */
static struct page *slab_of(const void *pointer)
{
    paddr_t paddr = virt_to_paddr(pointer);

    if (paddr >= LOWMEM_MAX_BYTES || paddr >> PAGE_SHIFT >= max_pfn)
        return NULL;
    struct page *page = page_block_head(virt_to_page(pointer));
    return page->kind == PAGE_SLAB ? page : NULL;
}

/* Lock held.  A slab has become empty: keep it, behind those with objects, or give it back. */
static void retire_slab(struct slab_cache *cache, struct page *page)
{
    if (++cache->slabs_empty > EMPTY_SLABS_KEPT) {
        slab_release(cache, page);
    } else if (page->node.next != &cache->with_room) {
        list_remove(&page->node);
        list_add_tail(&cache->with_room, &page->node);
    }
}

/* Lock held.  Chain the slot in. */
static void put_slot(struct slab_cache *cache, struct page *page, void *slot)
{
    if (page->free == NO_FREE_SLOT) {
        list_remove(&page->node);
        list_add_head(&cache->with_room, &page->node);
        cache->slabs_full--;
    }
    *slab_link_of(cache, slot) = page->free;
    page->free = slab_place_of(page, slot);
    cache->frees++;
    if (--page->objects == 0)
        retire_slab(cache, page);
}

static void check_and_mark_free(struct slab_cache *cache, void *slot, uint32_t irq)
{
    char text[96];
    const char *problem = slab_debug_problem(cache, slot, SLOT_USED, text, sizeof(text));

    if (problem)
        SLAB_BUG(cache, irq, "%s", problem);
    slab_debug_mark(cache, slot, SLOT_FREE);
}

/* An object of a slab that is known to be one of the cache's. */
static void free_in_slab(struct slab_cache *cache, struct page *page, void *object)
{
    uint32_t irq = spin_lock(&cache->lock);

    if (unlikely(!slab_is_slot(cache, page, object)))
        SLAB_BUG(cache, irq, "free of %p, which is not an object of this cache", object);
    if (unlikely(page->objects == 0 || slab_place_of(page, object) == page->free))
        SLAB_BUG(cache, irq, "double free of object %p", object);
    if (unlikely(cache->debug))
        check_and_mark_free(cache, object, irq);
    put_slot(cache, page, object);
    spin_unlock(&cache->lock, irq);
}

void slab_free(struct slab_cache *cache, void *object)
{
    struct page *page = slab_of(object);

    ASSERT(page && page->cache_id == cache->id,
           "slab %s: free of %p, which is not an object of this cache", cache->name, object);
    free_in_slab(cache, page, object);
}

void slab_free_in(struct page *page, void *object)
{
    free_in_slab(slab.caches[page->cache_id], page, object);
}

struct slab_cache *slab_cache_of_page(const struct page *page)
{
    return slab.caches[page->cache_id];
}

/* ---- caches ---- */

/* Objects of slot_size that fit into 2^order frames. */
static unsigned objects_in(uint32_t slot_size, unsigned order)
{
    return (PAGE_SIZE << order) / slot_size;
}

/* Smallest slab that wastes at most an eighth; if none does, the largest allowed. */
static unsigned choose_order(uint32_t slot_size)
{
    for (unsigned order = 0; order < MAX_SLAB_ORDER; order++) {
        uint32_t bytes = PAGE_SIZE << order;
        unsigned n = objects_in(slot_size, order);
        if (n > 0 && (bytes - n * slot_size) * 8 <= bytes)
            return order;
    }
    return MAX_SLAB_ORDER;
}

static void choose_layout(struct slab_cache *cache, size_t size, size_t align)
{
    uint32_t end = (uint32_t)size;

    cache->object_size = (uint32_t)size;
    cache->align = (uint32_t)MAX(align ? align : sizeof(void *), OFFSET_UNIT);
    if (cache->constructor || cache->debug) {
        /* The link lies behind the object, where it does no harm to the contents. */
        end += cache->debug & SLAB_REDZONE ? MIN_REDZONE : 0;
        end = ALIGN_UP(end, sizeof(struct slot_tail));
        cache->link_offset = (uint16_t)end;
        end += sizeof(struct slot_tail);
    }
    cache->slot_size = ALIGN_UP(MAX(end, OFFSET_UNIT), cache->align);
    cache->order = (uint8_t)choose_order(cache->slot_size);
    cache->objects_per_slab = objects_in(cache->slot_size, cache->order);
    cache->colour_unit = MAX(cache->align, COLOUR_UNIT);
    uint32_t rest = (PAGE_SIZE << cache->order) - cache->objects_per_slab * cache->slot_size;
    cache->colours = MIN(rest / cache->colour_unit + 1, MAX_COLOURS);
}

static bool register_cache(struct slab_cache *cache)
{
    uint32_t irq = spin_lock(&slab.lock);
    unsigned id = 0;

    while (id < SLAB_MAX_CACHES && slab.caches[id])
        id++;
    if (id < SLAB_MAX_CACHES) {
        cache->id = (uint8_t)id;
        slab.caches[id] = cache;
    }
    spin_unlock(&slab.lock, irq);
    return id < SLAB_MAX_CACHES;
}

static void cache_setup(struct slab_cache *cache, const char *name, size_t size, size_t align,
                        void (*constructor)(void *object), unsigned debug)
{
    memset(cache, 0, sizeof(*cache));
    strlcpy(cache->name, name, sizeof(cache->name));
    cache->lock.name = cache->name;
    cache->constructor = constructor;
    cache->debug = debug | slab_debug_flags_for(name);
    if (constructor)
        cache->debug &= ~SLAB_POISON; /* it would destroy the constructed state */
    list_init(&cache->with_room);
    list_init(&cache->full);
    choose_layout(cache, size, align);
}

struct slab_cache *slab_cache_create(const char *name, size_t size, size_t align,
                                     void (*constructor)(void *object), unsigned debug)
{
    if (size == 0 || size > SLAB_MAX_OBJECT || (align && !is_power_of_two((uint32_t)align)) ||
        align > PAGE_SIZE)
        return NULL;
    struct slab_cache *cache = slab_alloc(&slab.cache_cache, PAGE_ANY);
    if (!cache)
        return NULL;
    cache_setup(cache, name, size, align, constructor, debug);
    if (!register_cache(cache)) {
        slab_free(&slab.cache_cache, cache);
        return NULL;
    }
    return cache;
}

static uint32_t objects_in_use(const struct slab_cache *cache)
{
    return (uint32_t)(cache->allocs - cache->frees);
}

int slab_cache_destroy(struct slab_cache *cache)
{
    if (objects_in_use(cache) != 0) {
        log_err("slab %s: destroyed with %u objects in use", cache->name,
                objects_in_use(cache));
        return -EBUSY;
    }
    slab_cache_shrink(cache);
    uint32_t irq = spin_lock(&slab.lock);
    slab.caches[cache->id] = NULL;
    spin_unlock(&slab.lock, irq);
    slab_free(&slab.cache_cache, cache);
    return 0;
}

uint32_t slab_cache_shrink(struct slab_cache *cache)
{
    uint32_t irq = spin_lock(&cache->lock);
    uint32_t slabs_before = cache->slabs;

    list_for_each_safe(node, &cache->with_room) {
        struct page *page = list_entry(node, struct page, node);
        if (page->objects == 0)
            slab_release(cache, page);
    }
    uint32_t released = slabs_before - cache->slabs;
    spin_unlock(&cache->lock, irq);
    return released << cache->order;
}

uint32_t slab_shrink_all(void)
{
    uint32_t frames = 0;

    for (unsigned id = 0; id < SLAB_MAX_CACHES; id++)
        if (slab.caches[id])
            frames += slab_cache_shrink(slab.caches[id]);
    return frames;
}

struct slab_cache *slab_cache_of(const void *pointer, void **object)
{
    struct page *page = slab_of(pointer);
    if (!page)
        return NULL;

    struct slab_cache *cache = slab.caches[page->cache_id];
    uintptr_t offset = (uintptr_t)pointer - (uintptr_t)slab_base(cache, page);
    if (offset / cache->slot_size >= cache->objects_per_slab)
        return NULL; /* in the colour before or the rest behind the slots */
    if (object)
        *object = slab_base(cache, page) + offset / cache->slot_size * cache->slot_size;
    return cache;
}

unsigned slab_cache_id(const struct slab_cache *cache)
{
    return cache->id;
}

const char *slab_cache_name(const struct slab_cache *cache)
{
    return cache->name;
}

size_t slab_object_size(const struct slab_cache *cache)
{
    return cache->object_size;
}

/* Lock held. */
static void fill_stats(const struct slab_cache *cache, struct slab_stats *stats)
{
    *stats = (struct slab_stats){
        .object_size = cache->object_size,
        .slot_size = cache->slot_size,
        .align = cache->align,
        .objects_per_slab = cache->objects_per_slab,
        .pages_per_slab = 1u << cache->order,
        .colours = cache->colours,
        .objects_in_use = objects_in_use(cache),
        .objects_total = cache->slabs * cache->objects_per_slab,
        .slabs_full = cache->slabs_full,
        .slabs_partial = cache->slabs - cache->slabs_full - cache->slabs_empty,
        .slabs_empty = cache->slabs_empty,
        .allocs = cache->allocs,
        .frees = cache->frees,
        .failures = cache->failures,
        .debug = cache->debug,
    };
    strlcpy(stats->name, cache->name, sizeof(stats->name));
}

bool slab_get_stats(unsigned index, struct slab_stats *stats)
{
    struct slab_cache *cache = NULL;

    for (unsigned id = 0; id < SLAB_MAX_CACHES && !cache; id++)
        if (slab.caches[id] && index-- == 0)
            cache = slab.caches[id];
    if (!cache)
        return false;
    uint32_t irq = spin_lock(&cache->lock);
    fill_stats(cache, stats);
    spin_unlock(&cache->lock, irq);
    return true;
}

bool slab_check(void)
{
    bool good = true;

    for (unsigned id = 0; id < SLAB_MAX_CACHES; id++) {
        struct slab_cache *cache = slab.caches[id];
        if (!cache)
            continue;
        uint32_t irq = spin_lock(&cache->lock);
        good &= slab_debug_check(cache);
        spin_unlock(&cache->lock, irq);
    }
    return good;
}

void slab_init(const char *cmdline)
{
    slab_debug_init(cmdline);
    cache_setup(&slab.cache_cache, "slab_cache", sizeof(struct slab_cache), 0, NULL, 0);
    register_cache(&slab.cache_cache);
}
