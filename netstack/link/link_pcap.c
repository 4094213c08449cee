// SPDX-License-Identifier: MIT
// link_pcap.c - writes down every frame that passes.
#include "netstack/link/link_pcap.h"

// All numbers are in the writer's byte order; the magic tells a reader which one.
struct file_header {
    uint32_t magic; // 0xa1b23c4d: times are in nanoseconds
    uint16_t version_major;
    uint16_t version_minor;
    uint32_t reserved[2];
    uint32_t snap_bytes; // the longest frame written
    uint32_t link_type;  // 1: Ethernet
};

struct record_header {
    uint32_t sec;
    uint32_t nsec;
    uint32_t captured_bytes;
    uint32_t frame_bytes;
};

_Static_assert(sizeof(struct file_header) == 24 && sizeof(struct record_header) == 16,
               "as in the file");

void link_pcap_init(struct link_pcap *pcap, const struct net_link *inner,
                    const struct link_pcap_sink *sink)
{
    static const struct file_header header = {
        .magic = 0xa1b23c4d,
        .version_major = 2,
        .version_minor = 4,
        .snap_bytes = PKT_BUF_BYTES,
        .link_type = 1,
    };
    *pcap = (struct link_pcap){.inner = *inner, .sink = *sink};
    sink->write(sink->ctx, &header, sizeof header);
}

static void record(struct link_pcap *pcap, const uint8_t *bytes, uint32_t len)
{
    const struct record_header header = {
        .sec = (uint32_t)(pcap->now / EXO_S(1)),
        .nsec = (uint32_t)(pcap->now % EXO_S(1)),
        .captured_bytes = len,
        .frame_bytes = len,
    };
    pcap->sink.write(pcap->sink.ctx, &header, sizeof header);
    pcap->sink.write(pcap->sink.ctx, bytes, len);
    pcap->frames++;
}

static uint32_t pcap_rx(void *ctx, struct pkt **pkts, uint32_t n)
{
    struct link_pcap *pcap = ctx;
    const uint32_t got = pcap->inner.rx(pcap->inner.ctx, pkts, n);
    for (uint32_t i = 0; i < got; i++)
        record(pcap, pkts[i]->data, pkts[i]->len);
    return got;
}

// Only frames that the inner link takes are written, and then they are no longer ours:
// a second reference keeps the bytes for that moment.
static uint32_t pcap_tx(void *ctx, struct pkt **pkts, uint32_t n)
{
    struct link_pcap *pcap = ctx;
    uint32_t sent = 0;
    for (; sent < n; sent++) {
        struct pkt *pkt = pkts[sent];
        const uint8_t *bytes = pkt->data;
        const uint32_t len = pkt->len;
        pkt_ref(pkt);
        const uint32_t taken = pcap->inner.tx(pcap->inner.ctx, &pkt, 1);
        if (taken != 0)
            record(pcap, bytes, len);
        pkt_free(pkt);
        if (taken == 0)
            break;
    }
    return sent;
}

struct net_link link_pcap_link(struct link_pcap *pcap)
{
    struct net_link link = pcap->inner;
    link.rx = pcap_rx;
    link.tx = pcap_tx;
    link.ctx = pcap;
    return link;
}
