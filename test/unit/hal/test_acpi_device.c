// SPDX-License-Identifier: MIT
// test_acpi_device.c - devices out of machine code: as QEMU writes them, as others might, and lies.
#include "hal/acpi_device.h"

#include <stdlib.h>
#include <string.h>

#include "test/support/check_main.h"

#define HEADER 36u

// Machine code being written; a block's length, of two bytes, is filled in at its end.
struct code {
    uint8_t bytes[512];
    size_t len;
};

#define PUT(code, literal) put(code, literal, sizeof(literal) - 1)

static void put(struct code *code, const void *bytes, size_t len)
{
    ck_assert_uint_le(code->len + len, sizeof code->bytes);
    memcpy(code->bytes + code->len, bytes, len);
    code->len += len;
}

static size_t begin(struct code *code)
{
    put(code, "\0\0", 2);
    return code->len - 2;
}

static void end(struct code *code, size_t at)
{
    size_t length = code->len - at;
    code->bytes[at] = (uint8_t)(0x40 | (length & 0x0f));
    code->bytes[at + 1] = (uint8_t)(length >> 4);
}

#define HID        "\x08_HID\x0dLNRO0005\0"
#define DEVICE     "\x5b\x82"
#define MEMORY     "\x86\x09\x00\x01\x00\x20\xb0\xfe\x00\x02\x00\x00" // 512@0xfeb02000
#define WIRE(f, n) "\x89\x06\x00" f "\x01" n "\x00\x00\x00"
#define WIRE_47    WIRE("\x01", "\x2f") // level, active high
#define END        "\x79\x00"

// Name (_CRS, …) of these descriptors, with the size that they have.
static void put_crs(struct code *code, const void *descriptors, size_t len)
{
    PUT(code, "\x08_CRS\x11");
    size_t at = begin(code);
    put(code, (uint8_t[]){0x0a, (uint8_t)len}, 2);
    put(code, descriptors, len);
    end(code, at);
}

#define PUT_CRS(code, literal) put_crs(code, literal, sizeof(literal) - 1)

// As QEMU 7.2's microvm has it.
static void put_device(struct code *code)
{
    PUT(code, DEVICE);
    size_t at = begin(code);
    PUT(code, "VR23" HID "\x08_UID\x0a\x17\x08_CCA\x01");
    PUT_CRS(code, MEMORY WIRE_47 END);
    end(code, at);
}

// What a table with that code says of its `nth` device; at its end the sanitizer watches.
static bool find(const struct code *code, uint32_t nth, struct hal_acpi_device *out)
{
    uint8_t *table = calloc(1, HEADER + code->len);
    memcpy(table + HEADER, code->bytes, code->len);
    bool found = hal_acpi_device((struct cspan){table, HEADER + code->len}, "LNRO0005", &nth, out);
    free(table);
    return found;
}

static void expect(const struct code *code, uint32_t nth, uint64_t at, uint32_t gsi, uint32_t shape)
{
    struct hal_acpi_device device;
    ck_assert(find(code, nth, &device));
    ck_assert_uint_eq(device.at, at);
    ck_assert_uint_eq(device.bytes, 512);
    ck_assert_uint_eq(device.wire.gsi, gsi);
    ck_assert_uint_eq(device.wire.shape, shape);
}

START_TEST(devices_are_found_in_their_order)
{
    struct code code = {.len = 0};
    PUT(&code, "\x10");
    size_t scope = begin(&code);
    PUT(&code, "_SB_" DEVICE "\x10PWRB\x08_HID\x0c\x41\xd0\x0c\x0c");
    put_device(&code);
    PUT(&code, DEVICE);
    size_t device = begin(&code);
    PUT(&code, "VR22" HID);
    PUT_CRS(&code, "\x86\x09\x00\x01\x00\x2c\xb0\xfe\x00\x02\x00\x00" WIRE("\x01", "\x2e") END);
    end(&code, device);
    end(&code, scope);
    PUT(&code, "\x08_S5_\x12\x06\x04\x0a\x05\x00\x00\x00");

    expect(&code, 0, 0xfeb02000, 47, HAL_WIRE_LEVEL);
    expect(&code, 1, 0xfeb02c00, 46, HAL_WIRE_LEVEL);
    struct hal_acpi_device out;
    ck_assert(!find(&code, 2, &out));
}
END_TEST

