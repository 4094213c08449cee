// SPDX-License-Identifier: MIT
// test_answer.c - raw_ring's answers, with frames of any length in exact allocations.
#include "examples/raw_ring/answer.h"

#include "exo/assert.h"
#include "exo/bits.h"
#include "test/support/check_main.h"

#include <string.h>

static const uint8_t mac[6] = {0x52, 0x54, 0, 0x12, 0x34, 0x56};

#define ETH(type) 0x52, 0x54, 0, 0x12, 0x34, 0x56, 2, 0, 0, 0, 0, 1, type
#define IP4(len, protocol)                                                                         \
    0x45, 0, 0, len, 0x12, 0x34, 0x40, 0, 64, protocol, 0xab, 0xcd, 10, 0, 2, 2, 10, 0, 2, 15

static const uint8_t arp_request[] = {
    0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 2,  0, 0, 0,  0, 1, 8, 6,              // Ethernet, to all
    0,    1,    8,    0,    6,    4,    0,  1, 2, 0,  0, 0, 0, 1, 10, 0, 2, 2, // who asks
    0,    0,    0,    0,    0,    0,    10, 0, 2, 15,                          // for whom
};
static const uint8_t arp_reply[] = {
    2,  0, 0, 0,  0, 1, 0x52, 0x54, 0,    0x12, 0x34, 0x56, 8,    6, //
    0,  1, 8, 0,  6, 4, 0,    2,    0x52, 0x54, 0,    0x12, 0x34, 0x56,
    10, 0, 2, 15, 2, 0, 0,    0,    0,    1,    10,   0,    2,    2,
};
static const uint8_t echo_request[] = {
    ETH(8), 0, IP4(31, 1), 8, 0, 0x70, 0x94, 0, 1, 0, 2, 'a', 'b', 'c', // odd length
};
static const uint8_t datagram[] = {
    ETH(8), 0, IP4(30, 17), 0x30, 0x39, 0, 7, 0, 10, 0xbe, 0xef, 'h', 'i', 0, 0, 0, 0, // padding
};

// The frame in memory of exactly its length, so that the sanitizer guards its end.
static uint8_t *copy_of(const uint8_t *frame, uint32_t len)
{
    uint8_t *copy = malloc(len ? len : 1);
    return memcpy(copy, frame, len);
}

static uint16_t internet_sum(const uint8_t *bytes, uint32_t len)
{
    uint32_t sum = 0;
    for (uint32_t i = 0; i < len; i++)
        sum += (uint32_t)bytes[i] << (i % 2 ? 0 : 8);
    while (sum >> 16)
        sum = (sum & 0xffff) + (sum >> 16);
    return (uint16_t)sum;
}

START_TEST(arp_is_answered)
{
    uint8_t *frame = copy_of(arp_request, sizeof arp_request);
    ck_assert(answer(frame, sizeof arp_request, mac));
    ck_assert_mem_eq(frame, arp_reply, sizeof arp_reply);
    free(frame);
}
END_TEST

START_TEST(echo_is_answered_with_a_right_checksum)
{
    // Over all identifiers the checksum takes every value, the borrow included.
    for (uint32_t id = 0; id < 65536; id++) {
        uint8_t frame[sizeof echo_request];
        memcpy(frame, echo_request, sizeof frame);
        uint8_t *icmp = frame + 34;
        icmp[2] = icmp[3] = 0;
        icmp[4] = (uint8_t)(id >> 8);
        icmp[5] = (uint8_t)id;
        uint16_t checksum = (uint16_t)~internet_sum(icmp, 11);
        icmp[2] = (uint8_t)(checksum >> 8);
        icmp[3] = (uint8_t)checksum;
        exo_assert(answer(frame, sizeof frame, mac));
        exo_assert(icmp[0] == 0 && icmp[5] == (uint8_t)id);
        exo_assert(internet_sum(icmp, 11) == 0xffff);
    }
}
END_TEST

