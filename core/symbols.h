// SPDX-License-Identifier: MIT
// symbols.h - what an address of the image is part of: a function or a variable, and of which
// source file.
//
// The table lies in the image, filled in after linking (sdk/bin/exocore_cli/symbols.py):
//
//     header | entries, ascending by offset | zero-terminated strings
//
// It is read as if anybody could have written it, since the reader is a report about a
// machine that has gone wrong. Pure.
#ifndef CORE_SYMBOLS_H
#define CORE_SYMBOLS_H

#include "exo/types.h"

#define SYMBOLS_MAGIC 0x324d5953u // "SYM2"

struct symbols_header {
    uint32_t magic;
    uint32_t count;          // entries behind this header; 0 if nobody filled them in
    uint32_t strings_offset; // of the strings, from the header
    uint32_t bytes;          // of all three parts
};

struct symbols_entry {
    uint32_t offset; // of the symbol, from the start of the image
    uint32_t size;   // bytes; 0 for a label in assembly: up to the next one
    uint32_t name;   // offset into the strings
    uint32_t file;   // the same; of an empty string where the file is not known
};

struct symbols_place {
    const char *name;
    const char *file; // "core/pt.c"; empty if nobody knows
    uint32_t inside;  // bytes from the symbol's start
};

// Finds the symbol that `offset` from the image's start is in, in a table that may take up
// to `bytes_max`. False if there is none; `out` is not changed then.
bool symbols_find(const void *table, size_t bytes_max, uint32_t offset, struct symbols_place *out);

#endif
