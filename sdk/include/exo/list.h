// SPDX-License-Identifier: MIT
// list.h - an intrusive doubly linked ring. A node is in at most one list.
//
//     head <-> first <-> ... <-> last <-> head          empty: head <-> head
//
// The members are nodes inside their owners (EXO_CONTAINER finds the owner); the
// list allocates nothing and every operation takes constant time.
#ifndef EXO_LIST_H
#define EXO_LIST_H

#include <stdbool.h>
#include <stddef.h>

struct list {
    struct list *next;
    struct list *prev;
};

static inline void list_init(struct list *l)
{
    l->next = l;
    l->prev = l;
}

// Of a head: the list is empty. Of a node: it is in no list.
static inline bool list_is_empty(const struct list *l)
{
    return l->next == l;
}

static inline void list_push_back(struct list *head, struct list *node)
{
    node->prev = head->prev;
    node->next = head;
    head->prev->next = node;
    head->prev = node;
}

static inline void list_push_front(struct list *head, struct list *node)
{
    list_push_back(head->next, node);
}

// Takes a node out of whatever list it is in; harmless if it is in none.
static inline void list_remove(struct list *node)
{
    node->prev->next = node->next;
    node->next->prev = node->prev;
    list_init(node);
}

static inline struct list *list_first(const struct list *head)
{
    return head->next == head ? NULL : head->next;
}

static inline struct list *list_pop_front(struct list *head)
{
    struct list *first = list_first(head);
    if (first)
        list_remove(first);
    return first;
}

#endif
