// SPDX-License-Identifier: MIT
// test_ata.c - the IDE driver above ports that this file plays, with disks behind them, honest
// and not.
#include "core/clock.h"
#include "core/frame.h"
#include "dev/blk_probe.h"
#include "hal/port.h"
#include "test/support/check_main.h"
#include "test/unit/dev/ata_disk.h"

#include <stdlib.h>

#define COMMAND_BLOCK 0x1f0u // ATA/ATAPI-7 volume 2: the first channel's ports
#define CONTROL       0x3f6u
#define NATIVE_BLOCK  0xc100u // those of a controller in native mode
#define NATIVE_BAR2   0xc200u
#define PATIENCE      EXO_S(65) // of any one call, by the machine's clock: select, and a command

enum { DATA, ERROR, COUNT, LBA_LOW, LBA_MID, LBA_HIGH, DEVICE, COMMAND };
enum { ERR = 0x01, DRQ = 0x08, READY = 0x50, FAULT = 0x20, BUSY = 0x80 };

enum lie { HONEST, SILENT, REFUSING, FAULTY, WORDLESS, VANISHING, ABSENT, UNPLUGGED };

static struct machine {
    struct ata_disk disk;
    enum lie lie;
    bool native; // the channel's ports are where BARs say
    exo_ns now;
    void *frame;
    uint32_t functions;
    uint32_t commands;
    uint32_t interrupts_off; // writes to device control
    // the task file: each register remembers the value before (48-bit addresses)
    uint8_t value[8], before[8];
    uint8_t status;
    uint8_t *data; // of the transfer under way
    uint32_t data_left;
    bool writes;
} machine;

// ---- the platform below the driver ----

int core_frame_claim(struct core_owner *owner, uint64_t count, uint64_t align, struct pa *out)
{
    (void)owner;
    machine.frame = aligned_alloc(CORE_FRAME_BYTES * align, CORE_FRAME_BYTES * count);
    out->v = (uintptr_t)machine.frame;
    return 0;
}

void core_frame_release(struct core_owner *owner, struct pa at, uint64_t count)
{
    (void)owner;
    ck_assert_uint_eq(count, 1);
    free((void *)at.v);
    machine.frame = NULL;
}

void *core_phys(struct pa at)
{
    return (void *)at.v;
}

int core_pci_claim(struct pci_addr at, const char *owner)
{
    (void)at, (void)owner;
    machine.functions++;
    return 0;
}

void core_pci_release(struct pci_addr at)
{
    (void)at;
    machine.functions--;
}

uint8_t core_pci_read8(struct pci_addr at, uint16_t offset)
{
    (void)at;
    ck_assert_uint_eq(offset, 9); // programming interface
    return machine.native ? 0x8f : 0x80;
}

uint32_t core_pci_read32(struct pci_addr at, uint16_t offset)
{
    (void)at;
    ck_assert(machine.native && (offset == 0x10 || offset == 0x14));
    return (offset == 0x10 ? NATIVE_BLOCK : NATIVE_BAR2) | 1;
}

exo_ns core_clock_now(void)
{
    return machine.now += EXO_MS(100);
}

// ---- the ports ----

// The register that a port is, COMMAND for the alternate status; -1: not ours.
static int reg_of(uint16_t port)
{
    uint16_t block = machine.native ? NATIVE_BLOCK : COMMAND_BLOCK;
    uint16_t control = machine.native ? NATIVE_BAR2 + 2 : CONTROL;
    return port == control ? COMMAND : port >= block && port < block + 8 ? port - block : -1;
}

uint8_t hal_in8(uint16_t port)
{
    ck_assert_int_eq(reg_of(port), COMMAND); // nothing else is worth reading
    bool second = machine.value[DEVICE] & 0x10;
    if (machine.lie == ABSENT)
        return 0xff; // no channel
    return machine.lie == UNPLUGGED || second ? 0 : machine.status;
}

