// SPDX-License-Identifier: MIT
// timer.c - the pairing heap behind sleepers.
#include "sched/timer.h"

#include "exo/assert.h"

static bool comes_before(const struct timer *a, const struct timer *b)
{
    if (a->deadline != b->deadline)
        return a->deadline < b->deadline;
    return a->order < b->order;
}

// Joins two roots without siblings: the later one becomes the first child of the earlier.
static struct timer *meld(struct timer *a, struct timer *b)
{
    if (!a)
        return b;
    if (!b)
        return a;
    if (comes_before(b, a)) {
        struct timer *t = a;
        a = b;
        b = t;
    }
    b->prev = a;
    b->next = a->child;
    if (a->child)
        a->child->prev = b;
    a->child = b;
    return a;
}

static void make_root(struct timer *t)
{
    t->next = NULL;
    t->prev = NULL;
}

// Joins a row of siblings into one root: in pairs from left to right, then the pairs
// from right to left. The order is what bounds the cost. `next` of the pairs' roots
// holds the second row, so nothing recurses however long the row is.
static struct timer *meld_siblings(struct timer *first)
{
    struct timer *pairs = NULL; // the last pair first
    while (first) {
        struct timer *a = first;
        struct timer *b = a->next;
        first = b ? b->next : NULL;
        make_root(a);
        if (b)
            make_root(b);
        struct timer *pair = meld(a, b);
        pair->next = pairs;
        pairs = pair;
    }
    struct timer *root = NULL;
    while (pairs) {
        struct timer *pair = pairs;
        pairs = pair->next;
        make_root(pair);
        root = meld(root, pair);
    }
    return root;
}

// Takes a node that is not the root out of its row of siblings, its children with it.
static void cut(struct timer *t)
{
    if (t->prev->child == t)
        t->prev->child = t->next;
    else
        t->prev->next = t->next;
    if (t->next)
        t->next->prev = t->prev;
    make_root(t);
}

void timers_insert(struct timers *h, struct timer *t, exo_ns deadline)
{
    exo_assert(!timer_is_set(t));
    *t = (struct timer){.deadline = deadline, .order = ++h->inserted};
    h->root = meld(h->root, t);
}

void timers_remove(struct timers *h, struct timer *t)
{
    if (!timer_is_set(t))
        return;
    struct timer *children = meld_siblings(t->child);
    if (t == h->root) {
        h->root = children;
    } else {
        cut(t);
        h->root = meld(h->root, children);
    }
    timer_init(t);
}
