// SPDX-License-Identifier: MIT
// dhcp.c - DHCP messages as bytes.
//
// Parsing takes two steps, because an option may come in pieces from three places:
// gather joins the pieces of every option that we know, then take_options reads the
// whole ones. Nothing is read from a piece that gather has not bounded.
#include "netstack/wire/dhcp.h"

#include "exo/assert.h"
#include "exo/bits.h"

enum { // RFC 2132
    OPTION_PAD = 0,
    OPTION_SUBNET_MASK = 1,
    OPTION_ROUTER = 3,
    OPTION_DNS_SERVERS = 6,
    OPTION_MTU = 26,
    OPTION_REQUESTED_ADDR = 50,
    OPTION_LEASE = 51,
    OPTION_OVERLOAD = 52,
    OPTION_TYPE = 53,
    OPTION_SERVER_ID = 54,
    OPTION_PARAMETERS = 55,
    OPTION_MAX_SIZE = 57,
    OPTION_T1 = 58,
    OPTION_T2 = 59,
    OPTION_END = 255,
};

enum { // OPTION_OVERLOAD: fields that hold options too
    OVERLOAD_FILE = 1,
    OVERLOAD_SNAME = 2,
};

struct wire_dhcp_raw {
    uint8_t op;
    uint8_t htype; // 1: Ethernet
    uint8_t hlen;  // 6
    uint8_t hops;
    struct be32 xid;
    struct be16 secs;
    struct be16 flags;
    struct ip4 ciaddr;
    struct ip4 yiaddr;
    struct ip4 siaddr;
    struct ip4 giaddr;
    struct mac chaddr;
    uint8_t chaddr_pad[10];
    uint8_t sname[64];
    uint8_t file[128];
    uint8_t cookie[4];
};

_Static_assert(sizeof(struct wire_dhcp_raw) == WIRE_DHCP_FIXED_BYTES, "as on the wire");

static const uint8_t magic_cookie[4] = {99, 130, 83, 99}; // RFC 2131 §3
static const uint16_t flag_broadcast = 0x8000;

// The options that we read have a place in `struct pieces` each; 0 is everybody else's. By a
// table, so that an option that the code names costs no search.
enum { PLACES = 13 };
static const uint8_t place_of[256] = {
    [OPTION_SUBNET_MASK] = 1, [OPTION_ROUTER] = 2, [OPTION_DNS_SERVERS] = 3,
    [OPTION_MTU] = 4,         [OPTION_LEASE] = 5,  [OPTION_REQUESTED_ADDR] = 6,
    [OPTION_OVERLOAD] = 7,    [OPTION_TYPE] = 8,   [OPTION_SERVER_ID] = 9,
    [OPTION_MAX_SIZE] = 10,   [OPTION_T1] = 11,    [OPTION_T2] = PLACES - 1,
};

// The pieces of each known option, joined. Lists of addresses are cut to the first
// sixteen bytes, but their whole length is kept for judging it.
struct pieces {
    struct {
        uint32_t len;
        uint8_t bytes[16];
    } of[PLACES];
};

static void join(struct pieces *pieces, uint8_t option, const uint8_t *data, size_t len)
{
    const size_t place = place_of[option];
    if (place == 0)
        return;
    const uint32_t have = pieces->of[place].len;
    if (have < sizeof pieces->of[place].bytes) {
        const size_t n = EXO_MIN(len, sizeof pieces->of[place].bytes - have);
        memcpy(pieces->of[place].bytes + have, data, n);
    }
    pieces->of[place].len += (uint32_t)len;
}

// Walks one field of options. False: one does not fit the field.
static bool gather(struct pieces *pieces, const uint8_t *at, size_t len)
{
    const uint8_t *end = at + len;
    while (at < end && *at != OPTION_END) {
        if (*at == OPTION_PAD) {
            at++;
            continue;
        }
        if (end - at < 2 || at[1] > end - at - 2)
            return false;
        join(pieces, at[0], at + 2, at[1]);
        at += 2 + at[1];
    }
    return true;
}

// The whole option if its length is exactly `len`, else null.
static const uint8_t *whole(const struct pieces *pieces, uint8_t option, size_t len)
{
    const size_t place = place_of[option];
    return pieces->of[place].len == len ? pieces->of[place].bytes : NULL;
}

// A list of at least one address, cut to what is kept of it. Its length in `out`.
static const struct ip4 *addr_list(const struct pieces *pieces, uint8_t option, uint32_t *out)
{
    const size_t place = place_of[option];
    const uint32_t len = pieces->of[place].len;
    if (len == 0 || len % sizeof(struct ip4) != 0)
        return NULL;
    *out = EXO_MIN(len, (uint32_t)sizeof pieces->of[place].bytes) / sizeof(struct ip4);
    return (const struct ip4 *)pieces->of[place].bytes;
}

