// SPDX-License-Identifier: MIT
// ahci.c - SATA disks behind an AHCI controller (AHCI 1.3.1), one command at a time, polled.
#include "core/clock.h"
#include "core/frame.h"
#include "core/log.h"
#include "dev/ata_id.h"
#include "dev/blk_probe.h"
#include "exo/bits.h"
#include "exo/err.h"
#include "hal/mmio.h"

#include <string.h>

enum { PCI_CLASS_STORAGE = 1, PCI_SUBCLASS_SATA = 6, BAR_REGISTERS = 5 };

enum { HBA_CONTROL = 0x04, HBA_IMPLEMENTED = 0x0c, PORT_FIRST = 0x100, PORT_BYTES = 0x80 };
enum { HBA_ENABLE = 1 << 31 };

enum { // registers of a port (§3.3)
    LIST_LOW = 0x00,
    LIST_HIGH = 0x04,
    FIS_LOW = 0x08,
    FIS_HIGH = 0x0c,
    INTERRUPTS = 0x10,
    INTERRUPT_ENABLE = 0x14,
    PORT_COMMAND = 0x18,
    TASK_FILE = 0x20,
    SIGNATURE = 0x24,
    SATA_STATUS = 0x28,
    SATA_ERROR = 0x30,
    ISSUE = 0x38,
};

enum {
    COMMAND_START = 1 << 0,
    COMMAND_FIS_RECEIVE = 1 << 4,
    COMMAND_FIS_RUNNING = 1 << 14,
    COMMAND_RUNNING = 1 << 15,
};
enum { TASK_ERR = 1, TASK_DRQ = 8, TASK_BSY = 0x80 };
enum { INTERRUPT_FATAL = 0x78000000 }; // task file error, and host bus errors

#define SIGNATURE_DISK  0x101u
#define DETECTED        3u // SATA_STATUS bits 3–0: a device, and the link is up
#define PLACES          32u
#define STOP_TIMEOUT_NS EXO_MS(500) // §10.1.2
#define TIMEOUT_NS      EXO_S(30)

struct command_header { // §4.2.2
    uint16_t flags;     // bits 4–0: length of the command in words; 6: it writes
    uint16_t regions;
    uint32_t moved;
    uint64_t table;
    uint32_t zero[4];
};

struct command_table { // §4.2.3
    uint8_t fis[64];
    uint8_t atapi[16];
    uint8_t reserved[48];
    struct {
        uint64_t pa;
        uint32_t reserved;
        uint32_t last; // bytes - 1
    } region;
};

enum { HEADER_WRITES = 1 << 6, FIS_WORDS = 5 };

// What the device reads and writes: the second of our frames.
struct shared {
    struct command_header list[32];
    uint8_t received[256];
    struct command_table table; // 128-byte aligned: 1024 + 256
};

_Static_assert(sizeof(struct command_header) == 32, "AHCI 1.3.1 §4.2.2");
_Static_assert(offsetof(struct shared, received) == 1024, "AHCI 1.3.1 §4.2.1");
_Static_assert(offsetof(struct command_table, region) == 128, "AHCI 1.3.1 §4.2.3");

// Three frames: this, what is shared, and the data.
struct ahci {
    struct blk blk;
    struct pci_addr at;
    struct pa frames;
    volatile uint8_t *port;
    struct shared *shared;
    struct pa shared_pa;
    uint8_t *data;
    struct pa data_pa;
    bool broken; // a command never came back
};

enum { FRAME_STATE, FRAME_SHARED, FRAME_DATA, FRAMES };

_Static_assert(sizeof(struct ahci) <= CORE_FRAME_BYTES, "one frame");
_Static_assert(sizeof(struct shared) <= CORE_FRAME_BYTES, "one frame");

static struct ahci *ahci_of(struct blk *blk)
{
    return EXO_CONTAINER(blk, struct ahci, blk);
}

static uint32_t get(const struct ahci *ahci, uint32_t offset)
{
    return hal_mmio_read32(ahci->port + offset);
}

static void set(const struct ahci *ahci, uint32_t offset, uint32_t value)
{
    hal_mmio_write32(ahci->port + offset, value);
}

// Waits until none of `bits` is set in a register.
static int wait_clear(const struct ahci *ahci, uint32_t offset, uint32_t bits, exo_ns patience)
{
    exo_ns deadline = core_clock_now() + patience;
    while (get(ahci, offset) & bits)
        if (core_clock_now() >= deadline)
            return -EXO_EIO;
    return 0;
}

