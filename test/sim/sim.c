// SPDX-License-Identifier: MIT
// sim.c - see sim.h.
#include "test/sim/sim.h"

#include "exo/err.h"
#include <stdlib.h>
#include <string.h>

struct talker { // one end of one conversation
    struct socket *sock;
    uint32_t stream; // decides the bytes it says
    uint32_t to_say; // bytes
    uint32_t said;
    uint32_t to_hear;
    uint32_t heard;
    exo_ns pause_until; // a lazy reader looks again
    bool shut, ended, done;
};

struct sim {
    struct twins w;
    const struct sim_knobs *knobs;
    uint64_t seed;
    uint64_t rng;
    struct socket *listener;
    struct talker ends[2][SIM_TALKS];
    uint32_t accepted;
};

// --- invariants --------------------------------------------------------------------------

#define HOLDS(cond)                                                                                \
    REQUIRE(cond, "%s: %s (una %u nxt %u max %u end %u, state %u)", where, #cond,                  \
            c->snd_una - c->iss, c->snd_nxt - c->iss, c->snd_max - c->iss, c->snd_end - c->iss,    \
            c->state)

static void check_send_queue(const struct tcp_conn *c, const char *where)
{
    uint32_t pkts = 0, seq = c->snd_una;
    bool has_cur = c->snd_cur == NULL;
    if (c->snd_una == c->iss)
        seq++; // the SYN
    for (const struct pkt *p = c->snd_first; p; p = p->next) {
        HOLDS(p->seq == seq && p->body_len > 0 && p->refs > 0);
        has_cur |= p == c->snd_cur;
        seq += p->body_len;
        pkts++;
        HOLDS(p->next || p == c->snd_last);
    }
    HOLDS(pkts == c->snd_pkts && has_cur);
    HOLDS(seq == c->snd_end || (pkts == 0 && c->snd_una == c->snd_end + 1));
    HOLDS(!c->snd_cur || c->snd_cur->seq == c->snd_nxt);
}

// What the peer will hear of is there, whole blocks of it, and each once (RFC 2018 §4).
static void check_sacks(const struct tcp_conn *c, const char *where)
{
    uint32_t left, right;
    HOLDS(c->sack.count <= WIRE_TCP_SACKS && (c->sack.on || c->sack.count == 0));
    for (uint32_t i = 0; i < c->sack.count; i++) {
        const struct wire_tcp_sack *b = &c->sack.blocks[i];
        if (seq_le(b->left, c->rcv_nxt))
            continue; // reached, and left out of the next ACK
        HOLDS(tcp_reasm_block(&c->reasm, b->left, &left, &right));
        HOLDS(left == b->left && right == b->right);
        for (uint32_t k = 0; k < i; k++)
            HOLDS(c->sack.blocks[k].left != b->left);
    }
}

static void check_conn(const struct tcp_conn *c, const char *where)
{
    HOLDS(seq_le(c->snd_una, c->snd_nxt) && seq_le(c->snd_nxt, c->snd_max));
    HOLDS(seq_le(c->snd_max, c->snd_end + 1));
    HOLDS(c->snd_max - c->snd_una <= EXO_MAX(c->snd_wnd_max, 1u) + 1);
    check_send_queue(c, where);
    if (c->state < TCP_SYN_RCVD)
        return;
    HOLDS(seq_le(c->rcv_nxt, c->rcv_adv));
    HOLDS(c->rcv_adv - c->rcv_nxt <= c->tcp->rx_window_bytes);
    HOLDS(c->reasm.pkts <= c->reasm.max_pkts);
    HOLDS(!c->reasm.first || seq_lt(c->rcv_nxt, c->reasm.first->seq));
    for (const struct pkt *p = c->reasm.first; p && p->next; p = p->next)
        HOLDS(seq_le(p->seq + p->len, p->next->seq) && p->len);
    check_sacks(c, where);
    if (c->state < TCP_ESTABLISHED)
        return;
    HOLDS(c->cc.cwnd >= c->snd_mss && c->cc.ssthresh >= 2u * c->snd_mss);
    // Whatever is out or waits has a timer that will look after it (RFC 6298 §5).
    HOLDS(c->snd_una == c->snd_nxt || c->rtx_at != EXO_NS_NEVER);
    // A tail loss probe comes before the timeout, never in its place.
    HOLDS(c->persist || !c->tail.armed || c->snd_una == c->snd_nxt || c->rtx_at <= c->tail.rto_at);
}

void sim_check_net(struct net *net, const char *where)
{
    uint32_t listed = 0;
    for (uint32_t i = 0; i < net->flows_touched; i++) {
        const struct flow *f = flow_at(net, i);
        if (f->socket.kind != SOCKET_TCP || !f->listed)
            continue;
        listed++;
        check_conn(&f->conn, where);
        REQUIRE(f->timer.at == tcp_deadline(&f->conn), "%s: a timer is not where it belongs",
                where);
    }
    REQUIRE(listed == net->demux.count, "%s: %u connections listed", where, listed);
}

