// SPDX-License-Identifier: MIT
// panic_word.c - finds panic= among the words of a command line.
#include "core/panic_word.h"

#include <string.h>

#include "exo/bits.h"

static const char *const words[] = {
    [PANIC_EXIT] = "exit",
    [PANIC_RESET] = "reset",
    [PANIC_HALT] = "halt",
    [PANIC_OFF] = "off",
};

// The text behind the first word that begins with panic=, or null. Word by word, for strstr
// would bring its search for long needles into every image.
static const char *find(const char *cmdline)
{
    static const char name[] = "panic=";
    for (const char *at = cmdline; *at; at += strcspn(at, " ")) {
        at += strspn(at, " ");
        if (strncmp(at, name, sizeof(name) - 1) == 0)
            return at + sizeof(name) - 1;
    }
    return NULL;
}

bool panic_word(const char *cmdline, enum panic_end *out)
{
    *out = PANIC_EXIT;
    const char *word = find(cmdline);
    if (!word)
        return true;
    size_t len = strcspn(word, " ");
    for (size_t i = 0; i < EXO_COUNT(words); i++) {
        if (strlen(words[i]) == len && memcmp(words[i], word, len) == 0) {
            *out = (enum panic_end)i;
            return true;
        }
    }
    return false;
}
