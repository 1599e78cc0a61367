/* tests/kernel/test_compact.c - free memory in large blocks: mobility, compaction, runs of any length,
 * watermarks, frames zeroed in advance. */
#include "tests/kernel/test.h"

#include "kernel/cpu/cpu.h"
#include "kernel/lib/bitops.h"
#include "kernel/lib/layout.h"
#include "kernel/sched/thread.h"
#include "mm/buddy.h"
#include "mm/compact.h"
#include "mm/fault.h"
#include "mm/kmap.h"
#include "mm/reclaim.h"
#include "mm/shrinker.h"
#include "mm/space_internal.h"
#include "mm/track.h"
#include "mm/zeroed.h"

#define BASE 0x10000000u
#define OTHER 0xA0000000u                            /* behind all that fill_memory() maps */
#define UNIT_FRAMES 1024u                            /* of the largest block */
#define LAST_UNIT (LOWMEM_MAX_PFN / UNIT_FRAMES - 1) /* of the Normal zone */
#define RW (VMA_READ | VMA_WRITE)
#define WRITE_FAULT (PF_USER | PF_WRITE)
#define LARGE_ORDER 9u

static struct buddy_stats stats;

static bool is_small_machine(void)
{
    return buddy_managed_frames() < 4096;
}

/* --- a machine in pieces ------------------------------------------------------------------------ */

static uint32_t word_of(uaddr_t address)
{
    return address * 2654435761u;
}

static struct page *page_at(struct space *space, uaddr_t address)
{
    pte_t entry = space_lookup(space, address);
    return entry ? pfn_to_page(entry >> PAGE_SHIFT) : NULL;
}

static void write_word(struct space *space, uaddr_t address)
{
    uint32_t *window = kmap(page_at(space, address));
    *window = word_of(address);
    kunmap(window);
}

static bool has_word(struct space *space, uaddr_t address)
{
    uint32_t *window = kmap(page_at(space, address));
    bool has = *window == word_of(address);
    kunmap(window);
    return has;
}

/* A space that has all of memory in order-0 frames, but a few; returns the number of pages. */
static uint32_t fill_memory(struct test *t, struct space *space)
{
    uint32_t npages = buddy_free_frames(), done = 0;
    uint32_t spare = is_small_machine() ? 12 : 64; /* for page tables and the like */

    EXPECT_EQ(t, space_map(space, BASE, BASE + npages * PAGE_SIZE, RW | VMA_NORESERVE, NULL),
              0);
    for (; done < npages; done++) {
        buddy_get_stats(&stats);
        uint32_t kept = stats.zones[ZONE_DMA].min + stats.zones[ZONE_NORMAL].min +
                        stats.zones[ZONE_HIGHMEM].min;
        if (buddy_free_frames() <= kept + spare ||
            fault_handle(space, BASE + done * PAGE_SIZE, WRITE_FAULT) != 0)
            break;
        write_word(space, BASE + done * PAGE_SIZE);
    }
    return done;
}

/* Every other frame becomes free: by frame number, so that no two free ones are buddies. */
static void punch_holes(struct space *space, uint32_t npages)
{
    for (uint32_t i = 0; i < npages; i++) {
        uaddr_t address = BASE + i * PAGE_SIZE;
        if (page_to_pfn(page_at(space, address)) & 1)
            space_advise(space, address, PAGE_SIZE, SPACE_ADV_DONTNEED);
    }
}

/* What is left has its contents. */
static bool is_intact(struct space *space, uint32_t npages)
{
    for (uint32_t i = 0; i < npages; i++) {
        uaddr_t address = BASE + i * PAGE_SIZE;
        if (page_at(space, address) && !has_word(space, address))
            return false;
    }
    return true;
}

static struct space *make_pieces(struct test *t, uint32_t *npages)
{
    struct space *space = space_create();
    if (!space)
        return NULL;
    *npages = fill_memory(t, space);
    punch_holes(space, *npages);
    return space;
}

static struct page *alloc_large(unsigned order)
{
    return buddy_alloc(order, PAGE_TEST, PAGE_HIGHMEM_OK);
}

