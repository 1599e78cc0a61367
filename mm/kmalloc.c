/* Memory by size.
 *
 * Problem   Some kernel memory has no kind of its own: a buffer, an array, a string.
 * Up to 8 KiB   a slab cache for each size class.  Between the powers of two lie 96 and 192,
 *               where many requests fall.  The class of a size is looked up in a table in steps
 *               of 8 bytes.
 * Above, and for DMA   a block from buddy; struct page keeps the size.  (Slabs are not kept by
 *               zone: device drivers ask seldom, and for whole buffers.)
 * Asked         how many bytes callers asked for is summed up for each class (slabtop: ASKED): what
 *               they were given beyond that is lost inside the objects.  Over all calls, not over
 *               the objects in use now: for that, each object would have to keep its size.
 * Redzones      With slab_debug=Z it does keep it: what lies between the bytes asked for and the
 *               end of the class is redzone, too.  All requests go the slow way then, so that the
 *               quick one need not ask whether there is debugging.
 * Free          needs no size: the frame's struct page says whether it is a slab (of which
 *               cache) or a block (of which order).  In the tail of a slab it only has the number
 *               of the cache: a hint, for it may be left over from a slab that was there once.  The
 *               cache knows how large its slabs are, and so where the head must be, and the head
 *               says whether the hint was true. */
#include "mm/kmalloc.h"

#include "kernel/lib/assert.h"
#include "kernel/lib/bitops.h"
#include "kernel/lib/format.h"
#include "mm/slab_internal.h"

#define CLASS_STEP 8u
#define SLAB_CLASS_MAX SLAB_MAX_OBJECT

static const uint16_t class_sizes[] = { 8,   16,  32,   64,   96,   128, 192,
                                        256, 512, 1024, 2048, 4096, 8192 };
#define CLASS_COUNT ARRAY_SIZE(class_sizes)

/* The numbers of the caches are consecutive, for they are the first ones made (after the cache of
 * caches).  So kfree() sees at once whether a slab is one of ours. */
#define FIRST_ID 1u

static struct {
    size_t quick_max; /* more bytes go the slow way; 0: all do */
    struct slab_cache *caches[CLASS_COUNT];
    uint8_t class_of_step[SLAB_CLASS_MAX / CLASS_STEP]; /* [(nbytes - 1) / 8] */
} state;

/* Powers of two are aligned to themselves, 96 and 192 to their largest power-of-two factor. */
static size_t class_align(size_t size)
{
    return size & -size;
}

void kmalloc_init(void)
{
    unsigned sized = 0; /* SLAB_SIZED, if a cache has it */

    for (unsigned class = 0, step = 0; class < CLASS_COUNT; class ++) {
        char name[SLAB_NAME_MAX];
        snprintf(name, sizeof(name), "kmalloc-%u", class_sizes[class]);
        state.caches[class] = slab_cache_create(
            name, class_sizes[class], class_align(class_sizes[class]), NULL, SLAB_SIZED);
        ASSERT(state.caches[class], "no memory for %s", name);
        ASSERT(slab_cache_id(state.caches[class]) == FIRST_ID + class,
               "the caches of kmalloc are not the first ones");
        while (step < ARRAY_SIZE(state.class_of_step) &&
               (step + 1) * CLASS_STEP <= class_sizes[class])
            state.class_of_step[step++] = (uint8_t) class;
        sized |= state.caches[class]->debug & SLAB_SIZED;
    }
    state.quick_max = sized ? 0 : SLAB_CLASS_MAX;
}

static void *kmalloc_pages(size_t nbytes, unsigned flags)
{
    size_t last = nbytes - 1; /* of 0 bytes: a very large one */

    if (last >= KMALLOC_MAX)
        return NULL;
    unsigned order = order_for(last / PAGE_SIZE + 1);
    struct page *page = buddy_alloc(order, PAGE_KMALLOC, flags & ~PAGE_HIGHMEM_OK);

    if (!page)
        return NULL;
    page->nbytes = (uint32_t)nbytes;
    kasan_block_sized(page, nbytes);
    return page_to_virt(page);
}

/* From the class of 1 to SLAB_CLASS_MAX bytes. */
static ALWAYS_INLINE struct slab_cache *class_of(size_t nbytes)
{
    return state.caches[state.class_of_step[(nbytes - 1) / CLASS_STEP]];
}

static ALWAYS_INLINE void *alloc_object(struct slab_cache *cache, size_t nbytes, unsigned flags)
{
    cache->requested_high += __builtin_add_overflow(cache->requested_low, nbytes,
                                                    &cache->requested_low);
    void *object = slab_alloc(cache, flags);
    kasan_object_sized(cache, object, nbytes);
    return object;
}

/* Is this for a class, not for the buddy allocator? */
static ALWAYS_INLINE bool has_class(size_t nbytes, unsigned flags)
{
    return nbytes - 1 < SLAB_CLASS_MAX && !(flags & PAGE_DMA);
}

