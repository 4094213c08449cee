// SPDX-License-Identifier: MIT
// log_ring.h - the last bytes that went to the console, kept for a report.
//
// A report shows them because the lines before it may be nowhere else: the screen held
// something different, or nobody listened to the serial port. Pure.
#ifndef CORE_LOG_RING_H
#define CORE_LOG_RING_H

#include "exo/types.h"

#define LOG_RING_BYTES 1024u

struct log_ring {
    uint64_t written; // bytes so far; the next one goes to bytes[written % LOG_RING_BYTES]
    char bytes[LOG_RING_BYTES];
};

void log_ring_put(struct log_ring *ring, const char *bytes, size_t len);

// Copies the last lines, at most `lines` of them, oldest first, to `out` and returns their
// length. Lines that are no longer whole are left out, but for an unfinished last one.
size_t log_ring_tail(const struct log_ring *ring, uint32_t lines, char out[LOG_RING_BYTES]);

#endif
