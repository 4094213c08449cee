// SPDX-License-Identifier: MIT
// tcp.h - one TCP connection as a machine: segments in, segments out, and time.
//
//     tcp_input   one segment moves up       ─┐
//     tcp_tick    what is due happens         ├─► then: tcp_output until it gives nothing,
//     tcp_commit, tcp_consume, tcp_shutdown  ─┘        state, tcp_deadline, tcp_events may differ
//
// Nothing here calls back, allocates anything but packets, or knows of sockets, routes
// or tables: netstack/stack looks at `state` after each call and does the rest.
//
//     send sequence space                           receive sequence space
//
//        acked │ in flight │ may be sent │ not yet     taken │ promised window │ not yet
//     ─────────┼───────────┼─────────────┼────────    ───────┼─────────────────┼────────
//           snd_una     snd_nxt    snd_una+snd_wnd         rcv_nxt          rcv_adv
//
// snd_nxt goes back to snd_una when the retransmission timer fires, and what lies behind
// is sent again as the windows allow; snd_max stays at the highest number ever sent, and
// is what the RFC calls SND.NXT wherever an ACK is judged.
//
// Memory. Data to send waits in packets of at most one segment each, which the link sends
// from where they lie (pkt.h, "Two views"). Received packets are kept as they came; small
// ones are copied together, so that a window of one-byte segments pins few buffers.
//
// Spec: RFC 9293; RFC 1191, 5927 (tcp_path.c); RFC 5681, 6582, 6928 (tcp_cc.h); RFC 6298
// (tcp_rtt.h); RFC 7323 §2 (window scale); RFC 2018, 2883 (tcp_sack.h); RFC 8985 §7 (tcp_tail.c);
// RFC 5961, 1337 (forged segments); RFC 6528 (tcp_isn); RFC 4987 (tcp_cookie.h).
#ifndef NETSTACK_TCP_TCP_H
#define NETSTACK_TCP_TCP_H

#include "exo/span.h"
#include "netstack/base/bucket.h"
#include "netstack/base/pkt.h"
#include "netstack/base/seq.h"
#include "netstack/base/siphash.h"
#include "netstack/net.h"
#include "netstack/tcp/tcp_cc.h"
#include "netstack/tcp/tcp_reasm.h"
#include "netstack/tcp/tcp_rtt.h"
#include "netstack/tcp/tcp_sack.h"
#include "netstack/wire/tcp.h"

#define TCP_MSS_DEFAULT     536u // of a peer that names none (RFC 9293 MUST-15)
#define TCP_MSS_MIN         216u // a peer that names less gets this (docs/decisions/tcp-policy.md)
#define TCP_DELACK_NS       EXO_MS(40)  // an ACK waits so long for company; RFC 9293 allows 500 ms
#define TCP_GIVE_UP_NS      EXO_S(100)  // R2: no progress for so long ends the connection
#define TCP_SYN_GIVE_UP_NS  EXO_S(180)  // R2 of a SYN (RFC 9293 MUST-23)
#define TCP_FIN_WAIT_NS     EXO_S(60)   // FIN-WAIT-2 of a connection that nobody holds
#define TCP_TIME_WAIT_NS    EXO_S(60)   // 2 MSL, with an MSL of 30 s
#define TCP_CHALLENGE_NS    EXO_MS(200) // one challenge ACK per connection in this time,
#define TCP_CHALLENGE_BURST 5u          // after so many in a row (RFC 5961 §7)
#define TCP_DUPACKS         3u          // duplicate ACKs that mean a loss (RFC 5681 §3.2)

enum tcp_state { // RFC 9293 §3.3.2; LISTEN is the stack's, and so is the time of TIME-WAIT
    TCP_CLOSED,
    TCP_SYN_SENT,
    TCP_SYN_RCVD,
    TCP_ESTABLISHED,
    TCP_FIN_WAIT_1,
    TCP_FIN_WAIT_2,
    TCP_CLOSING,
    TCP_CLOSE_WAIT,
    TCP_LAST_ACK,
    TCP_TIME_WAIT,
};

// What the connections of one stack share.
struct tcp {
    struct pkt_pool *pool;
    struct net_stats *stats;  // counters, written as things happen
    struct siphash_key isn;   // secret of the initial sequence numbers
    uint32_t rx_window_bytes; // receive buffer of a connection
    uint32_t tx_buffer_bytes; // send buffer of a connection
    uint16_t mss;             // MTU less 40: what we announce (RFC 6691), and never exceed
};

struct tcp_tuple { // which connection
    struct ip4 local;
    struct ip4 peer;
    uint16_t local_port;
    uint16_t peer_port;
};

_Static_assert(sizeof(struct tcp_tuple) == 12, "hashed as bytes, without gaps");

