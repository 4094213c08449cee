// SPDX-License-Identifier: MIT
// udp.c - UDP's checksum.
#include "netstack/wire/udp.h"

enum { PROTO_UDP = 17 };

bool wire_udp_verify(const void *datagram, uint16_t len, struct ip4 src, struct ip4 dst)
{
    if (len < WIRE_UDP_BYTES)
        return false;
    const struct wire_udp_raw *raw = datagram;
    if (be16_get(raw->checksum) == 0)
        return true;
    struct checksum sum = checksum_pseudo_ip4(src, dst, PROTO_UDP, len);
    checksum_add(&sum, datagram, len);
    return checksum_is_valid(sum);
}

void wire_udp_seal(void *datagram, uint16_t len, struct ip4 src, struct ip4 dst)
{
    struct wire_udp_raw *raw = datagram;
    raw->checksum = be16_of(0);
    struct checksum sum = checksum_pseudo_ip4(src, dst, PROTO_UDP, len);
    checksum_add(&sum, datagram, len);
    raw->checksum = checksum_finish(sum);
    if (be16_get(raw->checksum) == 0)
        raw->checksum = be16_of(0xffff);
}
