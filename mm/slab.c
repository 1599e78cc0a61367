/* Slab caches.
 *
 * Problem     The kernel needs many small structures of a few kinds.  From pages directly they would
 *             waste memory; from one general heap they would fragment it, and each would have to be
 *             initialised again and again.
 * Words       cache = all objects of one kind; slab = a block of frames cut into equal slots; slot =
 *             an object and what debugging adds to it; colour = offset of the first slot.
 * Slab        |colour|slot 0|slot 1| ... |slot n-1|rest|        2^order frames from buddy
 *             The slab's bookkeeping is in the struct page of its first frame: objects in use, first
 *             free slot, number of the cache.  Nothing is stored beside the objects, so a 4 KiB slab
 *             holds 16 objects of 256 bytes.
 * Free list   A free slot holds the place of the next one (16 bits, in units of 4 bytes from the
 *             slab's start).  It lies in the object itself, unless the object must stay as it is
 *             (constructed, or poisoned): then it lies behind it.
 * States      full <-> partial <-> empty: each cache has a list for each.  Allocation takes from a
 *             partial slab if there is one, so that others can become empty; one or two empty slabs
 *             are kept (EMPTY_SLABS_KEPT), more go back to buddy.
 * Colouring   Without it, the first object of every slab has the same address bits, and all compete
 *             for the same cache lines.  Successive slabs shift their slots by one colour, using up
 *             the rest at the end that is lost anyway.
 * Constructor runs when a slab is made.  Objects are freed in their constructed state, so that work
 *             (list heads, locks) is not done again: Bonwick's main idea.
 * Debugging   slot with checks:  |object|redzone......|next,state|
 *             A redzone byte that changed tells of a write past the object's end; poison that changed,
 *             of a write after the free; the state, of a second free.
 * Cost        About 40 instructions for either operation.
 * Locks       one for each cache; buddy's zone locks are taken inside it.
 * Limits      Objects up to 4 KiB.  Constructors run under the cache's lock.
 * Reading     J. Bonwick, "The Slab Allocator", USENIX Summer 1994. */
#include "mm/slab.h"

#include "kernel/cpu/spinlock.h"
#include "kernel/lib/bitops.h"
#include "kernel/lib/errno.h"
#include "kernel/lib/format.h"
#include "kernel/lib/parse.h"
#include "kernel/lib/string.h"
#include "kernel/log.h"
#include "mm/buddy.h"

#define EMPTY_SLABS_KEPT 2u
#define MAX_SLAB_ORDER 3u
#define MAX_COLOURS 64u   /* struct page has 6 bits for it */
#define MAX_OBJECTS 1023u /* and 10 for the objects in use */
#define COLOUR_UNIT 32u   /* a cache line of the 486 to Pentium III */
#define OFFSET_UNIT 4u    /* struct page.free and the links count in words */
#define NO_FREE_SLOT 0xFFFFu
#define MIN_REDZONE 4u

/* Byte patterns, as Linux has them (include/linux/poison.h). */
#define POISON_FREE 0x6B
#define REDZONE_FREE 0xBB
#define REDZONE_USED 0xCC
#define STATE_FREE 0xF7EEu
#define STATE_USED 0xA110u

/* Behind the object, in caches that cannot keep the link inside. */
struct slot_tail {
    uint16_t next;  /* valid while free */
    uint16_t state; /* STATE_..., with SLAB_CONSISTENCY */
};

enum slab_list { SLABS_PARTIAL, SLABS_FULL, SLABS_EMPTY, SLAB_LISTS };

struct slab_cache {
    struct spinlock lock;
    struct list_node lists[SLAB_LISTS];
    uint16_t id;
    uint16_t link_offset; /* of the link in a slot */
    uint32_t slot_size, object_size, align;
    uint32_t colour_unit, colours, next_colour;
    unsigned order, objects_per_slab;
    unsigned debug;
    uint32_t slab_count[SLAB_LISTS];
    uint32_t objects_in_use;
    uint64_t allocs, frees, failures;
    void (*constructor)(void *object);
    char name[SLAB_NAME_MAX];
};

static struct {
    struct spinlock lock;
    struct slab_cache *caches[SLAB_MAX_CACHES]; /* by id; NULL: unused */
    struct slab_cache cache_cache;              /* the cache of struct slab_cache */
    char debug_option[96];                      /* slab_debug=... as given; "" if not */
} slab = { .lock = SPINLOCK_INIT("slab caches") };

/* ---- geometry ---- */