static void transfer(uint8_t *data, uint32_t bytes, bool writes)
{
    machine.data = data;
    machine.data_left = bytes;
    machine.writes = writes;
    machine.status = READY | DRQ;
}

static void honest(uint8_t command)
{
    uint64_t lba = machine.value[LBA_LOW] | machine.value[LBA_MID] << 8 |
                   machine.value[LBA_HIGH] << 16 | (uint64_t)machine.before[LBA_LOW] << 24 |
                   (uint64_t)machine.before[LBA_MID] << 32 |
                   (uint64_t)machine.before[LBA_HIGH] << 40;
    bool moves = command == ATA_READ_EXT || command == ATA_WRITE_EXT;
    if (command == ATA_IDENTIFY)
        transfer((uint8_t *)machine.disk.id, ATA_ID_BYTES, false);
    if (command == ATA_FLUSH_EXT)
        machine.disk.flushes++;
    if (!moves)
        return;
    ck_assert(lba < ATA_DISK_SECTORS && machine.value[DEVICE] & 0x40);
    ck_assert(machine.value[COUNT] == 1 && machine.before[COUNT] == 0);
    transfer(machine.disk.bytes + lba * 512, 512, command == ATA_WRITE_EXT);
}

static void take_command(uint8_t command)
{
    machine.commands++;
    switch (machine.lie) {
    case SILENT:
        machine.status = BUSY;
        return;
    case REFUSING:
        machine.status = READY | ERR;
        return;
    case FAULTY:
        machine.status = READY | FAULT | DRQ;
        return;
    case VANISHING:
        machine.status = 0xff;
        return;
    case WORDLESS: // done, without a word of data
        machine.status = READY;
        return;
    default:
        machine.status = READY;
        honest(command);
    }
}

void hal_out8(uint16_t port, uint8_t value)
{
    int reg = reg_of(port);
    ck_assert_int_ge(reg, 0);
    if (port == (machine.native ? NATIVE_BAR2 + 2 : CONTROL)) {
        machine.interrupts_off += value == 2;
        return;
    }
    machine.before[reg] = machine.value[reg];
    machine.value[reg] = value;
    if (reg == COMMAND)
        take_command(value);
}

// The next word's place; the last one ends the transfer.
static uint8_t *next_word(uint16_t port, bool writes)
{
    ck_assert_int_eq(reg_of(port), DATA);
    ck_assert(machine.status & DRQ && machine.writes == writes && machine.data_left >= 2);
    uint8_t *at = machine.data;
    machine.data += 2;
    machine.data_left -= 2;
    if (machine.data_left == 0)
        machine.status = READY;
    return at;
}

uint16_t hal_in16(uint16_t port)
{
    uint16_t word;
    memcpy(&word, next_word(port, false), 2);
    return word;
}

void hal_out16(uint16_t port, uint16_t value)
{
    memcpy(next_word(port, true), &value, 2);
}

// ---- opening ----

static void machine_init(void)
{
    machine = (struct machine){.status = READY};
    ata_disk_init(&machine.disk);
}

static int try_open(uint32_t place, struct blk **out)
{
    static const struct core_pci_function function = {.class_code = 1, .subclass = 1};
    ck_assert(ata_driver.knows(&function));
    return ata_driver.open(&function, place, "test", out);
}

static struct blk *open_disk(bool native)
{
    struct blk *blk = NULL;
    machine_init();
    machine.native = native;
    ck_assert_int_eq(try_open(0, &blk), 0);
    ck_assert_uint_eq(machine.interrupts_off, 1);
    return blk;
}

static void close_disk(struct blk *blk)
{
    blk_close(blk);
    ck_assert_uint_eq(machine.functions, 0);
    ck_assert_ptr_null(machine.frame);
}

static void refuses(uint32_t place, int err)
{
    struct blk *blk;
    exo_ns begin = machine.now;
    ck_assert_int_eq(try_open(place, &blk), err);
    ck_assert(machine.now - begin < PATIENCE);
    ck_assert_uint_eq(machine.functions, 0);
    ck_assert_ptr_null(machine.frame);
}

