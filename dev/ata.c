// SPDX-License-Identifier: MIT
// ata.c - disks of a PCI IDE controller, by programmed input and output (ATA8-ACS, ATA/ATAPI-7
// volume 2). Every PC with such a controller can do it, and a few sectors need no DMA.
#include "core/clock.h"
#include "core/frame.h"
#include "dev/ata_id.h"
#include "dev/blk_probe.h"
#include "exo/bits.h"
#include "exo/err.h"
#include "hal/port.h"

#include <string.h>

enum { PCI_CLASS_STORAGE = 1, PCI_SUBCLASS_IDE = 1 };
enum { PCI_PROG_IF = 9, PCI_BAR0 = 0x10 };

enum { // registers of the command block
    DATA = 0,
    COUNT = 2,
    LBA_LOW = 3,
    LBA_MID = 4,
    LBA_HIGH = 5,
    DEVICE = 6,
    COMMAND = 7, // status when read
};

enum { STATUS_ERR = 1, STATUS_DRQ = 8, STATUS_DF = 0x20, STATUS_BSY = 0x80 };
enum { CONTROL_NO_INTERRUPT = 2 };
enum { DEVICE_LBA = 0x40, DEVICE_SECOND = 0x10 };

#define PLACES     4u // two channels, two devices on each
#define TIMEOUT_NS EXO_S(30)
#define FLOATING   0xff // what a channel without devices reads as

struct ata {
    struct blk blk;
    struct pci_addr at;
    struct pa frame;
    uint16_t command; // port of the command block
    uint16_t control; // port of device control, alternate status when read
    uint8_t device;   // DEVICE_SECOND or 0
};

_Static_assert(sizeof(struct ata) <= CORE_FRAME_BYTES, "one frame");

static struct ata *ata_of(struct blk *blk)
{
    return EXO_CONTAINER(blk, struct ata, blk);
}

static uint8_t status_of(const struct ata *ata)
{
    return hal_in8(ata->control); // the alternate one: it acknowledges no interrupt
}

// Waits until the device is not busy. Returns its status, or -EXO_EIO.
static int settle(const struct ata *ata)
{
    for (int i = 0; i < 4; i++)
        status_of(ata); // 400 ns, until the status means something
    exo_ns deadline = core_clock_now() + TIMEOUT_NS;
    uint8_t status;
    while ((status = status_of(ata)) & STATUS_BSY)
        if (status == FLOATING || core_clock_now() >= deadline)
            return -EXO_EIO;
    return status;
}

static int settle_for_data(const struct ata *ata)
{
    int status = settle(ata);
    bool ready = status >= 0 && status & STATUS_DRQ && !(status & (STATUS_ERR | STATUS_DF));
    return ready ? 0 : -EXO_EIO;
}

static int settle_for_end(const struct ata *ata)
{
    int status = settle(ata);
    return status < 0 || status & (STATUS_ERR | STATUS_DF) ? -EXO_EIO : 0;
}

static int select_device(const struct ata *ata)
{
    hal_out8(ata->command + DEVICE, DEVICE_LBA | ata->device);
    return settle(ata) < 0 ? -EXO_EIO : 0;
}

// A command on one sector, by 48-bit addresses: each register takes its high byte first.
static int begin(const struct ata *ata, uint8_t command, uint64_t lba)
{
    int err = select_device(ata);
    if (err < 0)
        return err;
    hal_out8(ata->command + COUNT, 0);
    hal_out8(ata->command + LBA_LOW, (uint8_t)(lba >> 24));
    hal_out8(ata->command + LBA_MID, (uint8_t)(lba >> 32));
    hal_out8(ata->command + LBA_HIGH, (uint8_t)(lba >> 40));
    hal_out8(ata->command + COUNT, 1);
    hal_out8(ata->command + LBA_LOW, (uint8_t)lba);
    hal_out8(ata->command + LBA_MID, (uint8_t)(lba >> 8));
    hal_out8(ata->command + LBA_HIGH, (uint8_t)(lba >> 16));
    hal_out8(ata->command + COMMAND, command);
    return 0;
}

static bool is_inside(const struct blk *blk, uint64_t lba, uint32_t sectors)
{
    return lba <= blk->sectors && sectors <= blk->sectors - lba;
}