static uint8_t *slab_base(const struct slab_cache *cache, struct page *page)
{
    return (uint8_t *)page_to_virt(page) + page->colour * cache->colour_unit;
}

static uint32_t slab_bytes(const struct slab_cache *cache)
{
    return PAGE_SIZE << cache->order;
}

/* Links and struct page.free count words from the start of the slab's first frame. */
static void *slot_at(struct page *page, uint16_t place)
{
    return (uint8_t *)page_to_virt(page) + place * OFFSET_UNIT;
}

static uint16_t place_of(struct page *page, const void *slot)
{
    return (uint16_t)(((uintptr_t)slot - (uintptr_t)page_to_virt(page)) / OFFSET_UNIT);
}

static uint16_t *link_of(const struct slab_cache *cache, void *slot)
{
    return (uint16_t *)((uint8_t *)slot + cache->link_offset);
}

static struct slot_tail *tail_of(const struct slab_cache *cache, void *slot)
{
    return (struct slot_tail *)link_of(cache, slot);
}

/* Is the link behind the object, where it does no harm to the contents? */
static bool has_tail(const struct slab_cache *cache)
{
    return cache->constructor || cache->debug;
}

static void move_slab(struct slab_cache *cache, struct page *page, enum slab_list from,
                      enum slab_list to)
{
    list_remove(&page->node);
    list_add_head(&cache->lists[to], &page->node);
    cache->slab_count[from]--;
    cache->slab_count[to]++;
}

/* ---- debugging ---- */

/* Unlock and stop: the caller of slab_alloc or slab_free, or a stray write, is to blame. */
#define SLAB_BUG(cache, irq, fmt, ...)                              \
    do {                                                            \
        spin_unlock(&(cache)->lock, irq);                           \
        ASSERT(false, "slab %s: " fmt, (cache)->name, __VA_ARGS__); \
    } while (0)

/* First byte of [start, start + n) that is not `byte`, or -1. */
static int first_change(const uint8_t *start, size_t n, uint8_t byte)
{
    for (size_t i = 0; i < n; i++)
        if (start[i] != byte)
            return (int)i;
    return -1;
}

/* Make a slot look free or used. */
static void mark_slot(struct slab_cache *cache, void *slot, uint16_t state)
{
    bool used = state == STATE_USED;

    if (cache->debug & SLAB_CONSISTENCY)
        tail_of(cache, slot)->state = state;
    if (cache->debug & SLAB_REDZONE)
        memset((uint8_t *)slot + cache->object_size, used ? REDZONE_USED : REDZONE_FREE,
               cache->link_offset - cache->object_size);
    if ((cache->debug & SLAB_POISON) && !used)
        memset(slot, POISON_FREE, cache->object_size);
}

/* What is wrong with a slot that should look free or used?  NULL if nothing is. */
static const char *slot_problem(struct slab_cache *cache, void *slot, bool used, char *text,
                                size_t size)
{
    uint8_t *object = slot;
    uint32_t end = cache->object_size;
    int at;

    if (cache->debug & SLAB_CONSISTENCY) {
        uint16_t state = tail_of(cache, slot)->state;
        if (state != (used ? STATE_USED : STATE_FREE)) {
            if (used && state == STATE_FREE)
                snprintf(text, size, "double free of object %p", slot);
            else
                snprintf(text, size, "state of object %p overwritten: %#x", slot, state);
            return text;
        }
    }
    if (cache->debug & SLAB_REDZONE) {
        at = first_change(object + end, cache->link_offset - end,
                          used ? REDZONE_USED : REDZONE_FREE);
        if (at >= 0) {
            snprintf(text, size, "redzone of object %p overwritten at +%u: %#04x", slot,
                     end + (unsigned)at, object[end + (unsigned)at]);
            return text;
        }
    }
    if ((cache->debug & SLAB_POISON) && !used) {
        at = first_change(object, end, POISON_FREE);
        if (at >= 0) {
            snprintf(text, size, "free object %p written after it was freed, at +%d: %#04x",
                     slot, at, object[at]);
            return text;
        }
    }
    return NULL;
}

