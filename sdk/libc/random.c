// SPDX-License-Identifier: MIT
// random.c - the C library's unpredictable numbers, from core's generator.
//
// arc4random_uniform is picolibc's, over this arc4random. rand and random stay what the C
// standard wants: a sequence that its seed decides.
#include "core/random.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#define GETENTROPY_MAX 256u // POSIX.1-2024

int getentropy(void *out, size_t len)
{
    if (len > GETENTROPY_MAX) {
        errno = EINVAL;
        return -1;
    }
    core_random(out, len);
    return 0;
}

uint32_t arc4random(void)
{
    uint32_t value;
    core_random(&value, sizeof value);
    return value;
}

void arc4random_buf(void *out, size_t len)
{
    core_random(out, len);
}
