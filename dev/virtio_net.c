// SPDX-License-Identifier: MIT
// virtio_net.c - frames over a pair of virtqueues.
//
// A buffer's descriptor begins with the device's header in the headroom, so that header
// and frame are one piece for the device and the frame is where the caller wants it.
#include "dev/virtio_net.h"

#include "core/frame.h"
#include "core/irq.h"
#include "core/log.h"
#include "core/nicq.h"
#include "core/random.h"
#include "dev/ring/virtio_net_frame.h"
#include "dev/ring/virtio_ring.h"
#include "dev/virtio.h"
#include "dev/virtio_mmio.h"
#include "dev/virtio_pci.h"
#include "exo/bits.h"
#include "exo/err.h"

#include <string.h>

#define BIT(feature) (UINT64_C(1) << (feature))

enum { // feature bits of the device type (§5.1.3)
    VIRTIO_NET_F_MTU = 3,
    VIRTIO_NET_F_MAC = 5,
};

enum { CONFIG_MAC = 0, CONFIG_MTU = 10 }; // struct virtio_net_config (§5.1.4)

#define SLOTS_MAX   256u // longer rings only hide that nobody polls
#define MTU_DEFAULT 1500u
#define MTU_MIN     68u // RFC 791: what every host must take

struct side { // one direction
    struct virtio_ring ring;
    volatile void *doorbell;
    uint16_t index;     // virtqueue
    uint16_t hdr_bytes; // that the device puts, or wants, in front of a frame
    struct virtio_ring_slot slots[SLOTS_MAX];
    struct nic_buf bufs[SLOTS_MAX]; // what is lent, by the ring's id
};

struct virtio_net {
    struct nic nic;
    struct virtio *dev; // inside one of the next two
    union {
        struct virtio_pci pci;
        struct virtio_mmio mmio;
    };
    struct core_nicq queue; // owner is null until it is claimed
    struct side rx;
    struct side tx;
};

#define STATE_FRAMES ((sizeof(struct virtio_net) + CORE_FRAME_BYTES - 1) / CORE_FRAME_BYTES)

static struct virtio_net *net_of(struct nic *nic)
{
    return EXO_CONTAINER(nic, struct virtio_net, nic);
}

// ---- data path ----

// QEMU's interpreter (TCG) leaves out a guest's fences when the guest has one CPU, although
// the device runs on another host thread: stores and loads pass each other on the real CPU,
// and a kick or an interrupt is lost for good. Letting interrupts in leads through its main
// loop, which does have a full barrier; elsewhere that costs three instructions. core does
// so whenever the line is not pending, as it surely is not once it was taken. None is missed
// by that: before anybody halts, irq_arm looks at the rings themselves.
static inline void emulator_fence(const struct virtio_net *net)
{
    if (core_irq_take(net->nic.irq))
        core_irq_take(net->nic.irq);
}

static inline void kick(const struct virtio_net *net, struct side *side)
{
    uint32_t since = side->ring.published;
    bool wanted = virtio_ring_publish(&side->ring);
    if (!wanted && side->ring.published != since) {
        emulator_fence(net);
        wanted = virtio_ring_wants_kick(&side->ring, since);
    }
    if (wanted)
        virtio_notify(net->dev, side->doorbell, side->index);
}

// The device broke its protocol: whose the lent buffers are cannot be known any more
// until it is reset. Says so once; from then on every call moves nothing, since both rings
// have a fault, so that nothing is ready, and no free descriptor.
__attribute__((cold)) static void break_off(struct virtio_net *net, const struct side *side)
{
    static const char *const reasons[] = {
        [VIRTIO_RING_BAD_INDEX] = "its used index ran past what it was lent",
        [VIRTIO_RING_BAD_ID] = "it returned a buffer that it was not lent",
    };
    net->nic.broken = true;
    net->rx.ring.free_count = net->tx.ring.free_count = 0;
    net->nic.stats.rx_bad += side == &net->rx;
    core_log("virtio-net: %s queue is broken: %s", side == &net->rx ? "receive" : "transmit",
             reasons[side->ring.fault]);
    net->rx.ring.fault = net->tx.ring.fault = side->ring.fault;
}

