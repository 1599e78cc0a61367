// sources: mm/page.c mm/memmap.c mm/buddy.c mm/buddy_check.c mm/mobility.c mm/inject.c kernel/lib/parse.c tests/host/shim/host.c tests/host/shim/pagecache.c mm/slab.c mm/slab_debug.c mm/vma.c
/* tests/fuzz/fuzz_vma.c - the ranges of an address space against a plain array: for each page its
 * rights and the page of the file that it shows.  Some operations run out of memory on purpose: then
 * nothing may have changed.  Input: operations. */
#include "host.h"
#include "kernel/lib/errno.h"
#include "mm/inject.h"
#include "mm/pagecache.h"
#include "mm/slab.h"
#include "mm/vma.h"
#include "tests/fuzz/fuzz.h"

enum { PAGES = 48, LENGTH_MAX = 12 };

#define BASE 0x10000000u

static struct model_page {
    bool mapped;
    unsigned flags;
    struct page_cache *file;
    uint32_t index;
} model[PAGES];
static struct vma_set set;
static struct page_cache file;

static uaddr_t address_of(unsigned page)
{
    return BASE + page * PAGE_SIZE;
}

static bool continues(const struct model_page *a, const struct model_page *b)
{
    return a->mapped && b->mapped && a->flags == b->flags && a->file == b->file &&
           (!a->file || a->index + 1 == b->index);
}

static void check_against_model(void)
{
    unsigned ranges = 0, pages = 0;

    CHECK(vma_check(&set));
    for (unsigned i = 0; i < PAGES; i++) {
        const struct vma *vma = vma_find(&set, address_of(i));
        const struct model_page *page = &model[i];
        CHECK((vma != NULL) == page->mapped);
        pages += page->mapped;
        ranges += page->mapped && (i == 0 || !continues(page - 1, page));
        if (!vma)
            continue;
        CHECK((vma->flags & VMA_PROT) == page->flags && vma->backing.file == page->file);
        CHECK(!page->file || vma_page_index(vma, address_of(i)) == page->index);
    }
    CHECK(set.count == ranges && set.npages == pages);
}

static bool all_are(unsigned first, unsigned last, bool mapped)
{
    for (unsigned i = first; i < last; i++)
        if (model[i].mapped != mapped)
            return false;
    return true;
}

static void insert(struct choices *choices, unsigned first, unsigned last)
{
    struct vma_backing backing = { 0 };
    unsigned flags = choose(choices, VMA_PROT + 1);
    bool free = all_are(first, last, false);

    if (choose(choices, 2)) {
        backing.file = &file;
        backing.page_offset = choose(choices, 3) * 2 - BASE / PAGE_SIZE;
        backing.file_end = VMA_WHOLE_FILE;
    }
    int error = vma_insert(&set, address_of(first), address_of(last), flags, &backing);
    CHECK(free ? error == 0 || error == -ENOMEM : error == -EEXIST);
    for (unsigned i = first; error == 0 && i < last; i++)
        model[i] = (struct model_page){ true, flags, backing.file,
                                        address_of(i) / PAGE_SIZE + backing.page_offset };
}

/* What both ends' owners do first; false: no memory, nothing has changed but the boundaries. */
static bool split_at(unsigned first, unsigned last)
{
    int error = vma_split(&set, address_of(first));

    if (!error)
        error = vma_split(&set, address_of(last));
    CHECK(error == 0 || error == -ENOMEM);
    return error == 0;
}

/* A split that was for nothing: let the pieces melt together again. */
static void melt(void)
{
    vma_set_flags(&set, BASE, address_of(PAGES), 0, 0);
}

static void remove_range(unsigned first, unsigned last)
{
    struct list_node removed = LIST_INIT(removed);

    if (!split_at(first, last))
        return;
    vma_remove(&set, address_of(first), address_of(last), &removed);
    vma_free_list(&removed);
    for (unsigned i = first; i < last; i++)
        model[i] = (struct model_page){ 0 };
}

static void protect(struct choices *choices, unsigned first, unsigned last)
{
    unsigned flags = choose(choices, VMA_PROT + 1);

    if (!split_at(first, last))
        return;
    vma_set_flags(&set, address_of(first), address_of(last), VMA_PROT, flags);
    for (unsigned i = first; i < last; i++)
        model[i].flags = model[i].mapped ? flags : 0;
}

static void move(unsigned from, unsigned to)
{
    if (!model[from].mapped || model[to].mapped || !split_at(from, from + 1))
        return;
    vma_move(&set, vma_find(&set, address_of(from)), address_of(to), address_of(to + 1));
    model[to] = model[from];
    model[from] = (struct model_page){ 0 };
}

static void copy_and_compare(void)
{
    struct vma_set copy;
    uint32_t refs = file.refs;

    vma_set_init(&copy);
    if (vma_set_copy(&copy, &set) == 0)
        CHECK(copy.count == set.count && copy.npages == set.npages && vma_check(&copy));
    else
        CHECK(copy.count == 0);
    vma_set_destroy(&copy);
    CHECK(file.refs == refs);
}

static void step(struct choices *choices)
{
    unsigned first = choose(choices, PAGES);
    unsigned length = 1 + choose(choices, LENGTH_MAX),
             last = MIN(first + length, (unsigned)PAGES);
    unsigned operation = choose(choices, 10);
    struct inject_rule rule = { .what = operation & 1 ? INJECT_SLAB : 0,
                                .mode = INJECT_NTH,
                                .n = 1 + choose(choices, 2) };

    CHECK(vma_range_is_free(&set, address_of(first), address_of(last)) ==
          all_are(first, last, false));
    CHECK(vma_range_is_mapped(&set, address_of(first), address_of(last)) ==
          all_are(first, last, true));
    inject_set(&rule);
    if (operation < 4)
        insert(choices, first, last);
    else if (operation < 6)
        remove_range(first, last);
    else if (operation < 8)
        protect(choices, first, last);
    else if (operation < 9)
        move(first, choose(choices, PAGES));
    else
        copy_and_compare();
    inject_set(&(struct inject_rule){ 0 });
    melt();
    check_against_model();
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t nbytes)
{
    static bool started;
    struct choices choices = choices_of(bytes, nbytes);

    if (!started) {
        host_machine(500);
        slab_init("");
        vma_init();
        started = true;
    }
    memset(model, 0, sizeof(model));
    vma_set_init(&set);
    while (choices_left(&choices))
        step(&choices);
    vma_set_destroy(&set);
    CHECK(file.refs == 0 && slab_check());
    return 0;
}
