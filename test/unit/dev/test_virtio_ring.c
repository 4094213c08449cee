// SPDX-License-Identifier: MIT
// test_virtio_ring.c - the split virtqueue against honest and lying devices.
//
// Ring memory and slots are exact heap allocations, so that the address sanitizer sees
// every step out of bounds. Loops of many thousands use exo_assert: ck_assert tells its
// parent about each success.
#include "dev/ring/virtio_net_frame.h"
#include "exo/bits.h"
#include "test/support/check_main.h"
#include "test/support/virtq_device.h"

#include <string.h>

struct pair {
    struct virtio_ring ring;
    struct virtq_device device;
    void *mem;
    struct virtio_ring_slot *slots;
};

static void pair_init(struct pair *p, uint16_t size, bool event_idx)
{
    size_t bytes = virtio_ring_bytes(size);
    ck_assert_int_eq(posix_memalign(&p->mem, 64, bytes), 0);
    memset(p->mem, 0, bytes);
    p->slots = malloc(size * sizeof *p->slots);
    virtio_ring_init(&p->ring, p->mem, p->slots, size, event_idx);
    virtq_device_init(&p->device, p->mem, size, event_idx);
}

static void pair_fini(struct pair *p)
{
    free(p->mem);
    free(p->slots);
}

static struct pa pa_of(uint32_t n)
{
    return (struct pa){0x100000 + n * UINT64_C(0x1000)};
}

static uint32_t xorshift(uint32_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 17;
    *state ^= *state << 5;
    return *state;
}

START_TEST(ring_parts_lie_apart_and_aligned)
{
    for (uint32_t size = 1; size <= VIRTIO_RING_SIZE_MAX; size *= 2) {
        uint32_t avail = virtio_ring_avail_offset((uint16_t)size);
        uint32_t used = virtio_ring_used_offset((uint16_t)size);
        ck_assert_uint_eq(avail, 16 * size);
        ck_assert_uint_ge(used, avail + 6 + 2 * size);
        ck_assert_uint_eq(used % 4, 0);
        ck_assert_uint_eq(virtio_ring_bytes((uint16_t)size), used + 6 + 8 * size);
    }
}
END_TEST

START_TEST(ring_shows_the_device_what_was_added)
{
    struct pair p;
    pair_init(&p, 4, false);
    uint32_t id = virtio_ring_add(&p.ring, pa_of(7), 1526, VIRTQ_DESC_WRITE);
    ck_assert_int_eq(virtq_device_take(&p.device), -1); // not before publish
    ck_assert(virtio_ring_publish(&p.ring));
    ck_assert(!virtio_ring_publish(&p.ring)); // nothing new: no kick

    ck_assert_int_eq(virtq_device_take(&p.device), id);
    struct virtq_desc got;
    ck_assert_uint_eq(virtq_device_chain(&p.device, id, &got, 1), 1);
    ck_assert_uint_eq(got.addr, pa_of(7).v);
    ck_assert_uint_eq(got.len, 1526);
    ck_assert_uint_eq(got.flags, VIRTQ_DESC_WRITE);

    ck_assert_uint_eq(virtio_ring_ready(&p.ring), 0);
    virtq_device_complete(&p.device, id, 99);
    ck_assert_uint_eq(virtio_ring_ready(&p.ring), 1);
    uint32_t len = 0;
    ck_assert_int_eq(virtio_ring_reap(&p.ring, &len), id);
    ck_assert_uint_eq(len, 99);
    ck_assert_uint_eq(p.ring.free_count, 4);
    ck_assert_uint_eq(virtio_ring_lent(&p.ring), 0);
    pair_fini(&p);
}
END_TEST

START_TEST(ring_chains_link_and_come_back_whole)
{
    struct pair p;
    pair_init(&p, 8, true);
    const struct virtio_ring_part parts[] = {
        {pa_of(1), 12, 0}, {pa_of(2), 512, VIRTQ_DESC_WRITE}, {pa_of(3), 1, VIRTQ_DESC_WRITE}};
    for (uint32_t round = 0; round < 1000; round++) {
        uint16_t n = (uint16_t)(1 + round % 3);
        uint32_t single = virtio_ring_add(&p.ring, pa_of(9), 60, 0);
        uint32_t head = virtio_ring_add_chain(&p.ring, parts, n);
        ck_assert_uint_eq(p.ring.free_count, 7u - n);
        virtio_ring_publish(&p.ring);

        struct virtq_desc got[4];
        ck_assert_int_eq(virtq_device_take(&p.device), single);
        ck_assert_int_eq(virtq_device_take(&p.device), head);
        ck_assert_uint_eq(virtq_device_chain(&p.device, single, got, 4), 1);
        ck_assert_uint_eq(virtq_device_chain(&p.device, head, got, 4), n);
        for (uint16_t i = 0; i < n; i++) {
            ck_assert_uint_eq(got[i].addr, parts[i].pa.v);
            ck_assert_uint_eq(got[i].len, parts[i].len);
            ck_assert_uint_eq(got[i].flags & VIRTQ_DESC_WRITE, parts[i].flags);
        }
        virtq_device_complete(&p.device, head, 0);
        virtq_device_complete(&p.device, single, 0);
        uint32_t len;
        ck_assert_uint_eq(virtio_ring_ready(&p.ring), 2);
        ck_assert_int_eq(virtio_ring_reap(&p.ring, &len), head);
        ck_assert_int_eq(virtio_ring_reap(&p.ring, &len), single);
        ck_assert_uint_eq(p.ring.free_count, 8);
    }
    pair_fini(&p);
}
END_TEST

