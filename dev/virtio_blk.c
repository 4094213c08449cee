// SPDX-License-Identifier: MIT
// virtio_blk.c - the virtio block device (1.2 §5.2), one request at a time, polled.
#include "core/clock.h"
#include "core/frame.h"
#include "core/log.h"
#include "dev/blk_probe.h"
#include "dev/ring/virtio_ring.h"
#include "dev/virtio_pci.h"
#include "exo/bits.h"
#include "exo/err.h"

#include <string.h>

#define BIT(feature) (UINT64_C(1) << (feature))

enum { // feature bits of the device type (§5.2.3)
    VIRTIO_BLK_F_RO = 5,
    VIRTIO_BLK_F_BLK_SIZE = 6,
    VIRTIO_BLK_F_FLUSH = 9,
};

enum { CONFIG_CAPACITY = 0, CONFIG_BLK_SIZE = 20 }; // struct virtio_blk_config (§5.2.4)
enum { REQUEST_IN = 0, REQUEST_OUT = 1, REQUEST_FLUSH = 4 };

#define UNIT_BYTES  512u // the device counts in these whatever its block size is
#define RING_SIZE   4u   // one chain of three
#define TIMEOUT_NS  EXO_S(30)
#define STATUS_NONE 0xff // what no device answers

struct request { // what the device reads, and the status that it writes
    uint32_t type;
    uint32_t reserved;
    uint64_t sector;
    uint8_t status;
};

#define HEADER_BYTES 16u

// Three frames: this, the ring with the request behind it, and the data.
struct virtio_blk {
    struct blk blk;
    struct virtio_pci pci;
    struct virtio_ring ring;
    struct virtio_ring_slot slots[RING_SIZE];
    volatile void *doorbell;
    struct pa frames;
    struct request *request;
    struct pa request_pa;
    uint8_t *data;
    struct pa data_pa;
    bool broken; // a request never came back: the device may still write to our memory
};

enum { FRAME_STATE, FRAME_RING, FRAME_DATA, FRAMES };

_Static_assert(sizeof(struct virtio_blk) <= CORE_FRAME_BYTES, "one frame");

static struct virtio_blk *disk_of(struct blk *blk)
{
    return EXO_CONTAINER(blk, struct virtio_blk, blk);
}

// Waits for the one chain that is out.
static int reap(struct virtio_blk *disk)
{
    exo_ns deadline = core_clock_now() + TIMEOUT_NS;
    uint32_t used_len;
    while (virtio_ring_ready(&disk->ring) == 0) {
        if (disk->ring.fault || core_clock_now() >= deadline) {
            disk->broken = true;
            core_log("virtio-blk: the device does not answer");
            return -EXO_EIO;
        }
    }
    if (virtio_ring_reap(&disk->ring, &used_len) < 0)
        disk->broken = true;
    uint8_t status = __atomic_load_n(&disk->request->status, __ATOMIC_RELAXED);
    return disk->broken || status != 0 ? -EXO_EIO : 0;
}

// One request with `bytes` of data, at most a frame; a flush has none.
static int submit(struct virtio_blk *disk, uint32_t type, uint64_t unit, uint32_t bytes)
{
    if (disk->broken)
        return -EXO_EIO;
    *disk->request = (struct request){.type = type, .sector = unit, .status = STATUS_NONE};
    uint16_t direction = type == REQUEST_IN ? VIRTQ_DESC_WRITE : 0;
    struct virtio_ring_part parts[3] = {{disk->request_pa, HEADER_BYTES, 0}};
    uint32_t n = 1;
    if (bytes)
        parts[n++] = (struct virtio_ring_part){disk->data_pa, bytes, direction};
    parts[n++] =
        (struct virtio_ring_part){{disk->request_pa.v + HEADER_BYTES}, 1, VIRTQ_DESC_WRITE};
    virtio_ring_add_chain(&disk->ring, parts, n);
    virtio_ring_publish(&disk->ring);
    virtio_notify(&disk->pci.virtio, disk->doorbell, 0); // always: who polls need not save a kick
    return reap(disk);
}

static bool is_inside(const struct blk *blk, uint64_t lba, uint32_t sectors)
{
    return lba <= blk->sectors && sectors <= blk->sectors - lba;
}

static int disk_read(struct blk *blk, uint64_t lba, void *buf, uint32_t sectors)
{
    struct virtio_blk *disk = disk_of(blk);
    uint32_t units = blk->sector_bytes / UNIT_BYTES;
    if (!is_inside(blk, lba, sectors))
        return -EXO_EINVAL;
    for (uint32_t i = 0; i < sectors; i++) {
        int err = submit(disk, REQUEST_IN, (lba + i) * units, blk->sector_bytes);
        if (err < 0)
            return err;
        memcpy((uint8_t *)buf + (size_t)i * blk->sector_bytes, disk->data, blk->sector_bytes);
    }
    return 0;
}

