// SPDX-License-Identifier: MIT
// buddy.c - free runs in a list for each order.
#include "mm/buddy.h"

#include "exo/assert.h"
#include "exo/bits.h"

#define FREE        0x100u // | order
#define USED        0x200u // | order
#define ORDER(unit) ((unit)->state & 0xff)

static uint32_t length(uint32_t order)
{
    return UINT32_C(1) << order;
}

static bool is_free_run(const struct buddy *b, uint32_t first, uint32_t order)
{
    return first < b->count && b->units[first].state == (FREE | order);
}

// --- the lists -------------------------------------------------------------------

static void push(struct buddy *b, uint32_t first, uint32_t order)
{
    uint32_t next = b->free[order];
    b->units[first] = (struct buddy_unit){.next = next, .prev = BUDDY_NONE, .state = FREE | order};
    if (next != BUDDY_NONE)
        b->units[next].prev = first;
    b->free[order] = first;
    b->orders |= length(order);
    b->free_count += length(order);
}

static void unlink(struct buddy *b, uint32_t first)
{
    struct buddy_unit *unit = &b->units[first];
    uint32_t order = ORDER(unit);
    if (unit->next != BUDDY_NONE)
        b->units[unit->next].prev = unit->prev;
    if (unit->prev != BUDDY_NONE)
        b->units[unit->prev].next = unit->next;
    else
        b->free[order] = unit->next;
    if (b->free[order] == BUDDY_NONE)
        b->orders &= ~length(order);
    unit->state = 0;
    b->free_count -= length(order);
}

// --- the face --------------------------------------------------------------------

size_t buddy_bytes(uint32_t count)
{
    return (size_t)count * sizeof(struct buddy_unit);
}

uint32_t buddy_order(uint64_t units)
{
    uint32_t order = units <= 1 ? 0 : 64u - (uint32_t)__builtin_clzll(units - 1);
    return EXO_MIN(order, BUDDY_ORDERS);
}

// As many long runs as fit, then ever shorter ones: the binary digits of `count`.
void buddy_init(struct buddy *b, void *table, uint32_t count)
{
    exo_assert(count <= BUDDY_MAX);
    *b = (struct buddy){.units = table, .count = count};
    for (uint32_t order = 0; order < BUDDY_ORDERS; order++)
        b->free[order] = BUDDY_NONE;
    for (uint32_t i = 0; i < count; i++)
        b->units[i].state = 0;
    uint32_t at = 0;
    for (uint32_t order = BUDDY_ORDERS; order-- > 0;)
        for (; count - at >= length(order); at += length(order))
            push(b, at, order);
}

// Makes [first, first + 2^order) a used run out of the free run [whole, whole + 2^had), which
// is in no list any more: halves what is left until only that run is.
static void carve(struct buddy *b, uint32_t whole, uint32_t had, uint32_t first, uint32_t order)
{
    while (had > order) {
        uint32_t half = length(--had);
        bool upper = first - whole >= half;
        push(b, upper ? whole : whole + half, had);
        whole += upper ? half : 0;
    }
    b->units[whole].state = USED | order;
}

uint32_t buddy_alloc(struct buddy *b, uint32_t order)
{
    uint32_t fitting = order < BUDDY_ORDERS ? b->orders & -length(order) : 0;
    if (!fitting)
        return BUDDY_NONE;
    uint32_t had = (uint32_t)__builtin_ctz(fitting);
    uint32_t first = b->free[had];
    unlink(b, first);
    carve(b, first, had, first, order);
    return first;
}

bool buddy_alloc_at(struct buddy *b, uint32_t first, uint32_t order)
{
    exo_assert(order < BUDDY_ORDERS && exo_is_aligned(first, length(order)));
    for (uint32_t had = order; had < BUDDY_ORDERS; had++) {
        uint32_t whole = first & -length(had);
        if (is_free_run(b, whole, had)) {
            unlink(b, whole);
            carve(b, whole, had, first, order);
            return true;
        }
    }
    return false;
}

void buddy_free(struct buddy *b, uint32_t first)
{
    exo_assert(first < b->count && (b->units[first].state & USED)); // freed twice, or no run
    uint32_t order = ORDER(&b->units[first]);
    b->units[first].state = 0;
    while (order + 1 < BUDDY_ORDERS && is_free_run(b, first ^ length(order), order)) {
        unlink(b, first ^ length(order));
        first &= ~length(order++);
    }
    push(b, first, order);
}

uint32_t buddy_largest(const struct buddy *b)
{
    return b->orders ? 31u - (uint32_t)__builtin_clz(b->orders) : BUDDY_ORDERS;
}

// --- for tests -------------------------------------------------------------------

static uint32_t check_list(const struct buddy *b, uint32_t order)
{
    uint32_t units = 0, prev = BUDDY_NONE;
    for (uint32_t at = b->free[order]; at != BUDDY_NONE; at = b->units[at].next) {
        exo_assert(is_free_run(b, at, order) && b->units[at].prev == prev);
        units += length(order);
        exo_assert(units <= b->count);
        prev = at;
    }
    exo_assert((units != 0) == (b->orders >> order & 1));
    return units;
}

void buddy_check(const struct buddy *b)
{
    uint32_t listed = 0, walked = 0;
    for (uint32_t order = 0; order < BUDDY_ORDERS; order++)
        listed += check_list(b, order);
    for (uint32_t at = 0; at < b->count;) {
        const struct buddy_unit *unit = &b->units[at];
        uint32_t order = ORDER(unit), end = at + length(order);
        exo_assert(unit->state == (FREE | order) || unit->state == (USED | order));
        exo_assert(exo_is_aligned(at, length(order)) && end <= b->count);
        if (unit->state & FREE) {
            walked += length(order);
            exo_assert(order + 1 == BUDDY_ORDERS || !is_free_run(b, at ^ length(order), order));
        }
        for (uint32_t i = at + 1; i < end; i++)
            exo_assert(b->units[i].state == 0);
        at = end;
    }
    exo_assert(listed == b->free_count && walked == listed);
}
