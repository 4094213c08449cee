// SPDX-License-Identifier: MIT
// flow_reference.c - one condition after the other.
#include "test/support/flow_reference.h"

#include "exo/bits.h"

#include <string.h>

// One frame as its fields say, and the space that they are drawn from.
struct point {
    uint32_t ethertype, protocol, local, remote, local_port, remote_port;
};

static const uint16_t ethertypes[] = {0x0800, 0x0800, 0x0800, 0x86dd};
static const uint8_t protocols[] = {17, 17, 6, 1};
static const uint16_t ports[] = {7, 80, 7007, 7008};

static uint32_t pick(uint64_t *seed, uint32_t n)
{
    *seed = *seed * UINT64_C(6364136223846793005) + 1442695040888963407; // Knuth's MMIX
    return (uint32_t)(*seed >> 33) % n;
}

struct core_flow_filter reference_filter(uint64_t *seed)
{
    struct core_flow_filter f = {.ethertype = ethertypes[pick(seed, 4)]};
    if (f.ethertype != 0x0800)
        return f;
    if (pick(seed, 4))
        f.protocol = protocols[pick(seed, 4)];
    if (pick(seed, 2))
        memcpy(f.local, (uint8_t[]){10, 0, 0, (uint8_t)(1 + pick(seed, 2))}, 4);
    if (!pick(seed, 3))
        memcpy(f.remote, (uint8_t[]){10, 0, 0, (uint8_t)(1 + pick(seed, 2))}, 4);
    if (f.protocol != 17 && f.protocol != 6)
        return f;
    uint32_t first = pick(seed, 4), last = pick(seed, 4);
    if (pick(seed, 3)) {
        f.local_port = ports[EXO_MIN(first, last)];
        f.local_port_last = pick(seed, 2) ? ports[EXO_MAX(first, last)] : 0;
    }
    if (!pick(seed, 4))
        f.remote_port = ports[pick(seed, 4)];
    return f;
}

static void put(uint8_t *at, uint32_t value, uint32_t bytes)
{
    while (bytes--) {
        at[bytes] = (uint8_t)value;
        value >>= 8;
    }
}

struct reference_frame reference_frame(uint64_t *seed, const uint8_t to[6], const uint8_t from[6])
{
    struct reference_frame f = {.len = 14 + 20 + 20};
    memcpy(f.bytes, to, 6);
    memcpy(f.bytes + 6, from, 6);
    put(f.bytes + 12, ethertypes[pick(seed, 4)], 2);
    f.bytes[14] = 0x45;
    put(f.bytes + 16, 40, 2);
    f.bytes[23] = protocols[pick(seed, 4)];
    put(f.bytes + 26, 0x0a000001 + pick(seed, 2), 4);
    put(f.bytes + 30, 0x0a000001 + pick(seed, 2), 4);
    put(f.bytes + 34, ports[pick(seed, 4)], 2);
    put(f.bytes + 36, ports[pick(seed, 4)], 2);
    if (!pick(seed, 4))
        f.bytes[pick(seed, 40)] ^= (uint8_t)(1u << pick(seed, 8));
    if (!pick(seed, 8))
        f.len = pick(seed, f.len);
    return f;
}

static uint32_t get(const uint8_t *at, uint32_t bytes)
{
    uint32_t value = 0;
    while (bytes--)
        value = value << 8 | *at++;
    return value;
}

static bool is_transport(uint32_t protocol)
{
    return protocol == 6 || protocol == 17;
}

// False if the frame is one of those that flow_match.h gives to the queue's owner.
static bool point_of(const uint8_t *frame, uint32_t len, const uint8_t mac[6], struct point *out)
{
    *out = (struct point){0};
    if (len < 14 || memcmp(frame, mac, 6) != 0)
        return false;
    out->ethertype = get(frame + 12, 2);
    if (out->ethertype != 0x0800)
        return out->ethertype >= 0x600 && out->ethertype != 0x806 && out->ethertype != 0x8100 &&
               out->ethertype != 0x88a8;
    if (len < 34)
        return false;
    uint32_t total = get(frame + 16, 2);
    bool fragment = get(frame + 20, 2) & 0x3fff;
    if (frame[14] != 0x45 || fragment || total < 20 || total > len - 14)
        return false;
    out->protocol = frame[23];
    out->remote = get(frame + 26, 4);
    out->local = get(frame + 30, 4);
    if (!is_transport(out->protocol))
        return true;
    if (total - 20 < (out->protocol == 6 ? 20u : 8u))
        return false;
    out->remote_port = get(frame + 34, 2);
    out->local_port = get(frame + 36, 2);
    return true;
}

static bool same_or_any(uint32_t wanted, uint32_t is)
{
    return wanted == 0 || wanted == is;
}

static bool point_matches(const struct core_flow_filter *f, const struct point *p)
{
    uint32_t last = f->local_port_last ? f->local_port_last : f->local_port;
    bool port = f->local_port == 0 || (p->local_port >= f->local_port && p->local_port <= last);
    return f->ethertype == p->ethertype && same_or_any(f->protocol, p->protocol) &&
           same_or_any(get(f->local, 4), p->local) && same_or_any(get(f->remote, 4), p->remote) &&
           port && same_or_any(f->remote_port, p->remote_port);
}

bool reference_matches(const struct core_flow_filter *filter, const uint8_t *frame, uint32_t len,
                       const uint8_t mac[6])
{
    struct point point;
    return point_of(frame, len, mac, &point) && point_matches(filter, &point);
}

// The values that a dimension of the census takes: those that filters name, and one that none
// does; for ports also one that lies only between those of a range.
static const uint32_t census_types[] = {0x0800, 0x86dd, 0x88b5};
static const uint32_t census_protocols[] = {17, 6, 1, 2};
static const uint32_t census_addresses[] = {0x0a000001, 0x0a000002, 0x0a000003};
static const uint32_t census_ports[] = {7, 80, 7007, 7008, 6, 8, 81, 9000};

#define CENSUS_POINTS (3u * 4 * 3 * 3 * 8 * 8)

static uint32_t take(uint32_t *n, const uint32_t *values, uint32_t count)
{
    uint32_t value = values[*n % count];
    *n /= count;
    return value;
}

// The n-th point of the space, less what its ethertype and protocol do not have.
static struct point census_point(uint32_t n)
{
    struct point p = {.ethertype = take(&n, census_types, 3)};
    if (p.ethertype != 0x0800)
        return p;
    p.protocol = take(&n, census_protocols, 4);
    p.local = take(&n, census_addresses, 3);
    p.remote = take(&n, census_addresses, 3);
    if (is_transport(p.protocol)) {
        p.local_port = take(&n, census_ports, 8);
        p.remote_port = take(&n, census_ports, 8);
    }
    return p;
}

void reference_census(const struct core_flow_filter *a, const struct core_flow_filter *b,
                      bool *both, bool *only_a, bool *only_b)
{
    *both = *only_a = *only_b = false;
    for (uint32_t n = 0; n < CENSUS_POINTS; n++) {
        struct point point = census_point(n);
        bool in_a = point_matches(a, &point), in_b = point_matches(b, &point);
        *both |= in_a && in_b;
        *only_a |= in_a && !in_b;
        *only_b |= in_b && !in_a;
    }
}
