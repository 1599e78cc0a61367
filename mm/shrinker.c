/* The registry of shrinkers: a list in order of cost.  See shrinker.h. */
#include "mm/shrinker.h"

#include "kernel/cpu/cpu.h"
#include "kernel/lib/assert.h"

static struct list_node shrinkers = LIST_INIT(shrinkers); /* interrupts off */

static struct shrinker *to_shrinker(struct list_node *node)
{
    return list_entry(node, struct shrinker, node);
}

void shrinker_register(struct shrinker *shrinker)
{
    ASSERT(!shrinker->node.next, "shrinker %s is registered already", shrinker->name);
    uint32_t irq = irq_save();
    struct list_node *next = shrinkers.next;

    while (next != &shrinkers && to_shrinker(next)->cost <= shrinker->cost)
        next = next->next;
    list_add_tail(next, &shrinker->node);
    irq_restore(irq);
}

uint32_t shrinkers_run(uint32_t npages, pfn_t below, enum shrink_context context,
                       enum shrink_cost most)
{
    uint32_t freed = 0;

    list_for_each(node, &shrinkers) {
        struct shrinker *shrinker = to_shrinker(node);
        if (freed >= npages || shrinker->cost > most)
            break;
        if (context == SHRINK_ANYWHERE && shrinker->context == SHRINK_UNLOCKED)
            continue;
        uint32_t frames = shrinker->shrink(npages - freed, below);
        shrinker->calls++;
        shrinker->frames += frames;
        freed += frames;
    }
    return freed;
}

bool shrinker_get(unsigned index, struct shrinker *copy)
{
    bool found = false;
    uint32_t irq = irq_save();

    list_for_each(node, &shrinkers) {
        if (index-- == 0) {
            *copy = *to_shrinker(node);
            found = true;
            break;
        }
    }
    irq_restore(irq);
    return found;
}
