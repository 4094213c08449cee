// SPDX-License-Identifier: MIT
// reference.c - compares two counters. Touches neither but through the functions handed in.
#include "hal/reference.h"

#include "exo/bits.h"

#define HALVES_A_SECOND 2048u // half a measurement is as long as one of these
#define READS           6u    // an end of a measurement is the tightest of this many reads
#define STILL_READS_MAX 4096u // equal reads in a row after which the reference stands still
#define READS_MAX       (1u << 18)
#define ATTEMPTS_MAX    2
#define AGREE_SHIFT     6 // the two halves may differ by 1/64: a tick of the slowest is 1/582

// One instant on both clocks.
struct instant {
    uint64_t counter;
    uint64_t width; // counts that the read took: the instant lies somewhere within
    uint32_t reference;
};

// Of several reads the quickest is the one in which nothing came between the clocks.
static struct instant now_on_both(const struct hal_reference *reference, uint64_t (*counter)(void))
{
    struct instant best = {.width = UINT64_MAX};
    for (uint32_t i = 0; i < READS; i++) {
        uint64_t before = counter();
        uint32_t count = reference->read(reference);
        uint64_t width = counter() - before;
        if (width < best.width)
            best = (struct instant){before + width / 2, width, count};
    }
    return best;
}

static uint32_t passed(const struct hal_reference *reference, uint32_t since, uint32_t now)
{
    return (now - since) & reference->mask;
}

// Waits until `ticks` of the reference have passed. False if they never do.
static bool wait_ticks(const struct hal_reference *reference, uint32_t since, uint64_t ticks)
{
    uint32_t last = since;
    for (uint32_t reads = 0, still = 0; reads < READS_MAX && still < STILL_READS_MAX; reads++) {
        uint32_t now = reference->read(reference);
        if (passed(reference, since, now) >= ticks)
            return true;
        still = now == last ? still + 1 : 0;
        last = now;
    }
    return false;
}

static uint64_t hz_between(const struct hal_reference *reference, const struct instant *a,
                           const struct instant *b)
{
    __extension__ typedef unsigned __int128 wide;
    uint64_t ticks = passed(reference, a->reference, b->reference);
    wide hz = ticks ? (wide)(b->counter - a->counter) * reference->hz / ticks : 0;
    return hz > UINT64_MAX ? UINT64_MAX : (uint64_t)hz;
}

static bool agree(uint64_t a, uint64_t b)
{
    uint64_t difference = a > b ? a - b : b - a;
    return difference <= (a >> AGREE_SHIFT);
}

// One measurement: the rate, 0 if the reference stands still.
static uint64_t measure_once(const struct hal_reference *reference, uint64_t (*counter)(void),
                             bool *steady)
{
    uint64_t half = reference->hz / HALVES_A_SECOND;
    struct instant a = now_on_both(reference, counter);
    if (!wait_ticks(reference, a.reference, half))
        return 0;
    struct instant b = now_on_both(reference, counter);
    if (!wait_ticks(reference, b.reference, half))
        return 0;
    struct instant c = now_on_both(reference, counter);
    *steady = agree(hz_between(reference, &a, &b), hz_between(reference, &b, &c));
    return hz_between(reference, &a, &c);
}

// A reference that went round once or more while the CPU was away has counted too little, and
// the rate comes out too high: of unsteady measurements the lowest is the best.
uint64_t hal_reference_measure(const struct hal_reference *reference, uint64_t (*counter)(void),
                               bool *steady)
{
    uint64_t lowest = UINT64_MAX;
    *steady = false;
    for (uint32_t attempt = 0; attempt < ATTEMPTS_MAX; attempt++) {
        uint64_t hz = measure_once(reference, counter, steady);
        if (hz == 0 || *steady)
            return hz;
        lowest = EXO_MIN(lowest, hz);
    }
    return lowest;
}