START_TEST(datagram_goes_back_to_its_sender)
{
    uint8_t *frame = copy_of(datagram, sizeof datagram);
    uint16_t before = internet_sum(frame + 14, 30);
    ck_assert(answer(frame, sizeof datagram, mac));
    ck_assert_mem_eq(frame, arp_reply, 12);                        // hardware addresses
    ck_assert_mem_eq(frame + 26, "\x0a\0\2\x0f\x0a\0\2\2", 8);     // IP addresses
    ck_assert_mem_eq(frame + 34, "\0\7\x30\x39\0\x0a\xbe\xef", 8); // ports; checksum as it was
    ck_assert_uint_eq(internet_sum(frame + 14, 30), before);
    free(frame);
}
END_TEST

// Every length, and then every byte wrong in turn: no access beyond the frame, and an
// answer to all that is cut off or not for us is none.
static void mangle(const uint8_t *frame, uint32_t len, uint32_t needed)
{
    for (uint32_t cut = 0; cut < len; cut++) {
        uint8_t *copy = copy_of(frame, cut);
        exo_assert(answer(copy, cut, mac) == (cut >= needed));
        exo_assert(cut >= needed || memcmp(copy, frame, cut) == 0); // left alone
        free(copy);
    }
    for (uint32_t at = 0; at < len; at++) {
        for (uint32_t value = 0; value < 256; value++) {
            uint8_t *copy = copy_of(frame, len);
            copy[at] = (uint8_t)value;
            answer(copy, len, mac);
            free(copy);
        }
    }
}

START_TEST(frames_of_any_kind_are_survived)
{
    mangle(arp_request, sizeof arp_request, sizeof arp_request);
    mangle(echo_request, sizeof echo_request, sizeof echo_request);
    mangle(datagram, sizeof datagram, 14 + 30);
}
END_TEST

START_TEST(what_is_not_for_us_is_left_alone)
{
    static const struct {
        const uint8_t *frame;
        uint32_t len;
        uint32_t at;
        uint8_t value;
    } table[] = {
        {arp_request, sizeof arp_request, 41, 16},     // another address
        {arp_request, sizeof arp_request, 21, 2},      // a reply
        {arp_request, sizeof arp_request, 18, 8},      // other hardware
        {echo_request, sizeof echo_request, 0, 0xff},  // a group address
        {echo_request, sizeof echo_request, 5, 0},     // another host
        {echo_request, sizeof echo_request, 33, 16},   // another IP address
        {echo_request, sizeof echo_request, 14, 0x46}, // options
        {echo_request, sizeof echo_request, 14, 0x65}, // another version
        {echo_request, sizeof echo_request, 20, 0x20}, // more fragments follow
        {echo_request, sizeof echo_request, 21, 1},    // a later fragment
        {echo_request, sizeof echo_request, 34, 0},    // a reply
        {echo_request, sizeof echo_request, 35, 1},    // a code that is not defined
        {echo_request, sizeof echo_request, 17, 19},   // shorter than its own header
        {echo_request, sizeof echo_request, 16, 4},    // longer than the frame
        {datagram, sizeof datagram, 37, 9},            // another port
        {datagram, sizeof datagram, 39, 11},           // UDP longer than IP
        {datagram, sizeof datagram, 39, 7},            // UDP shorter than its header
        {datagram, sizeof datagram, 23, 6},            // TCP
    };
    for (size_t i = 0; i < EXO_COUNT(table); i++) {
        uint8_t *frame = copy_of(table[i].frame, table[i].len);
        frame[table[i].at] = table[i].value;
        uint8_t *before = copy_of(frame, table[i].len);
        ck_assert_msg(!answer(frame, table[i].len, mac), "row %zu was answered", i);
        ck_assert_mem_eq(frame, before, table[i].len);
        free(frame);
        free(before);
    }
}
END_TEST

START_TEST(two_echo_ports_do_not_talk)
{
    uint8_t *frame = copy_of(datagram, sizeof datagram);
    frame[34] = 0;
    frame[35] = 7;
    ck_assert(!answer(frame, sizeof datagram, mac));
    free(frame);
}
END_TEST

CHECK_MAIN("raw_ring.answer", arp_is_answered, echo_is_answered_with_a_right_checksum,
           datagram_goes_back_to_its_sender, frames_of_any_kind_are_survived,
           what_is_not_for_us_is_left_alone, two_echo_ports_do_not_talk)
