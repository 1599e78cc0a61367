/* sys/mman.h - which pages of a range are resident: bit 0 of resident[i] is for page i. */
#pragma once

#include <stddef.h>

int mincore(void *start, size_t nbytes, unsigned char *resident);
