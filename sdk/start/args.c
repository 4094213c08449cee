// SPDX-License-Identifier: MIT
// args.c - splits a command line.
#include "sdk/start/args.h"

#include <string.h>

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

// Unquotes the word at `from` onto `to` (never behind `from`), ends it with a zero and
// returns the first byte after it.
static char *take_word(char *from, char *to)
{
    bool quoted = false;
    while (*from && (quoted || !is_blank(*from))) {
        if (*from == '"')
            quoted = !quoted;
        else
            *to++ = *from;
        from++;
    }
    char *rest = *from ? from + 1 : from;
    *to = '\0';
    return rest;
}

size_t args_split(char *line, char **argv, size_t max)
{
    size_t count = 0;
    for (;;) {
        while (is_blank(*line))
            line++;
        if (!*line)
            return count;
        if (count < max)
            argv[count] = line;
        count++;
        line = take_word(line, line);
    }
}

size_t args_drop(char **argv, size_t count, const char *name)
{
    size_t length = strlen(name);
    bool is_key = length > 0 && name[length - 1] == '=';
    size_t kept = 0;
    for (size_t i = 0; i < count; i++) {
        if (strncmp(argv[i], name, is_key ? length : length + 1) != 0)
            argv[kept++] = argv[i];
    }
    return kept;
}

bool args_has(const char *line, const char *word)
{
    static const char blanks[] = " \t\r\n";
    size_t len = strlen(word);
    for (;;) {
        line += strspn(line, blanks);
        size_t here = strcspn(line, blanks);
        if (here == 0)
            return false;
        if (here == len && memcmp(line, word, len) == 0)
            return true;
        line += here;
    }
}
