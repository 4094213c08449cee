// SPDX-License-Identifier: MIT
// test_wire_dhcp.c - DHCP messages: the form, the options, their pieces.
#include "exo/bits.h"
#include "netstack/wire/dhcp.h"
#include "test/support/check_main.h"
#include "test/support/net_fixture.h"

static const struct wire_dhcp an_ack = {
    .op = WIRE_DHCP_BOOTREPLY,
    .type = WIRE_DHCP_ACK,
    .broadcast = true,
    .secs = 513,
    .xid = 0x12345678,
    .ciaddr = {{1, 2, 3, 4}},
    .yiaddr = {{10, 0, 2, 15}},
    .siaddr = {{10, 0, 2, 2}},
    .giaddr = {{10, 0, 2, 9}},
    .chaddr = {{2, 0, 0, 0, 0, 1}},
    .options = WIRE_DHCP_SUBNET_MASK | WIRE_DHCP_ROUTER | WIRE_DHCP_DNS_SERVERS | WIRE_DHCP_MTU |
               WIRE_DHCP_REQUESTED_ADDR | WIRE_DHCP_LEASE | WIRE_DHCP_SERVER_ID |
               WIRE_DHCP_MAX_SIZE | WIRE_DHCP_T1 | WIRE_DHCP_T2,
    .subnet_mask = {{255, 255, 255, 0}},
    .router = {{10, 0, 2, 2}},
    .dns_count = 3,
    .dns = {{{10, 0, 2, 3}}, {{8, 8, 8, 8}}, {{9, 9, 9, 9}}},
    .mtu_bytes = 1400,
    .requested_addr = {{10, 0, 2, 15}},
    .lease_s = 86400,
    .server_id = {{10, 0, 2, 2}},
    .max_size_bytes = 1500,
    .t1_s = 43200,
    .t2_s = 75600,
};

// A message of op and type fields only; options follow by add.
struct message {
    uint8_t bytes[800];
    size_t len;
};

static void add(struct message *m, uint8_t option, const void *data, uint8_t len)
{
    m->bytes[m->len++] = option;
    m->bytes[m->len++] = len;
    memcpy(m->bytes + m->len, data, len);
    m->len += len;
}

static struct message form(void)
{
    struct message m = {.len = WIRE_DHCP_FIXED_BYTES};
    const struct wire_dhcp head = {.op = WIRE_DHCP_BOOTREPLY, .type = WIRE_DHCP_ACK};
    wire_dhcp_emit(m.bytes, &head);
    memset(m.bytes + m.len, 0, sizeof m.bytes - m.len);
    return m;
}

static bool parse(struct wire_dhcp *out, const struct message *m)
{
    uint8_t *exact = fixture_exact(m->bytes, m->len);
    const bool ok = wire_dhcp_parse(out, exact, m->len);
    free(exact);
    return ok;
}

START_TEST(dhcp_comes_back_with_every_option)
{
    uint8_t bytes[WIRE_DHCP_MAX_BYTES];
    struct wire_dhcp back;
    const size_t len = wire_dhcp_emit(bytes, &an_ack);
    ck_assert_uint_eq(len, wire_dhcp_length(&an_ack));
    ck_assert(wire_dhcp_parse(&back, bytes, len));
    ck_assert_mem_eq(&back, &an_ack, sizeof back);
    for (uint32_t bits = 0; bits < 1u << 11; bits++) { // and with every set of them
        struct wire_dhcp some = an_ack;
        some.options = bits;
        ck_assert_uint_eq(wire_dhcp_emit(bytes, &some), wire_dhcp_length(&some));
        ck_assert(wire_dhcp_parse(&back, bytes, wire_dhcp_length(&some)));
        ck_assert_uint_eq(back.options, bits & ~(uint32_t)WIRE_DHCP_PARAMETERS);
    }
}
END_TEST

