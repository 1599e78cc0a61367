/* Radix trees.
 *
 * Problem     Find the page of a file by its number: files are small or large, and full of holes.
 * Idea        The index is cut into digits of six bits, as the processor cuts an address for its page
 *             tables.  Each digit chooses one of 64 slots of a node, the last one the entry itself.
 *
 *               index 0x1042 = digits 1, 1, 2         height 3
 *
 *                 root [.1......]
 *                        |
 *                       [.1......]
 *                         |
 *                        [..2.....]
 *                           entry
 *
 * Height      The tree is only as high as its largest index needs.  It grows at the root: the old
 *             root becomes slot 0 of a new one.  It shrinks when slot 0 is all that the root has.
 * Invariants  1. No node is without a used slot.
 *             2. A root above the lowest level has a used slot besides slot 0.
 * Memory      Trees are changed under a spin lock, in which an allocation would do harm: it could
 *             not reclaim the very pages the tree holds.  So nodes come from and go to a stock,
 *             which is filled and emptied outside.
 * Cost        One step a level: 256 KiB of file are one level, 16 MiB two, 1 GiB three. */
#include "mm/radix.h"

#include "kernel/lib/assert.h"
#include "kernel/lib/errno.h"
#include "kernel/lib/string.h"
#include "kernel/log.h"
#include "mm/buddy.h"
#include "mm/slab.h"

#define DIGIT_BITS 6u
#define SLOTS (1u << DIGIT_BITS)
#define MAX_HEIGHT 6u /* 6 digits of 6 bits hold 32 bits */

struct radix_node {
    void *slots[SLOTS]; /* nodes; entries on the lowest level; slots[0] links a stock */
    unsigned count;     /* slots in use */
};

static struct slab_cache *node_cache;

void radix_init(void)
{
    node_cache = slab_cache_create("radix_node", sizeof(struct radix_node), 0, NULL, 0);
    ASSERT(node_cache, "no memory for the cache of radix nodes");
}

/* ---- stocks ---- */

static void stock_push(struct radix_stock *stock, struct radix_node *node)
{
    node->slots[0] = stock->first;
    stock->first = node;
    stock->count++;
}

/* An empty node; the stock has one. */
static struct radix_node *stock_pop(struct radix_stock *stock)
{
    struct radix_node *node = stock->first;

    stock->first = node->slots[0];
    stock->count--;
    memset(node, 0, sizeof(*node));
    return node;
}

int radix_stock_add(struct radix_stock *stock)
{
    struct radix_node *node = slab_alloc(node_cache, PAGE_ANY);

    if (!node)
        return -ENOMEM;
    stock_push(stock, node);
    return 0;
}

void radix_stock_free(struct radix_stock *stock)
{
    while (stock->count > 0)
        slab_free(node_cache, stock_pop(stock));
}

/* ---- lookup ---- */

/* The digit of `index` that a node on `level` (0: the lowest) looks at. */
static unsigned digit_of(uint32_t index, unsigned level)
{
    return (index >> (level * DIGIT_BITS)) % SLOTS;
}

/* The largest index that a tree of this height can hold; not for height 0. */
static uint32_t max_index(unsigned height)
{
    return height >= MAX_HEIGHT ? UINT32_MAX : (1u << (height * DIGIT_BITS)) - 1;
}

void *radix_lookup(const struct radix_tree *tree, uint32_t index)
{
    const struct radix_node *node = tree->root;
    unsigned level = tree->height;

    if (level == 0 || index > max_index(level))
        return NULL;
    while (--level > 0 && node)
        node = node->slots[digit_of(index, level)];
    return node ? node->slots[digit_of(index, 0)] : NULL;
}

/* ---- insert ---- */

/* How many nodes an insertion at `index` adds: above the root, and on the way down. */
static unsigned nodes_missing(const struct radix_tree *tree, uint32_t index)
{
    const struct radix_node *node = tree->root;
    unsigned level = tree->height, missing = 0;

    if (level == 0) {
        for (level = 1; index > max_index(level);)
            level++;
        return level;
    }
    if (index > max_index(level)) {
        for (; index > max_index(level); level++)
            missing++;
        /* The way down leaves the old root aside from the new root on. */
        return missing + level - 1;
    }
    while (--level > 0) {
        node = node->slots[digit_of(index, level)];
        if (!node)
            return level;
    }
    return 0;
}