/* --- compaction --------------------------------------------------------------------------------- */

/* The largest block that a machine of this size can be expected to make. */
static unsigned large_order(void)
{
    return is_small_machine() ? 5 : LARGE_ORDER;
}

/* Blocks that there are without moving anything: low memory keeps some from programs. */
static struct page *ready[32];

static unsigned take_ready(struct test *t, unsigned order)
{
    unsigned count = 0;
    while (count < ARRAY_SIZE(ready) && (ready[count] = alloc_large(order)) != NULL)
        count++;
    EXPECT(t, count < ARRAY_SIZE(ready));
    return count;
}

/* Three programs have the same frames, and all of memory between them. */
static void large_request_needs_compaction(struct test *t)
{
    unsigned order = large_order();
    uint32_t npages;
    struct space *space = make_pieces(t, &npages);
    REQUIRE(t, space != NULL);
    struct space *child = space_fork(space), *third = space_fork(space);
    REQUIRE(t, child != NULL && third != NULL);

    buddy_set_compact_hook(NULL);
    unsigned count = take_ready(t, order);
    EXPECT_PTR(t, alloc_large(order), NULL);
    buddy_get_stats(&stats);
    int worst = 0;
    for (unsigned zone = 0; zone < ZONE_COUNT; zone++)
        worst = MAX(worst, buddy_fragmentation_index(&stats.zones[zone], order));
    EXPECT(t, worst > 500); /* because it is in pieces */

    compact_init();
    struct compact_stats before, after;
    compact_get_stats(&before);
    struct page *block = alloc_large(order);
    EXPECT(t, block != NULL);
    compact_get_stats(&after);
    EXPECT(t, after.frames_moved > before.frames_moved);
    EXPECT(t, after.successes > before.successes);
    EXPECT(t, is_intact(space, npages) && is_intact(child, npages) && is_intact(third, npages));
    EXPECT(t, space_check());
    if (block) {
        EXPECT(t, IS_ALIGNED(page_to_pfn(block), 1u << order));
        buddy_free(block, order);
    }
    while (count > 0)
        buddy_free(ready[--count], order);
    space_put(third);
    space_put(child);
    space_put(space);
}

/* A program that has all of memory in small frames gets 4 MiB pages all the same: its own frames are
 * moved out of the way, in the middle of its fault or of its madvise(). */
static void own_frames_make_way_for_huge_pages(struct test *t)
{
    const uaddr_t joined = OTHER, faulted = OTHER + LARGE_PAGE_SIZE,
                  joined_too = OTHER + 2 * LARGE_PAGE_SIZE;
    uint32_t npages;

    if (!cpu_has(CPU_PSE) || is_small_machine())
        SKIP(t, "no 4 MiB pages, or no room for any");
    struct space *space = make_pieces(t, &npages);
    REQUIRE(t, space != NULL);
    EXPECT_EQ(t, space_map(space, OTHER, OTHER + 3 * LARGE_PAGE_SIZE, RW, NULL), 0);
    EXPECT_EQ(t, fault_handle(space, joined, WRITE_FAULT), 0);
    write_word(space, joined);
    EXPECT_EQ(t, space_advise(space, joined, LARGE_PAGE_SIZE, SPACE_ADV_COLLAPSE), 0);
    EXPECT_EQ(t, space->directory.large, 1);
    EXPECT_EQ(t, space_advise(space, joined, 2 * LARGE_PAGE_SIZE, SPACE_ADV_HUGEPAGE), 0);
    EXPECT_EQ(t, fault_handle(space, joined_too - PAGE_SIZE, WRITE_FAULT), 0);
    EXPECT_EQ(t, space->directory.large, 2);
    EXPECT_EQ(t, fault_handle(space, joined_too, WRITE_FAULT), 0);
    write_word(space, joined_too);
    EXPECT_EQ(t, space_advise(space, joined_too, LARGE_PAGE_SIZE, SPACE_ADV_COLLAPSE), 0);
    EXPECT_EQ(t, space->directory.large, 3);
    EXPECT(t, has_word(space, joined) && has_word(space, joined_too));
    EXPECT_EQ(t, space_lookup(space, faulted) & PTE_WRITE, PTE_WRITE);
    EXPECT(t, is_intact(space, npages));
    EXPECT(t, space_check());
    space_put(space);
}

