// SPDX-License-Identifier: MIT
// types.h - scalars and addresses with a meaning, for every layer.
#ifndef EXO_TYPES_H
#define EXO_TYPES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// Nanoseconds on the machine's monotonic clock. Never goes back; the zero is
// an instant near power-on and means nothing by itself.
typedef uint64_t exo_ns;

#define EXO_NS_NEVER UINT64_MAX // a deadline that does not come
#define EXO_US(n)    ((exo_ns)(n)*1000u)
#define EXO_MS(n)    ((exo_ns)(n)*1000000u)
#define EXO_S(n)     ((exo_ns)(n)*1000000000u)

// One-field structs: an integer to the machine, two different things to the compiler.
struct pa { // physical address, in bytes: what a device and a page table see
    uint64_t v;
};

struct va { // virtual address, in bytes: what a load sees
    uint64_t v;
};

#endif
