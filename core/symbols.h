// SPDX-License-Identifier: MIT
// symbols.h - which function an address of the image is in.
//
// The table lies in the image, filled in after linking (sdk/bin/exocore_cli/symbols.py):
//
//     header | entries, ascending by offset | zero-terminated names
//
// It is read as if anybody could have written it, since the reader is a report about a
// machine that has gone wrong. Pure.
#ifndef CORE_SYMBOLS_H
#define CORE_SYMBOLS_H

#include "exo/types.h"

#define SYMBOLS_MAGIC 0x314d5953u // "SYM1"

struct symbols_header {
    uint32_t magic;
    uint32_t count;          // entries behind this header; 0 if nobody filled them in
    uint32_t strings_offset; // of the names, from the header
    uint32_t bytes;          // of all three parts
};

struct symbols_entry {
    uint32_t offset; // of the function, from the start of the image
    uint32_t size;   // bytes; 0 for a label in assembly: up to the next one
    uint32_t name;   // offset into the names
};

// Finds the function that `offset` from the image's start is in, in a table that may
// take up to `bytes_max`. Returns its name and how far inside it is, or null.
const char *symbols_find(const void *table, size_t bytes_max, uint32_t offset, uint32_t *inside);

#endif