static void take_addr(struct wire_dhcp *out, const struct pieces *pieces, uint8_t option,
                      uint32_t bit, struct ip4 *field)
{
    const uint8_t *data = whole(pieces, option, sizeof *field);
    if (!data)
        return;
    memcpy(field, data, sizeof *field);
    out->options |= bit;
}

static void take_u32(struct wire_dhcp *out, const struct pieces *pieces, uint8_t option,
                     uint32_t bit, uint32_t *field)
{
    const uint8_t *data = whole(pieces, option, sizeof(struct be32));
    if (!data)
        return;
    *field = be32_get(*(const struct be32 *)data);
    out->options |= bit;
}

static void take_u16(struct wire_dhcp *out, const struct pieces *pieces, uint8_t option,
                     uint32_t bit, uint16_t *field)
{
    const uint8_t *data = whole(pieces, option, sizeof(struct be16));
    if (!data)
        return;
    *field = be16_get(*(const struct be16 *)data);
    out->options |= bit;
}

static void take_lists(struct wire_dhcp *out, const struct pieces *pieces)
{
    uint32_t count;
    const struct ip4 *list = addr_list(pieces, OPTION_ROUTER, &count);
    if (list) {
        out->router = list[0];
        out->options |= WIRE_DHCP_ROUTER;
    }
    list = addr_list(pieces, OPTION_DNS_SERVERS, &count);
    if (list) {
        out->dns_count = EXO_MIN(count, WIRE_DHCP_DNS);
        memcpy(out->dns, list, out->dns_count * sizeof *list);
        out->options |= WIRE_DHCP_DNS_SERVERS;
    }
}

static bool take_options(struct wire_dhcp *out, const struct pieces *pieces)
{
    const uint8_t *type = whole(pieces, OPTION_TYPE, 1);
    if (!type || *type < WIRE_DHCP_DISCOVER || *type > WIRE_DHCP_INFORM)
        return false;
    out->type = *type;
    take_addr(out, pieces, OPTION_SUBNET_MASK, WIRE_DHCP_SUBNET_MASK, &out->subnet_mask);
    take_addr(out, pieces, OPTION_REQUESTED_ADDR, WIRE_DHCP_REQUESTED_ADDR, &out->requested_addr);
    take_addr(out, pieces, OPTION_SERVER_ID, WIRE_DHCP_SERVER_ID, &out->server_id);
    take_u16(out, pieces, OPTION_MTU, WIRE_DHCP_MTU, &out->mtu_bytes);
    take_u16(out, pieces, OPTION_MAX_SIZE, WIRE_DHCP_MAX_SIZE, &out->max_size_bytes);
    take_u32(out, pieces, OPTION_LEASE, WIRE_DHCP_LEASE, &out->lease_s);
    take_u32(out, pieces, OPTION_T1, WIRE_DHCP_T1, &out->t1_s);
    take_u32(out, pieces, OPTION_T2, WIRE_DHCP_T2, &out->t2_s);
    take_lists(out, pieces);
    return true;
}

bool wire_dhcp_parse(struct wire_dhcp *out, const void *bytes, size_t len)
{
    if (len < WIRE_DHCP_FIXED_BYTES)
        return false;
    const struct wire_dhcp_raw *raw = bytes;
    if (raw->op != WIRE_DHCP_BOOTREQUEST && raw->op != WIRE_DHCP_BOOTREPLY)
        return false;
    if (raw->htype != 1 || raw->hlen != sizeof(struct mac))
        return false;
    if (memcmp(raw->cookie, magic_cookie, sizeof magic_cookie) != 0)
        return false;
    *out = (struct wire_dhcp){
        .op = raw->op,
        .broadcast = be16_get(raw->flags) & flag_broadcast,
        .secs = be16_get(raw->secs),
        .xid = be32_get(raw->xid),
        .ciaddr = raw->ciaddr,
        .yiaddr = raw->yiaddr,
        .siaddr = raw->siaddr,
        .giaddr = raw->giaddr,
        .chaddr = raw->chaddr,
    };
    struct pieces pieces = {0};
    if (!gather(&pieces, (const uint8_t *)(raw + 1), len - sizeof *raw))
        return false;
    // RFC 3396 §5: `file` before `sname`. An overload option inside them means nothing.
    const uint8_t *overload = whole(&pieces, OPTION_OVERLOAD, 1);
    const uint8_t fields = overload ? *overload : 0;
    if (fields & OVERLOAD_FILE && !gather(&pieces, raw->file, sizeof raw->file))
        return false;
    if (fields & OVERLOAD_SNAME && !gather(&pieces, raw->sname, sizeof raw->sname))
        return false;
    return take_options(out, &pieces);
}

