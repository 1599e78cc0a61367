/* Leaks.
 *
 * Problem     Memory that is never freed does no harm today, and so nobody notices.
 * Since       Each allocation has a number (mm/track.h).  Whoever remembers the number of the last
 *             one, does something, and lists what is in use with a higher number, sees what that
 *             something has left behind.  Some of it may be meant to stay: a cache that has grown,
 *             a page table.  That is for a person to judge.
 * Unreachable What no pointer leads to can never be freed: that is a leak for certain.  This is the
 *             mark phase of a garbage collector that then only reports (Linux: kmemleak).
 *
 *             white   nothing seen that leads to it
 *             gray    something leads to it; it has not been searched itself
 *             black   searched
 *
 *             All are white at first.  Roots are searched; each gray one is searched, until there
 *             is none; what is still white is out of reach.
 * Roots       the kernel's .data and .bss; the used part of each kernel stack (on which the
 *             registers are, too); mem_map, for a frame of the page cache points to its owner;
 *             vmalloc areas; what is not tracked itself.
 * Conservative  Every aligned word is taken for a pointer if it could be one, to any byte of an
 *             object: list nodes lie in the middle.  So a number that happens to look like an
 *             address, or an old value in a variable that is not in use any more, hides a leak:
 *             there are false negatives.  A false alarm needs a pointer that is kept in another
 *             form, say as a frame number; Strata keeps objects in none.
 * Not checked  Blocks of frames but kmalloc's: they are in use as frame numbers in page tables.
 * Gray ones   wait on a stack of fixed size.  One that finds no room stays gray, and at the end all
 *             objects are gone through for such: slow, but needed only for deep structures.
 * Example     a list of two whose head variable was overwritten:  head -> (nothing)   [a] -> [b]
 *             Nothing leads to a, and only a to b: both are reported.  A ring that points to itself
 *             is found for the same reason, which counting references would not do.
 * Reading     Boehm and Weiser, "Garbage Collection in an Uncooperative Environment", Software -
 *             Practice and Experience 18 (9), 1988; Linux, Documentation/dev-tools/kmemleak.rst. */
#include "mm/leaks.h"

#include "kernel/cpu/cpu.h"
#include "kernel/lib/errno.h"
#include "kernel/lib/string.h"
#include "mm/kasan.h"
#include "mm/kmalloc.h"
#include "mm/kmap.h"
#include "mm/slab_internal.h"

enum colour { WHITE, GRAY, BLACK };

#define GRAY_MAX (PAGE_SIZE / sizeof(uintptr_t))

extern const uint8_t kernel_data_start[], kernel_end[];     /* boot/kernel.ld */
extern const uint8_t boot_stack_bottom[], boot_stack_top[]; /* boot/entry.S */

/* An object of a slab, or a block of frames that is none; in use and tracked. */
struct object {
    uint8_t *start; /* NULL: not in the direct map */
    uint32_t nbytes;
    struct track *track;
    const struct page *head;
};

static struct {
    struct leak_list *list;
    uint32_t after, upto; /* leaks_since() */
    uintptr_t *gray;      /* objects to be searched */
    unsigned gray_count;
    bool gray_overflow;
} state;

bool leaks_available(void)
{
    struct slab_stats stats;

    for (unsigned i = 0; slab_get_stats(i, &stats); i++)
        if (stats.debug & SLAB_TRACK)
            return true;
    return track_pages;
}

/* ---- all objects ---- */

static struct slab_cache *tracked_cache(const struct page *head)
{
    struct slab_cache *cache = slab_owner(head);
    return cache && (cache->debug & SLAB_TRACK) ? cache : NULL;
}

/* False: the slot is free. */
static bool object_in_slot(struct slab_cache *cache, const struct page *head, uint8_t *slot,
                           struct object *object)
{
    *object = (struct object){ .start = slot,
                               .nbytes = cache->object_size,
                               .track = &slab_tracks_of(cache, slot)->alloc,
                               .head = head };
    return slab_tail_of(cache, slot)->state != SLOT_FREE;
}

/* A used block that is no slab; false: it is not tracked. */
static bool object_in_frames(const struct page *head, struct object *object)
{
    bool lowmem = page_is_lowmem(head);

    *object = (struct object){ .start = lowmem ? page_to_virt(head) : NULL,
                               .nbytes = PAGE_SIZE << head->order,
                               .track = track_of_page(head),
                               .head = head };
    return object->track != NULL;
}