static inline void check_fault(struct virtio_net *net, const struct side *side)
{
    if (__builtin_expect(side->ring.fault && !net->nic.broken, 0))
        break_off(net, side);
}

static inline void lend(struct side *side, const struct nic_buf *buf, uint16_t flags)
{
    exo_assert(buf->len - 1 < UINT16_MAX);
    struct pa start = {buf->pa.v - side->hdr_bytes};
    uint32_t id = virtio_ring_add(&side->ring, start, buf->len + side->hdr_bytes, flags);
    side->bufs[id] = *buf;
}

// How many of at most `n` buffers the device has finished with.
static inline uint32_t ready_of(struct virtio_net *net, struct side *side, uint32_t n)
{
    uint32_t ready = virtio_ring_ready(&side->ring);
    check_fault(net, side);
    return EXO_MIN(n, ready);
}

static uint32_t rx_post(struct nic *nic, const struct nic_buf *bufs, uint32_t n)
{
    struct virtio_net *net = net_of(nic);
    uint32_t count = EXO_MIN(n, net->rx.ring.free_count);
    for (uint32_t i = 0; i < count; i++)
        lend(&net->rx, &bufs[i], VIRTQ_DESC_WRITE);
    kick(net, &net->rx);
    return count;
}

static uint32_t rx_burst(struct nic *nic, struct nic_buf *bufs, uint32_t n)
{
    struct virtio_net *net = net_of(nic);
    struct side *rx = &net->rx;
    uint32_t ready = ready_of(net, rx, n);
    if (!ready)
        return 0;
    uint32_t got = 0;
    uint64_t bytes = 0;
    for (; ready; ready--) {
        uint32_t used_len;
        int32_t id = virtio_ring_reap(&rx->ring, &used_len);
        if (id < 0)
            break;
        const struct nic_buf *buf = &rx->bufs[id];
        if (__builtin_expect(!virtio_net_rx_len_ok(used_len, rx->hdr_bytes, buf->len), 0)) {
            nic->stats.rx_bad++;
            lend(rx, buf, VIRTQ_DESC_WRITE); // nothing in it for the caller
            continue;
        }
        bufs[got] = *buf;
        bufs[got].len = used_len - rx->hdr_bytes;
        bytes += bufs[got++].len;
    }
    nic->stats.rx_frames += got;
    nic->stats.rx_bytes += bytes;
    kick(net, rx); // what was lent again, if anything
    check_fault(net, rx);
    return got;
}

static uint32_t tx_burst(struct nic *nic, const struct nic_buf *bufs, uint32_t n)
{
    struct virtio_net *net = net_of(nic);
    uint32_t count = EXO_MIN(n, net->tx.ring.free_count);
    for (uint32_t i = 0; i < count; i++) {
        // §5.1.6.2: without offloads every field is 0; num_buffers is the receiver's.
        memset(bufs[i].data - VIRTIO_NET_HDR_BYTES, 0, VIRTIO_NET_HDR_BYTES);
        lend(&net->tx, &bufs[i], 0);
    }
    kick(net, &net->tx);
    return count;
}

static uint32_t tx_reap(struct nic *nic, struct nic_buf *bufs, uint32_t n)
{
    struct virtio_net *net = net_of(nic);
    struct side *tx = &net->tx;
    uint32_t ready = ready_of(net, tx, n);
    if (!ready)
        return 0;
    uint32_t got = 0;
    uint64_t bytes = 0;
    for (; got < ready; got++) {
        uint32_t used_len; // says nothing: the device writes no byte
        int32_t id = virtio_ring_reap(&tx->ring, &used_len);
        if (id < 0)
            break;
        bufs[got] = tx->bufs[id];
        bytes += bufs[got].len;
    }
    nic->stats.tx_frames += got;
    nic->stats.tx_bytes += bytes;
    check_fault(net, tx);
    return got;
}

