// SPDX-License-Identifier: MIT
// test_dhcp.c - the DHCP client as scripts in virtual time: this comes, that goes out.
#include "exo/bits.h"
#include "netstack/app/dhcp.h"
#include "test/support/check_main.h"
#include "test/support/net_fixture.h"

static const struct mac our_mac = {{2, 0, 0, 0, 0, 1}};
static const struct ip4 addr = {{10, 0, 2, 15}};
static const struct ip4 server = {{10, 0, 2, 2}};
static const struct ip4 other_server = {{10, 0, 2, 3}};
static const struct ip4 everybody = {{255, 255, 255, 255}};
static const struct ip4 nobody = {{0}};

enum { LEASE_S = 1000 };

struct script {
    struct fixture_rng rng;
    struct dhcp dhcp;
    struct pkt_pool pool;
    exo_ns now;
    struct wire_dhcp sent;   // the last message that went out
    struct dhcp_route route; // and its way
};

static void script_init(struct script *t, uint64_t seed)
{
    const struct net_env env = fixture_env(&t->rng, seed);
    fixture_pool_init(&t->pool, 2);
    t->now = EXO_S(5);
    dhcp_init(&t->dhcp, &env, our_mac, t->now);
}

static void script_fini(struct script *t)
{
    ck_assert(fixture_pool_fini(&t->pool));
}

// Whether a message goes out now; it is kept in `sent`.
static bool output(struct script *t)
{
    struct pkt *pkt = pkt_alloc(&t->pool, PKT_FOR_STACK);
    const bool wants = dhcp_wants_output(&t->dhcp);
    const bool filled = dhcp_output(&t->dhcp, t->now, pkt, &t->route);
    ck_assert_int_eq(wants, filled);
    if (filled)
        ck_assert(wire_dhcp_parse(&t->sent, pkt->data, pkt->len));
    pkt_free(pkt);
    return filled;
}

static void expect(struct script *t, enum wire_dhcp_type type, struct ip4 src, struct ip4 dst)
{
    ck_assert(output(t));
    ck_assert_uint_eq(t->sent.op, WIRE_DHCP_BOOTREQUEST);
    ck_assert_uint_eq(t->sent.type, type);
    ck_assert(mac_eq(t->sent.chaddr, our_mac));
    ck_assert(ip4_eq(t->route.src, src));
    ck_assert(ip4_eq(t->route.dst, dst));
    ck_assert(!output(t)); // and only one
}

static void advance_to(struct script *t, exo_ns when)
{
    t->now = when;
    dhcp_tick(&t->dhcp, t->now);
}

// What a good server says to the last message.
static struct wire_dhcp reply(const struct script *t, enum wire_dhcp_type type)
{
    return (struct wire_dhcp){
        .op = WIRE_DHCP_BOOTREPLY,
        .type = (uint8_t)type,
        .xid = t->sent.xid,
        .yiaddr = type == WIRE_DHCP_NAK ? nobody : addr,
        .chaddr = our_mac,
        .options = WIRE_DHCP_SUBNET_MASK | WIRE_DHCP_ROUTER | WIRE_DHCP_DNS_SERVERS |
                   WIRE_DHCP_LEASE | WIRE_DHCP_SERVER_ID,
        .subnet_mask = {{255, 255, 255, 0}},
        .router = server,
        .dns_count = 1,
        .dns = {{{10, 0, 2, 3}}},
        .lease_s = LEASE_S,
        .server_id = server,
    };
}

static bool input(struct script *t, const struct wire_dhcp *msg)
{
    uint8_t bytes[WIRE_DHCP_MAX_BYTES];
    const size_t len = wire_dhcp_emit(bytes, msg);
    uint8_t *exact = fixture_exact(bytes, len);
    const bool used = dhcp_input(&t->dhcp, t->now, exact, len);
    free(exact);
    return used;
}

