// sources: mm/page.c mm/memmap.c mm/buddy.c mm/buddy_check.c mm/mobility.c mm/inject.c kernel/lib/parse.c tests/host/shim/host.c mm/slab.c mm/slab_debug.c
/* tests/host/test_slab.c - object caches of random shapes against a model that knows every live object
 * and what is in it.  Usage: slab [SEED] */
#include "host.h"
#include "mm/buddy.h"
#include "mm/slab_internal.h"

enum { FRAMES = 6000, CACHES = 6, OBJECTS = 1500, STEPS = 30000 };

#define CONSTRUCTED 0x5C

static struct object {
    struct slab_cache *cache;
    uint8_t *memory;
    uint8_t byte;
} objects[OBJECTS];
static unsigned object_count;

static struct {
    struct slab_cache *cache;
    size_t size, align;
    bool constructed;
    unsigned live;
} caches[CACHES];

static size_t constructed_size;

static void construct(void *object)
{
    memset(object, CONSTRUCTED, constructed_size);
}

static bool is_byte(const uint8_t *memory, size_t nbytes, uint8_t byte)
{
    for (size_t i = 0; i < nbytes; i++) {
        if (memory[i] != byte)
            return false;
    }
    return true;
}

static void make_cache(unsigned i)
{
    static const unsigned debug[] = {
        0, 0, SLAB_CONSISTENCY, SLAB_REDZONE, SLAB_POISON, SLAB_DEBUG_ALL
    };
    char name[SLAB_NAME_MAX];
    snprintf(name, sizeof(name), "test-%u", i);
    caches[i].size = 1 + host_random_below(i % 3 == 0 ? 2500 : 200);
    caches[i].align = i % 2 == 0 ? 0 : 1u << host_random_below(8);
    caches[i].constructed = i == 5;
    if (i == 5)
        constructed_size = caches[i].size;
    caches[i].cache = slab_cache_create(name, caches[i].size, caches[i].align,
                                        i == 5 ? construct : NULL, debug[i % 6]);
    caches[i].live = 0;
    CHECK(caches[i].cache != NULL);
}

static void take(void)
{
    unsigned i = host_random_below(CACHES);
    unsigned flags = caches[i].constructed || host_random_below(2) ? PAGE_ANY : PAGE_ZERO;
    uint8_t *memory = slab_alloc(caches[i].cache, flags);
    if (memory == NULL)
        return;
    void *start = NULL;
    CHECK(slab_cache_of(memory + caches[i].size - 1, &start) == caches[i].cache);
    CHECK(start == memory);
    CHECK(caches[i].align == 0 || IS_ALIGNED((uintptr_t)memory, caches[i].align));
    if (flags == PAGE_ZERO)
        CHECK(is_byte(memory, caches[i].size, 0));
    if (caches[i].constructed)
        CHECK(is_byte(memory, caches[i].size, CONSTRUCTED));
    struct object object = { caches[i].cache, memory, (uint8_t)host_random() };
    memset(memory, object.byte, caches[i].size);
    objects[object_count++] = object;
    caches[i].live++;
}

static void give(unsigned k)
{
    struct object object = objects[k];
    size_t size = slab_object_size(object.cache);
    CHECK(is_byte(object.memory, size, object.byte));
    for (unsigned i = 0; i < CACHES; i++) {
        if (caches[i].cache != object.cache)
            continue;
        caches[i].live--;
        if (caches[i].constructed)
            memset(object.memory, CONSTRUCTED, size);
    }
    slab_free(object.cache, object.memory);
    objects[k] = objects[--object_count];
}

static void check_against_model(void)
{
    struct slab_stats stats;
    CHECK(slab_check());
    for (unsigned index = 0; slab_get_stats(index, &stats); index++) {
        unsigned i;
        if (sscanf(stats.name, "test-%u", &i) == 1)
            CHECK(stats.objects_in_use == caches[i].live);
    }
}

/* The multiplication of the fast path says what a division says, for each offset. */
static void check_slot_offsets(size_t size)
{
    struct slab_cache *cache = slab_cache_create("offsets", size, 0, NULL, 0);
    uint32_t bytes = PAGE_SIZE << cache->order;

    for (uint32_t offset = 0 - bytes; offset != bytes; offset++) {
        bool is_slot = offset < bytes && offset % cache->slot_size == 0 &&
                       offset / cache->slot_size < cache->objects_per_slab;
        CHECK(slab_is_slot_offset(cache, offset) == is_slot);
    }
    CHECK(slab_cache_destroy(cache) == 0);
}

int main(int argc, char *argv[])
{
    host_init(argc, argv);
    host_machine(FRAMES);
    slab_init("");
    slab_shrink_all();
    for (size_t size = 1; size <= SLAB_MAX_OBJECT; size += size < 300 ? 4 : 77)
        check_slot_offsets(size);
    check_slot_offsets(SLAB_MAX_OBJECT);
    for (unsigned i = 0; i < CACHES; i++)
        make_cache(i);
    slab_shrink_all();
    uint32_t free_before = buddy_free_frames();
    for (unsigned step = 0; step < STEPS; step++) {
        bool filling = (step / 3000) % 2 == 0;
        bool wants = host_random_below(100) < (filling ? 65u : 35u);
        if (object_count == 0 || (wants && object_count < OBJECTS))
            take();
        else
            give(host_random_below(object_count));
        if (step % 1000 == 0)
            check_against_model();
        if (step % 7000 == 0)
            slab_shrink_all();
    }
    while (object_count > 0)
        give(object_count - 1);
    check_against_model();
    slab_shrink_all();
    CHECK(buddy_free_frames() == free_before);
    for (unsigned i = 0; i < CACHES; i++)
        CHECK(slab_cache_destroy(caches[i].cache) == 0);
    CHECK(buddy_check());
    puts("slab: ok");
    return 0;
}
