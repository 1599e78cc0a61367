/* Slab debugging: catching who writes where he should not, and the validator.
 *
 *     slot    |object|redzone......|next,state|
 *     slab    |colour|slot 0|slot 1| ... |slot n-1|rest|sizes|tracks 0| ... |tracks n-1|
 *
 * Redzone     bytes behind the object with a known value.  One that changed tells of a write
 *             past the object's end.
 * Sizes       Of an object of kmalloc() fewer bytes may have been asked for than its class has.
 *             Then the redzone begins behind those: |20 asked for|redzone of 12 and more|.  The
 *             size is noted at the slab's end.  Who asks how many bytes he may use
 *             (kmalloc_usable_size()) may use all of them from then on.
 * Poison      a free object is filled with a known value.  A byte that changed tells of a write
 *             after the free.
 * State       free or used.  Wrong at a free, it tells of a second free; anything else, of a
 *             write from the slot behind.
 * Tracks      who allocated and who freed the object last (mm/track.h), for the report.  Like
 *             the sizes not behind the object, where the writer whom they are to betray would
 *             erase them.
 * Blame       The report names who probably wrote: damage that begins right behind an object is
 *             its user's; damage in a slot behind one whose redzone is gone came from there; at
 *             the end of a slot, from the slot behind; in a free object, from its last user.
 * Report      Its lines, with the log's time in front, fit a screen of 80 columns.
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

/* ---- what is noted ---- */

static uint32_t index_of(const struct slab_cache *cache, const struct page *page,
                         const void *slot)
{
    return (uint32_t)((const uint8_t *)slot - slab_base(cache, page)) / cache->slot_size;
}

static uint8_t *slab_end(const struct page *page)
{
    return (uint8_t *)page_to_virt(page) + (PAGE_SIZE << page->order);
}

struct tracks *slab_tracks_of(const struct slab_cache *cache, const void *slot)
{
    const struct page *page = slab_block_of(slot);
    return (struct tracks *)slab_end(page) - slab_slots(cache, page) +
           index_of(cache, page, slot);
}

/* Where the size of an object is noted; only with SLAB_SIZED. */
static uint32_t *size_note(const struct slab_cache *cache, const void *slot)
{
    const struct page *page = slab_block_of(slot);
    uint32_t count = slab_slots(cache, page);
    uint8_t *end = slab_end(page) - count * slab_tracks_bytes(cache); /* of the sizes */

    return (uint32_t *)end - count + index_of(cache, page, slot);
}

/* Bytes of an object that were asked for when it was allocated last.  A long overrun may have
 * reached the note, too. */
static uint32_t asked_bytes(const struct slab_cache *cache, const void *slot)
{
    uint32_t size = cache->object_size;

    if (!(cache->debug & SLAB_SIZED))
        return size;
    uint32_t note = *size_note(cache, slot);
    return note - 1 < size ? note : size; /* 0 is nobody's size */
}

/* ---- what stands in a slot ---- */

/* Where the bytes of a slot end that somebody may use, or that are poisoned. */
static uint32_t redzone_start(const struct slab_cache *cache, const void *slot,
                              enum slot_state state)
{
    return state == SLOT_USED ? asked_bytes(cache, slot) : cache->object_size;
}

static uint8_t redzone_byte(enum slot_state state)
{
    return state == SLOT_USED ? REDZONE_USED : REDZONE_FREE;
}

static void fill_redzone(struct slab_cache *cache, void *slot, enum slot_state state)
{
    uint32_t start = redzone_start(cache, slot, state);

    if (cache->debug & SLAB_REDZONE)
        memset((uint8_t *)slot + start, redzone_byte(state), cache->link_offset - start);
}

static void fill_patterns(struct slab_cache *cache, void *slot, enum slot_state state)
{
    slab_tail_of(cache, slot)->state = (uint16_t)state;
    fill_redzone(cache, slot, state);
    if ((cache->debug & SLAB_POISON) && state == SLOT_FREE)
        memset(slot, POISON_FREE, cache->object_size);
}

void slab_debug_resize(struct slab_cache *cache, void *slot, size_t nbytes)
{
    if (!(cache->debug & SLAB_SIZED))
        return;
    uint32_t irq = spin_lock(&cache->lock);
    *size_note(cache, slot) = (uint32_t)nbytes;
    fill_redzone(cache, slot, SLOT_USED);
    spin_unlock(&cache->lock, irq);
}

void slab_debug_prepare(struct slab_cache *cache, void *slot)
{
    fill_patterns(cache, slot, SLOT_FREE);
    if (cache->debug & SLAB_SIZED)
        *size_note(cache, slot) = cache->object_size;
    if (cache->debug & SLAB_TRACK)
        memset(slab_tracks_of(cache, slot), 0, sizeof(struct tracks));
}