static int disk_write(struct blk *blk, uint64_t lba, const void *buf, uint32_t sectors)
{
    struct virtio_blk *disk = disk_of(blk);
    uint32_t units = blk->sector_bytes / UNIT_BYTES;
    if (!is_inside(blk, lba, sectors))
        return -EXO_EINVAL;
    for (uint32_t i = 0; i < sectors; i++) {
        memcpy(disk->data, (const uint8_t *)buf + (size_t)i * blk->sector_bytes, blk->sector_bytes);
        int err = submit(disk, REQUEST_OUT, (lba + i) * units, blk->sector_bytes);
        if (err < 0)
            return err;
    }
    // §5.2.6.2: without the feature a write is on the medium when it is done.
    if (disk->pci.virtio.features & BIT(VIRTIO_BLK_F_FLUSH))
        return submit(disk, REQUEST_FLUSH, 0, 0);
    return 0;
}

static void disk_close(struct blk *blk)
{
    struct virtio_blk *disk = disk_of(blk);
    virtio_close(&disk->pci.virtio);
    core_frame_release(NULL, disk->frames, FRAMES);
}

static const struct blk_ops ops = {disk_read, disk_write, disk_close};

static int identify(struct virtio_blk *disk)
{
    uint64_t units;
    uint32_t bytes = UNIT_BYTES;
    int err = virtio_config_bytes(&disk->pci.virtio, CONFIG_CAPACITY, (uint8_t *)&units, 8);
    if (err == 0 && disk->pci.virtio.features & BIT(VIRTIO_BLK_F_BLK_SIZE))
        err = virtio_config_bytes(&disk->pci.virtio, CONFIG_BLK_SIZE, (uint8_t *)&bytes, 4);
    if (err < 0)
        return err;
    if (!exo_is_pow2(bytes) || bytes < UNIT_BYTES || bytes > CORE_FRAME_BYTES) {
        core_log("virtio-blk: sectors of %u bytes", (unsigned)bytes);
        return -EXO_ENOTSUP;
    }
    disk->blk.sector_bytes = bytes;
    disk->blk.sectors = units / (bytes / UNIT_BYTES);
    return 0;
}

static int bring_up(struct virtio_blk *disk)
{
    uint64_t wanted = BIT(VIRTIO_BLK_F_BLK_SIZE) | BIT(VIRTIO_BLK_F_FLUSH) | BIT(VIRTIO_BLK_F_RO);
    int err = virtio_negotiate(&disk->pci.virtio, 0, wanted);
    if (err < 0 || (err = identify(disk)) < 0)
        return err;

    struct pa ring = {disk->frames.v + FRAME_RING * CORE_FRAME_BYTES};
    virtio_ring_init(&disk->ring, core_phys(ring), disk->slots, RING_SIZE, false);
    const struct virtio_queue queue = {
        .size = RING_SIZE,
        .desc = ring,
        .avail = {ring.v + virtio_ring_avail_offset(RING_SIZE)},
        .used = {ring.v + virtio_ring_used_offset(RING_SIZE)},
        .entry = VIRTIO_PCI_NO_VECTOR,
    };
    if ((err = virtio_queue_setup(&disk->pci.virtio, &queue, &disk->doorbell)) < 0)
        return err;
    disk->request_pa = (struct pa){ring.v + CORE_FRAME_BYTES / 2};
    disk->request = core_phys(disk->request_pa);
    disk->data_pa = (struct pa){disk->frames.v + FRAME_DATA * CORE_FRAME_BYTES};
    disk->data = core_phys(disk->data_pa);
    virtio_start(&disk->pci.virtio);
    return 0;
}

// §5.2.1: 0x1040 + device type 2, or the transitional number.
static bool knows(const struct core_pci_function *function)
{
    return function->vendor_id == VIRTIO_PCI_VENDOR &&
           (function->device_id == 0x1042 || function->device_id == 0x1001);
}

static int open(const struct core_pci_function *function, uint32_t place, const char *owner,
                struct blk **out)
{
    (void)place; // it is its only disk
    struct pa frames;
    int err = core_frame_claim(NULL, FRAMES, 1, &frames);
    if (err < 0)
        return err;
    struct virtio_blk *disk = core_phys(frames);
    memset(disk, 0, FRAMES * CORE_FRAME_BYTES);
    disk->frames = frames;
    disk->blk.ops = &ops;
    disk->blk.driver = "virtio-blk";
    err = virtio_pci_open(&disk->pci, function->at, owner);
    if (err < 0) {
        core_frame_release(NULL, frames, FRAMES);
        return err;
    }
    err = bring_up(disk);
    if (err < 0) {
        disk_close(&disk->blk);
        return err;
    }
    *out = &disk->blk;
    return 0;
}

const struct blk_driver virtio_blk_driver = {"virtio-blk-pci", 1, knows, open};