// An honest device that finishes in any order: every buffer comes back once, with its
// own length, over two wraps of the 16-bit indices.
static void run_long(uint16_t size, bool event_idx)
{
    struct pair p;
    pair_init(&p, size, event_idx);
    virtq_device_age(&p.device, &p.ring, 65530);
    uint32_t *tag = calloc(size, sizeof *tag); // what was lent under an id
    int32_t *held = calloc(size, sizeof *held);
    uint32_t held_count = 0, next_tag = 1, seed = 12345, back = 0;

    while (back < 140000) {
        uint32_t adds = xorshift(&seed) % (size + 1u);
        for (uint32_t i = 0; i < adds && p.ring.free_count; i++) {
            uint32_t id = virtio_ring_add(&p.ring, pa_of(next_tag), 2048, VIRTQ_DESC_WRITE);
            exo_assert(id < size);
            exo_assert(tag[id] == 0);
            tag[id] = next_tag++;
        }
        virtio_ring_publish(&p.ring);

        for (int32_t id; (id = virtq_device_take(&p.device)) >= 0;)
            held[held_count++] = id;
        uint32_t done = xorshift(&seed) % (held_count + 1u);
        for (uint32_t i = 0; i < done; i++) {
            uint32_t pick = xorshift(&seed) % held_count;
            int32_t id = held[pick];
            held[pick] = held[--held_count];
            exo_assert(p.device.desc[id].addr == pa_of(tag[id]).v);
            virtq_device_complete(&p.device, (uint16_t)id, tag[id]);
        }

        uint32_t ready = virtio_ring_ready(&p.ring);
        exo_assert(ready == done);
        for (uint32_t i = 0; i < ready; i++) {
            uint32_t len;
            int32_t id = virtio_ring_reap(&p.ring, &len);
            exo_assert(id >= 0);
            exo_assert(len == tag[id]);
            tag[id] = 0;
            back++;
        }
        exo_assert(p.ring.free_count + virtio_ring_lent(&p.ring) == size);
    }
    exo_assert(p.ring.fault == VIRTIO_RING_OK);
    free(tag);
    free(held);
    pair_fini(&p);
}

START_TEST(ring_works_over_the_wrap_in_any_order)
{
    run_long(1, false);
    run_long(2, true);
    run_long(16, false);
    run_long(256, true);
}
END_TEST

START_TEST(ring_kicks_only_a_device_that_sleeps)
{
    for (int event_idx = 0; event_idx < 2; event_idx++) {
        struct pair p;
        pair_init(&p, 8, event_idx);
        virtq_device_age(&p.device, &p.ring, 65534);
        for (int round = 0; round < 4; round++) {
            uint32_t len;
            virtq_device_sleep(&p.device);
            virtio_ring_add(&p.ring, pa_of(1), 64, 0);
            virtio_ring_add(&p.ring, pa_of(2), 64, 0);
            ck_assert(virtio_ring_publish(&p.ring));
            virtq_device_complete(&p.device, (uint16_t)virtq_device_take(&p.device), 0);
            virtq_device_complete(&p.device, (uint16_t)virtq_device_take(&p.device), 0);

            virtq_device_poll(&p.device);
            virtio_ring_add(&p.ring, pa_of(3), 64, 0);
            ck_assert(!virtio_ring_publish(&p.ring));
            virtq_device_complete(&p.device, (uint16_t)virtq_device_take(&p.device), 0);
            for (uint32_t n = virtio_ring_ready(&p.ring); n; n--)
                ck_assert_int_ge(virtio_ring_reap(&p.ring, &len), 0);
        }
        pair_fini(&p);
    }
}
END_TEST

