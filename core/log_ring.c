// SPDX-License-Identifier: MIT
// log_ring.c - puts bytes into the ring and takes whole lines out.
#include "core/log_ring.h"

#include <string.h>

#include "exo/bits.h"

void log_ring_put(struct log_ring *ring, const char *bytes, size_t len)
{
    for (size_t i = 0; i < len; i++)
        ring->bytes[ring->written++ % LOG_RING_BYTES] = bytes[i];
}

// All that is kept, oldest byte first. Its first line is whole only if nothing was lost.
static size_t unroll(const struct log_ring *ring, char out[LOG_RING_BYTES])
{
    size_t len = EXO_MIN(ring->written, LOG_RING_BYTES);
    size_t start = (ring->written - len) % LOG_RING_BYTES;
    size_t first = EXO_MIN(len, LOG_RING_BYTES - start);
    memcpy(out, ring->bytes + start, first);
    memcpy(out + first, ring->bytes, len - first);
    return len;
}

// Where the last `lines` lines begin; where the first whole one does, if there are fewer.
static size_t lines_start(const char *bytes, size_t len, uint32_t lines, bool whole)
{
    size_t start = len;
    for (size_t at = len; lines > 0 && at-- > 0;) {
        bool is_border = bytes[at] == '\n' && at + 1 != len; // the last line's own end is none
        if (is_border) {
            start = at + 1;
            lines--;
        }
    }
    return lines > 0 && whole ? 0 : start;
}

size_t log_ring_tail(const struct log_ring *ring, uint32_t lines, char out[LOG_RING_BYTES])
{
    size_t len = unroll(ring, out);
    size_t start = lines_start(out, len, lines, ring->written <= LOG_RING_BYTES);
    memmove(out, out + start, len - start);
    return len - start;
}
