// SPDX-License-Identifier: MIT
// carve.h - memory that is handed out once, from its front to its back, and never comes back.
//
// Those who share it agreed beforehand on how much each may take, so it does not run out.
// What is first needed lies together, however large the parts may become: a stack that is
// little used touches little memory, and a virtual machine pays for each page it touches.
#ifndef NETSTACK_BASE_CARVE_H
#define NETSTACK_BASE_CARVE_H

#include "exo/assert.h"
#include "exo/bits.h"
#include "exo/types.h"

#define CARVE_ALIGN 64u

struct carve {
    uint8_t *at; // what is left, aligned to CARVE_ALIGN
    size_t left;
};

// What a piece of so many bytes takes off.
static inline size_t carve_bytes(size_t bytes)
{
    return exo_align_up(bytes, CARVE_ALIGN);
}

// A piece of memory, as it is.
static inline void *carve_take(struct carve *c, size_t bytes)
{
    uint8_t *at = c->at;
    exo_assert(carve_bytes(bytes) <= c->left);
    c->at += carve_bytes(bytes);
    c->left -= carve_bytes(bytes);
    return at;
}

#endif
