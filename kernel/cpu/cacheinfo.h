/* kernel/cpu/cacheinfo.h - the processor's caches of memory, as CPUID describes them. */
#pragma once

#include "kernel/lib/types.h"

enum cpu_cache_type { CPU_CACHE_DATA = 1, CPU_CACHE_INSTRUCTION, CPU_CACHE_UNIFIED };

struct cpu_cache {
    unsigned level; /* 1: nearest to the processor */
    enum cpu_cache_type type;
    uint32_t nbytes;
    uint32_t ways; /* places that one line may be in; 0: not told */
    uint32_t line_bytes;
};

/* The index-th cache; false past the last one, or if the processor does not tell. */
bool cpu_cache_get(unsigned index, struct cpu_cache *cache);

/* "data", "instruction", "unified" */
const char *cpu_cache_type_name(enum cpu_cache_type type);