// --- talking -----------------------------------------------------------------------------

static uint8_t stream_byte(uint32_t stream, uint32_t k)
{
    return (uint8_t)(k * 31 + (k >> 8) * 17 + (k >> 16) * 5 + stream * 101);
}

static uint32_t roll(struct sim *s, uint32_t below)
{
    return (uint32_t)(test_random(&s->rng) % below);
}

static bool say(struct sim *s, struct talker *t)
{
    struct span room;
    if (t->said == t->to_say) {
        if (t->shut)
            return false;
        t->shut = socket_shutdown(t->sock) == 0; // -EXO_ENOTCONN while it is opening
        return t->shut;
    }
    const int err = socket_reserve(t->sock, &room);
    if (err == -EXO_EAGAIN || err == -EXO_ENOTCONN)
        return false;
    REQUIRE(err == 0, "%s seed %lu: reserve says %d", s->knobs->name, s->seed, err);
    REQUIRE(room.len > 0, "room for nothing");
    uint32_t n = 1 + roll(s, roll(s, 4) ? 3000 : 20);
    n = EXO_MIN(n, (uint32_t)room.len);
    n = EXO_MIN(n, t->to_say - t->said);
    for (uint32_t i = 0; i < n; i++)
        room.ptr[i] = stream_byte(t->stream, t->said + i);
    socket_commit(t->sock, n);
    t->said += n;
    return true;
}

static bool hear(struct sim *s, struct talker *t, uint32_t stream)
{
    struct cspan bytes;
    if (t->ended || t->pause_until > s->w.now)
        return false;
    const int got = socket_peek(t->sock, &bytes);
    if (got == -EXO_EAGAIN)
        return false;
    REQUIRE(got >= 0, "%s seed %lu: peek says %d after %u of %u bytes", s->knobs->name, s->seed,
            got, t->heard, t->to_hear);
    if (got == 0) {
        t->ended = true;
        REQUIRE(t->heard == t->to_hear, "%s seed %lu: %u of %u bytes before the end",
                s->knobs->name, s->seed, t->heard, t->to_hear);
        return true;
    }
    const uint32_t n = 1 + roll(s, (uint32_t)bytes.len);
    for (uint32_t i = 0; i < n; i++)
        REQUIRE(bytes.ptr[i] == stream_byte(stream, t->heard + i), "%s seed %lu: byte %u",
                s->knobs->name, s->seed, t->heard + i);
    socket_consume(t->sock, n);
    t->heard += n;
    if (s->knobs->lazy_readers && roll(s, 8) == 0)
        t->pause_until = s->w.now + EXO_MS(roll(s, 300));
    return true;
}

static bool talk(struct sim *s, uint32_t side, uint32_t i)
{
    struct talker *t = &s->ends[side][i];
    if (!t->sock || t->done)
        return false;
    bool busy = say(s, t);
    busy |= hear(s, t, s->ends[!side][i].stream);
    if (t->shut && t->ended) {
        socket_close(t->sock);
        t->done = true;
        busy = true;
    }
    return busy;
}

// Which conversation an accepted connection belongs to: its client's port says.
static void accept_new(struct sim *s)
{
    struct socket *sock;
    while (socket_accept(s->listener, &sock) == 0) {
        for (uint32_t i = 0; i < s->knobs->talks; i++)
            if (s->ends[0][i].sock && !s->ends[1][i].sock &&
                socket_local(s->ends[0][i].sock).port == socket_peer(sock).port)
                s->ends[1][i].sock = sock;
        s->accepted++;
    }
}

static void check_all(struct sim *s)
{
    char where[80];
    for (uint32_t i = 0; i < 2; i++) {
        snprintf(where, sizeof where, "%s seed %lu stack %u", s->knobs->name, s->seed, i);
        sim_check_net(s->w.t[i].net, where);
    }
}

// All that can happen at this moment.
static void moment(struct sim *s)
{
    bool busy = true;
    while (busy) {
        twins_poll(&s->w);
        check_all(s);
        accept_new(s);
        busy = false;
        for (uint32_t side = 0; side < 2; side++)
            for (uint32_t i = 0; i < s->knobs->talks; i++)
                busy |= talk(s, side, i);
    }
}

// --- a run -------------------------------------------------------------------------------

