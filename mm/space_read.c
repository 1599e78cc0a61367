/* Looking into address spaces: see space_read.h. */
#include "mm/space_read.h"

#include "kernel/lib/string.h"
#include "mm/kmap.h"

size_t space_read(struct space *space, uaddr_t address, void *dst, size_t nbytes)
{
    uint8_t *to = dst;
    size_t done = 0;

    while (done < nbytes && address < USER_END) {
        uint32_t offset = address & PAGE_MASK;
        size_t length = MIN(nbytes - done, PAGE_SIZE - offset);
        uint32_t irq = spin_lock(&space->lock);
        pte_t pte = paging_lookup(&space->directory, address);

        if (pte & PTE_PRESENT) { /* the frame stays while the lock is held */
            uint8_t *window = kmap(pfn_to_page(pte >> PAGE_SHIFT));
            memcpy(to + done, window + offset, length);
            kunmap(window);
        }
        spin_unlock(&space->lock, irq);
        if (!(pte & PTE_PRESENT))
            break;
        done += length;
        address += (uaddr_t)length;
    }
    return done;
}

void space_get_page(struct space *space, uaddr_t address, struct space_page *out)
{
    uint32_t irq = spin_lock(&space->lock);
    pte_t pte = paging_lookup(&space->directory, address);

    *out = (struct space_page){ .present = pte != 0, .pfn = pte >> PAGE_SHIFT };
    if (pte) { /* resident, even if no access is allowed */
        const struct page *page = pfn_to_page(out->pfn);
        bool cached = page->kind == PAGE_FILE || page->kind == PAGE_SHMEM;
        out->file = cached;
        out->exclusive = page->refs == 1u + (cached && page->cache);
    }
    spin_unlock(&space->lock, irq);
}