struct tcp_tail {  // tail loss probes (RFC 8985 §7)
    bool armed;    // rtx_at is for a probe, not for a retransmission
    bool due;      // one is to be sent
    bool out;      // one is on its way
    bool doubtful; // it repeats what was sent before: was that lost, or only late?
    uint32_t end;  // snd_max when it was sent
    exo_ns rto_at; // rtx_at, were it not for the probe
};

struct tcp_conn {
    struct tcp *tcp;
    struct tcp_tuple tuple;
    uint8_t state;    // enum tcp_state
    bool from_cookie; // nobody knows when its SYN-ACK was sent
    bool orphan;      // the app has let go; only the wire is left to serve
    int error;        // why it died: a negative error, or 0
    int soft_error;   // what ICMP or ARP said, to be told if it dies for want of answers

    // --- sending ---
    uint32_t iss;          // initial send sequence number
    uint32_t snd_una;      // oldest unacknowledged number
    uint32_t snd_nxt;      // next to send
    uint32_t snd_max;      // one past the highest number ever sent
    uint32_t snd_end;      // one past the last queued byte: the FIN's number
    uint32_t snd_wnd;      // the peer's window, in bytes
    uint32_t snd_wnd_max;  // the largest it ever offered
    uint32_t snd_wl1;      // sequence number of the segment that set snd_wnd
    uint32_t snd_wl2;      // and its acknowledgment
    uint16_t snd_mss;      // payload of a full segment to the peer
    uint8_t snd_shift;     // how the peer scales its windows
    bool scaled;           // both sides offered window scaling
    bool fin_queued;       // a FIN follows snd_end
    bool nagle;            // RFC 9293 §3.7.4
    bool starved;          // the app was refused a buffer; the stack clears it when there are some
    uint32_t snd_pkts;     // packets in the queue
    struct pkt *snd_first; // holds snd_una; the rest through next
    struct pkt *snd_last;
    struct pkt *snd_cur;   // holds snd_nxt; null: all that is queued has been sent
    struct pkt *snd_spare; // lent by tcp_reserve, not yet in the queue
    exo_ns sent_at;        // when something that takes a sequence number was last sent

    // --- receiving ---
    uint32_t irs;           // initial receive sequence number
    uint32_t rcv_nxt;       // next expected
    uint32_t rcv_adv;       // right edge of the window, as far as it was ever announced
    uint32_t rcv_acked;     // rcv_nxt as last told to the peer
    uint16_t rcv_mss;       // the largest payload seen: a full segment of the peer's
    uint8_t rcv_shift;      // how we scale our windows
    bool peer_fin;          // a FIN was seen, in order or not,
    bool eof;               // and has been reached: nothing comes any more
    uint32_t peer_fin_seq;  // its number
    struct pkt_queue rx;    // in order, for the app
    struct tcp_reasm reasm; // out of order
    struct tcp_sack sack;   // and what the peer hears of it

    // --- acknowledging ---
    uint8_t acks_owed; // pure ACKs to send now: one for news, one more for each duplicate ACK
    exo_ns delack_at;  // when one is owed at the latest

    // --- losses and time ---
    struct tcp_rtt rtt;
    struct tcp_cc cc;
    uint32_t recover;     // snd_max when the last loss was seen (RFC 6582), or close below snd_una
    uint8_t dupacks;      // in a row
    uint8_t partial_acks; // of this recovery; only the first restarts the timer
    bool recovering;      // fast recovery is on
    bool resend_first;    // send the oldest segment again, whatever snd_nxt is
    bool syn_was_lost;    // a SYN was sent more than once
    bool persist;         // rtx_at is for a window probe, not for a retransmission
    bool override;        // silly-window avoidance has waited long enough
    bool probe;           // a window probe is to be sent
    uint8_t probes;       // and openings of its window, since the peer last took something
    struct tcp_tail tail; // probes for the end of a flight
    exo_ns rtx_at;        // the one timer (RFC 6298 §5); EXO_NS_NEVER while nothing is out
    exo_ns progress_at;   // last sign that the peer is there, for R2
    exo_ns linger_at;     // end of an orphan's FIN-WAIT-2
    struct bucket challenge; // RFC 5961 §7, per connection: a shared limit is a side channel
};

// --- control path --------------------------------------------------------------------

// The initial sequence number of a connection (RFC 6528): a 4 µs clock plus a secret hash.
uint32_t tcp_isn(const struct tcp *tcp, const struct tcp_tuple *tuple, exo_ns now);

// Begins an active open: SYN-SENT, a SYN to send.
void tcp_connect(struct tcp_conn *c, struct tcp *tcp, const struct tcp_tuple *tuple, uint32_t iss,
                 exo_ns now);

// Begins a passive open with a SYN that came for a listener: SYN-RECEIVED, a SYN-ACK to send.
void tcp_accept_syn(struct tcp_conn *c, struct tcp *tcp, const struct tcp_tuple *tuple,
                    const struct wire_tcp *syn, uint32_t iss, exo_ns now);

