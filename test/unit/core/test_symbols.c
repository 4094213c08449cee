// SPDX-License-Identifier: MIT
// test_symbols.c - the symbol table, whole and broken.
#include "core/symbols.h"

#include <string.h>

#include "test/support/check_main.h"

static struct {
    struct symbols_header header;
    struct symbols_entry entries[3];
    char strings[23];
} table;

static void setup(void)
{
    table.header = (struct symbols_header){SYMBOLS_MAGIC, 3, 64, 64 + sizeof table.strings};
    table.entries[0] = (struct symbols_entry){0x100, 0x40, 0, 18};
    table.entries[1] = (struct symbols_entry){0x140, 0, 6, 5}; // a label in assembly
    table.entries[2] = (struct symbols_entry){0x200, 0x10, 12, 18};
    memcpy(table.strings, "first\0label\0third\0pt.c", sizeof table.strings);
}

static void expect(uint32_t offset, const char *name, uint32_t inside)
{
    struct symbols_place place = {.name = "untouched"};
    bool found = symbols_find(&table, sizeof(table), offset, &place);
    ck_assert_int_eq(found, name != NULL);
    ck_assert_str_eq(place.name, name ? name : "untouched");
    if (!name)
        return;
    ck_assert_str_eq(place.file, strcmp(name, "label") == 0 ? "" : "pt.c");
    ck_assert_uint_eq(place.inside, inside);
}

START_TEST(symbols_finds_a_name_and_a_file_by_address)
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
    struct symbols_place place;
    setup();
    for (size_t bytes = 0; bytes < table.header.bytes; bytes++)
        ck_assert(!symbols_find(&table, bytes, 0x100, &place));
    table.header.count = 0;
    expect(0x100, NULL, 0);

    setup();
    table.header.count = UINT32_MAX;
    expect(0x100, NULL, 0);

    setup();
    table.header.strings_offset = UINT32_MAX;
    expect(0x100, NULL, 0);

    setup();
    table.entries[0].name = sizeof table.strings;
    expect(0x100, NULL, 0);

    setup();
    table.entries[0].file = UINT32_MAX;
    expect(0x100, NULL, 0);

    setup();
    table.strings[22] = 'x'; // the last string never ends
    expect(0x200, NULL, 0);
    expect(0x140, "label", 0);

    setup();
    table.header.magic++;
    expect(0x100, NULL, 0);
}
END_TEST

CHECK_MAIN("core.symbols", symbols_finds_a_name_and_a_file_by_address,
           symbols_says_nothing_from_a_broken_table)