/* Checks that slab_debug=FLAGS[,CACHE...] asks for in a cache of this name. */
static unsigned debug_flags_for(const char *name)
{
    static const struct {
        char letter;
        unsigned flag;
    } letters[] = { { 'F', SLAB_CONSISTENCY }, { 'Z', SLAB_REDZONE }, { 'P', SLAB_POISON } };
    const char *option = slab.debug_option;
    unsigned flags = 0;

    if (!*option)
        return 0;
    for (; *option && *option != ','; option++)
        for (unsigned i = 0; i < ARRAY_SIZE(letters); i++)
            if (*option == letters[i].letter)
                flags |= letters[i].flag;
    if (!flags)
        flags = SLAB_DEBUG_ALL;
    if (!*option)
        return flags; /* no names: all caches */
    while (*option == ',') {
        const char *end = ++option;
        while (*end && *end != ',')
            end++;
        if (strlen(name) == (size_t)(end - option) && !strncmp(name, option, strlen(name)))
            return flags;
        option = end;
    }
    return 0;
}

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
        mark_slot(cache, slot, STATE_FREE);
        *link_of(cache, slot) = last ? NO_FREE_SLOT : place_of(page, slot + cache->slot_size);
    }
    page->free = place_of(page, base);
}

/* Lock held.  Add an empty slab to the cache. */
static bool slab_grow(struct slab_cache *cache, unsigned flags)
{
    struct page *page = buddy_alloc(cache->order, PAGE_SLAB,
                                    flags & ~(PAGE_ZERO | PAGE_HIGHMEM_OK));

    if (!page)
        return false;
    page->cache_id = cache->id;
    page->objects = 0;
    page->colour = (uint16_t)(cache->next_colour & (MAX_COLOURS - 1));
    cache->next_colour = cache->next_colour + 1 < cache->colours ? cache->next_colour + 1 : 0;
    slab_format(cache, page);
    list_add_head(&cache->lists[SLABS_EMPTY], &page->node);
    cache->slab_count[SLABS_EMPTY]++;
    return true;
}

/* Lock held.  A slab with a free object; NULL if there is no memory. */
static struct page *slab_with_room(struct slab_cache *cache, unsigned flags)
{
    struct page *page;

    if (likely(!list_is_empty(&cache->lists[SLABS_PARTIAL])))
        return list_first(&cache->lists[SLABS_PARTIAL], struct page, node);
    if (list_is_empty(&cache->lists[SLABS_EMPTY]) && !slab_grow(cache, flags))
        return NULL;
    page = list_first(&cache->lists[SLABS_EMPTY], struct page, node);
    move_slab(cache, page, SLABS_EMPTY, SLABS_PARTIAL);
    return page;
}

/* Lock held.  Hand out the first free slot of a slab. */
static void *take_slot(struct slab_cache *cache, struct page *page)
{
    void *slot = slot_at(page, page->free);

    page->free = *link_of(cache, slot);
    page->objects++;
    if (page->free == NO_FREE_SLOT)
        move_slab(cache, page, SLABS_PARTIAL, SLABS_FULL);
    cache->objects_in_use++;
    cache->allocs++;
    return slot;
}

void *slab_alloc(struct slab_cache *cache, unsigned flags)
{
    char text[96];
    uint32_t irq = spin_lock(&cache->lock);
    struct page *page = slab_with_room(cache, flags);

    if (unlikely(!page)) {
        cache->failures++;
        spin_unlock(&cache->lock, irq);
        return NULL;
    }
    if (unlikely(cache->debug)) {
        void *next = slot_at(page, page->free);
        const char *problem = slot_problem(cache, next, false, text, sizeof(text));
        if (problem)
            SLAB_BUG(cache, irq, "%s", problem);
        mark_slot(cache, next, STATE_USED);
    }
    void *object = take_slot(cache, page);
    spin_unlock(&cache->lock, irq);
    if (flags & PAGE_ZERO)
        memset(object, 0, cache->object_size);
    return object;
}

/* Is `object` the start of a slot of this slab? */
static bool is_slot(const struct slab_cache *cache, struct page *page, const void *object)
{
    uintptr_t offset = (uintptr_t)object - (uintptr_t)slab_base(cache, page);

    return offset % cache->slot_size == 0 &&
           offset / cache->slot_size < cache->objects_per_slab;
}

/* The slab that a pointer is in; NULL if it is in none. */
static struct page *slab_of(const void *pointer)
{
    paddr_t paddr = virt_to_paddr(pointer);

    if ((uintptr_t)pointer < DIRECT_MAP || paddr >= LOWMEM_MAX_BYTES ||
        paddr >> PAGE_SHIFT >= max_pfn)
        return NULL;
    struct page *page = page_block_head(virt_to_page(pointer));
    return page->kind == PAGE_SLAB ? page : NULL;
}

/* Lock held.  A slab has become empty: keep it, or give it back if there are enough. */
static void retire_slab(struct slab_cache *cache, struct page *page)
{
    move_slab(cache, page, SLABS_PARTIAL, SLABS_EMPTY);
    if (cache->slab_count[SLABS_EMPTY] <= EMPTY_SLABS_KEPT)
        return;
    list_remove(&page->node);
    cache->slab_count[SLABS_EMPTY]--;
    buddy_free(page, cache->order);
}