// The same for a SYN that a cookie remembered: its SYN-ACK, numbered `iss`, is out already,
// and the ACK that brought the cookie back is to be given to tcp_input next.
void tcp_accept_cookie(struct tcp_conn *c, struct tcp *tcp, const struct tcp_tuple *tuple,
                       const struct wire_tcp *syn, uint32_t iss, exo_ns now);

// Frees every packet. `c` is then as good as never opened.
void tcp_fini(struct tcp_conn *c);

// Sends FIN after all that was committed (RFC 9293 §3.10.4). State ESTABLISHED or later.
void tcp_shutdown(struct tcp_conn *c, exo_ns now);

// The app has let go: closes in order, or says that a RST is due (true): before anybody
// was connected or with data unread (RFC 2525 §2.17), it cannot be in order.
bool tcp_release(struct tcp_conn *c, exo_ns now);

// Ends the connection at once with `error`; queued data is lost.
void tcp_kill(struct tcp_conn *c, int error);

// An ICMP error quotes a segment with `seq`. `hard`: port or protocol unreachable.
// Ignored unless that number is in flight (RFC 5927 §4.1); a hard one ends a connection
// only in SYN-SENT (RFC 5461 §4.1), any other is kept as the reason of a later timeout.
void tcp_unreachable(struct tcp_conn *c, uint32_t seq, bool hard);

// The next hop does not answer. Nothing else has come as far, so an active open ends with it;
// a connection that waits for an ACK keeps trying, and has a reason if it dies (RFC 1122
// §2.3.2.2, §4.2.3.9).
void tcp_neighbour_silent(struct tcp_conn *c);

// An ICMP error says that a datagram of `len_bytes` with the segment `seq` was too big for a
// link that takes `mtu_bytes`, 0: not said. If that segment is in flight and ours are larger,
// they are smaller from now on, and what is out goes out again (RFC 1191 §6.4): see tcp_path.c.
void tcp_too_big(struct tcp_conn *c, uint32_t seq, uint32_t len_bytes, uint32_t mtu_bytes);

// --- data path, wire side ------------------------------------------------------------

enum tcp_verdict {
    TCP_TAKEN,        // it moved the connection on
    TCP_UNACCEPTABLE, // not what the connection can take now; answered if the RFC says so
    TCP_RESET_REPLY,  // answer it with the RST of tcp_reset_reply
    TCP_ABORTED,      // the connection died of it and owes the peer tcp_reset_now
};

// Takes one segment for this connection. `payload` has what follows the header as its
// view and must not be shared; it may be null.
//
// Owner: takes payload.
// Spec:  RFC 9293 §3.10.7.3, §3.10.7.4.
enum tcp_verdict tcp_input(struct tcp_conn *c, const struct wire_tcp *seg, struct pkt *payload,
                           exo_ns now);

// The next segment to send, header and checksum in place, or null: there is nothing to
// send, or no buffer for it (then tcp_wants_output stays true).
//
// Owner: gives one reference; data stays in the send queue under another.
struct pkt *tcp_output(struct tcp_conn *c, exo_ns now);

// tcp_output owes something that does not depend on windows.
bool tcp_wants_output(const struct tcp_conn *c);

// Runs what is due at `now`.
void tcp_tick(struct tcp_conn *c, exo_ns now);

// When tcp_tick has work; EXO_NS_NEVER: not before something happens.
exo_ns tcp_deadline(const struct tcp_conn *c);

// Segments that no connection sends. Only ports, numbers and flags are filled in.
//
// The answer to a segment that belongs nowhere (RFC 9293 §3.5.2 group 1); `len` counts its
// payload. False: it was a RST, which is never answered.
bool tcp_reset_reply(struct wire_tcp *rst, const struct wire_tcp *seg, uint32_t len);

// The RST that ends `c` in the peer's eyes.
void tcp_reset_now(struct wire_tcp *rst, const struct tcp_conn *c);

// --- data path, app side -------------------------------------------------------------

// Room for at least one byte to send; write, then commit. Errors: as socket_reserve.
int tcp_reserve(struct tcp_conn *c, struct span *out);
void tcp_commit(struct tcp_conn *c, size_t len);

// A buffer for more data to send is there. A connection may hold as many as are left for all
// others together: so a few whose peers do not read leave room for the rest, however many.
bool tcp_finds_buffer(const struct tcp_conn *c);

// The oldest received bytes. Returns 1; 0 at the end of the stream. Errors: as socket_peek.
int tcp_peek(const struct tcp_conn *c, struct cspan *out);
void tcp_consume(struct tcp_conn *c, size_t len);

// SOCKET_READABLE and its kin (socket.h).
uint32_t tcp_events(const struct tcp_conn *c);

#endif