/* Frames that cannot move are in so many 4 MiB, and each zone keeps some pieces for the others. */
#define UNITS_LOST 4u

/* compact_all() makes as many 4 MiB blocks as half of memory has room for. */
static void compact_all_makes_large_blocks(struct test *t)
{
    uint32_t npages;
    struct space *space = make_pieces(t, &npages);
    REQUIRE(t, space != NULL);
    uint32_t blocks = compact_all();
    if (!is_small_machine())
        EXPECT(t, blocks + UNITS_LOST >= npages / 2 / UNIT_FRAMES);
    EXPECT_EQ(t, compact_all(), 0);
    EXPECT(t, is_intact(space, npages));
    EXPECT(t, buddy_check());
    space_put(space);
}

/* All entries of a frame follow it: two spaces share their frames after a fork. */
static void shared_frames_move_for_all(struct test *t)
{
    enum { PAGES = 40 };
    struct space *parent = space_create();
    REQUIRE(t, parent != NULL);
    EXPECT_EQ(t, space_map(parent, BASE, BASE + PAGES * PAGE_SIZE, RW, NULL), 0);
    for (uaddr_t at = BASE; at < BASE + PAGES * PAGE_SIZE; at += PAGE_SIZE) {
        EXPECT_EQ(t, fault_handle(parent, at, WRITE_FAULT), 0);
        write_word(parent, at);
    }
    struct space *child = space_fork(parent);
    REQUIRE(t, child != NULL);
    unsigned order = is_small_machine() ? 0 : 3; /* there the kernel's frames are among them */
    pfn_t window = ALIGN_DOWN(page_to_pfn(page_at(parent, BASE)), 1u << order);
    bool moved = compact_window(window, order);
    for (uaddr_t at = BASE; at < BASE + PAGES * PAGE_SIZE; at += PAGE_SIZE) {
        EXPECT_PTR(t, page_at(child, at), page_at(parent, at));
        EXPECT_EQ(t, page_at(parent, at)->refs, 2);
        EXPECT(t, has_word(child, at));
        if (moved)
            EXPECT(t, page_to_pfn(page_at(parent, at)) - window >= 1u << order);
    }
    EXPECT(t, moved);
    EXPECT(t, space_check());
    space_put(child);
    space_put(parent);
}

/* A reference that is no entry: a system call works on the frame.  Its window stays as it is. */
static void pinned_frames_stay(struct test *t)
{
    struct space *space = space_create();
    REQUIRE(t, space != NULL);
    EXPECT_EQ(t, space_map(space, BASE, BASE + PAGE_SIZE, RW, NULL), 0);
    EXPECT_EQ(t, fault_handle(space, BASE, WRITE_FAULT), 0);
    struct page *page = page_at(space, BASE);
    user_frame_get(page);
    EXPECT(t, !compact_window(page_to_pfn(page), 0));
    EXPECT_PTR(t, page_at(space, BASE), page);
    user_frame_put(page);

    uint32_t irq = spin_lock(
        &space->lock); /* nobody may change the entries of a locked space */
    EXPECT(t, !compact_window(page_to_pfn(page), 0));
    spin_unlock(&space->lock, irq);

    EXPECT(t, compact_window(page_to_pfn(page), 0));
    EXPECT(t, page_at(space, BASE) != page);
    space_put(space);
}

static void cache_release(struct page_cache *cache)
{
    (void)cache;
}

static void cache_name(const struct page_cache *cache, struct page_cache_name *name)
{
    (void)cache;
    *name = (struct page_cache_name){ .path = "test" };
}

