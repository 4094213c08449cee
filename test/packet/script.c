// SPDX-License-Identifier: MIT
// script.c - see script.h.
#include "test/packet/script.h"

#include <stdio.h>
#include <string.h>

static const struct mac our_mac = {{2, 0, 0, 0, 0, 1}};
static const struct mac peer_mac = {{2, 0, 0, 0, 0, 2}};

static const char *script_name;

// --- link and environment ------------------------------------------------------------

static uint32_t link_rx(void *ctx, struct pkt **pkts, uint32_t n)
{
    struct script *s = ctx;
    uint32_t count = n < s->in_count ? n : s->in_count;
    memcpy(pkts, s->in, count * sizeof *pkts);
    memmove(s->in, s->in + count, (s->in_count - count) * sizeof *pkts);
    s->in_count -= count;
    return count;
}

static void inject(struct script *s, const void *frame, uint32_t len)
{
    struct pkt *pkt = pkt_alloc(net_pkts(s->net), PKT_FOR_RX);
    ck_assert_ptr_nonnull(pkt);
    memcpy(pkt_put(pkt, len), frame, len);
    ck_assert_uint_lt(s->in_count, SCRIPT_FRAMES);
    s->in[s->in_count++] = pkt;
}

// An ARP message of the peer's: 1 asks, 2 answers.
static void send_arp(struct script *s, uint8_t operation)
{
    uint8_t frame[60] = {0};
    const struct wire_eth eth = {.dst = our_mac, .src = peer_mac, .type = WIRE_ETH_ARP};
    wire_eth_emit(frame, &eth);
    static const uint8_t fixed[] = {0, 1, 8, 0, 6, 4, 0};
    memcpy(frame + 14, fixed, sizeof fixed);
    frame[21] = operation;
    memcpy(frame + 22, peer_mac.b, 6);
    memcpy(frame + 28, s->tuple.peer.b, 4);
    memcpy(frame + 32, our_mac.b, 6);
    memcpy(frame + 38, s->tuple.local.b, 4);
    inject(s, frame, sizeof frame);
}

// The peer answers who asks for it.
static bool answer_arp(struct script *s, const struct pkt *frame)
{
    if (frame->data[12] != 8 || frame->data[13] != 6)
        return false;
    if (!s->deaf && frame->data[21] == 1 && memcmp(frame->data + 38, s->tuple.peer.b, 4) == 0)
        send_arp(s, 2);
    return true;
}

// Keeps a copy, as the wire would, and lets go of the packet unless it is to be held.
static uint32_t link_tx(void *ctx, struct pkt **pkts, uint32_t n)
{
    struct script *s = ctx;
    uint32_t taken = 0;
    for (; taken < n && s->tx_limit; taken++, s->tx_limit--) {
        ck_assert_uint_lt(s->out_count, SCRIPT_FRAMES);
        if (answer_arp(s, pkts[taken])) {
            pkt_free(pkts[taken]);
            continue;
        }
        struct pkt *copy = malloc(sizeof *copy + PKT_BUF_BYTES);
        *copy = (struct pkt){.buf = (uint8_t *)(copy + 1), .len = pkts[taken]->len};
        copy->data = copy->buf;
        memcpy(copy->data, pkts[taken]->data, copy->len);
        s->out_at[s->out_count] = s->now;
        s->out[s->out_count++] = copy;
        if (s->hold)
            s->held[s->held_count++] = pkts[taken];
        else
            pkt_free(pkts[taken]);
    }
    return taken;
}

static void constant_random(void *ctx, void *out, size_t len)
{
    memset(out, ((struct script *)ctx)->random_byte, len);
}

// --- beginning and end ---------------------------------------------------------------

// The peer asks for our hardware address, and so tells its own.
static void introduce(struct script *s)
{
    send_arp(s, 1);
    poll(s);
    at(s, 5000); // announcements are over
    skip_all(s);
}

static void build(struct script *s, exo_ns now)
{
    const struct net_env env = {constant_random, s};
    s->link = (struct net_link){
        .rx = link_rx, .tx = link_tx, .ctx = s, .mac = our_mac, .mtu_bytes = 1500};
    s->mem = aligned_alloc(64, net_bytes(&s->config));
    memset(s->mem, 0x5a, net_bytes(&s->config));
    s->begin = s->now = now;
    ck_assert_int_eq(net_init(&s->net, s->mem, &s->config, &env, &s->link, now), 0);
}