/* Lock held.  Chain the slot in. */
static void put_slot(struct slab_cache *cache, struct page *page, void *slot)
{
    if (page->free == NO_FREE_SLOT)
        move_slab(cache, page, SLABS_FULL, SLABS_PARTIAL);
    *link_of(cache, slot) = page->free;
    page->free = place_of(page, slot);
    cache->objects_in_use--;
    cache->frees++;
    if (--page->objects == 0)
        retire_slab(cache, page);
}

void slab_free(struct slab_cache *cache, void *object)
{
    struct page *page = slab_of(object);
    char text[96];

    ASSERT(page && page->cache_id == cache->id,
           "slab %s: free of %p, which is not an object of this cache", cache->name, object);
    uint32_t irq = spin_lock(&cache->lock);
    if (unlikely(page->objects == 0 || slot_at(page, page->free) == object))
        SLAB_BUG(cache, irq, "double free of object %p", object);
    if (unlikely(cache->debug)) {
        if (!is_slot(cache, page, object))
            SLAB_BUG(cache, irq, "free of %p, which is not an object of this cache", object);
        const char *problem = slot_problem(cache, object, true, text, sizeof(text));
        if (problem)
            SLAB_BUG(cache, irq, "%s", problem);
        mark_slot(cache, object, STATE_FREE);
    }
    put_slot(cache, page, object);
    spin_unlock(&cache->lock, irq);
}

/* ---- caches ---- */

/* Objects of slot_size that fit into 2^order frames. */
static unsigned objects_in(uint32_t slot_size, unsigned order)
{
    return MIN((PAGE_SIZE << order) / slot_size, MAX_OBJECTS);
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
    if (has_tail(cache)) {
        end += cache->debug & SLAB_REDZONE ? MIN_REDZONE : 0;
        end = ALIGN_UP(end, sizeof(struct slot_tail));
        cache->link_offset = (uint16_t)end;
        end += sizeof(struct slot_tail);
    }
    cache->slot_size = ALIGN_UP(MAX(end, OFFSET_UNIT), cache->align);
    cache->order = choose_order(cache->slot_size);
    cache->objects_per_slab = objects_in(cache->slot_size, cache->order);
    cache->colour_unit = MAX(cache->align, COLOUR_UNIT);
    uint32_t rest = slab_bytes(cache) - cache->objects_per_slab * cache->slot_size;
    cache->colours = MIN(rest / cache->colour_unit + 1, MAX_COLOURS);
}