/* The page cache finds the new frame, and so does who maps it. */
static void cached_pages_move(struct test *t)
{
    static const struct page_cache_ops ops = { .release = cache_release,
                                               .get_name = cache_name };
    static struct page_cache cache;
    const uint32_t index = 77;
    pagecache_setup(&cache, &ops, NULL, 0);
    pagecache_grow(&cache, 100 * PAGE_SIZE);
    struct page *page = pagecache_page(&cache, index);
    REQUIRE(t, page != NULL);
    test_fill(page_is_lowmem(page) ? page_to_virt(page) : NULL, page_is_lowmem(page) ? 64 : 0,
              7);
    EXPECT(t, !compact_window(page_to_pfn(page), 0)); /* our reference pins it */
    pagecache_put_page(page);
    EXPECT(t, compact_window(page_to_pfn(page), 0));
    struct page *now = pagecache_find(&cache, index);
    REQUIRE(t, now != NULL);
    EXPECT(t, now != page);
    if (page_is_lowmem(now) && page_is_lowmem(page))
        EXPECT(t, test_is_filled(page_to_virt(now), 64, 7));
    pagecache_put_page(now);
    EXPECT(t, pagecache_check());
    pagecache_put(&cache);
}

/* A frame on its way into the page cache: what its former owner left in struct page names no cache. */
static void frames_not_yet_cached_stay(struct test *t)
{
    static const enum page_kind kinds[] = { PAGE_FILE, PAGE_SHMEM };
    for (unsigned i = 0; i < ARRAY_SIZE(kinds); i++) {
        struct page *first = user_frame_alloc(kinds[i]), *second = user_frame_alloc(kinds[i]);
        REQUIRE(t, first != NULL && second != NULL);
        user_frame_put(first);
        user_frame_put(second); /* in front of the first one: it links to it */
        struct page *page = user_frame_alloc(kinds[i]);
        REQUIRE(t, page != NULL);
        EXPECT(t, !compact_window(page_to_pfn(page), 0));
        user_frame_put(page);
    }
}

/* --- mobility ----------------------------------------------------------------------------------- */

/* User frames and kernel frames come out of different 4 MiB blocks, while there are enough of them. */
static void mobilities_do_not_mix(struct test *t)
{
    struct page *kernel = buddy_alloc(0, PAGE_TEST, PAGE_ANY);
    struct page *user = buddy_alloc(0, PAGE_TEST, PAGE_ANY | PAGE_MOVABLE);
    struct page *file = buddy_alloc(0, PAGE_TEST, PAGE_ANY | PAGE_RECLAIMABLE);
    REQUIRE(t, kernel != NULL && user != NULL && file != NULL);
    pfn_t a = page_to_pfn(kernel) >> BUDDY_MAX_ORDER, b = page_to_pfn(user) >> BUDDY_MAX_ORDER;
    pfn_t c = page_to_pfn(file) >> BUDDY_MAX_ORDER;
    if (max_pfn >= 9 * 1024)
        EXPECT(t, a != b && b != c && a != c);
    buddy_free(kernel, 0);
    buddy_free(user, 0);
    buddy_free(file, 0);
    buddy_get_stats(&stats);
    for (unsigned z = 0; z < ZONE_COUNT; z++) {
        const struct zone_stats *zone = &stats.zones[z];
        uint32_t blocks = 0;
        for (unsigned m = 0; m < MOBILITY_COUNT; m++)
            blocks += zone->by_mobility[m].blocks;
        if (zone->managed > 0)
            EXPECT_EQ(t, blocks, DIV_ROUND_UP(MIN(zone->end, max_pfn) - zone->start, 1024));
    }
}

/* --- any length --------------------------------------------------------------------------------- */

static uint64_t blocks_in_use(void)
{
    uint64_t blocks = 0;
    buddy_get_stats(&stats);
    for (unsigned z = 0; z < ZONE_COUNT; z++)
        blocks += stats.zones[z].allocs - stats.zones[z].frees;
    return blocks;
}