static int disk_read(struct blk *blk, uint64_t lba, void *buf, uint32_t sectors)
{
    const struct ata *ata = ata_of(blk);
    uint8_t *out = buf;
    if (!is_inside(blk, lba, sectors))
        return -EXO_EINVAL;
    for (; sectors; sectors--, lba++) {
        int err = begin(ata, ATA_READ_EXT, lba);
        if (err < 0 || (err = settle_for_data(ata)) < 0)
            return err;
        for (uint32_t i = 0; i < blk->sector_bytes; i += 2) {
            uint16_t word = hal_in16(ata->command + DATA);
            memcpy(out, &word, 2);
            out += 2;
        }
    }
    return settle_for_end(ata);
}

static int disk_write(struct blk *blk, uint64_t lba, const void *buf, uint32_t sectors)
{
    const struct ata *ata = ata_of(blk);
    const uint8_t *in = buf;
    if (!is_inside(blk, lba, sectors))
        return -EXO_EINVAL;
    for (; sectors; sectors--, lba++) {
        int err = begin(ata, ATA_WRITE_EXT, lba);
        if (err < 0 || (err = settle_for_data(ata)) < 0)
            return err;
        for (uint32_t i = 0; i < blk->sector_bytes; i += 2) {
            uint16_t word;
            memcpy(&word, in, 2);
            hal_out16(ata->command + DATA, word);
            in += 2;
        }
        if ((err = settle_for_end(ata)) < 0)
            return err;
    }
    hal_out8(ata->command + COMMAND, ATA_FLUSH_EXT);
    return settle_for_end(ata);
}

static void disk_close(struct blk *blk)
{
    struct ata *ata = ata_of(blk);
    core_pci_release(ata->at);
    core_frame_release(NULL, ata->frame, 1);
}

static const struct blk_ops ops = {disk_read, disk_write, disk_close};

// Asks the device who it is. A CD drive refuses this question, and is no disk of ours.
static int identify(struct ata *ata)
{
    uint16_t id[ATA_ID_BYTES / 2];
    if (hal_in8(ata->command + COMMAND) == FLOATING)
        return -EXO_ENOENT;
    hal_out8(ata->control, CONTROL_NO_INTERRUPT);
    if (select_device(ata) < 0 || status_of(ata) == 0)
        return -EXO_ENOENT;
    hal_out8(ata->command + COMMAND, ATA_IDENTIFY);
    if (settle_for_data(ata) < 0)
        return -EXO_ENOENT;
    for (uint32_t i = 0; i < EXO_COUNT(id); i++)
        id[i] = hal_in16(ata->command + DATA);
    return ata_identify(id, &ata->blk);
}

// PCI IDE Controller Specification 1.0 §2: each channel is at the AT's ports, or its BARs say.
static void find_ports(struct ata *ata, uint32_t channel)
{
    static const uint16_t legacy[2][2] = {{0x1f0, 0x3f6}, {0x170, 0x376}};
    bool native = core_pci_read8(ata->at, PCI_PROG_IF) & (channel ? 4 : 1);
    uint16_t bar = (uint16_t)(PCI_BAR0 + channel * 8);
    ata->command = native ? (uint16_t)(core_pci_read32(ata->at, bar) & ~3u) : legacy[channel][0];
    ata->control =
        native ? (uint16_t)((core_pci_read32(ata->at, bar + 4) & ~3u) + 2) : legacy[channel][1];
}

static bool knows(const struct core_pci_function *function)
{
    return function->class_code == PCI_CLASS_STORAGE && function->subclass == PCI_SUBCLASS_IDE;
}

static int open(const struct core_pci_function *function, uint32_t place, const char *owner,
                struct blk **out)
{
    struct pa frame;
    int err = core_frame_claim(NULL, 1, 1, &frame);
    if (err < 0)
        return err;
    struct ata *ata = core_phys(frame);
    *ata = (struct ata){
        .blk = {.ops = &ops, .driver = "ata"},
        .at = function->at,
        .frame = frame,
        .device = place & 1 ? DEVICE_SECOND : 0,
    };
    err = core_pci_claim(function->at, owner);
    if (err < 0) {
        core_frame_release(NULL, frame, 1);
        return err;
    }
    find_ports(ata, place / 2);
    err = identify(ata);
    if (err < 0) {
        disk_close(&ata->blk);
        return err;
    }
    *out = &ata->blk;
    return 0;
}

const struct blk_driver ata_driver = {"PCI IDE (not AHCI)", PLACES, knows, open};
