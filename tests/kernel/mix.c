/* tests/kernel/mix.c - see mix.h.
 *
 * Every block gets a stamp in its first and last word when it is taken, and the stamps are compared
 * when it is given back: a block that was handed out twice, or written to by its neighbour, is
 * noticed by the worker that owns it.  The same for pages of the worker's address space, through
 * copy-on-write after a fork and through compaction, which moves everybody's frames about.  Every request may
 * fail; then the worker goes on without it. */
#include "tests/kernel/mix.h"

#include "kernel/lib/errno.h"
#include "mm/buddy.h"
#include "mm/compact.h"
#include "mm/fault.h"
#include "mm/kmalloc.h"
#include "mm/kmap.h"
#include "mm/vmalloc.h"

#define BASE 0x10000000u
#define HUGE_BASE 0x20000000u /* a multiple of 4 MiB */
#define PIECE_BYTES (LARGE_PAGE_SIZE / MIX_PIECES)
#define OBJECT_BYTES 200u
#define KMALLOC_BYTES_MAX 6000u
#define FILE_PAGES 64u
#define RANGE_MAX 6u
#define RUN_MAX 40u                             /* frames */
#define LONG_RUN_MIN 1025u                      /* longer than any block */
#define LONG_RUN_MACHINE (60 * MiB / PAGE_SIZE) /* has room for some of them */

enum kind {
    KIND_PAGES,
    KIND_RUN,
    KIND_OBJECT,
    KIND_KMALLOC,
    KIND_VMALLOC,
    KIND_VMAP,
    KIND_COUNT
};

/* ---- what all share ---- */

static void no_release(struct page_cache *cache)
{
    (void)cache;
}

static void name_it(const struct page_cache *cache, struct page_cache_name *name)
{
    (void)cache;
    *name = (struct page_cache_name){ .device = 1, .inode = 1, .path = "/mix" };
}

bool mix_begin(struct mix_world *world)
{
    static const struct page_cache_ops ops = { .release = no_release, .get_name = name_it };
    static const uint8_t source[FILE_PAGES / 2 * PAGE_SIZE];

    world->errors = 0;
    world->cache = slab_cache_create("mix", OBJECT_BYTES, 0, NULL, SLAB_REDZONE);
    pagecache_setup(&world->file, &ops, source, sizeof(source));
    return world->cache != NULL;
}

void mix_end(struct test *t, struct mix_world *world)
{
    EXPECT_EQ(t, world->errors, 0);
    EXPECT_EQ(t, slab_cache_destroy(world->cache), 0);
    pagecache_put(&world->file);
}

/* ---- blocks of kernel memory ---- */

static uint32_t random_below(struct mix_worker *worker, uint32_t limit)
{
    return test_random_below(&worker->random, limit);
}

/* Full of zeros, as ordered? */
static void expect_zeros(struct mix_worker *worker, const uint32_t *memory, uint32_t nbytes)
{
    for (uint32_t i = 0; i < nbytes / sizeof(*memory); i += PAGE_SIZE / sizeof(*memory))
        worker->world->errors += memory[i] != 0;
}

static void *take_pages(struct mix_worker *worker, uint32_t *nbytes)
{
    static const unsigned flags[] = { PAGE_ANY, PAGE_ANY | PAGE_ATOMIC, PAGE_ANY | PAGE_ZERO };
    unsigned order = random_below(worker, 4), which = random_below(worker, ARRAY_SIZE(flags));
    struct page *page = buddy_alloc(order, PAGE_TEST, flags[which]);

    *nbytes = PAGE_SIZE << order;
    if (page && (flags[which] & PAGE_ZERO))
        expect_zeros(worker, page_to_virt(page), *nbytes);
    return page ? page_to_virt(page) : NULL;
}

/* Of any length; above 4 MiB now and then, where there is room. */
static void *take_run(struct mix_worker *worker, uint32_t *nbytes)
{
    bool is_long = random_below(worker, 64) == 0 && buddy_managed_frames() > LONG_RUN_MACHINE;
    uint32_t npages = (is_long ? LONG_RUN_MIN : 1) + random_below(worker, RUN_MAX);
    struct page *run = buddy_alloc_exact(npages, random_below(worker, 3), PAGE_TEST, PAGE_ANY);

    *nbytes = npages * PAGE_SIZE;
    return run ? page_to_virt(run) : NULL;
}