static void exact_runs(struct test *t)
{
    static const uint32_t lengths[] = { 1, 3, 5, 11, 100, 129 };
    for (unsigned i = 0; i < ARRAY_SIZE(lengths); i++) {
        uint32_t before = buddy_free_frames();
        uint64_t blocks = blocks_in_use();
        if (lengths[i] * 8 > before)
            continue;
        struct page *run = buddy_alloc_exact(lengths[i], 4, PAGE_TEST, PAGE_ANY);
        REQUIRE(t, run != NULL);
        EXPECT_EQ(t, before - buddy_free_frames(), lengths[i]);
        EXPECT(t, IS_ALIGNED(page_to_pfn(run), 1u << 4));
        EXPECT(t, buddy_check());
        memset(page_to_virt(run), 0x5A, lengths[i] * PAGE_SIZE);
        buddy_free_exact(run, lengths[i]);
        EXPECT_EQ(t, buddy_free_frames(), before);
        EXPECT_EQ(t, blocks_in_use(), blocks);
        EXPECT(t, buddy_check());
    }
}

/* Nine MiB in one piece, twice: out of free blocks, and where programs have frames. */
static void runs_above_4_mib(struct test *t)
{
    const uint32_t npages = 2 * 1024 + 300;
    uint32_t before = buddy_free_frames(), held;
    if (buddy_managed_frames() < 8 * 1024) {
        EXPECT_PTR(t, buddy_alloc_exact(1u << 20, 0, PAGE_TEST, PAGE_ANY), NULL);
        return;
    }
    struct page *run = buddy_alloc_exact(npages, 0, PAGE_TEST, PAGE_ANY);
    REQUIRE(t, run != NULL);
    EXPECT_EQ(t, before - buddy_free_frames(), npages);
    EXPECT(t, buddy_check());
    buddy_free_exact(run, npages);

    struct space *space = make_pieces(t, &held);
    REQUIRE(t, space != NULL);
    run = buddy_alloc_exact(npages, 0, PAGE_TEST, PAGE_HIGHMEM_OK);
    EXPECT(t, run != NULL);
    EXPECT(t, is_intact(space, held));
    if (run)
        buddy_free_exact(run, npages);
    space_put(space);
    EXPECT_PTR(t, buddy_alloc_exact(1u << 20, 0, PAGE_TEST, PAGE_ANY), NULL);
}

/* How many frames of each 4 MiB the space has. */
static uint16_t frames_in_unit[1u << (32 - PAGE_SHIFT - BUDDY_MAX_ORDER)];

static void count_units(struct space *space, uint32_t npages)
{
    memset(frames_in_unit, 0, sizeof(frames_in_unit));
    for (uint32_t i = 0; i < npages; i++)
        frames_in_unit[page_to_pfn(page_at(space, BASE + i * PAGE_SIZE)) / UNIT_FRAMES]++;
}

/* Give back what the space has in a unit: all, or the odd frames. */
static void drop_from_unit(struct space *space, uint32_t npages, uint32_t unit, pfn_t mask)
{
    for (uint32_t i = 0; i < npages; i++) {
        uaddr_t address = BASE + i * PAGE_SIZE;
        struct page *page = page_at(space, address);
        if (page && page_to_pfn(page) / UNIT_FRAMES == unit &&
            (page_to_pfn(page) & mask) == mask)
            space_advise(space, address, PAGE_SIZE, SPACE_ADV_DONTNEED);
    }
}

/* Two half-full units side by side, and a free one: what is in the first must not go into the second,
 * nor what is in the second into the first. */
static void a_run_is_emptied_as_a_whole(struct test *t)
{
    struct compact_stats before, after;
    uint32_t npages, unit = DMA_MAX_PFN / UNIT_FRAMES, far = 0;
    struct space *space = is_small_machine() ? NULL : space_create();
    if (!space)
        SKIP(t, "no room for four units");
    npages = fill_memory(t, space);
    count_units(space, npages);
    while (unit < 1020 &&
           (frames_in_unit[unit] != UNIT_FRAMES || frames_in_unit[unit + 1] != UNIT_FRAMES))
        unit++;
    for (uint32_t i = unit + 3; i < LAST_UNIT; i++)
        far = frames_in_unit[i] == UNIT_FRAMES ? i : far;
    if (far > 0) {
        drop_from_unit(space, npages, far, 0);
        drop_from_unit(space, npages, unit, 1);
        drop_from_unit(space, npages, unit + 1, 1);
        compact_get_stats(&before);
        struct page *run = buddy_alloc_exact(2 * UNIT_FRAMES, 0, PAGE_TEST,
                                             PAGE_HIGHMEM_OK | PAGE_ATOMIC);
        compact_get_stats(&after);
        EXPECT(t, run != NULL);
        EXPECT(t, after.frames_moved - before.frames_moved <= 2 * UNIT_FRAMES); /* each once */
        EXPECT(t, is_intact(space, npages));
        EXPECT(t, space_check());
        if (run)
            buddy_free_exact(run, 2 * UNIT_FRAMES);
    }
    space_put(space);
    if (far == 0)
        SKIP(t, "not four units of the zone are the program's");
}

