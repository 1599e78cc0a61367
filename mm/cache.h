/* mm/cache.h - the processor's caches of memory, flushed by hand.
 * Below: cpu.  Above: vmalloc, the shell.  No lock; any context; does not sleep.
 * Flushed means: what was written is in memory now, and the next read comes from there. */
#pragma once

#include "kernel/lib/types.h"

/* Flush the lines that hold [address, address + nbytes).  All of it must be mapped.  A processor
 * without CLFLUSH flushes all that it has. */
void cache_flush_range(uintptr_t address, size_t nbytes);

/* Flush every line. */
void cache_flush_all(void);

struct cache_stats {
    uint64_t lines; /* flushed by CLFLUSH */
    uint64_t all;   /* times that everything was flushed, by WBINVD */
};
void cache_get_stats(struct cache_stats *stats);
