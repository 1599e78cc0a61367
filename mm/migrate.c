/* Migration: another frame in the place of one, and nobody notices.
 *
 * Problem     Page-table entries of several programs, and the page cache, name a frame by its number.
 *             All of them must name another one, at one moment.
 * Reverse map A list, for each frame, of the entries that name it.  To keep such lists up to date at each
 *             fault, fork and unmap (as Linux does) would cost instructions and memory for something
 *             that is rarely asked for: eight bytes of struct page are free in a private frame, enough
 *             for one entry, but after a fork there are several.  So the lists are made when they are
 *             wanted, for all frames of a window by one search of all page tables.  There is room for a
 *             frame's list in the frame that it moves to: that is empty until the bytes are copied.
 *
 *               entries of three programs     frame 0x3e1a (old)     frame 0x2b07 (new)
 *                 [ 0x3e1a rw ] <--.           [ the page ]           [ o o o          ]
 *                 [ 0x3e1a r- ] <--+------------------------------------' | |
 *                 [ 0x3e1a r- ] <--'--------------------------------------'-'
 *
 * Steps       1. get a new frame of the zone for each:    to[old - start] = new
 *             2. search the tables: each entry that names old goes to new's list, new.refs counts
 *             3. an old frame whose count (and one for the page cache) is not its `refs` is pinned:
 *                a system call works on it, or an entry is in a space that is locked.  Then nothing
 *                is moved
 *             4. let the entries of the list name new; copy the bytes, which overwrites the list; the
 *                page cache's tree gets the new frame
 *             Interrupts are off from the first to the last, on one processor: nobody sees a state in
 *             between, and no entry needs to say "wait, it is being moved" as on Linux.
 * Stays       the zero frame (it is the kernel's); page tables; what drivers and system calls hold.
 * Limits      The critical section: a few milliseconds for 4 MiB. */
#include "mm/migrate.h"

#include "kernel/cpu/cpu.h"
#include "mm/buddy_internal.h"
#include "mm/kmap.h"
#include "mm/space_internal.h"
#include "mm/track.h"

static struct {
    pfn_t start;
    uint32_t count;
    struct page *to[BLOCK_FRAMES]; /* NULL: the frame is not moved */
} window;

/* Where the frame of an entry goes; NULL: it stays.  (An empty entry names frame 0, which is nobody's.) */
static ALWAYS_INLINE struct page *destination(pte_t entry, pfn_t start, uint32_t count)
{
    pfn_t index = (entry >> PAGE_SHIFT) - start;

    return unlikely(index < count) ? window.to[index] : NULL;
}

/* ---- the reverse map ---- */

#define MAPPERS_MAX (PAGE_SIZE / sizeof(pte_t *)) /* whoever has more is not moved */

/* One more entry names the frame whose place `to` is to take. */
static __attribute__((noinline)) void add_mapper(struct page *to, pte_t *slot)
{
    if (to->refs == MAPPERS_MAX)
        return; /* its count will not be right */
    pte_t **mappers = kmap(to);
    mappers[to->refs++] = slot;
    kunmap(mappers);
}

static void find_mappers(const struct paging_run *run)
{
    const pfn_t start = window.start;
    const uint32_t count = window.count;
    pte_t *end = run->slots + run->count;

    for (pte_t *slot = run->slots; slot < end; slot++) {
        struct page *to = destination(*slot, start, count);
        if (to)
            add_mapper(to, slot);
    }
}

/* All entries that named the old frame name `to`. */
static void change_mappers(struct page *to)
{
    pte_t **mappers = kmap(to);

    for (uint32_t i = 0; i < to->refs; i++)
        *mappers[i] = page_to_paddr(to) | (*mappers[i] & PTE_FLAGS);
    kunmap(mappers);
}

/* Every run of every space that is not locked, or whose owner at the moment does not mind. */
static void find_all_mappers(void)
{
    list_for_each(node, &spaces.spaces) {
        struct space *space = list_entry(node, struct space, node);
        struct paging_run run = { .start = 0 };
        if (spin_is_held(&space->lock) && space != spaces.at_rest)
            continue;
        while (paging_next_run(&space->directory, &run, USER_END))
            find_mappers(&run);
    }
}

/* ---- frames ---- */

static void give_up(void)
{
    for (uint32_t i = 0; i < window.count; i++)
        if (window.to[i])
            buddy_free(window.to[i], 0);
}

/* The window's user frames, each with a frame to go to; false: there are not enough. */
static bool find_places(void)
{
    bool found = true;

    for (uint32_t i = 0; i < window.count; i++)
        window.to[i] = NULL;
    for (uint32_t i = 0; found && i < window.count;) {
        struct page *old = pfn_to_page(window.start + i);
        if (old->refs > 0) {
            window.to[i] = buddy_alloc_moved(zone_of(window.start), old->kind);
            found = window.to[i] != NULL;
        }
        i += 1u << old->order;
    }
    return found;
}

static bool is_cached(const struct page *page)
{
    return page->kind != PAGE_ANON && page->cache;
}

/* Are all users of all frames known? */
static bool all_found(void)
{
    for (uint32_t i = 0; i < window.count; i++) {
        const struct page *old = pfn_to_page(window.start + i), *to = window.to[i];
        if (to && to->refs + is_cached(old) != old->refs)
            return false;
        if (to && is_cached(old) && pagecache_is_locked())
            return false;
    }
    return true;
}

static void move(struct page *old, struct page *to)
{
    change_mappers(to);
    kmap_copy_frame(to, old);
    track_page_move(to, old);
    to->refs = old->refs;
    to->cache = NULL;
    if (is_cached(old))
        pagecache_replace(old, to);
    old->refs = 0;
}

bool migrate_window(pfn_t start, unsigned order, uint32_t *moved)
{
    *moved = 0;
    if (spin_is_held(&spaces.lock))
        return false;
    window.start = start;
    window.count = 1u << order;
    bool good = find_places();
    if (good) {
        find_all_mappers();
        good = all_found();
    }
    if (!good) {
        give_up();
        return false;
    }
    for (uint32_t i = 0; i < window.count; i++) {
        if (!window.to[i])
            continue;
        move(pfn_to_page(start + i), window.to[i]);
        ++*moved;
    }
    tlb_flush_all();
    return true;
}
