// SPDX-License-Identifier: MIT
// test_matrix.c - many seeds over cables that are bad in each way, and in all of them.
//
// In the environment: SIM_CASE=name runs one cable, SIM_SEED=n one seed, and
// TWINS_PCAP=file writes the frames of the last run down.
#include "test/sim/sim.h"

#include <stdlib.h>
#include <string.h>

#define PERCENT(n) (uint16_t)((n)*65536 / 100)

static void run_seeds(const struct sim_knobs *knobs, uint32_t seeds)
{
    const char *one = getenv("SIM_SEED");
    const char *name = getenv("SIM_CASE");
    struct sim_result sum = {0};
    if (name && strcmp(name, knobs->name) != 0)
        return;
    if (one) {
        sim_run(knobs, strtoul(one, NULL, 0));
        return;
    }
    for (uint32_t seed = 1; seed <= seeds; seed++) {
        const struct sim_result r = sim_run(knobs, seed);
        sum.took += r.took;
        sum.bytes += r.bytes;
        sum.frames += r.frames;
        sum.retransmits += r.retransmits;
    }
    printf("%-12s %3u seeds: %7.2f MB in %8.1f virtual s, %lu frames, %lu sent again\n",
           knobs->name, seeds, (double)sum.bytes / 1e6, (double)sum.took / 1e9, sum.frames,
           sum.retransmits);
}

#define RUN(test, seeds, ...)                                                                      \
    START_TEST(test)                                                                               \
    {                                                                                              \
        static const struct sim_knobs knobs = {.name = #test, __VA_ARGS__};                        \
        run_seeds(&knobs, seeds);                                                                  \
    }                                                                                              \
    END_TEST

RUN(good_cable, 40, .talks = 2, .bytes_max = 200000, .finish_within = EXO_S(60),
    .cable = {.delay = EXO_MS(3)})
RUN(no_delay, 20, .talks = 1, .bytes_max = 200000, .finish_within = EXO_S(60))
RUN(lossy_1, 40, .talks = 2, .bytes_max = 200000, .finish_within = EXO_S(300),
    .cable = {.delay = EXO_MS(3), .lose = PERCENT(1)})
RUN(lossy_10, 40, .talks = 2, .bytes_max = 60000, .finish_within = EXO_S(1000), .near_wrap = true,
    .cable = {.delay = EXO_MS(3), .lose = PERCENT(10)})
RUN(reordered, 40, .talks = 2, .bytes_max = 200000, .finish_within = EXO_S(300), .near_wrap = true,
    .cable = {.delay = EXO_MS(3), .reorder = PERCENT(10), .reorder_max = EXO_MS(20)})
RUN(doubled, 30, .talks = 2, .bytes_max = 200000, .finish_within = EXO_S(300), .near_wrap = true,
    .cable = {.delay = EXO_MS(3), .duplicate = PERCENT(20)})
RUN(flipped, 40, .talks = 2, .bytes_max = 100000, .finish_within = EXO_S(1000),
    .cable = {.delay = EXO_MS(3), .corrupt = PERCENT(2), .truncate = PERCENT(1)})
RUN(narrow, 20, .talks = 3, .bytes_max = 200000, .finish_within = EXO_S(300),
    .cable = {.delay = EXO_MS(20), .rate_bytes_per_s = 250000, .queue_frames = 20})
RUN(lazy, 40, .talks = 2, .bytes_max = 200000, .finish_within = EXO_S(1000), .lazy_readers = true,
    .window_bytes = 8192, .cable = {.delay = EXO_MS(3), .lose = PERCENT(2)})
RUN(tiny_pool, 40, .talks = 4, .bytes_max = 60000, .finish_within = EXO_S(2000), .pkts = 64,
    .window_bytes = 32768, .lazy_readers = true, .cable = {.delay = EXO_MS(3), .lose = PERCENT(1)})
RUN(tiny_window, 20, .talks = 2, .bytes_max = 30000, .finish_within = EXO_S(2000),
    .window_bytes = 2920, .cable = {.delay = EXO_MS(3), .lose = PERCENT(1)})
RUN(everything, 60, .talks = 3, .bytes_max = 60000, .finish_within = EXO_S(2000),
    .lazy_readers = true, .near_wrap = true,
    .cable = {.delay = EXO_MS(5),
              .lose = PERCENT(3),
              .duplicate = PERCENT(3),
              .corrupt = PERCENT(1),
              .truncate = PERCENT(0.5),
              .reorder = PERCENT(5),
              .reorder_max = EXO_MS(30)})

CHECK_MAIN("sim.matrix", good_cable, no_delay, lossy_1, lossy_10, reordered, doubled, flipped,
           narrow, lazy, tiny_pool, tiny_window, everything)
