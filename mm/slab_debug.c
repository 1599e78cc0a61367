/* Slab debugging: catching who writes where he should not, and the validator.
 *
 *     slot    |object|redzone......|next,state|
 *     slab    |colour|slot 0|slot 1| ... |slot n-1|rest|tracks 0| ... |tracks n-1|
 *
 * Redzone     bytes behind the object with a known value.  One that changed tells of a write
 *             past the object's end.
 * Poison      a free object is filled with a known value.  A byte that changed tells of a write
 *             after the free.
 * State       free or used.  Wrong at a free, it tells of a second free; anything else, of a
 *             write from the slot behind.
 * Tracks      who allocated and who freed the object last (mm/track.h), for the report.  Not
 *             behind the object, where the writer whom they are to betray would erase them.
 * Blame       The report names who probably wrote: damage that begins right behind an object is
 *             its user's; damage in a slot behind one whose redzone is gone came from there; at
 *             the end of a slot, from the slot behind; in a free object, from its last user.
 * When        at each allocation and free of the cache, and in slab_check() for all slots.
 * Patterns    as Linux has them (include/linux/poison.h), so that what one learns here helps
 *             there. */
#include "kernel/lib/format.h"
#include "kernel/lib/parse.h"
#include "kernel/lib/string.h"
#include "kernel/log.h"
#include "mm/slab_internal.h"

#define POISON_FREE 0x6B
#define REDZONE_FREE 0xBB
#define REDZONE_USED 0xCC

#define DUMP_BYTES 16u /* in one line of a report */

static struct {
    unsigned flags;  /* 0: slab_debug= was not given */
    char option[96]; /* its value; behind the first comma, the names of caches */
} debug;

/* The letters up to the first comma; none: all checks. */
static unsigned parse_flags(const char *option)
{
    unsigned flags = 0;

    for (; *option && *option != ','; option++) {
        unsigned flag = *option == 'F'   ? SLAB_CONSISTENCY
                        : *option == 'Z' ? SLAB_REDZONE
                        : *option == 'P' ? SLAB_POISON
                        : *option == 'U' ? SLAB_TRACK
                                         : 0;
        if (!flag)
            log_warning("slab_debug: '%c' is none of F, Z, P and U", *option);
        flags |= flag;
    }
    return flags ? flags : SLAB_DEBUG_ALL;
}

/* Is `name` in the list ",a,b"?  An empty list has every name. */
static bool list_has_name(const char *list, const char *name)
{
    size_t length = strlen(name);

    if (!list)
        return true;
    for (; list; list = strchr(list + 1, ','))
        if (!strncmp(list + 1, name, length) &&
            (list[length + 1] == '\0' || list[length + 1] == ','))
            return true;
    return false;
}

void slab_debug_init(const char *cmdline)
{
    if (!parse_option(cmdline, "slab_debug", debug.option, sizeof(debug.option)))
        return;
    debug.flags = parse_flags(debug.option);
    log_info(
        "slab: debug checks%s%s%s%s%s", debug.flags & SLAB_CONSISTENCY ? " consistency" : "",
        debug.flags & SLAB_REDZONE ? " redzones" : "",
        debug.flags & SLAB_POISON ? " poison" : "", debug.flags & SLAB_TRACK ? " users" : "",
        strchr(debug.option, ',') ? strchr(debug.option, ',') : "");
}

unsigned slab_debug_flags_for(const char *name)
{
    return list_has_name(strchr(debug.option, ','), name) ? debug.flags : 0;
}

struct tracks *slab_tracks_of(const struct slab_cache *cache, const void *slot)
{
    const struct page *page = slab_block_of(slot);
    uint8_t *end = (uint8_t *)page_to_virt(page) + (PAGE_SIZE << page->order);
    uint32_t index = (uint32_t)((const uint8_t *)slot - slab_base(cache, page)) /
                     cache->slot_size;

    return (struct tracks *)end - slab_slots(cache, page) + index;
}

static uint32_t redzone_bytes(const struct slab_cache *cache)
{
    return cache->debug & SLAB_REDZONE ? cache->link_offset - cache->object_size : 0;
}