void script_begin(struct script *s, const char *name, bool wrap)
{
    script_name = name;
    *s = (struct script){.wrap = wrap, .tx_limit = UINT32_MAX, .peer_window = 65535};
    s->random_byte = 0x42;
    s->config = (struct net_config){
        .pkts = 256,
        .tcp_conns = 16,
        .tcp_time_wait = 4,
        .udp_sockets = 2,
        .listeners = 4,
        .rx_window_bytes = 32 * 1024,
        .tx_buffer_bytes = 64 * 1024,
        .addr = ip4_of(10, 0, 0, 1),
        .prefix_len = 24,
    };
    s->tuple = (struct tcp_tuple){ip4_of(10, 0, 0, 1), ip4_of(10, 0, 0, 2), 80, 4000};
    s->peer_iss = wrap ? 0xfffffff0u : 100000;
    build(s, EXO_S(1));
    if (wrap) {
        // The initial number is a clock plus a hash: choose the hour at which it is near
        // its wrap when the script has introduced itself.
        const uint32_t hash = tcp_isn(&s->net->tcp, &s->tuple, 0);
        const exo_ns ticks = (uint32_t)(0xfffff000u - hash);
        free(s->mem);
        build(s, ticks * EXO_US(4) + EXO_S(20000));
    }
    introduce(s);
    s->begin = s->now;
}

void script_restart(struct script *s)
{
    free(s->mem);
    build(s, s->now);
    introduce(s);
    s->begin = s->now;
}

// Nothing may be left behind: whatever happened, all buffers come home.
void script_end(struct script *s)
{
    s->hold = false;
    s->tx_limit = UINT32_MAX;
    for (uint32_t i = 0; i < s->held_count; i++)
        pkt_free(s->held[i]);
    s->held_count = 0;
    if (s->sock)
        socket_abort(s->sock);
    if (s->listener)
        socket_close(s->listener);
    for (uint32_t i = 0; i < 200; i++) {
        poll(s);
        skip_all(s);
        s->now += EXO_S(1);
    }
    const struct net_stats stats = net_stats(s->net);
    ck_assert_msg(stats.pkts_free == stats.pkts_total, "%s: %u of %u buffers came home",
                  script_name, stats.pkts_free, stats.pkts_total);
    ck_assert_uint_eq(stats.tcp_conns, 0);
    free(s->mem);
}

// --- the peer sends ------------------------------------------------------------------

uint8_t script_byte(uint32_t k)
{
    return (uint8_t)(k * 7 + (k >> 8) * 13 + 1);
}

void send_bytes(struct script *s, void *segment, uint32_t len)
{
    uint8_t frame[PKT_BUF_BYTES];
    const struct wire_eth eth = {.dst = our_mac, .src = peer_mac, .type = WIRE_ETH_IP4};
    const struct wire_ip4 ip = wire_ip4_of(s->tuple.peer, s->tuple.local, WIRE_IP4_TCP, len);
    wire_tcp_seal(segment, (uint16_t)len, s->tuple.peer, s->tuple.local);
    wire_eth_emit(frame, &eth);
    wire_ip4_emit(frame + 14, &ip);
    memcpy(frame + 34, segment, len);
    inject(s, frame, 34 + len);
    if (!s->quiet)
        poll(s);
}

void send_raw(struct script *s, const struct wire_tcp *segment, const void *payload, uint32_t len)
{
    uint8_t bytes[PKT_BUF_BYTES];
    struct wire_tcp h = *segment;
    h.src_port = s->tuple.peer_port;
    h.dst_port = s->tuple.local_port;
    const uint32_t header = (uint32_t)wire_tcp_emit(bytes, &h);
    if (len)
        memcpy(bytes + header, payload, len);
    send_bytes(s, bytes, header + len);
}

void send_segment(struct script *s, uint8_t flags, uint32_t seq, uint32_t ack, uint32_t len)
{
    uint8_t payload[2000];
    for (uint32_t i = 0; i < len; i++)
        payload[i] = script_byte(seq + i);
    const struct wire_tcp h = {
        .seq = s->peer_iss + seq,
        .ack = flags & ACK ? s->our_iss + ack : 0,
        .window = s->peer_window,
        .flags = flags,
    };
    send_raw(s, &h, payload, len);
}

void send_syn(struct script *s, uint16_t mss, uint8_t wscale)
{
    const struct wire_tcp h = {
        .seq = s->peer_iss,
        .window = s->peer_window,
        .flags = SYN,
        .options = (uint8_t)((mss ? WIRE_TCP_MSS : 0) | (wscale != 255 ? WIRE_TCP_WSCALE : 0) |
                             (s->offers_sack ? WIRE_TCP_SACK_PERMITTED : 0)),
        .mss = mss,
        .wscale = wscale == 255 ? 0 : wscale,
    };
    send_raw(s, &h, NULL, 0);
}

