/* The caches, asked for in the two ways that there are.
 *
 * Intel      Leaf 4, one subleaf for each cache, until one has the type 0.  The size is the product of
 *            what is told: ways, partitions, bytes in a line, sets.
 * AMD        Leaves 0x80000005 and 0x80000006, which have a register for each cache.
 * Neither    Processors before 1999 tell in words that only a list of models explains (leaf 2), or
 *            nothing.
 * Reading    SDM vol. 2, CPUID, leaf 4; AMD64 Architecture Programmer's Manual vol. 3, E.4.4. */
#include "kernel/cpu/cacheinfo.h"

#include "kernel/cpu/cpu.h"

#define LEAF_MAX 0u
#define LEAF_CACHES 4u
#define LEAF_EXTENDED_MAX 0x80000000u
#define LEAF_AMD_L1 0x80000005u /* ECX: data, EDX: instructions */
#define LEAF_AMD_L2 0x80000006u /* ECX */

static uint32_t bits(uint32_t word, unsigned high, unsigned low)
{
    return word << (31 - high) >> (31 - high + low);
}

static bool intel_cache(unsigned index, struct cpu_cache *cache)
{
    if (cpuid(LEAF_MAX, 0).eax < LEAF_CACHES)
        return false;
    struct cpuid_result r = cpuid(LEAF_CACHES, index);
    uint32_t partitions = bits(r.ebx, 21, 12) + 1, sets = r.ecx + 1;

    if (bits(r.eax, 4, 0) < CPU_CACHE_DATA || bits(r.eax, 4, 0) > CPU_CACHE_UNIFIED)
        return false;
    cache->type = (enum cpu_cache_type)bits(r.eax, 4, 0);
    cache->level = bits(r.eax, 7, 5);
    cache->line_bytes = bits(r.ebx, 11, 0) + 1;
    cache->ways = bits(r.ebx, 31, 22) + 1;
    cache->nbytes = cache->ways * partitions * cache->line_bytes * sets;
    return true;
}

static bool amd_cache(unsigned index, struct cpu_cache *cache)
{
    /* Codes for the ways of a second-level cache; 0: off, or other than these. */
    static const uint8_t l2_ways[16] = {
        [1] = 1,   [2] = 2,   [4] = 4,   [6] = 8,   [8] = 16,
        [10] = 32, [11] = 48, [12] = 64, [13] = 96, [14] = 128
    };

    if (index > 2 || cpuid(LEAF_EXTENDED_MAX, 0).eax < LEAF_AMD_L2)
        return false;
    struct cpuid_result r = cpuid(index < 2 ? LEAF_AMD_L1 : LEAF_AMD_L2, 0);
    uint32_t word = index == 1 ? r.edx : r.ecx;

    cache->level = index < 2 ? 1 : 2;
    cache->type = index == 0   ? CPU_CACHE_DATA
                  : index == 1 ? CPU_CACHE_INSTRUCTION
                               : CPU_CACHE_UNIFIED;
    cache->line_bytes = bits(word, 7, 0);
    cache->ways = index < 2 ? bits(word, 23, 16) : l2_ways[bits(word, 15, 12)];
    cache->nbytes = (index < 2 ? bits(word, 31, 24) : bits(word, 31, 16)) * KiB;
    return cache->nbytes != 0;
}

bool cpu_cache_get(unsigned index, struct cpu_cache *cache)
{
    struct cpu_cache first;

    if (!cpu_has(CPU_CPUID))
        return false;
    return intel_cache(0, &first) ? intel_cache(index, cache) : amd_cache(index, cache);
}

const char *cpu_cache_type_name(enum cpu_cache_type type)
{
    static const char *const names[] = { [CPU_CACHE_DATA] = "data",
                                         [CPU_CACHE_INSTRUCTION] = "instruction",
                                         [CPU_CACHE_UNIFIED] = "unified" };
    return names[type];
}
