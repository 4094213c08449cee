// SPDX-License-Identifier: MIT
// dhcp.c - a DHCP client.
#include "netstack/app/dhcp.h"

#include "exo/bits.h"

#define LEASE_FOR_EVER 0xffffffffu // RFC 2131 §3.3

enum {
    MESSAGE_MAX_BYTES = 1500, // we take any message that one frame carries
    RENEW_MIN_S = 60,         // between two requests of a lease that we hold (§4.4.5)
};

static uint64_t random_number(struct dhcp *dhcp)
{
    uint64_t r;
    dhcp->env.random(dhcp->env.ctx, &r, sizeof r);
    return r;
}

static bool has_lease(const struct dhcp *dhcp)
{
    return !ip4_is_any(dhcp->lease.addr);
}

// --- states ----------------------------------------------------------------------

// Every state but BOUND begins with a message, at `send_at`.
static void enter(struct dhcp *dhcp, enum dhcp_state state, exo_ns now, exo_ns send_at)
{
    dhcp->state = (uint8_t)state;
    dhcp->tries = 0;
    dhcp->send_at = send_at;
    dhcp->send_due = now >= send_at;
}

// A new exchange has a new number that nobody can guess (§4.1): an answer to an older
// one, or a forged one from outside the link, does not match it.
static void begin(struct dhcp *dhcp, exo_ns now)
{
    dhcp->xid = (uint32_t)random_number(dhcp);
    dhcp->began_at = now;
}

static void search(struct dhcp *dhcp, exo_ns now, exo_ns send_at)
{
    begin(dhcp, now);
    enter(dhcp, DHCP_SELECTING, now, send_at);
}

static void drop_lease(struct dhcp *dhcp)
{
    dhcp->changed |= has_lease(dhcp);
    dhcp->lease = (struct dhcp_lease){0};
    dhcp->t1_at = EXO_NS_NEVER;
    dhcp->t2_at = EXO_NS_NEVER;
    dhcp->expires_at = EXO_NS_NEVER;
}

void dhcp_init(struct dhcp *dhcp, const struct net_env *env, struct mac mac, exo_ns now)
{
    *dhcp = (struct dhcp){.env = *env, .mac = mac};
    drop_lease(dhcp);
    search(dhcp, now, now);
}

// --- output ----------------------------------------------------------------------

// §4.1: 4, 8, 16, 32, then 64 s, each a second more or less at random.
static exo_ns backoff(struct dhcp *dhcp)
{
    const uint32_t doublings = EXO_MIN(dhcp->tries - 1u, 4u);
    return EXO_S(UINT64_C(4) << doublings) - EXO_S(1) + random_number(dhcp) % EXO_S(2);
}

// §4.4.5: half of the time that is left to the end of the state, but at least a minute.
static exo_ns renew_wait(exo_ns now, exo_ns end)
{
    const exo_ns left = end > now ? end - now : 0;
    return EXO_MAX(left / 2, EXO_S(RENEW_MIN_S));
}

static exo_ns next_send(struct dhcp *dhcp, exo_ns now)
{
    switch (dhcp->state) {
    case DHCP_RENEWING:
        return now + renew_wait(now, dhcp->t2_at);
    case DHCP_REBINDING:
        return now + renew_wait(now, dhcp->expires_at);
    default:
        return now + backoff(dhcp);
    }
}

// Table 4 of RFC 2131: what each state puts into its message.
static void compose(struct wire_dhcp *msg, const struct dhcp *dhcp, exo_ns now)
{
    const uint64_t secs = (now - dhcp->began_at) / EXO_S(1);
    *msg = (struct wire_dhcp){
        .op = WIRE_DHCP_BOOTREQUEST,
        .type = WIRE_DHCP_REQUEST,
        .secs = (uint16_t)EXO_MIN(secs, (uint64_t)UINT16_MAX),
        .xid = dhcp->xid,
        .chaddr = dhcp->mac,
        .options = WIRE_DHCP_PARAMETERS | WIRE_DHCP_MAX_SIZE,
        .max_size_bytes = MESSAGE_MAX_BYTES,
    };
    switch (dhcp->state) {
    case DHCP_SELECTING:
        msg->type = WIRE_DHCP_DISCOVER;
        msg->broadcast = true; // we do not receive unicast before we have an address
        break;
    case DHCP_REQUESTING:
        msg->broadcast = true;
        msg->options |= WIRE_DHCP_REQUESTED_ADDR | WIRE_DHCP_SERVER_ID;
        msg->requested_addr = dhcp->asked;
        msg->server_id = dhcp->server;
        break;
    default:
        msg->ciaddr = dhcp->lease.addr;
        break;
    }
}

