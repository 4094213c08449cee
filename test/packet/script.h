// SPDX-License-Identifier: MIT
// script.h - "send this, expect exactly that, at time t", against one whole stack.
//
// The script is the peer: 10.0.0.2:4000, and the stack is 10.0.0.1. All numbers are
// relative: seq 0 is the sender's SYN, so the first byte of data is 1, on both sides.
//
//     SCRIPT(syn_is_answered)
//     {
//         peer_listens_for_us(s);                 // the stack listens on port 80
//         send_syn(s, 1460, 7);
//         expect(s, SYN | ACK, 0, 1, 0);          // flags, seq, ack, payload bytes
//         expect_nothing(s);
//     }
//
// Every script runs twice: as it stands, and with both initial sequence numbers a few
// bytes before the wrap to 0.
#ifndef TEST_PACKET_SCRIPT_H
#define TEST_PACKET_SCRIPT_H

#include "netstack/stack/stack.h"
#include "netstack/wire/eth.h"
#include "test/support/check_main.h"

enum {
    FIN = WIRE_TCP_FIN,
    SYN = WIRE_TCP_SYN,
    RST = WIRE_TCP_RST,
    PSH = WIRE_TCP_PSH,
    ACK = WIRE_TCP_ACK,
    URG = WIRE_TCP_URG,
};

#define SCRIPT_FRAMES 256u
#define MSS           1460u

struct script {
    struct net *net;
    struct net_link link;
    void *mem;
    struct net_config config;
    exo_ns begin; // times in expectations count from here
    exo_ns now;
    struct tcp_tuple tuple; // ours first
    uint32_t our_iss;
    uint32_t peer_iss;
    uint16_t peer_window; // in the segments we send next
    bool offers_sack;     // in the SYNs we send
    uint8_t our_wscale;   // as the stack announced it
    uint8_t random_byte;  // what its environment returns
    bool wrap;
    struct socket *listener;
    struct socket *sock;

    struct pkt *in[SCRIPT_FRAMES]; // to be received by the stack
    uint32_t in_count;
    struct pkt *out[SCRIPT_FRAMES]; // sent by the stack, not yet expected
    exo_ns out_at[SCRIPT_FRAMES];
    uint32_t out_count;
    uint32_t tx_limit; // frames that the link takes in all from now on
    bool quiet;        // what the peer sends waits for the next poll
    bool deaf;         // the peer answers no ARP request
    bool hold;         // the link keeps its references: nothing leaves
    struct pkt *held[SCRIPT_FRAMES];
    uint32_t held_count;
    struct wire_tcp last; // the segment of the last expect
    uint32_t last_len;
    exo_ns last_at;
};

void script_begin(struct script *s, const char *name, bool wrap);
void script_end(struct script *s);

// Begins again with the changed config, before anything else.
void script_restart(struct script *s);

// --- the peer sends ---

// A segment with `len` bytes of payload; byte k of the stream is script_byte(k).
void send_segment(struct script *s, uint8_t flags, uint32_t seq, uint32_t ack, uint32_t len);

// The same with everything under control; `options` may be null.
void send_raw(struct script *s, const struct wire_tcp *segment, const void *payload, uint32_t len);

// A whole segment as bytes, sealed here.
void send_bytes(struct script *s, void *segment, uint32_t len);

// A SYN with an MSS (0: none) and a window scale (255: none).
void send_syn(struct script *s, uint16_t mss, uint8_t wscale);

// An ICMP error of somebody's that quotes the header of a segment of ours.
void send_icmp(struct script *s, uint8_t type, uint8_t code, uint32_t quoted_seq);

// "Fragmentation needed" for a segment of ours with `len` bytes of payload; the next link
// takes `mtu_bytes`, 0: the router does not say.
void send_too_big(struct script *s, uint16_t mtu_bytes, uint32_t quoted_seq, uint32_t len);

uint8_t script_byte(uint32_t k);

// --- the stack must have sent ---

// The next segment, with exactly these flags (PSH is not compared unless asked for).
void expect(struct script *s, uint8_t flags, uint32_t seq, uint32_t ack, uint32_t len);

// A RST without ACK at `seq`, or with one (seq, ack).
void expect_rst(struct script *s, uint32_t seq);

void expect_nothing(struct script *s);

// Throws away what was sent and not looked at; returns how many segments that was.
uint32_t skip_all(struct script *s);

// --- time ---

// Lets the stack run until `ms` after the beginning. What it sends waits for expect.
void at(struct script *s, uint32_t ms);

// Milliseconds after the beginning at which the segment of the last expect was sent.
uint32_t sent_ms(const struct script *s);

void poll(struct script *s);

// --- situations ---

// Listens on port 80 with a backlog of 8.
void peer_listens_for_us(struct script *s);

// Passive open, no window scaling, MSS 1460; the socket is accepted.
void establish(struct script *s);

// The same with a peer that offers SACK.
void establish_with_sack(struct script *s);

// Passive open with a given window and scale of the peer's.
void establish_with(struct script *s, uint16_t mss, uint8_t wscale, uint16_t window);

// The stack connects to us; the SYN is expected, nothing answered.
void connect_begin(struct script *s);
void connect_done(struct script *s);

// The app writes `len` bytes of the stream script_byte, starting at byte `k`.
void app_sends(struct script *s, uint32_t k, uint32_t len);

// The app reads exactly `len` bytes and they are right, starting at byte `k`.
void app_reads(struct script *s, uint32_t k, uint32_t len);

// The same, and more may be waiting.
void app_reads_some(struct script *s, uint32_t k, uint32_t len);

// Sends `segments` full segments from byte *next on, each acknowledged by itself.
void grow_cwnd(struct script *s, uint32_t *next, uint32_t segments);

#define SCRIPT(name)                                                                               \
    static void script_##name(struct script *s);                                                   \
    START_TEST(name)                                                                               \
    {                                                                                              \
        static struct script s;                                                                    \
        for (int wrap = 0; wrap < 2; wrap++) {                                                     \
            script_begin(&s, #name, wrap);                                                         \
            script_##name(&s);                                                                     \
            script_end(&s);                                                                        \
        }                                                                                          \
    }                                                                                              \
    END_TEST                                                                                       \
    static void script_##name(struct script *s)

#endif