static bool answer(struct script *t, enum wire_dhcp_type type)
{
    const struct wire_dhcp msg = reply(t, type);
    return input(t, &msg);
}

static void bind_with(struct script *t, const struct wire_dhcp *ack)
{
    struct dhcp_lease lease;
    expect(t, WIRE_DHCP_DISCOVER, nobody, everybody);
    ck_assert(answer(t, WIRE_DHCP_OFFER));
    expect(t, WIRE_DHCP_REQUEST, nobody, everybody);
    struct wire_dhcp msg = ack ? *ack : reply(t, WIRE_DHCP_ACK);
    msg.xid = t->sent.xid;
    ck_assert(input(t, &msg));
    ck_assert(dhcp_take_change(&t->dhcp, &lease));
    ck_assert_uint_eq(t->dhcp.state, DHCP_BOUND);
}

// --- getting an address --------------------------------------------------------------

START_TEST(dhcp_binds_in_four_messages_and_no_time)
{
    struct script t;
    struct dhcp_lease lease;
    script_init(&t, 1);
    ck_assert_uint_le(dhcp_deadline(&t.dhcp), t.now);
    expect(&t, WIRE_DHCP_DISCOVER, nobody, everybody);
    ck_assert(t.sent.broadcast);
    ck_assert(ip4_is_any(t.sent.ciaddr));
    ck_assert_uint_eq(t.sent.options & (WIRE_DHCP_SERVER_ID | WIRE_DHCP_REQUESTED_ADDR), 0);
    const uint32_t xid = t.sent.xid;

    ck_assert(answer(&t, WIRE_DHCP_OFFER));
    ck_assert(!dhcp_take_change(&t.dhcp, &lease)); // an offer is no lease
    expect(&t, WIRE_DHCP_REQUEST, nobody, everybody);
    ck_assert_uint_eq(t.sent.xid, xid);
    ck_assert(ip4_is_any(t.sent.ciaddr));
    ck_assert(ip4_eq(t.sent.requested_addr, addr)); // RFC 2131 table 4
    ck_assert(ip4_eq(t.sent.server_id, server));

    ck_assert(answer(&t, WIRE_DHCP_ACK));
    ck_assert(dhcp_take_change(&t.dhcp, &lease));
    ck_assert(!dhcp_take_change(&t.dhcp, &lease));
    ck_assert(ip4_eq(lease.addr, addr));
    ck_assert_uint_eq(lease.prefix_len, 24);
    ck_assert(ip4_eq(lease.router, server));
    ck_assert(ip4_eq(lease.dns[0], ip4_of(10, 0, 2, 3)) && ip4_is_any(lease.dns[1]));
    ck_assert(!output(&t));
    ck_assert_uint_eq(t.dhcp.ignored, 0);
    script_fini(&t);
}
END_TEST

START_TEST(dhcp_discover_backs_off_to_a_minute_and_never_ends)
{
    static const unsigned waits_s[] = {4, 8, 16, 32, 64, 64, 64};
    for (uint64_t seed = 1; seed < 20; seed++) {
        struct script t;
        script_init(&t, seed);
        expect(&t, WIRE_DHCP_DISCOVER, nobody, everybody);
        const exo_ns start = t.now;
        for (size_t i = 0; i < EXO_COUNT(waits_s); i++) {
            const exo_ns due = dhcp_deadline(&t.dhcp);
            ck_assert_uint_ge(due, t.now + EXO_S(waits_s[i] - 1));
            ck_assert_uint_lt(due, t.now + EXO_S(waits_s[i] + 1));
            advance_to(&t, due - 1);
            ck_assert(!output(&t));
            advance_to(&t, due);
            expect(&t, WIRE_DHCP_DISCOVER, nobody, everybody);
            ck_assert_uint_eq(t.sent.secs, (t.now - start) / EXO_S(1));
        }
        script_fini(&t);
    }
}
END_TEST

