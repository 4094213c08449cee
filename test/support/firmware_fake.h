// SPDX-License-Identifier: MIT
// firmware_fake.h - a board's memory with a firmware's tables in it, as hal's parsers see it.
//
// Each piece is an allocation of its own and exactly as long, so that the address sanitizer
// sees a read beyond it; what lies between pieces cannot be seen at all.
#ifndef TEST_SUPPORT_FIRMWARE_FAKE_H
#define TEST_SUPPORT_FIRMWARE_FAKE_H

#include <stdlib.h>
#include <string.h>

#include "hal/firmware.h"

#define FIRMWARE_FAKE_MAX 24

struct firmware_fake {
    struct hal_firmware firmware; // to be handed to the parsers
    uint32_t count;
    struct {
        uint64_t pa, bytes;
        uint8_t *mem;
    } pieces[FIRMWARE_FAKE_MAX];
    uint32_t lies;
    const char *last_lie;
};

static inline const uint8_t *firmware_fake_view(void *ctx, uint64_t pa, uint64_t bytes)
{
    struct firmware_fake *fake = ctx;
    for (uint32_t i = 0; i < fake->count; i++) {
        uint64_t offset = pa - fake->pieces[i].pa;
        if (offset <= fake->pieces[i].bytes && bytes <= fake->pieces[i].bytes - offset)
            return fake->pieces[i].mem + offset;
    }
    return NULL;
}

static inline void firmware_fake_lie(void *ctx, const char *what, uint64_t where)
{
    struct firmware_fake *fake = ctx;
    (void)where;
    fake->lies++;
    fake->last_lie = what;
}

static inline void firmware_fake_init(struct firmware_fake *fake)
{
    *fake = (struct firmware_fake){.firmware = {firmware_fake_view, firmware_fake_lie, fake}};
}

static inline void firmware_fake_fini(struct firmware_fake *fake)
{
    for (uint32_t i = 0; i < fake->count; i++)
        free(fake->pieces[i].mem);
}

// Puts bytes at `pa` and returns where they can be changed.
static inline uint8_t *firmware_fake_put(struct firmware_fake *fake, uint64_t pa, const void *bytes,
                                         uint64_t len)
{
    uint8_t *mem = memcpy(malloc(len ? len : 1), bytes, len);
    fake->pieces[fake->count].pa = pa;
    fake->pieces[fake->count].bytes = len;
    fake->pieces[fake->count++].mem = mem;
    return mem;
}

// Changes the byte at `at` so that all of them add up to zero.
static inline void firmware_fake_sum(uint8_t *bytes, size_t len, size_t at)
{
    uint8_t sum = 0;
    for (size_t i = 0; i < len; i++)
        sum = (uint8_t)(sum + (i == at ? 0 : bytes[i]));
    bytes[at] = (uint8_t)-sum;
}

#define FIRMWARE_FAKE_TABLE_MAX 512u

// Puts a table of ACPI's at `pa`, sound: a header, then `body`.
static inline uint8_t *firmware_fake_table(struct firmware_fake *fake, uint64_t pa,
                                           const char *signature, const void *body, size_t len)
{
    uint8_t table[FIRMWARE_FAKE_TABLE_MAX] = {0};
    uint32_t bytes = (uint32_t)(36 + len);
    memcpy(table, signature, 4);
    memcpy(table + 4, &bytes, sizeof(bytes));
    memcpy(table + 36, body, len);
    firmware_fake_sum(table, bytes, 9);
    return firmware_fake_put(fake, pa, table, bytes);
}

// Puts a root pointer at `pa`: of the first version, with an RSDT alone, if `xsdt` is 0.
static inline uint8_t *firmware_fake_root(struct firmware_fake *fake, uint64_t pa, uint32_t rsdt,
                                          uint64_t xsdt)
{
    uint8_t rsdp[36] = "RSD PTR ";
    uint32_t bytes = sizeof(rsdp);
    rsdp[15] = xsdt ? 2 : 0;
    memcpy(rsdp + 16, &rsdt, sizeof(rsdt));
    memcpy(rsdp + 20, &bytes, sizeof(bytes));
    memcpy(rsdp + 24, &xsdt, sizeof(xsdt));
    firmware_fake_sum(rsdp, 20, 8);
    firmware_fake_sum(rsdp, sizeof(rsdp), 32);
    return firmware_fake_put(fake, pa, rsdp, xsdt ? sizeof(rsdp) : 20);
}

#endif
