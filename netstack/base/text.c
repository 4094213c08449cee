// SPDX-License-Identifier: MIT
// text.c - digits, last first.
#include "netstack/base/text.h"

char *text_decimal(char *end, uint64_t value)
{
    do
        *--end = (char)('0' + value % 10);
    while (value /= 10);
    return end;
}

char *text_ip4(char *end, struct ip4 addr)
{
    for (int i = 3; i >= 0; i--) {
        if (i != 3)
            *--end = '.';
        end = text_decimal(end, addr.b[i]);
    }
    return end;
}