START_TEST(dhcp_retransmission_time_and_xid_are_random)
{
    uint32_t xids[50];
    exo_ns dues[50];
    for (uint64_t seed = 0; seed < 50; seed++) {
        struct script t;
        script_init(&t, seed * 77);
        output(&t);
        xids[seed] = t.sent.xid;
        dues[seed] = dhcp_deadline(&t.dhcp);
        for (uint64_t i = 0; i < seed; i++) {
            ck_assert_uint_ne(xids[i], xids[seed]);
            ck_assert_uint_ne(dues[i], dues[seed]);
        }
        script_fini(&t);
    }
}
END_TEST

START_TEST(dhcp_request_without_answer_starts_over)
{
    struct script t;
    script_init(&t, 1);
    expect(&t, WIRE_DHCP_DISCOVER, nobody, everybody);
    answer(&t, WIRE_DHCP_OFFER);
    const uint32_t xid = t.sent.xid;
    for (unsigned i = 0; i < DHCP_REQUESTS; i++) {
        expect(&t, WIRE_DHCP_REQUEST, nobody, everybody);
        advance_to(&t, dhcp_deadline(&t.dhcp));
    }
    expect(&t, WIRE_DHCP_DISCOVER, nobody, everybody);
    ck_assert_uint_ne(t.sent.xid, xid);
    script_fini(&t);
}
END_TEST

START_TEST(dhcp_nak_starts_over_after_a_pause)
{
    struct script t;
    struct dhcp_lease lease;
    script_init(&t, 1);
    expect(&t, WIRE_DHCP_DISCOVER, nobody, everybody);
    answer(&t, WIRE_DHCP_OFFER);
    expect(&t, WIRE_DHCP_REQUEST, nobody, everybody);
    ck_assert(answer(&t, WIRE_DHCP_NAK));
    ck_assert(!dhcp_take_change(&t.dhcp, &lease)); // there was none
    ck_assert(!output(&t));
    ck_assert(!answer(&t, WIRE_DHCP_OFFER)); // nothing is asked now
    ck_assert_uint_ge(dhcp_deadline(&t.dhcp), t.now + EXO_S(3));
    advance_to(&t, dhcp_deadline(&t.dhcp));
    expect(&t, WIRE_DHCP_DISCOVER, nobody, everybody);
    script_fini(&t);
}
END_TEST

// --- keeping it ----------------------------------------------------------------------

START_TEST(dhcp_renews_by_unicast_then_rebinds_then_lets_go)
{
    struct script t;
    struct dhcp_lease lease;
    script_init(&t, 1);
    bind_with(&t, NULL);
    const exo_ns start = t.now; // of the REQUEST
    const exo_ns t1 = dhcp_deadline(&t.dhcp);
    ck_assert_uint_le(t1, start + EXO_S(500)); // half of the lease, or a little earlier
    ck_assert_uint_ge(t1, start + EXO_S(480));
    advance_to(&t, t1 - 1);
    ck_assert(!output(&t));

    advance_to(&t, t1);
    expect(&t, WIRE_DHCP_REQUEST, addr, server);
    ck_assert(ip4_eq(t.sent.ciaddr, addr)); // table 4: ciaddr says it, options must not
    ck_assert_uint_eq(t.sent.options & (WIRE_DHCP_SERVER_ID | WIRE_DHCP_REQUESTED_ADDR), 0);
    ck_assert(!t.sent.broadcast);
    const exo_ns again = dhcp_deadline(&t.dhcp); // half of what is left to T2
    ck_assert_uint_ge(again, t1 + EXO_S(180));
    advance_to(&t, again);
    expect(&t, WIRE_DHCP_REQUEST, addr, server);

    advance_to(&t, start + EXO_S(875)); // T2
    expect(&t, WIRE_DHCP_REQUEST, addr, everybody);
    ck_assert(ip4_eq(t.sent.ciaddr, addr));
    ck_assert(!dhcp_take_change(&t.dhcp, &lease));

    advance_to(&t, start + EXO_S(LEASE_S) - 1);
    output(&t);
    ck_assert(!dhcp_take_change(&t.dhcp, &lease));
    advance_to(&t, start + EXO_S(LEASE_S));
    ck_assert(dhcp_take_change(&t.dhcp, &lease));
    ck_assert(ip4_is_any(lease.addr));
    expect(&t, WIRE_DHCP_DISCOVER, nobody, everybody);
    script_fini(&t);
}
END_TEST