static bool register_cache(struct slab_cache *cache)
{
    uint32_t irq = spin_lock(&slab.lock);
    unsigned id = 0;

    while (id < SLAB_MAX_CACHES && slab.caches[id])
        id++;
    if (id < SLAB_MAX_CACHES) {
        cache->id = (uint16_t)id;
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
    cache->debug = debug | debug_flags_for(name);
    if (constructor)
        cache->debug &= ~SLAB_POISON; /* it would destroy the constructed state */
    for (unsigned i = 0; i < SLAB_LISTS; i++)
        list_init(&cache->lists[i]);
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

int slab_cache_destroy(struct slab_cache *cache)
{
    if (cache->objects_in_use != 0) {
        log_err("slab %s: destroyed with %u objects in use", cache->name,
                cache->objects_in_use);
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
    uint32_t nslabs = cache->slab_count[SLABS_EMPTY];

    list_for_each_safe(node, &cache->lists[SLABS_EMPTY]) {
        list_remove(node);
        buddy_free(list_entry(node, struct page, node), cache->order);
    }
    cache->slab_count[SLABS_EMPTY] = 0;
    spin_unlock(&cache->lock, irq);
    return nslabs << cache->order;
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

const char *slab_cache_name(const struct slab_cache *cache)
{
    return cache->name;
}

size_t slab_object_size(const struct slab_cache *cache)
{
    return cache->object_size;
}

bool slab_get_stats(unsigned index, struct slab_stats *stats)
{
    const struct slab_cache *cache = NULL;

    for (unsigned id = 0; id < SLAB_MAX_CACHES && !cache; id++)
        if (slab.caches[id] && index-- == 0)
            cache = slab.caches[id];
    if (!cache)
        return false;
    *stats = (struct slab_stats){
        .object_size = cache->object_size,
        .slot_size = cache->slot_size,
        .align = cache->align,
        .objects_per_slab = cache->objects_per_slab,
        .pages_per_slab = 1u << cache->order,
        .colours = cache->colours,
        .objects_in_use = cache->objects_in_use,
        .slabs_full = cache->slab_count[SLABS_FULL],
        .slabs_partial = cache->slab_count[SLABS_PARTIAL],
        .slabs_empty = cache->slab_count[SLABS_EMPTY],
        .allocs = cache->allocs,
        .frees = cache->frees,
        .failures = cache->failures,
        .debug = cache->debug,
    };
    stats->objects_total = (stats->slabs_full + stats->slabs_partial + stats->slabs_empty) *
                           cache->objects_per_slab;
    strlcpy(stats->name, cache->name, sizeof(stats->name));
    return true;
}

/* ---- the validator ---- */

static bool violated(const struct slab_cache *cache, const char *what, const void *where,
                     uint32_t is, uint32_t should_be)
{
    log_err("slab %s: %s: slab %p: %u, should be %u", cache->name, what, where, is, should_be);
    return false;
}

/* Lock held.  Free slots: as many as counted, each a real slot that looks free. */
static bool check_free_list(struct slab_cache *cache, struct page *page)
{
    unsigned free = 0;
    char text[96];

    for (uint16_t place = page->free; place != NO_FREE_SLOT; free++) {
        void *slot = slot_at(page, place);
        if (free == cache->objects_per_slab || !is_slot(cache, page, slot))
            return violated(cache, "free list", page_to_virt(page), place, NO_FREE_SLOT);
        if (slot_problem(cache, slot, false, text, sizeof(text))) {
            log_err("slab %s: %s", cache->name, text);
            return false;
        }
        place = *link_of(cache, slot);
    }
    if (free + page->objects != cache->objects_per_slab)
        return violated(cache, "free objects", page_to_virt(page), free,
                        cache->objects_per_slab - page->objects);
    return true;
}

/* Lock held.  With SLAB_CONSISTENCY the used slots can be told from the free ones: check them too. */
static bool check_used_slots(struct slab_cache *cache, struct page *page)
{
    char text[96];

    if (!(cache->debug & SLAB_CONSISTENCY))
        return true;
    for (unsigned i = 0; i < cache->objects_per_slab; i++) {
        void *slot = slab_base(cache, page) + i * cache->slot_size;
        if (tail_of(cache, slot)->state == STATE_USED &&
            slot_problem(cache, slot, true, text, sizeof(text))) {
            log_err("slab %s: %s", cache->name, text);
            return false;
        }
    }
    return true;
}

/* Lock held. */
static bool check_slab(struct slab_cache *cache, struct page *page, enum slab_list list)
{
    unsigned n = cache->objects_per_slab;
    enum slab_list should_be = page->objects == 0   ? SLABS_EMPTY
                               : page->objects == n ? SLABS_FULL
                                                    : SLABS_PARTIAL;

    if (page->kind != PAGE_SLAB || page->cache_id != cache->id)
        return violated(cache, "owner", page_to_virt(page), page->cache_id, cache->id);
    if (list != should_be)
        return violated(cache, "list", page_to_virt(page), list, should_be);
    return check_free_list(cache, page) && check_used_slots(cache, page);
}

static bool check_cache(struct slab_cache *cache)
{
    uint32_t objects = 0;

    for (unsigned list = 0; list < SLAB_LISTS; list++) {
        uint32_t slabs = 0;
        list_for_each(node, &cache->lists[list]) {
            struct page *page = list_entry(node, struct page, node);
            if (!check_slab(cache, page, list))
                return false;
            objects += page->objects;
            slabs++;
        }
        if (slabs != cache->slab_count[list])
            return violated(cache, "slabs on a list", cache, slabs, cache->slab_count[list]);
    }
    if (objects != cache->objects_in_use)
        return violated(cache, "objects in use", cache, objects, cache->objects_in_use);
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
        good &= check_cache(cache);
        spin_unlock(&cache->lock, irq);
    }
    return good;
}

void slab_init(const char *cmdline)
{
    char option[sizeof(slab.debug_option)];

    if (parse_option(cmdline, "slab_debug", option, sizeof(option)))
        strlcpy(slab.debug_option, *option ? option : "FZP", sizeof(slab.debug_option));
    cache_setup(&slab.cache_cache, "slab_cache", sizeof(struct slab_cache), 0, NULL, 0);
    register_cache(&slab.cache_cache);
    if (*slab.debug_option)
        log_info("slab: debug checks \"%s\"", slab.debug_option);
}