START_TEST(ring_interrupts_only_when_armed)
{
    for (int event_idx = 0; event_idx < 2; event_idx++) {
        struct pair p;
        pair_init(&p, 8, event_idx);
        virtq_device_age(&p.device, &p.ring, 65533);
        uint32_t len;
        for (uint32_t round = 0; round < 6; round++) {
            uint32_t id = virtio_ring_add(&p.ring, pa_of(1), 64, VIRTQ_DESC_WRITE);
            virtio_ring_publish(&p.ring);
            virtq_device_take(&p.device);
            bool armed = round % 2;
            if (armed)
                ck_assert(!virtio_ring_arm(&p.ring, 1)); // nothing there yet
            uint32_t before = p.device.interrupts;
            virtq_device_complete(&p.device, id, 64);
            ck_assert_uint_eq(p.device.interrupts - before, armed);
            ck_assert(virtio_ring_arm(&p.ring, 1)); // there already: no interrupt will come
            virtio_ring_disarm(&p.ring);
            ck_assert_int_eq(virtio_ring_reap(&p.ring, &len), id);
            ck_assert_uint_eq(virtio_ring_ready(&p.ring), 0);
        }
        pair_fini(&p);
    }
}
END_TEST

START_TEST(ring_waits_for_several_with_event_indices)
{
    struct pair p;
    pair_init(&p, 8, true);
    virtq_device_age(&p.device, &p.ring, 65535);
    for (uint32_t i = 0; i < 4; i++)
        virtio_ring_add(&p.ring, pa_of(i), 64, 0);
    virtio_ring_publish(&p.ring);
    ck_assert(!virtio_ring_arm(&p.ring, 3));
    for (uint32_t i = 1; i <= 4; i++) {
        virtq_device_complete(&p.device, (uint16_t)virtq_device_take(&p.device), 0);
        ck_assert_uint_eq(p.device.interrupts, i >= 3);
    }
    pair_fini(&p);
}
END_TEST

// ---- devices that lie ----

static void lend(struct pair *p, uint16_t size, uint16_t lent, uint16_t idx)
{
    pair_init(p, size, true);
    virtq_device_age(&p->device, &p->ring, idx);
    for (uint16_t i = 0; i < lent; i++)
        virtio_ring_add(&p->ring, pa_of(i), 64, VIRTQ_DESC_WRITE);
    virtio_ring_publish(&p->ring);
}

static void expect_broken(struct pair *p, enum virtio_ring_fault fault)
{
    ck_assert_uint_eq(p->ring.fault, fault);
    p->device.used_idx++;
    ck_assert_uint_eq(virtio_ring_ready(&p->ring), 0); // and it stays so
    pair_fini(p);
}

START_TEST(ring_refuses_an_index_past_what_is_lent)
{
    static const uint16_t jumps[] = {4, 5, 8, 9, 255, 32768, 65535};
    for (size_t i = 0; i < EXO_COUNT(jumps); i++) {
        struct pair p;
        lend(&p, 8, 3, 65534);
        virtq_device_write_used(&p.device, 0, 0, 0, (uint16_t)(65534 + jumps[i]));
        ck_assert_uint_eq(virtio_ring_ready(&p.ring), 0);
        ck_assert(!virtio_ring_arm(&p.ring, 1));
        expect_broken(&p, VIRTIO_RING_BAD_INDEX);
    }
}
END_TEST

START_TEST(ring_refuses_what_was_never_published)
{
    struct pair p;
    lend(&p, 8, 2, 65535);
    virtio_ring_add(&p.ring, pa_of(9), 64, VIRTQ_DESC_WRITE);
    virtq_device_write_used(&p.device, 65535, 0, 64, 2);
    ck_assert_uint_eq(virtio_ring_ready(&p.ring), 0);
    expect_broken(&p, VIRTIO_RING_BAD_INDEX);
}
END_TEST

START_TEST(ring_refuses_an_id_that_is_not_lent)
{
    static const uint32_t ids[] = {3, 7, 8, 9, 65535, 65536, 0x10000000, UINT32_MAX};
    for (size_t i = 0; i < EXO_COUNT(ids); i++) {
        struct pair p;
        lend(&p, 8, 3, 7);
        virtq_device_write_used(&p.device, 7, ids[i], 64, 8);
        ck_assert_uint_eq(virtio_ring_ready(&p.ring), 1);
        uint32_t len;
        ck_assert_int_eq(virtio_ring_reap(&p.ring, &len), -1);
        ck_assert_uint_eq(virtio_ring_lent(&p.ring), 3);
        expect_broken(&p, VIRTIO_RING_BAD_ID);
    }
}
END_TEST

