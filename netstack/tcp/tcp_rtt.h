// SPDX-License-Identifier: MIT
// tcp_rtt.h - how long a round trip takes, and so how long to wait for an ACK (RFC 6298).
//
// Karn's rule is the caller's half: it must not offer a sample that may belong to
// either of two transmissions. A timeout doubles the wait, and the doubling stays
// until the next good sample.
#ifndef NETSTACK_TCP_TCP_RTT_H
#define NETSTACK_TCP_TCP_RTT_H

#include "exo/types.h"

#define TCP_RTO_FIRST_NS  EXO_S(1)    // before any sample (RFC 6298 rule 2.1)
#define TCP_RTO_MIN_NS    EXO_MS(200) // below the RFC's 1 s, as in common practice (docs/decisions)
#define TCP_RTO_MAX_NS    EXO_S(60)   // rule 2.5
#define TCP_PTO_MIN_NS    EXO_MS(10)  // over 2 SRTT: less would take a busy machine for a loss
#define TCP_PTO_DELACK_NS EXO_MS(50)  // the same where the peer may delay its ACK: Linux and we, 40
#define TCP_RTT_G_NS      EXO_MS(1)   // clock granularity G: how finely a caller polls

struct tcp_rtt {
    exo_ns srtt_ns;   // smoothed round trip; 0 before the first sample
    exo_ns rttvar_ns; // its variation
    exo_ns base_ns;   // the timeout before it was backed off
    uint8_t backoff;  // doublings since the last sample
};

void tcp_rtt_init(struct tcp_rtt *rtt);

// One measured round trip. Ends the back-off.
void tcp_rtt_sample(struct tcp_rtt *rtt, exo_ns measured_ns);

// A timeout fired (rule 5.5).
void tcp_rtt_back_off(struct tcp_rtt *rtt);

// The SYN was lost and there is still no sample: start data at 3 s (rule 5.7).
void tcp_rtt_syn_was_lost(struct tcp_rtt *rtt);

// The timeout to arm now.
exo_ns tcp_rtt_rto_ns(const struct tcp_rtt *rtt);

// How long to wait before a tail loss probe (RFC 8985 §7.2); `delayed`: the peer's ACK may be.
exo_ns tcp_rtt_pto_ns(const struct tcp_rtt *rtt, bool delayed);

// `ns` doubled `times` times, at most TCP_RTO_MAX_NS.
exo_ns tcp_rtt_doubled_ns(exo_ns ns, uint32_t times);

#endif
