/* tests/kernel/test_space_model.c - address spaces at random, against a plain array.
 *
 * Problem   A test of one operation sees what its author thought of.  What breaks address spaces is the
 *           tenth operation on what nine others have left: a range cut three times, a 4 MiB page shared
 *           by three spaces and split by each at another moment, frames that compaction moves meanwhile.
 * Model     An array with an entry for each page: is it mapped, with which flags, and which word was
 *           written to it last.  That is all there is to know of private anonymous memory: ranges are the
 *           runs of equal flags, and the rest (tables, frames, huge pages) must not be seen.
 * Method    Random operations are made on the space and on the array.  Their results must be equal, some
 *           pages are compared after each of them, and from time to time everything: the list of ranges,
 *           every page's word and rights, and what space_check() looks at.
 * Worlds    Up to WORLDS spaces, each with its array: a fork copies both, an end frees both.
 * Again     test_random() gives the same sequence in each run; space_model_seed=N another one. */
#include "tests/kernel/test.h"

#include "kernel/cpu/cpu.h"
#include "kernel/lib/errno.h"
#include "mm/buddy.h"
#include "mm/compact.h"
#include "mm/fault.h"
#include "mm/inject.h"
#include "mm/kmap.h"
#include "mm/space.h"
#include "mm/space_read.h"

#define HUGE_PAGES PTES_PER_TABLE
#define BASE 0x10000000u /* a multiple of 4 MiB */
#define PAGES_MAX (4 * HUGE_PAGES)
#define WORLDS 3u
#define ROUNDS 1000u
#define WHOLE_EVERY 20u /* rounds between two looks at everything */
#define LOOKS 12u       /* at pages, after each round */
#define PIECE_MAX 200u  /* pages in a range, if it is not made of whole 4 MiB */
#define WHOLE_HUGE 3u   /* one piece in so many is as long as 4 MiB pages */

#define FAIL_ONE_IN 20u /* allocations, in some of the rounds */

#define READ_FAULT PF_USER
#define WRITE_FAULT (PF_USER | PF_WRITE)

/* An entry of the array: the flags of the page's range, MAPPED, and the word at its start. */
#define MAPPED (1u << 31)
struct model_page {
    uint32_t flags, word;
};

struct world {
    struct space *space; /* NULL: there is none */
    struct model_page pages[PAGES_MAX];
    uint32_t brk_start, brk; /* page numbers */
};

static struct {
    struct world worlds[WORLDS];
    uint32_t npages;     /* of each array: less on a small machine */
    unsigned map_advice; /* flags that new ranges get, or'ed by chance */
    const char *last;    /* the last operation, for reports */
} model;

/* Pages [first, end). */
struct piece {
    uint32_t first, end;
};

static uaddr_t address_of(uint32_t page)
{
    return BASE + page * PAGE_SIZE;
}

static uint32_t nbytes_of(struct piece piece)
{
    return (piece.end - piece.first) * PAGE_SIZE;
}

/* ---- what the array says ---- */

static bool is_mapped(const struct world *world, uint32_t page)
{
    return page < model.npages && world->pages[page].flags != 0;
}

/* The first page of the piece that is mapped, or (`mapped` 0) that is not; its end if there is none. */
static uint32_t find_page(const struct world *world, struct piece piece, bool mapped)
{
    uint32_t page = piece.first;

    while (page < piece.end && is_mapped(world, page) != mapped)
        page++;
    return page;
}

/* The end of the range that a mapped page is in: where the flags are others. */
static uint32_t range_end(const struct world *world, uint32_t page)
{
    uint32_t flags = world->pages[page].flags;

    while (page < model.npages && world->pages[page].flags == flags)
        page++;
    return page;
}

static void forget(struct world *world, struct piece piece)
{
    memset(&world->pages[piece.first], 0,
           (piece.end - piece.first) * sizeof(struct model_page));
}

static void make_fresh(struct world *world, struct piece piece, unsigned flags)
{
    for (uint32_t page = piece.first; page < piece.end; page++)
        world->pages[page] = (struct model_page){ .flags = flags | MAPPED };
}

/* ---- the space against the array ---- */