static void send_icmp_error(struct script *s, const struct wire_icmp4 *icmp, uint32_t quoted_seq,
                            uint32_t quoted_len)
{
    uint8_t frame[14 + 20 + 8 + 28];
    uint8_t *message = frame + 34, *quote = message + 8;
    const struct wire_ip4 quoted =
        wire_ip4_of(s->tuple.local, s->tuple.peer, WIRE_IP4_TCP, 20 + quoted_len);
    const struct be16 ports[2] = {be16_of(s->tuple.local_port), be16_of(s->tuple.peer_port)};
    const struct be32 seq = be32_of(s->our_iss + quoted_seq);
    wire_ip4_emit(quote, &quoted);
    memcpy(quote + 20, ports, 4);
    memcpy(quote + 24, &seq, 4);
    wire_icmp4_emit(message, icmp, 28);
    const struct wire_eth eth = {.dst = our_mac, .src = peer_mac, .type = WIRE_ETH_IP4};
    const struct wire_ip4 ip = wire_ip4_of(s->tuple.peer, s->tuple.local, WIRE_IP4_ICMP, 36);
    wire_eth_emit(frame, &eth);
    wire_ip4_emit(frame + 14, &ip);
    inject(s, frame, sizeof frame);
    poll(s);
}

void send_icmp(struct script *s, uint8_t type, uint8_t code, uint32_t quoted_seq)
{
    send_icmp_error(s, &(struct wire_icmp4){.type = type, .code = code}, quoted_seq, 0);
}

void send_too_big(struct script *s, uint16_t mtu_bytes, uint32_t quoted_seq, uint32_t len)
{
    const struct wire_icmp4 icmp = {
        .type = WIRE_ICMP4_UNREACHABLE, .code = WIRE_ICMP4_FRAGMENTATION_NEEDED, .seq = mtu_bytes};
    send_icmp_error(s, &icmp, quoted_seq, len);
}

// --- the stack must have sent --------------------------------------------------------

static struct pkt *take_out(struct script *s, exo_ns *when)
{
    if (s->out_count == 0)
        return NULL;
    struct pkt *pkt = s->out[0];
    *when = s->out_at[0];
    s->out_count--;
    memmove(s->out, s->out + 1, s->out_count * sizeof s->out[0]);
    memmove(s->out_at, s->out_at + 1, s->out_count * sizeof s->out_at[0]);
    return pkt;
}

static bool take_segment(struct script *s, uint8_t *payload)
{
    exo_ns when;
    struct wire_ip4 ip;
    struct pkt *pkt = take_out(s, &when);
    if (!pkt)
        return false;
    ck_assert(wire_ip4_parse(&ip, pkt->data + 14, pkt->len - 14));
    ck_assert(ip.dont_fragment && ip.total_len <= 1500);
    const uint8_t *bytes = pkt->data + 34;
    const uint16_t len = (uint16_t)(ip.total_len - 20);
    ck_assert(wire_tcp_verify(bytes, len, ip.src, ip.dst));
    ck_assert(wire_tcp_parse(&s->last, bytes, len));
    s->last_len = len - s->last.header_len;
    memcpy(payload, bytes + s->last.header_len, s->last_len);
    s->last_at = when;
    free(pkt);
    return true;
}

uint32_t sent_ms(const struct script *s)
{
    return (uint32_t)((s->last_at - s->begin) / EXO_MS(1));
}

void expect(struct script *s, uint8_t flags, uint32_t seq, uint32_t ack, uint32_t len)
{
    uint8_t payload[2000];
    ck_assert_msg(take_segment(s, payload), "%s%s: nothing sent; wanted flags %02x seq %u ack %u",
                  script_name, s->wrap ? " (wrap)" : "", flags, seq, ack);
    if (s->last.flags & SYN)
        s->our_iss = s->last.seq;
    const uint8_t ignored = flags & PSH ? 0 : PSH;
    const uint32_t got_seq = s->last.seq - s->our_iss;
    const uint32_t got_ack = s->last.flags & ACK ? s->last.ack - s->peer_iss : 0;
    ck_assert_msg((s->last.flags & ~ignored) == flags && got_seq == seq && got_ack == ack &&
                      s->last_len == len,
                  "%s%s: got flags %02x seq %u ack %u len %u, wanted %02x %u %u %u", script_name,
                  s->wrap ? " (wrap)" : "", s->last.flags, got_seq, got_ack, s->last_len, flags,
                  seq, ack, len);
    for (uint32_t i = 0; i < len; i++)
        ck_assert_msg(payload[i] == script_byte(seq + i), "%s: byte %u", script_name, seq + i);
    if (s->last.flags & SYN && s->last.options & WIRE_TCP_WSCALE)
        s->our_wscale = s->last.wscale;
}

void expect_rst(struct script *s, uint32_t seq)
{
    expect(s, RST, seq, 0, 0);
}

