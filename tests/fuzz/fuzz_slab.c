// sources: mm/page.c mm/memmap.c mm/buddy.c mm/buddy_check.c mm/mobility.c mm/inject.c kernel/lib/parse.c tests/host/shim/host.c mm/slab.c mm/slab_debug.c
/* tests/fuzz/fuzz_slab.c - one cache of a shape that the input says, against a list of the objects
 * that live and what is in each.  Input: size, alignment, debugging, memory, then operations. */
#include "host.h"
#include "mm/buddy.h"
#include "mm/slab.h"
#include "tests/fuzz/fuzz.h"

enum { FRAMES_MIN = 40, FRAMES = 100, OBJECTS_MAX = 300 };

static struct {
    uint8_t *memory;
    uint8_t byte;
} objects[OBJECTS_MAX];
static unsigned object_count;
static struct slab_cache *cache;
static size_t size;

static bool is_byte(const uint8_t *memory, uint8_t byte)
{
    size_t i = 0;

    while (i < size && memory[i] == byte)
        i++;
    return i == size;
}

static void take(struct choices *choices)
{
    unsigned flags = choose(choices, 2) ? PAGE_ZERO : PAGE_ANY;
    uint8_t *memory = slab_alloc(cache, flags);
    void *start;

    if (!memory)
        return;
    CHECK(slab_cache_of(memory + size - 1, &start) == cache && start == memory);
    CHECK(flags != PAGE_ZERO || is_byte(memory, 0));
    objects[object_count].memory = memory;
    objects[object_count].byte = (uint8_t)choose_byte(choices);
    memset(memory, objects[object_count++].byte, size);
}

static void give(unsigned i)
{
    uint8_t *memory = objects[i].memory;

    CHECK(is_byte(memory, objects[i].byte));
    objects[i] = objects[--object_count];
    slab_free(cache, memory);
}

static void step(struct choices *choices)
{
    switch (choose(choices, 16)) {
    case 0:
        slab_cache_shrink(cache);
        break;
    case 1:
        CHECK(slab_check());
        break;
    case 2: /* many at once: the magazine runs over */
        for (unsigned n = choose(choices, 64); n > 0 && object_count > 0; n--)
            give(object_count - 1);
        break;
    case 3:
        for (unsigned n = choose(choices, 64); n > 0 && object_count < OBJECTS_MAX; n--)
            take(choices);
        break;
    case 4:
    case 5:
    case 6:
    case 7:
    case 8:
        if (object_count > 0)
            give(choose(choices, object_count));
        break;
    default:
        if (object_count < OBJECTS_MAX)
            take(choices);
    }
}

/* The machine stays: slab has no way to forget its caches.  Each input's cache is destroyed. */
static void start_machine(void)
{
    static bool started;

    if (started)
        return;
    host_machine(FRAMES_MIN + FRAMES);
    slab_init("");
    started = true;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t nbytes)
{
    struct choices choices = choices_of(bytes, nbytes);

    start_machine();
    slab_shrink_all();
    uint32_t free_before = buddy_free_frames();
    size = 1 + choose(&choices, SLAB_MAX_OBJECT);
    size_t align = choose(&choices, 2) ? 0 : 1u << choose(&choices, 8);
    cache = slab_cache_create("fuzz", size, align, NULL, choose(&choices, SLAB_DEBUG_ALL + 1));
    CHECK(cache != NULL);
    while (choices_left(&choices))
        step(&choices);
    CHECK(slab_check());
    while (object_count > 0)
        give(object_count - 1);
    CHECK(slab_cache_destroy(cache) == 0);
    slab_shrink_all();
    CHECK(buddy_free_frames() == free_before && buddy_check());
    return 0;
}
