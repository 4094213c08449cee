// SPDX-License-Identifier: MIT
// clock_scale.h - ticks of a counter to nanoseconds and back, by one multiplication each.
//
// The product is 128 bits wide, so no count of ticks overflows before the nanoseconds
// do, in 584 years. Pure.
#ifndef CORE_CLOCK_SCALE_H
#define CORE_CLOCK_SCALE_H

#include "exo/types.h"

#define CLOCK_SCALE_SHIFT 32 // fraction bits of both factors

struct clock_scale {
    uint64_t origin;       // ticks at nanosecond 0
    uint64_t hz;           // ticks a second
    uint64_t ns_per_tick;  // fixed point
    uint64_t ticks_per_ns; // fixed point, rounded up: a deadline is never early
};

__extension__ typedef unsigned __int128 clock_wide;

// `hz` is from 1 to 10^18.
static inline struct clock_scale clock_scale_of(uint64_t origin, uint64_t hz)
{
    uint64_t ns_per_tick = (UINT64_C(1000000000) << CLOCK_SCALE_SHIFT) / hz;
    return (struct clock_scale){
        .origin = origin,
        .hz = hz,
        .ns_per_tick = ns_per_tick,
        .ticks_per_ns = UINT64_MAX / ns_per_tick + 1, // the inverse of the rounded factor
    };
}

static inline exo_ns clock_scale_ns(const struct clock_scale *scale, uint64_t ticks)
{
    return (exo_ns)((clock_wide)(ticks - scale->origin) * scale->ns_per_tick >> CLOCK_SCALE_SHIFT);
}

// A tick at which clock_scale_ns gives `ns` or very little more; the last tick of all if
// that is never.
static inline uint64_t clock_scale_ticks(const struct clock_scale *scale, exo_ns ns)
{
    clock_wide ticks = ((clock_wide)ns * scale->ticks_per_ns >> CLOCK_SCALE_SHIFT) + 1;
    clock_wide at = ticks + scale->origin;
    return at > UINT64_MAX ? UINT64_MAX : (uint64_t)at;
}

#endif
