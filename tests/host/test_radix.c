// sources: mm/page.c mm/memmap.c mm/buddy.c mm/buddy_check.c mm/mobility.c mm/inject.c kernel/lib/parse.c tests/host/shim/host.c mm/slab.c mm/slab_debug.c mm/radix.c
/* tests/host/test_radix.c - radix trees against a sorted array.  Usage: radix [SEED] */
#include "host.h"
#include "kernel/lib/errno.h"
#include "mm/buddy.h"
#include "mm/radix.h"
#include "mm/slab.h"

enum { FRAMES = 4000, ENTRIES = 600, STEPS = 20000 };

static struct {
    uint32_t index;
    void *entry;
} model[ENTRIES];
static unsigned count;
static struct radix_tree tree;

/* Small ones, clusters, and the edges of each level. */
static uint32_t random_index(void)
{
    uint32_t edge = 1u << (6 * host_random_below(6));
    switch (host_random_below(4)) {
    case 0:
        return host_random_below(200);
    case 1:
        return edge - 2 + host_random_below(4);
    case 2:
        return UINT32_MAX - host_random_below(100);
    default:
        return host_random() >> host_random_below(32);
    }
}

/* Where `index` is in the model, or would be. */
static unsigned place_of(uint32_t index)
{
    unsigned place = 0;
    while (place < count && model[place].index < index)
        place++;
    return place;
}

static bool is_at(unsigned place, uint32_t index)
{
    return place < count && model[place].index == index;
}

static void insert(uint32_t index)
{
    struct radix_stock stock = { 0 };
    unsigned place = place_of(index), tries = 0;
    void *entry = (void *)(uintptr_t)(host_random() | 1);
    int result;
    while ((result = radix_insert(&tree, index, entry, &stock)) == -ENOMEM) {
        CHECK(radix_lookup(&tree, index) == NULL); /* nothing has changed */
        CHECK(radix_stock_add(&stock) == 0);
        CHECK(++tries <= 11);
    }
    if (is_at(place, index)) {
        CHECK(result == -EEXIST);
    } else {
        CHECK(result == 0);
        CHECK(stock.count == 0); /* no more were asked for than were needed */
        memmove(&model[place + 1], &model[place], (count - place) * sizeof(model[0]));
        model[place].index = index;
        model[place].entry = entry;
        count++;
    }
    radix_stock_free(&stock);
}

static void remove_at(uint32_t index)
{
    struct radix_stock stock = { 0 };
    unsigned place = place_of(index);
    void *entry = radix_remove(&tree, index, &stock);
    radix_stock_free(&stock);
    if (!is_at(place, index)) {
        CHECK(entry == NULL);
        return;
    }
    CHECK(entry == model[place].entry);
    count--;
    memmove(&model[place], &model[place + 1], (count - place) * sizeof(model[0]));
}

static void check_from(uint32_t index)
{
    unsigned place = place_of(index);
    uint32_t next = index;
    void *entry = radix_next(&tree, &next);
    CHECK((entry != NULL) == (place < count));
    if (entry != NULL) {
        CHECK(next == model[place].index);
        CHECK(entry == model[place].entry);
    }
    CHECK(radix_lookup(&tree, index) == (is_at(place, index) ? model[place].entry : NULL));
}

static void check_all(void)
{
    uint32_t index = 0;
    unsigned place = 0;
    CHECK(radix_check(&tree));
    for (void *entry; (entry = radix_next(&tree, &index)) != NULL; index++) {
        CHECK(is_at(place, index) && model[place].entry == entry);
        place++;
        if (index == UINT32_MAX)
            break;
    }
    CHECK(place == count);
}

int main(int argc, char *argv[])
{
    host_init(argc, argv);
    host_machine(FRAMES);
    slab_init("");
    radix_init();
    slab_shrink_all();
    uint32_t free_before = buddy_free_frames();
    for (unsigned step = 0; step < STEPS; step++) {
        bool filling = (step / 2000) % 2 == 0;
        if (count < ENTRIES && host_random_below(100) < (filling ? 70u : 30u))
            insert(random_index());
        else if (count > 0)
            remove_at(host_random_below(4) ? model[host_random_below(count)].index
                                           : random_index());
        check_from(random_index());
        if (step % 200 == 0)
            check_all();
    }
    while (count > 0)
        remove_at(model[count - 1].index);
    check_all();
    CHECK(tree.height == 0 && tree.root == NULL);
    slab_shrink_all();
    CHECK(buddy_free_frames() == free_before);
    puts("radix: ok");
    return 0;
}