static void visit_slab(const struct page *head, void (*visit)(const struct object *object))
{
    struct slab_cache *cache = tracked_cache(head);
    struct object object;

    if (!cache)
        return;
    uint8_t *slot = slab_base(cache, head);
    for (uint32_t i = 0; i < slab_slots(cache, head); i++, slot += cache->slot_size)
        if (object_in_slot(cache, head, slot, &object))
            visit(&object);
}

/* Frames from the head of one block to the next one's. */
static uint32_t block_frames(const struct page *head)
{
    return head->kind == PAGE_RESERVED || head->kind == PAGE_TAIL ? 1 : 1u << head->order;
}

static void visit_objects(void (*visit)(const struct object *object))
{
    struct object object;

    for (pfn_t pfn = 0; pfn < max_pfn; pfn += block_frames(pfn_to_page(pfn))) {
        const struct page *head = pfn_to_page(pfn);
        if (head->kind == PAGE_SLAB)
            visit_slab(head, visit);
        else if (head->kind >= PAGE_KIND_FIRST_USED && object_in_frames(head, &object))
            visit(&object);
    }
}

/* ---- the list ---- */

static void clear_list(struct leak_list *list)
{
    list->nsites = list->count = list->looked_at = 0;
    list->nbytes = 0;
    /* What an earlier list says of an object must not make it reachable. */
    memset(list->sites, 0, list->capacity * sizeof(*list->sites));
}

static const char *name_of(const struct object *object)
{
    return object->head->kind == PAGE_SLAB ? slab_cache_name(slab_owner(object->head))
                                           : page_kind_name((enum page_kind)object->head->kind);
}

/* Objects of one kind are of one site if the way to their allocation is the same. */
static struct leak_site *find_site(struct leak_list *list, const struct object *object)
{
    const char *name = name_of(object);
    struct leak_site *site = list->sites;

    for (; site < list->sites + list->nsites; site++)
        if (!memcmp(site->track.callers, object->track->callers, sizeof(site->track.callers)) &&
            !strcmp(site->what, name))
            return site;
    if (list->nsites == list->capacity)
        return NULL;
    list->nsites++;
    strlcpy(site->what, name, sizeof(site->what));
    site->frames = object->head->kind != PAGE_SLAB;
    return site;
}

static void add_to_list(const struct object *object)
{
    struct leak_list *list = state.list;
    struct leak_site *site = find_site(list, object);

    list->count++;
    list->nbytes += object->nbytes;
    if (!site)
        return;
    site->count++;
    site->nbytes += object->nbytes;
    if (site->track.serial < object->track->serial) {
        site->track = *object->track;
        site->example = site->frames ? page_to_pfn(object->head) : (uint32_t)object->start;
    }
}

/* The most bytes first. */
static void sort_list(struct leak_list *list)
{
    for (unsigned i = 1; i < list->nsites; i++) {
        struct leak_site site = list->sites[i];
        unsigned to = i;
        for (; to > 0 && list->sites[to - 1].nbytes < site.nbytes; to--)
            list->sites[to] = list->sites[to - 1];
        list->sites[to] = site;
    }
}

static void add_if_new(const struct object *object)
{
    state.list->looked_at++;
    if (object->track->serial > state.after && object->track->serial <= state.upto)
        add_to_list(object);
}

void leaks_since(uint32_t after, uint32_t upto, struct leak_list *list)
{
    uint32_t irq = irq_save();

    kasan_quarantine_flush(); /* what waits there is free */
    clear_list(list);
    state.list = list;
    state.after = after;
    state.upto = upto;
    visit_objects(add_if_new);
    sort_list(list);
    irq_restore(irq);
}

/* ---- out of reach ---- */

/* Can it be out of reach? */
static bool is_checked(const struct page *head)
{
    return head->kind == PAGE_SLAB || head->kind == PAGE_KMALLOC;
}

static bool find_in_slab(const struct page *head, uintptr_t address, struct object *object)
{
    struct slab_cache *cache = tracked_cache(head);

    if (!cache)
        return false;
    uint8_t *base = slab_base(cache, head);
    uint32_t offset = address - (uintptr_t)base;
    if (offset / cache->slot_size >= slab_slots(cache, head) ||
        offset % cache->slot_size >= cache->object_size)
        return false;
    return object_in_slot(cache, head, base + offset - offset % cache->slot_size, object);
}