/* What stands in the redzone and, with poison, in a free object. */
static void fill_patterns(struct slab_cache *cache, void *slot, enum slot_state state)
{
    slab_tail_of(cache, slot)->state = (uint16_t)state;
    memset((uint8_t *)slot + cache->object_size,
           state == SLOT_USED ? REDZONE_USED : REDZONE_FREE, redzone_bytes(cache));
    if ((cache->debug & SLAB_POISON) && state == SLOT_FREE)
        memset(slot, POISON_FREE, cache->object_size);
}

void slab_debug_prepare(struct slab_cache *cache, void *slot)
{
    fill_patterns(cache, slot, SLOT_FREE);
    if (cache->debug & SLAB_TRACK)
        memset(slab_tracks_of(cache, slot), 0, sizeof(struct tracks));
}

void slab_debug_mark(struct slab_cache *cache, void *slot, enum slot_state state)
{
    fill_patterns(cache, slot, state);
    if (cache->debug & SLAB_TRACK) {
        struct tracks *tracks = slab_tracks_of(cache, slot);
        track_note(state == SLOT_USED ? &tracks->alloc : &tracks->free);
    }
}

/* Index of the first byte from start that is not `byte`; n if all are. */
static uint32_t first_change(const uint8_t *start, uint32_t n, uint8_t byte)
{
    uint32_t i = 0;

    while (i < n && start[i] == byte)
        i++;
    return i;
}

static bool state_is_wrong(struct slab_cache *cache, void *slot, enum slot_state state,
                           char *text, size_t size)
{
    uint16_t found = slab_tail_of(cache, slot)->state;

    if (found == state)
        return false;
    if (state == SLOT_USED && found == SLOT_FREE)
        snprintf(text, size, "double free of object %p", slot);
    else
        snprintf(text, size, "state of object %p overwritten: %#x", slot, found);
    return true;
}

/* Offset of the first wrong byte in the slot's redzone; 0 if there is none. */
static uint32_t redzone_damage(const struct slab_cache *cache, const void *slot,
                               enum slot_state state)
{
    const uint8_t *redzone = (const uint8_t *)slot + cache->object_size;
    uint32_t n = redzone_bytes(cache);
    uint32_t at = first_change(redzone, n, state == SLOT_USED ? REDZONE_USED : REDZONE_FREE);

    return at < n ? cache->object_size + at : 0;
}

static bool redzone_is_hit(struct slab_cache *cache, void *slot, enum slot_state state,
                           char *text, size_t size)
{
    uint32_t at = redzone_damage(cache, slot, state);

    if (at)
        snprintf(text, size, "redzone of object %p overwritten at +%u: %#04x", slot, at,
                 ((const uint8_t *)slot)[at]);
    return at != 0;
}

/* Offset of the first wrong byte in a free object; the object's size if there is none. */
static uint32_t poison_damage(const struct slab_cache *cache, const void *slot)
{
    if (!(cache->debug & SLAB_POISON))
        return cache->object_size;
    return first_change(slot, cache->object_size, POISON_FREE);
}

static bool poison_is_hit(struct slab_cache *cache, void *slot, char *text, size_t size)
{
    const uint8_t *object = slot;
    uint32_t at = poison_damage(cache, slot);

    if (at < cache->object_size)
        snprintf(text, size, "free object %p written after it was freed, at +%u: %#04x", slot,
                 at, object[at]);
    return at < cache->object_size;
}

const char *slab_debug_problem(struct slab_cache *cache, void *slot, enum slot_state state,
                               char *text, size_t size)
{
    if ((cache->debug & SLAB_CONSISTENCY) && state_is_wrong(cache, slot, state, text, size))
        return text;
    if (redzone_is_hit(cache, slot, state, text, size))
        return text;
    if (state == SLOT_FREE && poison_is_hit(cache, slot, text, size))
        return text;
    return NULL;
}

/* ---- the report ---- */

static enum slot_state state_of(const struct slab_cache *cache, void *slot)
{
    return slab_tail_of(cache, slot)->state == SLOT_FREE ? SLOT_FREE : SLOT_USED;
}

/* The slot so many slots on; NULL if the slab ends before. */
static void *neighbour(const struct slab_cache *cache, void *slot, int distance)
{
    uint8_t *other = (uint8_t *)slot + distance * (int)cache->slot_size;

    return slab_is_slot(cache, slab_block_of(slot), other) ? other : NULL;
}

