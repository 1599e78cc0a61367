// sources: mm/page.c mm/memmap.c mm/buddy.c kernel/lib/parse.c tests/host/shim/host.c mm/slab.c mm/slab_debug.c mm/vma.c
/* tests/host/test_vma.c - sets of ranges against an array with the rights of each page.
 * Usage: vma [SEED] */
#include "host.h"
#include "kernel/lib/errno.h"
#include "mm/slab.h"
#include "mm/vma.h"

enum { PAGES = 80, STEPS = 20000, NOTHING = 0xFF };

#define BASE 0x10000000u

static uint8_t model[PAGES]; /* rights of each page, or NOTHING */
static struct vma_set set;

static uaddr_t address_of(unsigned page)
{
    return BASE + page * PAGE_SIZE;
}

static void check_against_model(void)
{
    unsigned ranges = 0, pages = 0;
    CHECK(vma_check(&set));
    for (unsigned i = 0; i < PAGES; i++) {
        struct vma *vma = vma_find(&set, address_of(i) + host_random_below(PAGE_SIZE));
        CHECK((vma != NULL) == (model[i] != NOTHING));
        if (vma == NULL)
            continue;
        pages++;
        CHECK((vma->flags & VMA_PROT) == model[i]);
        ranges += i == 0 || model[i - 1] != model[i]; /* equal neighbours are one range */
    }
    CHECK(set.count == ranges);
    CHECK(set.npages == pages);
    CHECK(vma_find(&set, BASE - 1) == NULL);
    CHECK(vma_find(&set, address_of(PAGES)) == NULL);
}

static void check_find_next(unsigned page)
{
    struct vma *next = vma_find_next(&set, address_of(page));
    while (page < PAGES && model[page] == NOTHING)
        page++;
    CHECK((next != NULL) == (page < PAGES));
    if (next != NULL)
        CHECK(next->start <= address_of(page) && next->end > address_of(page));
}

static void random_step(void)
{
    static const struct vma_backing none = { "", NULL, 0, 0 };
    unsigned first = host_random_below(PAGES), last = first + 1 + host_random_below(12);
    unsigned prot = host_random_below(4);
    last = MIN(last, (unsigned)PAGES);
    uaddr_t start = address_of(first), end = address_of(last);
    bool free = true, full = true;
    for (unsigned i = first; i < last; i++) {
        free &= model[i] == NOTHING;
        full &= model[i] != NOTHING;
    }
    CHECK(vma_range_is_free(&set, start, end) == free);
    CHECK(vma_range_is_mapped(&set, start, end) == full);
    switch (host_random_below(3)) {
    case 0:
        CHECK(vma_insert(&set, start, end, prot, &none) == (free ? 0 : -EEXIST));
        if (free)
            memset(model + first, (int)prot, last - first);
        break;
    case 1:
        CHECK(vma_split(&set, start) == 0 && vma_split(&set, end) == 0);
        vma_remove(&set, start, end);
        memset(model + first, NOTHING, last - first);
        break;
    default:
        if (!full)
            break;
        CHECK(vma_split(&set, start) == 0 && vma_split(&set, end) == 0);
        vma_protect(&set, start, end, prot);
        memset(model + first, (int)prot, last - first);
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
    memset(model, NOTHING, sizeof(model));
    for (unsigned step = 0; step < STEPS; step++) {
        random_step();
        if (step % 50 == 0)
            check_against_model();
    }
    check_against_model();
    vma_set_destroy(&set);
    CHECK(vma_find(&set, BASE) == NULL);
    CHECK(slab_check());
    puts("vma: ok");
    return 0;
}