/* The object that lies at an address, if it is one that can be out of reach. */
static bool find_object(uintptr_t address, struct object *object)
{
    if (address < KERNEL_BASE || address >= VMALLOC_START)
        return false;
    const struct page *head = slab_block_of((const void *)address);
    if (!head || !is_checked(head))
        return false;
    return head->kind == PAGE_SLAB ? find_in_slab(head, address, object)
                                   : object_in_frames(head, object);
}

/* There is a pointer to this address, if it is one. */
static void reach(uintptr_t address)
{
    struct object object;

    if (!find_object(address, &object) || object.track->colour != WHITE)
        return;
    object.track->colour = GRAY;
    if (state.gray_count < GRAY_MAX)
        state.gray[state.gray_count++] = address;
    else
        state.gray_overflow = true;
}

static void search_words(const void *start, const void *end)
{
    const uintptr_t *word = (const uintptr_t *)ALIGN_UP((uintptr_t)start, sizeof(uintptr_t));

    for (; word + 1 <= (const uintptr_t *)end; word++)
        reach(*word);
}

static void search_object(const struct object *object)
{
    object->track->colour = BLACK;
    search_words(object->start, object->start + object->nbytes);
}

/* Search what is gray until nothing is. */
static void search_gray(void)
{
    struct object object;

    while (state.gray_count > 0)
        if (find_object(state.gray[--state.gray_count], &object))
            search_object(&object);
}

/* One that found no room on the stack. */
static void search_if_gray(const struct object *object)
{
    if (!is_checked(object->head) || object->track->colour != GRAY)
        return;
    search_object(object);
    search_gray();
}

static void make_white(const struct object *object)
{
    object->track->colour = WHITE;
}

static void add_if_white(const struct object *object)
{
    if (!is_checked(object->head))
        return;
    state.list->looked_at++;
    if (object->track->colour == WHITE)
        add_to_list(object);
}

static void search_frames(struct page *head)
{
    for (uint32_t i = 0; i < block_frames(head); i++) {
        uint8_t *bytes = kmap(head + i);
        search_words(bytes, bytes + PAGE_SIZE);
        kunmap(bytes);
    }
}

/* Memory that points to objects and is not tracked itself. */
static void search_blocks(void)
{
    for (pfn_t pfn = 0; pfn < max_pfn; pfn += block_frames(pfn_to_page(pfn))) {
        struct page *head = pfn_to_page(pfn);
        bool untracked = (head->kind == PAGE_SLAB && !tracked_cache(head)) ||
                         (head->kind == PAGE_KMALLOC && !track_of_page(head));
        if (head->kind == PAGE_VMALLOC || untracked)
            search_frames(head);
    }
}

/* The kernel's data, without the boot page tables, which were given to buddy, and without the boot
 * stack, which was left for ever: what lies there is of no use to anybody. */
static void search_data(void)
{
    const uint8_t *page = kernel_data_start;

    for (; page < kernel_end; page += PAGE_SIZE) {
        const uint8_t *end = page + PAGE_SIZE;
        if (virt_to_page(page)->kind != PAGE_RESERVED)
            continue;
        search_words(page, MAX(page, MIN(end, boot_stack_bottom)));
        search_words(MIN(end, MAX(page, boot_stack_top)), end);
    }
}

static void search_roots(void (*visit_stacks)(leaks_visit *visit))
{
    visit_stacks(search_words);
    search_data();
    search_words(mem_map, mem_map + max_pfn);
    search_blocks();
}

int leaks_unreachable(void (*visit_stacks)(leaks_visit *visit), struct leak_list *list)
{
    clear_list(list);
    uintptr_t *gray = kmalloc(GRAY_MAX * sizeof(*gray), PAGE_ZERO);
    if (!gray)
        return -ENOMEM;
    __builtin_unwind_init(); /* what registers hold is on the stack from here on */
    uint32_t irq = irq_save();
    state.list = list;
    state.gray = gray;
    state.gray_count = 0;
    kasan_quarantine_flush();
    visit_objects(make_white);
    search_roots(visit_stacks);
    search_gray();
    while (state.gray_overflow) {
        state.gray_overflow = false;
        visit_objects(search_if_gray);
    }
    visit_objects(add_if_white);
    sort_list(list);
    irq_restore(irq);
    kfree(gray);
    return 0;
}