START_TEST(the_number_falls_by_what_a_table_has)
{
    struct code code = {.len = HEADER};
    put_device(&code);
    put_device(&code);
    uint32_t nth = 5;
    struct hal_acpi_device out;
    ck_assert(!hal_acpi_device((struct cspan){code.bytes, code.len}, "LNRO0005", &nth, &out));
    ck_assert_uint_eq(nth, 3);
    nth = 0;
    ck_assert(!hal_acpi_device((struct cspan){code.bytes, code.len}, "LNRO0006", &nth, &out));
}
END_TEST

START_TEST(a_device_is_found_in_a_device_and_is_not_its_parent)
{
    struct code code = {.len = 0};
    PUT(&code, DEVICE);
    size_t bridge = begin(&code);
    PUT(&code, "\\\x2e_SB_PCI0\x08_HID\x0c\x41\xd0\x0a\x03");
    put_device(&code);
    PUT_CRS(&code, "\x86\x09\x00\x01\x00\x00\x00\x10\x00\x02\x00\x00" WIRE("\x03", "\x05") END);
    end(&code, bridge);
    expect(&code, 0, 0xfeb02000, 47, HAL_WIRE_LEVEL);
    struct hal_acpi_device out;
    ck_assert(!find(&code, 1, &out));
}
END_TEST

// A device's words in any order and between others; `body` is behind its name.
static bool find_body(const void *body, size_t len, struct hal_acpi_device *out)
{
    struct code code = {.len = 0};
    PUT(&code, DEVICE);
    size_t device = begin(&code);
    put(&code, body, len);
    PUT_CRS(&code, MEMORY WIRE_47 END);
    end(&code, device);
    return find(&code, 0, out);
}

#define FIND_BODY(literal) find_body(literal, sizeof(literal) - 1, &(struct hal_acpi_device){0})

START_TEST(words_of_other_kinds_are_passed_over)
{
    ck_assert(FIND_BODY("V000" HID));
    ck_assert(FIND_BODY("^^V000" HID));
    ck_assert(FIND_BODY("\x2f\x03_SB_PCI0V000" HID));
    ck_assert(FIND_BODY("V000" HID "\x08_UID\x0d\x56\x30\0"));              // a string
    ck_assert(FIND_BODY("V000" HID "\x08PACK\x12\x07\x02\x0a\x01\x0dx\0")); // a package
    ck_assert(FIND_BODY("V000" HID "\x08WIDE\x0e\x01\x02\x03\x04\x05\x06\x07\x08"));
    ck_assert(FIND_BODY("V000\x14\x09_STA\x00\xa4\x0a\x0f" HID)); // a method
    ck_assert(FIND_BODY("V000\x5b\x81\x0bREGS\x43XXXX\x20" HID)); // fields
    ck_assert(FIND_BODY("V000" HID "\x08_STA\x0a\x0f"));          // present
    ck_assert(FIND_BODY("V000" HID "\x08_STA\xff"));              // all ones
    ck_assert(FIND_BODY("V000" HID "\x08_HID\x0dOTHER000\0"));    // the first counts
}
END_TEST

START_TEST(what_is_another_device_or_none_is_not_found)
{
    ck_assert(!FIND_BODY("V000"));
    ck_assert(!FIND_BODY("V000\x08_HID\x0dLNRO0006\0"));
    ck_assert(!FIND_BODY("V000\x08_HID\x0dLNRO00055\0"));
    ck_assert(!FIND_BODY("V000\x08_HID\x0dLNRO000\0"));
    ck_assert(!FIND_BODY("V000\x08_HID\x0c\x41\xd0\x0c\x0c"));
    ck_assert(!FIND_BODY("V000\x08_CID\x0dLNRO0005\0"));
    ck_assert(!FIND_BODY("V000" HID "\x08_STA\x00"));                        // absent
    ck_assert(!FIND_BODY("V000\x14\x15_HID\x00\xa4\x0dLNRO0005\0\0\0\0\0")); // computed
    ck_assert(!FIND_BODY("V000" HID "\x70\x01\x60"));             // lost: Store (1, Local0)
    ck_assert(!FIND_BODY("V000" HID "\x08_UID\x0dx"));            // a string without end
    ck_assert(!FIND_BODY("V000" HID "\x08LIES\x12\x7f\xff\x00")); // a package far too long
    ck_assert(!FIND_BODY("V000" HID "\x08LIES\x12\x00"));         // or shorter than itself
    ck_assert(!FIND_BODY("\x2f\xff"));
}
END_TEST

static bool find_crs(const void *descriptors, size_t len, struct hal_acpi_device *out)
{
    struct code code = {.len = 0};
    PUT(&code, DEVICE);
    size_t device = begin(&code);
    PUT(&code, "V000" HID);
    put_crs(&code, descriptors, len);
    end(&code, device);
    return find(&code, 0, out);
}

