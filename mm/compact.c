/* Compaction.
 *
 * Problem     Half of memory is free, and no block of two frames exists: every other frame belongs to a
 *             program.  A request for a large block fails for no good reason, since programs do not care
 *             in which frames their pages lie.
 * Idea        Choose a window of the size and alignment that is wanted, and move what is in it into free
 *             frames elsewhere.  The best window is the one with the fewest frames to move.
 *
 *               before   [m.m.m.m.|..m...m.|mmm.m.mm|m.mm.mmm]
 *                                  ^ fewest
 *               after    [m.m.m.m.|........|mmmmm.mm|mmmm.mmm]
 *
 *             (Linux lets two scanners run towards each other, one for frames to move and one for free
 *             ones, until they meet: it makes all of the zone dense.  For one request that moves much more
 *             than it needs; for compact_all() the windows are emptied one after the other.)
 * Not moved   Windows with kernel memory in them are not looked at twice; mobility.c sees to it that there
 *             are others.  Frames that turn out to be pinned spoil their window: the next one is tried, a
 *             few times.
 * Cost        One look at each block of the zone for the choice; then about 1,600 instructions for each frame
 *             moved (1,024 of them copy it), and eight for each page that any program has.
 * Reading     Gorman, "Memory Compaction", LWN 368869, 2010. */
#include "mm/compact.h"

#include "kernel/cpu/cpu.h"
#include "mm/buddy_internal.h"
#include "mm/migrate.h"

#define TRIES 8u /* windows, before a request is given up */

static struct compact_stats totals; /* interrupts off */

void compact_init(void)
{
    buddy_set_compact_hook(compact_for);
}

void compact_get_stats(struct compact_stats *stats)
{
    uint32_t irq = irq_save();

    *stats = totals;
    irq_restore(irq);
}

/* Could `count` windows side by side be free blocks?  `used`: by how many frames that must move. */
static bool can_be_free(pfn_t start, unsigned order, uint32_t count, uint32_t *used)
{
    *used = 0;
    for (uint32_t i = 0; i < count; i++) {
        uint32_t used_here;
        if (window_look(start + (i << order), order, &used_here) == WINDOW_STUCK)
            return false;
        *used += used_here;
    }
    return true;
}

/* The window is closed. */
static bool empty_window(pfn_t start, unsigned order)
{
    uint32_t moved;
    bool good = migrate_window(start, order, &moved);

    totals.frames_moved += moved;
    totals.windows += moved > 0;
    totals.pinned += !good;
    return good;
}

/* Interrupts off, the zone drained.  Windows with frames to move: all are closed first, so that nothing is
 * moved from one to another. */
static bool empty_run(pfn_t start, unsigned order, uint32_t count, uint32_t used)
{
    for (uint32_t i = 0; i < count; i++)
        window_close(start + (i << order), order);
    bool good = zone_of(start)->frames[PAGE_FREE] >= used;
    for (uint32_t i = 0; good && i < count; i++)
        good = empty_window(start + (i << order), order);
    for (uint32_t i = 0; i < count; i++)
        window_open(start + (i << order), order);
    buddy_drain(); /* where migration gave up, its frames went to the hot lists */
    return good;
}

static bool compact_run(pfn_t start, unsigned order, uint32_t count)
{
    uint32_t used, irq = irq_save();

    buddy_drain();
    bool good = can_be_free(start, order, count, &used) &&
                (used == 0 || empty_run(start, order, count, used));
    irq_restore(irq);
    return good;
}

bool compact_window(pfn_t start, unsigned order)
{
    return compact_run(start, order, 1);
}

bool compact_units(pfn_t start, uint32_t units)
{
    return compact_run(start, BUDDY_MAX_ORDER, units);
}

/* What it takes to empty a window: windows are tried in this order. */
struct candidate {
    uint32_t used;
    pfn_t start;
};

static bool is_before(struct candidate a, struct candidate b)
{
    return a.used != b.used ? a.used < b.used : a.start < b.start;
}

#define NO_CANDIDATE ((struct candidate){ UINT32_MAX, 0 })

/* The zone's cheapest window after `last`. */
static struct candidate next_window(const struct zone *zone, unsigned order,
                                    struct candidate last)
{
    struct candidate best = NO_CANDIDATE;
    pfn_t end = MIN(zone->stats.end, max_pfn);

    for (pfn_t start = zone->stats.start; start < end; start += 1u << order) {
        struct candidate window = { .start = start };
        if (window_look(start, order, &window.used) == WINDOW_MOVABLE &&
            is_before(last, window) && is_before(window, best))
            best = window;
    }
    return best;
}

/* Where in the zone frames may be moved to: anywhere, or only where no free block of 4 MiB is broken for
 * them, which is in the pieces of the pool that user frames come from. */
enum room { ROOM_ANYWHERE, ROOM_IN_PIECES };

static uint32_t frames_in_pieces(const struct pool *pool)
{
    struct buddy_stats stats;
    uint32_t frames = 0;

    buddy_get_stats(&stats);
    const struct zone_stats *zone = &stats.zones[pool->zone - buddy_zones];
    for (unsigned k = 0; k < BUDDY_MAX_ORDER; k++)
        frames += zone->by_mobility[mobility_of(pool)].free_blocks[k] << k;
    return frames;
}

/* Free frames of its zone outside the window. */
static uint32_t room_elsewhere(struct candidate window, unsigned order, enum room room)
{
    struct zone *zone = zone_of(window.start);
    const struct pool *pool = buddy_user_pool(zone);
    uint32_t frames = room == ROOM_IN_PIECES ? frames_in_pieces(pool) : zone->frames[PAGE_FREE];
    uint32_t inside = (1u << order) - window.used;

    if (room == ROOM_IN_PIECES && pool_of(window.start) != pool)
        return frames;
    return frames > inside ? frames - inside : 0;
}

/* One window of the zone becomes free. */
static bool compact_zone(const struct zone *zone, unsigned order, enum room room)
{
    struct candidate window = { 0, 0 };

    for (unsigned try = 0; try < TRIES; try++) {
        buddy_drain();
        window = next_window(zone, order, window);
        if (window.used == UINT32_MAX || room_elsewhere(window, order, room) < window.used)
            return false;
        if (compact_window(window.start, order))
            return true;
    }
    return false;
}

bool compact_for(unsigned order, unsigned flags)
{
    const struct zone *zone = buddy_best_pools[flags & PLACE_FLAGS]->zone;
    bool found = false;
    uint32_t irq = irq_save();

    do {
        if (zone->frames[PAGE_FREE] >= buddy_kept_frames(zone, flags) + (1u << order))
            found = compact_zone(zone, order, ROOM_ANYWHERE);
    } while (!found && zone > buddy_zones && zone--);
    totals.requests++;
    totals.successes += found;
    totals.failures += !found;
    irq_restore(irq);
    return found;
}

static uint32_t free_units(void)
{
    struct buddy_stats stats;
    uint32_t units = 0;

    buddy_drain();
    buddy_get_stats(&stats);
    for (unsigned id = 0; id < ZONE_COUNT; id++)
        units += stats.zones[id].free_blocks[BUDDY_MAX_ORDER];
    return units;
}

uint32_t compact_all(void)
{
    uint32_t before = free_units(), now = before, last;

    do {
        last = now;
        for (unsigned id = 0; id < ZONE_COUNT; id++)
            if (buddy_zones[id].stats.managed > 0)
                compact_zone(&buddy_zones[id], BUDDY_MAX_ORDER, ROOM_IN_PIECES);
        now = free_units();
    } while (now > last);
    return now - before;
}
