// SPDX-License-Identifier: MIT
// test_symbols.c - the symbol table, whole and broken.
#include "core/symbols.h"

#include <string.h>

#include "test/support/check_main.h"

static struct {
    struct symbols_header header;
    struct symbols_entry entries[3];
    char names[18];
} table;

static void setup(void)
{
    table.header = (struct symbols_header){SYMBOLS_MAGIC, 3, sizeof(table.header) + 36, 70};
    table.entries[0] = (struct symbols_entry){0x100, 0x40, 0};
    table.entries[1] = (struct symbols_entry){0x140, 0, 6}; // a label in assembly
    table.entries[2] = (struct symbols_entry){0x200, 0x10, 12};
    memcpy(table.names, "first\0label\0third", 18);
}

static void expect(uint32_t offset, const char *name, uint32_t inside_expected)
{
    uint32_t inside = 0;
    const char *found = symbols_find(&table, sizeof(table), offset, &inside);
    if (!name) {
        ck_assert_ptr_null(found);
        return;
    }
    ck_assert_ptr_nonnull(found);
    ck_assert_str_eq(found, name);
    ck_assert_uint_eq(inside, inside_expected);
}

START_TEST(symbols_finds_functions_by_address)
{
    setup();
    expect(0xff, NULL, 0);
    expect(0x100, "first", 0);
    expect(0x13f, "first", 0x3f);
    expect(0x140, "label", 0);
    expect(0x1ff, "label", 0xbf); // without a size: up to the next one
    expect(0x20f, "third", 0xf);
    expect(0x210, NULL, 0);
    expect(UINT32_MAX, NULL, 0);
}
END_TEST

START_TEST(symbols_says_nothing_from_a_broken_table)
{
    uint32_t inside;
    setup();
    for (size_t bytes = 0; bytes < 70; bytes++)
        ck_assert_ptr_null(symbols_find(&table, bytes, 0x100, &inside));
    table.header.count = 0;
    expect(0x100, NULL, 0);

    setup();
    table.header.count = UINT32_MAX;
    expect(0x100, NULL, 0);

    setup();
    table.header.strings_offset = UINT32_MAX;
    expect(0x100, NULL, 0);

    setup();
    table.entries[0].name = 18;
    expect(0x100, NULL, 0);

    setup();
    table.names[17] = 'x'; // the last name never ends
    expect(0x200, NULL, 0);
    expect(0x100, "first", 0);

    setup();
    table.header.magic++;
    expect(0x100, NULL, 0);
}
END_TEST

CHECK_MAIN("core.symbols", symbols_finds_functions_by_address,
           symbols_says_nothing_from_a_broken_table)
