// SPDX-License-Identifier: MIT
// virtio_rng.h - the virtio entropy device (1.2 §5.4): the hypervisor's random bytes.
//
// Nobody keeps it open: it is looked for, asked once, and given back.
#ifndef DEV_VIRTIO_RNG_H
#define DEV_VIRTIO_RNG_H

#include "exo/types.h"

#define VIRTIO_RNG_BYTES_MAX 1024u

// Asks the first entropy device of the machine for at most `len` bytes. Returns how many it
// gave, 1 … len. What they are worth is for the caller to judge: the device may say anything.
//
// Errors: -EXO_ENODEV  the machine has none that we can drive.
//         -EXO_EBUSY   it has an owner.
//         -EXO_ENOMEM  no frame to ask with.
//         -EXO_EIO     it gave nothing in a second, nothing but zeros, or claims what
//                      cannot be. The log says which.
int virtio_rng_read(void *out, uint32_t len);

#endif
