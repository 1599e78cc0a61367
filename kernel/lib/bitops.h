/* kernel/lib/bitops.h - bit searches, one instruction each (Intel SDM vol. 2, BSF and BSR). */
#pragma once

#include "kernel/lib/types.h"

/* Index of the lowest set bit.  x != 0. */
static inline unsigned bit_lowest(uint32_t x)
{
    return (unsigned)__builtin_ctz(x);
}

/* Index of the highest set bit: the integer part of log2(x).  x != 0. */
static inline unsigned bit_highest(uint32_t x)
{
    return 31u - (unsigned)__builtin_clz(x);
}

static inline bool is_power_of_two(uint32_t x)
{
    return x != 0 && (x & (x - 1)) == 0;
}

/* Smallest order with (1 << order) >= n.  1 <= n <= 2^31. */
static inline unsigned order_for(uint32_t n)
{
    return n <= 1 ? 0 : bit_highest(n - 1) + 1;
}
