// SPDX-License-Identifier: MIT
// dhcp.c - DHCP messages as bytes.
//
// One table says of each option where it stands in struct wire_dhcp and how long it is.
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

// --- the options -------------------------------------------------------------------

#define IS_ALWAYS (1u << 31) // in place of wire_dhcp.options' bits: the message type

struct option {
    uint8_t code;
    uint8_t bytes; // of its field; all that is kept of a longer list
    bool list;     // of addresses, at least one
    bool number;   // its bytes lie the other way round in the field
    uint16_t at;   // its field in struct wire_dhcp
    uint32_t bit;  // in wire_dhcp.options
};

#define FIELD(name)                                                                                \
    .bytes = sizeof(((struct wire_dhcp *)0)->name), .at = offsetof(struct wire_dhcp, name)

// As emit writes them; the mask before the router (RFC 2132 §3.3).
static const struct option options[] = {
    {OPTION_TYPE, FIELD(type), .bit = IS_ALWAYS},
    {OPTION_SUBNET_MASK, FIELD(subnet_mask), .bit = WIRE_DHCP_SUBNET_MASK},
    {OPTION_ROUTER, FIELD(router), .list = true, .bit = WIRE_DHCP_ROUTER},
    {OPTION_DNS_SERVERS, FIELD(dns), .list = true, .bit = WIRE_DHCP_DNS_SERVERS},
    {OPTION_REQUESTED_ADDR, FIELD(requested_addr), .bit = WIRE_DHCP_REQUESTED_ADDR},
    {OPTION_SERVER_ID, FIELD(server_id), .bit = WIRE_DHCP_SERVER_ID},
    {OPTION_MTU, FIELD(mtu_bytes), .number = true, .bit = WIRE_DHCP_MTU},
    {OPTION_LEASE, FIELD(lease_s), .number = true, .bit = WIRE_DHCP_LEASE},
    {OPTION_T1, FIELD(t1_s), .number = true, .bit = WIRE_DHCP_T1},
    {OPTION_T2, FIELD(t2_s), .number = true, .bit = WIRE_DHCP_T2},
    {OPTION_MAX_SIZE, FIELD(max_size_bytes), .number = true, .bit = WIRE_DHCP_MAX_SIZE},
};

// What emit writes: those, of four bytes each at the most but for the servers; which parameters
// are asked for; and the end.
#define PARAMETERS 7u

_Static_assert(EXO_COUNT(options) * (2 + sizeof(struct ip4)) +
                       (WIRE_DHCP_DNS - 1) * sizeof(struct ip4) + 2 + PARAMETERS + 1 <=
                   WIRE_DHCP_MAX_BYTES - WIRE_DHCP_FIXED_BYTES,
               "all of them fit the longest message");

// From the field to the wire or back.
static void copy_value(const struct option *o, uint8_t *to, const uint8_t *from, size_t bytes)
{
    for (size_t i = 0; i < bytes; i++)
        to[i] = from[o->number ? bytes - 1 - i : i];
}

// --- parse -------------------------------------------------------------------------

// The pieces of each known option, joined. Lists of addresses are cut to the first
// sixteen bytes, but their whole length is kept for judging it.
struct piece {
    uint32_t len;
    uint8_t bytes[16];
};

struct pieces {
    struct piece of[EXO_COUNT(options)];
    struct piece overload;
};

static struct piece *piece_of(struct pieces *pieces, uint8_t code)
{
    for (size_t i = 0; i < EXO_COUNT(options); i++)
        if (options[i].code == code)
            return &pieces->of[i];
    return code == OPTION_OVERLOAD ? &pieces->overload : NULL;
}

static void join(struct piece *piece, const uint8_t *data, size_t len)
{
    for (size_t i = 0; i < len && piece->len + i < sizeof piece->bytes; i++)
        piece->bytes[piece->len + i] = data[i];
    piece->len += (uint32_t)len;
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
        struct piece *piece = piece_of(pieces, at[0]);
        if (piece)
            join(piece, at + 2, at[1]);
        at += 2 + at[1];
    }
    return true;
}

static bool is_whole(const struct option *o, uint32_t len)
{
    return o->list ? len != 0 && len % sizeof(struct ip4) == 0 : len == o->bytes;
}

