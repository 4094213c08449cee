// SPDX-License-Identifier: MIT
// net_machine.c - the calls of core and of virtio's transports that the driver makes.
#include "test/unit/dev/net_machine.h"

#include "core/clock.h"
#include "core/frame.h"
#include "core/irq.h"
#include "core/log.h"
#include "core/nicq.h"
#include "core/random.h"
#include "dev/virtio_mmio.h"
#include "dev/virtio_pci.h"
#include "exo/assert.h"
#include "exo/bits.h"
#include "exo/err.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#define PAIR_LINE 5

struct machine machine;

void machine_init(void)
{
    machine = (struct machine){
        .offered = UINT64_MAX,
        .queue_size = 256,
        .mtu = 1400,
        .entropy_bits = 48,
        .calls_left = -1,
        .function = {.vendor_id = 0x1af4, .device_id = 0x1041, .class_code = 2},
    };
}

void machine_expect_nothing_claimed(void)
{
    ck_assert_uint_eq(machine.frames, 0);
    ck_assert_uint_eq(machine.functions, 0);
    ck_assert_uint_eq(machine.pairs, 0);
    ck_assert_uint_eq(machine.lines, 0);
}

static bool fails(void)
{
    return machine.calls_left >= 0 && machine.calls_left-- == 0;
}

// ---- core ----

void core_log(const char *format, ...)
{
    (void)format;
}

int core_frame_claim(struct core_owner *owner, uint64_t count, uint64_t align, struct pa *out)
{
    (void)owner;
    if (fails())
        return -EXO_ENOMEM;
    out->v = (uintptr_t)aligned_alloc(CORE_FRAME_BYTES * align, CORE_FRAME_BYTES * count);
    machine.frames += count;
    return 0;
}

void core_frame_release(struct core_owner *owner, struct pa at, uint64_t count)
{
    (void)owner;
    free(core_phys(at));
    machine.frames -= count;
}

void *core_phys(struct pa at)
{
    return (void *)(uintptr_t)at.v;
}

struct pa core_phys_of(const void *ptr)
{
    return (struct pa){(uintptr_t)ptr};
}

int core_frame_claim_at(struct core_owner *owner, struct pa at, uint64_t count)
{
    (void)owner, (void)at, (void)count;
    return -EXO_EINVAL; // malloc chooses
}

int core_nicq_claim(struct core_nic nic, uint16_t index, uint32_t rx_bytes, uint32_t tx_bytes,
                    const char *owner, struct core_nicq *out)
{
    struct core_nicq q = {.nic = nic, .index = index, .owner = owner, .irq = PAIR_LINE};
    int err = core_dma_claim(NULL, rx_bytes, 1, CORE_DMA_ANYWHERE, &q.rx);
    if (err < 0)
        return err;
    err = core_dma_claim(NULL, tx_bytes, 1, CORE_DMA_ANYWHERE, &q.tx);
    if (err < 0) {
        core_dma_release(&q.rx);
        return err;
    }
    machine.pairs++;
    *out = q;
    return 0;
}

void core_nicq_release(struct core_nicq *q)
{
    exo_assert(!machine.functions); // the device has stopped, and cannot write any more
    core_dma_release(&q->rx);
    core_dma_release(&q->tx);
    machine.pairs--;
}

bool nicq_complete(struct core_nic nic, uint16_t index)
{
    (void)nic;
    return machine.pairs && index == 0;
}

uint32_t core_irq_apic_id(int irq)
{
    return machine.line_cpus[irq];
}

// Of the pair's line a look finds something always: then the driver looks twice.
bool core_irq_take(int irq)
{
    exo_assert(machine.line_cpus[irq] == machine.cpu);
    if (irq == PAIR_LINE)
        return true;
    uint64_t bit = UINT64_C(1) << irq;
    exo_assert(machine.lines & bit);
    bool pending = machine.pending & bit;
    machine.pending &= ~bit;
    return pending;
}

int core_irq_claim(const char *owner)
{
    exo_assert(owner);
    if (fails())
        return -EXO_ENOSPC;
    int irq = __builtin_ctzll(~(machine.lines | 1 << PAIR_LINE));
    machine.lines |= UINT64_C(1) << irq;
    machine.line_cpus[irq] = (uint8_t)machine.cpu;
    machine.pending &= machine.lines;
    return irq;
}

void core_irq_release(int irq)
{
    exo_assert(machine.lines >> irq & 1);
    machine.lines &= ~(UINT64_C(1) << irq);
}

void core_irq_raise(int irq)
{
    exo_assert(irq == PAIR_LINE || machine.lines >> irq & 1);
    machine.calls += irq == PAIR_LINE;
    machine.pending |= UINT64_C(1) << irq;
}

exo_ns core_clock_now(void)
{
    void (*meanwhile)(void) = machine.meanwhile;
    machine.meanwhile = NULL;
    if (meanwhile)
        meanwhile();
    return machine.now += EXO_MS(1);
}

void core_random(void *out, size_t len)
{
    memset(out, 0xff, len);
}

uint32_t core_random_bits(void)
{
    return machine.entropy_bits;
}

// ---- the transports ----

// Their interrupts are messages.
static const struct virtio_transport modern, legacy = {.is_legacy = true};

int virtio_pci_open(struct virtio_pci *dev, struct pci_addr at, const char *owner)
{
    if (fails())
        return -EXO_EIO;
    *dev = (struct virtio_pci){.at = at, .virtio = {.transport = &modern, .owner = owner}};
    machine.functions++;
    return 0;
}

void virtio_close(struct virtio *dev)
{
    exo_assert(dev->owner);
    machine.functions--;
}

int virtio_negotiate(struct virtio *dev, uint64_t required, uint64_t wanted)
{
    required |=
        UINT64_C(1) << (dev->transport->is_legacy ? VIRTIO_F_ANY_LAYOUT : VIRTIO_F_VERSION_1);
    dev->features = machine.offered & (required | wanted);
    return fails() || (required & ~machine.offered) ? -EXO_ENOTSUP : 0;
}

uint16_t virtio_queue_size(struct virtio *dev, uint16_t index)
{
    (void)dev;
    return index < 2 ? machine.queue_size : 0;
}

int virtio_queue_setup(struct virtio *dev, const struct virtio_queue *queue,
                       volatile void **doorbell)
{
    if (fails())
        return -EXO_EIO;
    bool event_idx = dev->features >> VIRTIO_F_EVENT_IDX & 1;
    virtq_device_init(&machine.queue[queue->index], core_phys(queue->desc), queue->size, event_idx);
    *doorbell = &machine.doorbell[queue->index];
    return 0;
}

void virtio_start(struct virtio *dev)
{
    (void)dev;
}

int virtio_config_bytes(struct virtio *dev, uint32_t offset, uint8_t *out, uint32_t len)
{
    (void)dev, (void)offset;
    memcpy(out, "\x52\x54\x00\x12\x34\x56", len);
    return fails() ? -EXO_EIO : 0;
}

int virtio_config_read16(struct virtio *dev, uint32_t offset, uint16_t *out)
{
    (void)dev, (void)offset;
    *out = machine.mtu;
    return fails() ? -EXO_EIO : 0;
}

int virtio_route(struct virtio *dev, uint16_t entry, int irq)
{
    (void)dev, (void)irq;
    return fails() || entry ? -EXO_ENOTSUP : 0;
}

int virtio_mmio_open(struct virtio_mmio *dev, const struct virtio_mmio_place *place,
                     const char *owner)
{
    *dev = (struct virtio_mmio){.place = *place, .virtio = {.transport = &legacy, .owner = owner}};
    machine.functions++;
    return 0;
}
