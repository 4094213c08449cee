// SPDX-License-Identifier: MIT
// tcp_sack.c - a short list of blocks, newest first.
#include "netstack/tcp/tcp_sack.h"

#include "exo/bits.h"
#include "netstack/base/seq.h"

enum { OPTION_BYTES = 4, BLOCK_BYTES = 8 }; // kind, length and two NOPs; then each block

// Keeps the blocks that do not overlap left … right.
static void drop_overlaps(struct tcp_sack *sack, uint32_t left, uint32_t right)
{
    uint8_t kept = 0;
    for (uint8_t i = 0; i < sack->count; i++) {
        const struct wire_tcp_sack b = sack->blocks[i];
        if (seq_le(b.right, left) || seq_le(right, b.left))
            sack->blocks[kept++] = b;
    }
    sack->count = kept;
}

void tcp_sack_note(struct tcp_sack *sack, const struct tcp_reasm *q, uint32_t seq)
{
    struct wire_tcp_sack block;
    if (!sack->on || !tcp_reasm_block(q, seq, &block.left, &block.right))
        return;
    drop_overlaps(sack, block.left, block.right);
    if (sack->count < WIRE_TCP_SACKS)
        sack->count++; // else the one reported longest ago gives way
    for (uint8_t i = (uint8_t)(sack->count - 1); i > 0; i--)
        sack->blocks[i] = sack->blocks[i - 1];
    sack->blocks[0] = block;
}

void tcp_sack_note_dup(struct tcp_sack *sack, uint32_t left, uint32_t right)
{
    if (!sack->on)
        return;
    sack->has_dup = true;
    sack->dup = (struct wire_tcp_sack){left, right};
}

void tcp_sack_forget(struct tcp_sack *sack)
{
    sack->count = 0;
}

// Blocks that the app's data has reached meanwhile are out of order no longer.
static void drop_reached(struct tcp_sack *sack, uint32_t rcv_nxt)
{
    uint8_t kept = 0;
    for (uint8_t i = 0; i < sack->count; i++)
        if (seq_lt(rcv_nxt, sack->blocks[i].left))
            sack->blocks[kept++] = sack->blocks[i];
    sack->count = kept;
}

bool tcp_sack_tell(struct tcp_sack *sack, struct wire_tcp *h, uint32_t rcv_nxt, uint32_t room)
{
    drop_reached(sack, rcv_nxt);
    const uint32_t all = EXO_MIN((uint32_t)sack->count + sack->has_dup, WIRE_TCP_SACKS);
    const uint32_t fit = room < OPTION_BYTES ? 0 : (room - OPTION_BYTES) / BLOCK_BYTES;
    const uint32_t told = EXO_MIN(all, fit);
    uint32_t n = 0;
    if (sack->has_dup && told != 0) {
        sack->has_dup = false;
        h->sacks[n++] = sack->dup;
    }
    for (uint32_t i = 0; n < told; i++)
        h->sacks[n++] = sack->blocks[i];
    h->sack_count = told;
    return told == all;
}

bool tcp_sack_is_dup(const struct wire_tcp *seg)
{
    if (seg->sack_count == 0)
        return false;
    const struct wire_tcp_sack *b = seg->sacks;
    return seq_le(b[0].right, seg->ack) ||
           (seg->sack_count > 1 && seq_le(b[1].left, b[0].left) && seq_le(b[0].right, b[1].right));
}