START_TEST(dhcp_renewal_counts_from_its_request_and_is_no_change)
{
    struct script t;
    struct dhcp_lease lease;
    script_init(&t, 1);
    bind_with(&t, NULL);
    const uint32_t xid = t.sent.xid;
    advance_to(&t, dhcp_deadline(&t.dhcp));
    expect(&t, WIRE_DHCP_REQUEST, addr, server);
    ck_assert_uint_ne(t.sent.xid, xid);
    const exo_ns asked_at = t.now;
    t.now += EXO_S(2);
    ck_assert(answer(&t, WIRE_DHCP_ACK));
    ck_assert_uint_eq(t.dhcp.state, DHCP_BOUND);
    ck_assert_uint_eq(t.dhcp.expires_at, asked_at + EXO_S(LEASE_S));
    ck_assert(!dhcp_take_change(&t.dhcp, &lease));
    script_fini(&t);
}
END_TEST

START_TEST(dhcp_rebinding_takes_another_server)
{
    struct script t;
    script_init(&t, 1);
    bind_with(&t, NULL);
    advance_to(&t, dhcp_deadline(&t.dhcp));
    expect(&t, WIRE_DHCP_REQUEST, addr, server);
    struct wire_dhcp ack = reply(&t, WIRE_DHCP_ACK);
    ack.server_id = other_server;
    ck_assert(!input(&t, &ack)); // RENEWING asks one server only
    advance_to(&t, t.dhcp.t2_at);
    expect(&t, WIRE_DHCP_REQUEST, addr, everybody);
    ck_assert(input(&t, &ack));
    advance_to(&t, dhcp_deadline(&t.dhcp));
    expect(&t, WIRE_DHCP_REQUEST, addr, other_server);
    script_fini(&t);
}
END_TEST

START_TEST(dhcp_nak_of_a_renewal_takes_the_address_away)
{
    struct script t;
    struct dhcp_lease lease;
    script_init(&t, 1);
    bind_with(&t, NULL);
    advance_to(&t, dhcp_deadline(&t.dhcp));
    expect(&t, WIRE_DHCP_REQUEST, addr, server);
    ck_assert(answer(&t, WIRE_DHCP_NAK));
    ck_assert(dhcp_take_change(&t.dhcp, &lease));
    ck_assert(ip4_is_any(lease.addr));
    expect(&t, WIRE_DHCP_DISCOVER, nobody, everybody);
    script_fini(&t);
}
END_TEST

START_TEST(dhcp_takes_the_servers_times_if_they_are_in_order)
{
    static const struct {
        uint32_t t1_s, t2_s, t1_expected_s;
    } cases[] = {{100, 200, 100}, {200, 100, 500}, {100, 1000, 500}, {0, 2000, 500}, {0, 200, 500}};
    for (size_t i = 0; i < EXO_COUNT(cases); i++) {
        struct script t;
        script_init(&t, i + 1);
        struct wire_dhcp ack = reply(&t, WIRE_DHCP_ACK);
        ack.options |= WIRE_DHCP_T1 | WIRE_DHCP_T2;
        ack.t1_s = cases[i].t1_s;
        ack.t2_s = cases[i].t2_s;
        bind_with(&t, &ack);
        const exo_ns t1 = t.dhcp.t1_at - t.now;
        ck_assert_uint_le(t1, EXO_S(cases[i].t1_expected_s));
        ck_assert_uint_ge(t1, EXO_S(cases[i].t1_expected_s) / 100 * 95);
        script_fini(&t);
    }
}
END_TEST

