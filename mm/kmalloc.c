/* Memory by size.
 *
 * Problem   Some kernel memory has no kind of its own: a buffer, an array, a string.
 * Up to 4 KiB   a slab cache for each size class.  Between the powers of two lie 96 and 192,
 *               where many requests fall.  The class of a size up to 192 is looked up in a
 *               table in steps of 8 bytes; above, it is the next power of two.
 * Above, and for DMA   a block from buddy; struct page keeps the size.  (Slabs are not kept by
 *               zone: device drivers ask seldom, and for whole buffers.)
 * Free          needs no size: the frame's struct page says whether it is a slab (of which
 *               cache) or a block (of which order). */
#include "mm/kmalloc.h"

#include "kernel/lib/assert.h"
#include "kernel/lib/bitops.h"
#include "kernel/lib/format.h"
#include "mm/slab.h"

#define CLASS_STEP 8u
#define TABLE_MAX 192u /* sizes up to here are looked up */
#define SLAB_CLASS_MAX 4096u

static const uint16_t class_sizes[] = {
    8, 16, 32, 64, 96, 128, 192, 256, 512, 1024, 2048, 4096
};
#define CLASS_COUNT ARRAY_SIZE(class_sizes)
#define FIRST_POWER_CLASS 7u /* 256: from here on each class doubles */

static struct {
    struct slab_cache *caches[CLASS_COUNT];
    unsigned first_id; /* number of caches[0]; the others' follow, for they are made in a row */
    uint8_t class_of_step[TABLE_MAX / CLASS_STEP]; /* [(nbytes - 1) / 8] */
} state;

static unsigned class_of(size_t nbytes)
{
    if (nbytes <= TABLE_MAX)
        return state.class_of_step[(nbytes - 1) / CLASS_STEP];
    return FIRST_POWER_CLASS + order_for((uint32_t)nbytes) - order_for(256);
}

/* Powers of two are aligned to themselves, 96 and 192 to their largest power-of-two factor. */
static size_t class_align(size_t size)
{
    return size & -size;
}

void kmalloc_init(void)
{
    for (unsigned class = 0, step = 0; class < CLASS_COUNT; class ++) {
        char name[SLAB_NAME_MAX];
        snprintf(name, sizeof(name), "kmalloc-%u", class_sizes[class]);
        state.caches[class] = slab_cache_create(name, class_sizes[class],
                                                class_align(class_sizes[class]), NULL, 0);
        ASSERT(state.caches[class], "no memory for %s", name);
        ASSERT(slab_cache_id(state.caches[class]) == slab_cache_id(state.caches[0]) + class,
               "the caches of kmalloc are not in a row");
        while (step < ARRAY_SIZE(state.class_of_step) &&
               (step + 1) * CLASS_STEP <= class_sizes[class])
            state.class_of_step[step++] = (uint8_t) class;
    }
    state.first_id = slab_cache_id(state.caches[0]);
}

static void *kmalloc_pages(size_t nbytes, unsigned flags)
{
    unsigned order = order_for((uint32_t)DIV_ROUND_UP(nbytes, PAGE_SIZE));
    struct page *page = buddy_alloc(order, PAGE_KMALLOC, flags & ~PAGE_HIGHMEM_OK);

    if (!page)
        return NULL;
    page->nbytes = (uint32_t)nbytes;
    return page_to_virt(page);
}

void *kmalloc(size_t nbytes, unsigned flags)
{
    if (nbytes == 0 || nbytes > KMALLOC_MAX)
        return NULL;
    if (nbytes > SLAB_CLASS_MAX || (flags & PAGE_DMA))
        return kmalloc_pages(nbytes, flags);
    return slab_alloc(state.caches[class_of(nbytes)], flags);
}

/* The block that a pointer from kmalloc() is in; panics if it is not from there. */
static struct page *kmalloc_page(const void *pointer)
{
    paddr_t paddr = virt_to_paddr(pointer);

    ASSERT(paddr < LOWMEM_MAX_BYTES && paddr >> PAGE_SHIFT < max_pfn,
           "kfree of %p, which is outside the direct map", pointer);
    struct page *page = page_block_head(virt_to_page(pointer));
    if (page->kind != PAGE_SLAB) {
        ASSERT(page->kind == PAGE_KMALLOC && pointer == page_to_virt(page),
               "kfree of %p, which kmalloc did not return (%s)", pointer,
               page_kind_name(page->kind));
        return page;
    }
    ASSERT(page->cache_id - state.first_id < CLASS_COUNT,
           "kfree of %p, which belongs to slab cache %s", pointer,
           slab_cache_name(slab_cache_of_page(page)));
    return page;
}

void kfree(void *pointer)
{
    if (!pointer)
        return;
    struct page *page = kmalloc_page(pointer);
    if (page->kind == PAGE_KMALLOC)
        buddy_free(page, page->order);
    else
        slab_free_in(page, pointer);
}

size_t kmalloc_usable_size(const void *pointer)
{
    struct page *page = kmalloc_page(pointer);
    return page->kind == PAGE_KMALLOC ? PAGE_SIZE << page->order
                                      : slab_object_size(slab_cache_of_page(page));
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
    return kmalloc(aligned_request(nbytes, align), flags);
}

void kfree_aligned(void *pointer, size_t nbytes, size_t align)
{
    ASSERT(!pointer || kmalloc_usable_size(pointer) >= aligned_request(nbytes, align),
           "kfree_aligned of %p: %u bytes, but it has %u", pointer, (unsigned)nbytes,
           (unsigned)kmalloc_usable_size(pointer));
    kfree(pointer);
}
