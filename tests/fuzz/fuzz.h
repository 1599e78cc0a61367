/* tests/fuzz/fuzz.h - what the fuzz targets share: an input read as a sequence of choices.
 *
 * libFuzzer hands over bytes and keeps those inputs that reach new code.  A target reads choices
 * from them until they are used up; behind the end all choices are 0.  Whatever the bytes, a target
 * must not fail: claims are CHECK() of tests/host/shim, and the sanitizers watch. */
#pragma once

#include "kernel/lib/types.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t nbytes);

struct choices {
    const uint8_t *at, *end;
};

static inline struct choices choices_of(const uint8_t *bytes, size_t nbytes)
{
    return (struct choices){ bytes, bytes + nbytes };
}

static inline bool choices_left(const struct choices *choices)
{
    return choices->at < choices->end;
}

static inline uint32_t choose_byte(struct choices *choices)
{
    return choices_left(choices) ? *choices->at++ : 0;
}

/* A number below `limit`, which is at least 1. */
static inline uint32_t choose(struct choices *choices, uint32_t limit)
{
    uint32_t value = choose_byte(choices);

    if (limit > 256)
        value |= choose_byte(choices) << 8;
    return value % limit;
}

static inline uint64_t choose_u64(struct choices *choices)
{
    uint64_t value = 0;

    for (unsigned i = 0; i < sizeof(value); i++)
        value = value << 8 | choose_byte(choices);
    return value;
}
