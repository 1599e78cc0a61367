/* The address sanitizer: frames and objects - who may use them, who allocated and freed them.
 *
 * Notes       Behind each object, in its redzone, lies a struct kasan_track: the size asked for and
 *             the backtraces of the last allocation and of the last free.  Frames of low memory
 *             have theirs in an array.
 *
 *               slot   |object      |link of debug caches|kasan_track|redzone|
 *
 * Traces      A backtrace begins with who called the allocators (see mm/track.c).  It is kept once,
 *             however many objects name it: a table with a hash of the return addresses, open
 *             addressing, never emptied.  When it is full, later traces are not known (number 0).
 * Quarantine  An object that is freed and handed out again at once is good memory, and who still
 *             uses the old pointer is not found.  So freed objects wait in a queue, first in first
 *             out, before slab.c gets them back: long enough for a mistake to show itself.  To
 *             slab.c they are still in use; slab_objects_in_use() leaves them out.
 * Lock        interrupts off. */
#include "kernel/cpu/cpu.h"
#include "kernel/lib/string.h"
#include "mm/kasan/internal.h"
#include "mm/paging.h"
#include "mm/slab_internal.h"

#define REDZONE_BYTES 16u /* at least so many behind each object; the notes are part of it */
_Static_assert(REDZONE_BYTES > sizeof(struct kasan_track), "no redzone behind the notes");

#define TRACES_MAX 4096u /* a power of two; trace_id can name twice as many */
#define TRACE_PROBES 16u

#define QUARANTINE_MAX 512u /* objects */
#define QUARANTINE_BYTES (64 * KiB)

struct trace {
    uintptr_t pcs[TRACE_DEPTH]; /* 0 behind the last one; [0] == 0: not in use */
};

struct prisoner {
    struct slab_cache *cache;
    void *object;
};

static struct {
    struct trace traces[TRACES_MAX + 1]; /* [0] stays empty */
    uint32_t trace_count;
    struct kasan_track *frames;
    struct prisoner queue[QUARANTINE_MAX]; /* a ring */
    unsigned first, count;
    uint32_t queue_bytes, limit;
} state = { .limit = QUARANTINE_BYTES };

extern const uint8_t kernel_allocators_start[], kernel_allocators_end[]; /* boot/kernel.ld */

/* ---- backtraces ---- */

static bool is_allocator(uintptr_t address)
{
    return address >= (uintptr_t)kernel_allocators_start &&
           address < (uintptr_t)kernel_allocators_end;
}

/* Follow the saved EBPs; a frame lies above the last one and not far from it.  Whether a page is there
 * needs to be asked only where the chain enters another one. */
static unsigned walk_stack(uintptr_t ebp, uintptr_t pcs[TRACE_DEPTH])
{
    uintptr_t page = ALIGN_DOWN(ebp, PAGE_SIZE);
    unsigned depth = 0;

    while (depth < TRACE_DEPTH) {
        const uintptr_t *link = (const uintptr_t *)ebp;
        if (link[1] < KERNEL_BASE)
            break;
        if (depth > 0 || !is_allocator(link[1]))
            pcs[depth++] = link[1];
        if (link[0] <= ebp || link[0] - ebp > PAGE_SIZE || link[0] % sizeof(uintptr_t) != 0)
            break;
        ebp = link[0];
        uintptr_t end = ALIGN_DOWN(ebp + 2 * sizeof(uintptr_t) - 1, PAGE_SIZE);
        if (end != page && paging_lookup(&kernel_directory, end) == 0)
            break;
        page = end;
    }
    return depth;
}

static uint32_t hash_of(const struct trace *trace)
{
    uint32_t hash = 2166136261u; /* FNV-1a, over words */

    for (unsigned i = 0; i < TRACE_DEPTH; i++)
        hash = (hash ^ trace->pcs[i]) * 16777619u;
    return hash ^ hash >> 15;
}

trace_id kasan_save_trace_from(uintptr_t ebp)
{
    struct trace trace = { { 0 } };
    uint32_t id = 0;

    if (walk_stack(ebp, trace.pcs) == 0)
        return 0;
    uint32_t irq = irq_save(), hash = hash_of(&trace);
    for (unsigned probe = 0; probe < TRACE_PROBES && id == 0; probe++) {
        uint32_t place = 1 + (hash + probe) % TRACES_MAX;
        struct trace *entry = &state.traces[place];
        if (entry->pcs[0] == 0) {
            *entry = trace;
            state.trace_count++;
        }
        if (memcmp(entry, &trace, sizeof(trace)) == 0)
            id = place;
    }
    irq_restore(irq);
    return (trace_id)id;
}

unsigned kasan_load_trace(trace_id id, const uintptr_t **pcs)
{
    unsigned depth = 0;

    *pcs = state.traces[id].pcs;
    while (depth < TRACE_DEPTH && (*pcs)[depth] != 0)
        depth++;
    return depth;
}

uint32_t kasan_trace_count(void)
{
    return state.trace_count;
}

/* ---- frames ---- */

void kasan_set_frame_tracks(struct kasan_track *tracks)
{
    state.frames = tracks;
}

struct kasan_track *kasan_frame_track(paddr_t paddr)
{
    return &state.frames[paddr >> PAGE_SHIFT];
}

void kasan_frames_allocated(struct page *block, unsigned order)
{
    if (!page_is_lowmem(block))
        return;
    struct kasan_track *track = kasan_frame_track(page_to_paddr(block));
    trace_id trace = kasan_save_trace();

    kasan_unpoison(page_to_virt(block), PAGE_SIZE << order);
    for (uint32_t i = 0; i < 1u << order; i++)
        track[i] = (struct kasan_track){ .allocated = trace, .nbytes = PAGE_SIZE << order };
}

