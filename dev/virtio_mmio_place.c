// SPDX-License-Identifier: MIT
// virtio_mmio_place.c - reads the command line, and asks ACPI.
#include "dev/virtio_mmio_place.h"

#include "core/acpi.h"
#include "core/core_main.h"
#include "dev/virtio_mmio.h"
#include "exo/bits.h"

#define HID "LNRO0005" // of a virtio device with its registers in memory

// ---- the command line ----

// Of a hexadecimal digit, small or capital; of anything else 16.
static uint32_t digit_of(char c)
{
    uint32_t decimal = (uint32_t)c - '0';
    uint32_t letter = ((uint32_t)c | 0x20) - 'a';
    return decimal < 10 ? decimal : letter < 6 ? letter + 10 : 16;
}

// Reads a number, with 0x in front or without, and moves on behind it. False if there is none
// or if it is larger than anything a place is told by.
static bool take_number(const char **text, uint64_t *out)
{
    const char *at = *text;
    bool is_hex = at[0] == '0' && (at[1] | 0x20) == 'x';
    uint32_t base = is_hex ? 16 : 10;
    const char *first = at += is_hex ? 2 : 0;
    *out = 0;
    for (uint32_t digit; (digit = digit_of(*at)) < base; at++) {
        if (*out > UINT64_MAX >> 5)
            return false;
        *out = *out * base + digit;
    }
    *text = at;
    return at != first;
}

static uint32_t take_unit_shift(const char **text)
{
    uint32_t unit = (uint32_t)(*text)[0] | 0x20;
    uint32_t shift = unit == 'k' ? 10 : unit == 'm' ? 20 : unit == 'g' ? 30 : 0;
    *text += shift != 0;
    return shift;
}

static bool take_char(const char **text, char c)
{
    bool is_there = **text == c;
    *text += is_there;
    return is_there;
}

// What stands between words, or the end.
static bool is_gap(char c)
{
    return (uint8_t)c <= ' ';
}

// SIZE@BASE:GSI, and an :ID that says nothing to us. What is missing is not moved past, so
// nothing but the last answer matters.
static bool take_place(const char *text, struct virtio_mmio_place *out)
{
    uint64_t gsi = 0, id;
    bool good = take_number(&text, &out->bytes);
    out->bytes <<= take_unit_shift(&text);
    good &= take_char(&text, '@');
    good &= take_number(&text, &out->at.v);
    good &= take_char(&text, ':');
    good &= take_number(&text, &gsi);
    if (take_char(&text, ':'))
        good &= take_number(&text, &id);
    if (!good)
        return false;
    out->wire = (struct hal_wire){.gsi = (uint32_t)gsi};
    out->has_shape = false;
    bool fits = (gsi <= UINT32_MAX) & (out->bytes >= VIRTIO_MMIO_BYTES);
    return fits & exo_is_aligned(out->at.v, 4) & is_gap(*text);
}

// Where `at` goes on behind `word`; null if it does not begin with it.
static const char *behind(const char *at, const char *word)
{
    for (; *word; word++, at++) {
        if (*at != *word)
            return NULL;
    }
    return at;
}

bool virtio_mmio_place(const char *cmdline, uint32_t nth, struct virtio_mmio_place *out)
{
    bool begins = true;
    for (const char *at = cmdline; *at; begins = is_gap(*at++)) {
        const char *place = begins ? behind(at, "virtio_mmio.device=") : NULL;
        if (place && take_place(place, out) && nth-- == 0)
            return true;
    }
    return false;
}

// ---- ACPI ----

static bool take_device(const struct hal_acpi_device *device, struct virtio_mmio_place *out)
{
    *out = (struct virtio_mmio_place){
        .at = {device->at}, .bytes = device->bytes, .wire = device->wire, .has_shape = true};
    return out->bytes >= VIRTIO_MMIO_BYTES && exo_is_aligned(out->at.v, 4);
}

static bool is_named(struct pa at)
{
    struct virtio_mmio_place place;
    for (uint32_t n = 0; virtio_mmio_place(core_cmdline(), n, &place); n++) {
        if (place.at.v == at.v)
            return true;
    }
    return false;
}

// ---- devices of a type ----

bool virtio_mmio_named(uint32_t type, uint32_t *nth, struct virtio_mmio_place *out)
{
    for (uint32_t n = 0; virtio_mmio_place(core_cmdline(), n, out); n++) {
        if (virtio_mmio_type(out) == type && (*nth)-- == 0)
            return true;
    }
    return false;
}

bool virtio_mmio_described(uint32_t type, uint32_t *nth, struct virtio_mmio_place *out)
{
    struct hal_acpi_device device;
    for (uint32_t n = 0; core_acpi_device(HID, n, &device) == 0; n++) {
        if (take_device(&device, out) && !is_named(out->at) && virtio_mmio_type(out) == type &&
            (*nth)-- == 0)
            return true;
    }
    return false;
}
