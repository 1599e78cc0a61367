// sources: user/lib/malloc.c user/lib/malloc_more.c
// cflags: -D_GNU_SOURCE -pthread -include tests/host/malloc_names.h
/* tests/fuzz/fuzz_malloc.c - the user heap against a list of the blocks and what is in each, over an
 * sbrk() and an mmap() that refuse when the input says so.  Input: operations. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/fuzz/fuzz.h"
#include "user/lib/include/malloc.h"

#undef mmap
#undef munmap
#undef mremap
#undef mprotect
#include <sys/mman.h>

#define CHECK(condition)                                                    \
    do {                                                                    \
        if (!(condition)) {                                                 \
            fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #condition); \
            __builtin_trap();                                               \
        }                                                                   \
    } while (0)

enum { BLOCKS = 32 };

static char arena[16 * MiB] __attribute__((aligned(4096)));
static size_t arena_used;
static bool refusing;
static struct {
    unsigned char *memory;
    size_t nbytes;
    unsigned char byte;
} blocks[BLOCKS];

void *strata_sbrk(intptr_t increment)
{
    size_t old = arena_used;

    if (increment > 0 && (refusing || (size_t)increment > sizeof(arena) - arena_used)) {
        errno = ENOMEM;
        return (void *)-1;
    }
    CHECK(increment >= 0 || (size_t)-increment <= arena_used);
    arena_used += (size_t)increment;
    if (increment < 0) { /* whole pages come back fresh, as from the kernel */
        size_t fresh = ALIGN_UP(arena_used, PAGE_SIZE);
        if (fresh < old)
            memset(arena + fresh, 0, old - fresh);
    }
    return arena + old;
}

void *strata_mmap(void *at, size_t nbytes, int protection, int flags, int fd, off_t offset)
{
    if (refusing || nbytes > sizeof(arena)) {
        errno = ENOMEM;
        return MAP_FAILED;
    }
    return mmap(at, nbytes, protection, flags, fd, offset);
}

int strata_munmap(void *at, size_t nbytes)
{
    return munmap(at, nbytes);
}

void *strata_mremap(void *at, size_t before, size_t nbytes, int flags)
{
    return refusing ? MAP_FAILED : mremap(at, before, nbytes, flags);
}

int strata_mprotect(void *at, size_t nbytes, int protection)
{
    return mprotect(at, nbytes, protection);
}

char *strata_getenv(const char *name)
{
    (void)name;
    return NULL;
}

ssize_t strata_write(int fd, const void *bytes, size_t nbytes)
{
    (void)fd;
    return (ssize_t)fwrite(bytes, 1, nbytes, stderr);
}

_Noreturn void strata_abort(void)
{
    __builtin_trap(); /* nothing here is a crime */
}

static void verify(unsigned i, size_t nbytes)
{
    for (size_t k = 0; k < nbytes; k++)
        CHECK(blocks[i].memory[k] == blocks[i].byte);
}

static size_t choose_size(struct choices *choices)
{
    size_t size = choose(choices, 256);

    return size << choose(choices, 14) >> 2;
}

static void adopt(struct choices *choices, unsigned i, void *memory, size_t nbytes)
{
    size_t usable = malloc_usable_size(memory);

    CHECK((uintptr_t)memory % 16 == 0 && usable >= nbytes);
    blocks[i].memory = memory;
    blocks[i].nbytes = usable;
    blocks[i].byte = (unsigned char)choose_byte(choices);
    memset(memory, blocks[i].byte, usable);
}

static void allocate(struct choices *choices, unsigned i)
{
    size_t nbytes = choose_size(choices), alignment = 1u << choose(choices, 14);
    unsigned kind = choose(choices, 4);
    unsigned char *memory = kind == 0   ? calloc(nbytes, 1)
                            : kind == 1 ? aligned_alloc(alignment, nbytes)
                                        : malloc(nbytes);

    if (!memory)
        return;
    CHECK(kind != 1 || (uintptr_t)memory % alignment == 0);
    for (size_t k = 0; kind == 0 && k < nbytes; k++)
        CHECK(memory[k] == 0);
    adopt(choices, i, memory, nbytes);
}

static void resize(struct choices *choices, unsigned i)
{
    size_t old = blocks[i].nbytes, nbytes = 1 + choose_size(choices);
    void *memory = realloc(blocks[i].memory, nbytes);

    if (!memory)
        return;
    blocks[i].memory = memory;
    verify(i, MIN(old, nbytes));
    adopt(choices, i, memory, nbytes);
}

static void release(unsigned i)
{
    verify(i, blocks[i].nbytes);
    free(blocks[i].memory);
    blocks[i].memory = NULL;
}

static void step(struct choices *choices)
{
    unsigned i = choose(choices, BLOCKS), operation = choose(choices, 8);

    refusing = operation == 7;
    if (operation == 6)
        malloc_trim(choose_size(choices));
    else if (!blocks[i].memory)
        allocate(choices, i);
    else if (operation < 3)
        resize(choices, i);
    else
        release(i);
    refusing = false;
}

/* Afterwards all is given back; what the heap keeps is the next input's start. */
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t nbytes)
{
    struct choices choices = choices_of(bytes, nbytes);

    while (choices_left(&choices))
        step(&choices);
    CHECK(malloc_check());
    for (unsigned i = 0; i < BLOCKS; i++)
        if (blocks[i].memory)
            release(i);
    CHECK(malloc_check());
    malloc_trim(0);
    CHECK(malloc_check());
    return 0;
}