// ---- claims ----

START_TEST(ata_reads_and_writes_sectors)
{
    uint8_t buf[3 * 512], image[sizeof machine.disk.bytes];
    for (int native = 0; native < 2; native++) {
        struct blk *blk = open_disk(native);
        ck_assert_uint_eq(blk->sectors, ATA_DISK_SECTORS);
        ck_assert_uint_eq(blk->sector_bytes, 512);
        memcpy(image, machine.disk.bytes, sizeof image);
        ck_assert_int_eq(blk_read(blk, ATA_DISK_SECTORS - 3, buf, 3), 0);
        ck_assert_mem_eq(buf, image + sizeof image - sizeof buf, sizeof buf);
        ck_assert_int_eq(blk_write(blk, 2, buf, 3), 0);
        memcpy(image + 2 * 512, buf, sizeof buf);
        ck_assert_mem_eq(machine.disk.bytes, image, sizeof image); // these sectors and no other
        ck_assert_uint_eq(machine.disk.flushes, 1);
        close_disk(blk);
    }
}
END_TEST

START_TEST(ata_refuses_sectors_beyond_the_end)
{
    uint8_t buf[2 * 512];
    struct blk *blk = open_disk(false);
    uint32_t commands = machine.commands;
    ck_assert_int_eq(blk_read(blk, ATA_DISK_SECTORS - 1, buf, 2), -EXO_EINVAL);
    ck_assert_int_eq(blk_write(blk, ATA_DISK_SECTORS, buf, 1), -EXO_EINVAL);
    ck_assert_int_eq(blk_write(blk, UINT64_MAX, buf, 2), -EXO_EINVAL);
    ck_assert_uint_eq(machine.commands, commands);
    close_disk(blk);
}
END_TEST

// Every wait is bounded, and no word is moved that the device did not offer (next_word).
START_TEST(ata_disk_that_lies_gives_an_error)
{
    static const enum lie lies[] = {SILENT, REFUSING, FAULTY, WORDLESS, VANISHING};
    uint8_t buf[512] = {0};
    for (size_t i = 0; i < EXO_COUNT(lies); i++) {
        struct blk *blk = open_disk(false);
        machine.lie = lies[i];
        exo_ns begin = machine.now;
        ck_assert_int_eq(blk_read(blk, 0, buf, 1), -EXO_EIO);
        ck_assert(machine.now - begin < PATIENCE);
        begin = machine.now;
        ck_assert_int_eq(blk_write(blk, 0, buf, 1), -EXO_EIO);
        ck_assert(machine.now - begin < PATIENCE);
        close_disk(blk);
    }
}
END_TEST

START_TEST(ata_place_without_a_disk_is_left)
{
    static const enum lie lies[] = {SILENT,    REFUSING, FAULTY,   WORDLESS,
                                    VANISHING, ABSENT,   UNPLUGGED};
    for (size_t i = 0; i < EXO_COUNT(lies); i++) {
        machine_init();
        machine.lie = lies[i];
        refuses(0, -EXO_ENOENT);
    }
    machine_init();
    refuses(1, -EXO_ENOENT); // the channel's second device: its status is 0
}
END_TEST

START_TEST(ata_believes_no_strange_disk)
{
    static const uint32_t bytes[] = {0, 256, 520, 8192, UINT32_MAX - 1};
    for (size_t i = 0; i < EXO_COUNT(bytes); i++) {
        machine_init();
        ata_disk_claim_sector_bytes(&machine.disk, bytes[i]);
        refuses(0, -EXO_EIO);
    }
    machine_init();
    machine.disk.id[83] = 0; // 28-bit addresses only
    refuses(0, -EXO_ENOTSUP);
}
END_TEST

CHECK_MAIN("dev.ata", ata_reads_and_writes_sectors, ata_refuses_sectors_beyond_the_end,
           ata_disk_that_lies_gives_an_error, ata_place_without_a_disk_is_left,
           ata_believes_no_strange_disk)