/* A second view of a frame, not cached. */
static void *take_view(struct mix_worker *worker, unsigned i)
{
    struct page *page = buddy_alloc(0, PAGE_TEST, PAGE_HIGHMEM_OK);
    void *memory = page ? vmap(page_to_pfn(page), 1, VM_UNCACHED) : NULL;

    if (page && !memory)
        buddy_free(page, 0);
    worker->held[i].page = page;
    worker->held[i].nbytes = PAGE_SIZE;
    return memory;
}

static void *take_block(struct mix_worker *worker, unsigned i)
{
    static const unsigned types[] = { 0, VM_WRITE_THROUGH, VM_UNCACHED, VM_DMA };
    uint32_t npages = 1 + random_below(worker, 3), *nbytes = &worker->held[i].nbytes;

    switch (worker->held[i].kind) {
    case KIND_PAGES:
        return take_pages(worker, nbytes);
    case KIND_RUN:
        return take_run(worker, nbytes);
    case KIND_VMAP:
        return take_view(worker, i);
    case KIND_OBJECT:
        *nbytes = OBJECT_BYTES;
        return slab_alloc(worker->world->cache, PAGE_ANY);
    case KIND_KMALLOC:
        *nbytes = ALIGN_UP(8 + random_below(worker, KMALLOC_BYTES_MAX), 4);
        return kmalloc(*nbytes, PAGE_ANY);
    default:
        *nbytes = npages * PAGE_SIZE;
        return vmalloc_flags(npages, PAGE_VMALLOC,
                             types[random_below(worker, ARRAY_SIZE(types))]);
    }
}

static void give_block(struct mix_worker *worker, unsigned i, void *memory)
{
    switch (worker->held[i].kind) {
    case KIND_PAGES:
        buddy_free(virt_to_page(memory), virt_to_page(memory)->order);
        break;
    case KIND_RUN:
        buddy_free_exact(virt_to_page(memory), worker->held[i].nbytes / PAGE_SIZE);
        break;
    case KIND_VMAP:
        vunmap(memory);
        buddy_free(worker->held[i].page, 0);
        break;
    case KIND_OBJECT:
        slab_free(worker->world->cache, memory);
        break;
    case KIND_KMALLOC:
        kfree(memory);
        break;
    default:
        vfree(memory);
    }
}

/* The last word of a block. */
static uint32_t *block_end(struct mix_worker *worker, unsigned i)
{
    return worker->held[i].memory + worker->held[i].nbytes / sizeof(uint32_t) - 1;
}

static void release_block(struct mix_worker *worker, unsigned i)
{
    uint32_t *memory = worker->held[i].memory;

    if (*memory != (uint32_t)(uintptr_t)memory || *block_end(worker, i) != (uintptr_t)memory)
        worker->world->errors++;
    worker->held[i].memory = NULL;
    give_block(worker, i, memory);
}

static void block_step(struct mix_worker *worker)
{
    unsigned i = random_below(worker, MIX_HELD);

    if (worker->held[i].memory) {
        release_block(worker, i);
        return;
    }
    worker->held[i].kind = random_below(worker, KIND_COUNT);
    worker->held[i].memory = take_block(worker, i);
    if (worker->held[i].memory) {
        *worker->held[i].memory = (uint32_t)(uintptr_t)worker->held[i].memory;
        *block_end(worker, i) = (uint32_t)(uintptr_t)worker->held[i].memory;
    }
}

/* ---- pages of a file ---- */

static void file_step(struct mix_worker *worker)
{
    struct page *page = pagecache_page(&worker->world->file, random_below(worker, FILE_PAGES));

    if (page)
        pagecache_put_page(page);
    if (random_below(worker, 64) == 0)
        pagecache_reclaim(FILE_PAGES / 4, max_pfn);
}

/* ---- an address space ---- */

/* Single pages, and behind them the first page of each piece. */
static uaddr_t address_of(unsigned page)
{
    return page < MIX_PAGES ? BASE + page * PAGE_SIZE
                            : HUGE_BASE + (page - MIX_PAGES) * PIECE_BYTES;
}

/* Exchange the first word of a page that is in memory.  Under the lock, for compaction may give it another
 * frame at any time else. */
static uint32_t exchange(struct space *space, unsigned page, uint32_t word)
{
    uint32_t irq = spin_lock(&space->lock);
    pte_t entry = paging_lookup(&space->directory, address_of(page));
    uint32_t *window = kmap(pfn_to_page(entry >> PAGE_SHIFT)), old = *window;

    *window = word;
    kunmap(window);
    spin_unlock(&space->lock, irq);
    return old;
}