bool dhcp_output(struct dhcp *dhcp, exo_ns now, struct pkt *payload, struct dhcp_route *route)
{
    if (!dhcp->send_due)
        return false;
    struct wire_dhcp msg;
    compose(&msg, dhcp, now);
    wire_dhcp_emit(pkt_put(payload, (uint32_t)wire_dhcp_length(&msg)), &msg);
    *route = (struct dhcp_route){
        .src = dhcp->lease.addr,
        .dst = dhcp->state == DHCP_RENEWING ? dhcp->server : ip4_from(0xffffffff),
    };
    dhcp->send_due = false;
    if (dhcp->tries < UINT8_MAX)
        dhcp->tries++;
    dhcp->sent_at = now;
    dhcp->send_at = next_send(dhcp, now);
    return true;
}

// --- input -----------------------------------------------------------------------

// A mask is ones, then zeros. Without a good one the address's class says it (RFC 950).
static uint8_t prefix_len_of(const struct wire_dhcp *msg)
{
    const uint32_t mask = ip4_get(msg->subnet_mask);
    const uint32_t zeros = ~mask;
    if (msg->options & WIRE_DHCP_SUBNET_MASK && mask != 0 && (zeros & (zeros + 1)) == 0)
        return (uint8_t)__builtin_popcount(mask);
    const uint8_t first = msg->yiaddr.b[0];
    return first < 128 ? 8 : first < 192 ? 16 : 24;
}

static struct dhcp_lease lease_of(const struct wire_dhcp *msg)
{
    struct dhcp_lease lease = {
        .addr = msg->yiaddr,
        .prefix_len = prefix_len_of(msg),
        .router = msg->router,
        .server = msg->server_id,
        .mtu_bytes = msg->mtu_bytes,
    };
    memcpy(lease.dns, msg->dns, sizeof lease.dns);
    return lease;
}

// The same to whoever uses it; which server extended it is the client's own business.
static bool lease_eq(const struct dhcp_lease *x, const struct dhcp_lease *y)
{
    return ip4_eq(x->addr, y->addr) && x->prefix_len == y->prefix_len &&
           ip4_eq(x->router, y->router) && memcmp(x->dns, y->dns, sizeof x->dns) == 0 &&
           x->mtu_bytes == y->mtu_bytes;
}

// §4.4.5: T1 and T2 as the server says, if they are in order, else 1/2 and 7/8 of the
// lease (with a T1 of 0 each answer would be followed by the next request at once); each a little
// early at random, so that hosts that booted together drift apart. All count from the request,
// which the server cannot have seen earlier.
static void set_times(struct dhcp *dhcp, const struct wire_dhcp *msg)
{
    if (msg->lease_s == LEASE_FOR_EVER) {
        dhcp->t1_at = EXO_NS_NEVER;
        dhcp->t2_at = EXO_NS_NEVER;
        dhcp->expires_at = EXO_NS_NEVER;
        return;
    }
    const exo_ns lease = EXO_S(msg->lease_s);
    exo_ns t1 = lease / 2;
    exo_ns t2 = lease / 8 * 7;
    const uint32_t both = WIRE_DHCP_T1 | WIRE_DHCP_T2;
    const bool in_order = msg->t1_s != 0 && msg->t1_s < msg->t2_s && msg->t2_s < msg->lease_s;
    if ((msg->options & both) == both && in_order) {
        t1 = EXO_S(msg->t1_s);
        t2 = EXO_S(msg->t2_s);
    }
    const exo_ns fuzz = random_number(dhcp) % (t1 / 32 + 1);
    dhcp->t1_at = dhcp->sent_at + t1 - fuzz;
    dhcp->t2_at = dhcp->sent_at + t2 - fuzz;
    dhcp->expires_at = dhcp->sent_at + lease;
}

static bool input_offer(struct dhcp *dhcp, exo_ns now, const struct wire_dhcp *msg)
{
    if ((dhcp->state != DHCP_SELECTING) | (dhcp->tries == 0))
        return false;
    const bool named = msg->options & WIRE_DHCP_SERVER_ID;
    if (!(named & ip4_is_unicast(msg->server_id) & ip4_is_unicast(msg->yiaddr)))
        return false;
    dhcp->asked = msg->yiaddr;
    dhcp->server = msg->server_id;
    enter(dhcp, DHCP_REQUESTING, now, now);
    return true;
}

