/* mm/radix.h - radix trees: sparse arrays of pointers with a 32-bit index, six bits a level.
 * Below: slab.  Above: pagecache.  Lock: the owner's, whose stocks of nodes see to it that nothing is
 * allocated or freed while it is held.  (Knuth, TAOCP vol. 3, 6.3 "digital searching".) */
#pragma once

#include "kernel/lib/types.h"

struct radix_node;

struct radix_tree {
    struct radix_node *root;
    unsigned height; /* levels; 0: empty, `root` is NULL */
};

/* Nodes that are in no tree: for trees that grow, from trees that shrink.  Starts as { 0 }. */
struct radix_stock {
    struct radix_node *first;
    unsigned count;
};

void radix_init(void); /* the cache of nodes */

/* One node more, from the slab cache; -ENOMEM. */
int radix_stock_add(struct radix_stock *stock);
/* All nodes back to the slab cache. */
void radix_stock_free(struct radix_stock *stock);

/* The entry at `index`, or NULL. */
void *radix_lookup(const struct radix_tree *tree, uint32_t index);

/* Set an empty entry, with nodes from `stock`; 0; -ENOMEM (`stock` has too few: nothing has changed,
 * add one and try again); -EEXIST. */
int radix_insert(struct radix_tree *tree, uint32_t index, void *entry,
                 struct radix_stock *stock);

/* Put another entry in the place of one that is there. */
void radix_replace(struct radix_tree *tree, uint32_t index, void *entry);

/* Take an entry out and return it (NULL: there was none); nodes that become empty go to `stock`. */
void *radix_remove(struct radix_tree *tree, uint32_t index, struct radix_stock *stock);

/* The first entry with an index >= *index, whose index goes to *index; NULL: none. */
void *radix_next(const struct radix_tree *tree, uint32_t *index);

/* No node is empty, each counts its slots right, the height is as small as it can be. */
bool radix_check(const struct radix_tree *tree);