void kasan_frames_freed(struct page *block, unsigned order)
{
    if (!page_is_lowmem(block))
        return;
    struct kasan_track *track = kasan_frame_track(page_to_paddr(block));
    trace_id trace = kasan_save_trace();

    kasan_poison(page_to_virt(block), PAGE_SIZE << order, SHADOW_PAGE_FREE);
    for (uint32_t i = 0; i < 1u << order; i++)
        track[i].freed = trace;
}

void kasan_block_sized(struct page *block, size_t nbytes)
{
    uint8_t *start = page_to_virt(block);

    kasan_poison(start, PAGE_SIZE << block->order, SHADOW_PAGE_REDZONE);
    kasan_unpoison(start, nbytes);
}

/* ---- objects ---- */

struct kasan_track *kasan_track_of(const struct slab_cache *cache, void *object)
{
    return (struct kasan_track *)((uint8_t *)object + cache->track_offset);
}

uint32_t kasan_slot_end(struct slab_cache *cache, uint32_t end)
{
    cache->track_offset = ALIGN_UP(end, (uint32_t) _Alignof(struct kasan_track));
    return cache->track_offset + REDZONE_BYTES;
}

void kasan_slab_made(struct slab_cache *cache, struct page *slab)
{
    uint8_t *slot = slab_base(cache, slab);

    kasan_poison(page_to_virt(slab),
                 slab_colour_bytes(cache, slab) + slab_slots(cache, slab) * cache->slot_size,
                 SHADOW_SLAB_REDZONE);
    for (uint32_t i = 0; i < slab_slots(cache, slab); i++, slot += cache->slot_size) {
        kasan_poison(slot, cache->object_size, SHADOW_SLAB_FREE);
        *kasan_track_of(cache, slot) = (struct kasan_track){ .nbytes = cache->object_size };
    }
}

void kasan_object_allocated(struct slab_cache *cache, void *object)
{
    if (!object)
        return;
    *kasan_track_of(cache, object) = (struct kasan_track){ .allocated = kasan_save_trace(),
                                                           .nbytes = cache->object_size };
    kasan_unpoison(object, cache->object_size);
}

void kasan_object_sized(struct slab_cache *cache, void *object, size_t nbytes)
{
    if (!object)
        return;
    kasan_track_of(cache, object)->nbytes = (uint32_t)nbytes;
    kasan_poison(object, cache->object_size, SHADOW_SLAB_REDZONE);
    kasan_unpoison(object, nbytes);
}

/* ---- the quarantine ---- */

/* Interrupts off.  The object that has waited longest; false if there is none. */
static bool release_first(struct prisoner *released)
{
    if (state.count == 0)
        return false;
    *released = state.queue[state.first];
    state.queue[state.first] = (struct prisoner){ 0 }; /* leaks.c would take it for a pointer */
    state.first = (state.first + 1) % QUARANTINE_MAX;
    state.count--;
    state.queue_bytes -= released->cache->slot_size;
    return true;
}

/* Interrupts off. */
static void imprison(struct prisoner prisoner)
{
    state.queue[(state.first + state.count) % QUARANTINE_MAX] = prisoner;
    state.count++;
    state.queue_bytes += prisoner.cache->slot_size;
}

static void free_really(struct prisoner prisoner)
{
    slab_free_slowly(prisoner.cache, prisoner.object);
}

/* Free the oldest ones until there is room for one more. */
static void make_room(void)
{
    uint32_t irq = irq_save();
    struct prisoner released;

    while ((state.count == QUARANTINE_MAX || state.queue_bytes > state.limit) &&
           release_first(&released))
        free_really(released);
    irq_restore(irq);
}

bool kasan_object_freed(struct slab_cache *cache, void *object)
{
    struct page *page = slab_block_of(object);

    if (!page || page->kind != PAGE_SLAB || slab_owner(page) != cache ||
        !slab_is_slot(cache, page, object))
        return false;
    bool was_free = *shadow_of((uintptr_t)object) == SHADOW_SLAB_FREE;
    if (was_free && state.limit != 0)
        kasan_report_double_free(cache, object);
    kasan_track_of(cache, object)->freed = kasan_save_trace();
    kasan_poison(object, cache->object_size, SHADOW_SLAB_FREE);
    if (state.limit == 0)
        return false; /* slab.c sees a second free by itself */
    uint32_t irq = irq_save();
    make_room();
    imprison((struct prisoner){ cache, object });
    irq_restore(irq);
    return true;
}

/* Once around the ring: who cannot be freed now goes to its end. */
void kasan_quarantine_flush(void)
{
    uint32_t irq = irq_save();
    struct prisoner released;

    for (unsigned n = state.count; n > 0 && release_first(&released); n--) {
        if (spin_is_held(&released.cache->lock))
            imprison(released);
        else
            free_really(released);
    }
    irq_restore(irq);
}

uint32_t kasan_quarantined(const struct slab_cache *cache)
{
    uint32_t irq = irq_save(), found = 0;

    for (unsigned i = 0; cache && i < state.count; i++)
        found += state.queue[(state.first + i) % QUARANTINE_MAX].cache == cache;
    if (!cache)
        found = state.queue_bytes;
    irq_restore(irq);
    return found;
}

void kasan_quarantine_limit(size_t nbytes)
{
    kasan_quarantine_flush();
    state.limit = (uint32_t)nbytes;
}
