// SPDX-License-Identifier: MIT
// test_ahci.c - the AHCI driver above a controller that this file plays, honest and not. The
// controller acts whenever the driver looks at the clock, as it does while it waits.
#include "core/clock.h"
#include "core/frame.h"
#include "core/log.h"
#include "dev/blk_probe.h"
#include "test/support/check_main.h"
#include "test/unit/dev/ata_disk.h"

#include <stdlib.h>

enum { // AHCI 1.3.1 §3.1, §3.3
    HBA_IMPLEMENTED = 0x0c,
    PORT = 0x100 + 0x80, // the second one
    LIST = PORT + 0x00,
    INTERRUPTS = PORT + 0x10,
    PORT_COMMAND = PORT + 0x18,
    TASK_FILE = PORT + 0x20,
    SIGNATURE = PORT + 0x24,
    SATA_STATUS = PORT + 0x28,
    ISSUE = PORT + 0x38,
    WINDOW = PORT + 0x80,
};

#define PLACE    1u
#define PATIENCE EXO_S(35) // of any one call, by the machine's clock

enum lie { HONEST, SILENT, REFUSING, STOPPING, VANISHING, BUSY, UNSTOPPABLE };

static struct machine {
    uint32_t regs[WINDOW / 4];
    struct ata_disk disk;
    enum lie lie;
    uint64_t window_bytes;
    exo_ns now;
    uint8_t *frames; // those that are claimed now
    uint64_t frame_bytes;
    uint32_t functions;
    uint32_t commands;
} machine;

static uint32_t *reg(uint32_t offset)
{
    return &machine.regs[offset / 4];
}

// ---- the platform below the driver ----

void core_log(const char *format, ...)
{
    (void)format;
}

int core_frame_claim(struct core_owner *owner, uint64_t count, uint64_t align, struct pa *out)
{
    (void)owner;
    ck_assert_uint_eq(align, 1);
    machine.frame_bytes = count * CORE_FRAME_BYTES;
    machine.frames = aligned_alloc(CORE_FRAME_BYTES, machine.frame_bytes);
    out->v = (uintptr_t)machine.frames;
    return 0;
}