static void check_stamps(struct mix_worker *worker, struct space *space)
{
    for (unsigned i = 0; i < MIX_PAGES + MIX_PIECES; i++)
        if (worker->stamps[i])
            worker->world->errors += exchange(space, i, worker->stamps[i]) != worker->stamps[i];
}

static void write_page(struct mix_worker *worker, unsigned page)
{
    if (!worker->mapped[page] ||
        fault_handle(worker->space, address_of(page), PF_USER | PF_WRITE) != 0)
        return;
    uint32_t stamp = test_random(&worker->random) | 1;
    if (exchange(worker->space, page, stamp) !=
        worker->stamps[page]) /* a fresh page is zeroed */
        worker->world->errors++;
    worker->stamps[page] = stamp;
}

static void map_pages(struct mix_worker *worker, unsigned first, unsigned last)
{
    unsigned flags = VMA_READ | VMA_WRITE | (first < MIX_PAGES ? 0 : VMA_HUGEPAGE);
    int error = space_map(worker->space, address_of(first), address_of(last), flags, NULL);

    for (unsigned i = first; !error && i < last; i++)
        worker->mapped[i] = true;
}

static void unmap_pages(struct mix_worker *worker, unsigned first, unsigned last)
{
    if (space_unmap(worker->space, address_of(first), address_of(last) - address_of(first)) !=
        0)
        return;
    for (unsigned i = first; i < last; i++) {
        worker->mapped[i] = false;
        worker->stamps[i] = 0;
    }
}

/* A copy has what its parent has; the parent goes on as one of two. */
static void fork_and_compare(struct mix_worker *worker)
{
    struct space *child = space_fork(worker->space);

    if (!child)
        return;
    write_page(worker, random_below(worker, MIX_PAGES)); /* copied, if it was shared */
    check_stamps(worker, worker->space);
    space_put(child);
}

static void space_step(struct mix_worker *worker)
{
    unsigned first = random_below(worker, MIX_PAGES - RANGE_MAX);
    unsigned last = first + 1 + random_below(worker, RANGE_MAX);
    unsigned operation = random_below(worker, 32);

    if (!worker->space)
        worker->space = space_create();
    if (!worker->space)
        return;
    if (operation == 0)
        fork_and_compare(worker);
    else if (operation < 5)
        unmap_pages(worker, first, last);
    else if (operation < 12)
        map_pages(worker, first, last);
    else
        write_page(worker, first);
}

/* 4 MiB at once, if there is such a block; pieces of them come and go. */
static void huge_step(struct mix_worker *worker)
{
    unsigned first = MIX_PAGES, end = MIX_PAGES + MIX_PIECES;
    unsigned piece = first + random_below(worker, MIX_PIECES);

    if (!worker->space)
        return;
    switch (random_below(worker, 8)) {
    case 0:
        unmap_pages(worker, first, end);
        break;
    case 1:
        unmap_pages(worker, piece, piece + 1);
        break;
    case 2:
        map_pages(worker, first, end);
        break;
    case 3:
        map_pages(worker, piece, piece + 1);
        break;
    case 4:
        fork_and_compare(worker);
        break;
    default:
        write_page(worker, piece);
    }
}

/* ---- what moves everybody's frames ---- */

static void compact_step(struct mix_worker *worker)
{
    unsigned order = 1 + random_below(worker, BUDDY_MAX_ORDER);

    if (random_below(worker, 8) == 0)
        compact_all();
    else
        compact_for(order, random_below(worker, 2) ? PAGE_HIGHMEM_OK : PAGE_ANY);
}

/* ---- */

#define ONE_IN_HUGE 256u
#define ONE_IN_COMPACT 1024u

void mix_worker_init(struct mix_worker *worker, struct mix_world *world, uint32_t seed)
{
    memset(worker, 0, sizeof(*worker));
    worker->world = world;
    worker->random.random = seed * 2654435761u | 1; /* Knuth, TAOCP vol. 3, 6.4 */
}

void mix_step(struct mix_worker *worker)
{
    if (random_below(worker, ONE_IN_HUGE) == 0)
        huge_step(worker);
    if (random_below(worker, ONE_IN_COMPACT) == 0)
        compact_step(worker);
    switch (random_below(worker, 4)) {
    case 0:
        space_step(worker);
        break;
    case 1:
        file_step(worker);
        break;
    default:
        block_step(worker);
    }
}

void mix_worker_end(struct mix_worker *worker)
{
    for (unsigned i = 0; i < MIX_HELD; i++)
        if (worker->held[i].memory)
            release_block(worker, i);
    if (worker->space) {
        check_stamps(worker, worker->space);
        space_put(worker->space);
    }
}
