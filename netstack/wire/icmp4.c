// SPDX-License-Identifier: MIT
// icmp4.c - ICMP messages as bytes.
#include "netstack/wire/icmp4.h"

#include "netstack/base/checksum.h"

bool wire_icmp4_parse(struct wire_icmp4 *out, const void *bytes, size_t len)
{
    if (len < WIRE_ICMP4_BYTES)
        return false;
    struct checksum sum = {0};
    checksum_add(&sum, bytes, len);
    if (!checksum_is_valid(sum))
        return false;
    const struct wire_icmp4_raw *raw = bytes;
    *out = (struct wire_icmp4){
        .type = raw->type,
        .code = raw->code,
        .id = be16_get(raw->id),
        .seq = be16_get(raw->seq),
    };
    return true;
}

size_t wire_icmp4_emit(void *out, const struct wire_icmp4 *icmp, size_t body_len)
{
    struct wire_icmp4_raw *raw = out;
    *raw = (struct wire_icmp4_raw){
        .type = icmp->type,
        .code = icmp->code,
        .id = be16_of(icmp->id),
        .seq = be16_of(icmp->seq),
    };
    raw->checksum = checksum_of(raw, WIRE_ICMP4_BYTES + body_len);
    return WIRE_ICMP4_BYTES;
}