// Whether this state waits for a decision about a request, and this server may make it.
static bool is_answer(const struct dhcp *dhcp, const struct wire_dhcp *msg)
{
    const bool named = msg->options & WIRE_DHCP_SERVER_ID;
    if ((dhcp->state == DHCP_SELECTING) | (dhcp->tries == 0) | !named)
        return false;
    if (dhcp->state == DHCP_REBINDING)
        return ip4_is_unicast(msg->server_id);
    return ip4_eq(msg->server_id, dhcp->server);
}

static bool input_ack(struct dhcp *dhcp, exo_ns now, const struct wire_dhcp *msg)
{
    const uint32_t lease_s = msg->options & WIRE_DHCP_LEASE ? msg->lease_s : 0;
    if (!is_answer(dhcp, msg) | !ip4_eq(msg->yiaddr, dhcp->asked) | (lease_s == 0))
        return false;
    const struct dhcp_lease lease = lease_of(msg);
    dhcp->changed |= !lease_eq(&lease, &dhcp->lease);
    dhcp->lease = lease;
    dhcp->server = lease.server;
    set_times(dhcp, msg);
    enter(dhcp, DHCP_BOUND, now, EXO_NS_NEVER);
    return true;
}

// A server that offers and then refuses could keep us busy without end, so a refused
// offer is followed by the pause of a retransmission. A refused renewal is not.
static bool input_nak(struct dhcp *dhcp, exo_ns now, const struct wire_dhcp *msg)
{
    if (!is_answer(dhcp, msg))
        return false;
    const exo_ns pause = dhcp->state == DHCP_REQUESTING ? backoff(dhcp) : 0;
    drop_lease(dhcp);
    search(dhcp, now, now + pause);
    return true;
}

static bool input_message(struct dhcp *dhcp, exo_ns now, const struct wire_dhcp *msg)
{
    const bool ours = (msg->xid == dhcp->xid) & mac_eq(msg->chaddr, dhcp->mac);
    if (!ours | (msg->op != WIRE_DHCP_BOOTREPLY))
        return false;
    switch (msg->type) {
    case WIRE_DHCP_OFFER:
        return input_offer(dhcp, now, msg);
    case WIRE_DHCP_ACK:
        return input_ack(dhcp, now, msg);
    case WIRE_DHCP_NAK:
        return input_nak(dhcp, now, msg);
    default:
        return false;
    }
}

bool dhcp_input(struct dhcp *dhcp, exo_ns now, const void *bytes, size_t len)
{
    struct wire_dhcp msg;
    if (wire_dhcp_parse(&msg, bytes, len) && input_message(dhcp, now, &msg))
        return true;
    dhcp->ignored++;
    return false;
}

// --- time ------------------------------------------------------------------------

static exo_ns next_event(const struct dhcp *dhcp)
{
    const exo_ns asking = EXO_MIN(dhcp->t1_at, dhcp->t2_at);
    const exo_ns ending = EXO_MIN(dhcp->send_at, dhcp->expires_at);
    return EXO_MIN(asking, ending);
}

void dhcp_tick(struct dhcp *dhcp, exo_ns now)
{
    if (now < next_event(dhcp))
        return;
    if (now >= dhcp->expires_at) {
        drop_lease(dhcp);
        search(dhcp, now, now);
    }
    if (now >= dhcp->t1_at) {
        dhcp->t1_at = EXO_NS_NEVER;
        begin(dhcp, now);
        enter(dhcp, DHCP_RENEWING, now, now);
    }
    if (now >= dhcp->t2_at) {
        dhcp->t2_at = EXO_NS_NEVER;
        enter(dhcp, DHCP_REBINDING, now, now);
    }
    if (now < dhcp->send_at)
        return;
    if (dhcp->state == DHCP_REQUESTING && dhcp->tries >= DHCP_REQUESTS)
        search(dhcp, now, now);
    dhcp->send_due = true;
}

exo_ns dhcp_deadline(const struct dhcp *dhcp)
{
    return dhcp->send_due ? 0 : next_event(dhcp);
}

bool dhcp_take_change(struct dhcp *dhcp, struct dhcp_lease *out)
{
    if (!dhcp->changed)
        return false;
    dhcp->changed = false;
    *out = dhcp->lease;
    return true;
}