// §10.3.2: first the commands end, then the reception.
static int stop(const struct ahci *ahci)
{
    set(ahci, PORT_COMMAND, get(ahci, PORT_COMMAND) & ~(uint32_t)COMMAND_START);
    int err = wait_clear(ahci, PORT_COMMAND, COMMAND_RUNNING, STOP_TIMEOUT_NS);
    set(ahci, PORT_COMMAND, get(ahci, PORT_COMMAND) & ~(uint32_t)COMMAND_FIS_RECEIVE);
    int also = wait_clear(ahci, PORT_COMMAND, COMMAND_FIS_RUNNING, STOP_TIMEOUT_NS);
    return err < 0 ? err : also;
}

static void set_address(const struct ahci *ahci, uint32_t low, uint64_t pa)
{
    set(ahci, low, (uint32_t)pa);
    set(ahci, low + 4, (uint32_t)(pa >> 32));
}

static int start(const struct ahci *ahci)
{
    set_address(ahci, LIST_LOW, ahci->shared_pa.v + offsetof(struct shared, list));
    set_address(ahci, FIS_LOW, ahci->shared_pa.v + offsetof(struct shared, received));
    set(ahci, INTERRUPT_ENABLE, 0);
    set(ahci, SATA_ERROR, UINT32_MAX);
    set(ahci, INTERRUPTS, UINT32_MAX);
    set(ahci, PORT_COMMAND, get(ahci, PORT_COMMAND) | COMMAND_FIS_RECEIVE);
    if (wait_clear(ahci, TASK_FILE, TASK_BSY | TASK_DRQ, TIMEOUT_NS) < 0)
        return -EXO_EIO;
    set(ahci, PORT_COMMAND, get(ahci, PORT_COMMAND) | COMMAND_START);
    return 0;
}

// The register FIS, host to device (Serial ATA 3.x §10.5.5).
static void build_fis(uint8_t *fis, uint8_t command, uint64_t lba, uint16_t count)
{
    memset(fis, 0, FIS_WORDS * 4);
    fis[0] = 0x27;
    fis[1] = 0x80; // it is a command
    fis[2] = command;
    fis[4] = (uint8_t)lba;
    fis[5] = (uint8_t)(lba >> 8);
    fis[6] = (uint8_t)(lba >> 16);
    fis[7] = 0x40; // by LBA
    fis[8] = (uint8_t)(lba >> 24);
    fis[9] = (uint8_t)(lba >> 32);
    fis[10] = (uint8_t)(lba >> 40);
    fis[12] = (uint8_t)count;
}

// One command with `bytes` of data in the data frame.
static int submit(struct ahci *ahci, uint8_t command, uint64_t lba, uint32_t bytes, bool writes)
{
    struct shared *shared = ahci->shared;
    if (ahci->broken)
        return -EXO_EIO;
    build_fis(shared->table.fis, command, lba, bytes ? 1 : 0);
    shared->table.region.pa = ahci->data_pa.v;
    shared->table.region.last = bytes ? bytes - 1 : 0;
    shared->list[0] = (struct command_header){
        .flags = (uint16_t)(FIS_WORDS | (writes ? HEADER_WRITES : 0)),
        .regions = bytes ? 1 : 0,
        .table = ahci->shared_pa.v + offsetof(struct shared, table),
    };
    set(ahci, INTERRUPTS, UINT32_MAX);
    // The command is in memory before the register that lets the device look at it.
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
    set(ahci, ISSUE, 1);

    exo_ns deadline = core_clock_now() + TIMEOUT_NS;
    while (get(ahci, ISSUE) & 1) {
        if (get(ahci, INTERRUPTS) & INTERRUPT_FATAL || core_clock_now() >= deadline) {
            ahci->broken = true; // the port has stopped (§6.2.2); who wants more opens it anew
            return -EXO_EIO;
        }
    }
    __atomic_thread_fence(__ATOMIC_ACQUIRE);
    return get(ahci, TASK_FILE) & TASK_ERR ? -EXO_EIO : 0;
}

static bool is_inside(const struct blk *blk, uint64_t lba, uint32_t sectors)
{
    return lba <= blk->sectors && sectors <= blk->sectors - lba;
}

