/* kernel/lib/div64.c - 64-bit division on a 32-bit processor.
 *
 * Problem     For `/` and `%` on 64-bit operands the compiler calls __udivdi3() and its kin,
 *             which libgcc usually has.  The kernel and its programs link nothing that is not
 *             in this tree.
 * Method      As by hand, with digits in base 2^16, so that each step fits the 32-bit division
 *             that C has.  A digit is guessed from the leading digits of dividend and divisor;
 *             with the divisor shifted left until its top bit is set (normalised), the guess is
 *             at most 2 too high, and two cheap tests correct it.
 * By zero     The first 32-bit division traps with #DE, as native code would.
 * Reading     Knuth, TAOCP vol. 2, 4.3.1, algorithm D; Warren, Hacker's Delight, 9-4, 9-5. */
#include "kernel/lib/types.h"

#define DIGIT_BITS 16
#define DIGIT_BASE (1u << DIGIT_BITS)
#define DIGIT_MASK (DIGIT_BASE - 1)

/* What the compiler calls.  No header has them: it knows them by itself.  It passes their arguments
 * like any other function's: in registers, if the file is compiled so (gcc and clang do). */
uint64_t __udivmoddi4(uint64_t dividend, uint64_t divisor, uint64_t *remainder);
uint64_t __udivdi3(uint64_t dividend, uint64_t divisor);
uint64_t __umoddi3(uint64_t dividend, uint64_t divisor);
int64_t __divdi3(int64_t dividend, int64_t divisor);
int64_t __moddi3(int64_t dividend, int64_t divisor);

/* One digit of the quotient: (high * base + next) / divisor, where high < divisor, the divisor
 * is normalised and high * base + next does not fit 32 bits.  *rest gets what remains. */
static uint32_t divide_digit(uint32_t high, uint32_t next, uint32_t divisor, uint32_t *rest)
{
    uint32_t divisor_high = divisor >> DIGIT_BITS;
    uint32_t divisor_low = divisor & DIGIT_MASK;
    uint32_t digit = high / divisor_high;
    uint32_t left = high % divisor_high;

    while (digit >= DIGIT_BASE || digit * divisor_low > (left << DIGIT_BITS | next)) {
        digit--;
        left += divisor_high;
        if (left >= DIGIT_BASE)
            break;
    }
    /* Modulo 2^32 on purpose: the true difference is below the divisor. */
    *rest = (high << DIGIT_BITS) + next - digit * divisor;
    return digit;
}

/* dividend / divisor where the quotient fits 32 bits: dividend >> 32 < divisor. */
static uint32_t divide_64_by_32(uint64_t dividend, uint32_t divisor, uint32_t *remainder)
{
    unsigned shift = (unsigned)__builtin_clz(divisor);
    uint64_t scaled = dividend << shift; /* cannot overflow: dividend >> 32 < divisor */
    uint32_t low = (uint32_t)scaled;
    uint32_t rest;

    divisor <<= shift;
    uint32_t high_digit = divide_digit((uint32_t)(scaled >> 32), low >> DIGIT_BITS, divisor,
                                       &rest);
    uint32_t low_digit = divide_digit(rest, low & DIGIT_MASK, divisor, &rest);
    *remainder = rest >> shift;
    return high_digit << DIGIT_BITS | low_digit;
}

/* dividend / divisor for a divisor of 2^32 or more.  Its upper word alone gives a quotient that
 * is right or 1 too high; 1 less is right or 1 too low, and one multiplication tells which. */
static uint64_t divide_by_large(uint64_t dividend, uint64_t divisor, uint64_t *remainder)
{
    unsigned shift = (unsigned)__builtin_clz((uint32_t)(divisor >> 32));
    uint32_t leading = (uint32_t)(divisor << shift >> 32);
    uint32_t ignored;
    uint64_t quotient = divide_64_by_32(dividend >> 1, leading, &ignored);

    quotient = quotient << shift >> 31;
    if (quotient != 0)
        quotient--;
    uint64_t rest = dividend - quotient * divisor;
    if (rest >= divisor) {
        quotient++;
        rest -= divisor;
    }
    *remainder = rest;
    return quotient;
}

uint64_t __udivmoddi4(uint64_t dividend, uint64_t divisor, uint64_t *remainder)
{
    uint64_t quotient, rest;

    if (divisor >> 32 != 0) {
        quotient = divide_by_large(dividend, divisor, &rest);
    } else {
        uint32_t small = (uint32_t)divisor;
        uint32_t high = (uint32_t)(dividend >> 32);
        uint32_t quotient_high = high / small;
        uint32_t small_rest = high % small;
        uint64_t lower = (uint64_t)small_rest << 32 | (uint32_t)dividend;

        quotient = (uint64_t)quotient_high << 32;
        quotient |= divide_64_by_32(lower, small, &small_rest);
        rest = small_rest;
    }
    if (remainder != NULL)
        *remainder = rest;
    return quotient;
}

uint64_t __udivdi3(uint64_t dividend, uint64_t divisor)
{
    return __udivmoddi4(dividend, divisor, NULL);
}

uint64_t __umoddi3(uint64_t dividend, uint64_t divisor)
{
    uint64_t remainder;
    __udivmoddi4(dividend, divisor, &remainder);
    return remainder;
}

/* |value|; unsigned, so that the lowest number has one too. */
static uint64_t magnitude(int64_t value)
{
    return value < 0 ? 0 - (uint64_t)value : (uint64_t)value;
}

static int64_t with_sign(uint64_t value, bool negative)
{
    return (int64_t)(negative ? 0 - value : value);
}

/* C truncates towards zero: the remainder has the dividend's sign (ISO C 6.5.5). */
int64_t __divdi3(int64_t dividend, int64_t divisor)
{
    uint64_t quotient = __udivmoddi4(magnitude(dividend), magnitude(divisor), NULL);
    return with_sign(quotient, (dividend < 0) != (divisor < 0));
}

int64_t __moddi3(int64_t dividend, int64_t divisor)
{
    uint64_t remainder;
    __udivmoddi4(magnitude(dividend), magnitude(divisor), &remainder);
    return with_sign(remainder, dividend < 0);
}