START_TEST(dhcp_lease_for_ever_needs_no_time)
{
    struct script t;
    script_init(&t, 1);
    struct wire_dhcp ack = reply(&t, WIRE_DHCP_ACK);
    ack.lease_s = 0xffffffff;
    bind_with(&t, &ack);
    ck_assert_uint_eq(dhcp_deadline(&t.dhcp), EXO_NS_NEVER);
    script_fini(&t);
}
END_TEST

START_TEST(dhcp_bad_masks_fall_back_to_the_class)
{
    static const struct {
        struct ip4 mask;
        uint8_t prefix_len;
    } cases[] = {{{{255, 255, 255, 255}}, 32}, {{{255, 255, 254, 0}}, 23}, {{{128, 0, 0, 0}}, 1},
                 {{{255, 0, 255, 0}}, 8},      {{{0, 0, 0, 0}}, 8},        {{{0, 0, 0, 255}}, 8}};
    for (size_t i = 0; i < EXO_COUNT(cases); i++) {
        struct script t;
        script_init(&t, 1);
        struct wire_dhcp ack = reply(&t, WIRE_DHCP_ACK);
        ack.subnet_mask = cases[i].mask;
        bind_with(&t, &ack);
        ck_assert_uint_eq(t.dhcp.lease.prefix_len, cases[i].prefix_len);
        script_fini(&t);
    }
}
END_TEST

// --- what is not for us ----------------------------------------------------------------

// Each field of a good answer wrong in turn: nothing happens, and the good one still works.
static void expect_only_the_good_one(struct script *t, const struct wire_dhcp *good)
{
    struct wire_dhcp bad[8];
    for (size_t i = 0; i < EXO_COUNT(bad); i++)
        bad[i] = *good;
    bad[0].op = WIRE_DHCP_BOOTREQUEST;
    bad[1].xid ^= 0x10000;
    bad[2].chaddr.b[5] ^= 1;
    bad[3].options &= ~(uint32_t)WIRE_DHCP_SERVER_ID;
    bad[4].yiaddr = nobody;
    bad[5].yiaddr = everybody;
    bad[6].type = WIRE_DHCP_DISCOVER;
    bad[7].type = WIRE_DHCP_DECLINE;
    const uint64_t ignored = t->dhcp.ignored;
    const uint8_t state = t->dhcp.state;
    for (size_t i = 0; i < EXO_COUNT(bad); i++) {
        ck_assert(!input(t, &bad[i]));
        ck_assert_uint_eq(t->dhcp.state, state);
        ck_assert(!output(t));
    }
    ck_assert_uint_eq(t->dhcp.ignored, ignored + EXO_COUNT(bad));
    ck_assert(input(t, good));
}

START_TEST(dhcp_answers_must_match_in_every_field)
{
    struct script t;
    script_init(&t, 1);
    expect(&t, WIRE_DHCP_DISCOVER, nobody, everybody);
    struct wire_dhcp msg = reply(&t, WIRE_DHCP_OFFER);
    expect_only_the_good_one(&t, &msg);
    expect(&t, WIRE_DHCP_REQUEST, nobody, everybody);

    msg = reply(&t, WIRE_DHCP_ACK);
    msg.server_id = other_server;
    ck_assert(!input(&t, &msg));
    msg = reply(&t, WIRE_DHCP_ACK);
    msg.yiaddr = ip4_of(10, 0, 2, 99); // not what was asked for
    ck_assert(!input(&t, &msg));
    msg = reply(&t, WIRE_DHCP_ACK);
    msg.lease_s = 0;
    ck_assert(!input(&t, &msg));
    msg = reply(&t, WIRE_DHCP_ACK);
    expect_only_the_good_one(&t, &msg);
    script_fini(&t);
}
END_TEST

