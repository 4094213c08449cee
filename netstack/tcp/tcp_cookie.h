// SPDX-License-Identifier: MIT
// tcp_cookie.h - SYN cookies: a half-open connection that is kept by the peer, not by us.
//
//      31        27 26    24 23                                  0
//     ┌────────────┬────────┬─────────────────────────────────────┐
//     │ now / 64 s │  MSS   │ keyed hash of these two, the four-  │  = the SYN-ACK's number
//     │   mod 32   │ index  │ tuple and the peer's initial number │
//     └────────────┴────────┴─────────────────────────────────────┘
//
// While more SYNs come than there is room for, the answer carries all that must be known,
// and the ACK that a real peer sends brings it back. What does not fit is lost to such a
// connection: window scaling, and a SYN-ACK that is repeated by us.
// Spec: RFC 4987 §3.6.
#ifndef NETSTACK_TCP_TCP_COOKIE_H
#define NETSTACK_TCP_TCP_COOKIE_H

#include "netstack/tcp/tcp.h"

#define TCP_COOKIE_TICK_NS EXO_S(64)
#define TCP_COOKIE_TICKS   2u // a cookie is good for so many ticks, the current one included

// The SYN-ACK that answers `syn`, with a cookie as its sequence number.
void tcp_cookie_answer(struct wire_tcp *syn_ack, const struct tcp *tcp,
                       const struct tcp_tuple *tuple, const struct wire_tcp *syn, exo_ns now);

// True if `ack` acknowledges a cookie of ours; `syn` is then the SYN as far as it matters.
bool tcp_cookie_check(struct wire_tcp *syn, const struct tcp *tcp, const struct tcp_tuple *tuple,
                      const struct wire_tcp *ack, exo_ns now);

#endif
