/* Short-lived windows.
 *
 * Problem   The kernel's gigabyte cannot map all frames of a large machine: those above 896 MiB
 *           (HIGHMEM) have no kernel address.  To zero or copy one, it needs an address for a
 *           moment.
 * Idea      One page table is set aside: 1023 slots.  Free slots are chained through their own
 *           entries: the processor ignores all other bits of an entry whose present bit is 0,
 *           so the number of the next free slot lives there and the list needs no memory.
 * Frames in the direct map need none of this: kmap() returns their address at once.
 * Lock      "kmap". */
#include "mm/kmap.h"

#include "kernel/cpu/cpu.h"
#include "kernel/cpu/spinlock.h"
#include "kernel/lib/string.h"
#include "mm/paging.h"

#define KMAP_SLOTS ((KMAP_END - KMAP_START) / PAGE_SIZE)
#define NEXT_SHIFT PAGE_SHIFT /* the bits below say what an entry is: all 0 in a free slot */

static struct {
    struct spinlock lock;
    pte_t *slots;
    unsigned first_free; /* KMAP_SLOTS: none */
    struct kmap_stats stats;
} kmap_state = { .lock = SPINLOCK_INIT("kmap") };

void kmap_init(void)
{
    kmap_state.slots = paging_pin_kernel_table(KMAP_START);
    ASSERT(kmap_state.slots, "no memory for the kmap table");
    for (unsigned i = 0; i < KMAP_SLOTS; i++)
        kmap_state.slots[i] = (i + 1) << NEXT_SHIFT;
    kmap_state.stats.slots = KMAP_SLOTS;
}

void *kmap(struct page *page)
{
    if (page_is_lowmem(page))
        return page_to_virt(page);

    uint32_t irq = spin_lock(&kmap_state.lock);
    unsigned slot = kmap_state.first_free;
    ASSERT(slot < KMAP_SLOTS, "all %u kmap slots are in use", KMAP_SLOTS);
    kmap_state.first_free = kmap_state.slots[slot] >> NEXT_SHIFT;
    kmap_state.slots[slot] = page_to_paddr(page) | PTE_PRESENT | PTE_WRITE;
    kmap_state.stats.maps++;
    kmap_state.stats.used++;
    kmap_state.stats.peak = MAX(kmap_state.stats.peak, kmap_state.stats.used);
    spin_unlock(&kmap_state.lock, irq);
    return (void *)(KMAP_START + slot * PAGE_SIZE);
}

void kunmap(void *address)
{
    unsigned slot = ((uintptr_t)address - KMAP_START) / PAGE_SIZE;

    if ((uintptr_t)address < KMAP_START)
        return; /* the direct map */
    uint32_t irq = spin_lock(&kmap_state.lock);
    ASSERT(kmap_state.slots[slot] & PTE_PRESENT, "kunmap of %p, which is not mapped", address);
    kmap_state.slots[slot] = kmap_state.first_free << NEXT_SHIFT;
    kmap_state.first_free = slot;
    kmap_state.stats.used--;
    tlb_flush_page((uintptr_t)address);
    spin_unlock(&kmap_state.lock, irq);
}

void kmap_zero_frame(struct page *page)
{
    if (likely(page_is_lowmem(page))) {
        memset(page_to_virt(page), 0, PAGE_SIZE);
        return;
    }
    void *window = kmap(page);
    memset(window, 0, PAGE_SIZE);
    kunmap(window);
}

void kmap_copy_frame(struct page *dst, struct page *src)
{
    if (likely(page_is_lowmem(dst) && page_is_lowmem(src))) {
        memcpy(page_to_virt(dst), page_to_virt(src), PAGE_SIZE);
        return;
    }
    void *to = kmap(dst), *from = kmap(src);
    memcpy(to, from, PAGE_SIZE);
    kunmap(from);
    kunmap(to);
}

void kmap_get_stats(struct kmap_stats *stats)
{
    uint32_t irq = spin_lock(&kmap_state.lock);
    *stats = kmap_state.stats;
    spin_unlock(&kmap_state.lock, irq);
}