void slab_debug_mark(struct slab_cache *cache, void *slot, enum slot_state state)
{
    if ((cache->debug & SLAB_SIZED) && state == SLOT_USED)
        *size_note(cache, slot) = cache->object_size; /* until slab_debug_resize() */
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
        snprintf(text, size, "double free of %p", slot);
    else
        snprintf(text, size, "state of %p overwritten", slot);
    return true;
}

/* Offset of the first wrong byte in the slot's redzone; 0 if there is none. */
static uint32_t redzone_damage(const struct slab_cache *cache, const void *slot,
                               enum slot_state state)
{
    uint32_t start = redzone_start(cache, slot, state), n = cache->link_offset - start;

    if (!(cache->debug & SLAB_REDZONE))
        return 0;
    uint32_t at = first_change((const uint8_t *)slot + start, n, redzone_byte(state));
    return at < n ? start + at : 0;
}

static bool redzone_is_hit(struct slab_cache *cache, void *slot, enum slot_state state,
                           char *text, size_t size)
{
    if (!redzone_damage(cache, slot, state))
        return false;
    snprintf(text, size, "redzone of %p damaged", slot);
    return true;
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
    if (poison_damage(cache, slot) == cache->object_size)
        return false;
    snprintf(text, size, "write after free of %p", slot);
    return true;
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
    if (found == SLOT_FREE || found == SLOT_USED)
        return cache->slot_size;
    return cache->link_offset + offsetof(struct slot_tail, state);
}

/* Did somebody write from this slot into the one behind?  Then over the redzone, too. */
static bool ran_over(const struct slab_cache *cache, void *slot)
{
    if (!slot)
        return false;
    uint16_t state = slab_tail_of(cache, slot)->state;
    return state != SLOT_FREE && state != SLOT_USED &&
           redzone_damage(cache, slot, SLOT_USED) == redzone_start(cache, slot, SLOT_USED);
}

/* Who wrote there, and how?  The object whose user it was, NULL if that is not known. */
static void *suspect(const struct slab_cache *cache, void *slot, uint32_t damage,
                     const char **how)
{
    void *front = neighbour(cache, slot, -1), *behind = neighbour(cache, slot, 1);
    uint32_t end = redzone_start(cache, slot, state_of(cache, slot));

    if (damage <= end && ran_over(cache, front)) {
        *how = "the user of the object in front wrote past its end";
        return front;
    }
    if (damage < end) {
        *how = "its last user wrote after the free";
        return slot;
    }
    if (damage <= cache->object_size) {
        *how = "its own user wrote past its end";
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

/* Where the first wrong byte is, and what stands there. */
static void log_damage(const struct slab_cache *cache, void *slot, uint32_t damage)
{
    uint32_t end = redzone_start(cache, slot, state_of(cache, slot));
    uint8_t byte = ((const uint8_t *)slot)[damage];

    if (damage >= cache->link_offset)
        log_err("  the mark at +%u is neither free nor used: 0x%04x", damage,
                slab_tail_of(cache, slot)->state);
    else if (damage >= end)
        log_err("  overwritten at +%u, byte %u past its end: 0x%02x", damage, damage - end + 1,
                byte);
    else
        log_err("  overwritten at +%u: 0x%02x", damage, byte);
}

/* The bytes of a slot from the line on in which `damage` lies. */
static void log_bytes(const struct slab_cache *cache, const void *slot, uint32_t damage)
{
    uint32_t start = ALIGN_DOWN(damage, DUMP_BYTES);
    uint32_t end = MIN(start + DUMP_BYTES, cache->slot_size);
    char text[3 * DUMP_BYTES + 1] = "";

    for (uint32_t i = start; i < end; i++)
        snprintf(text + 3 * (i - start), 4, " %02x", ((const uint8_t *)slot)[i]);
    log_err("  from +%u:%s", start, text);
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
    if (asked_bytes(cache, slot) < cache->object_size)
        log_err("  %u bytes were asked for", asked_bytes(cache, slot));
    if (pointer != slot)
        log_err("  the pointer is %p: +%u", pointer,
                (unsigned)((const uint8_t *)pointer - (uint8_t *)slot));
    log_tracks(cache, slot);
    if (damage == cache->slot_size)
        return;
    log_damage(cache, slot, damage);
    log_bytes(cache, slot, damage);
    log_suspect(cache, slot, damage);
}

/* ---- the validator ---- */

static bool violated(const struct slab_cache *cache, const char *what, const void *where,
                     uint32_t is, uint32_t should_be)
{
    log_err("slab %s: %s at %p: %u, not %u", cache->name, what, where, is, should_be);
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
    return violated(cache, "mark of a free slot", slot, slab_tail_of(cache, slot)->state,
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

/* With debugging the mark lies behind the object, and so tells used slots from free ones: check
 * them too. */
static bool check_used_slots(struct slab_cache *cache, struct page *page)
{
    if (!cache->debug)
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