static void look_at_page(struct test *t, const struct world *world, uint32_t page)
{
    const struct model_page *expected = &world->pages[page];
    pte_t entry = space_lookup(world->space, address_of(page));
    struct space_page frame;
    uint32_t word = 0;

    if (!expected->flags) {
        EXPECT_EQ(t, entry, 0);
        return;
    }
    if (entry & PTE_WRITE)
        EXPECT(t, expected->flags & VMA_WRITE);
    if (entry & PTE_PRESENT)
        EXPECT(t, expected->flags & VMA_PROT);
    space_get_page(world->space, address_of(page), &frame);
    EXPECT_EQ(t, frame.present, entry != 0);
    if (entry) {
        uint32_t *window = kmap(pfn_to_page(entry >> PAGE_SHIFT));
        word = *window;
        kunmap(window);
    }
    EXPECT_EQ(t, word, expected->word);
}

/* The ranges are the runs of equal flags, in order. */
static void look_at_ranges(struct test *t, const struct world *world)
{
    struct vma_info info;
    uaddr_t at = 0;
    struct piece all = { 0, model.npages };

    while (space_next_vma(world->space, &at, &info)) {
        uint32_t first = find_page(world, all, true);
        REQUIRE(t, first < model.npages);
        all.first = range_end(world, first);
        EXPECT_EQ(t, info.start, address_of(first));
        EXPECT_EQ(t, info.end, address_of(all.first));
        EXPECT_EQ(t, info.flags | MAPPED, world->pages[first].flags);
    }
    EXPECT_EQ(t, find_page(world, all, true), model.npages);
}

static void look_at_everything(struct test *t)
{
    for (unsigned i = 0; i < WORLDS; i++) {
        const struct world *world = &model.worlds[i];
        if (!world->space)
            continue;
        look_at_ranges(t, world);
        for (uint32_t page = 0; page < model.npages && t->failures == 0; page++)
            look_at_page(t, world, page);
    }
    EXPECT(t, space_check());
}

/* ---- chance ---- */

static bool one_in(struct test *t, uint32_t n)
{
    return test_random_below(t, n) == 0;
}

static struct piece any_piece(struct test *t)
{
    uint32_t first = test_random_below(t, model.npages - 1);
    uint32_t length = 1 + test_random_below(t, PIECE_MAX);

    if (one_in(t, WHOLE_HUGE))
        length = (1 + test_random_below(t, 2)) * HUGE_PAGES;
    if (length >= HUGE_PAGES || one_in(t, WHOLE_HUGE)) /* mostly from a multiple of 4 MiB on */
        first = one_in(t, 4) ? first : ALIGN_DOWN(first, HUGE_PAGES);
    return (struct piece){ first, MIN(first + length, model.npages) };
}

static unsigned any_rights(struct test *t)
{
    static const uint8_t rights[] = { VMA_READ | VMA_WRITE, VMA_READ | VMA_WRITE, VMA_READ, 0 };
    return rights[test_random_below(t, ARRAY_SIZE(rights))];
}

static unsigned any_map_flags(struct test *t)
{
    return any_rights(t) | (one_in(t, 4) ? 0 : model.map_advice);
}

/* ---- accesses ---- */

static void write_word(struct test *t, struct world *world, uint32_t page)
{
    pte_t entry = space_lookup(world->space, address_of(page));

    if (!EXPECT(t, entry & PTE_WRITE))
        return;
    uint32_t *window = kmap(pfn_to_page(entry >> PAGE_SHIFT));
    world->pages[page].word = *window = test_random(t);
    kunmap(window);
}

static void touch(struct test *t, struct world *world, uint32_t page, bool write)
{
    uint32_t flags = world->pages[page].flags;
    bool allowed = flags & (write ? VMA_WRITE : VMA_PROT);
    int expected = !flags ? -EFAULT : !allowed ? -EACCES : 0;
    int result = fault_handle(world->space, address_of(page), write ? WRITE_FAULT : READ_FAULT);

    if (result == -ENOMEM && expected == 0)
        return; /* as it was: injected, or really nothing left */
    EXPECT_EQ(t, result, expected);
    if (result == 0 && write)
        write_word(t, world, page);
}

/* ---- operations: on both ---- */

static void do_map(struct test *t, struct world *world)
{
    struct piece piece = any_piece(t);
    bool replace = !one_in(t, 4), is_free = find_page(world, piece, true) == piece.end;
    struct space_mmap request = {
        .hint = address_of(piece.first),
        .nbytes = nbytes_of(piece),
        .vma_flags = any_map_flags(t),
        .placement = replace ? SPACE_FIXED : SPACE_FIXED_NOREPLACE,
    };
    uaddr_t start = request.hint;

    EXPECT_EQ(t, space_mmap(world->space, &request, &start), replace || is_free ? 0 : -EEXIST);
    EXPECT_EQ(t, start, request.hint);
    if (replace || is_free)
        make_fresh(world, piece, request.vma_flags);
}