static int disk_read(struct blk *blk, uint64_t lba, void *buf, uint32_t sectors)
{
    struct ahci *ahci = ahci_of(blk);
    uint8_t *out = buf;
    if (!is_inside(blk, lba, sectors))
        return -EXO_EINVAL;
    for (; sectors; sectors--, lba++, out += blk->sector_bytes) {
        int err = submit(ahci, ATA_READ_DMA_EXT, lba, blk->sector_bytes, false);
        if (err < 0)
            return err;
        memcpy(out, ahci->data, blk->sector_bytes);
    }
    return 0;
}

static int disk_write(struct blk *blk, uint64_t lba, const void *buf, uint32_t sectors)
{
    struct ahci *ahci = ahci_of(blk);
    const uint8_t *in = buf;
    if (!is_inside(blk, lba, sectors))
        return -EXO_EINVAL;
    for (; sectors; sectors--, lba++, in += blk->sector_bytes) {
        memcpy(ahci->data, in, blk->sector_bytes);
        int err = submit(ahci, ATA_WRITE_DMA_EXT, lba, blk->sector_bytes, true);
        if (err < 0)
            return err;
    }
    return submit(ahci, ATA_FLUSH_EXT, 0, 0, false);
}

static void disk_close(struct blk *blk)
{
    struct ahci *ahci = ahci_of(blk);
    if (ahci->port && stop(ahci) < 0)
        core_log("ahci: a port does not stop"); // release takes bus mastering away
    core_pci_release(ahci->at);
    core_frame_release(NULL, ahci->frames, FRAMES);
}

static const struct blk_ops ops = {disk_read, disk_write, disk_close};

// Finds the port's registers, if there is such a port and a disk behind it.
static int find_port(struct ahci *ahci, uint32_t place)
{
    struct core_pci_bar bar;
    int err = core_pci_bar(ahci->at, BAR_REGISTERS, &bar);
    if (err < 0)
        return err;
    if (!bar.base || bar.bytes < PORT_FIRST)
        return -EXO_ENOTSUP;
    if (!(hal_mmio_read32(bar.base + HBA_IMPLEMENTED) >> place & 1) ||
        PORT_FIRST + (place + 1) * PORT_BYTES > bar.bytes)
        return -EXO_ENOENT;
    uint32_t control = hal_mmio_read32(bar.base + HBA_CONTROL);
    hal_mmio_write32(bar.base + HBA_CONTROL, control | HBA_ENABLE);
    volatile uint8_t *port = bar.base + PORT_FIRST + place * PORT_BYTES;
    if ((hal_mmio_read32(port + SATA_STATUS) & 15) != DETECTED ||
        hal_mmio_read32(port + SIGNATURE) != SIGNATURE_DISK)
        return -EXO_ENOENT;
    ahci->port = port;
    return 0;
}

static int bring_up(struct ahci *ahci, uint32_t place)
{
    int err = find_port(ahci, place);
    if (err < 0 || (err = stop(ahci)) < 0 || (err = start(ahci)) < 0)
        return err;
    err = submit(ahci, ATA_IDENTIFY, 0, ATA_ID_BYTES, false);
    return err < 0 ? err : ata_identify(ahci->data, &ahci->blk);
}

static bool knows(const struct core_pci_function *function)
{
    return function->class_code == PCI_CLASS_STORAGE && function->subclass == PCI_SUBCLASS_SATA;
}

static int open(const struct core_pci_function *function, uint32_t place, const char *owner,
                struct blk **out)
{
    struct pa frames;
    int err = core_frame_claim(NULL, FRAMES, 1, &frames);
    if (err < 0)
        return err;
    struct ahci *ahci = core_phys(frames);
    memset(ahci, 0, FRAMES * CORE_FRAME_BYTES);
    ahci->blk = (struct blk){.ops = &ops, .driver = "ahci"};
    ahci->at = function->at;
    ahci->frames = frames;
    ahci->shared_pa = (struct pa){frames.v + FRAME_SHARED * CORE_FRAME_BYTES};
    ahci->shared = core_phys(ahci->shared_pa);
    ahci->data_pa = (struct pa){frames.v + FRAME_DATA * CORE_FRAME_BYTES};
    ahci->data = core_phys(ahci->data_pa);
    err = core_pci_claim(function->at, owner);
    if (err < 0) {
        core_frame_release(NULL, frames, FRAMES);
        return err;
    }
    err = bring_up(ahci, place);
    if (err < 0) {
        disk_close(&ahci->blk);
        return err;
    }
    *out = &ahci->blk;
    return 0;
}

const struct blk_driver ahci_driver = {"AHCI", PLACES, knows, open};
