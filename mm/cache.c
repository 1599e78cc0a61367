/* Caches of memory, and the type of memory.
 *
 * Problem     The processor keeps copies of memory in its caches and writes them back when it likes.
 *             Nobody notices, as long as all look through the same caches.  A device does not (its
 *             registers are no memory at all), and two mappings of one frame need not.
 * Type        What the processor may keep is said in each page's entry (SDM vol. 3, 11.5.2 and 11.12;
 *             the meaning of the two bits is the one that the processor starts with):
 *
 *               T (PWT)  C (PCD)
 *                  0        0     write-back      reads and writes stay in the cache
 *                  1        0     write-through   reads stay; each write goes to memory, too
 *                  1        1     uncached        each read and write goes to memory, in order
 *
 *             The BIOS has a say, too (MTRRs): where it says uncached, as for VGA memory and all
 *             devices, no entry makes that cached.
 * Two types   One frame must not be used through two mappings of different types: one might answer from
 *             the cache what was long overwritten through the other, or write an old line over
 *             it (SDM vol. 3, 11.12.4).  So whoever changes the type flushes at the change.
 * Flush       CLFLUSH takes one line, whichever mapping it came in by, because caches know
 *             physical addresses.  It came with SSE2; before that there is only WBINVD, which
 *             takes everything.
 * Reading     SDM vol. 3, 11.3 (types) and 11.5.5 (WBINVD); vol. 2, CLFLUSH. */
#include "mm/cache.h"

#include "kernel/cpu/cpu.h"

static struct cache_stats stats;

void cache_flush_range(uintptr_t address, size_t nbytes)
{
    uint32_t line = cpu_info.clflush_bytes;

    if (nbytes == 0)
        return;
    if (line == 0) {
        cache_flush_all();
        return;
    }
    uintptr_t first = ALIGN_DOWN(address, line);
    uint32_t nlines = (uint32_t)(ALIGN_DOWN(address + nbytes - 1, line) - first) / line + 1;

    /* CLFLUSH keeps its order with writes and with locked instructions, not with reads. */
    memory_barrier();
    for (uint32_t i = 0; i < nlines; i++)
        clflush(first + i * line);
    memory_barrier();
    uint32_t irq = irq_save();
    stats.lines += nlines;
    irq_restore(irq);
}

void cache_flush_all(void)
{
    uint32_t irq = irq_save();

    wbinvd();
    stats.all++;
    irq_restore(irq);
}

void cache_get_stats(struct cache_stats *copy)
{
    uint32_t irq = irq_save();

    *copy = stats;
    irq_restore(irq);
}