/* Offset of the first byte of a slot that is not as it should be; the slot's size if none. */
static uint32_t first_damage(const struct slab_cache *cache, void *slot)
{
    enum slot_state state = state_of(cache, slot);
    uint32_t redzone = redzone_damage(cache, slot, state);
    uint16_t found = slab_tail_of(cache, slot)->state;

    if (state == SLOT_FREE && poison_damage(cache, slot) < cache->object_size)
        return poison_damage(cache, slot);
    if (redzone)
        return redzone;
    return found == SLOT_FREE || found == SLOT_USED ? cache->slot_size : cache->link_offset;
}

/* Did somebody write from this slot into the one behind?  Then over the redzone, too. */
static bool ran_over(const struct slab_cache *cache, void *slot)
{
    return slot && redzone_damage(cache, slot, state_of(cache, slot)) == cache->object_size;
}

/* Who wrote there, and how?  The object whose user it was, NULL if that is not known. */
static void *suspect(const struct slab_cache *cache, void *slot, uint32_t damage,
                     const char **how)
{
    void *front = neighbour(cache, slot, -1), *behind = neighbour(cache, slot, 1);

    if (damage < cache->object_size && ran_over(cache, front)) {
        *how = "the user of the object in front wrote past its end";
        return front;
    }
    if (damage == cache->object_size) {
        *how = "its own user wrote past its end";
        return slot;
    }
    if (damage < cache->object_size) {
        *how = "its last user wrote after the free";
        return slot;
    }
    *how = behind ? "the user of the object behind wrote before its start" : "a stray write";
    return behind;
}

static void log_tracks(struct slab_cache *cache, void *slot)
{
    if (!(cache->debug & SLAB_TRACK))
        return;
    track_log("allocated", &slab_tracks_of(cache, slot)->alloc);
    track_log("freed", &slab_tracks_of(cache, slot)->free);
}

/* The bytes of a slot from the line on in which `damage` lies. */
static void log_bytes(const struct slab_cache *cache, const void *slot, uint32_t damage)
{
    uint32_t start = ALIGN_DOWN(damage, DUMP_BYTES);
    uint32_t end = MIN(start + DUMP_BYTES, cache->slot_size);
    char text[3 * DUMP_BYTES + 1] = "";

    for (uint32_t i = start; i < end; i++)
        snprintf(text + 3 * (i - start), 4, " %02x", ((const uint8_t *)slot)[i]);
    log_err("  bytes from +%u:%s", start, text);
}

static void log_suspect(struct slab_cache *cache, void *slot, uint32_t damage)
{
    const char *how;
    void *object = suspect(cache, slot, damage, &how);

    log_err("  probably %s", how);
    if (!object || object == slot)
        return;
    log_err("  that object is %p, %s:", object,
            state_of(cache, object) == SLOT_FREE ? "free" : "in use");
    log_tracks(cache, object);
}

void slab_debug_report(const void *pointer)
{
    void *slot;
    struct slab_cache *cache = slab_cache_of(pointer, &slot);

    if (!cache || !cache->debug)
        return;
    uint32_t damage = first_damage(cache, slot);
    log_err("slab %s: object %p of %u bytes, %s", cache->name, slot, cache->object_size,
            state_of(cache, slot) == SLOT_FREE ? "free" : "in use");
    if (pointer != slot)
        log_err("  the pointer is %p: +%u", pointer,
                (unsigned)((const uint8_t *)pointer - (uint8_t *)slot));
    log_tracks(cache, slot);
    if (damage == cache->slot_size)
        return;
    log_bytes(cache, slot, damage);
    log_suspect(cache, slot, damage);
}

/* ---- the validator ---- */

static bool violated(const struct slab_cache *cache, const char *what, const void *where,
                     uint32_t is, uint32_t should_be)
{
    log_err("slab %s: %s at %p: %u, should be %u", cache->name, what, where, is, should_be);
    return false;
}

static bool slot_is_sound(struct slab_cache *cache, void *slot, enum slot_state state)
{
    char text[96];

    if (!slab_debug_problem(cache, slot, state, text, sizeof(text)))
        return true;
    log_err("slab %s: %s", cache->name, text);
    slab_debug_report(slot);
    return false;
}

