// SPDX-License-Identifier: MIT
// tcp_rtt.c - RFC 6298 in integers: alpha 1/8, beta 1/4, K 4.
#include "netstack/tcp/tcp_rtt.h"

#include "exo/bits.h"

void tcp_rtt_init(struct tcp_rtt *rtt)
{
    *rtt = (struct tcp_rtt){.base_ns = TCP_RTO_FIRST_NS};
}

void tcp_rtt_sample(struct tcp_rtt *rtt, exo_ns measured_ns)
{
    // A round trip of 0 is a coarse clock, and 0 means "no sample yet" in srtt_ns.
    exo_ns r = EXO_MAX(measured_ns, (exo_ns)1);
    if (rtt->srtt_ns == 0) { // rule 2.2
        rtt->srtt_ns = r;
        rtt->rttvar_ns = r / 2;
    } else { // rule 2.3: the variation first, it needs the old mean
        exo_ns off = rtt->srtt_ns > r ? rtt->srtt_ns - r : r - rtt->srtt_ns;
        rtt->rttvar_ns = rtt->rttvar_ns - rtt->rttvar_ns / 4 + off / 4;
        rtt->srtt_ns = rtt->srtt_ns - rtt->srtt_ns / 8 + r / 8;
        rtt->srtt_ns = EXO_MAX(rtt->srtt_ns, (exo_ns)1);
    }
    exo_ns rto = rtt->srtt_ns + EXO_MAX(TCP_RTT_G_NS, 4 * rtt->rttvar_ns);
    rtt->base_ns = EXO_MIN(EXO_MAX(rto, TCP_RTO_MIN_NS), TCP_RTO_MAX_NS);
    rtt->backoff = 0;
}

void tcp_rtt_back_off(struct tcp_rtt *rtt)
{
    if (rtt->backoff < 16)
        rtt->backoff++;
}

void tcp_rtt_syn_was_lost(struct tcp_rtt *rtt)
{
    if (rtt->srtt_ns)
        return;
    rtt->base_ns = EXO_S(3);
    rtt->backoff = 0;
}

exo_ns tcp_rtt_rto_ns(const struct tcp_rtt *rtt)
{
    return tcp_rtt_doubled_ns(rtt->base_ns, rtt->backoff);
}

exo_ns tcp_rtt_pto_ns(const struct tcp_rtt *rtt, bool delayed)
{
    if (rtt->srtt_ns == 0)
        return TCP_RTO_FIRST_NS;
    return 2 * rtt->srtt_ns + (delayed ? TCP_PTO_DELACK_NS : TCP_PTO_MIN_NS);
}

exo_ns tcp_rtt_doubled_ns(exo_ns ns, uint32_t times)
{
    const uint32_t enough = EXO_MIN(times, 16u); // from a millisecond on, that is the maximum
    return EXO_MIN(ns << enough, TCP_RTO_MAX_NS);
}