START_TEST(dhcp_ignores_what_was_not_asked_for)
{
    struct script t;
    script_init(&t, 1);
    t.sent.xid = t.dhcp.xid;                 // even if somebody guessed it
    ck_assert(!answer(&t, WIRE_DHCP_OFFER)); // before our DISCOVER
    expect(&t, WIRE_DHCP_DISCOVER, nobody, everybody);
    ck_assert(!answer(&t, WIRE_DHCP_ACK));
    ck_assert(!answer(&t, WIRE_DHCP_NAK));
    ck_assert(answer(&t, WIRE_DHCP_OFFER));
    ck_assert(!answer(&t, WIRE_DHCP_ACK)); // before our REQUEST
    expect(&t, WIRE_DHCP_REQUEST, nobody, everybody);
    ck_assert(!answer(&t, WIRE_DHCP_OFFER)); // a second server
    ck_assert(answer(&t, WIRE_DHCP_ACK));
    ck_assert(!answer(&t, WIRE_DHCP_ACK)); // bound: nothing is asked
    ck_assert(!answer(&t, WIRE_DHCP_NAK));
    ck_assert(!answer(&t, WIRE_DHCP_OFFER));
    ck_assert_uint_eq(t.dhcp.state, DHCP_BOUND);
    script_fini(&t);
}
END_TEST

// What a server may say that answers everything at once and wishes us no rest.
static struct wire_dhcp wild_answer(struct script *t)
{
    static const uint32_t times_s[] = {0, 1, 2, 3, 60, 0x7fffffff, 0xfffffffe, 0xffffffff};
    const uint64_t r = fixture_draw(&t->rng);
    const bool offers = t->sent.type == WIRE_DHCP_DISCOVER;
    struct wire_dhcp msg = reply(t, offers               ? WIRE_DHCP_OFFER
                                    : (r >> 20 & 3) == 0 ? WIRE_DHCP_NAK
                                                         : WIRE_DHCP_ACK);
    msg.options |= (r >> 24 & 3) == 0 ? 0 : WIRE_DHCP_T1 | WIRE_DHCP_T2;
    msg.t1_s = times_s[r >> 30 & 7];
    msg.t2_s = times_s[r >> 40 & 7];
    msg.lease_s = times_s[r >> 50 & 7];
    return msg;
}

START_TEST(dhcp_is_kept_busy_by_no_server)
{
    for (uint64_t seed = 1; seed <= 200; seed++) {
        struct script t;
        script_init(&t, seed);
        const exo_ns begin = t.now;
        for (uint32_t sent = 0; t.now < begin + EXO_S(1000);) {
            if (output(&t)) {
                ck_assert_uint_le(++sent, 8 + 8 * (t.now - begin) / EXO_S(1));
                const struct wire_dhcp msg = wild_answer(&t);
                input(&t, &msg);
                continue;
            }
            ck_assert_uint_gt(dhcp_deadline(&t.dhcp), t.now);
            advance_to(&t, dhcp_deadline(&t.dhcp));
        }
        script_fini(&t);
    }
}
END_TEST

CHECK_MAIN("netstack.dhcp", dhcp_binds_in_four_messages_and_no_time,
           dhcp_discover_backs_off_to_a_minute_and_never_ends,
           dhcp_retransmission_time_and_xid_are_random, dhcp_request_without_answer_starts_over,
           dhcp_nak_starts_over_after_a_pause, dhcp_renews_by_unicast_then_rebinds_then_lets_go,
           dhcp_renewal_counts_from_its_request_and_is_no_change,
           dhcp_rebinding_takes_another_server, dhcp_nak_of_a_renewal_takes_the_address_away,
           dhcp_takes_the_servers_times_if_they_are_in_order, dhcp_lease_for_ever_needs_no_time,
           dhcp_bad_masks_fall_back_to_the_class, dhcp_answers_must_match_in_every_field,
           dhcp_ignores_what_was_not_asked_for, dhcp_is_kept_busy_by_no_server)
