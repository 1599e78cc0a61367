/* tests/kernel/mix.c - see mix.h.
 *
 * Every block gets a stamp in its first and last word when it is taken, and the stamps are compared
 * when it is given back: a block that was handed out twice, or written to by its neighbour, is
 * noticed by the worker that owns it.  The same for pages of the worker's address space, through
 * copy-on-write after a fork.  Every request may fail; then the worker goes on without it. */
#include "tests/kernel/mix.h"

#include "kernel/lib/errno.h"
#include "mm/buddy.h"
#include "mm/fault.h"
#include "mm/kmalloc.h"
#include "mm/kmap.h"
#include "mm/vmalloc.h"

#define BASE 0x10000000u
#define OBJECT_BYTES 200u
#define KMALLOC_BYTES_MAX 6000u
#define FILE_PAGES 64u
#define RANGE_MAX 6u

enum kind { KIND_PAGES, KIND_OBJECT, KIND_KMALLOC, KIND_VMALLOC, KIND_COUNT };

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

static void *take_block(struct mix_worker *worker, unsigned kind, uint32_t *nbytes)
{
    uint32_t order = random_below(worker, 4), npages = 1 + random_below(worker, 3);
    struct page *page;

    switch (kind) {
    case KIND_PAGES:
        *nbytes = PAGE_SIZE << order;
        page = buddy_alloc(order, PAGE_TEST, PAGE_ANY);
        return page ? page_to_virt(page) : NULL;
    case KIND_OBJECT:
        *nbytes = OBJECT_BYTES;
        return slab_alloc(worker->world->cache, PAGE_ANY);
    case KIND_KMALLOC:
        *nbytes = ALIGN_UP(8 + random_below(worker, KMALLOC_BYTES_MAX), 4);
        return kmalloc(*nbytes, PAGE_ANY);
    default:
        *nbytes = npages * PAGE_SIZE;
        return vmalloc(npages, PAGE_VMALLOC);
    }
}

static void give_block(struct mix_worker *worker, unsigned kind, void *memory)
{
    switch (kind) {
    case KIND_PAGES:
        buddy_free(virt_to_page(memory), virt_to_page(memory)->order);
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
    give_block(worker, worker->held[i].kind, memory);
}

static void block_step(struct mix_worker *worker)
{
    unsigned i = random_below(worker, MIX_HELD);

    if (worker->held[i].memory) {
        release_block(worker, i);
        return;
    }
    worker->held[i].kind = random_below(worker, KIND_COUNT);
    worker->held[i].memory = take_block(worker, worker->held[i].kind, &worker->held[i].nbytes);
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

static uaddr_t address_of(unsigned page)
{
    return BASE + page * PAGE_SIZE;
}

/* A window on a page that is in memory. */
static uint32_t *window(struct space *space, unsigned page)
{
    return kmap(pfn_to_page(paging_lookup(&space->directory, address_of(page)) >> PAGE_SHIFT));
}

static void check_stamps(struct mix_worker *worker, struct space *space)
{
    for (unsigned i = 0; i < MIX_PAGES; i++) {
        if (!worker->stamps[i])
            continue;
        uint32_t *memory = window(space, i);
        worker->world->errors += *memory != worker->stamps[i];
        kunmap(memory);
    }
}

static void write_page(struct mix_worker *worker, unsigned page)
{
    if (!worker->mapped[page] ||
        fault_handle(worker->space, address_of(page), PF_USER | PF_WRITE) != 0)
        return;
    uint32_t *memory = window(worker->space, page);
    if (*memory != worker->stamps[page]) /* a fresh page is zeroed */
        worker->world->errors++;
    worker->stamps[page] = test_random(&worker->random) | 1;
    *memory = worker->stamps[page];
    kunmap(memory);
}

static void map_pages(struct mix_worker *worker, unsigned first, unsigned last)
{
    int error = space_map(worker->space, address_of(first), address_of(last),
                          VMA_READ | VMA_WRITE, NULL);

    for (unsigned i = first; !error && i < last; i++)
        worker->mapped[i] = true;
}

static void unmap_pages(struct mix_worker *worker, unsigned first, unsigned last)
{
    if (space_unmap(worker->space, address_of(first), (last - first) * PAGE_SIZE) != 0)
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

/* ---- */

void mix_worker_init(struct mix_worker *worker, struct mix_world *world, uint32_t seed)
{
    memset(worker, 0, sizeof(*worker));
    worker->world = world;
    worker->random.random = seed * 2654435761u | 1; /* Knuth, TAOCP vol. 3, 6.4 */
}

void mix_step(struct mix_worker *worker)
{
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
