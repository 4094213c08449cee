// SPDX-License-Identifier: MIT
// bits.h - arithmetic on sizes, alignments and containing structures.
#ifndef EXO_BITS_H
#define EXO_BITS_H

#include <stddef.h>
#include <stdint.h>

#define EXO_COUNT(array) (sizeof(array) / sizeof((array)[0]))

// The structure of type `type` whose member `member` is at `ptr`.
#define EXO_CONTAINER(ptr, type, member) ((type *)(void *)((char *)(ptr)-offsetof(type, member)))

#define EXO_MIN(a, b)                                                                              \
    ({                                                                                             \
        __typeof__(a) min_a_ = (a);                                                                \
        __typeof__(b) min_b_ = (b);                                                                \
        min_a_ < min_b_ ? min_a_ : min_b_;                                                         \
    })

#define EXO_MAX(a, b)                                                                              \
    ({                                                                                             \
        __typeof__(a) max_a_ = (a);                                                                \
        __typeof__(b) max_b_ = (b);                                                                \
        max_a_ > max_b_ ? max_a_ : max_b_;                                                         \
    })

// `align` is a power of two in all three.
static inline uint64_t exo_align_up(uint64_t x, uint64_t align)
{
    return (x + align - 1) & ~(align - 1);
}

static inline uint64_t exo_align_down(uint64_t x, uint64_t align)
{
    return x & ~(align - 1);
}

static inline int exo_is_aligned(uint64_t x, uint64_t align)
{
    return (x & (align - 1)) == 0;
}

static inline int exo_is_pow2(uint64_t x)
{
    return x != 0 && (x & (x - 1)) == 0;
}

#endif
