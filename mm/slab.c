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
 * Order       The smallest that loses at most an eighth and has 8 objects: a large slab spreads
 *             the cost of making it over more objects.  Instructions per object for 10,000
 *             allocated, then freed:
 *
 *                 objects per slab, at least      1     4     8    16
 *                 of 1024 bytes                 315   315   235   210
 *                 of 2048 bytes                 496   337   287   262
 *
 *             But no slab is larger than 1/1024 of memory unless the objects need it: on a
 *             machine with 4 MiB all this counts for nothing beside the frames that lie idle in
 *             slabs which are never full.  And where memory is in small pieces, a small slab (the
 *             smallest that has an object) is made instead, before anything is reclaimed for a
 *             large block.  It is marked in cache_id; its objects are freed slowly, and it is not
 *             kept when it is empty.
 * Free list   A free slot holds the place of the next one (16 bits, in units of 4 bytes from
 *             the slab's start) and a mark.  They lie in the object itself, unless the object
 *             must stay as it is (constructed, or poisoned): then behind it.  The other way is an
 *             array of them at the slab's end or elsewhere ("off-slab bufctl").  It survives
 *             those who write to free objects; but which word belongs to an object has to be
 *             computed each time, and is in another cache line.  Measured, in instructions:
 *
 *                                              in the object     in an array
 *                 alloc + free, hot                  86              124
 *                 10,000 objects of 32 bytes        149              258
 *                 first object of a slab, 32       1489             4774
 *                 objects of 32, 64, 128, 256
 *                   in 4 KiB               128, 64, 32, 16   113, 60, 31, 15
 * States      full <-> partial <-> empty.  A cache has a list of the slabs with room and one of
 *             the full ones.  A slab that becomes empty goes to the end of its list, so that
 *             objects are taken from partial slabs first and empty ones stay so; more than
 *             two of them (or 32 KiB) go back to buddy.
 * Magazine    In front of the slabs each cache has a stack of free objects, the magazine.  An
 *             allocation pops the object that was freed last, whose bytes may still be in the
 *             processor's cache; a free pushes.  Only when it is empty or full the slabs are
 *             touched, for half a magazine at a time: the objects that lie there longest go
 *             back.  To their slabs, objects in the magazine are in use; to everybody else they
 *             are free.  (Bonwick's second paper gives each processor two of them; with one
 *             processor, and half of it moved at a time, one does the same.)  Caches with
 *             debugging have none: every object is checked on its way.
 * Colouring   Without it, the first object of every slab has the same address bits, and all
 *             compete for the same cache lines.  Successive slabs shift their slots by one
 *             colour, using up the rest at the end that is lost anyway.
 * Constructor runs when a slab is made.  Objects are freed in their constructed state, so that
 *             work (list heads, locks) is not done again: Bonwick's main idea.
 * Debugging   slab_debug.c: redzones, poison, states, and who allocated and freed.
 * Checks      always: an object that is freed must be the start of a slot of that cache, and
 *             not be free already.  Where the head of its slab must be, the cache knows, for a
 *             slab is aligned to its size; whether it is there, the head's struct page says.
 *             That an object is free, its slot's mark says (16 bits beside the link).  The owner
 *             may by chance write the same value there, so a mark only raises suspicion: then
 *             magazine and free list are searched.  Who writes over the mark after the first
 *             free escapes, unless the object lies on top.  A mark that is missing when a slot
 *             is taken from its slab tells of a write after the free.
 * Locks       one for each cache; buddy's zone locks are taken inside it.
 * Limits      Objects up to 8 KiB.  Constructors run under the cache's lock.
 * Reading     J. Bonwick, "The Slab Allocator", USENIX Summer 1994; J. Bonwick and J. Adams,
 *             "Magazines and Vmem", USENIX 2001. */
#include "mm/slab.h"

#include "kernel/lib/bitops.h"
#include "kernel/lib/errno.h"
#include "kernel/lib/string.h"
#include "kernel/log.h"
#include "kernel/panic.h"
#include "mm/buddy.h"
#include "mm/inject.h"
#include "mm/slab_internal.h"

#define EMPTY_SLABS_KEPT 2u              /* at most, or one ... */
#define EMPTY_BYTES_KEPT (8 * PAGE_SIZE) /* ... if two are larger than this */
#define MAX_SLAB_ORDER 3u
#define OBJECTS_WANTED 8u  /* in a slab, where memory is plenty ... */
#define MEMORY_SHARE 1024u /* ... which means: a slab is at most so small a part of it */
#define WASTE_SHARE 8u     /* of a slab may be lost behind its slots */
#define MAX_COLOURS 256u   /* struct page has 8 bits for it */
#define COLOUR_UNIT 32u    /* a cache line of the 486 to Pentium III */
#define MIN_REDZONE 4u
#define MAGAZINE_BYTES (4 * PAGE_SIZE) /* at most, but for a few of the largest objects */
#define MAGAZINE_MIN 4u

struct slab_cache *slab_caches[SLAB_MAX_CACHES];

static struct {
    struct spinlock lock;          /* slab_caches[] */
    unsigned order_limit;          /* for slabs that are large for the sake of speed only */
    struct slab_cache cache_cache; /* the cache of struct slab_cache */
} slab = { .lock = SPINLOCK_INIT("slab caches") };

/* Unlock, tell what is known of the object and stop: the caller of slab_alloc or slab_free, or a
 * stray write, is to blame. */
#define SLAB_BUG(cache, irq, object, fmt, ...)              \
    do {                                                    \
        spin_unlock(&(cache)->lock, irq);                   \
        slab_debug_report(object);                          \
        panic("slab %s: " fmt, (cache)->name, __VA_ARGS__); \
    } while (0)

struct page *slab_block_of(const void *pointer)
{
    pfn_t pfn = virt_to_paddr(pointer) >> PAGE_SHIFT;
    return pfn < max_pfn ? page_block_head(pfn_to_page(pfn)) : NULL;
}

/* The slab of an object that is one. */
static struct page *slab_of(const struct slab_cache *cache, void *object)
{
    struct page *page = slab_usual_head(cache, virt_to_paddr(object) >> PAGE_SHIFT);
    return slab_is_usual(cache, page) ? page : slab_block_of(object);
}

static bool is_small(const struct page *page)
{
    return page->cache_id & SMALL_SLAB;
}

/* ---- slabs ---- */

static void prepare_slots(struct slab_cache *cache, uint8_t *slot, unsigned count)
{
    for (unsigned i = 0; i < count; i++, slot += cache->slot_size) {
        if (cache->constructor)
            cache->constructor(slot);
        if (cache->debug)
            slab_debug_prepare(cache, slot);
    }
}

/* Cut a fresh block into slots, construct the objects, chain them in address order. */
static void slab_format(struct slab_cache *cache, struct page *page)
{
    uint8_t *slot = slab_base(cache, page);
    uint16_t place = slab_place_of(page, slot);
    uint16_t step = (uint16_t)(cache->slot_size / OFFSET_UNIT);
    struct slot_tail *tail = NULL;
    unsigned count = slab_slots(cache, page);

    page->free = place;
    if (cache->constructor || cache->debug)
        prepare_slots(cache, slot, count);
    for (unsigned n = count; n > 0; n--, slot += cache->slot_size) {
        tail = slab_tail_of(cache, slot);
        tail->state = SLOT_FREE;
        tail->next = place += step;
    }
    tail->next = NO_FREE_SLOT;
    kasan_slab_made(cache, page);
}

/* Lock held.  A block of the usual order, with its number and colour. */
static struct page *usual_block(struct slab_cache *cache)
{
    unsigned flags = cache->order > cache->small_order ? PAGE_NO_RECLAIM : PAGE_ANY;
    struct page *page = buddy_alloc(cache->order, PAGE_SLAB, flags);

    if (!page)
        return NULL;
    for (unsigned i = 0; i < 1u << cache->order; i++)
        page[i].cache_id = cache->id;
    page->colour = (uint8_t)cache->next_colour;
    cache->next_colour = cache->next_colour + 1 < cache->colours ? cache->next_colour + 1 : 0;
    return page;
}

/* Lock held.  The same if memory is short or in small pieces. */
static struct page *small_block(struct slab_cache *cache)
{
    if (cache->small_order == cache->order)
        return NULL;
    struct page *page = buddy_alloc(cache->small_order, PAGE_SLAB, PAGE_ANY);
    if (!page)
        return NULL;
    page->cache_id = cache->id | SMALL_SLAB;
    page->colour = 0;
    return page;
}

/* Lock held.  A new, empty slab; NULL: no memory. */
static struct page *slab_grow(struct slab_cache *cache)
{
    struct page *page = usual_block(cache);

    if (!page)
        page = small_block(cache);
    if (!page)
        return NULL;
    page->objects = 0;
    slab_format(cache, page);
    list_add_head(&cache->with_room, &page->node);
    cache->slabs++;
    cache->slabs_empty++;
    cache->frames += 1u << page->order;
    cache->slots += slab_slots(cache, page);
    return page;
}

/* Lock held.  Give an empty slab back. */
static void slab_release(struct slab_cache *cache, struct page *page)
{
    list_remove(&page->node);
    cache->slabs--;
    cache->slabs_empty--;
    cache->frames -= 1u << page->order;
    cache->slots -= slab_slots(cache, page);
    buddy_free(page, page->order);
}

/* Lock held.  A slab has become empty: keep it, behind those with objects, or give it back. */
static void retire_slab(struct slab_cache *cache, struct page *page)
{
    if (++cache->slabs_empty > cache->empty_kept || is_small(page)) {
        slab_release(cache, page);
    } else if (page->node.next != &cache->with_room) {
        list_remove(&page->node);
        list_add_tail(&cache->with_room, &page->node);
    }
}

/* ---- objects, from and to the slabs ---- */

/* Lock held.  Take up to `wanted` (at least 1) slots from a slab that has room, the first ones of
 * its list, and put them on `stack`; returns how many. */
static uint32_t take_slots(struct slab_cache *cache, struct page *page, void **stack,
                           uint32_t wanted, uint32_t irq)
{
    uint8_t *start = page_to_virt(page);
    uint16_t place = page->free;
    uint32_t n = 0;

    while (n < wanted && place != NO_FREE_SLOT) {
        void *slot = start + place * OFFSET_UNIT;
        struct slot_tail *tail = slab_tail_of(cache, slot);
        if (unlikely(tail->state != SLOT_FREE))
            SLAB_BUG(cache, irq, slot, "write after free of %p", slot);
        place = tail->next;
        stack[n++] = slot;
    }
    page->free = place;
    if (page->objects == 0)
        cache->slabs_empty--;
    page->objects = (uint16_t)(page->objects + n);
    if (place == NO_FREE_SLOT) {
        list_remove(&page->node);
        list_add_head(&cache->full, &page->node);
        cache->slabs_full++;
    }
    cache->taken += n;
    return n;
}

/* Lock held.  Put the slot at stack[0] back, and those behind it that lie in the same slab, up
 * to `count`; returns how many.  (Objects that were taken together are often freed together.) */
static uint32_t put_slots(struct slab_cache *cache, void **stack, uint32_t count, uint32_t irq)
{
    struct page *page = slab_of(cache, stack[0]);
    uint8_t *start = page_to_virt(page);
    uint32_t nbytes = PAGE_SIZE << page->order;
    uint16_t place = page->free;
    bool was_full = place == NO_FREE_SLOT;
    uint32_t n = 0;

    do {
        slab_tail_of(cache, stack[n])->next = place;
        place = slab_place_of(page, stack[n]);
        n++;
    } while (n < count && (uintptr_t)((uint8_t *)stack[n] - start) < nbytes);
    if (unlikely(page->objects < n))
        SLAB_BUG(cache, irq, stack[0], "double free of %p", stack[0]);
    page->free = place;
    page->objects = (uint16_t)(page->objects - n);
    cache->taken -= n;
    if (was_full) {
        list_remove(&page->node);
        list_add_head(&cache->with_room, &page->node);
        cache->slabs_full--;
    }
    if (page->objects == 0)
        retire_slab(cache, page);
    return n;
}

/* Lock held, at least one slab has room.  Half a magazine, or what there is without a new slab. */
static void load_magazine(struct slab_cache *cache, uint32_t irq)
{
    struct magazine *magazine = &cache->magazine;
    uint32_t half = magazine->capacity / 2;

    while (magazine->count < half && !list_is_empty(&cache->with_room))
        magazine->count += take_slots(cache, list_first(&cache->with_room, struct page, node),
                                      magazine->objects + 1 + magazine->count,
                                      half - magazine->count, irq);
}

/* Lock held.  The `count` objects at the bottom, which were freed first, go back to their slabs. */
static void unload_magazine(struct slab_cache *cache, uint32_t count, uint32_t irq)
{
    struct magazine *magazine = &cache->magazine;

    for (uint32_t done = 0; done < count;)
        done += put_slots(cache, magazine->objects + 1 + done, count - done, irq);
    magazine->count -= count;
    memmove(magazine->objects + 1, magazine->objects + 1 + count,
            magazine->count * sizeof(void *));
}

/* ---- objects, from and to their users ---- */

/* Lock held.  A slab with a free object, a new one if need be; NULL: no memory. */
static struct page *slab_with_room(struct slab_cache *cache)
{
    if (!list_is_empty(&cache->with_room))
        return list_first(&cache->with_room, struct page, node);
    return slab_grow(cache);
}

/* Lock held.  The slot must have been left alone since it was freed. */
static void *alloc_checked(struct slab_cache *cache, uint32_t irq)
{
    struct page *page = slab_with_room(cache);
    void *object;
    char text[96];

    if (!page)
        return NULL;
    object = slab_slot_at(page, page->free);
    const char *problem = slab_debug_problem(cache, object, SLOT_FREE, text, sizeof(text));
    if (problem)
        SLAB_BUG(cache, irq, object, "%s", problem);
    take_slots(cache, page, &object, 1, irq);
    slab_debug_mark(cache, object, SLOT_USED);
    return object;
}

/* Lock held. */
static void *alloc_from_magazine(struct slab_cache *cache, uint32_t irq)
{
    struct magazine *magazine = &cache->magazine;

    if (magazine->count == 0) {
        if (!slab_with_room(cache))
            return NULL;
        cache->refills++;
        load_magazine(cache, irq);
    }
    void *object = magazine->objects[magazine->count--];
    slab_tail_of(cache, object)->state = SLOT_USED;
    return object;
}

/* Lock held. */
static void *alloc_somehow(struct slab_cache *cache, uint32_t irq)
{
    return cache->debug ? alloc_checked(cache, irq) : alloc_from_magazine(cache, irq);
}

/* The magazine is empty, or this request is to fail. */
static __attribute__((noinline)) void *alloc_slowly(struct slab_cache *cache, unsigned flags)
{
    bool refused = inject_hits(INJECT_SLAB);
    uint32_t irq = spin_lock(&cache->lock);
    void *object = refused ? NULL : alloc_somehow(cache, irq);

    if (!object && !refused && kasan_quarantined(cache) != 0) {
        /* Reclaim could not have them: it ran under our lock. */
        spin_unlock(&cache->lock, irq);
        kasan_quarantine_flush();
        irq = spin_lock(&cache->lock);
        object = alloc_somehow(cache, irq);
    }
    cache->allocs += object != NULL;
    cache->refills += object && cache->debug; /* they have no magazine */
    cache->failures += object == NULL;
    spin_unlock(&cache->lock, irq);
    kasan_object_allocated(cache, object);
    if (object && (flags & PAGE_ZERO))
        memset(object, 0, cache->object_size);
    return object;
}

void *slab_alloc(struct slab_cache *cache, unsigned flags)
{
    struct magazine *magazine = &cache->magazine;

    if (unlikely(inject_armed))
        return alloc_slowly(cache, flags);
    uint32_t irq = spin_lock(&cache->lock);
    if (unlikely(magazine->count == 0)) {
        spin_unlock(&cache->lock, irq);
        return alloc_slowly(cache, flags);
    }
    void *object = magazine->objects[magazine->count--];
    slab_tail_of(cache, object)->state = SLOT_USED;
    cache->allocs++;
    spin_unlock(&cache->lock, irq);
    kasan_object_allocated(cache, object);
    if (flags & PAGE_ZERO)
        memset(object, 0, cache->object_size);
    return object;
}

/* Lock held.  Is the slot in the magazine or on its slab's free list? */
static bool slot_is_free(const struct slab_cache *cache, const struct page *page, void *slot)
{
    uint16_t place = page->free;

    for (uint32_t i = 1; i <= cache->magazine.count; i++)
        if (cache->magazine.objects[i] == slot)
            return true;
    for (uint32_t i = 0; i < slab_slots(cache, page) && place != NO_FREE_SLOT; i++) {
        if (slab_slot_at(page, place) == slot)
            return true;
        place = slab_tail_of(cache, slab_slot_at(page, place))->next;
    }
    return false;
}

static void check_and_mark_free(struct slab_cache *cache, void *slot, uint32_t irq)
{
    char text[96];
    const char *problem = slab_debug_problem(cache, slot, SLOT_USED, text, sizeof(text));

    if (problem)
        SLAB_BUG(cache, irq, slot, "%s", problem);
    slab_debug_mark(cache, slot, SLOT_FREE);
}

__attribute__((noinline)) void slab_free_slowly(struct slab_cache *cache, void *object)
{
    struct magazine *magazine = &cache->magazine;
    struct page *page = slab_block_of(object);
    uint32_t irq = spin_lock(&cache->lock);

    if (!page || page->kind != PAGE_SLAB || slab_owner(page) != cache ||
        !slab_is_slot(cache, page, object))
        SLAB_BUG(cache, irq, object, "free of %p, which is not an object of this cache",
                 object);
    if ((slab_tail_of(cache, object)->state == SLOT_FREE ||
         magazine->objects[magazine->count] == object) &&
        slot_is_free(cache, page, object))
        SLAB_BUG(cache, irq, object, "double free of %p", object);
    if (cache->debug) {
        check_and_mark_free(cache, object, irq);
        put_slots(cache, &object, 1, irq);
    } else {
        if (magazine->count == magazine->capacity)
            unload_magazine(cache, magazine->capacity / 2, irq);
        slab_tail_of(cache, object)->state = SLOT_FREE;
        magazine->objects[++magazine->count] = object;
    }
    spin_unlock(&cache->lock, irq);
}

void slab_free(struct slab_cache *cache, void *object)
{
    pfn_t pfn = virt_to_paddr(object) >> PAGE_SHIFT;
    struct page *page = slab_usual_head(cache, pfn);

    if (kasan_object_freed(cache, object))
        return;
    /* An address beyond the direct map may give a frame of high memory: never PAGE_SLAB. */
    if (likely(pfn < max_pfn && slab_is_usual(cache, page)))
        slab_free_in(cache, page, object);
    else
        slab_free_slowly(cache, object);
}

/* ---- caches ---- */

/* Objects that fit into 2^order frames if each takes so many bytes. */
static unsigned objects_in(uint32_t room, unsigned order)
{
    return (PAGE_SIZE << order) / room;
}

/* Smallest slab that wastes little and, if that is not too much for this machine, has as many
 * objects as one likes; if there is none, the largest allowed. */
static unsigned choose_order(uint32_t room)
{
    for (unsigned order = 0; order < MAX_SLAB_ORDER; order++) {
        uint32_t bytes = PAGE_SIZE << order;
        unsigned n = objects_in(room, order);
        bool large_enough = n >= OBJECTS_WANTED || order >= slab.order_limit;
        if (n > 0 && large_enough && (bytes - n * room) * WASTE_SHARE <= bytes)
            return order;
    }
    return MAX_SLAB_ORDER;
}

/* What the fast path of freeing needs, see slab_is_slot_offset(). */
static void choose_reciprocal(struct slab_cache *cache)
{
    uint32_t d = cache->slot_size;
    uint32_t r = (0 - d) / d + 2; /* (2^32 - d) / d + 1 + 1 */

    cache->slot_reciprocal = r;
    cache->last_slot = (cache->objects_per_slab - 1) * (r * d);
}

static void choose_slab(struct slab_cache *cache, uint32_t room)
{
    unsigned order = choose_order(room);
    uint32_t bytes = PAGE_SIZE << order;

    cache->order = (uint8_t)order;
    cache->small_order = (uint8_t)order_for(DIV_ROUND_UP(room, PAGE_SIZE));
    cache->objects_per_slab = objects_in(room, order);
    cache->objects_per_small_slab = objects_in(room, cache->small_order);
    cache->offset_mask = bytes - 1;
    cache->head_mask = ~0u << order;
    cache->empty_kept = MIN(MAX(EMPTY_BYTES_KEPT / bytes, 1u), EMPTY_SLABS_KEPT);
    cache->colour_unit = MAX(cache->align, COLOUR_UNIT);
    uint32_t rest = bytes - cache->objects_per_slab * room;
    cache->colours = MIN(rest / cache->colour_unit + 1, MAX_COLOURS);
}

static void choose_layout(struct slab_cache *cache, size_t size, size_t align)
{
    uint32_t end = (uint32_t)size;

    cache->object_size = (uint32_t)size;
    cache->align = (uint32_t)MAX(align ? align : sizeof(void *), SLOT_ALIGN_MIN);
    if (cache->constructor || cache->debug) {
        /* The link lies behind the object, where it does no harm to the contents. */
        end += cache->debug & SLAB_REDZONE ? MIN_REDZONE : 0;
        end = ALIGN_UP(end, sizeof(struct slot_tail));
        cache->link_offset = (uint16_t)end;
        end += sizeof(struct slot_tail);
    }
    end = ALIGN_UP(MAX(end, OFFSET_UNIT), cache->align);
    if (cache->debug) /* next to the slot behind: no byte is left out by the redzone */
        cache->link_offset = (uint16_t)(end - sizeof(struct slot_tail));
    cache->slot_size = ALIGN_UP(kasan_slot_end(cache, end), cache->align);
    choose_slab(cache, cache->slot_size + slab_notes_bytes(cache));
    choose_reciprocal(cache);
}

static bool register_cache(struct slab_cache *cache)
{
    uint32_t irq = spin_lock(&slab.lock);
    unsigned id = 0;

    while (id < SLAB_MAX_CACHES && slab_caches[id])
        id++;
    if (id < SLAB_MAX_CACHES) {
        cache->id = (uint8_t)id;
        slab_caches[id] = cache;
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
    if (!(cache->debug & SLAB_REDZONE))
        cache->debug &= ~SLAB_SIZED;
    list_init(&cache->with_room);
    list_init(&cache->full);
    choose_layout(cache, size, align);
    if (!cache->debug)
        cache->magazine.capacity = MIN(MAX(MAGAZINE_BYTES / cache->slot_size, MAGAZINE_MIN),
                                       MAGAZINE_MAX);
}

struct slab_cache *slab_cache_create(const char *name, size_t size, size_t align,
                                     void (*constructor)(void *object), unsigned debug)
{
    if (size == 0 || size > SLAB_MAX_OBJECT || (align && !is_power_of_two((uint32_t)align)) ||
        align > SLAB_MAX_OBJECT)
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

int slab_cache_destroy(struct slab_cache *cache)
{
    if (slab_objects_in_use(cache) != 0) {
        log_err("slab %s: destroyed with %u objects in use", cache->name,
                slab_objects_in_use(cache));
        return -EBUSY;
    }
    slab_cache_shrink(cache);
    uint32_t irq = spin_lock(&slab.lock);
    slab_caches[cache->id] = NULL;
    spin_unlock(&slab.lock, irq);
    slab_free(&slab.cache_cache, cache);
    return 0;
}

uint32_t slab_cache_shrink(struct slab_cache *cache)
{
    kasan_quarantine_flush();
    uint32_t irq = spin_lock(&cache->lock);
    uint32_t frames_before = cache->frames;

    unload_magazine(cache, cache->magazine.count, irq);
    list_for_each_safe(node, &cache->with_room) {
        struct page *page = list_entry(node, struct page, node);
        if (page->objects == 0)
            slab_release(cache, page);
    }
    uint32_t released = frames_before - cache->frames;
    spin_unlock(&cache->lock, irq);
    return released;
}

uint32_t slab_shrink_all(void)
{
    uint32_t frames = 0;

    for (unsigned id = 0; id < SLAB_MAX_CACHES; id++)
        if (slab_caches[id] && !spin_is_held(&slab_caches[id]->lock))
            frames += slab_cache_shrink(slab_caches[id]);
    return frames;
}

struct slab_cache *slab_cache_of(const void *pointer, void **object)
{
    struct page *page = slab_block_of(pointer);
    if (!page || page->kind != PAGE_SLAB)
        return NULL;

    struct slab_cache *cache = slab_owner(page);
    uintptr_t offset = (uintptr_t)pointer - (uintptr_t)slab_base(cache, page);
    if (offset / cache->slot_size >= slab_slots(cache, page))
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
        .objects_in_use = slab_objects_in_use(cache),
        .objects_in_magazine = cache->magazine.count,
        .magazine_capacity = cache->magazine.capacity,
        .objects_total = cache->slots,
        .frames = cache->frames,
        .slabs_full = cache->slabs_full,
        .slabs_partial = cache->slabs - cache->slabs_full - cache->slabs_empty,
        .slabs_empty = cache->slabs_empty,
        .allocs = cache->allocs,
        .frees = cache->allocs - slab_objects_in_use(cache),
        .failures = cache->failures,
        .refills = cache->refills,
        .requested = (uint64_t)cache->requested_high << 32 | cache->requested_low,
        .debug = cache->debug,
    };
    strlcpy(stats->name, cache->name, sizeof(stats->name));
}

bool slab_get_stats(unsigned index, struct slab_stats *stats)
{
    struct slab_cache *cache = NULL;

    for (unsigned id = 0; id < SLAB_MAX_CACHES && !cache; id++)
        if (slab_caches[id] && index-- == 0)
            cache = slab_caches[id];
    if (!cache)
        return false;
    uint32_t irq = spin_lock(&cache->lock);
    fill_stats(cache, stats);
    spin_unlock(&cache->lock, irq);
    return true;
}

uint32_t slab_empty_frames(void)
{
    struct slab_stats cache;
    uint32_t frames = 0;

    for (unsigned i = 0; slab_get_stats(i, &cache); i++)
        frames += cache.slabs_empty * cache.pages_per_slab;
    return frames;
}

bool slab_check(void)
{
    bool good = true;

    for (unsigned id = 0; id < SLAB_MAX_CACHES; id++) {
        struct slab_cache *cache = slab_caches[id];
        if (!cache)
            continue;
        uint32_t irq = spin_lock(&cache->lock);
        good &= slab_debug_check(cache);
        spin_unlock(&cache->lock, irq);
    }
    return good;
}

int slab_check_cache(const char *name)
{
    for (unsigned id = 0; id < SLAB_MAX_CACHES; id++) {
        struct slab_cache *cache = slab_caches[id];
        if (!cache || strcmp(cache->name, name) != 0)
            continue;
        uint32_t irq = spin_lock(&cache->lock);
        bool good = slab_debug_check(cache);
        spin_unlock(&cache->lock, irq);
        return good;
    }
    return -ENOENT;
}

void slab_init(const char *cmdline)
{
    slab_debug_init(cmdline);
    slab.order_limit = bit_highest(MAX(buddy_managed_frames() / MEMORY_SHARE, 1u));
    cache_setup(&slab.cache_cache, "slab_cache", sizeof(struct slab_cache), 0, NULL, 0);
    register_cache(&slab.cache_cache);
}
