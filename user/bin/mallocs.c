/* mallocs [SEED [OPERATIONS]] - use the heap at random, and check every byte of it.
 * Each block is filled with a byte of its own; it must be unchanged when the block is resized
 * or freed.  The validator runs in between.  Prints "mallocs: ok" with figures that depend on
 * the seed only. */
#include <malloc.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kernel/lib/parse.h"

#define SLOTS 512
#define CHECK_EVERY 1000
#define DEFAULT_OPERATIONS 50000

struct slot {
    unsigned char *block;
    size_t nbytes;
    unsigned char byte;
};

static struct slot slots[SLOTS];
static size_t live, peak;

static void fail(const char *what, size_t nbytes)
{
    printf("mallocs: %s (%zu bytes)\n", what, nbytes);
    exit(1);
}

static void verify(const struct slot *slot, size_t nbytes, unsigned char byte)
{
    for (size_t i = 0; i < nbytes; i++) {
        if (slot->block[i] != byte)
            fail("a block changed", slot->nbytes);
    }
}

/* Mostly small, sometimes up to 64 KiB. */
static size_t random_size(void)
{
    unsigned limit = 16u << rand() % 13;
    return (size_t)rand() % limit;
}

static void fill(struct slot *slot, unsigned char *block, size_t nbytes)
{
    if (block == NULL || (uintptr_t)block % 16 != 0 || malloc_usable_size(block) < nbytes)
        fail("bad block", nbytes);
    live += nbytes - slot->nbytes;
    peak = live > peak ? live : peak;
    slot->block = block;
    slot->nbytes = nbytes;
    slot->byte = (unsigned char)rand();
    memset(block, slot->byte, nbytes);
}

static void allocate(struct slot *slot)
{
    size_t nbytes = random_size(), alignment = 16u << rand() % 9;

    switch (rand() % 4) {
    case 0:
        slot->block = calloc(1, nbytes);
        if (slot->block == NULL)
            fail("out of memory", nbytes);
        verify(slot, nbytes, 0);
        fill(slot, slot->block, nbytes);
        break;
    case 1:
        fill(slot, aligned_alloc(alignment, nbytes), nbytes);
        if ((uintptr_t)slot->block % alignment != 0)
            fail("not aligned", nbytes);
        break;
    default:
        fill(slot, malloc(nbytes), nbytes);
        break;
    }
}

static void resize(struct slot *slot)
{
    size_t old = slot->nbytes, nbytes = random_size();
    unsigned char *block = realloc(slot->block, nbytes);

    if (block == NULL)
        fail("out of memory", nbytes);
    slot->block = block;
    verify(slot, old < nbytes ? old : nbytes, slot->byte);
    fill(slot, block, nbytes);
}

static void release(struct slot *slot)
{
    verify(slot, slot->nbytes, slot->byte);
    free(slot->block);
    live -= slot->nbytes;
    *slot = (struct slot){ 0 };
}

static void work(uint32_t operations)
{
    for (unsigned i = 0; i < operations; i++) {
        struct slot *slot = &slots[rand() % SLOTS];
        if (slot->block == NULL)
            allocate(slot);
        else if (rand() % 4 == 0)
            resize(slot);
        else
            release(slot);
        if (i % CHECK_EVERY == 0 && !malloc_check())
            fail("the heap is damaged", 0);
    }
}

int main(int argc, char **argv)
{
    uint32_t seed = 1, operations = DEFAULT_OPERATIONS;

    if (argc > 3 || (argc > 1 && parse_u32(argv[1], &seed) != 0) ||
        (argc > 2 && parse_u32(argv[2], &operations) != 0)) {
        puts("usage: mallocs [SEED [OPERATIONS]]");
        return 2;
    }
    srand(seed);
    work(operations);
    for (unsigned i = 0; i < SLOTS; i++) {
        if (slots[i].block != NULL)
            release(&slots[i]);
    }
    struct malloc_stats stats;
    malloc_trim(0);
    malloc_get_stats(&stats);
    if (!malloc_check() || stats.used_bytes != 0 || stats.held_bytes != 0 ||
        stats.free_bytes != 0 || stats.mapped_bytes != 0)
        fail("not everything came back", stats.used_bytes);
    printf("mallocs: ok, seed %u, %u operations, peak %zu bytes, heap now %zu bytes\n", seed,
           operations, peak, stats.heap_bytes);
    return 0;
}