/* 4 MiB begin anew: else small ranges would soon be everywhere. */
static void do_renew(struct test *t, struct world *world)
{
    uint32_t first = ALIGN_DOWN(test_random_below(t, model.npages), HUGE_PAGES);
    struct piece piece = { first, MIN(first + HUGE_PAGES, model.npages) };
    unsigned flags = VMA_READ | VMA_WRITE | model.map_advice;
    struct space_mmap request = { .hint = address_of(first),
                                  .nbytes = nbytes_of(piece),
                                  .vma_flags = flags,
                                  .placement = SPACE_FIXED };
    uaddr_t start;

    EXPECT_EQ(t, space_mmap(world->space, &request, &start), 0);
    make_fresh(world, piece, flags);
    touch(t, world, first + test_random_below(t, piece.end - first), true);
}

static void do_unmap(struct test *t, struct world *world)
{
    struct piece piece = any_piece(t);

    EXPECT_EQ(t, space_unmap(world->space, address_of(piece.first), nbytes_of(piece)), 0);
    forget(world, piece);
}

static void do_protect(struct test *t, struct world *world)
{
    struct piece piece = any_piece(t);
    unsigned prot = any_rights(t);
    uint32_t stop = find_page(world, piece, false);

    EXPECT_EQ(t, space_protect(world->space, address_of(piece.first), nbytes_of(piece), prot),
              stop == piece.end ? 0 : -ENOMEM);
    for (uint32_t page = piece.first; page < stop; page++)
        world->pages[page].flags = (world->pages[page].flags & ~VMA_PROT) | prot;
}

static void do_advise(struct test *t, struct world *world)
{
    static const struct {
        int advice;
        unsigned mask, flags;
        bool drops;
    } table[] = {
        { SPACE_ADV_DONTNEED, 0, 0, true },
        { SPACE_ADV_FREE, 0, 0, true },
        { SPACE_ADV_HUGEPAGE, VMA_HUGEPAGE | VMA_NOHUGEPAGE, VMA_HUGEPAGE, false },
        { SPACE_ADV_NOHUGEPAGE, VMA_HUGEPAGE | VMA_NOHUGEPAGE, VMA_NOHUGEPAGE, false },
        { SPACE_ADV_DONTFORK, VMA_DONTFORK, VMA_DONTFORK, false },
        { SPACE_ADV_DOFORK, VMA_DONTFORK, 0, false },
        { SPACE_ADV_WIPEONFORK, VMA_WIPEONFORK, VMA_WIPEONFORK, false },
        { SPACE_ADV_KEEPONFORK, VMA_WIPEONFORK, 0, false },
    };
    struct piece piece = any_piece(t);
    unsigned row = test_random_below(t, ARRAY_SIZE(table));
    bool holes = find_page(world, piece, false) < piece.end;

    EXPECT_EQ(t,
              space_advise(world->space, address_of(piece.first), nbytes_of(piece),
                           table[row].advice),
              holes ? -ENOMEM : 0);
    for (uint32_t page = piece.first; page < piece.end; page++) {
        struct model_page *entry = &world->pages[page];
        if (!entry->flags)
            continue;
        entry->flags = (entry->flags & ~table[row].mask) | table[row].flags;
        if (table[row].drops)
            entry->word = 0;
    }
}

/* Contents stay as they are, whatever comes of it. */
static void do_collapse(struct test *t, struct world *world)
{
    struct piece piece = any_piece(t);
    int result = space_advise(world->space, address_of(piece.first), nbytes_of(piece),
                              SPACE_ADV_COLLAPSE);

    EXPECT(t, result == 0 || result == -EINVAL || result == -ENOMEM);
}

/* The heap's end: up, if there is room with a free page behind it; down, whatever is there now. */
static void do_brk(struct test *t, struct world *world)
{
    uint32_t brk = world->brk_start + test_random_below(t, model.npages - world->brk_start - 1);
    if (one_in(t, 4))
        brk = world->brk_start;
    struct piece more = { world->brk, brk }, room = { world->brk, brk + 1 };
    bool grows = brk > world->brk;
    bool possible = !grows || find_page(world, room, true) == room.end;
    uaddr_t result = space_brk(world->space, address_of(brk));

    EXPECT_EQ(t, result, address_of(possible ? brk : world->brk));
    if (grows && possible)
        make_fresh(world, more, VMA_READ | VMA_WRITE | VMA_HEAP);
    if (!grows)
        forget(world, (struct piece){ brk, world->brk });
    world->brk = possible ? brk : world->brk;
}

/* ---- mremap ---- */

