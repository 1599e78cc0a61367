/* The page cache.
 *
 * Problem     A file's bytes are wanted by read(2), write(2), and all programs that map it.  They
 *             must see the same bytes, and each page should be in memory once.
 * Idea        One tree per file, from page number to frame.  Everybody gets frames here, and counts a
 *             reference in struct page while using one:
 *
 *                 page table of A --.
 *                 page table of B ---+--> frame, refs 3 <-- tree of the file
 *
 * Kinds       PAGE_FILE pages equal what the file's source has: they may be dropped whenever only the
 *             tree refers to them.  PAGE_SHMEM pages are the only copy of what somebody wrote; they
 *             stay until the file is cut or gone.  There is no swap to put them on.
 * Holes       A page that nobody wrote to and that the source does not reach is zeros.  Mapping it
 *             takes a frame, reading it does not need to (pagecache_is_hole).
 * Reclaim     The clock algorithm: a hand goes round the pages of all caches.  A page that was used
 *             since the hand last came by is spared once (`referenced`), else it is dropped.
 *
 *                   cache 1           cache 2      cache 3
 *                 [p0 p1 .. p7] -> [p0 .. p3] -> [p0 p5] -> back to cache 1
 *                        ^ hand
 *
 * Nesting     Reclaim runs inside allocations, so nothing is allocated under the lock: frames and
 *             tree nodes are at hand before it is taken.  Nor may reclaim free a tree node, since it
 *             may run inside the allocation of one, with the slab cache's lock held: nodes that become
 *             empty are put aside in `emptied`, and go back with the next call from outside.
 * Invariants  1. A page in a tree has that cache and index, kind FILE or SHMEM, and refs >= 1.
 *             2. file_pages + shmem_pages = sum of npages; limited_pages = the SHMEM ones of
 *                caches that are `limited`.
 * Lock        "page cache": all trees, counts, lists, and the references of pages in trees.
 * Reading     McKusick et al., 4.3BSD, 5.12 (the clock); Gorman, chapters 10 and 12. */
#include "mm/pagecache.h"

#include "kernel/cpu/spinlock.h"
#include "kernel/lib/errno.h"
#include "kernel/lib/string.h"
#include "kernel/log.h"
#include "mm/buddy.h"
#include "mm/kmalloc.h"
#include "mm/kmap.h"
#include "mm/space.h"

#define REMOVE_BATCH 64u /* pages taken out with interrupts off at a time */

static struct {
    struct spinlock lock;
    struct list_node caches;
    struct list_node *hand; /* the clock's: a cache's node, or the list's head */
    uint32_t hand_index;    /* and the page it looks at next */
    struct radix_stock emptied;
    uint32_t next_shared; /* numbers of shared anonymous caches */
    struct pagecache_stats stats;
} state = { .lock = SPINLOCK_INIT("page cache"),
            .caches = LIST_INIT(state.caches),
            .hand = &state.caches };

void pagecache_init(void)
{
    radix_init();
    state.stats.limit = buddy_managed_frames() / 2;
}

void pagecache_trim(void)
{
    uint32_t irq = spin_lock(&state.lock);
    struct radix_stock stock = state.emptied;

    state.emptied = (struct radix_stock){ 0 };
    spin_unlock(&state.lock, irq);
    radix_stock_free(&stock);
}

/* ---- caches ---- */

void pagecache_setup(struct page_cache *cache, const struct page_cache_ops *ops,
                     const uint8_t *source, uint32_t source_bytes)
{
    *cache = (struct page_cache){
        .size = source_bytes,
        .source = source,
        .source_bytes = source_bytes,
        .refs = 1,
        .ops = ops,
    };
    uint32_t irq = spin_lock(&state.lock);
    list_add_tail(&state.caches, &cache->node);
    state.stats.caches++;
    spin_unlock(&state.lock, irq);
}

struct page_cache *pagecache_get(struct page_cache *cache)
{
    uint32_t irq = spin_lock(&state.lock);

    cache->refs++;
    spin_unlock(&state.lock, irq);
    return cache;
}

/* The count for pages of this kind. */
static uint32_t *pages_of_kind(enum page_kind kind)
{
    return kind == PAGE_FILE ? &state.stats.file_pages : &state.stats.shmem_pages;
}

static bool counts_to_limit(const struct page_cache *cache, enum page_kind kind)
{
    return cache->limited && kind == PAGE_SHMEM;
}

bool pagecache_is_full(const struct page_cache *cache)
{
    return cache->limited && state.stats.limited_pages >= state.stats.limit;
}

