/* kernel/symbols.h - names of the kernel's functions, for backtraces.
 * The table is made by the Makefile from the linked kernel (nm) and linked in behind the
 * code. */
#pragma once

#include "kernel/lib/types.h"

/* Name of the function that contains `address`, with the distance from its start; NULL if the
 * address is not kernel code. */
const char *symbols_lookup(uintptr_t address, uint32_t *offset);

/* Format "name+0x12" (or "0x...." when unknown) into text; returns text. */
const char *symbols_format(uintptr_t address, char *text, size_t size);

/* The same for a return address, which may lie behind the end of the function that called (a call
 * that never returns can be a function's last instruction). */
const char *symbols_format_return(uintptr_t address, char *text, size_t size);

/* Address of a function by name; 0 if there is none. */
uintptr_t symbols_address(const char *name);