static void begin_talk(struct sim *s, uint32_t i)
{
    const struct endpoint to = {ip4_of(10, 0, 0, 2), 80};
    for (uint32_t side = 0; side < 2; side++) {
        struct talker *t = &s->ends[side][i];
        t->stream = roll(s, 1000);
        t->to_say = roll(s, 5) ? roll(s, s->knobs->bytes_max) : 0;
    }
    s->ends[0][i].to_hear = s->ends[1][i].to_say;
    s->ends[1][i].to_hear = s->ends[0][i].to_say;
    struct socket **sock = &s->ends[0][i].sock;
    struct net *net = s->w.t[0].net;
    const uint64_t rng = s->w.t[0].rng;
    ck_assert_int_eq(socket_connect(net, to, s->w.now, sock), 0);
    if (s->knobs->near_wrap && i == 0) {
        // The same port again, at the hour at which its first number is near the wrap.
        const uint32_t iss = flow_of(*sock)->conn.iss;
        socket_abort(*sock);
        s->w.t[0].rng = rng;
        s->w.now += (exo_ns)(uint32_t)(0xffffff00u - iss) * EXO_US(4);
        twins_poll(&s->w);
        ck_assert_int_eq(socket_connect(net, to, s->w.now, sock), 0);
        ck_assert_uint_gt(flow_of(*sock)->conn.iss, 0xfffffe00u);
    }
}

static exo_ns next_wake(const struct sim *s, exo_ns until)
{
    for (uint32_t side = 0; side < 2; side++)
        for (uint32_t i = 0; i < s->knobs->talks; i++)
            if (s->ends[side][i].pause_until > s->w.now)
                until = EXO_MIN(until, s->ends[side][i].pause_until);
    return until;
}

static bool all_done(const struct sim *s)
{
    bool done = true;
    for (uint32_t i = 0; i < s->knobs->talks; i++)
        done &= s->ends[0][i].done && s->ends[1][i].done;
    return done && net_stats(s->w.t[0].net).tcp_conns == 0 &&
           net_stats(s->w.t[1].net).tcp_conns == 0;
}

static void begin(struct sim *s, const struct sim_knobs *knobs, uint64_t seed)
{
    struct net_config config = test_config();
    if (knobs->pkts)
        config.pkts = knobs->pkts;
    if (knobs->window_bytes)
        config.rx_window_bytes = config.tx_buffer_bytes = knobs->window_bytes;
    memset(s, 0, sizeof *s);
    s->knobs = knobs;
    s->seed = seed;
    s->rng = seed * 1000003;
    twins_init(&s->w, &config, &knobs->cable, seed, EXO_S(1));
    ck_assert_int_eq(socket_listen(s->w.t[1].net, 80, 8, &s->listener), 0);
    for (uint32_t i = 0; i < knobs->talks; i++)
        begin_talk(s, i);
}

static void check_come_home(struct sim *s)
{
    socket_close(s->listener);
    // TIME-WAIT, and neighbours that are asked for the last time.
    const exo_ns until = s->w.now + EXO_S(200);
    while (s->w.now < until) {
        twins_poll(&s->w);
        twins_advance(&s->w, until);
    }
    for (uint32_t i = 0; i < 2; i++) {
        const struct net_stats stats = net_stats(s->w.t[i].net);
        REQUIRE(stats.pkts_free == stats.pkts_total, "%s seed %lu: stack %u keeps %u",
                s->knobs->name, s->seed, i, stats.pkts_total - stats.pkts_free);
        ck_assert_uint_eq(stats.tcp_time_wait, 0);
    }
}

static struct sim_result sum_up(struct sim *s, exo_ns began)
{
    struct sim_result r = {.took = s->w.now - began};
    for (uint32_t i = 0; i < 2; i++) {
        const struct net_stats stats = net_stats(s->w.t[i].net);
        r.frames += stats.tx_frames;
        r.retransmits += stats.tcp_retransmits;
        for (uint32_t k = 0; k < s->knobs->talks; k++)
            r.bytes += s->ends[i][k].heard;
    }
    // No storms: beside the data and its ACKs only what faults explain may be sent.
    REQUIRE(r.frames < 2000 + r.bytes / 8 + 20 * r.retransmits,
            "%s seed %lu: %lu frames for %lu bytes", s->knobs->name, s->seed, r.frames, r.bytes);
    return r;
}

struct sim_result sim_run(const struct sim_knobs *knobs, uint64_t seed)
{
    static struct sim s;
    begin(&s, knobs, seed);
    const exo_ns began = s.w.now, until = s.w.now + knobs->finish_within;
    moment(&s);
    while (!all_done(&s)) {
        twins_advance(&s.w, next_wake(&s, until));
        REQUIRE(s.w.now < until, "%s seed %lu: not finished: %u/%u %u/%u bytes", knobs->name, seed,
                s.ends[0][0].heard, s.ends[0][0].to_hear, s.ends[1][0].heard, s.ends[1][0].to_hear);
        moment(&s);
    }
    const struct sim_result r = sum_up(&s, began);
    check_come_home(&s);
    twins_fini(&s.w);
    return r;
}