/* --- shrinkers ---------------------------------------------------------------------------------- */

/* The cheapest first, and those that need an unlocked world only in one. */
static void shrinkers_go_by_cost(struct test *t)
{
    struct shrinker last = { .cost = SHRINK_NOTHING_LOST }, next;
    bool unlocked = false;
    for (unsigned i = 0; shrinker_get(i, &next); i++) {
        EXPECT(t, next.cost >= last.cost);
        unlocked |= next.context == SHRINK_UNLOCKED && next.count() == next.shrink(1, max_pfn);
        last = next;
    }
    EXPECT(t, unlocked); /* kernel stacks */
    EXPECT_EQ(t, last.cost, SHRINK_FAULT_AGAIN);
}

/* --- zeroed frames ------------------------------------------------------------------------------ */

/* Idle for a moment, then a first touch: its frame was zeroed before. */
static void idle_machine_zeroes_frames(struct test *t)
{
    buddy_get_stats(&stats);
    uint32_t free = stats.free;
    for (unsigned i = 0; i < 100 && zeroed_frames == 0; i++)
        thread_sleep_ticks(5);
    buddy_get_stats(&stats);
    uint32_t zeroed = zeroed_frames;
    EXPECT_EQ(t, stats.free, free);
    EXPECT_EQ(t,
              stats.zones[ZONE_DMA].zeroed + stats.zones[ZONE_NORMAL].zeroed +
                  stats.zones[ZONE_HIGHMEM].zeroed,
              zeroed);
    EXPECT(t, buddy_check());
    EXPECT(t, zeroed > 0);
    struct space *space = space_create();
    REQUIRE(t, space != NULL);
    EXPECT_EQ(t, space_map(space, BASE, BASE + PAGE_SIZE, RW, NULL), 0);
    EXPECT_EQ(t, fault_handle(space, BASE, WRITE_FAULT), 0);
    EXPECT(t,
           track_pages || zeroed_frames < zeroed); /* to be tracked, each goes the long way */
    uint32_t *window = kmap(page_at(space, BASE));
    EXPECT(t, test_is_byte(window, PAGE_SIZE, 0));
    kunmap(window);
    space_put(space);
    struct page *page = buddy_alloc(0, PAGE_TEST, PAGE_ANY | PAGE_ZERO);
    REQUIRE(t, page != NULL);
    EXPECT(t, test_is_byte(page_to_virt(page), PAGE_SIZE, 0));
    buddy_free(page, 0);
    buddy_drain();
    EXPECT_EQ(t, zeroed_frames, 0);
}

/* clang-format off */
const struct test_case test_cases[] = {
    TEST(large_request_needs_compaction),
    TEST(own_frames_make_way_for_huge_pages),
    TEST(compact_all_makes_large_blocks),
    TEST(shared_frames_move_for_all),
    TEST(pinned_frames_stay),
    TEST(cached_pages_move),
    TEST(frames_not_yet_cached_stay),
    TEST(mobilities_do_not_mix),
    TEST(exact_runs),
    TEST(runs_above_4_mib),
    TEST(a_run_is_emptied_as_a_whole),
    TEST(shrinkers_go_by_cost),
    TEST(idle_machine_zeroes_frames),
};
/* clang-format on */
const unsigned test_case_count = ARRAY_SIZE(test_cases);