/* Lock held.  Take a page out; its frame is free unless somebody else refers to it. */
static void take_out(struct page_cache *cache, uint32_t index)
{
    struct page *page = radix_remove(&cache->pages, index, &state.emptied);

    cache->npages--;
    --*pages_of_kind(page->kind);
    state.stats.limited_pages -= counts_to_limit(cache, page->kind);
    page->cache = NULL;
    user_frame_put(page);
}

/* Take out all pages from `first` on, a few at a time. */
static void take_out_from(struct page_cache *cache, uint32_t first)
{
    bool more = true;

    while (more) {
        uint32_t irq = spin_lock(&state.lock);
        for (unsigned i = 0; more && i < REMOVE_BATCH; i++) {
            uint32_t index = first;
            more = radix_next(&cache->pages, &index) != NULL;
            if (more)
                take_out(cache, index);
        }
        spin_unlock(&state.lock, irq);
    }
    pagecache_trim();
}

/* Lock held. */
static void forget_cache(struct page_cache *cache)
{
    if (state.hand == &cache->node) {
        state.hand = cache->node.next;
        state.hand_index = 0;
    }
    list_remove(&cache->node);
    state.stats.caches--;
}

void pagecache_put(struct page_cache *cache)
{
    uint32_t irq = spin_lock(&state.lock);
    bool last = --cache->refs == 0;
    spin_unlock(&state.lock, irq);

    if (!last)
        return;
    take_out_from(cache, 0);
    irq = spin_lock(&state.lock);
    forget_cache(cache);
    spin_unlock(&state.lock, irq);
    cache->ops->release(cache);
}

/* ---- shared anonymous memory ---- */

struct shared_memory {
    struct page_cache cache;
    uint32_t number;
};

static void shared_release(struct page_cache *cache)
{
    kfree(container_of(cache, struct shared_memory, cache));
}

static void shared_get_name(const struct page_cache *cache, struct page_cache_name *name)
{
    name->device = 0;
    name->inode = container_of(cache, struct shared_memory, cache)->number;
    strlcpy(name->path, "/dev/zero (deleted)", sizeof(name->path)); /* Linux's name for it */
}

struct page_cache *pagecache_create_shared(uint64_t size)
{
    static const struct page_cache_ops shared_ops = {
        .release = shared_release,
        .get_name = shared_get_name,
    };
    struct shared_memory *shared = kmalloc(sizeof(*shared), PAGE_ANY);

    if (!shared)
        return NULL;
    pagecache_setup(&shared->cache, &shared_ops, NULL, 0);
    shared->cache.size = size;
    shared->number = ++state.next_shared;
    return &shared->cache;
}

/* ---- pages ---- */

/* Lock held.  The page, if it is in memory, with a reference for the caller. */
static struct page *find(struct page_cache *cache, uint32_t index)
{
    struct page *page = radix_lookup(&cache->pages, index);

    if (likely(page)) {
        user_frame_get(page);
        page->referenced = true;
        state.stats.hits++;
    }
    return page;
}

struct page *pagecache_find(struct page_cache *cache, uint32_t index)
{
    uint32_t irq = spin_lock(&state.lock);
    struct page *page = find(cache, index);

    spin_unlock(&state.lock, irq);
    return page;
}

void pagecache_put_page(struct page *page)
{
    uint32_t irq = irq_save();

    user_frame_put(page);
    irq_restore(irq);
}

/* How many bytes of this page the source has. */
static uint32_t source_bytes_in(const struct page_cache *cache, uint32_t index)
{
    uint64_t start = (uint64_t)index << PAGE_SHIFT;

    if (!cache->source || start >= cache->source_bytes)
        return 0;
    return (uint32_t)MIN(cache->source_bytes - start, PAGE_SIZE);
}

bool pagecache_is_hole(const struct page_cache *cache, uint32_t index)
{
    return source_bytes_in(cache, index) == 0;
}

static void fill(const struct page_cache *cache, uint32_t index, struct page *page)
{
    uint32_t nbytes = source_bytes_in(cache, index);
    uint8_t *bytes = kmap(page);

    if (nbytes > 0)
        memcpy(bytes, cache->source + ((size_t)index << PAGE_SHIFT), nbytes);
    memset(bytes + nbytes, 0, PAGE_SIZE - nbytes);
    kunmap(bytes);
}

enum contents { READ_FROM_SOURCE, FILLED_BY_CALLER };

/* Lock held.  Put a frame into the tree. */
static int put_in(struct page_cache *cache, uint32_t index, struct page *page,
                  enum contents contents, struct radix_stock *stock)
{
    bool counts = counts_to_limit(cache, page->kind);

    if (counts && pagecache_is_full(cache))
        return -ENOSPC;
    int error = radix_insert(&cache->pages, index, page, stock);
    if (error)
        return error;
    if (contents == READ_FROM_SOURCE) {
        fill(cache, index, page);
        state.stats.fills++;
    }
    page->cache = cache;
    page->index = index;
    page->referenced = true;
    user_frame_get(page);
    cache->npages++;
    ++*pages_of_kind(page->kind);
    state.stats.limited_pages += counts;
    return 0;
}