/* What is not for a class, or for one whose objects' sizes are remembered. */
static __attribute__((noinline)) void *kmalloc_slowly(size_t nbytes, unsigned flags)
{
    if (!has_class(nbytes, flags))
        return kmalloc_pages(nbytes, flags);
    struct slab_cache *cache = class_of(nbytes);
    void *object = alloc_object(cache, nbytes, flags);
    if (object)
        slab_debug_resize(cache, object, nbytes);
    return object;
}

void *kmalloc(size_t nbytes, unsigned flags)
{
    size_t last = nbytes - 1; /* of 0 bytes: a very large one */

    if (unlikely(last >= state.quick_max || (flags & PAGE_DMA)))
        return kmalloc_slowly(nbytes, flags);
    return alloc_object(class_of(nbytes), nbytes, flags);
}

static ALWAYS_INLINE bool is_ours(unsigned cache_id)
{
    return cache_id - FIRST_ID < CLASS_COUNT;
}

/* The block of a pointer; panics if kmalloc() did not return it.  (The inside of a small object is
 * left to slab.c.) */
static struct page *checked_block(const void *pointer)
{
    paddr_t paddr = virt_to_paddr(pointer);

    ASSERT(paddr < LOWMEM_MAX_BYTES && paddr >> PAGE_SHIFT < max_pfn,
           "kfree of %p, which is outside the direct map", pointer);
    struct page *page = slab_block_of(pointer);
    if (page->kind == PAGE_SLAB) {
        struct slab_cache *cache = slab_owner(page);
        ASSERT(is_ours(slab_cache_id(cache)), "kfree of %p, which belongs to slab cache %s",
               pointer, slab_cache_name(cache));
        return page;
    }
    ASSERT(page->kind == PAGE_KMALLOC && pointer == page_to_virt(page),
           "kfree of %p, which kmalloc did not return (%s)", pointer,
           page_kind_name(page->kind));
    return page;
}

/* A large block, an object of a small slab, or nothing that kmalloc() returned. */
static __attribute__((noinline)) void free_other(void *pointer)
{
    if (!pointer)
        return;
    struct page *page = checked_block(pointer);
    if (page->kind != PAGE_SLAB)
        buddy_free(page, page->order);
    else if (!kasan_object_freed(slab_owner(page), pointer))
        slab_free_slowly(slab_owner(page), pointer);
}

void kfree(void *pointer)
{
    pfn_t pfn = virt_to_paddr(pointer) >> PAGE_SHIFT;

    if (unlikely(pfn >= max_pfn || !is_ours(pfn_to_page(pfn)->cache_id))) {
        free_other(pointer);
        return;
    }
    struct slab_cache *cache = slab_caches[pfn_to_page(pfn)->cache_id];
    const struct page *head = slab_usual_head(cache, pfn);
    if (likely(slab_is_usual(cache, head))) {
        if (!kasan_object_freed(cache, pointer))
            slab_free_in(cache, head, pointer);
    } else {
        free_other(pointer);
    }
}

/* Bytes that were given at a pointer, however few were asked for. */
static size_t given_bytes(const void *pointer)
{
    struct page *page = checked_block(pointer);
    return page->kind == PAGE_KMALLOC ? PAGE_SIZE << page->order
                                      : slab_object_size(slab_owner(page));
}

size_t kmalloc_usable_size(const void *pointer)
{
    size_t nbytes = given_bytes(pointer);
    void *object;
    struct slab_cache *cache = slab_cache_of(pointer, &object);

    if (cache) /* who asks may use them */
        slab_debug_resize(cache, object, nbytes);
    kasan_unpoison(pointer, nbytes);
    return nbytes;
}

/* A power of two at least as large as size and alignment is aligned to itself, in slab and
 * buddy. */
static size_t aligned_request(size_t nbytes, size_t align)
{
    ASSERT(is_power_of_two((uint32_t)align), "alignment %u is no power of two",
           (unsigned)align);
    if (align <= CLASS_STEP || nbytes == 0 || nbytes > KMALLOC_MAX || align > KMALLOC_MAX)
        return align > KMALLOC_MAX ? 0 : nbytes;
    return (size_t)1 << order_for((uint32_t)MAX(nbytes, align));
}

void *kmalloc_aligned(size_t nbytes, size_t align, unsigned flags)
{
    size_t request = aligned_request(nbytes, align);
    void *pointer = kmalloc(request, flags);

    if (pointer && has_class(request, flags)) {
        /* What the alignment adds was not asked for. */
        kasan_object_sized(class_of(request), pointer, nbytes);
        slab_debug_resize(class_of(request), pointer, nbytes);
    }
    return pointer;
}

void kfree_aligned(void *pointer, size_t nbytes, size_t align)
{
    ASSERT(!pointer || given_bytes(pointer) >= aligned_request(nbytes, align),
           "kfree_aligned of %p: %u bytes, but it has %u", pointer, (unsigned)nbytes,
           (unsigned)given_bytes(pointer));
    kfree(pointer);
}
