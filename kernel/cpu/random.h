/* kernel/cpu/random.h - random numbers for address layouts, getrandom(2) and /dev/random.
 * Not cryptographic: see random.c.  Any context. */
#pragma once

#include "kernel/lib/types.h"

void random_bytes(void *bytes, size_t nbytes);
uint32_t random_u32(void);

/* Let bytes from outside have a part in what comes. */
void random_stir(const void *bytes, size_t nbytes);
