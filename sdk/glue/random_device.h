// SPDX-License-Identifier: MIT
// random_device.h - entropy from the machine's devices, where the CPU has too little.
//
// The sockets' glue does it by itself. An app without them that needs good random numbers,
// and USES dev, calls it once before its first one.
#ifndef SDK_GLUE_RANDOM_DEVICE_H
#define SDK_GLUE_RANDOM_DEVICE_H

// Asks the hypervisor's entropy device (dev/virtio_rng.h), if core_random's seed is worth less
// than 256 bits. Where there is none, or it fails, nothing changes.
void random_from_devices(void);

#endif