// Sent frames are nobody's hurry until the ring fills up; then whoever waits for room is
// woken when there is some.
static bool arm_tx(struct virtio_net *net)
{
    struct virtio_ring *tx = &net->tx.ring;
    uint32_t lent = virtio_ring_lent(tx);
    return lent > net->nic.tx_wake && virtio_ring_arm(tx, lent - net->nic.tx_wake);
}

static bool irq_arm(struct nic *nic)
{
    struct virtio_net *net = net_of(nic);
    if (nic->broken)
        return false;
    core_irq_take(nic->irq); // one that is pending tells what the looks below see
    virtio_heard(net->dev);
    bool ready = virtio_ring_arm(&net->rx.ring, 1);
    ready |= arm_tx(net);
    if (!ready) { // look again, now that the device has surely seen the wish
        emulator_fence(net);
        ready = virtio_ring_arm(&net->rx.ring, 1);
        ready |= arm_tx(net);
    }
    check_fault(net, &net->rx);
    check_fault(net, &net->tx);
    return ready;
}

static void irq_disarm(struct nic *nic)
{
    virtio_ring_disarm(&net_of(nic)->rx.ring);
    virtio_ring_disarm(&net_of(nic)->tx.ring);
}

// ---- bring-up ----

// A random address of our own, locally administered and unicast (IEEE 802 §8.4).
static int mac_invent(uint8_t mac[6])
{
    if (core_random_bits() == 0) {
        core_log("virtio-net: the device has no address, and there is no entropy for one");
        return -EXO_ENOTSUP;
    }
    core_random(mac, 6);
    mac[0] = (uint8_t)((mac[0] & ~1u) | 2u);
    return 0;
}

static int identify(struct virtio_net *net)
{
    struct nic *nic = &net->nic;
    int err = net->dev->features & BIT(VIRTIO_NET_F_MAC)
                  ? virtio_config_bytes(net->dev, CONFIG_MAC, nic->mac, sizeof nic->mac)
                  : mac_invent(nic->mac);
    if (err < 0)
        return err;
    nic->mtu_bytes = MTU_DEFAULT;
    if (!(net->dev->features & BIT(VIRTIO_NET_F_MTU)))
        return 0;
    err = virtio_config_read16(net->dev, CONFIG_MTU, &nic->mtu_bytes);
    if (err == 0 && nic->mtu_bytes < MTU_MIN) {
        core_log("virtio-net: the device's MTU is %u", nic->mtu_bytes);
        return -EXO_EIO;
    }
    return err;
}

// The largest power of two that the device and this driver can both do; 0 without the queue.
static uint16_t slots_of(struct virtio_net *net, uint16_t index)
{
    uint32_t slots = EXO_MIN((uint32_t)virtio_queue_size(net->dev, index), SLOTS_MAX);
    return (uint16_t)(slots & 1u << (31 - __builtin_clz(slots | 1)));
}

static int side_setup(struct virtio_net *net, struct side *side, uint16_t index, uint16_t slots,
                      const struct core_dma *mem)
{
    bool event_idx = net->dev->features & BIT(VIRTIO_F_EVENT_IDX);
    bool is_legacy = net->dev->transport->is_legacy;
    side->index = index;
    side->hdr_bytes = is_legacy ? VIRTIO_NET_HDR_LEGACY_BYTES : VIRTIO_NET_HDR_BYTES;
    virtio_ring_init(&side->ring, mem->mem, side->slots, slots, event_idx);
    const struct virtio_queue queue = {
        .index = index,
        .size = slots,
        .desc = mem->pa,
        .avail = {mem->pa.v + virtio_ring_avail_offset(slots)},
        .used = {mem->pa.v + virtio_ring_used_offset(slots)},
        .entry = net->queue.index,
    };
    return virtio_queue_setup(net->dev, &queue, &side->doorbell);
}

