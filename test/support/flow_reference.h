// SPDX-License-Identifier: MIT
// flow_reference.h - what core/flow_match.h promises, said again, slowly and field by field.
//
// Filters and frames are drawn from a space of few values, so that what is drawn twice often
// meets; the census goes through all of that space.
#ifndef TEST_SUPPORT_FLOW_REFERENCE_H
#define TEST_SUPPORT_FLOW_REFERENCE_H

#include "core/flow_match.h"

struct reference_frame {
    uint8_t bytes[80];
    uint32_t len;
};

// A filter that makes sense.
struct core_flow_filter reference_filter(uint64_t *seed);

// A frame, now and then a spoilt one.
struct reference_frame reference_frame(uint64_t *seed, const uint8_t to[6], const uint8_t from[6]);

// Does the frame, which came in to `mac`, match?
bool reference_matches(const struct core_flow_filter *filter, const uint8_t *frame, uint32_t len,
                       const uint8_t mac[6]);

// Is there a point of the space that both match, that only `a` does, that only `b` does?
void reference_census(const struct core_flow_filter *a, const struct core_flow_filter *b,
                      bool *both, bool *only_a, bool *only_b);

#endif