void core_frame_release(struct core_owner *owner, struct pa at, uint64_t count)
{
    (void)owner;
    ck_assert_uint_eq(machine.functions, 0); // it is no bus master any more
    ck_assert_uint_eq(at.v, (uintptr_t)machine.frames);
    ck_assert_uint_eq(count * CORE_FRAME_BYTES, machine.frame_bytes);
    free(machine.frames);
    machine.frames = NULL;
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

int core_pci_bar(struct pci_addr at, uint32_t index, struct core_pci_bar *out)
{
    (void)at;
    ck_assert_uint_eq(index, 5);
    *out = (struct core_pci_bar){(volatile uint8_t *)machine.regs, machine.window_bytes};
    return 0;
}

// ---- the controller ----

// Memory that the device was pointed at; it must be the driver's own.
static uint8_t *dma(uint64_t pa, uint64_t bytes)
{
    uint8_t *at = (uint8_t *)pa;
    ck_assert(at >= machine.frames && at + bytes <= machine.frames + machine.frame_bytes);
    return at;
}

static void serve(const uint8_t *fis, uint8_t *data, uint32_t bytes, bool writes)
{
    uint64_t lba = fis[4] | fis[5] << 8 | fis[6] << 16;
    ck_assert(fis[0] == 0x27 && fis[1] == 0x80);
    switch (fis[2]) {
    case ATA_IDENTIFY:
        ck_assert(bytes == ATA_ID_BYTES && !writes);
        memcpy(data, machine.disk.id, bytes);
        return;
    case ATA_READ_DMA_EXT:
        ck_assert(lba < ATA_DISK_SECTORS && fis[12] == 1 && bytes == 512 && !writes);
        memcpy(data, machine.disk.bytes + lba * 512, bytes);
        return;
    case ATA_WRITE_DMA_EXT:
        ck_assert(lba < ATA_DISK_SECTORS && fis[12] == 1 && bytes == 512 && writes);
        memcpy(machine.disk.bytes + lba * 512, data, bytes);
        return;
    default:
        ck_assert_uint_eq(fis[2], ATA_FLUSH_EXT);
        machine.disk.flushes++;
    }
}

// §4.2: slot 0 of the command list.
static void take_command(void)
{
    uint64_t list = (uint64_t)*reg(LIST + 4) << 32 | *reg(LIST);
    uint16_t flags, regions;
    uint64_t table_pa, data_pa = 0;
    uint32_t last = 0;
    const uint8_t *header = dma(list, 32);
    memcpy(&flags, header, 2);
    memcpy(&regions, header + 2, 2);
    memcpy(&table_pa, header + 8, 8);
    const uint8_t *table = dma(table_pa, 128 + 16);
    ck_assert(list % 1024 == 0 && table_pa % 128 == 0 && (flags & 31) == 5 && regions <= 1);
    memcpy(&data_pa, table + 128, 8);
    memcpy(&last, table + 140, 4);
    uint32_t bytes = regions ? last + 1 : 0;
    serve(table, bytes ? dma(data_pa, bytes) : NULL, bytes, flags >> 6 & 1);
}

static void act(void)
{
    uint32_t running = *reg(PORT_COMMAND) & 0x11; // ST, FRE; CR and FR follow them
    if (machine.lie == UNSTOPPABLE)
        running |= 0x11;
    *reg(PORT_COMMAND) = (*reg(PORT_COMMAND) & 0x11) | (running & 1) << 15 | (running & 16) << 10;
    if (machine.lie == VANISHING && *reg(ISSUE))
        memset(machine.regs, 0xff, sizeof machine.regs);
    if (machine.lie == STOPPING && *reg(ISSUE))
        *reg(INTERRUPTS) = 1u << 30; // task file error; the command stays in its slot
    bool works = machine.lie == HONEST || machine.lie == REFUSING || machine.lie == UNSTOPPABLE;
    if (!works || !(running & 1) || !(*reg(ISSUE) & 1))
        return;
    machine.commands++;
    if (machine.lie == REFUSING)
        *reg(TASK_FILE) = 0x51; // ready, and an error
    else
        take_command();
    *reg(ISSUE) = 0;
}

exo_ns core_clock_now(void)
{
    act();
    return machine.now += EXO_MS(100);
}

static void machine_init(void)
{
    machine = (struct machine){.window_bytes = WINDOW};
    ata_disk_init(&machine.disk);
    *reg(HBA_IMPLEMENTED) = 1u << PLACE;
    *reg(TASK_FILE) = 0x50;
    *reg(SIGNATURE) = 0x101;
    *reg(SATA_STATUS) = 0x113;
}

static int try_open(uint32_t place, struct blk **out)
{
    static const struct core_pci_function function = {.class_code = 1, .subclass = 6};
    ck_assert(ahci_driver.knows(&function));
    return ahci_driver.open(&function, place, "test", out);
}

static struct blk *open_disk(void)
{
    struct blk *blk = NULL;
    machine_init();
    ck_assert_int_eq(try_open(PLACE, &blk), 0);
    return blk;
}

static void close_disk(struct blk *blk)
{
    blk_close(blk);
    ck_assert_uint_eq(machine.functions, 0);
    ck_assert_ptr_null(machine.frames);
}

static void refuses(uint32_t place, int err)
{
    struct blk *blk;
    exo_ns begin = machine.now;
    ck_assert_int_eq(try_open(place, &blk), err);
    ck_assert(machine.now - begin < PATIENCE);
    ck_assert_uint_eq(machine.functions, 0);
    ck_assert_ptr_null(machine.frames);
}

// ---- claims ----

START_TEST(ahci_reads_and_writes_sectors)
{
    uint8_t buf[3 * 512], image[sizeof machine.disk.bytes];
    struct blk *blk = open_disk();
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
END_TEST

START_TEST(ahci_refuses_sectors_beyond_the_end)
{
    uint8_t buf[2 * 512];
    struct blk *blk = open_disk();
    uint32_t commands = machine.commands;
    ck_assert_int_eq(blk_read(blk, ATA_DISK_SECTORS - 1, buf, 2), -EXO_EINVAL);
    ck_assert_int_eq(blk_write(blk, ATA_DISK_SECTORS, buf, 1), -EXO_EINVAL);
    ck_assert_int_eq(blk_write(blk, UINT64_MAX, buf, 2), -EXO_EINVAL);
    ck_assert_uint_eq(machine.commands, commands);
    close_disk(blk);
}
END_TEST

START_TEST(ahci_command_that_never_ends_is_given_up)
{
    static const enum lie lies[] = {SILENT, STOPPING, VANISHING};
    uint8_t buf[512] = {0};
    for (size_t i = 0; i < EXO_COUNT(lies); i++) {
        struct blk *blk = open_disk();
        machine.lie = lies[i];
        exo_ns begin = machine.now;
        ck_assert_int_eq(blk_read(blk, 0, buf, 1), -EXO_EIO);
        ck_assert(machine.now - begin < PATIENCE);
        // The port has stopped: nothing is asked of it any more, however honest it is now.
        machine.lie = HONEST;
        begin = machine.now;
        ck_assert_int_eq(blk_write(blk, 0, buf, 1), -EXO_EIO);
        ck_assert_uint_eq(machine.now, begin);
        close_disk(blk);
    }
}
END_TEST

START_TEST(ahci_passes_on_what_the_disk_refuses)
{
    uint8_t buf[512] = {0};
    struct blk *blk = open_disk();
    machine.lie = REFUSING;
    ck_assert_int_eq(blk_read(blk, 0, buf, 1), -EXO_EIO);
    ck_assert_int_eq(blk_write(blk, 0, buf, 1), -EXO_EIO);
    machine.lie = HONEST; // one bad sector is no broken port
    *reg(TASK_FILE) = 0x50;
    ck_assert_int_eq(blk_read(blk, 0, buf, 1), 0);
    close_disk(blk);
}
END_TEST

START_TEST(ahci_port_that_does_not_come_up_is_left)
{
    static const struct {
        enum lie lie;
        uint32_t task_file;
    } cases[] = {{SILENT, 0x50}, {STOPPING, 0x50}, {VANISHING, 0x50},
                 {BUSY, 0x80},   {BUSY, 0x08},     {UNSTOPPABLE, 0x50}};
    for (size_t i = 0; i < EXO_COUNT(cases); i++) {
        machine_init();
        machine.lie = cases[i].lie;
        *reg(TASK_FILE) = cases[i].task_file;
        refuses(PLACE, -EXO_EIO);
    }
}
END_TEST

START_TEST(ahci_opens_disks_only)
{
    machine_init();
    refuses(0, -EXO_ENOENT); // not implemented
    refuses(31, -EXO_ENOENT);
    *reg(HBA_IMPLEMENTED) = UINT32_MAX;
    refuses(2, -EXO_ENOENT); // implemented, it says, but outside of its registers
    machine.window_bytes = 0x80;
    refuses(PLACE, -EXO_ENOTSUP);
    machine_init();
    *reg(SATA_STATUS) = 0; // nobody there
    refuses(PLACE, -EXO_ENOENT);
    machine_init();
    *reg(SIGNATURE) = 0xeb140101; // a CD drive
    refuses(PLACE, -EXO_ENOENT);
}
END_TEST

START_TEST(ahci_believes_no_strange_disk)
{
    static const uint32_t bytes[] = {0, 256, 520, 8192, UINT32_MAX - 1};
    for (size_t i = 0; i < EXO_COUNT(bytes); i++) {
        machine_init();
        ata_disk_claim_sector_bytes(&machine.disk, bytes[i]);
        refuses(PLACE, -EXO_EIO);
    }
    machine_init();
    machine.disk.id[83] = 0; // 28-bit addresses only
    refuses(PLACE, -EXO_ENOTSUP);
}
END_TEST

CHECK_MAIN("dev.ahci", ahci_reads_and_writes_sectors, ahci_refuses_sectors_beyond_the_end,
           ahci_command_that_never_ends_is_given_up, ahci_passes_on_what_the_disk_refuses,
           ahci_port_that_does_not_come_up_is_left, ahci_opens_disks_only,
           ahci_believes_no_strange_disk)