/* Pages go to another place: copied first, for the old ones may be forgotten in between. */
static void move_pages(struct world *world, struct piece from, uint32_t to, bool keeps_old)
{
    for (uint32_t i = 0; i < from.end - from.first; i++) {
        struct model_page *old = &world->pages[from.first + i];
        world->pages[to + i] = *old;
        world->pages[to + i].flags &= ~VMA_HEAP;
        *old = (struct model_page){ .flags = keeps_old ? old->flags : 0 };
    }
}

/* To a fixed place, which is emptied first (and is empty then even if the rest fails). */
static int64_t expect_move(struct world *world, struct piece from, struct piece to,
                           bool keeps_old)
{
    uint32_t old = from.end - from.first, new = to.end - to.first;

    if (!is_mapped(world, from.first))
        return -EFAULT;
    if (from.end > to.first && to.end > from.first)
        return -EINVAL;
    forget(world, to);
    if (old > new)
        forget(world, (struct piece){ from.first + new, from.end });
    from.end = from.first + MIN(old, new);
    if (range_end(world, from.first) < from.end)
        return -EFAULT;
    make_fresh(world, to, world->pages[from.first].flags & ~VMA_HEAP);
    move_pages(world, from, to.first, keeps_old);
    return address_of(to.first);
}

static void do_move(struct test *t, struct world *world)
{
    struct piece from = any_piece(t), to = any_piece(t);
    unsigned flags = SPACE_MREMAP_MAYMOVE | SPACE_MREMAP_FIXED;
    uint32_t length = from.end - from.first;
    bool keeps_old = one_in(t, 5);

    if (one_in(t, 2)) /* as far as 4 MiB pages are apart */
        to.first = ALIGN_DOWN(to.first, HUGE_PAGES) + from.first % HUGE_PAGES;
    if (keeps_old || !one_in(t, 4) || to.first >= to.end)
        to.end = to.first + length;
    if (to.end > model.npages)
        return;
    int64_t expected = expect_move(world, from, to, keeps_old);
    EXPECT_EQ(t,
              space_mremap(world->space, address_of(from.first), nbytes_of(from), nbytes_of(to),
                           flags | (keeps_old ? SPACE_MREMAP_DONTUNMAP : 0),
                           address_of(to.first)),
              expected);
}

/* Longer or shorter where it stands. */
static void do_resize(struct test *t, struct world *world)
{
    struct piece piece = any_piece(t);
    uint32_t new_end = piece.first + 1 + test_random_below(t, model.npages - piece.first);
    struct piece more = { piece.end, new_end };
    int64_t expected = address_of(piece.first);

    if (is_mapped(world, piece.first) && one_in(t, 2)) { /* else it seldom ends there */
        piece.end = more.first = range_end(world, piece.first);
    }
    if (!is_mapped(world, piece.first))
        expected = -EFAULT;
    else if (new_end <= piece.end)
        forget(world, (struct piece){ new_end, piece.end });
    else if (range_end(world, piece.first) < piece.end)
        expected = -EFAULT;
    else if (range_end(world, piece.first) > piece.end ||
             find_page(world, more, true) < more.end)
        expected = -ENOMEM;
    else
        make_fresh(world, more, world->pages[piece.first].flags);
    EXPECT_EQ(t,
              space_mremap(world->space, address_of(piece.first), nbytes_of(piece),
                           (new_end - piece.first) * PAGE_SIZE, 0, 0),
              expected);
}

static void do_touch(struct test *t, struct world *world)
{
    struct piece piece = any_piece(t);
    bool write = !one_in(t, 4), sparse = one_in(t, 2);

    for (uint32_t page = piece.first; page < piece.end;
         page += sparse ? 1 + test_random_below(t, HUGE_PAGES / 4) : 1)
        touch(t, world, page, write);
}

/* ---- life and death ---- */

/* One in n, on average; 0: none. */
static void let_allocations_fail(uint32_t n, uint32_t seed)
{
    const struct inject_rule rule = { n ? INJECT_PAGE | INJECT_SLAB : 0, INJECT_RANDOM, n,
                                      seed };
    inject_set(&rule);
}

static void start_world(struct test *t, struct world *world)
{
    memset(world, 0, sizeof(*world));
    world->space = space_create();
    REQUIRE(t, world->space != NULL);
    world->brk_start = world->brk = model.npages / 2 + 5;
    space_set_brk_start(world->space, address_of(world->brk_start));
}

static void end_world(struct world *world)
{
    if (world->space)
        space_put(world->space);
    world->space = NULL;
}