/* The same; takes the lock, and gets tree nodes while it is open.  0, -EEXIST, -ENOMEM, -ENOSPC. */
static int add_page(struct page_cache *cache, uint32_t index, struct page *page,
                    enum contents contents)
{
    struct radix_stock stock = { 0 };
    int error;

    do {
        uint32_t irq = spin_lock(&state.lock);
        error = put_in(cache, index, page, contents, &stock);
        spin_unlock(&state.lock, irq);
    } while (error == -ENOMEM && radix_stock_add(&stock) == 0);
    radix_stock_free(&stock);
    if (unlikely(state.emptied.count > 0))
        pagecache_trim();
    return error;
}

int pagecache_add(struct page_cache *cache, uint32_t index, struct page *page)
{
    return add_page(cache, index, page, FILLED_BY_CALLER);
}

struct page *pagecache_page(struct page_cache *cache, uint32_t index)
{
    struct page *page = pagecache_find(cache, index);

    if (likely(page))
        return page;
    page = user_frame_alloc(cache->source ? PAGE_FILE : PAGE_SHMEM);
    if (!page)
        return NULL;
    int error = add_page(cache, index, page, READ_FROM_SOURCE);
    if (error) {
        user_frame_put(page);
        /* Another thread was faster: its page is the page. */
        page = error == -EEXIST ? pagecache_find(cache, index) : NULL;
    }
    return page;
}

void pagecache_mark_dirty(struct page *page)
{
    if (page->kind == PAGE_SHMEM)
        return;
    uint32_t irq = spin_lock(&state.lock);
    if (page->kind == PAGE_FILE) {
        buddy_set_kind(page, PAGE_SHMEM);
        if (page->cache) {
            state.stats.file_pages--;
            state.stats.shmem_pages++;
            state.stats.limited_pages += page->cache->limited; /* it is there: never refused */
        }
    }
    spin_unlock(&state.lock, irq);
}

/* ---- sizes ---- */

/* The bytes of a page behind `start` become zeros, if it is in memory. */
static void zero_rest(struct page_cache *cache, uint32_t index, uint32_t start)
{
    struct page *page = pagecache_find(cache, index);

    if (!page)
        return;
    uint8_t *bytes = kmap(page);
    memset(bytes + start, 0, PAGE_SIZE - start);
    kunmap(bytes);
    pagecache_put_page(page);
}

void pagecache_resize(struct page_cache *cache, uint64_t size)
{
    uint64_t first = (size + PAGE_MASK) >> PAGE_SHIFT;
    uint32_t irq = spin_lock(&state.lock);
    bool shorter = size < cache->size;

    cache->size = size; /* from here on, faults behind it get SIGBUS */
    if (size < cache->source_bytes)
        cache->source_bytes = (uint32_t)size; /* what is cut off does not come back */
    spin_unlock(&state.lock, irq);
    if (!shorter || first > UINT32_MAX)
        return;
    space_forget_file(cache, (uint32_t)first);
    take_out_from(cache, (uint32_t)first);
    if (size % PAGE_SIZE != 0)
        zero_rest(cache, (uint32_t)(size >> PAGE_SHIFT), size % PAGE_SIZE);
}

void pagecache_grow(struct page_cache *cache, uint64_t size)
{
    uint32_t irq = spin_lock(&state.lock);

    cache->size = MAX(cache->size, size);
    spin_unlock(&state.lock, irq);
}

uint64_t pagecache_reserve(struct page_cache *cache, uint32_t nbytes)
{
    uint32_t irq = spin_lock(&state.lock);
    uint64_t start = cache->size;

    cache->size += nbytes;
    spin_unlock(&state.lock, irq);
    return start;
}

/* ---- reclaim ---- */

/* Lock held; some cache has a page.  The page the hand points to; the hand moves on. */
static struct page *next_under_hand(void)
{
    for (;;) {
        struct page *page = NULL;
        if (state.hand != &state.caches) {
            struct page_cache *cache = list_entry(state.hand, struct page_cache, node);
            page = radix_next(&cache->pages, &state.hand_index);
        }
        if (page && ++state.hand_index != 0)
            return page;
        state.hand = state.hand->next;
        state.hand_index = 0;
        if (page)
            return page;
    }
}

/* Lock held.  May the page under the hand go?  If it was used lately, not this time. */
static bool may_go(struct page *page)
{
    if (page->kind != PAGE_FILE || page->refs > 1)
        return false;
    bool spared = page->referenced;
    page->referenced = false;
    return !spared;
}

