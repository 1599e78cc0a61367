/* tests/cbmc/proof.h - what the proofs stand on.  A proof is a function proof() that makes choices and
 * claims.  Two engines carry it out (docs/proofs.md): the model checker CBMC, for all values at once
 * and with every pointer and index checked; and, where the choices are few, tests/cbmc/every.c, which
 * runs it natively once for each sequence of choices, and so gets further. */
#pragma once

#include "kernel/lib/types.h"

void proof(void);

#ifdef __CPROVER__

bool nondet_bool(void);
uint32_t nondet_u32(void);
uint64_t nondet_u64(void);

/* Must hold in every case. */
#define PROVE(condition) __CPROVER_assert(condition, #condition)

/* From here on only the cases in which it holds. */
#define ASSUME(condition) __CPROVER_assume(condition)

/* A number below `limit`.  A branch for each, so that it is a constant on every path. */
static inline uint32_t choose_below(uint32_t limit)
{
    uint32_t value = 0;

    while (value + 1 < limit && nondet_bool())
        value++;
    return value;
}

#else

void every_prove(bool condition, const char *text);
uint32_t choose_below(uint32_t limit);
#define PROVE(condition) every_prove(condition, #condition)

#endif
