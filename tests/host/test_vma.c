// sources: mm/page.c mm/memmap.c mm/buddy.c mm/buddy_check.c mm/mobility.c mm/inject.c kernel/lib/parse.c tests/host/shim/host.c tests/host/shim/pagecache.c mm/slab.c mm/slab_debug.c mm/vma.c
/* tests/host/test_vma.c - sets of ranges against an array: for each page its rights, its file, the
 * page of it, and whether it lies before the file's end.  The references that the ranges hold on
 * files are counted.
 * Usage: vma [SEED] */
#include "host.h"
#include "kernel/lib/errno.h"
#include "mm/pagecache.h"
#include "mm/slab.h"
#include "mm/vma.h"

enum { PAGES = 80, STEPS = 20000, FILES = 2 };

#define BASE 0x10000000u

struct model_page {
    bool mapped;
    unsigned prot;
    struct page_cache *file;
    uint32_t index;   /* page of the file */
    uaddr_t file_end; /* of the range, as it was inserted */
};

static struct model_page model[PAGES];
static struct vma_set set;
static struct page_cache files[FILES];

static uaddr_t address_of(unsigned page)
{
    return BASE + page * PAGE_SIZE;
}

/* Are two neighbouring pages of the model one range's? */
static bool continues(const struct model_page *a, const struct model_page *b)
{
    return a->mapped && b->mapped && a->prot == b->prot && a->file == b->file &&
           (!a->file || (a->index + 1 == b->index && a->file_end == b->file_end));
}

static void check_page(struct vma_set *in, unsigned i)
{
    struct vma *vma = vma_find(in, address_of(i) + host_random_below(PAGE_SIZE));
    const struct model_page *page = &model[i];

    CHECK((vma != NULL) == page->mapped);
    if (vma == NULL)
        return;
    CHECK((vma->flags & VMA_PROT) == page->prot);
    CHECK(vma->backing.file == page->file);
    if (page->file) {
        CHECK(vma_page_index(vma, address_of(i)) == page->index);
        CHECK(vma->backing.file_end == page->file_end);
    }
}

static void check_against_model(struct vma_set *in)
{
    unsigned ranges = 0, pages = 0, holders[FILES] = { 0 };

    CHECK(vma_check(in));
    for (unsigned i = 0; i < PAGES; i++) {
        check_page(in, i);
        pages += model[i].mapped;
        ranges += model[i].mapped && (i == 0 || !continues(&model[i - 1], &model[i]));
    }
    CHECK(in->count == ranges);
    CHECK(in->npages == pages);
    for (struct vma *vma = vma_last(in); vma; vma = vma_prev(in, vma))
        if (vma->backing.file)
            holders[vma->backing.file - files]++;
    for (unsigned i = 0; in == &set && i < FILES; i++)
        CHECK(files[i].refs == holders[i]);
    CHECK(vma_find(in, BASE - 1) == NULL);
    CHECK(vma_find(in, address_of(PAGES)) == NULL);
}

static void check_find_next(unsigned page)
{
    struct vma *next = vma_find_next(&set, address_of(page));
    while (page < PAGES && !model[page].mapped)
        page++;
    CHECK((next != NULL) == (page < PAGES));
    if (next != NULL)
        CHECK(next->start <= address_of(page) && next->end > address_of(page));
}

/* Anonymous, or one of the files at a place of which there are few, so that ranges often meet. */
static struct vma_backing random_backing(unsigned first)
{
    struct vma_backing backing = { 0 };

    if (host_random_below(2) == 0)
        return backing;
    backing.file = &files[host_random_below(FILES)];
    backing.page_offset = host_random_below(2) * 5 - BASE / PAGE_SIZE;
    backing.file_end = host_random_below(3) ? VMA_WHOLE_FILE : address_of(first + 3) + 100;
    return backing;
}

static void insert(unsigned first, unsigned last, bool free)
{
    struct vma_backing backing = random_backing(first);
    unsigned prot = host_random_below(4);
    int result = vma_insert(&set, address_of(first), address_of(last), prot, &backing);

    CHECK(result == (free ? 0 : -EEXIST));
    for (unsigned i = first; free && i < last; i++)
        model[i] = (struct model_page){ true, prot, backing.file,
                                        address_of(i) / PAGE_SIZE + backing.page_offset,
                                        backing.file_end };
}

static void split_at(unsigned first, unsigned last)
{
    CHECK(vma_split(&set, address_of(first)) == 0 && vma_split(&set, address_of(last)) == 0);
}

static void remove_range(unsigned first, unsigned last)
{
    struct list_node removed = LIST_INIT(removed);

    split_at(first, last);
    vma_remove(&set, address_of(first), address_of(last), &removed);
    vma_free_list(&removed);
    for (unsigned i = first; i < last; i++)
        model[i] = (struct model_page){ 0 };
}

static void protect(unsigned first, unsigned last)
{
    unsigned prot = host_random_below(4);

    split_at(first, last);
    vma_set_flags(&set, address_of(first), address_of(last), VMA_PROT, prot);
    for (unsigned i = first; i < last; i++)
        model[i].prot = model[i].mapped ? prot : 0;
}

/* As mremap does it: one page's range to a free place. */
static void move(unsigned from, unsigned to)
{
    if (!model[from].mapped || model[to].mapped)
        return;
    split_at(from, from + 1);
    vma_move(&set, vma_find(&set, address_of(from)), address_of(to), address_of(to + 1));
    model[to] = model[from];
    if (model[to].file && model[to].file_end != VMA_WHOLE_FILE)
        model[to].file_end += (to - from) * PAGE_SIZE;
    model[from] = (struct model_page){ 0 };
}

static void copy_and_compare(void)
{
    struct vma_set copy;

    vma_set_init(&copy);
    CHECK(vma_set_copy(&copy, &set) == 0);
    check_against_model(&copy);
    vma_set_destroy(&copy);
}

static void random_step(void)
{
    unsigned first = host_random_below(PAGES), last = first + 1 + host_random_below(12);
    bool free = true, full = true;

    last = MIN(last, (unsigned)PAGES);
    for (unsigned i = first; i < last; i++) {
        free &= !model[i].mapped;
        full &= model[i].mapped;
    }
    CHECK(vma_range_is_free(&set, address_of(first), address_of(last)) == free);
    CHECK(vma_range_is_mapped(&set, address_of(first), address_of(last)) == full);
    switch (host_random_below(4)) {
    case 0:
        insert(first, last, free);
        break;
    case 1:
        remove_range(first, last);
        break;
    case 2:
        protect(first, last);
        break;
    default:
        move(first, host_random_below(PAGES));
    }
    check_find_next(first);
}

int main(int argc, char *argv[])
{
    host_init(argc, argv);
    host_machine(500);
    slab_init("");
    vma_init();
    vma_set_init(&set);
    for (unsigned step = 0; step < STEPS; step++) {
        random_step();
        if (step % 50 == 0)
            check_against_model(&set);
        if (step % 500 == 0)
            copy_and_compare();
    }
    check_against_model(&set);
    vma_set_destroy(&set);
    CHECK(vma_find(&set, BASE) == NULL);
    CHECK(files[0].refs == 0 && files[1].refs == 0);
    CHECK(slab_check());
    puts("vma: ok");
    return 0;
}
