/* Who allocated what.
 *
 * Problem     An object that was damaged, freed twice or never freed does not tell whose it is.
 *             The one who knows is the one who asked for it: so at each allocation and free the
 *             way there is noted, as return addresses.
 * Where       for an object, at the end of its slab (slab_debug.c); for a block of frames, here, in
 *             a table with one entry for each frame, 0.8 % of memory, of which the block's head
 *             uses its own.
 * Call site   The allocators call each other (kmalloc > slab_alloc > buddy_alloc), and with tail
 *             calls some of them are no longer on the stack.  So the linker puts the code of all
 *             of them together, between two symbols (boot/kernel.ld), and return addresses in
 *             there are left out.
 * Table       In pieces for 4 MiB of memory each, from kmalloc: its entries are 32 KiB, and one
 *             block for all of them would have to be larger than buddy's largest.
 * Cost        Nothing while it is off.  Blocks: buddy tests one word anyway, whether allocations
 *             are to fail (inject_armed), and that is kept set, so that all go the slow way.
 * Limits      Events have numbers of 32 bits and times of 30: they start again after 4 billion of
 *             them and after 124 days.  Who freed a block is not noted.
 * Reading     Linux: mm/slub.c (struct track), Documentation/mm/page_owner.rst. */
#include "mm/track.h"

#include "kernel/cpu/timer.h"
#include "kernel/lib/string.h"
#include "kernel/panic.h"
#include "kernel/symbols.h"
#include "mm/inject.h"
#include "mm/kmalloc.h"
#include "mm/slab_internal.h"

#define ALLOCATORS_DEPTH 10u /* calls of the allocators among themselves, at most */
#define PIECE_FRAMES (4u * MiB / PAGE_SIZE)
#define LOG_COLUMNS 64u /* of a screen's 79, behind the log's time */

#define TICKS_TO_CENTISECONDS(ticks) ((ticks) * (100u / TIMER_HZ))
_Static_assert(100u % TIMER_HZ == 0, "times are shown in hundredths of a second");
_Static_assert(sizeof(struct track) == 32, "a piece is a block of a power of two");

extern const uint8_t kernel_allocators_start[], kernel_allocators_end[]; /* boot/kernel.ld */

bool track_pages;

static struct {
    uint32_t serial;
    struct track **pieces;
} state;

static bool is_allocator(uintptr_t address)
{
    return address >= (uintptr_t)kernel_allocators_start &&
           address < (uintptr_t)kernel_allocators_end;
}

void track_note(struct track *track)
{
    uintptr_t trace[ALLOCATORS_DEPTH + TRACK_DEPTH];
    unsigned depth = panic_backtrace((uintptr_t)__builtin_frame_address(0), trace,
                                     ARRAY_SIZE(trace));
    unsigned next = 0;

    while (next < depth && is_allocator(trace[next]))
        next++;
    for (unsigned i = 0; i < TRACK_DEPTH; i++, next++)
        track->callers[i] = next < depth ? trace[next] : 0;
    uint32_t irq = irq_save();
    track->serial = ++state.serial;
    track->ticks = (uint32_t)timer_ticks();
    irq_restore(irq);
}

uint32_t track_serial(void)
{
    return state.serial;
}

unsigned track_format(const struct track *track, unsigned first, char *text, size_t size)
{
    char name[64];
    size_t used = 0;
    unsigned i = first;

    for (text[0] = '\0'; i < TRACK_DEPTH && track->callers[i]; i++) {
        const char *before = i == 0 ? "" : i == first ? "< " : " < ";
        symbols_format_return(track->callers[i], name, sizeof(name));
        if (i > first && used + strlen(before) + strlen(name) >= size)
            return i;
        used += (size_t)snprintf(text + used, size - used, "%s%s", before, name);
    }
    return TRACK_DEPTH;
}

void track_log(const char *what, const struct track *track)
{
    uint32_t hundredths = TICKS_TO_CENTISECONDS(track->ticks);
    char line[LOG_COLUMNS + 1];
    unsigned next = 0;

    if (track->serial == 0) {
        log_err("  %s: never, as far as is known", what);
        return;
    }
    size_t used = (size_t)snprintf(line, sizeof(line), "  %s at %u.%02u s by ", what,
                                   hundredths / 100, hundredths % 100);
    while (next < TRACK_DEPTH) {
        next = track_format(track, next, line + used, sizeof(line) - used);
        log_err("%s", line);
        used = strlcpy(line, "    ", sizeof(line));
    }
}

/* ---- blocks of frames ---- */

/* For so many pieces; false: no memory. */
static bool make_table(uint32_t npieces)
{
    state.pieces = kmalloc(npieces * sizeof(*state.pieces), PAGE_ZERO);
    if (!state.pieces)
        return false;
    for (uint32_t i = 0; i < npieces; i++) {
        state.pieces[i] = kmalloc(PIECE_FRAMES * sizeof(struct track), PAGE_ZERO);
        if (!state.pieces[i])
            goto free_pieces;
    }
    return true;

free_pieces:
    for (uint32_t i = 0; i < npieces; i++)
        kfree(state.pieces[i]);
    kfree(state.pieces);
    return false;
}

void track_init(void)
{
    if (!(slab_debug_flags_for("page") & SLAB_TRACK))
        return;
    if (!make_table(DIV_ROUND_UP(max_pfn, PIECE_FRAMES))) {
        log_warning("track: no memory to track frames");
        return;
    }
    track_pages = true;
    inject_show_all();
}

static struct track *entry_of(const struct page *page)
{
    pfn_t pfn = page_to_pfn(page);
    return &state.pieces[pfn / PIECE_FRAMES][pfn % PIECE_FRAMES];
}

void track_page_alloc(const struct page *head)
{
    track_note(entry_of(head));
}

void track_page_move(const struct page *to, const struct page *from)
{
    if (track_pages)
        *entry_of(to) = *entry_of(from);
}

struct track *track_of_page(const struct page *head)
{
    return track_pages && entry_of(head)->serial != 0 ? entry_of(head) : NULL;
}

void track_log_page(const struct page *head)
{
    const struct track *track = track_of_page(head);

    if (track)
        track_log("block last allocated", track);
}
