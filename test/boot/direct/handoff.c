// SPDX-License-Identifier: MIT
// handoff.c - what the direct road handed over, held against what the test knows.
//
//     handoff ROAD [KEY=VALUE…]
//
// Keys: loader (how its name begins), rsdp (0 or 1: is there one?), kib_max (memory at most).
#include "core/frame.h"
#include "core/image.h"
#include "core/state.h"
#include "core/symbols.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int failures;

static void expect(bool holds, const char *what)
{
    if (!holds)
        printf("FAIL: %s\n", what);
    failures += !holds;
}

static const char *value_of(const char *word, const char *key)
{
    size_t len = strlen(key);
    return strncmp(word, key, len) == 0 ? word + len : NULL;
}

static void check_word(const char *word)
{
    const struct handoff *handoff = &core_state.handoff;
    const char *value;
    if ((value = value_of(word, "loader=")))
        expect(strncmp(core_state.loader, value, strlen(value)) == 0, "the loader's name");
    else if ((value = value_of(word, "rsdp=")))
        expect((handoff->rsdp != 0) == (*value == '1'), "rsdp");
    else if ((value = value_of(word, "kib_max=")))
        expect(core_frame_stats().total * 4 <= strtoul(value, NULL, 10), "memory that is not ours");
    else
        expect(false, word);
}

static void check_block(uint32_t road)
{
    const struct handoff *handoff = &core_state.handoff;
    uint64_t image_bytes = (uint64_t)(core_image_end - core_image_start);
    expect(handoff->magic == HANDOFF_MAGIC && handoff->version == HANDOFF_VERSION,
           "magic, version");
    expect(handoff->bytes >= sizeof *handoff, "bytes");
    expect(handoff->road == road, "road");
    expect(handoff->boot_drive == 0 && handoff->slot == HANDOFF_SLOT_NONE, "no disk, no slot");
    expect(handoff->tsc_at_entry != 0 && handoff->tsc_at_entry < core_state.tsc_at_core,
           "tsc_at_entry");
    expect(handoff->kernel_pa == 0x100000, "kernel_pa");
    expect(handoff->kernel_va == (uint64_t)core_image_start, "kernel_va");
    expect(handoff->kernel_bytes >= image_bytes && handoff->kernel_bytes % 4096 == 0,
           "kernel_bytes");
    expect(handoff->low_end > 0x1000 && handoff->low_end <= 0xa0000 && handoff->low_end % 4096 == 0,
           "low_end");
    expect(handoff->tables > 0x1000 && handoff->tables < handoff->low_end &&
               handoff->tables % 4096 == 0,
           "tables");
    expect(handoff->map_count > 1, "map_count");
    expect(handoff->fb_base == 0 && handoff->fb_format == 0, "no frame buffer");
}

// The table of symbols lies behind what the linker knew, and must be there whole.
static void check_symbols(void)
{
    const uint32_t *table = (const uint32_t *)core_symbols;
    expect(table[0] == SYMBOLS_MAGIC && table[1] > 100, "symbols");
    const char *last = (const char *)core_symbols + table[3] - 1;
    expect(*last == '\0' && last[-1] != '\0', "symbols end where they say");
}

static int zero_until_now[1024]; // bss

int main(int argc, char **argv)
{
    if (argc < 2)
        return 2;
    check_block((uint32_t)strtoul(argv[1], NULL, 10));
    check_symbols();
    for (size_t i = 0; i < 1024; i++)
        expect(zero_until_now[i] == 0, "bss");
    for (int i = 2; i < argc; i++)
        check_word(argv[i]);
    printf("handoff: %s, %d failures\n", core_state.loader, failures);
    return failures != 0;
}