/* Every free slot says that it is free, in each cache: else somebody wrote there. */
static bool free_slot_is_sound(struct slab_cache *cache, void *slot)
{
    if (!slot_is_sound(cache, slot, SLOT_FREE))
        return false;
    if (slab_tail_of(cache, slot)->state == SLOT_FREE)
        return true;
    slab_debug_report(slot);
    return violated(cache, "free object overwritten", slot, slab_tail_of(cache, slot)->state,
                    SLOT_FREE);
}

/* Free slots: as many as counted, each a real slot that looks free. */
static bool check_free_list(struct slab_cache *cache, struct page *page)
{
    uint32_t free = 0;

    for (uint16_t place = page->free; place != NO_FREE_SLOT; free++) {
        void *slot = slab_slot_at(page, place);
        if (free == slab_slots(cache, page) || !slab_is_slot(cache, page, slot))
            return violated(cache, "free list", page_to_virt(page), place, NO_FREE_SLOT);
        if (!free_slot_is_sound(cache, slot))
            return false;
        place = slab_tail_of(cache, slot)->next;
    }
    if (free + page->objects != slab_slots(cache, page))
        return violated(cache, "free objects", page_to_virt(page), free,
                        slab_slots(cache, page) - page->objects);
    return true;
}

/* With SLAB_CONSISTENCY the used slots can be told from the free ones: check them too. */
static bool check_used_slots(struct slab_cache *cache, struct page *page)
{
    if (!(cache->debug & SLAB_CONSISTENCY))
        return true;
    for (uint32_t i = 0; i < slab_slots(cache, page); i++) {
        void *slot = slab_base(cache, page) + i * cache->slot_size;
        if (slab_tail_of(cache, slot)->state != SLOT_FREE &&
            !slot_is_sound(cache, slot, SLOT_USED))
            return false;
    }
    return true;
}

/* What a walk over a list of slabs found. */
struct slab_count {
    uint32_t slabs, empty, objects, frames, slots;
};

static bool check_list(struct slab_cache *cache, struct list_node *list, bool full,
                       struct slab_count *count)
{
    list_for_each(node, list) {
        struct page *page = list_entry(node, struct page, node);
        if (page->kind != PAGE_SLAB || slab_owner(page) != cache)
            return violated(cache, "owner", page_to_virt(page), page->cache_id, cache->id);
        if ((page->objects == slab_slots(cache, page)) != full)
            return violated(cache, "list", page_to_virt(page), page->objects, full);
        if (!check_free_list(cache, page) || !check_used_slots(cache, page))
            return false;
        count->slabs++;
        count->empty += page->objects == 0;
        count->objects += page->objects;
        count->frames += 1u << page->order;
        count->slots += slab_slots(cache, page);
    }
    return true;
}

/* Objects in the magazine: slots of the cache's slabs that look free. */
static bool check_magazine(struct slab_cache *cache)
{
    const struct magazine *magazine = &cache->magazine;

    if (magazine->count > magazine->capacity || magazine->objects[0])
        return violated(cache, "magazine", cache, magazine->count, magazine->capacity);
    for (uint32_t i = 1; i <= magazine->count; i++) {
        void *object = magazine->objects[i];
        struct page *page = slab_block_of(object);
        if (!page || page->kind != PAGE_SLAB || slab_owner(page) != cache ||
            !slab_is_slot(cache, page, object))
            return violated(cache, "object in the magazine", object, i, 0);
        if (!free_slot_is_sound(cache, object))
            return false;
    }
    return true;
}

bool slab_debug_check(struct slab_cache *cache)
{
    struct slab_count full = { 0 }, room = { 0 };

    if (!check_list(cache, &cache->full, true, &full) ||
        !check_list(cache, &cache->with_room, false, &room) || !check_magazine(cache))
        return false;
    if (full.slabs != cache->slabs_full || room.empty != cache->slabs_empty)
        return violated(cache, "full slabs", cache, full.slabs, cache->slabs_full);
    if (full.slabs + room.slabs != cache->slabs)
        return violated(cache, "slabs", cache, full.slabs + room.slabs, cache->slabs);
    if (full.frames + room.frames != cache->frames)
        return violated(cache, "frames", cache, full.frames + room.frames, cache->frames);
    if (full.slots + room.slots != cache->slots)
        return violated(cache, "slots", cache, full.slots + room.slots, cache->slots);
    if (full.objects + room.objects != cache->taken)
        return violated(cache, "objects taken", cache, full.objects + room.objects,
                        cache->taken);
    return true;
}