uint32_t pagecache_reclaim(uint32_t npages, pfn_t below)
{
    uint32_t dropped = 0;

    if (spin_is_held(&state.lock))
        return 0;
    uint32_t irq = spin_lock(&state.lock);
    /* Two rounds: after the first, nobody is spared. */
    uint32_t visits = 2 * (state.stats.file_pages + state.stats.shmem_pages);
    while (visits-- > 0 && dropped < npages && state.stats.file_pages > 0) {
        struct page *page = next_under_hand();
        if (page_to_pfn(page) < below && may_go(page)) {
            take_out(page->cache, page->index);
            dropped++;
        }
    }
    state.stats.dropped += dropped;
    spin_unlock(&state.lock, irq);
    return dropped;
}

/* ---- migration ---- */

bool pagecache_is_locked(void)
{
    return spin_is_held(&state.lock);
}

void pagecache_replace(struct page *old, struct page *page)
{
    uint32_t irq = spin_lock(&state.lock);

    radix_replace(&old->cache->pages, old->index, page);
    page->cache = old->cache;
    page->index = old->index;
    page->referenced = old->referenced;
    old->cache = NULL;
    spin_unlock(&state.lock, irq);
}

/* ---- figures ---- */

void pagecache_get_stats(struct pagecache_stats *stats)
{
    uint32_t irq = spin_lock(&state.lock);

    *stats = state.stats;
    spin_unlock(&state.lock, irq);
}

/* Lock held. */
static void fill_info(const struct page_cache *cache, struct pagecache_info *info)
{
    uint32_t index = 0;

    *info = (struct pagecache_info){ .size = cache->size, .refs = cache->refs };
    for (struct page *page; (page = radix_next(&cache->pages, &index)) != NULL;) {
        *(page->kind == PAGE_FILE ? &info->file_pages : &info->shmem_pages) += 1;
        info->mapped_pages += page->refs > 1;
        if (++index == 0)
            break;
    }
}

bool pagecache_get_info(unsigned index, struct pagecache_info *info)
{
    const struct page_cache *found = NULL;
    uint32_t irq = spin_lock(&state.lock);

    list_for_each(node, &state.caches) {
        const struct page_cache *cache = list_entry(node, struct page_cache, node);
        if (cache->npages > 0 && index-- == 0) {
            found = cache;
            fill_info(found, info);
            found->ops->get_name(found, &info->name);
            break;
        }
    }
    spin_unlock(&state.lock, irq);
    return found != NULL;
}

/* ---- validator ---- */

static bool check_page(const struct page_cache *cache, uint32_t index, const struct page *page)
{
    if (page->cache == cache && page->index == index && page->refs > 0 &&
        (page->kind == PAGE_FILE || page->kind == PAGE_SHMEM))
        return true;
    log_err("pagecache: page %u of a file is pfn %#x, kind %s, refs %u, index %u", index,
            page_to_pfn(page), page_kind_name(page->kind), page->refs, page->index);
    return false;
}

/* Lock held.  Adds the cache's pages to the sums. */
static bool check_cache(const struct page_cache *cache, uint32_t *file, uint32_t *shmem)
{
    uint32_t index = 0, npages = 0;
    bool good = radix_check(&cache->pages);

    for (struct page *page; good && (page = radix_next(&cache->pages, &index)) != NULL;) {
        good = check_page(cache, index, page);
        *(page->kind == PAGE_FILE ? file : shmem) += 1;
        npages++;
        if (++index == 0)
            break;
    }
    if (good && npages == cache->npages)
        return true;
    log_err("pagecache: a file counts %u pages, has %u; refs %u", cache->npages, npages,
            cache->refs);
    return false;
}

bool pagecache_check(void)
{
    uint32_t caches = 0, file = 0, shmem = 0, limited = 0;
    bool good = true;
    uint32_t irq = spin_lock(&state.lock);

    list_for_each(node, &state.caches) {
        const struct page_cache *cache = list_entry(node, struct page_cache, node);
        uint32_t shmem_before = shmem;
        good = good && check_cache(cache, &file, &shmem);
        limited += cache->limited ? shmem - shmem_before : 0;
        caches++;
    }
    if (good && (caches != state.stats.caches || file != state.stats.file_pages ||
                 shmem != state.stats.shmem_pages || limited != state.stats.limited_pages)) {
        log_err(
            "pagecache: %u caches, %u file, %u shmem, %u limited pages; counted are %u, %u, "
            "%u, %u",
            caches, file, shmem, limited, state.stats.caches, state.stats.file_pages,
            state.stats.shmem_pages, state.stats.limited_pages);
        good = false;
    }
    spin_unlock(&state.lock, irq);
    return good;
}
