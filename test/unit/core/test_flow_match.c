// SPDX-License-Identifier: MIT
// test_flow_match.c - filters against a reference that is plain, slow and written apart; and
// every frame that could be misread.
#include "core/flow_match.h"
#include "exo/bits.h"
#include "test/support/check_main.h"
#include "test/support/flow_reference.h"

#include <stdio.h>
#include <string.h>

static const uint8_t our_mac[6] = {0x52, 0x54, 0, 0x12, 0x34, 0x56};
static const uint8_t peer_mac[6] = {2, 0, 0, 0, 0, 1};

#define UDP_FRAME_BYTES (14u + 20 + 8 + 4)

// A datagram of four bytes from 10.0.0.1:4000 to 10.0.0.2:7007, which tests then spoil.
struct frame {
    uint8_t b[UDP_FRAME_BYTES + 20];
    uint32_t len;
};

static struct frame udp_frame(void)
{
    static const uint8_t rest[] = {8, 0, 0x45, 0,  0, 32, 0, 0,  0x40, 0,    64,   17, 0,  0, 10,
                                   0, 0, 1,    10, 0, 0,  2, 15, 0xa0, 0x1b, 0x5f, 0,  12, 0, 0};
    struct frame f = {.len = UDP_FRAME_BYTES};
    memcpy(f.b, our_mac, 6);
    memcpy(f.b + 6, peer_mac, 6);
    memcpy(f.b + 12, rest, sizeof rest);
    return f;
}

static bool key_of(const struct frame *f, struct core_flow_key *key)
{
    uint8_t *exact = malloc(f->len); // the sanitizer sees a read behind its end
    memcpy(exact, f->b, f->len);
    bool found = core_flow_key(exact, f->len, CORE_FLOW_IN, our_mac, key);
    free(exact);
    return found;
}

static bool matches(struct core_flow_filter filter, const struct frame *f)
{
    struct core_flow_rule rule;
    struct core_flow_key key;
    ck_assert(flow_compile(&filter, &rule));
    return key_of(f, &key) && core_flow_matches(&rule, &key);
}

static const struct core_flow_filter exact = {
    .ethertype = 0x0800,
    .protocol = 17,
    .local = {10, 0, 0, 2},
    .remote = {10, 0, 0, 1},
    .local_port = 7007,
    .remote_port = 4000,
};

START_TEST(every_field_decides)
{
    struct frame f = udp_frame();
    ck_assert(matches(exact, &f));
    ck_assert(matches((struct core_flow_filter){.ethertype = 0x0800}, &f));

    static const struct { // a byte of the frame, and what it becomes
        uint32_t at;
        uint8_t value;
    } changes[] = {{12, 0x86}, {23, 6}, {29, 9}, {33, 9}, {34, 1}, {37, 0x60}};
    for (size_t i = 0; i < EXO_COUNT(changes); i++) {
        f = udp_frame();
        f.b[changes[i].at] = changes[i].value;
        ck_assert_msg(!matches(exact, &f), "byte %u", changes[i].at);
    }
}
END_TEST

START_TEST(a_range_of_ports_has_both_its_ends)
{
    struct core_flow_filter range = exact;
    range.local_port = 7000;
    range.local_port_last = 7010;
    for (uint32_t port = 6990; port < 7020; port++) {
        struct frame f = udp_frame();
        f.b[36] = (uint8_t)(port >> 8);
        f.b[37] = (uint8_t)port;
        ck_assert_uint_eq(matches(range, &f), port >= 7000 && port <= 7010);
    }
}
END_TEST

START_TEST(what_goes_out_is_matched_the_other_way_round)
{
    struct frame f = udp_frame();
    struct core_flow_rule rule;
    struct core_flow_key key;
    struct core_flow_filter filter = {
        .ethertype = 0x0800, .protocol = 17, .local = {10, 0, 0, 1}, .local_port = 4000};
    ck_assert(flow_compile(&filter, &rule));
    ck_assert(core_flow_key(f.b, f.len, CORE_FLOW_OUT, peer_mac, &key));
    ck_assert(core_flow_matches(&rule, &key));
    f.b[29] = 77; // from somebody else's address
    ck_assert(core_flow_key(f.b, f.len, CORE_FLOW_OUT, peer_mac, &key));
    ck_assert(!core_flow_matches(&rule, &key));
    ck_assert(!core_flow_key(f.b, f.len, CORE_FLOW_OUT, our_mac, &key)); // a forged sender
}
END_TEST

START_TEST(a_frame_cut_short_anywhere_has_no_key)
{
    struct core_flow_key key;
    struct frame f = udp_frame();
    for (f.len = 0; f.len < UDP_FRAME_BYTES; f.len++)
        ck_assert_msg(!key_of(&f, &key), "%u bytes", f.len);
    f.len = UDP_FRAME_BYTES + 18; // padding is no harm
    ck_assert(key_of(&f, &key));
}
END_TEST