void expect_nothing(struct script *s)
{
    uint8_t payload[2000];
    ck_assert_msg(!take_segment(s, payload), "%s%s: unexpected flags %02x seq %u ack %u len %u",
                  script_name, s->wrap ? " (wrap)" : "", s->last.flags, s->last.seq - s->our_iss,
                  s->last.ack - s->peer_iss, s->last_len);
}

uint32_t skip_all(struct script *s)
{
    uint8_t payload[2000];
    uint32_t n = 0;
    while (take_segment(s, payload))
        n++;
    return n;
}

// --- time ----------------------------------------------------------------------------

void poll(struct script *s)
{
    for (uint32_t i = 0; net_poll(s->net, s->now, 64); i++)
        ck_assert_uint_lt(i, 1000);
}

void at(struct script *s, uint32_t ms)
{
    const exo_ns until = s->begin + EXO_MS(ms);
    for (uint32_t i = 0;; i++) {
        ck_assert_msg(i < 100000, "%s: deadlines do not advance", script_name);
        poll(s);
        const exo_ns next = net_deadline(s->net);
        if (next > until)
            break;
        s->now = next > s->now ? next : s->now + 1;
    }
    if (s->now < until)
        s->now = until;
    poll(s);
}

// --- situations ----------------------------------------------------------------------

void peer_listens_for_us(struct script *s)
{
    ck_assert_int_eq(socket_listen(s->net, 80, 8, &s->listener), 0);
}

void establish_with(struct script *s, uint16_t mss, uint8_t wscale, uint16_t window)
{
    peer_listens_for_us(s);
    s->peer_window = window;
    send_syn(s, mss, wscale);
    expect(s, SYN | ACK, 0, 1, 0);
    send_segment(s, ACK, 1, 1, 0);
    expect_nothing(s);
    ck_assert_int_eq(socket_accept(s->listener, &s->sock), 0);
}

void establish(struct script *s)
{
    establish_with(s, MSS, 255, 65535);
}

void establish_with_sack(struct script *s)
{
    s->offers_sack = true;
    establish(s);
}

void connect_begin(struct script *s)
{
    s->random_byte = 0;
    s->tuple.local_port = 1024; // what the constant random bytes lead to
    s->tuple.peer_port = 9000;
    const struct endpoint to = {s->tuple.peer, 9000};
    if (s->wrap) { // choose the moment, and be known to the neighbour shortly before
        const uint32_t iss = tcp_isn(&s->net->tcp, &s->tuple, s->now + EXO_S(10));
        const exo_ns moment = s->now + EXO_S(10) + (exo_ns)(0xfffffff8u - iss) * EXO_US(4);
        s->now = moment - EXO_S(10);
        poll(s);
        s->begin = s->now;
        introduce(s);
        s->begin = s->now = moment;
        poll(s);
    }
    ck_assert_int_eq(socket_connect(s->net, to, s->now, &s->sock), 0);
    poll(s);
    expect(s, SYN, 0, 0, 0);
    expect_nothing(s);
}

void connect_done(struct script *s)
{
    connect_begin(s);
    const struct wire_tcp h = {.seq = s->peer_iss,
                               .ack = s->our_iss + 1,
                               .window = s->peer_window,
                               .flags = SYN | ACK,
                               .options = s->offers_sack ? WIRE_TCP_MSS | WIRE_TCP_SACK_PERMITTED
                                                         : WIRE_TCP_MSS,
                               .mss = MSS};
    send_raw(s, &h, NULL, 0);
    expect(s, ACK, 1, 1, 0);
}

void app_sends(struct script *s, uint32_t k, uint32_t len)
{
    uint8_t *bytes = malloc(len);
    for (uint32_t i = 0; i < len; i++)
        bytes[i] = script_byte(k + i);
    ck_assert_int_eq(socket_send(s->sock, bytes, len), (int)len);
    free(bytes);
    poll(s);
}

void app_reads(struct script *s, uint32_t k, uint32_t len)
{
    struct cspan more;
    app_reads_some(s, k, len);
    ck_assert_int_ne(socket_peek(s->sock, &more), 1);
}

void app_reads_some(struct script *s, uint32_t k, uint32_t len)
{
    uint8_t *bytes = malloc(len);
    ck_assert_int_eq(socket_recv(s->sock, bytes, len), (int)len);
    for (uint32_t i = 0; i < len; i++)
        ck_assert_uint_eq(bytes[i], script_byte(k + i));
    free(bytes);
    poll(s);
}

void grow_cwnd(struct script *s, uint32_t *next, uint32_t segments)
{
    app_sends(s, *next, segments * MSS);
    for (uint32_t i = 0; i < segments; i++) {
        expect(s, ACK, *next, 1, MSS);
        *next += MSS;
        send_segment(s, ACK, 1, *next, 0);
    }
    expect_nothing(s);
}