static bool take_options(struct wire_dhcp *out, const struct pieces *pieces)
{
    uint32_t dns_bytes = 0;
    for (size_t i = 0; i < EXO_COUNT(options); i++) {
        const struct option *o = &options[i];
        const struct piece *piece = &pieces->of[i];
        if (!is_whole(o, piece->len))
            continue;
        copy_value(o, (uint8_t *)out + o->at, piece->bytes, o->bytes);
        out->options |= o->bit;
        dns_bytes = o->code == OPTION_DNS_SERVERS ? piece->len : dns_bytes;
    }
    out->dns_count = EXO_MIN(dns_bytes / (uint32_t)sizeof(struct ip4), WIRE_DHCP_DNS);
    out->options &= ~IS_ALWAYS; // without a type, it is 0
    return out->type >= WIRE_DHCP_DISCOVER && out->type <= WIRE_DHCP_INFORM;
}

bool wire_dhcp_parse(struct wire_dhcp *out, const void *bytes, size_t len)
{
    if (len < WIRE_DHCP_FIXED_BYTES)
        return false;
    const struct wire_dhcp_raw *raw = bytes;
    const bool is_known = raw->op == WIRE_DHCP_BOOTREQUEST || raw->op == WIRE_DHCP_BOOTREPLY;
    if (!is_known | (raw->htype != 1) | (raw->hlen != sizeof(struct mac)) |
        (memcmp(raw->cookie, magic_cookie, sizeof magic_cookie) != 0))
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
    const uint8_t fields = pieces.overload.len == 1 ? pieces.overload.bytes[0] : 0;
    if (fields & OVERLOAD_FILE && !gather(&pieces, raw->file, sizeof raw->file))
        return false;
    if (fields & OVERLOAD_SNAME && !gather(&pieces, raw->sname, sizeof raw->sname))
        return false;
    return take_options(out, &pieces);
}

// --- emit --------------------------------------------------------------------------

// Returns the end of what it wrote.
static uint8_t *put_options(uint8_t *at, const struct wire_dhcp *dhcp)
{
    static const uint8_t parameters[] = {OPTION_PARAMETERS, PARAMETERS,         OPTION_SUBNET_MASK,
                                         OPTION_ROUTER,     OPTION_DNS_SERVERS, OPTION_MTU,
                                         OPTION_LEASE,      OPTION_T1,          OPTION_T2};

    for (const struct option *o = options; o < options + EXO_COUNT(options); o++) {
        if (!((dhcp->options | IS_ALWAYS) & o->bit))
            continue;
        const size_t bytes =
            o->bit == WIRE_DHCP_DNS_SERVERS ? dhcp->dns_count * sizeof(struct ip4) : o->bytes;
        at[0] = o->code;
        at[1] = (uint8_t)bytes;
        copy_value(o, at + 2, (const uint8_t *)dhcp + o->at, bytes);
        at += 2 + bytes;
    }
    if (dhcp->options & WIRE_DHCP_PARAMETERS) {
        memcpy(at, parameters, sizeof parameters);
        at += sizeof parameters;
    }
    *at = OPTION_END;
    return at + 1;
}

size_t wire_dhcp_length(const struct wire_dhcp *dhcp)
{
    uint8_t scratch[WIRE_DHCP_MAX_BYTES - WIRE_DHCP_FIXED_BYTES];
    exo_assert(dhcp->dns_count <= WIRE_DHCP_DNS);
    const size_t len = (size_t)(put_options(scratch, dhcp) - scratch);
    return EXO_MAX(WIRE_DHCP_FIXED_BYTES + len, (size_t)WIRE_DHCP_MIN_BYTES);
}

size_t wire_dhcp_emit(void *out, const struct wire_dhcp *dhcp)
{
    const size_t len = wire_dhcp_length(dhcp);
    struct wire_dhcp_raw *raw = out;
    memset(out, 0, len);
    raw->op = dhcp->op;
    raw->htype = 1;
    raw->hlen = sizeof(struct mac);
    raw->xid = be32_of(dhcp->xid);
    raw->secs = be16_of(dhcp->secs);
    raw->flags = be16_of(dhcp->broadcast ? flag_broadcast : 0);
    raw->ciaddr = dhcp->ciaddr;
    raw->yiaddr = dhcp->yiaddr;
    raw->siaddr = dhcp->siaddr;
    raw->giaddr = dhcp->giaddr;
    raw->chaddr = dhcp->chaddr;
    memcpy(raw->cookie, magic_cookie, sizeof magic_cookie);
    put_options((uint8_t *)(raw + 1), dhcp);
    return len;
}
