/* kernel/lib/assert.h - invariants.  ASSERT is for what cannot happen unless the kernel is
 * wrong; what a user, a device or the firmware can cause is an error that is returned. */
#pragma once

#include "kernel/lib/types.h"

/* Report and stop.  The kernel's version is in kernel/panic.c, the host tests have their
 * own. */
__attribute__((cold)) _Noreturn void assert_failed(const char *file, int line,
                                                   const char *function, const char *fmt, ...)
    PRINTF_LIKE(4, 5);

/* ASSERT(condition, "what is wrong, with the values: %u", value) */
#define ASSERT(condition, ...)                                        \
    do {                                                              \
        if (unlikely(!(condition)))                                   \
            assert_failed(__FILE__, __LINE__, __func__, __VA_ARGS__); \
    } while (0)