static int bring_up(struct virtio_net *net, uint16_t pair, const char *owner)
{
    uint64_t wanted = BIT(VIRTIO_NET_F_MAC) | BIT(VIRTIO_NET_F_MTU) | BIT(VIRTIO_F_EVENT_IDX);
    int err = virtio_negotiate(net->dev, 0, wanted);
    if (err < 0 || (err = identify(net)) < 0)
        return err;

    uint16_t rx = (uint16_t)(pair * 2);
    uint16_t tx = (uint16_t)(rx + 1);
    net->nic.rx_slots = slots_of(net, rx);
    net->nic.tx_slots = slots_of(net, tx);
    if (!net->nic.rx_slots || !net->nic.tx_slots)
        return -EXO_EIO; // every device has its first pair
    err = core_nicq_claim(net->dev->nic, pair, virtio_ring_bytes(net->nic.rx_slots),
                          virtio_ring_bytes(net->nic.tx_slots), owner, &net->queue);
    if (err < 0)
        return err;
    net->nic.irq = net->queue.irq;
    net->nic.tx_wake = net->nic.tx_slots / 2;
    net->nic.place = net->dev->nic;
    net->nic.pair = pair;

    if ((err = virtio_route(net->dev, pair, net->queue.irq)) < 0 ||
        (err = side_setup(net, &net->rx, rx, net->nic.rx_slots, &net->queue.rx)) < 0 ||
        (err = side_setup(net, &net->tx, tx, net->nic.tx_slots, &net->queue.tx)) < 0)
        return err;
    virtio_start(net->dev);
    return 0;
}

// The device stops first: what follows gives away memory that it could write.
static void tear_down(struct virtio_net *net)
{
    virtio_close(net->dev);
    if (net->queue.owner)
        core_nicq_release(&net->queue);
    core_frame_release(NULL, core_phys_of(net), STATE_FRAMES);
}

static void close(struct nic *nic)
{
    tear_down(net_of(nic));
}

static const struct nic_ops ops = {
    .rx_post = rx_post,
    .rx_burst = rx_burst,
    .tx_burst = tx_burst,
    .tx_reap = tx_reap,
    .irq_arm = irq_arm,
    .irq_disarm = irq_disarm,
    .close = close,
};

bool virtio_net_knows(const struct core_pci_function *function)
{
    // §4.1.2.1 and §5.1.1: 0x1040 + device type 1, or the transitional number.
    return function->vendor_id == VIRTIO_PCI_VENDOR &&
           (function->device_id == 0x1041 || function->device_id == 0x1000);
}

// Memory for one, zeroed; null if there is none.
static struct virtio_net *state_alloc(void)
{
    struct pa frames;
    if (core_frame_claim(NULL, STATE_FRAMES, 1, &frames) < 0)
        return NULL;
    struct virtio_net *net = memset(core_phys(frames), 0, sizeof *net);
    net->nic.ops = &ops;
    net->nic.driver = "virtio-net";
    net->nic.headroom_bytes = VIRTIO_NET_HDR_BYTES;
    return net;
}

// Goes on after the transport's open, which returned `err`.
static int open_over(struct virtio_net *net, struct virtio *dev, int err, uint16_t queue,
                     struct nic **out)
{
    if (err < 0) {
        core_frame_release(NULL, core_phys_of(net), STATE_FRAMES);
        return err;
    }
    net->dev = dev;
    err = bring_up(net, queue, dev->owner);
    if (err < 0) {
        tear_down(net);
        return err;
    }
    *out = &net->nic;
    return 0;
}

int virtio_net_open(const struct core_pci_function *function, uint16_t queue, const char *owner,
                    struct nic **out)
{
    if (queue > 0)
        return -EXO_ENOTSUP; // more pairs take VIRTIO_NET_F_MQ and a control queue
    struct virtio_net *net = state_alloc();
    if (!net)
        return -EXO_ENOMEM;
    int err = virtio_pci_open(&net->pci, function->at, owner);
    return open_over(net, &net->pci.virtio, err, queue, out);
}

int virtio_net_open_mmio(const struct virtio_mmio_place *place, uint16_t queue, const char *owner,
                         struct nic **out)
{
    if (queue > 0)
        return -EXO_ENOTSUP;
    struct virtio_net *net = state_alloc();
    if (!net)
        return -EXO_ENOMEM;
    int err = virtio_mmio_open(&net->mmio, place, owner);
    return open_over(net, &net->mmio.virtio, err, queue, out);
}
