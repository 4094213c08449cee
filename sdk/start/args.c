// SPDX-License-Identifier: MIT
// args.c - splits a command line.
#include "sdk/start/args.h"

#include <stdbool.h>

#include "exo/bits.h"

// One that ends with "=" stands for all words that begin with it.
static const char reserved[][20] = {
    [ARGS_VIRTIO_MMIO] = "virtio_mmio.device=",
    [ARGS_PANIC] = "panic=",
    [ARGS_NOKASLR] = "nokaslr",
    [ARGS_HEAP_DEBUG] = "heap=debug",
};

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

// Copies the word at *line without its quotes, moves *line behind it and returns where the
// next copy may begin, behind this one's zero.
static char *take_word(const char **line, char *to)
{
    const char *from = *line;
    bool quoted = false;
    for (; *from && (quoted || !is_blank(*from)); from++) {
        bool is_quote = *from == '"';
        quoted ^= is_quote;
        *to = *from;
        to += !is_quote;
    }
    *line = from;
    *to = '\0';
    return to + 1;
}

static bool is_named(const char *word, const char *name)
{
    for (; *name && *word == *name; name++)
        word++;
    return !*name && (!*word || name[-1] == '=');
}

// Its bit in args.seen; 0 for a word that is main's.
static uint32_t reserved_bit(const char *word)
{
    for (uint32_t i = 0; i < EXO_COUNT(reserved); i++) {
        if (is_named(word, reserved[i]))
            return 1u << i;
    }
    return 0;
}

struct args args_split(const char *line, char *bytes, char **argv, size_t max)
{
    struct args args = {0, 0};
    for (;;) {
        while (is_blank(*line))
            line++;
        if (!*line)
            return args;
        char *word = bytes;
        bytes = take_word(&line, word);
        uint32_t bit = reserved_bit(word);
        args.seen |= bit;
        if (bit)
            continue;
        if (args.count < max)
            argv[args.count] = word;
        args.count++;
    }
}