#define FIND_CRS(literal, out) find_crs(literal, sizeof(literal) - 1, out)

START_TEST(the_wire_has_the_shape_that_is_told)
{
    static const struct {
        char flags;
        uint32_t shape;
    } table[] = {
        {0x00, HAL_WIRE_LEVEL},
        {0x01, HAL_WIRE_LEVEL},
        {0x03, 0},
        {0x05, HAL_WIRE_LEVEL | HAL_WIRE_ACTIVE_LOW},
        {0x1f, HAL_WIRE_ACTIVE_LOW},
    };
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        char crs[] = MEMORY WIRE("\x01", "\x2f") END;
        struct hal_acpi_device out;
        crs[15] = table[i].flags;
        ck_assert(FIND_CRS(crs, &out));
        ck_assert_uint_eq(out.wire.shape, table[i].shape);
    }
}
END_TEST

START_TEST(the_first_window_and_the_first_wire_count)
{
    struct hal_acpi_device out;
    ck_assert(FIND_CRS("\x47\x01\xf8\x03\xf8\x03\x00\x08" WIRE("\x03", "\x10") MEMORY WIRE_47
                       "\x86\x09\x00\x01\x00\x00\x00\x10\x00\x04\x00\x00" END,
                       &out));
    ck_assert_uint_eq(out.at, 0xfeb02000);
    ck_assert_uint_eq(out.bytes, 512);
    ck_assert_uint_eq(out.wire.gsi, 16);
    ck_assert_uint_eq(out.wire.shape, 0);
    ck_assert(FIND_CRS(MEMORY "\x89\x0a\x00\x01\x02\x18\x00\x00\x00\x19\x00\x00\x00" END, &out));
    ck_assert_uint_eq(out.wire.gsi, 24);
}
END_TEST

START_TEST(resources_that_lack_something_or_lie_are_none)
{
    struct hal_acpi_device out;
    ck_assert(!FIND_CRS("", &out));
    ck_assert(!FIND_CRS(END, &out));
    ck_assert(!FIND_CRS(MEMORY END, &out));
    ck_assert(!FIND_CRS(WIRE_47 END, &out));
    ck_assert(!FIND_CRS(MEMORY END WIRE_47, &out));                            // behind the end
    ck_assert(!FIND_CRS(MEMORY "\x89\x06\x00\x01\x00\x2f\x00\x00\x00", &out)); // no wire in it
    ck_assert(!FIND_CRS(MEMORY "\x89\x05\x00\x01\x01\x2f\x00\x00\x00", &out)); // too short for it
    ck_assert(!FIND_CRS(MEMORY "\x89\x07\x00\x01\x01\x2f\x00\x00\x00", &out)); // past the list
    ck_assert(!FIND_CRS(MEMORY "\x89\xff\xff\x01\x01\x2f\x00\x00\x00", &out));
    ck_assert(!FIND_CRS(MEMORY "\x89\x06", &out));
    ck_assert(!FIND_CRS("\x86\x08\x00\x01\x00\x20\xb0\xfe\x00\x02\x00" WIRE_47 END, &out));
    ck_assert(!FIND_CRS("\x86\x09\x00\x01\x00\x20\xb0\xfe\x00\x00\x00\x00" WIRE_47 END, &out));
}
END_TEST

// Whatever a table says, nothing outside of it is read; the sanitizer would tell.
START_TEST(no_table_is_read_behind_its_end)
{
    struct code whole = {.len = 0};
    struct hal_acpi_device out;
    put_device(&whole);
    ck_assert(find(&whole, 0, &out));
    for (size_t len = 0; len < whole.len; len++) {
        struct code cut = whole;
        cut.len = len;
        ck_assert(!find(&cut, 0, &out));
    }
    for (size_t i = 0; i < whole.len; i++) {
        for (uint32_t value = 0; value <= UINT8_MAX; value++) {
            struct code other = whole;
            other.bytes[i] = (uint8_t)value;
            find(&other, 0, &out);
        }
    }
}
END_TEST

CHECK_MAIN("hal.acpi_device", devices_are_found_in_their_order,
           the_number_falls_by_what_a_table_has,
           a_device_is_found_in_a_device_and_is_not_its_parent,
           words_of_other_kinds_are_passed_over, what_is_another_device_or_none_is_not_found,
           the_wire_has_the_shape_that_is_told, the_first_window_and_the_first_wire_count,
           resources_that_lack_something_or_lie_are_none, no_table_is_read_behind_its_end)
