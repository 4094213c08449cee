// SPDX-License-Identifier: MIT
// random_device.c - brings a device's bytes to core's generator.
#include "sdk/glue/random_device.h"

#include "core/random.h"
#include "dev/virtio_rng.h"

#include <string.h>

#define BITS_ENOUGH 256u // the generator's key

void random_from_devices(void)
{
    uint8_t bytes[64];
    if (core_random_bits() >= BITS_ENOUGH)
        return;
    int got = virtio_rng_read(bytes, sizeof bytes);
    if (got > 0)
        core_random_add("virtio-rng", bytes, (size_t)got, (uint32_t)got * 8);
    explicit_bzero(bytes, sizeof bytes);
}
