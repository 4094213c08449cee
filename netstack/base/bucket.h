// SPDX-License-Identifier: MIT
// bucket.h - a token bucket: so many events at once, so many per second in the long run.
#ifndef NETSTACK_BASE_BUCKET_H
#define NETSTACK_BASE_BUCKET_H

#include "exo/types.h"

struct bucket {
    exo_ns full_at; // when it will be full again if nothing is taken; the past: full now
};

// Takes one token. False: the bucket is empty, do without.
//
// `per_token` is the time in which one token grows, `burst` how many it holds; both
// may differ from call to call, which is how a caller adds jitter.
static inline bool bucket_take(struct bucket *b, exo_ns now, exo_ns per_token, uint32_t burst)
{
    const exo_ns full_at = b->full_at > now ? b->full_at : now;
    if (full_at + per_token > now + per_token * burst)
        return false;
    b->full_at = full_at + per_token;
    return true;
}

#endif