static void copy_model(struct world *child, const struct world *parent)
{
    for (uint32_t page = 0; page < model.npages; page++) {
        child->pages[page] = parent->pages[page];
        if (parent->pages[page].flags & VMA_WIPEONFORK)
            child->pages[page].word = 0;
        if (parent->pages[page].flags & VMA_DONTFORK)
            child->pages[page] = (struct model_page){ 0 };
    }
    child->brk_start = parent->brk_start;
    child->brk = parent->brk;
}

/* A child takes the place of the next world. */
static void do_fork(struct test *t, struct world *parent)
{
    struct world *child = &model.worlds[test_random_below(t, WORLDS)];

    if (child == parent)
        return;
    end_world(child);
    child->space = space_fork(parent->space);
    let_allocations_fail(0, 0);
    if (child->space)
        copy_model(child, parent);
    else
        start_world(t, child);
}

static void do_compact(struct test *t, struct world *world)
{
    (void)world;
    if (one_in(t, 2))
        compact_all();
    else
        compact_for(test_random_below(t, BUDDY_MAX_ORDER + 1), PAGE_HIGHMEM_OK | PAGE_MOVABLE);
}

/* ---- all of it ---- */

typedef void operation(struct test *t, struct world *world);

static const struct {
    const char *name;
    operation *run;
    unsigned chance;
    bool survives_failure; /* with the array as it was, or it asks the space what came of it */
} operations[] = {
    { "map", do_map, 12, false },       { "renew", do_renew, 5, false },
    { "unmap", do_unmap, 6, false },    { "protect", do_protect, 10, false },
    { "advise", do_advise, 10, false }, { "collapse", do_collapse, 4, true },
    { "brk", do_brk, 6, false },        { "move", do_move, 8, false },
    { "resize", do_resize, 6, false },  { "touch", do_touch, 30, true },
    { "fork", do_fork, 4, true },       { "compact", do_compact, 2, true },
};

static unsigned any_operation(struct test *t)
{
    unsigned total = 0, row = 0;

    for (unsigned i = 0; i < ARRAY_SIZE(operations); i++)
        total += operations[i].chance;
    unsigned number = test_random_below(t, total);
    while (number >= operations[row].chance)
        number -= operations[row++].chance;
    return row;
}

static void one_round(struct test *t)
{
    struct world *world = &model.worlds[test_random_below(t, WORLDS)];
    unsigned row = any_operation(t);

    model.last = operations[row].name;
    if (operations[row].survives_failure && one_in(t, 4))
        let_allocations_fail(FAIL_ONE_IN, test_random(t));
    operations[row].run(t, world);
    let_allocations_fail(0, 0);
    for (unsigned i = 0; i < LOOKS && t->failures == 0; i++)
        look_at_page(t, world, test_random_below(t, model.npages));
}

static void run_model(struct test *t, unsigned map_advice)
{
    t->random += test_parameter("space_model_seed", 0);
    model.map_advice = map_advice;
    model.npages = MIN(PAGES_MAX, ALIGN_DOWN(buddy_free_frames() / (WORLDS + 2), 64u));
    for (unsigned i = 0; i < WORLDS; i++)
        start_world(t, &model.worlds[i]);
    for (unsigned round = 1; round <= ROUNDS && t->failures == 0; round++) {
        one_round(t);
        if (round % WHOLE_EVERY == 0)
            look_at_everything(t);
        if (t->failures)
            EXPECT_STR(t, model.last, "no failure"); /* says what it was */
    }
    look_at_everything(t);
    for (unsigned i = 0; i < WORLDS; i++)
        end_world(&model.worlds[i]);
}

static void small_pages(struct test *t)
{
    run_model(t, VMA_NOHUGEPAGE);
}

static void huge_pages_where_advised(struct test *t)
{
    run_model(t, 0);
}

static void huge_pages_everywhere(struct test *t)
{
    struct space_huge_stats before, after;

    space_get_huge_stats(&before);
    run_model(t, VMA_HUGEPAGE);
    space_get_huge_stats(&after);
    EXPECT_EQ(t, after.pages, before.pages);
    if (cpu_has(CPU_PSE) && model.npages == PAGES_MAX) {
        EXPECT(t, after.fault_alloc - before.fault_alloc > 20);
        EXPECT(t, after.split - before.split > 10);
    }
}

const struct test_case test_cases[] = {
    TEST(small_pages),
    TEST(huge_pages_where_advised),
    TEST(huge_pages_everywhere),
};
const unsigned test_case_count = ARRAY_SIZE(test_cases);
