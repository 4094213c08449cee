// SPDX-License-Identifier: MIT
// tcp_cc_newreno.c - RFC 5681 with the recovery of RFC 6582 and the byte counting of RFC 3465.
#include "netstack/tcp/tcp_cc.h"

#include "exo/bits.h"

#define CWND_MAX (1u << 30) // as far as sequence comparison reaches

// RFC 6928 §2: min(10 SMSS, max(2 SMSS, 14600)).
static uint32_t initial_window(uint32_t smss)
{
    return EXO_MIN(10 * smss, EXO_MAX(2 * smss, 14600u));
}

// RFC 5681 §3.1 equation (4).
static uint32_t half_of(const struct tcp_cc *cc, uint32_t flight)
{
    return EXO_MAX(flight / 2, 2 * cc->smss);
}

static void grow(struct tcp_cc *cc, uint32_t bytes)
{
    cc->cwnd = EXO_MIN(cc->cwnd + bytes, CWND_MAX);
}

void tcp_cc_init(struct tcp_cc *cc, uint32_t smss, bool syn_was_lost)
{
    *cc = (struct tcp_cc){
        .cwnd = syn_was_lost ? smss : initial_window(smss), // RFC 5681 §3.1
        .ssthresh = CWND_MAX,
        .smss = smss,
    };
}

void tcp_cc_acked(struct tcp_cc *cc, uint32_t bytes, uint32_t flight)
{
    if (cc->cwnd < cc->ssthresh) {
        // Half a window in use counts as using it: it doubles only once a round trip.
        if (flight < cc->cwnd / 2)
            return;
        uint32_t limit = cc->after_rto ? cc->smss : 2 * cc->smss;
        grow(cc, EXO_MIN(bytes, limit));
        return;
    }
    if (flight + cc->smss <= cc->cwnd)
        return;
    cc->after_rto = false;
    cc->acked += EXO_MIN(bytes, cc->cwnd);
    if (cc->acked >= cc->cwnd) {
        cc->acked -= cc->cwnd;
        grow(cc, cc->smss);
    }
}

void tcp_cc_recovery_begin(struct tcp_cc *cc, uint32_t flight)
{
    // What is out beyond cwnd is limited transmit's, which does not count (§3.2 step 2).
    cc->ssthresh = half_of(cc, EXO_MIN(flight, cc->cwnd));
    cc->cwnd = cc->ssthresh + 3 * cc->smss;
    cc->acked = 0;
}

void tcp_cc_recovery_dupack(struct tcp_cc *cc)
{
    grow(cc, cc->smss);
}

void tcp_cc_recovery_partial(struct tcp_cc *cc, uint32_t bytes)
{
    cc->cwnd -= EXO_MIN(bytes, cc->cwnd);
    if (bytes >= cc->smss)
        cc->cwnd += cc->smss;
    cc->cwnd = EXO_MAX(cc->cwnd, cc->smss);
}

void tcp_cc_recovery_end(struct tcp_cc *cc, uint32_t flight)
{
    // Option 1 of RFC 6582: what is still in flight decides, so that no burst follows.
    cc->cwnd = EXO_MIN(cc->ssthresh, EXO_MAX(flight, cc->smss) + cc->smss);
}

void tcp_cc_tail_lost(struct tcp_cc *cc, uint32_t flight)
{
    cc->ssthresh = half_of(cc, EXO_MIN(flight, cc->cwnd));
    cc->cwnd = EXO_MIN(cc->cwnd, cc->ssthresh);
    cc->acked = 0;
}

void tcp_cc_timeout(struct tcp_cc *cc, uint32_t flight, bool first)
{
    // A segment that is lost twice says nothing new about the path's capacity.
    if (first)
        cc->ssthresh = half_of(cc, flight);
    cc->cwnd = cc->smss;
    cc->acked = 0;
    cc->after_rto = true;
}

void tcp_cc_resize(struct tcp_cc *cc, uint32_t smss)
{
    cc->smss = smss;
}

void tcp_cc_idle(struct tcp_cc *cc)
{
    cc->cwnd = EXO_MIN(cc->cwnd, initial_window(cc->smss));
}