START_TEST(dhcp_of_a_client_is_at_least_a_bootp_message)
{
    const struct wire_dhcp discover = {.op = WIRE_DHCP_BOOTREQUEST, .type = WIRE_DHCP_DISCOVER};
    uint8_t bytes[WIRE_DHCP_MAX_BYTES];
    memset(bytes, 0xaa, sizeof bytes);
    ck_assert_uint_eq(wire_dhcp_emit(bytes, &discover), 300);
    ck_assert_uint_eq(bytes[240 + 3], 255);
    for (size_t i = 244; i < 300; i++)
        ck_assert_uint_eq(bytes[i], 0); // the pad is no old memory
}
END_TEST

START_TEST(dhcp_cut_at_each_byte_never_faults)
{
    uint8_t bytes[WIRE_DHCP_MAX_BYTES];
    const size_t len = wire_dhcp_emit(bytes, &an_ack);
    for (size_t cut = 0; cut <= len; cut++) {
        uint8_t *exact = fixture_exact(bytes, cut);
        struct wire_dhcp out;
        const bool ok = wire_dhcp_parse(&out, exact, cut);
        if (cut < WIRE_DHCP_FIXED_BYTES + 3) // not even the message type
            ck_assert(!ok);
        if (cut == len - 1) // only the end option is missing, which is forgiven
            ck_assert(ok);
        free(exact);
    }
}
END_TEST

START_TEST(dhcp_constants_are_checked)
{
    static const size_t checked[] = {0, 1, 2, 236, 237, 238, 239}; // op, htype, hlen, cookie
    struct wire_dhcp out;
    for (size_t i = 0; i < EXO_COUNT(checked); i++) {
        struct message m = form();
        add(&m, 53, "\5", 1);
        ck_assert(parse(&out, &m));
        m.bytes[checked[i]] ^= 0x40;
        ck_assert(!parse(&out, &m));
    }
    for (unsigned type = 0; type < 256; type++) {
        struct message m = form();
        const uint8_t byte = (uint8_t)type;
        add(&m, 53, &byte, 1);
        ck_assert_int_eq(parse(&out, &m), type >= 1 && type <= 8);
    }
    struct message none = form();
    ck_assert(!parse(&out, &none));
}
END_TEST

// Every option that we know, at every length: only the right ones are taken.
START_TEST(dhcp_option_of_a_wrong_size_is_absent)
{
    static const struct {
        uint8_t option;
        uint32_t bit;
        uint8_t size;
        bool list;
    } known[] = {
        {1, WIRE_DHCP_SUBNET_MASK, 4, false},
        {3, WIRE_DHCP_ROUTER, 4, true},
        {6, WIRE_DHCP_DNS_SERVERS, 4, true},
        {26, WIRE_DHCP_MTU, 2, false},
        {50, WIRE_DHCP_REQUESTED_ADDR, 4, false},
        {51, WIRE_DHCP_LEASE, 4, false},
        {54, WIRE_DHCP_SERVER_ID, 4, false},
        {57, WIRE_DHCP_MAX_SIZE, 2, false},
        {58, WIRE_DHCP_T1, 4, false},
        {59, WIRE_DHCP_T2, 4, false},
    };
    static const uint8_t data[255];
    for (size_t i = 0; i < EXO_COUNT(known); i++)
        for (unsigned len = 0; len < 256; len++) {
            struct message m = form();
            struct wire_dhcp out;
            add(&m, 53, "\5", 1);
            add(&m, known[i].option, data, (uint8_t)len);
            ck_assert(parse(&out, &m));
            const bool right =
                known[i].list ? len != 0 && len % known[i].size == 0 : len == known[i].size;
            ck_assert_uint_eq(out.options, right ? known[i].bit : 0);
            ck_assert_uint_le(out.dns_count, WIRE_DHCP_DNS);
        }
}
END_TEST

START_TEST(dhcp_option_beyond_its_field_is_refused)
{
    for (unsigned kind = 1; kind < 255; kind++)
        for (unsigned room = 0; room < 20; room++) {
            struct message m = form();
            struct wire_dhcp out;
            add(&m, 53, "\5", 1);
            m.bytes[m.len] = (uint8_t)kind;
            m.bytes[m.len + 1] = (uint8_t)(room + 1);
            m.len += 2 + room;
            ck_assert(!parse(&out, &m));
        }
}
END_TEST

