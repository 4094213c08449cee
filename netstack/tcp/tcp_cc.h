// SPDX-License-Identifier: MIT
// tcp_cc.h - how much may be in the network at once: the congestion window.
//
// The connection tells what happened (bytes acknowledged, a loss seen, a timeout); the
// window is the answer. Which ACK means what is decided in tcp_in.c, so that another
// algorithm is another file behind these calls. Windows are in bytes.
//
//     slow start      cwnd < ssthresh: grow by what was acknowledged, 2 SMSS an ACK at most
//     avoidance       one SMSS for each full window acknowledged
//     fast recovery   from the third duplicate ACK until `recover` is acknowledged
#ifndef NETSTACK_TCP_TCP_CC_H
#define NETSTACK_TCP_TCP_CC_H

#include <stdbool.h>
#include <stdint.h>

struct tcp_cc {
    uint32_t cwnd;     // the congestion window
    uint32_t ssthresh; // slow start ends here
    uint32_t smss;     // what a full segment carries
    uint32_t acked;    // acknowledged since the last step of avoidance
    bool after_rto;    // slow start after a timeout counts 1 SMSS an ACK (RFC 3465 §2.3)
};

// A new connection: the initial window of RFC 6928, or one segment if its SYN was lost.
void tcp_cc_init(struct tcp_cc *cc, uint32_t smss, bool syn_was_lost);

// `bytes` were newly acknowledged while `flight` were outstanding, outside of recovery.
// A window that was not used does not grow (RFC 7661 §1, RFC 9293 §3.8.2).
void tcp_cc_acked(struct tcp_cc *cc, uint32_t bytes, uint32_t flight);

// The third duplicate ACK: recovery begins (RFC 5681 §3.2 steps 2, 3).
void tcp_cc_recovery_begin(struct tcp_cc *cc, uint32_t flight);

// A further duplicate ACK: one segment has left the network (step 4).
void tcp_cc_recovery_dupack(struct tcp_cc *cc);

// A partial ACK for `bytes` (RFC 6582 §3.2 step 3, deflation).
void tcp_cc_recovery_partial(struct tcp_cc *cc, uint32_t bytes);

// All that was outstanding when it began is acknowledged (RFC 6582 §3.2 step 3).
void tcp_cc_recovery_end(struct tcp_cc *cc, uint32_t flight);

// A tail loss probe turned out to have repaired a loss (RFC 8985 §7.4.2): as a recovery.
void tcp_cc_tail_lost(struct tcp_cc *cc, uint32_t flight);

// The retransmission timer fired; `first` for the first time since progress (RFC 5681 §3.1).
void tcp_cc_timeout(struct tcp_cc *cc, uint32_t flight, bool first);

// Full segments carry `smss` from now on. As many bytes as before may be in the network:
// a link that takes less is no sign of congestion (RFC 1191 §6.4).
void tcp_cc_resize(struct tcp_cc *cc, uint32_t smss);

// Nothing was sent for longer than the retransmission timeout (RFC 5681 §4.1).
void tcp_cc_idle(struct tcp_cc *cc);

#endif