START_TEST(ring_refuses_an_id_twice)
{
    struct pair p;
    lend(&p, 8, 3, 0);
    virtq_device_write_used(&p.device, 0, 1, 64, 1);
    virtq_device_write_used(&p.device, 1, 1, 64, 2);
    uint32_t len;
    ck_assert_uint_eq(virtio_ring_ready(&p.ring), 2);
    ck_assert_int_eq(virtio_ring_reap(&p.ring, &len), 1);
    ck_assert_int_eq(virtio_ring_reap(&p.ring, &len), -1);
    expect_broken(&p, VIRTIO_RING_BAD_ID);
}
END_TEST

START_TEST(ring_refuses_the_middle_of_a_chain)
{
    struct pair p;
    pair_init(&p, 8, false);
    const struct virtio_ring_part parts[] = {{pa_of(1), 12, 0}, {pa_of(2), 512, 0}};
    uint32_t head = virtio_ring_add_chain(&p.ring, parts, 2);
    virtio_ring_publish(&p.ring);
    virtq_device_write_used(&p.device, 0, p.ring.desc[head].next, 0, 1);
    uint32_t len;
    ck_assert_uint_eq(virtio_ring_ready(&p.ring), 1);
    ck_assert_int_eq(virtio_ring_reap(&p.ring, &len), -1);
    expect_broken(&p, VIRTIO_RING_BAD_ID);
}
END_TEST

// The shared descriptor table is scribbled over: the driver must not care.
START_TEST(ring_reads_no_descriptor_back)
{
    struct pair p;
    pair_init(&p, 8, false);
    const struct virtio_ring_part parts[] = {{pa_of(1), 12, 0}, {pa_of(2), 512, 0}};
    for (int round = 0; round < 20; round++) {
        uint32_t head = virtio_ring_add_chain(&p.ring, parts, 2);
        virtio_ring_publish(&p.ring);
        memset(p.mem, 0xff, 8 * sizeof(struct virtq_desc));
        virtq_device_complete(&p.device, head, 0);
        uint32_t len;
        ck_assert_uint_eq(virtio_ring_ready(&p.ring), 1);
        ck_assert_int_eq(virtio_ring_reap(&p.ring, &len), head);
        ck_assert_uint_eq(p.ring.free_count, 8);
    }
    pair_fini(&p);
}
END_TEST

START_TEST(random_used_rings_never_lead_out_of_bounds)
{
    uint32_t seed = 99;
    for (int round = 0; round < 20000; round++) {
        struct pair p;
        lend(&p, 16, (uint16_t)(xorshift(&seed) % 17), (uint16_t)xorshift(&seed));
        uint32_t *used = (uint32_t *)(void *)(p.ring.used->ring);
        for (uint32_t i = 0; i < 32; i++)
            used[i] = xorshift(&seed) & (round % 2 ? 15 : UINT32_MAX);
        p.ring.used->idx = (uint16_t)(p.ring.reaped + xorshift(&seed) % 20);
        uint32_t back = 0, len;
        for (uint32_t n = virtio_ring_ready(&p.ring); n && virtio_ring_reap(&p.ring, &len) >= 0;
             n--)
            back++;
        exo_assert(back <= 16);
        exo_assert(p.ring.free_count + virtio_ring_lent(&p.ring) == 16);
        pair_fini(&p);
    }
}
END_TEST

START_TEST(net_frame_lengths_are_held_to_what_was_lent)
{
    static const struct {
        uint32_t used_len, space;
        bool ok;
    } table[] = {
        {0, 1514, false},         {11, 1514, false},         {12, 1514, false},
        {13, 1514, true},         {72, 1514, true},          {1526, 1514, true},
        {1527, 1514, false},      {UINT32_MAX, 1514, false}, {12, 0, false},
        {13, 0, false},           {5, UINT32_MAX, false},    {UINT32_MAX, UINT32_MAX, true},
        {0x80000000u, 12, false},
    };
    for (size_t i = 0; i < EXO_COUNT(table); i++)
        ck_assert_int_eq(virtio_net_rx_len_ok(table[i].used_len, 12, table[i].space), table[i].ok);
}
END_TEST

CHECK_MAIN("dev.virtio_ring", ring_parts_lie_apart_and_aligned,
           ring_shows_the_device_what_was_added, ring_chains_link_and_come_back_whole,
           ring_works_over_the_wrap_in_any_order, ring_kicks_only_a_device_that_sleeps,
           ring_interrupts_only_when_armed, ring_waits_for_several_with_event_indices,
           ring_refuses_an_index_past_what_is_lent, ring_refuses_what_was_never_published,
           ring_refuses_an_id_that_is_not_lent, ring_refuses_an_id_twice,
           ring_refuses_the_middle_of_a_chain, ring_reads_no_descriptor_back,
           random_used_rings_never_lead_out_of_bounds, net_frame_lengths_are_held_to_what_was_lent)