static void grow(struct radix_tree *tree, uint32_t index, struct radix_stock *stock)
{
    if (tree->height == 0) {
        tree->root = stock_pop(stock);
        tree->height = 1;
        while (index > max_index(tree->height))
            tree->height++; /* an empty root may be of any height */
    }
    while (index > max_index(tree->height)) {
        struct radix_node *root = stock_pop(stock);
        root->slots[0] = tree->root;
        root->count = 1;
        tree->root = root;
        tree->height++;
    }
}

int radix_insert(struct radix_tree *tree, uint32_t index, void *entry,
                 struct radix_stock *stock)
{
    if (radix_lookup(tree, index))
        return -EEXIST;
    if (nodes_missing(tree, index) > stock->count)
        return -ENOMEM;
    grow(tree, index, stock);
    struct radix_node *node = tree->root;
    for (unsigned level = tree->height - 1; level > 0; level--) {
        void **slot = &node->slots[digit_of(index, level)];
        if (!*slot) {
            *slot = stock_pop(stock);
            node->count++;
        }
        node = *slot;
    }
    node->slots[digit_of(index, 0)] = entry;
    node->count++;
    return 0;
}

void radix_replace(struct radix_tree *tree, uint32_t index, void *entry)
{
    struct radix_node *node = tree->root;

    ASSERT(radix_lookup(tree, index), "no entry %u to replace", index);
    for (unsigned level = tree->height - 1; level > 0; level--)
        node = node->slots[digit_of(index, level)];
    node->slots[digit_of(index, 0)] = entry;
}

/* ---- remove ---- */

/* While the root has only slot 0, its child can be the root. */
static void shrink(struct radix_tree *tree, struct radix_stock *stock)
{
    while (tree->height > 1 && tree->root->count == 1 && tree->root->slots[0]) {
        struct radix_node *root = tree->root;
        tree->root = root->slots[0];
        tree->height--;
        stock_push(stock, root);
    }
}

void *radix_remove(struct radix_tree *tree, uint32_t index, struct radix_stock *stock)
{
    struct radix_node *path[MAX_HEIGHT]; /* by level */
    void *entry = radix_lookup(tree, index);

    if (!entry)
        return NULL;
    struct radix_node *node = tree->root;
    for (unsigned level = tree->height; level-- > 0;) {
        path[level] = node;
        node = node->slots[digit_of(index, level)];
    }
    for (unsigned level = 0; level < tree->height; level++) {
        path[level]->slots[digit_of(index, level)] = NULL;
        if (--path[level]->count > 0) {
            shrink(tree, stock);
            return entry;
        }
        stock_push(stock, path[level]);
    }
    *tree = (struct radix_tree){ 0 };
    return entry;
}

/* ---- walking ---- */

/* Move *index to the next used slot of a node on `level`, from the one it is in on; NULL: no more in
 * this node, and *index is the first behind it (0: there is none, the numbers end). */
static void *next_in_node(const struct radix_node *node, unsigned level, uint32_t *index)
{
    uint32_t step = 1u << (level * DIGIT_BITS);

    for (unsigned slot = digit_of(*index, level); slot < SLOTS; slot++) {
        if (node->slots[slot])
            return node->slots[slot];
        *index = ALIGN_DOWN(*index, step) + step;
        if (*index == 0)
            break;
    }
    return NULL;
}

void *radix_next(const struct radix_tree *tree, uint32_t *index)
{
    uint32_t at = *index;

    while (tree->height > 0 && at <= max_index(tree->height)) {
        void *found = tree->root;
        for (unsigned level = tree->height; found && level-- > 0;)
            found = next_in_node(found, level, &at);
        if (found) {
            *index = at;
            return found;
        }
        if (at == 0)
            break;
    }
    return NULL;
}

/* ---- validator ---- */

static bool count_is_right(const struct radix_node *node)
{
    unsigned used = 0;

    for (unsigned slot = 0; slot < SLOTS; slot++)
        used += node->slots[slot] != NULL;
    if (used == node->count && used > 0)
        return true;
    log_err("radix: a node counts %u slots, %u are in use", node->count, used);
    return false;
}

/* As deep as the tree is high. */
static bool check_node(const struct radix_node *node, unsigned level)
{
    bool good = count_is_right(node);

    for (unsigned slot = 0; level > 0 && slot < SLOTS; slot++)
        if (node->slots[slot])
            good = good && check_node(node->slots[slot], level - 1);
    return good;
}

bool radix_check(const struct radix_tree *tree)
{
    if (tree->height == 0)
        return tree->root == NULL;
    if (tree->height > 1 && tree->root->count == 1 && tree->root->slots[0]) {
        log_err("radix: a tree of height %u is too high", tree->height);
        return false;
    }
    return check_node(tree->root, tree->height - 1);
}
