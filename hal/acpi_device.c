// SPDX-License-Identifier: MIT
// acpi_device.c - finds devices by their hardware identifier, and reads their resources.
#include "hal/acpi_device.h"

#include <string.h>

#include "hal/acpi.h"
#include "hal/aml.h"
#include "hal/le.h"

enum { // resource descriptors (§6.4): small ones have their length in the tag
    LARGE = 0x80,
    MEMORY32_FIXED = 0x86,
    INTERRUPT = 0x89,
    END_KIND = 0x0f,
};

#define STATUS_PRESENT 1u // §6.3.7

enum { // an interrupt's flags (§6.4.3.6)
    EDGE = 2,
    ACTIVE_LOW = 4,
};

// What a device says of itself, unread; null where it says nothing.
struct words {
    struct cspan hid;
    struct cspan crs;
    struct cspan status;
};

// ---- resources ----

// Of a descriptor `kind` is its tag, without the length where that is in it.
static bool take_descriptor(struct cspan list, size_t *at, uint8_t *kind, struct cspan *out)
{
    uint8_t tag = hal_aml_byte(list, *at);
    bool is_large = tag & LARGE;
    size_t head = is_large ? 3 : 1;
    size_t bytes = tag & 7;
    if (*at + head > list.len)
        return false;
    if (is_large)
        bytes = hal_le16(list.ptr + *at + 1);
    *at += head;
    if (bytes > list.len - *at)
        return false;
    *kind = is_large ? tag : tag >> 3;
    *out = (struct cspan){list.ptr + *at, bytes};
    *at += bytes;
    return true;
}

// information, base, length
static void read_memory(struct cspan descriptor, struct hal_acpi_device *out)
{
    if (descriptor.len < 9 || out->bytes)
        return;
    out->at = hal_le32(descriptor.ptr + 1);
    out->bytes = hal_le32(descriptor.ptr + 5);
}

// flags, number of wires, wires
static bool read_wire(struct cspan descriptor, struct hal_wire *out)
{
    if (descriptor.len < 6 || descriptor.ptr[1] == 0)
        return false;
    uint8_t flags = descriptor.ptr[0];
    out->gsi = hal_le32(descriptor.ptr + 2);
    out->shape =
        (flags & EDGE ? 0 : HAL_WIRE_LEVEL) | (flags & ACTIVE_LOW ? HAL_WIRE_ACTIVE_LOW : 0);
    return true;
}

// Buffer (size) {descriptors …}. True if both of what is looked for are among them.
static bool read_resources(struct cspan buffer, struct hal_acpi_device *out)
{
    struct cspan list, descriptor;
    size_t at = 1;
    uint64_t size;
    uint8_t kind;
    if (hal_aml_byte(buffer, 0) != AML_BUFFER || !hal_aml_package(buffer, &at, &list))
        return false;
    at = 0;
    if (!hal_aml_integer(list, &at, &size))
        return false;
    if (size < list.len - at)
        list.len = at + size;
    bool is_wired = false;
    *out = (struct hal_acpi_device){.bytes = 0};
    while (take_descriptor(list, &at, &kind, &descriptor) && kind != END_KIND) {
        if (kind == MEMORY32_FIXED)
            read_memory(descriptor, out);
        else if (kind == INTERRUPT && !is_wired)
            is_wired = read_wire(descriptor, &out->wire);
    }
    return is_wired && out->bytes;
}

// ---- devices ----

static bool is(struct cspan name, const char *segment)
{
    return name.len == AML_SEGMENT_BYTES && memcmp(name.ptr, segment, name.len) == 0;
}

static bool take_word(struct cspan body, size_t *at, struct words *out)
{
    struct cspan name, value;
    ++*at;
    if (!hal_aml_name(body, at, &name) || !hal_aml_object(body, at, &value))
        return false;
    struct cspan *place = is(name, "_HID")   ? &out->hid
                          : is(name, "_CRS") ? &out->crs
                          : is(name, "_STA") ? &out->status
                                             : NULL;
    if (place && !place->ptr)
        *place = value;
    return true;
}

// Its own words: those of devices within it are passed over with them.
static struct words read_words(struct cspan body)
{
    struct words words = {.hid = {NULL, 0}};
    size_t at = 0;
    for (bool goes_on = true; goes_on && at < body.len;)
        goes_on =
            body.ptr[at] == AML_NAME ? take_word(body, &at, &words) : hal_aml_block(body, &at);
    return words;
}

static bool is_absent(struct cspan status)
{
    size_t at = 0;
    uint64_t value;
    return hal_aml_integer(status, &at, &value) && !(value & STATUS_PRESENT);
}

// A string, the zero behind it included.
static bool is_string(struct cspan object, const char *text)
{
    size_t bytes = strlen(text) + 1;
    return object.len == 1 + bytes && object.ptr[0] == AML_STRING &&
           memcmp(object.ptr + 1, text, bytes) == 0;
}

// Device (X) {…} at `at`, where two bytes look like it.
static bool read_device(struct cspan table, size_t at, const char *hid, struct hal_acpi_device *out)
{
    struct cspan body, name;
    size_t begin = 0;
    at += 2;
    if (!hal_aml_package(table, &at, &body) || !hal_aml_name(body, &begin, &name))
        return false;
    body = (struct cspan){body.ptr + begin, body.len - begin};
    struct words words = read_words(body);
    return is_string(words.hid, hid) && !is_absent(words.status) && read_resources(words.crs, out);
}

bool hal_acpi_device(struct cspan table, const char *hid, uint32_t *nth,
                     struct hal_acpi_device *out)
{
    for (size_t at = HAL_ACPI_HEADER_BYTES; at + 1 < table.len; at++) {
        if (table.ptr[at] == AML_EXTENDED && table.ptr[at + 1] == AML_DEVICE &&
            read_device(table, at, hid, out) && (*nth)-- == 0)
            return true;
    }
    return false;
}