START_TEST(dhcp_pieces_are_joined)
{
    struct message m = form();
    struct wire_dhcp out;
    add(&m, 53, "\5", 1);
    add(&m, 51, "\0\1", 2); // RFC 3396: one option in two pieces, not next to each other
    add(&m, 12, "name", 4);
    add(&m, 51, "\2\3", 2);
    ck_assert(parse(&out, &m));
    ck_assert_uint_eq(out.options, WIRE_DHCP_LEASE);
    ck_assert_uint_eq(out.lease_s, 0x00010203);

    add(&m, 51, "\4", 1); // five bytes are no lease
    ck_assert(parse(&out, &m));
    ck_assert_uint_eq(out.options, 0);
}
END_TEST

START_TEST(dhcp_many_pieces_do_not_overrun_what_is_kept)
{
    struct message m = form();
    struct wire_dhcp out;
    add(&m, 53, "\5", 1);
    for (unsigned i = 0; i < 30; i++)
        add(&m, 6, "\1\2\3\4\5\6\7\x8\1\2\3\4", 12);
    ck_assert(parse(&out, &m));
    ck_assert_uint_eq(out.options, WIRE_DHCP_DNS_SERVERS);
    ck_assert_uint_eq(out.dns_count, WIRE_DHCP_DNS);
    ck_assert(ip4_eq(out.dns[1], ip4_of(5, 6, 7, 8)));
    add(&m, 6, "\1", 1); // the whole is judged, not what is kept of it
    ck_assert(parse(&out, &m));
    ck_assert_uint_eq(out.options, 0);
}
END_TEST

START_TEST(dhcp_overload_reads_file_then_sname)
{
    enum { SNAME = 44, FILE_FIELD = 108 };
    struct wire_dhcp out;
    struct message m = form();
    add(&m, 52, "\3", 1);
    memcpy(m.bytes + FILE_FIELD, "\x35\1\2\x33\2\0\1\xff", 8); // type, half a lease, end
    memcpy(m.bytes + SNAME, "\x33\2\2\3\xff", 5);              // the other half
    ck_assert(parse(&out, &m));
    ck_assert_uint_eq(out.type, WIRE_DHCP_OFFER);
    ck_assert_uint_eq(out.lease_s, 0x00010203);

    m.bytes[WIRE_DHCP_FIXED_BYTES + 2] = 1; // now only `file`
    ck_assert(parse(&out, &m));
    ck_assert_uint_eq(out.options, 0);

    memset(m.bytes + FILE_FIELD, 0, 128); // an option that leaves the field
    m.bytes[FILE_FIELD + 120] = 53;
    m.bytes[FILE_FIELD + 121] = 7;
    ck_assert(!parse(&out, &m));
}
END_TEST

START_TEST(dhcp_names_without_overload_are_no_options)
{
    struct wire_dhcp out;
    struct message m = form();
    add(&m, 53, "\5", 1);
    memset(m.bytes + 44, 0xfe, 192); // sname and file full, without a terminator
    ck_assert(parse(&out, &m));
    ck_assert_uint_eq(out.options, 0);
}
END_TEST

START_TEST(dhcp_classless_routes_are_skipped)
{
    struct wire_dhcp out;
    struct message m = form();
    add(&m, 53, "\5", 1);
    add(&m, 121, "\x20\1\2\3\4\5\6\7\x8", 9);
    ck_assert(parse(&out, &m));
    ck_assert_uint_eq(out.options, 0);
}
END_TEST

CHECK_MAIN("netstack.wire.dhcp", dhcp_comes_back_with_every_option,
           dhcp_of_a_client_is_at_least_a_bootp_message, dhcp_cut_at_each_byte_never_faults,
           dhcp_constants_are_checked, dhcp_option_of_a_wrong_size_is_absent,
           dhcp_option_beyond_its_field_is_refused, dhcp_pieces_are_joined,
           dhcp_many_pieces_do_not_overrun_what_is_kept, dhcp_overload_reads_file_then_sname,
           dhcp_names_without_overload_are_no_options, dhcp_classless_routes_are_skipped)