START_TEST(what_could_be_misread_has_no_key)
{
    static const struct {
        const char *what;
        uint32_t at;
        uint8_t value;
    } sins[] = {
        {"another station", 5, 0x57},
        {"broadcast", 0, 0xff},
        {"multicast", 0, 0x53},
        {"an 802.3 length", 12, 0x05},
        {"version 6 under IPv4", 14, 0x65},
        {"options", 14, 0x46},
        {"four words", 14, 0x44},
        {"more fragments", 20, 0x20},
        {"a fragment's offset", 21, 1},
        {"a length below the header", 17, 19},
        {"a length beyond the frame", 17, 33},
        {"no room for UDP", 17, 27},
        {"no room for TCP", 23, 6},
    };
    struct core_flow_key key;
    for (size_t i = 0; i < EXO_COUNT(sins); i++) {
        struct frame f = udp_frame();
        f.b[sins[i].at] = sins[i].value;
        ck_assert_msg(!key_of(&f, &key), "%s", sins[i].what);
    }
    static const uint16_t types[] = {0x0806, 0x8100, 0x88a8, 0x05ff, 0};
    for (size_t i = 0; i < EXO_COUNT(types); i++) {
        struct frame f = udp_frame();
        f.b[12] = (uint8_t)(types[i] >> 8);
        f.b[13] = (uint8_t)types[i];
        ck_assert_msg(!key_of(&f, &key), "ethertype %#x", types[i]);
    }
}
END_TEST

START_TEST(filters_that_make_no_sense_are_refused)
{
    static const struct core_flow_filter bad[] = {
        {0},
        {.ethertype = 0x0806},
        {.ethertype = 0x8100},
        {.ethertype = 0x0600 - 1},
        {.ethertype = 0x86dd, .protocol = 17},
        {.ethertype = 0x86dd, .local = {1}},
        {.ethertype = 0x86dd, .remote = {0, 0, 0, 1}},
        {.ethertype = 0x0800, .local_port = 7},
        {.ethertype = 0x0800, .protocol = 1, .remote_port = 7},
        {.ethertype = 0x0800, .protocol = 17, .local_port = 8, .local_port_last = 7},
        {.ethertype = 0x0800, .protocol = 17, .local_port_last = 7},
    };
    struct core_flow_rule rule;
    for (size_t i = 0; i < EXO_COUNT(bad); i++)
        ck_assert_msg(!flow_compile(&bad[i], &rule), "filter %zu", i);
    ck_assert(flow_compile(&(struct core_flow_filter){.ethertype = 0x86dd}, &rule));
}
END_TEST

#define ROUNDS 200000

// From a small space, so that rules lie inside one another and frames match.
START_TEST(random_filters_match_as_the_reference_does)
{
    uint64_t seed = 1;
    uint32_t hits = 0;
    for (uint32_t round = 0; round < ROUNDS; round++) {
        struct core_flow_filter filter = reference_filter(&seed);
        struct reference_frame frame = reference_frame(&seed, our_mac, peer_mac);
        struct core_flow_rule rule;
        struct core_flow_key key;
        ck_assert(flow_compile(&filter, &rule));
        bool found = core_flow_key(frame.bytes, frame.len, CORE_FLOW_IN, our_mac, &key) &&
                     core_flow_matches(&rule, &key);
        bool expected = reference_matches(&filter, frame.bytes, frame.len, our_mac);
        if (found != expected)
            ck_abort_msg("round %u: %d, the reference says %d", round, found, expected);
        hits += found;
    }
    ck_assert_uint_gt(hits, ROUNDS / 100);
}
END_TEST

// What a relation claims, held against many frames; and what a frame shows, against it.
START_TEST(random_filters_relate_as_their_frames_do)
{
    uint64_t seed = 2;
    uint32_t seen[5] = {0};
    for (uint32_t round = 0; round < ROUNDS / 20; round++) {
        struct core_flow_filter fa = reference_filter(&seed), fb = reference_filter(&seed);
        struct core_flow_rule a, b;
        flow_compile(&fa, &a);
        flow_compile(&fb, &b);
        enum flow_relation relation = flow_relate(&a, &b);
        seen[relation]++;
        enum flow_relation mirrored = relation == FLOW_INSIDE   ? FLOW_AROUND
                                      : relation == FLOW_AROUND ? FLOW_INSIDE
                                                                : relation;
        ck_assert_int_eq(flow_relate(&b, &a), mirrored);
        if (relation == FLOW_INSIDE)
            ck_assert_uint_gt(a.weight, b.weight);
        bool both, only_a, only_b;
        reference_census(&fa, &fb, &both, &only_a, &only_b);
        ck_assert_int_eq(both, relation != FLOW_DISJOINT);
        if (relation != FLOW_DISJOINT) {
            ck_assert_int_eq(only_a, relation == FLOW_AROUND || relation == FLOW_CROSSING);
            ck_assert_int_eq(only_b, relation == FLOW_INSIDE || relation == FLOW_CROSSING);
        }
    }
    for (size_t i = 0; i < EXO_COUNT(seen); i++)
        ck_assert_msg(seen[i] > 10, "relation %zu was seen %u times", i, seen[i]);
}
END_TEST

CHECK_MAIN("core.flow_match", every_field_decides, a_range_of_ports_has_both_its_ends,
           what_goes_out_is_matched_the_other_way_round, a_frame_cut_short_anywhere_has_no_key,
           what_could_be_misread_has_no_key, filters_that_make_no_sense_are_refused,
           random_filters_match_as_the_reference_does, random_filters_relate_as_their_frames_do)
