/* kernel/lib/list.h - doubly linked circular lists; the links live inside the listed
 * structures. The list head is a node itself: an empty list points to itself, so no operation
 * has a special case.  (Knuth, TAOCP vol. 1, 2.2.5.) */
#pragma once

#include "kernel/lib/types.h"

struct list_node {
    struct list_node *next, *prev;
};

#define LIST_INIT(head)  \
    {                    \
        &(head), &(head) \
    }

static inline void list_init(struct list_node *head)
{
    head->next = head->prev = head;
}

static inline bool list_is_empty(const struct list_node *head)
{
    return head->next == head;
}

static inline void list_insert_between(struct list_node *node, struct list_node *prev,
                                       struct list_node *next)
{
    node->prev = prev;
    node->next = next;
    prev->next = node;
    next->prev = node;
}

static inline void list_add_head(struct list_node *head, struct list_node *node)
{
    list_insert_between(node, head, head->next);
}

static inline void list_add_tail(struct list_node *head, struct list_node *node)
{
    list_insert_between(node, head->prev, head);
}

static inline void list_remove(struct list_node *node)
{
    node->prev->next = node->next;
    node->next->prev = node->prev;
}

/* The structure that holds `node` as its member `member`. */
#define list_entry(node, type, member) container_of(node, type, member)

#define list_first(head, type, member) list_entry((head)->next, type, member)

/* Visit every node; the body must not remove `node` (use list_for_each_safe for that). */
#define list_for_each(node, head) \
    for (struct list_node *node = (head)->next; node != (head); node = node->next)

#define list_for_each_safe(node, head)                                                     \
    for (struct list_node *node = (head)->next, *next_##node = node->next; node != (head); \
         node = next_##node, next_##node = node->next)