// The options of `dhcp` in a row, written to `at` or, if it is null, only counted.
struct writer {
    uint8_t *at;
    size_t len;
};

static void put_option(struct writer *w, uint8_t option, const void *data, size_t len)
{
    if (w->at) {
        uint8_t *at = w->at + w->len;
        at[0] = option;
        at[1] = (uint8_t)len;
        memcpy(at + 2, data, len);
    }
    w->len += 2 + len;
}

static void put_u32(struct writer *w, uint8_t option, uint32_t value)
{
    const struct be32 data = be32_of(value);
    put_option(w, option, &data, sizeof data);
}

static void put_u16(struct writer *w, uint8_t option, uint16_t value)
{
    const struct be16 data = be16_of(value);
    put_option(w, option, &data, sizeof data);
}

static void put_addr_options(struct writer *w, const struct wire_dhcp *dhcp)
{
    if (dhcp->options & WIRE_DHCP_SUBNET_MASK) // before the router: RFC 2132 §3.3
        put_option(w, OPTION_SUBNET_MASK, &dhcp->subnet_mask, sizeof dhcp->subnet_mask);
    if (dhcp->options & WIRE_DHCP_ROUTER)
        put_option(w, OPTION_ROUTER, &dhcp->router, sizeof dhcp->router);
    if (dhcp->options & WIRE_DHCP_DNS_SERVERS)
        put_option(w, OPTION_DNS_SERVERS, dhcp->dns, dhcp->dns_count * sizeof dhcp->dns[0]);
    if (dhcp->options & WIRE_DHCP_REQUESTED_ADDR)
        put_option(w, OPTION_REQUESTED_ADDR, &dhcp->requested_addr, sizeof dhcp->requested_addr);
    if (dhcp->options & WIRE_DHCP_SERVER_ID)
        put_option(w, OPTION_SERVER_ID, &dhcp->server_id, sizeof dhcp->server_id);
}

static void put_options(struct writer *w, const struct wire_dhcp *dhcp)
{
    static const uint8_t parameters[] = {OPTION_SUBNET_MASK, OPTION_ROUTER, OPTION_DNS_SERVERS,
                                         OPTION_MTU,         OPTION_LEASE,  OPTION_T1,
                                         OPTION_T2};

    put_option(w, OPTION_TYPE, &dhcp->type, 1);
    put_addr_options(w, dhcp);
    if (dhcp->options & WIRE_DHCP_MTU)
        put_u16(w, OPTION_MTU, dhcp->mtu_bytes);
    if (dhcp->options & WIRE_DHCP_LEASE)
        put_u32(w, OPTION_LEASE, dhcp->lease_s);
    if (dhcp->options & WIRE_DHCP_T1)
        put_u32(w, OPTION_T1, dhcp->t1_s);
    if (dhcp->options & WIRE_DHCP_T2)
        put_u32(w, OPTION_T2, dhcp->t2_s);
    if (dhcp->options & WIRE_DHCP_MAX_SIZE)
        put_u16(w, OPTION_MAX_SIZE, dhcp->max_size_bytes);
    if (dhcp->options & WIRE_DHCP_PARAMETERS)
        put_option(w, OPTION_PARAMETERS, parameters, sizeof parameters);
    if (w->at)
        w->at[w->len] = OPTION_END;
    w->len++;
}

size_t wire_dhcp_length(const struct wire_dhcp *dhcp)
{
    struct writer counter = {0};
    put_options(&counter, dhcp);
    return EXO_MAX(WIRE_DHCP_FIXED_BYTES + counter.len, (size_t)WIRE_DHCP_MIN_BYTES);
}

size_t wire_dhcp_emit(void *out, const struct wire_dhcp *dhcp)
{
    const size_t len = wire_dhcp_length(dhcp);
    exo_assert(len <= WIRE_DHCP_MAX_BYTES && dhcp->dns_count <= WIRE_DHCP_DNS);
    struct wire_dhcp_raw *raw = out;
    memset(out, 0, len);
    *raw = (struct wire_dhcp_raw){
        .op = dhcp->op,
        .htype = 1,
        .hlen = sizeof(struct mac),
        .xid = be32_of(dhcp->xid),
        .secs = be16_of(dhcp->secs),
        .flags = be16_of(dhcp->broadcast ? flag_broadcast : 0),
        .ciaddr = dhcp->ciaddr,
        .yiaddr = dhcp->yiaddr,
        .siaddr = dhcp->siaddr,
        .giaddr = dhcp->giaddr,
        .chaddr = dhcp->chaddr,
    };
    memcpy(raw->cookie, magic_cookie, sizeof magic_cookie);
    struct writer w = {.at = (uint8_t *)(raw + 1)};
    put_options(&w, dhcp);
    return len;
}
